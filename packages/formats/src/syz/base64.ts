/** Base64 with the standard alphabet and padding. */
import { ByteBuilder } from '../text/bytes.js';

const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/';

const VALUES = new Int8Array(128).fill(-1);
for (let i = 0; i < ALPHABET.length; i++) VALUES[ALPHABET.charCodeAt(i)] = i;

/** The bytes that a base64 text stands for, or the offset of its first mistake. */
export function decodeBase64(text: string): Uint8Array | { readonly wrongAt: number } {
  const bytes = new ByteBuilder();
  const padding = text.endsWith('==') ? 2 : text.endsWith('=') ? 1 : 0;
  const digits = text.length - padding;
  if (text.length % 4 !== 0) return { wrongAt: text.length };
  let bits = 0;
  for (let i = 0; i < digits; i++) {
    const value = VALUES[text.charCodeAt(i)] ?? -1;
    if (value < 0) return { wrongAt: i };
    bits = ((bits << 6) | value) & 0xffffff;
    if (i % 4 !== 0) bytes.push((bits >> (6 - 2 * (i % 4))) & 0xff);
  }
  // The bits of the last digit that belong to no byte have to be zero, or two texts would stand for the same bytes.
  const spare = padding === 0 ? 0 : padding === 1 ? bits & 0x3 : bits & 0xf;
  return spare === 0 ? bytes.bytes() : { wrongAt: digits - 1 };
}

/** The base64 text of some bytes. */
export function encodeBase64(bytes: Uint8Array): string {
  let text = '';
  for (let i = 0; i < bytes.length; i += 3) {
    const rest = bytes.length - i;
    const group = ((bytes[i] ?? 0) << 16) | ((bytes[i + 1] ?? 0) << 8) | (bytes[i + 2] ?? 0);
    text += ALPHABET.charAt(group >> 18) + ALPHABET.charAt((group >> 12) & 0x3f);
    text += rest > 1 ? ALPHABET.charAt((group >> 6) & 0x3f) : '=';
    text += rest > 2 ? ALPHABET.charAt(group & 0x3f) : '=';
  }
  return text;
}
