/**
 * A work-stealing queue: its owner pushes and pops at the tail without a lock, thieves steal at the head under one. Owner and thief
 * announce what they are about to take before they look whether the other one has announced the same. Who looks first can take the last
 * item together with the other.
 */
import { AtomicCell, type Kern, Mutex, type StateWriter, type Step } from '@faultline/kernel';
import type { Complaint, Model } from '../model.js';
import { Bare } from './bare.js';
import { programModel, times } from './program.js';

/** Who looks before announcing; nobody should. */
export type LooksFirst = 'nobody' | 'owner' | 'both';

/** Items are numbers from 1; 0 is none. */
class WorkStealingQueue {
  /** Items taken, in this order. */
  readonly taken: number[] = [];
  readonly #bare: Bare;
  readonly #head = new AtomicCell('head', 0);
  readonly #tail = new AtomicCell('tail', 0);
  readonly #items = times(4, (at) => new AtomicCell(`item ${at}`, 0));
  readonly #lock: Mutex;
  readonly #looksFirst: LooksFirst;

  constructor(kern: Kern, looksFirst: LooksFirst) {
    this.#bare = new Bare(kern);
    this.#lock = new Mutex(kern, kern.lockClass('queue'));
    this.#looksFirst = looksFirst;
  }

  /** Pushes and pops four items. */
  *own(thieves: readonly (() => Step<void>)[]): Step<void> {
    const lwps = [];
    for (const thief of thieves) lwps.push(yield* this.#bare.spawn(thief));
    for (const first of [1, 3]) {
      yield* this.#push(first);
      yield* this.#push(first + 1);
      this.taken.push(yield* this.#pop());
    }
    for (let left = 0; left < 2; left++) this.taken.push(yield* this.#pop());
    yield* this.#bare.join(lwps);
  }

  /** Tries to steal twice. */
  *rob(): Step<void> {
    for (let attempt = 0; attempt < 2; attempt++) this.taken.push(yield* this.#steal());
  }

  complaints(): Complaint[] {
    const items = this.taken.filter((item) => item > 0).sort();
    if (items.join() === '1,2,3,4') return [];
    return [{ kind: 'check', message: `the items taken are ${items.join(', ')}`, signature: 'not each item was taken once' }];
  }

  writeState(writer: StateWriter): void {
    writer.thing('head', this.#head);
    writer.thing('tail', this.#tail);
    writer.thing('lock', this.#lock);
    for (const item of this.#items) writer.thing('item', item);
    writer.field('taken', this.taken.join());
  }

  *#push(item: number): Step<void> {
    const tail = yield* this.#bare.load(this.#tail);
    yield* this.#bare.store(this.#at(tail), item);
    yield* this.#bare.store(this.#tail, tail + 1);
  }

  *#pop(): Step<number> {
    const tail = (yield* this.#bare.load(this.#tail)) - 1;
    const looksFirst = this.#looksFirst !== 'nobody';
    let isThere = looksFirst && (yield* this.#bare.load(this.#head)) <= tail;
    yield* this.#bare.store(this.#tail, tail);
    if (!looksFirst) isThere = (yield* this.#bare.load(this.#head)) <= tail;
    if (isThere) return yield* this.#bare.load(this.#at(tail));
    yield* this.#bare.store(this.#tail, tail + 1);
    return yield* this.#popLocked(tail);
  }

  /** A thief may be about to find that there is nothing left, and to put the head back: so look again when there is none. */
  *#popLocked(tail: number): Step<number> {
    yield* this.#bare.enter(this.#lock);
    const isThere = (yield* this.#bare.load(this.#head)) <= tail;
    if (isThere) yield* this.#bare.store(this.#tail, tail);
    yield* this.#bare.exit(this.#lock);
    return isThere ? yield* this.#bare.load(this.#at(tail)) : 0;
  }

  *#steal(): Step<number> {
    yield* this.#bare.enter(this.#lock);
    const head = yield* this.#bare.load(this.#head);
    let isThere: boolean;
    if (this.#looksFirst === 'both') {
      isThere = head < (yield* this.#bare.load(this.#tail));
      if (isThere) yield* this.#bare.store(this.#head, head + 1);
    } else {
      yield* this.#bare.store(this.#head, head + 1);
      isThere = head < (yield* this.#bare.load(this.#tail));
      if (!isThere) yield* this.#bare.store(this.#head, head);
    }
    const item = isThere ? yield* this.#bare.load(this.#at(head)) : 0;
    yield* this.#bare.exit(this.#lock);
    return item;
  }

  #at(index: number): AtomicCell {
    return this.#items[index % this.#items.length] as AtomicCell;
  }
}

/**
 * An owner that pushes and pops four items, and a thief that tries to steal twice. No item may be taken twice, and none be lost.
 *
 * @param options.looksFirst who makes the mistake
 */
export function workStealingQueue({ looksFirst }: { readonly looksFirst: LooksFirst }): Model {
  return programModel('work-stealing queue', (kern) => {
    const queue = new WorkStealingQueue(kern, looksFirst);
    return {
      bodies: [() => queue.own([() => queue.rob()])],
      writeState: (writer) => queue.writeState(writer),
      atEnd: () => queue.complaints(),
    };
  });
}
