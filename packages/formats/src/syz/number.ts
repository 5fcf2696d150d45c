/** The integers of syzkaller programs: 64 bits, in the notations of Go's `strconv.ParseUint` with base 0. */
import type { LineCursor } from '../text/line-cursor.js';

const TWO_TO_64 = 1n << 64n;

/** Longer than any spelling of a 64-bit number that a person or a tool would write, underscores included. */
const LONGEST_NUMBER = 160;

/**
 * Reads an unsigned 64-bit integer and the blanks behind it: `0x2a`, `42`, `052`, `0o52`, `0b101010`, with `_` between digits.
 *
 * => throws when there is none, or it does not fit 64 bits.
 */
export function parseUint64(cursor: LineCursor, expected: string): bigint {
  const start = cursor.at;
  const value = uint64Value(cursor.word());
  if (value === undefined) cursor.fail(expected, start);
  if (value >= TWO_TO_64) cursor.fail(`${expected} below 2^64`, start);
  return value;
}

/** Reads an integer that a program counts with, such as `rerun: 4`. */
export function parseCount(cursor: LineCursor, expected: string): number {
  const start = cursor.at;
  const value = parseUint64(cursor, expected);
  if (value > 0x7fffffffn) cursor.fail(`${expected} below 2^31`, start);
  return Number(value);
}

/** Reads a constant; a leading minus gives the two's complement, as `-1` for 0xffffffffffffffff. */
export function parseConst(cursor: LineCursor): bigint {
  const start = cursor.at;
  const negative = cursor.take('-');
  const magnitude = parseUint64(cursor, 'a number');
  if (!negative) return magnitude;
  if (magnitude > TWO_TO_64 / 2n) cursor.fail('a number of -2^63 or more', start);
  return magnitude === 0n ? 0n : TWO_TO_64 - magnitude;
}

function uint64Value(word: string): bigint | undefined {
  if (word.length > LONGEST_NUMBER || word.endsWith('_') || word.includes('__')) return undefined;
  const digits = word.replaceAll('_', '').toLowerCase();
  if (/^(0x[0-9a-f]+|0b[01]+|0o[0-7]+|[1-9][0-9]*|0)$/.test(digits)) return BigInt(digits);
  return /^0[0-7]+$/.test(digits) ? BigInt(`0o${digits.slice(1)}`) : undefined;
}
