/** The numbers of strace logs. */
import { hexDigitValue } from '../text/bytes.js';
import { compactInteger, type StraceNumber } from './value.js';

/** A longer token is no number that a kernel has printed; converting it would cost more than it is worth. */
const LONGEST_NUMBER = 64;

/** Digits that a safe integer surely has room for, in base 16 and in smaller ones. */
const SAFE_HEX_DIGITS = 13;
const SAFE_DIGITS = 15;

const ZERO = 0x30;

/** For each ASCII code whether it is a letter, a digit or an underscore. */
const WORD_CODES = new Uint8Array(128);
for (let code = 0; code < 128; code++) WORD_CODES[code] = /\w/.test(String.fromCharCode(code)) ? 1 : 0;

/** Offset behind the letters, digits and underscores that start at an offset. */
export function wordEnd(text: string, start: number): number {
  let at = start;
  for (;;) {
    const code = text.charCodeAt(at);
    // The comparison also catches the NaN behind the end, which would be a slow index.
    if (!(code < WORD_CODES.length) || WORD_CODES[code] === 0) return at;
    at++;
  }
}

/** The number that fills `text` from `start` to `end`, a minus before it included: `-1`, `0x7f00`, `0644`; undefined if it is none. */
export function numberToken(text: string, start: number, end: number): Pick<StraceNumber, 'value' | 'radix'> | undefined {
  const negative = text.charCodeAt(start) === 0x2d;
  const first = negative ? start + 1 : start;
  const radix = radixOf(text, first, end);
  const digits = first + (radix === 16 ? 2 : 0);
  if (end === digits || end - first > LONGEST_NUMBER) return undefined;
  let value = 0;
  for (let at = digits; at < end; at++) {
    const digit = hexDigitValue(text.charCodeAt(at));
    if (digit < 0 || digit >= radix) return undefined;
    value = value * radix + digit;
  }
  if (end - digits <= (radix === 16 ? SAFE_HEX_DIGITS : SAFE_DIGITS))
    return { value: negative && value !== 0 ? -value : value, radix };
  const exact = BigInt((radix === 16 ? '0x' : radix === 8 ? '0o' : '') + text.slice(digits, end));
  return { value: compactInteger(negative ? -exact : exact), radix };
}

function radixOf(text: string, first: number, end: number): StraceNumber['radix'] {
  if (text.charCodeAt(first) !== ZERO || end - first === 1) return 10;
  return (text.charCodeAt(first + 1) | 0x20) === 0x78 ? 16 : 8;
}
