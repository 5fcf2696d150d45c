/**
 * State that can be told (decision D11): every structure of the kernel enumerates its state in a canonical order, for hashes,
 * comparisons and snapshots.
 *
 * Two machines whose states are told alike behave alike from then on. So neither statistics are told, which change nothing, nor ids,
 * which depend on what was there before: things are told by `reference`, as numbers in the order in which they come up. What a thread
 * keeps in its own variables cannot be told; at a quiet point there is nothing of it but what the program itself remembers.
 */

/** Something that can tell its state. */
export interface Stateful {
  writeState(writer: StateWriter): void;
}

/** Takes down the state of a structure, field by field. */
export interface StateWriter {
  /** A plain field. */
  field(name: string, value: number | string | boolean | null): void;
  /** Which thing is meant, null for none: its number in the order in which things are told of. */
  reference(name: string, thing: object | null): void;
  /** What is in a piece of memory. */
  bytes(name: string, bytes: Uint8Array): void;
  /** A part of a structure, told by itself. */
  part(name: string, tell: (writer: StateWriter) => void): void;
  /** A part that is a thing which others may refer to: a lock, a channel. */
  thing(name: string, thing: Stateful): void;
  /** A part for each of some things: those that were told of first, in that order, and then the others as they come. */
  parts<T extends object>(name: string, things: Iterable<T>, tell: (thing: T, writer: StateWriter) => void): void;
}

/** What the writers have in common: the numbers of things. */
abstract class NumberingWriter implements StateWriter {
  readonly #numbers = new Map<object, number>();

  abstract field(name: string, value: number | string | boolean | null): void;
  abstract bytes(name: string, bytes: Uint8Array): void;
  abstract part(name: string, tell: (writer: StateWriter) => void): void;

  reference(name: string, thing: object | null): void {
    this.field(name, thing === null ? null : `#${this.#numberOf(thing)}`);
  }

  thing(name: string, thing: Stateful): void {
    this.part(`${name} #${this.#numberOf(thing)}`, (writer) => thing.writeState(writer));
  }

  parts<T extends object>(name: string, things: Iterable<T>, tell: (thing: T, writer: StateWriter) => void): void {
    const known: T[] = [];
    const others: T[] = [];
    for (const thing of things) (this.#numbers.has(thing) ? known : others).push(thing);
    known.sort((a, b) => this.#numberOf(a) - this.#numberOf(b));
    for (const thing of [...known, ...others]) {
      this.part(`${name} #${this.#numberOf(thing)}`, (writer) => tell(thing, writer));
    }
  }

  /** The number by which a thing was told, 0 when it was not. */
  rankOf(thing: object): number {
    return this.#numbers.get(thing) ?? 0;
  }

  #numberOf(thing: object): number {
    const known = this.#numbers.get(thing);
    if (known !== undefined) return known;
    const number = this.#numbers.size + 1;
    this.#numbers.set(thing, number);
    return number;
  }
}

/** State as lines of `path = value`, for comparing two machines by eye and by test. */
export class StateText extends NumberingWriter {
  readonly lines: string[] = [];
  #prefix = '';

  field(name: string, value: number | string | boolean | null): void {
    this.lines.push(`${this.#prefix}${name} = ${value}`);
  }

  /** As a digest: nobody would read them. */
  bytes(name: string, bytes: Uint8Array): void {
    const hash = new StateHash();
    hash.bytes('', bytes);
    this.field(name, `${bytes.length} bytes, ${hash.digest}`);
  }

  part(name: string, tell: (writer: StateWriter) => void): void {
    const outer = this.#prefix;
    this.#prefix = `${outer}${name}.`;
    tell(this);
    this.#prefix = outer;
  }
}

/** State as a 64-bit hash in two 32-bit lanes. Equal states give equal hashes on every machine. */
export class StateHash extends NumberingWriter {
  #high = 0x9e3779b9;
  #low = 0x85ebca6b;

  /** @param seed makes hashes that have nothing to do with those of another seed */
  constructor(seed = 0) {
    super();
    if (seed !== 0) this.#mix(seed);
  }

  field(name: string, value: number | string | boolean | null): void {
    this.#text(name);
    if (typeof value === 'number') this.#number(value);
    else this.#text(String(value));
  }

  bytes(name: string, bytes: Uint8Array): void {
    this.#text(name);
    const whole = bytes.length - (bytes.length % 4);
    for (let i = 0; i < whole; i += 4) {
      const [a, b, c, d] = [bytes[i], bytes[i + 1], bytes[i + 2], bytes[i + 3]] as [number, number, number, number];
      this.#mix(a | (b << 8) | (c << 16) | (d << 24));
    }
    for (let i = whole; i < bytes.length; i++) this.#mix(bytes[i] as number);
    this.#mix(bytes.length);
  }

  part(name: string, tell: (writer: StateWriter) => void): void {
    this.#text(name);
    tell(this);
    this.#mix(0x27d4eb2f);
  }

  /** The two lanes of the hash so far, as signed 32-bit numbers. */
  get lanes(): { readonly high: number; readonly low: number } {
    return { high: this.#high | 0, low: this.#low | 0 };
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
