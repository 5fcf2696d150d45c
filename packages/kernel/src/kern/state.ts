/**
 * State that can be told (decision D11): every structure of the kernel enumerates its state in a canonical order, for hashes,
 * comparisons and snapshots.
 *
 * Two machines whose states are told alike behave alike from then on. So neither statistics are told, which change nothing, nor ids,
 * which depend on what was there before: things are told by `reference`, as numbers in the order in which they come up, and so are page
 * frames, of which one is as good as another. What a thread keeps in its own variables is told in the watched build (`kern/frames.ts`).
 */
import { NumberingWriter } from './state-numbering.js';

/** Something that can tell its state. */
export interface Stateful {
  writeState(writer: StateWriter): void;
}

/** The value of a plain field. */
export type FieldValue = number | string | boolean | null | undefined;

/** Takes down the state of a structure, field by field. */
export interface StateWriter {
  /** A plain field. */
  field(name: string, value: FieldValue): void;
  /** Which thing is meant, null for none: its number in the order in which things are told of. */
  reference(name: string, thing: object | null): void;
  /** Which page frame is meant: its number in the order in which frames are told of. What is no frame of RAM is told as it is. */
  frame(name: string, frame: number): void;
  /** What is in a piece of memory. */
  bytes(name: string, bytes: Uint8Array): void;
  /** A part of a structure, told by itself. */
  part(name: string, tell: (writer: StateWriter) => void): void;
  /** A part that is a thing which others may refer to: a lock, a channel. */
  thing(name: string, thing: Stateful): void;
  /** A part that is a thing which others may refer to, told by somebody else. */
  told<T extends object>(name: string, thing: T, tell: (thing: T, writer: StateWriter) => void): void;
  /** A part for each of some things: those that were told of first, in that order, and then the others as they come. */
  parts<T extends object>(name: string, things: Iterable<T>, tell: (thing: T, writer: StateWriter) => void): void;
  /**
   * The value of a variable, whatever it is: a thing that was told is referred to, and another one told here. Of what nobody tells, tell
   * it after everything else.
   */
  value(name: string, value: unknown): void;
  /** Says of things that there is nothing more to tell of them: what is in them is told elsewhere, or never changes. */
  known(...things: object[]): void;
  /** Says which numbers are page frames wherever they turn up in a variable. */
  interchangeable(first: number, count: number): void;
  /** The frames told of so far, in that order. */
  readonly frames: readonly number[];
  /** Whether a frame has been told of. */
  hasFrame(frame: number): boolean;
}

/** State as lines of `path = value`, for comparing two machines by eye and by test. */
export class StateText extends NumberingWriter {
  readonly lines: string[] = [];
  #prefix = '';
  readonly #outer: string[] = [];

  field(name: string, value: FieldValue): void {
    this.lines.push(`${this.#prefix}${name} = ${value}`);
  }

  /** As a digest: nobody would read them. */
  bytes(name: string, bytes: Uint8Array): void {
    const hash = new StateHash();
    hash.bytes('', bytes);
    this.field(name, `${bytes.length} bytes, ${hash.digest}`);
  }

  protected numbered(name: string, kind: 'thing' | 'frame', number: number): void {
    this.lines.push(`${this.#prefix}${name} = ${kind === 'thing' ? '' : 'frame '}#${number}`);
  }

  protected open(name: string, number: number): void {
    this.#outer.push(this.#prefix);
    this.#prefix += number === 0 ? `${name}.` : `${name} #${number}.`;
  }

  protected close(): void {
    this.#prefix = this.#outer.pop() ?? '';
  }
}

/** What kind of value follows: two values of different kinds are never mistaken for each other. */
const INTEGER = 1;
const NUMBER = 2;
const TEXT = 3;
const FALSE = 4;
const TRUE = 5;
const NULL = 6;
const UNDEFINED = 7;
const THING = 8;
const FRAME = 9;
const PART = 10;
const CLOSE = 11;
const BYTES = 12;

/** Two words for each text that has come up, since most come up again and again. */
const texts = new Map<string, { readonly high: number; readonly low: number }>();
/** So many are remembered: programs may make up any number of them. */
const TEXTS_REMEMBERED = 20_000;

function textWords(text: string): { readonly high: number; readonly low: number } {
  const known = texts.get(text);
  if (known !== undefined) return known;
  let high = text.length;
  let low = 0x2545f491;
  for (let i = 0; i < text.length; i++) {
    high = Math.imul(high ^ text.charCodeAt(i), 0x01000193);
    high ^= high >>> 15;
    low = (Math.imul(low, 0x2c1b3c6d) + (text.charCodeAt(i) ^ (high >>> 7))) | 0;
    low ^= low >>> 13;
  }
  if (texts.size >= TEXTS_REMEMBERED) texts.clear();
  const words = { high, low };
  texts.set(text, words);
  return words;
}

/** A number for the name of a field: enough to tell it from the others that could stand in its place. */
function codeOf(name: string): number {
  const { length } = name;
  if (length === 0) return 0;
  return (length << 24) + (name.charCodeAt(0) << 16) + (name.charCodeAt(length >> 1) << 10) + (name.charCodeAt(length - 1) << 4);
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

  field(name: string, value: FieldValue): void {
    if (typeof value === 'number') this.#number(name, value);
    else if (typeof value === 'string') this.#text(name, value);
    else this.#mix(codeOf(name) + (value === null ? NULL : value === undefined ? UNDEFINED : value ? TRUE : FALSE));
  }

  bytes(name: string, bytes: Uint8Array): void {
    this.#mix(codeOf(name) + BYTES);
    this.#mix(bytes.length);
    const whole = bytes.length & ~3;
    for (let i = 0; i < whole; i += 4) {
      const low = (bytes[i] as number) | ((bytes[i + 1] as number) << 8);
      this.#mix(low | ((bytes[i + 2] as number) << 16) | ((bytes[i + 3] as number) << 24));
    }
    for (let i = whole; i < bytes.length; i++) this.#mix(bytes[i] as number);
  }

  protected numbered(name: string, kind: 'thing' | 'frame', number: number): void {
    this.#mix(codeOf(name) + (kind === 'thing' ? THING : FRAME));
    this.#mix(number);
  }

  protected open(name: string, number: number): void {
    this.#mix(codeOf(name) + PART);
    this.#mix(number);
  }

  protected close(): void {
    this.#mix(CLOSE);
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

  #number(name: string, value: number): void {
    if ((value | 0) === value) {
      this.#mix(codeOf(name) + INTEGER);
      this.#mix(value);
      return;
    }
    this.#mix(codeOf(name) + NUMBER);
    this.#mix(value | 0);
    this.#mix(Math.floor(value / 2 ** 32) | 0);
    // What the two words do not tell: fractions, infinities, and numbers of more than 53 bits.
    if (!Number.isSafeInteger(value)) this.#text(name, String(value));
  }

  #text(name: string, text: string): void {
    const { high, low } = textWords(text);
    this.#mix(codeOf(name) + TEXT);
    this.#mix(high);
    this.#mix(low);
  }

  #mix(word: number): void {
    this.#high = Math.imul(this.#high ^ word, 0x01000193);
    this.#high ^= this.#high >>> 15;
    this.#low = (Math.imul(this.#low, 0x2c1b3c6d) + (word ^ (this.#high >>> 7))) | 0;
    this.#low ^= this.#low >>> 13;
  }
}
