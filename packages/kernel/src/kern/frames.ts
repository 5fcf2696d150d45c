/**
 * What the watched build is told by (docs/decisions/0010-watched-build.md): each generator that waits says where it stands and what lives
 * on in its variables.
 *
 *     thread ── frames ──> [0] userThread   [1] untilExit   [2] mlock   [3] sysMlock …   one teller a generator, the outermost first
 *
 * The build puts calls of these functions into the source; nobody else calls them.
 */
import type { Stateful, StateWriter } from './state.js';

/** Tells a frame: the place in the code, and the values of the variables that live on from there. */
export type FrameTeller = () => readonly unknown[];

/** The frames of one thread. Right whenever the thread is parked: what it has returned from is beyond `depth`. */
export class FrameStack {
  /** How many there are. */
  depth = 0;
  /** The frames, and what is left of others. */
  readonly tellers: FrameTeller[] = [];
}

/** The frames of the thread that runs. */
let running = new FrameStack();

/** Says whose frames those of the running thread are; answers whose they were. */
export function runOn(stack: FrameStack): FrameStack {
  const before = running;
  running = stack;
  return before;
}

/** Which frame a generator that begins will have. */
export function depth(): number {
  return running.depth;
}

/** A generator is about to wait for another one, and tells its frame. Gives the other one back. */
export function frame<T>(at: number, callee: T, teller: FrameTeller): T {
  running.tellers[at] = teller;
  running.depth = at + 1;
  return callee;
}

/** A generator is about to answer what another one will answer: its own frame is over. Gives the other one back. */
export function tail<T>(at: number, callee: T): T {
  running.depth = at;
  return callee;
}

/**
 * Where the teller of a function or an object is: of what it was made of, which nobody can see from outside. The same in each build: what
 * is told of a watched kernel may be written down by somebody who has the stepped one, as the explorer has.
 */
export const around = Symbol.for('faultline.teller');

/** What has a teller of its own. */
export interface Tagged {
  [around]?: FrameTeller;
}

/** Gives a function, or an object with methods, a teller for the variables around it. Gives it back. */
export function tag<T extends object>(thing: T, teller: FrameTeller): T {
  (thing as Tagged)[around] = teller;
  return thing;
}

/** Goes over the items of a list as `for … of` does, and can be seen where it is. */
export function walk<T>(items: Iterable<T>): Walk<T> {
  return new Walk(items);
}

/** Goes over items. */
export class Walk<T> implements Stateful {
  readonly #items: Iterable<T>;
  readonly #iterator: Iterator<T>;
  #value: T | undefined;
  #count = 0;

  constructor(items: Iterable<T>) {
    this.#items = items;
    this.#iterator = items[Symbol.iterator]();
    // Of an iterator nobody can tell which items are still to come.
    if (!Array.isArray(items) && !(items instanceof Set) && !(items instanceof Map)) {
      throw new TypeError('a loop that waits goes over an array, a set or a map; make an array of what it is to go over');
    }
  }

  /** The item it has come to. */
  get value(): T {
    return this.#value as T;
  }

  /** Goes on to the next item; answers whether there was one. */
  next(): boolean {
    const { value, done } = this.#iterator.next();
    if (done === true) return false;
    this.#count++;
    this.#value = value;
    return true;
  }

  /** Tells which items are still to come: those behind the ones that it has been at. */
  writeState(writer: StateWriter): void {
    if (Array.isArray(this.#items)) {
      for (let i = this.#count; i < this.#items.length; i++) writer.value('item', this.#items[i]);
      return;
    }
    writer.value('items', this.#items);
    writer.field('count', this.#count);
    writer.value('at', this.#value);
  }
}
