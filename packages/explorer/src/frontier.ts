/**
 * The edges that are still to be taken, in order of preemptions: those of the present level, and those that cost one more. Worker
 * threads can share it.
 *
 * Each level has its edges in one of two queues, the levels taking turns. Nothing is ever removed from a queue; its head moves on.
 * The queue of the next level is closed: its head is negative, so that nobody who was slow to notice takes from it too early.
 */
import { newMemory } from './graph.js';

const HEADER = { head0: 0, tail0: 1, head1: 2, tail1: 3, level: 4, pending: 5, stopped: 6, idle: 7, finished: 8 } as const;
const HEADER_WORDS = 16;

/** Where a frontier stands, as plain data. */
export interface FrontierState {
  readonly level: number;
  /** Edges of this level, and of the next, in the order in which they are to be taken. */
  readonly now: Int32Array;
  readonly later: Int32Array;
}

/** Edges to be taken, by level. */
export class Frontier {
  /** All of it: what a worker needs to attach itself. */
  readonly memory: ArrayBufferLike;
  readonly #capacity: number;
  readonly #header: Int32Array;
  readonly #queues: readonly [Int32Array, Int32Array];

  /** @param capacity edges that may ever be put on the levels of one queue */
  constructor(capacity: number, memory?: ArrayBufferLike) {
    this.#capacity = capacity;
    this.memory = memory ?? newMemory((HEADER_WORDS + 2 * capacity) * 4);
    this.#header = new Int32Array(this.memory, 0, HEADER_WORDS);
    this.#queues = [
      new Int32Array(this.memory, HEADER_WORDS * 4, capacity),
      new Int32Array(this.memory, (HEADER_WORDS + capacity) * 4, capacity),
    ];
    if (memory === undefined) this.#close(1);
  }

  /** Preemptions that paths of the present level have. */
  get level(): number {
    return Atomics.load(this.#header, HEADER.level);
  }

  /** Whether everybody is to stop, although edges may be left. */
  get stopped(): boolean {
    return Atomics.load(this.#header, HEADER.stopped) !== 0;
  }

  /** Edges that were dealt with, by all. */
  get finished(): number {
    return Atomics.load(this.#header, HEADER.finished);
  }

  /** Edges of this level that nobody has finished, and edges of the next one. */
  get waiting(): { readonly now: number; readonly later: number } {
    const { head, tail } = this.#ends((this.level + 1) % 2);
    return { now: Atomics.load(this.#header, HEADER.pending), later: tail - head };
  }

  /** What is left. Only while nobody works. */
  get state(): FrontierState {
    const { level } = this;
    const rest = (queue: number): Int32Array => {
      const { head, tail } = this.#ends(queue);
      return this.#queueOf(queue)
        .slice(head, tail)
        .map((entry) => entry - 1);
    };
    return { level, now: rest(level % 2), later: rest((level + 1) % 2) };
  }

  /** Goes on where another frontier stood. Only for an empty one. */
  restore({ level, now, later }: FrontierState): void {
    Atomics.store(this.#header, HEADER.level, level);
    this.#open(level % 2);
    this.#close((level + 1) % 2);
    for (const edge of now) this.push(edge, 'now');
    for (const edge of later) this.push(edge, 'later');
  }

  /** Tells everybody to stop. */
  stop(): void {
    Atomics.store(this.#header, HEADER.stopped, 1);
    Atomics.notify(this.#header, HEADER.idle);
  }

  /** Goes on where it was stopped. */
  resume(): void {
    Atomics.store(this.#header, HEADER.stopped, 0);
  }

  /** Puts an edge on the present level, or on the next. Only for one who has not finished an edge of the present level, and at the start. */
  push(edge: number, when: 'now' | 'later'): void {
    const header = this.#header;
    const queue = (this.level + (when === 'now' ? 0 : 1)) % 2;
    if (when === 'now') Atomics.add(header, HEADER.pending, 1);
    const at = Atomics.add(header, queue === 0 ? HEADER.tail0 : HEADER.tail1, 1);
    if (at >= this.#capacity) throw new RangeError('the frontier is full');
    // A queue holds edges plus one: zero is a place that was reserved and not yet filled.
    Atomics.store(this.#queueOf(queue), at, edge + 1);
    if (when === 'now' && Atomics.load(header, HEADER.idle) > 0) Atomics.notify(header, HEADER.idle);
  }

  /** An edge of the present level; null when there is none now, though more may come. */
  take(): number | null {
    const header = this.#header;
    const number = this.level % 2;
    const queue = this.#queueOf(number);
    const [head, tail] = number === 0 ? [HEADER.head0, HEADER.tail0] : [HEADER.head1, HEADER.tail1];
    for (;;) {
      const at = Atomics.load(header, head);
      if (at < 0 || at >= Atomics.load(header, tail)) return null;
      const entry = Atomics.load(queue, at);
      if (entry === 0) return null;
      if (Atomics.compareExchange(header, head, at, at + 1) === at) return entry - 1;
    }
  }

  /** An edge that `take` gave is dealt with. */
  finish(): void {
    Atomics.add(this.#header, HEADER.finished, 1);
    if (Atomics.sub(this.#header, HEADER.pending, 1) === 1) Atomics.notify(this.#header, HEADER.idle);
  }

  /** Waits until there may be something to take, or all is done, so many milliseconds at most. Not on a thread that must not wait. */
  rest(milliseconds: number): void {
    const idle = Atomics.add(this.#header, HEADER.idle, 1) + 1;
    Atomics.wait(this.#header, HEADER.idle, idle, milliseconds);
    Atomics.sub(this.#header, HEADER.idle, 1);
  }

  /** Goes on to the next level. Only when all edges of this one are finished, and nobody works. */
  advance(): void {
    const { level, waiting } = this;
    if (waiting.now !== 0) throw new RangeError(`${waiting.now} edges of level ${level} are not finished`);
    this.#close(level % 2);
    Atomics.store(this.#header, HEADER.pending, waiting.later);
    Atomics.store(this.#header, HEADER.level, level + 1);
    this.#open((level + 1) % 2);
  }

  #queueOf(number: number): Int32Array {
    return this.#queues[number === 0 ? 0 : 1];
  }

  /** Where a queue begins and ends, open or closed. */
  #ends(queue: number): { readonly head: number; readonly tail: number } {
    const head = Atomics.load(this.#header, queue === 0 ? HEADER.head0 : HEADER.head1);
    return { head: head < 0 ? -1 - head : head, tail: Atomics.load(this.#header, queue === 0 ? HEADER.tail0 : HEADER.tail1) };
  }

  #close(queue: number): void {
    Atomics.store(this.#header, queue === 0 ? HEADER.head0 : HEADER.head1, -1 - this.#ends(queue).head);
  }

  #open(queue: number): void {
    Atomics.store(this.#header, queue === 0 ? HEADER.head0 : HEADER.head1, this.#ends(queue).head);
  }
}
