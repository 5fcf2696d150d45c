/** What a call is to the executor: what its arguments are, and how it is made. */
import type { NetbsdSystem, Step, User, UserProgram } from '@faultline/kernel';
import type { Parameter, Shape } from './arguments.js';
import type { Tally } from './tally.js';

/** Whose numbers a program uses for flags. */
export type SyzOs = 'netbsd' | 'linux';

/** Who makes a call. */
export interface Caller {
  readonly user: User;
  readonly system: NetbsdSystem;
  readonly tally: Tally;
  /** Which call it is: `mmap (line 3)`. */
  readonly label: string;
  /** What a child does that this call makes; `null` when no child may be made. */
  readonly child: ChildProgram | null;
}

/** What a child does: nothing, or the program. */
export interface ChildProgram {
  readonly program: UserProgram | undefined;
}

/** Makes a call; the result is that of the kernel, minus an errno for a failure. Undefined: it was not made. */
export type Make = (caller: Caller, args: readonly number[]) => Step<number | undefined>;

/** A call that Faultline has. */
export interface CallType {
  readonly parameters: readonly Parameter[];
  /**
   * Where a padding argument stands in the longer form of the call: NetBSD's calls with a `pos_t` have one before it, which
   * programs of some ages write and others do not.
   */
  readonly padding?: number;
  readonly make: Make;
}

/** `int` */
export const INT: Parameter = { kind: 'integer', bits: 32 };
/** `long`, `size_t`, `off_t` */
export const LONG: Parameter = { kind: 'integer', bits: 64 };
/** A descriptor; -1 where there is none. */
export const FD: Parameter = { kind: 'integer', bits: 32, absent: -1n };
/** An address that nothing is stored at. */
export const ADDRESS: Parameter = { kind: 'integer', bits: 64 };
/** Bytes that the call reads. */
export const BYTES: Parameter = { kind: 'pointer', to: { kind: 'bytes' } };
/** Room for bytes that the call writes. */
export const ROOM: Parameter = { kind: 'pointer', to: { kind: 'room' } };

/** A pointer to something. */
export function pointerTo(to: Shape): Parameter {
  return { kind: 'pointer', to };
}

/** `int32`, a descriptor or a number of a process. */
export const INT32: Shape = { kind: 'integer', size: 4, absent: -1n };
/** `intptr` */
export const INT64: Shape = { kind: 'integer', size: 8 };
