/**
 * State that can be told (decision D11): every structure of the kernel enumerates its state in a canonical order, for hashes,
 * comparisons and snapshots. Statistics are not state, and are left out.
 */

/** Takes down the state of a structure, field by field. */
export interface StateWriter {
  /** A plain field. */
  field(name: string, value: number | string | boolean | null): void;
  /** The parts of a structure, told by themselves. */
  part(name: string, tell: (writer: StateWriter) => void): void;
}

/** State as lines of `path = value`, for comparing two machines by eye and by test. */
export class StateText implements StateWriter {
  readonly lines: string[] = [];
  readonly #prefix: string;

  constructor(prefix = '') {
    this.#prefix = prefix;
  }

  field(name: string, value: number | string | boolean | null): void {
    this.lines.push(`${this.#prefix}${name} = ${value}`);
  }

  part(name: string, tell: (writer: StateWriter) => void): void {
    const inner = new StateText(`${this.#prefix}${name}.`);
    tell(inner);
    for (const line of inner.lines) this.lines.push(line);
  }
}

/** State as a 64-bit hash in two 32-bit lanes. Equal states give equal hashes on every machine. */
export class StateHash implements StateWriter {
  #high = 0x9e3779b9;
  #low = 0x85ebca6b;

  field(name: string, value: number | string | boolean | null): void {
    this.#text(name);
    if (typeof value === 'number') this.#number(value);
    else this.#text(String(value));
  }

  part(name: string, tell: (writer: StateWriter) => void): void {
    this.#text(name);
    tell(this);
    this.#mix(0x27d4eb2f);
  }

  /** The hash so far, as 16 hexadecimal digits. */
  get digest(): string {
    const lane = (value: number): string => (value >>> 0).toString(16).padStart(8, '0');
    return lane(this.#high) + lane(this.#low);
  }

  #number(value: number): void {
    this.#mix(value | 0);
    this.#mix(Math.floor(value / 2 ** 32) | 0);
    // What the two words do not tell: fractions, infinities, and numbers of more than 53 bits.
    if (!Number.isSafeInteger(value)) this.#text(String(value));
  }

  #text(text: string): void {
    for (let i = 0; i < text.length; i++) this.#mix(text.charCodeAt(i));
    this.#mix(text.length);
  }

  #mix(word: number): void {
    this.#high = Math.imul(this.#high ^ word, 0x01000193);
    this.#high ^= this.#high >>> 15;
    this.#low = (Math.imul(this.#low, 0x2c1b3c6d) + (word ^ (this.#high >>> 7))) | 0;
    this.#low ^= this.#low >>> 13;
  }
}
