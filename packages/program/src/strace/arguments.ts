/** What the arguments and results of logged calls are to the kernel: 64-bit words, sets of bits, paths. */
import { type StraceResult, type StraceValue, smallValue, utf8Text } from '@faultline/formats';
import { linuxConstant } from '../linux-abi.js';

/** A call of the log that has come back. */
export interface LoggedCall {
  readonly name: string;
  readonly args: readonly StraceValue[];
  readonly outcome: Outcome;
  /** The path of the descriptor that it gave, under `-y`. */
  readonly annotation: string | undefined;
  /** The line of the log on which it came back. */
  readonly line: number;
}

/** What the log says of a result. */
export type Outcome =
  | { readonly kind: 'success'; readonly value: number }
  | { readonly kind: 'failure'; readonly errno: string }
  /** It never came back, a signal interrupted it, or its result is no number that a kernel gives. */
  | { readonly kind: 'unknown' };

/** What a result says. */
export function outcomeOf({ value, errno }: StraceResult): Outcome {
  if (value === undefined) return { kind: 'unknown' };
  if (errno !== undefined) return { kind: 'failure', errno };
  const result = wordOf(value);
  if (result === undefined) return { kind: 'unknown' };
  return result === -1 ? { kind: 'failure', errno: 'an error' } : { kind: 'success', value: result };
}

const WORD = 1n << 64n;
const SIGN = 1n << 63n;

/** A 64-bit word as system calls here take them: what is 2^63 or more is a number below zero. Undefined for more than 64 bits. */
function wordOf(value: number | bigint): number | undefined {
  if (typeof value === 'number') return value;
  if (value >= WORD || value < -SIGN) return undefined;
  return Number(value >= SIGN ? value - WORD : value);
}

/** An argument as a 64-bit word; undefined when it is none, or is not understood. */
export function word(value: StraceValue | undefined): number | undefined {
  switch (value?.kind) {
    case 'number':
      return wordOf(value.value);
    case 'null':
      return 0;
    case 'named':
      return word(value.value);
    case 'flags': {
      const { bits, unknown } = bitsOf(value);
      return unknown.length === 0 ? bits : undefined;
    }
    default:
      return undefined;
  }
}

/** An argument that is a C int, such as a descriptor: under `-e raw` strace shows -1 as 0xffffffff. */
export function int(value: StraceValue | undefined): number | undefined {
  const whole = word(value);
  return whole === undefined || whole < 0 || whole >= 2 ** 32 ? whole : whole | 0;
}

/** A set of flags, and the names in it that Linux's headers, as far as they are known here, do not have. */
export interface Bits {
  readonly bits: number;
  readonly unknown: readonly string[];
}

/** An argument as a set of flags. What is neither a known name nor a number is unknown. */
export function bitsOf(value: StraceValue | undefined): Bits {
  if (value?.kind !== 'flags') {
    const bits = value?.kind === 'named' ? undefined : word(value);
    if (bits !== undefined) return { bits, unknown: [] };
    return value?.kind === 'named'
      ? bitsOf(value.value)
      : { bits: 0, unknown: [value === undefined ? 'nothing' : textOf(value)] };
  }
  const set = new Set<number>();
  const unknown: string[] = [];
  for (const name of value.names) {
    const constant = linuxConstant(name);
    if (constant === undefined) unknown.push(name);
    else set.add(constant);
  }
  for (const rest of value.rest) {
    const number = smallValue(rest);
    if (number === undefined) unknown.push(textOf(rest));
    else set.add(number);
  }
  return { bits: union(set), unknown };
}

/** Ors numbers that may have more than 32 bits. */
function union(sets: Iterable<number>): number {
  let low = 0;
  let high = 0;
  for (const set of sets) {
    low |= set;
    high |= Math.floor(set / 2 ** 32);
  }
  return (high >>> 0) * 2 ** 32 + (low >>> 0);
}

function textOf(value: StraceValue): string {
  if (value.kind === 'opaque') return value.text;
  if (value.kind === 'operation') return value.operands.map(textOf).join(value.operator);
  if (value.kind === 'number') return String(value.value);
  return value.kind === 'flags' ? value.names.join('|') : value.kind;
}

/** The text of a string argument, such as a path; undefined for anything else. */
export function pathOf(value: StraceValue | undefined): string | undefined {
  return value?.kind === 'string' ? utf8Text(value.bytes) : undefined;
}

/** The last part of a path. */
export function baseName(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1) || path;
}

/** An address as people read it. */
export function addressText(value: number): string {
  return value < 0 ? String(value) : `0x${value.toString(16)}`;
}
