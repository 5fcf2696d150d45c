/** What the writers of state have in common: the numbers of things and of page frames, and how the value of any variable is told. */
import type { FieldValue, Stateful, StateWriter } from './state.js';
import { tellContent } from './state-values.js';

/** Numbers things in the order in which they come up. */
export abstract class NumberingWriter implements StateWriter {
  /** Thing -> twice its number, plus one if it has been told. */
  readonly #things = new Map<object, number>();
  #count = 0;
  #firstFrame = 0;
  /** Number of each frame, 0 while it has none. */
  #frameNumbers = NO_FRAMES;
  readonly #frames: number[] = [];

  abstract field(name: string, value: FieldValue): void;
  abstract bytes(name: string, bytes: Uint8Array): void;
  /** Which thing or frame is meant. */
  protected abstract numbered(name: string, kind: 'thing' | 'frame', number: number): void;
  /** A part begins; `number` is that of the thing it is, 0 for none. */
  protected abstract open(name: string, number: number): void;
  protected abstract close(): void;

  get frames(): readonly number[] {
    return this.#frames;
  }

  hasFrame(frame: number): boolean {
    return (this.#frameNumbers[frame - this.#firstFrame] ?? 0) > 0;
  }

  reference(name: string, thing: object | null): void {
    if (thing === null) this.field(name, null);
    else this.numbered(name, 'thing', this.#numberOf(thing));
  }

  frame(name: string, frame: number): void {
    const index = frame - this.#firstFrame;
    const number = this.#frameNumbers[index];
    if (number === undefined) {
      this.field(name, frame);
      return;
    }
    if (number === 0) {
      this.#frames.push(frame);
      this.#frameNumbers[index] = this.#frames.length;
    }
    this.numbered(name, 'frame', this.#frameNumbers[index] as number);
  }

  interchangeable(first: number, count: number): void {
    this.#firstFrame = first;
    this.#frameNumbers = new Int32Array(count);
  }

  part(name: string, tell: (writer: StateWriter) => void): void {
    this.open(name, 0);
    tell(this);
    this.close();
  }

  thing(name: string, thing: Stateful): void {
    this.open(name, this.#tells(thing));
    thing.writeState(this);
    this.close();
  }

  told<T extends object>(name: string, thing: T, tell: (thing: T, writer: StateWriter) => void): void {
    this.open(name, this.#tells(thing));
    tell(thing, this);
    this.close();
  }

  parts<T extends object>(name: string, things: Iterable<T>, tell: (thing: T, writer: StateWriter) => void): void {
    const known: T[] = [];
    const others: T[] = [];
    for (const thing of things) (this.#things.has(thing) ? known : others).push(thing);
    if (known.length > 1) known.sort((a, b) => this.rankOf(a) - this.rankOf(b));
    for (const thing of known) this.told(name, thing, tell);
    for (const thing of others) this.told(name, thing, tell);
  }

  known(...things: object[]): void {
    for (const thing of things) this.#tells(thing);
  }

  value(name: string, value: unknown): void {
    if (typeof value === 'number') {
      // A number in this window that is no frame is told apart from the others in it all the same, if they are none either.
      if (this.#frameNumbers[value - this.#firstFrame] === undefined) this.field(name, value);
      else this.frame(name, value);
    } else if (typeof value === 'object' || typeof value === 'function') {
      if (value === null) this.field(name, null);
      else this.#object(name, value);
    } else if (typeof value === 'string' || typeof value === 'boolean' || value === undefined) this.field(name, value);
    else this.field(`${name} (${typeof value})`, String(value));
  }

  /** The number by which a thing was told, 0 when it was not. */
  rankOf(thing: object): number {
    return (this.#things.get(thing) ?? 0) >>> 1;
  }

  #object(name: string, thing: object): void {
    const known = this.#things.get(thing);
    if (known !== undefined && (known & 1) !== 0) this.numbered(name, 'thing', known >>> 1);
    else this.told(name, thing, tellContent);
  }

  #numberOf(thing: object): number {
    const known = this.#things.get(thing);
    if (known !== undefined) return known >>> 1;
    this.#things.set(thing, ++this.#count << 1);
    return this.#count;
  }

  /** Notes that a thing is told now, and answers its number. */
  #tells(thing: object): number {
    const known = this.#things.get(thing);
    const number = known === undefined ? ++this.#count : known >>> 1;
    if (known === undefined || (known & 1) === 0) this.#things.set(thing, (number << 1) | 1);
    return number;
  }
}

const NO_FRAMES = new Int32Array(0);
