/** The quoted strings of strace logs: C escapes, octal as short as possible, hexadecimal under `-x` and `-xx`. */
import { ByteBuilder, hexDigitValue, utf8Text } from '../text/bytes.js';
import { CUT_MARK } from './line-splitter.js';

/** A string that was read. */
export interface QuotedString {
  readonly bytes: Uint8Array;
  /** The reader cut the line within the string. */
  readonly cut: boolean;
  /** Offset behind the closing quote. */
  readonly end: number;
}

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const CUT_CODE = CUT_MARK.charCodeAt(0);

/** Reads a string whose opening quote is at an offset; undefined when it never ends. Text beyond ASCII is taken as UTF-8. */
export function readQuoted(text: string, start: number): QuotedString | undefined {
  const bytes = new ByteBuilder();
  let at = start + 1;
  for (;;) {
    const code = text.charCodeAt(at);
    if (Number.isNaN(code)) return undefined;
    if (code === QUOTE) return { bytes: bytes.bytes(), cut: false, end: at + 1 };
    if (code === CUT_CODE) return skipCut(text, at, bytes);
    if (code === BACKSLASH) {
      at = readEscape(text, at, bytes);
    } else if (code < 0x80) {
      bytes.push(code);
      at++;
    } else {
      const codePoint = text.codePointAt(at) ?? code;
      bytes.pushCodePoint(codePoint);
      at += codePoint > 0xffff ? 2 : 1;
    }
  }
}

/** The string goes on somewhere in what was left out; it ends at the first quote that is not escaped, as far as one can see. */
function skipCut(text: string, cutAt: number, bytes: ByteBuilder): QuotedString | undefined {
  for (let at = text.indexOf('"', cutAt); at >= 0; at = text.indexOf('"', at + 1)) {
    const before = text.charCodeAt(at - 1);
    if (before !== BACKSLASH && before !== CUT_CODE) return { bytes: bytes.bytes(), cut: true, end: at + 1 };
  }
  return undefined;
}

/** Reads an escape at an offset and answers with the offset behind it. An unknown one stands for its own second character. */
function readEscape(text: string, at: number, bytes: ByteBuilder): number {
  const code = text.charCodeAt(at + 1);
  if (code >= 0x30 && code <= 0x37) return readOctal(text, at + 1, bytes);
  if (code === 0x78) {
    const high = hexDigitValue(text.charCodeAt(at + 2));
    const low = hexDigitValue(text.charCodeAt(at + 3));
    if (high >= 0) {
      bytes.push(low < 0 ? high : high * 16 + low);
      return at + (low < 0 ? 3 : 4);
    }
  }
  if (Number.isNaN(code)) return at + 1;
  const codePoint = text.codePointAt(at + 1) ?? code;
  bytes.pushCodePoint(SINGLE_ESCAPES.get(codePoint) ?? codePoint);
  return at + (codePoint > 0xffff ? 3 : 2);
}

/** The letters behind a backslash that stand for control characters, and those; strace uses t, n, v, f and r. */
const SINGLE_ESCAPES: ReadonlyMap<number, number> = new Map([
  [0x61, 0x07],
  [0x62, 0x08],
  [0x74, 0x09],
  [0x6e, 0x0a],
  [0x76, 0x0b],
  [0x66, 0x0c],
  [0x72, 0x0d],
  [0x65, 0x1b],
]);

function readOctal(text: string, start: number, bytes: ByteBuilder): number {
  let value = 0;
  let at = start;
  for (; at < start + 3; at++) {
    const digit = text.charCodeAt(at) - 0x30;
    if (!(digit >= 0 && digit <= 7)) break;
    value = value * 8 + digit;
  }
  bytes.push(value & 0xff);
  return at;
}

/** The text of an annotation, in which strace escapes what it would escape in a string. */
export function unescapeText(text: string): string {
  if (!text.includes('\\')) return text;
  const quoted = readQuoted(`"${text.replaceAll('"', '\\"')}"`, 0);
  return quoted === undefined ? text : utf8Text(quoted.bytes);
}
