/**
 * The edges that are still to be taken, in order of preemptions: those of the present level, and those that cost one more. Worker
 * threads can share it.
 */
import { newMemory } from './graph.js';

const HEADER = { head0: 0, tail0: 1, head1: 2, tail1: 3, level: 4, pending: 5, lock: 6, done: 7 } as const;
const HEADER_WORDS = 16;

/** Edges to be taken, by level. */
export class Frontier {
  /** All of it: what a worker needs to attach itself. */
  readonly memory: ArrayBufferLike;
  readonly #capacity: number;
  readonly #header: Int32Array;
  readonly #queues: readonly [Int32Array, Int32Array];

  /** @param capacity edges that may ever be put on one level */
  constructor(capacity: number, memory?: ArrayBufferLike) {
    this.#capacity = capacity;
    this.memory = memory ?? newMemory((HEADER_WORDS + 2 * capacity) * 4);
    this.#header = new Int32Array(this.memory, 0, HEADER_WORDS);
    this.#queues = [
      new Int32Array(this.memory, HEADER_WORDS * 4, capacity),
      new Int32Array(this.memory, (HEADER_WORDS + capacity) * 4, capacity),
    ];
  }

  /** Preemptions that paths of the present level have. */
  get level(): number {
    return Atomics.load(this.#header, HEADER.level);
  }

  /** Whether nothing is left on any level, or exploring was stopped. */
  get done(): boolean {
    return Atomics.load(this.#header, HEADER.done) !== 0;
  }

  /** Edges of this level that nobody has finished, and edges of the next one. */
  get waiting(): { readonly now: number; readonly later: number } {
    const tail = (this.level & 1) === 0 ? HEADER.tail1 : HEADER.tail0;
    return { now: Atomics.load(this.#header, HEADER.pending), later: Atomics.load(this.#header, tail) };
  }

  /** Stops everybody. */
  stop(): void {
    Atomics.store(this.#header, HEADER.done, 1);
  }

  /** Goes on where it was stopped. */
  resume(): void {
    Atomics.store(this.#header, HEADER.done, 0);
  }

  /** Puts an edge on the present level, or on the next. Only for one who has not finished an edge of the present level, and at the start. */
  push(edge: number, when: 'now' | 'later'): void {
    const odd = (this.level & 1) === 1;
    const second = (when === 'now') === odd;
    if (when === 'now') Atomics.add(this.#header, HEADER.pending, 1);
    const at = Atomics.add(this.#header, second ? HEADER.tail1 : HEADER.tail0, 1);
    if (at >= this.#capacity) throw new RangeError('the frontier is full');
    // A queue holds edges plus one: zero is a place that was reserved and not yet filled.
    Atomics.store(this.#queues[second ? 1 : 0], at, edge + 1);
  }

  /** An edge of the present level; null when there is none now, though more may come. */
  take(): number | null {
    const odd = (this.level & 1) === 1;
    const [head, tail] = odd ? [HEADER.head1, HEADER.tail1] : [HEADER.head0, HEADER.tail0];
    for (;;) {
      const at = Atomics.load(this.#header, head);
      if (at >= Atomics.load(this.#header, tail)) return null;
      const queue = this.#queues[odd ? 1 : 0];
      const entry = Atomics.load(queue, at);
      if (entry === 0) return null;
      if (Atomics.compareExchange(this.#header, head, at, at + 1) === at) return entry - 1;
    }
  }

  /** An edge that `take` gave is dealt with. */
  finish(): void {
    Atomics.sub(this.#header, HEADER.pending, 1);
  }

  /**
   * Goes on to the next level if nobody works on this one any more.
   *
   * @param maxLevel the last level that is wanted
   * @returns whether the level has changed, or all is done
   */
  advance(maxLevel: number): boolean {
    const header = this.#header;
    if (Atomics.load(header, HEADER.pending) !== 0) return false;
    if (Atomics.compareExchange(header, HEADER.lock, 0, 1) !== 0) return false;
    let changed = false;
    if (Atomics.load(header, HEADER.pending) === 0 && !this.done) {
      const { level } = this;
      const odd = (level & 1) === 1;
      const later = Atomics.load(header, odd ? HEADER.tail0 : HEADER.tail1);
      if (later === 0 || level >= maxLevel) {
        Atomics.store(header, HEADER.done, 1);
      } else {
        const [head, tail] = odd ? [HEADER.head1, HEADER.tail1] : [HEADER.head0, HEADER.tail0];
        this.#queues[odd ? 1 : 0].fill(0, 0, Atomics.load(header, tail));
        Atomics.store(header, head, 0);
        Atomics.store(header, tail, 0);
        Atomics.store(header, HEADER.pending, later);
        Atomics.store(header, HEADER.level, level + 1);
      }
      changed = true;
    }
    Atomics.store(header, HEADER.lock, 0);
    return changed;
  }
}
