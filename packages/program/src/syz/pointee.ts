/** The bytes that a pointer leads to, as they are put together. */

/** A variable that lies in the midst of the bytes. */
export interface Mark {
  readonly variable: string;
  readonly offset: number;
  readonly length: number;
}

/** Bytes that grow at their end, up to a limit; what goes beyond it is counted, but not kept. */
export class Pointee {
  readonly marks: Mark[] = [];
  /** How many bytes there are, those included that were not kept. */
  length = 0;
  readonly #limit: number;
  #bytes = new Uint8Array(64);

  constructor(limit: number) {
    this.#limit = limit;
  }

  /** The bytes that were kept. */
  get bytes(): Uint8Array {
    return this.#bytes.subarray(0, Math.min(this.length, this.#limit));
  }

  /** Adds zeros. */
  skip(count: number): void {
    this.length += count;
    const kept = Math.min(this.length, this.#limit);
    if (kept <= this.#bytes.length) return;
    const larger = new Uint8Array(Math.min(Math.max(kept, 2 * this.#bytes.length), Math.max(this.#limit, kept)));
    larger.set(this.#bytes);
    this.#bytes = larger;
  }

  /** Adds bytes; with a size that many, cut off or followed by zeros. */
  data(bytes: Uint8Array, size = bytes.length): void {
    const at = this.length;
    this.skip(size);
    const room = Math.max(0, Math.min(size, this.#limit - at));
    this.#bytes.set(bytes.subarray(0, room), Math.min(at, this.#bytes.length));
  }

  /** Adds a number, its lowest byte first. */
  integer(value: bigint, size: number): void {
    this.data(Uint8Array.from({ length: size }, (_, index) => Number((value >> BigInt(8 * index)) & 0xffn)));
  }

  /** Adds characters of ASCII. */
  text(text: string): void {
    this.data(Uint8Array.from(text, (character) => character.charCodeAt(0)));
  }

  /** Notes that what was added from an offset on is a variable's. */
  mark(variable: string, offset: number): void {
    this.marks.push({ variable, offset, length: Math.min(this.length - offset, 8) });
  }
}
