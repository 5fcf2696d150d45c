/** Bytes and text, without Node's Buffer and without the browser's TextEncoder. */

/** Collects bytes whose number is not known beforehand; grows by doubling. */
export class ByteBuilder {
  #bytes = new Uint8Array(32);
  #length = 0;

  get length(): number {
    return this.#length;
  }

  /** Adds one byte, 0 to 255. */
  push(byte: number): void {
    if (this.#length === this.#bytes.length) this.#grow(this.#length + 1);
    this.#bytes[this.#length++] = byte;
  }

  /** Adds the UTF-8 form of a code point; a lone surrogate becomes U+FFFD, as everywhere. */
  pushCodePoint(codePoint: number): void {
    const code = codePoint >= 0xd800 && codePoint <= 0xdfff ? 0xfffd : codePoint;
    if (code < 0x80) {
      this.push(code);
      return;
    }
    const continuations = code < 0x800 ? 1 : code < 0x10000 ? 2 : 3;
    const lead = continuations === 1 ? 0xc0 : continuations === 2 ? 0xe0 : 0xf0;
    this.push(lead | (code >> (6 * continuations)));
    for (let i = continuations - 1; i >= 0; i--) this.push(0x80 | ((code >> (6 * i)) & 0x3f));
  }

  /** Adds all of `more`. */
  append(more: Uint8Array): void {
    if (this.#length + more.length > this.#bytes.length) this.#grow(this.#length + more.length);
    this.#bytes.set(more, this.#length);
    this.#length += more.length;
  }

  /** A copy of what has been collected. */
  bytes(): Uint8Array {
    return this.#bytes.slice(0, this.#length);
  }

  #grow(needed: number): void {
    const bigger = new Uint8Array(Math.max(needed, this.#bytes.length * 2));
    bigger.set(this.#bytes);
    this.#bytes = bigger;
  }
}

/** The value of a hexadecimal digit, or -1. */
export function hexDigitValue(code: number): number {
  if (code >= 0x30 && code <= 0x39) return code - 0x30;
  const lower = code | 0x20;
  return lower >= 0x61 && lower <= 0x66 ? lower - 0x61 + 10 : -1;
}

/** The two lower-case digits of a byte. */
export function hexByte(byte: number): string {
  return byte.toString(16).padStart(2, '0');
}

/**
 * Reads bytes as UTF-8. Each byte that belongs to no valid sequence becomes U+FFFD; the result is for people and for path
 * names, so a byte that is no text loses its value here and keeps it only in the bytes themselves.
 */
export function utf8Text(bytes: Uint8Array): string {
  let text = '';
  let at = 0;
  while (at < bytes.length) {
    const { codePoint, length } = utf8CodePoint(bytes, at);
    text += String.fromCodePoint(codePoint);
    at += length;
  }
  return text;
}

const REPLACEMENT = { codePoint: 0xfffd, length: 1 };

function utf8CodePoint(bytes: Uint8Array, at: number): { codePoint: number; length: number } {
  const lead = bytes[at] ?? 0;
  if (lead < 0x80) return { codePoint: lead, length: 1 };
  const length = lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : 2;
  if (lead < 0xc2 || lead > 0xf4 || at + length > bytes.length) return REPLACEMENT;
  let codePoint = lead & (0x7f >> length);
  for (let i = 1; i < length; i++) {
    const next = bytes[at + i] ?? 0;
    if ((next & 0xc0) !== 0x80) return REPLACEMENT;
    codePoint = (codePoint << 6) | (next & 0x3f);
  }
  const smallest = length === 2 ? 0x80 : length === 3 ? 0x800 : 0x10000;
  const valid = codePoint >= smallest && codePoint <= 0x10ffff && (codePoint < 0xd800 || codePoint > 0xdfff);
  return valid ? { codePoint, length } : REPLACEMENT;
}
