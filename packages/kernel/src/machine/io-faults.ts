/**
 * Faults from outside, declared beforehand: the n-th operation of a kind on a disk or file fails, stops in the middle, or takes its time.
 *
 *     { on: 'write', nth: 3, errno: ENOSPC, times: 'all' }     the third write and all after it find no room
 *     { on: 'read', nth: 1, bytes: 512 }                       the first read moves 512 bytes, and no more: EIO
 *     { on: 'sync', delay: 200 }                               the first flush takes two seconds of virtual time
 *
 * A plan is plain data, and what it does depends on nothing but the operations. Faults that may or may not come, for an explorer to try
 * both, are choices of the environment instead (`machine/io.ts`).
 */
import { EIO, type Errno } from '../kern/errno.js';
import type { Stateful, StateWriter } from '../kern/state.js';

/** What is asked of a disk or file. `allocate`: room for a part of a file that was never written; a disk is asked for no such thing. */
export const IO_KINDS = ['read', 'write', 'truncate', 'allocate', 'sync'] as const;

/** What is asked of a disk or file. */
export type IoKind = (typeof IO_KINDS)[number];

/** A fault. A transfer of several pages asks for each page, so each counts. */
export interface IoFault {
  readonly on: IoKind;
  /** Which operation of that kind, from 1. Default 1. */
  readonly nth?: number;
  /** How many in a row; `all` for all from there on. Default 1. */
  readonly times?: number | 'all';
  /** What is answered instead of its being done. */
  readonly errno?: Errno;
  /** A transfer moves so many bytes and then stops: the answer is EIO, if no other is given. */
  readonly bytes?: number;
  /** Ticks of virtual time that it takes. */
  readonly delay?: number;
}

/** What is to go wrong with one disk or file. */
export class IoFaultPlan implements Stateful {
  readonly faults: readonly IoFault[];
  /** Operations so far. */
  readonly #met: Record<IoKind, number> = { read: 0, write: 0, truncate: 0, allocate: 0, sync: 0 };

  /** @throws {RangeError} for a fault that makes no sense */
  constructor(faults: readonly IoFault[]) {
    for (const fault of faults) checkFault(fault);
    this.faults = faults;
  }

  /** An operation begins; answers what goes wrong with it, null for nothing. */
  next(kind: IoKind): { errno: Errno; bytes: number } | null {
    const nth = ++this.#met[kind];
    const fault = this.faults.find((each) => isFailure(each) && strikes(each, kind, nth));
    return fault === undefined ? null : { errno: fault.errno ?? EIO, bytes: fault.bytes ?? 0 };
  }

  /** How long the next operation of a kind is going to take, in ticks. */
  delay(kind: IoKind): number {
    const nth = this.#met[kind] + 1;
    return this.faults.reduce((ticks, fault) => ticks + (strikes(fault, kind, nth) ? (fault.delay ?? 0) : 0), 0);
  }

  /** Tells which operations are still to come. Those after the last fault are all alike. */
  writeState(writer: StateWriter): void {
    for (const kind of IO_KINDS) {
      const last = Math.max(0, ...this.faults.filter(({ on }) => on === kind).map(lastStruck));
      writer.field(kind, Math.min(this.#met[kind], last));
    }
  }
}

function isFailure({ errno, bytes }: IoFault): boolean {
  return errno !== undefined || bytes !== undefined;
}

function strikes(fault: IoFault, kind: IoKind, nth: number): boolean {
  return fault.on === kind && nth >= (fault.nth ?? 1) && (fault.times === 'all' || nth <= lastStruck(fault));
}

/** The last operation that a fault strikes, by its number; of one that strikes all, the first. */
function lastStruck({ nth = 1, times = 1 }: IoFault): number {
  return times === 'all' ? nth : nth + times - 1;
}

function checkFault({ on, nth = 1, times = 1, errno, bytes, delay }: IoFault): void {
  const whole = (what: string, value: number, least: number): void => {
    if (!Number.isSafeInteger(value) || value < least)
      throw new RangeError(`${what} of a fault is a whole number from ${least} up, not ${value}`);
  };
  if (!IO_KINDS.includes(on)) throw new RangeError(`a fault is on ${IO_KINDS.join(', ')}, not on ${String(on)}`);
  whole('nth', nth, 1);
  if (times !== 'all') whole('times', times, 1);
  if (errno !== undefined) whole('errno', errno, 1);
  if (bytes !== undefined) whole('bytes', bytes, 0);
  if (bytes !== undefined && on !== 'read' && on !== 'write')
    throw new RangeError(`${on} moves no bytes, so it cannot stop after ${bytes}`);
  if (delay !== undefined) whole('delay', delay, 1);
  if (errno === undefined && bytes === undefined && delay === undefined)
    throw new RangeError(`a fault on ${on} needs an errno, a number of bytes or a delay`);
}
