/** A digest of a stream of values, in two lanes of 32 bits. */
import type { StateWriter } from './state.js';

/** Where the lanes begin: not with 0, from which a 0 that is mixed in would lead to 0. */
const HIGH = 0x9e3779b9 | 0;
const LOW = 0x85ebca6b | 0;

/** Of two digests that are equal, the streams were equal, as far as 64 bits can tell. */
export class Digest {
  high = HIGH;
  low = LOW;

  /** Forgets all that was mixed in. */
  clear(): void {
    this.high = HIGH;
    this.low = LOW;
  }

  /** Takes over what another one has. */
  copyFrom(other: Digest): void {
    this.high = other.high;
    this.low = other.low;
  }

  /** Mixes in a number. */
  mix(value: number): void {
    mixWord(this, value | 0);
    if ((value | 0) === value) return;
    mixWord(this, Math.floor(value / 2 ** 32) | 0);
    // What the two words do not tell: fractions, infinities, and numbers of more than 53 bits.
    if (!Number.isSafeInteger(value)) this.text(String(value));
  }

  /** Mixes in a text. */
  text(text: string): void {
    mixWord(this, text.length);
    for (let i = 0; i < text.length; i++) mixWord(this, text.charCodeAt(i));
  }

  /** Mixes in words of memory, from one to before another. */
  words(words: Int32Array, from: number, to: number): void {
    for (let i = from; i < to; i++) mixWord(this, words[i] as number);
  }

  /** Mixes in bytes. */
  bytes(bytes: Uint8Array): void {
    mixWord(this, bytes.length);
    for (const byte of bytes) mixWord(this, byte);
  }

  writeState(writer: StateWriter): void {
    writer.field('high', this.high);
    writer.field('low', this.low);
  }
}

function mixWord(digest: Digest, word: number): void {
  let { high, low } = digest;
  high = Math.imul(high ^ word, 0x01000193);
  high ^= high >>> 15;
  low = (Math.imul(low, 0x2c1b3c6d) + (word ^ (high >>> 7))) | 0;
  digest.high = high;
  digest.low = low ^ (low >>> 13);
}
