/** The plain model of memory: what was stored last, in pieces of 512 bytes. */

export const PAGE_SIZE = 4096;
export const CHUNK_SIZE = 512;
export const CHUNKS_IN_PAGE = PAGE_SIZE / CHUNK_SIZE;
const WORDS = CHUNK_SIZE / 4;

/** A pattern in which no word is like another. What is stored under a stamp is this pattern with the stamp mixed in. */
const PATTERN = Uint32Array.from({ length: WORDS }, (_, i) => Math.imul(i + 1, 0x9e3779b1));

/**
 * Bytes as they must be: of a private piece of memory, of shared memory, of a file. Of each chunk it has the stamp of the last store; stamp
 * 0 is zeros, as memory is at first.
 */
export class Bytes {
  /** For messages: `private memory`, `the file /data0`. */
  what;
  stamps;

  /** @param {string} what @param {number} pages @param {Uint32Array} [stamps] */
  constructor(what, pages, stamps) {
    this.what = what;
    this.stamps = stamps ?? new Uint32Array(pages * CHUNKS_IN_PAGE);
  }

  get pages() {
    return this.stamps.length / CHUNKS_IN_PAGE;
  }

  /** The same bytes, which from now on go their own way. */
  copy() {
    return new Bytes(this.what, this.pages, this.stamps.slice());
  }

  /** What is stored under a stamp in some chunks from `first` on; the model takes note of it. */
  store(/** @type {number} */ first, /** @type {number} */ count, /** @type {number} */ stamp) {
    this.stamps.fill(stamp, first, first + count);
    return pattern(stamp, count);
  }

  /**
   * Compares bytes with what they must be.
   *
   * @param {number} first chunk @param {Uint8Array} found whole chunks
   * @returns {string | null} the first difference, in words
   */
  difference(first, found) {
    const words = new Uint32Array(found.buffer, found.byteOffset, found.length / 4);
    for (let i = 0; i < words.length; i++) {
      const stamp = this.stamps[first + Math.floor(i / WORDS)] ?? 0;
      const expected = wordOf(stamp, i % WORDS);
      if (words[i] === expected) continue;
      const at = first * CHUNK_SIZE + i * 4;
      const had = words[i] ?? 0;
      return `at offset ${at} (page ${Math.floor(at / PAGE_SIZE)}) of ${this.what} is ${hex(had)}${origin(had, i % WORDS)}, not ${hex(expected)} of stamp ${stamp}`;
    }
    return null;
  }
}

/** So many chunks as they are stored under a stamp. */
function pattern(/** @type {number} */ stamp, /** @type {number} */ count) {
  const words = new Uint32Array(count * WORDS);
  for (let i = 0; i < words.length; i++) words[i] = wordOf(stamp, i % WORDS);
  return new Uint8Array(words.buffer);
}

/** @type {(stamp: number, index: number) => number} */
function wordOf(stamp, index) {
  return stamp === 0 ? 0 : ((PATTERN[index] ?? 0) ^ stamp) >>> 0;
}

/** Where a word that should not be there comes from. @type {(word: number, index: number) => string} */
function origin(word, index) {
  return word === 0 ? ' (never stored)' : ` (which would be of stamp ${((PATTERN[index] ?? 0) ^ word) >>> 0})`;
}

function hex(/** @type {number} */ value) {
  return `0x${value.toString(16).padStart(8, '0')}`;
}
