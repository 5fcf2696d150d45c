/**
 * What an argument in an strace log says, as data.
 *
 *     mmap(NULL, 8192, PROT_READ|PROT_WRITE, MAP_PRIVATE, 3</lib/x.so>, 0x1000)
 *          null  number  flags                flags        number        number
 *
 *     clone3({flags=CLONE_VM, stack_size=0x7fff80} => {parent_tid=[3525]}, 88)
 *            change: from a struct of named values, to a struct       number
 *
 * A place that the reader does not understand is an `opaque` value with its raw text; its neighbours are still understood.
 */

/** Text that strace puts beside a value. */
interface Remarked {
  /** The descriptor's path or the process's name, as `-y` and `-Y` print it in `3</lib/x.so>`; ` (deleted)` may follow a path. */
  readonly annotation?: string;
  /** The text of a comment between slashes and stars: `35 vars` behind a pointer, `PROT_READ` behind 0x1 under `-X verbose`. */
  readonly comment?: string;
}

/** An argument, a field or an element. */
export type StraceValue =
  | StraceNumber
  | StraceNull
  | StraceFlags
  | StraceString
  | StraceArray
  | StraceSet
  | StraceStruct
  | StraceNamed
  | StraceCallValue
  | StraceOperation
  | StraceChange
  | StraceOpaque;

/**
 * A number: `-1`, `0x7f00`, `0666`, and the sums of `8192*1024` and `1<<12`.
 *
 * The value is a number when it is a safe integer and a bigint when it is not, so it is exact either way, and the common case
 * costs nothing. See `exactValue` and `smallValue`.
 */
export interface StraceNumber extends Remarked {
  readonly kind: 'number';
  readonly value: number | bigint;
  /** How it was written. Addresses and masks are in base 16, file modes in base 8. */
  readonly radix: 8 | 10 | 16;
}

/** `NULL`. */
export interface StraceNull extends Remarked {
  readonly kind: 'null';
}

/** `PROT_READ|PROT_WRITE`, `SIGCHLD|0x100`, and any single symbol such as `AT_FDCWD` or `SEEK_SET`. */
export interface StraceFlags extends Remarked {
  readonly kind: 'flags';
  readonly names: readonly string[];
  /** What is or-ed to the names: numbers, and operations such as `21<<MAP_HUGE_SHIFT`. */
  readonly rest: readonly StraceValue[];
}

/** `"text\n"`. */
export interface StraceString extends Remarked {
  readonly kind: 'string';
  readonly bytes: Uint8Array;
  /** strace (`-s`) or this reader (`maxLineLength`) left some of it out at the end. */
  readonly abbreviated: boolean;
}

/** `[1, 2]`, also of structs. */
export interface StraceArray extends Remarked {
  readonly kind: 'array';
  readonly items: readonly StraceValue[];
  /** strace left some of it out: `[1, 2, ...]`. */
  readonly abbreviated: boolean;
}

/** `[USR1 RT_1]`, `~[INT]`, `~[]`: a list without commas, as of signals and of descriptors. One member alone looks like an array. */
export interface StraceSet extends Remarked {
  readonly kind: 'set';
  readonly members: readonly StraceValue[];
  /** Whether the set is everything but its members. */
  readonly complement: boolean;
}

/** `{st_mode=S_IFREG|0644, st_size=34547, ...}`; statuses such as `{WIFEXITED(s) && WEXITSTATUS(s) == 0}` have one unnamed field. */
export interface StraceStruct extends Remarked {
  readonly kind: 'struct';
  readonly fields: readonly StraceValue[];
  /** strace left some of it out: `{...}`. */
  readonly abbreviated: boolean;
}

/** `st_size=34547`, in a struct or among the arguments of calls such as clone. */
export interface StraceNamed extends Remarked {
  readonly kind: 'named';
  readonly name: string;
  readonly value: StraceValue;
}

/** `makedev(0x8, 0x1)`. */
export interface StraceCallValue extends Remarked {
  readonly kind: 'call';
  readonly name: string;
  readonly args: readonly StraceValue[];
}

/** An expression that is not all numbers: `21<<MAP_HUGE_SHIFT`, `WEXITSTATUS(s) == 0`, `~O_CLOEXEC`. */
export interface StraceOperation extends Remarked {
  readonly kind: 'operation';
  readonly operator: string;
  /** Two, or one of a prefix operator. */
  readonly operands: readonly StraceValue[];
}

/** `[4096 => 16]`: what the call found and what it left. */
export interface StraceChange extends Remarked {
  readonly kind: 'change';
  readonly from: StraceValue;
  readonly to: StraceValue;
}

/** Something that this reader does not understand. */
export interface StraceOpaque extends Remarked {
  readonly kind: 'opaque';
  readonly text: string;
}

/** The exact value of a number. */
export function exactValue(number: StraceNumber): bigint {
  return BigInt(number.value);
}

/** The value of a number that is a safe integer, such as any user address; undefined for larger ones and for other values. */
export function smallValue(value: StraceValue | undefined): number | undefined {
  return value?.kind === 'number' && typeof value.value === 'number' ? value.value : undefined;
}

/** The value called `name` among the fields of a struct or the arguments of a call. */
export function namedValue(values: readonly StraceValue[], name: string): StraceValue | undefined {
  for (const value of values) {
    if (value.kind === 'named' && value.name === name) return value.value;
  }
  return undefined;
}

/** Turns an integer into the representation of `StraceNumber.value`. */
export function compactInteger(value: bigint): number | bigint {
  const number = Number(value);
  return Number.isSafeInteger(number) ? number : value;
}
