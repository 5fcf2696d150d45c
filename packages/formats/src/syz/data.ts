/** The strings of syzkaller programs: `'text\x00'`, `"68656c6c6f"`, `"$eJwrSS…"`, each perhaps with `/length`. */
import { Unzlib } from 'fflate';
import { ByteBuilder, hexByte, hexDigitValue } from '../text/bytes.js';
import type { LineCursor } from '../text/line-cursor.js';
import { decodeBase64, encodeBase64 } from './base64.js';
import { parseUint64 } from './number.js';
import type { SyzData } from './program.js';

const ESCAPES: ReadonlyMap<string, number> = new Map([
  ['a', 0x07],
  ['b', 0x08],
  ['t', 0x09],
  ['n', 0x0a],
  ['v', 0x0b],
  ['f', 0x0c],
  ['r', 0x0d],
  ['"', 0x22],
  ["'", 0x27],
  ['\\', 0x5c],
]);

const ESCAPE_OF_BYTE: ReadonlyMap<number, string> = new Map([...ESCAPES].map(([letter, byte]) => [byte, `\\${letter}`]));

/** Reads a string; the cursor stands at its opening quote. */
export function parseData(cursor: LineCursor): SyzData {
  if (cursor.next === "'") return { kind: 'data', form: 'text', bytes: parseText(cursor), size: parseSize(cursor) };
  if (!cursor.text.startsWith('"$', cursor.at)) {
    return { kind: 'data', form: 'hex', bytes: parseHex(cursor), size: parseSize(cursor) };
  }
  return { kind: 'data', form: 'compressed', bytes: parseCompressed(cursor), size: undefined };
}

function parseSize(cursor: LineCursor): bigint | undefined {
  return cursor.take('/') ? parseUint64(cursor, 'the length of the data') : undefined;
}

function parseText(cursor: LineCursor): Uint8Array {
  const { text } = cursor;
  const bytes = new ByteBuilder();
  cursor.at++;
  for (;;) {
    const codePoint = text.codePointAt(cursor.at);
    if (codePoint === undefined || codePoint === 0) cursor.fail("a closing quote (')");
    if (codePoint === 0x27) break;
    if (codePoint === 0x5c) {
      bytes.push(parseEscape(cursor));
    } else {
      bytes.pushCodePoint(codePoint);
      cursor.at += codePoint > 0xffff ? 2 : 1;
    }
  }
  cursor.take("'");
  return bytes.bytes();
}

function parseEscape(cursor: LineCursor): number {
  const letter = cursor.text.charAt(cursor.at + 1);
  if (letter === 'x') {
    const high = hexDigitValue(cursor.text.charCodeAt(cursor.at + 2));
    const low = hexDigitValue(cursor.text.charCodeAt(cursor.at + 3));
    if (high < 0 || low < 0) cursor.fail('two hexadecimal digits', cursor.at + 2);
    cursor.at += 4;
    return high * 16 + low;
  }
  const byte = ESCAPES.get(letter);
  if (byte === undefined) cursor.fail('an escape (\\x00, \\n, \\\\, …)', cursor.at + 1);
  cursor.at += 2;
  return byte;
}

function parseHex(cursor: LineCursor): Uint8Array {
  const { text } = cursor;
  const bytes = new ByteBuilder();
  cursor.at++;
  while (cursor.next !== '"') {
    const high = hexDigitValue(text.charCodeAt(cursor.at));
    if (high < 0) cursor.fail('hexadecimal digits or a closing quote (")');
    const low = hexDigitValue(text.charCodeAt(cursor.at + 1));
    if (low < 0) cursor.fail('the second hexadecimal digit of a byte', cursor.at + 1);
    bytes.push(high * 16 + low);
    cursor.at += 2;
  }
  cursor.take('"');
  return bytes.bytes();
}

function parseCompressed(cursor: LineCursor): Uint8Array {
  const start = cursor.at + 2;
  const end = cursor.text.indexOf('"', start);
  if (end < 0) cursor.fail('a closing quote (")', cursor.text.length);
  const bytes = decodeBase64(cursor.text.slice(start, end));
  if ('wrongAt' in bytes) cursor.fail('base64 digits in groups of four', start + bytes.wrongAt);
  cursor.at = end;
  cursor.take('"');
  return bytes;
}

/** Prints a string in the form that it has. */
export function formatData(data: SyzData): string {
  const size = data.size === undefined ? '' : `/${data.size}`;
  if (data.form === 'compressed') return `"$${encodeBase64(data.bytes)}"`;
  let text = '';
  if (data.form === 'hex') {
    for (const byte of data.bytes) text += hexByte(byte);
    return `"${text}"${size}`;
  }
  for (const byte of data.bytes) {
    const printable = byte >= 0x20 && byte < 0x7f ? String.fromCharCode(byte) : `\\x${hexByte(byte)}`;
    text += ESCAPE_OF_BYTE.get(byte) ?? printable;
  }
  return `'${text}'${size}`;
}

/** How much `inflateSyzData` may produce. */
export interface InflateLimit {
  /** Largest result, in bytes. */
  readonly maxBytes: number;
}

/** More than the largest image in syzkaller's corpus. */
const DEFAULT_MAX_BYTES = 256 * 1024 * 1024;

/** Input goes to the decompressor in pieces, so that the limit is looked at before memory is gone. */
const INFLATE_STEP_BYTES = 4096;

/**
 * The bytes that compressed data stands for, such as a file system image; data of any other form is given back as it is.
 *
 * => throws a RangeError when the result would be larger than `maxBytes` (256 MiB unless told), so that a small program cannot
 *    fill the memory.
 * => throws an Error when the bytes are no zlib stream, or one that ends too early.
 */
export function inflateSyzData(data: SyzData, limit: InflateLimit = { maxBytes: DEFAULT_MAX_BYTES }): Uint8Array {
  if (data.form !== 'compressed') return data.bytes;
  const result = new ByteBuilder();
  let finished = false;
  const unzlib = new Unzlib((piece, final) => {
    if (result.length + piece.length > limit.maxBytes) {
      throw new RangeError(`The compressed data is larger than ${limit.maxBytes} bytes; raise maxBytes to read it.`);
    }
    result.append(piece);
    finished ||= final;
  });
  for (let at = 0; at < data.bytes.length; at += INFLATE_STEP_BYTES) {
    const end = at + INFLATE_STEP_BYTES;
    unzlib.push(data.bytes.subarray(at, end), end >= data.bytes.length);
  }
  if (!finished) throw new Error('The compressed data is empty; expected a zlib stream.');
  return result.bytes();
}
