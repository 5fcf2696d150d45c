/**
 * Without preemption: each thread runs until it waits or ends, in every order of the threads. A few executions that show obvious mistakes, and
 * what there is to be decided at all.
 */
import type { Lwp, SchedulingPoint, SeededRandom } from '@faultline/kernel';
import type { Outcome } from '../execution.js';
import { Tally } from './census.js';
import { type Engine, type EngineContext, samplerOptions } from './engine.js';
import { Patience } from './patience.js';
import { Sampler, type SamplerOptions } from './sampler.js';

/** Threads of which all orders are tried. */
const MAX_THREADS = 4;

/** Runs each thread until it waits, then the first in order. */
export class OrderSampler extends Sampler {
  readonly name: string = 'orders';
  readonly tally: Tally;
  /** Threads that could have gone on when another one waited or ended. */
  readonly rivals = new Set<number>();
  /** The place of each thread, by its number; a thread without one comes after the others. */
  readonly #places: Map<number, number>;
  /** The place of a thread that is not in the order, less its number. */
  readonly #unnamed: number;
  readonly #patience = new Patience();
  /** The place of the next thread that goes round in circles: after all others. */
  #last = 2 ** 30;

  /** @param order numbers of threads; those that are not in it follow by number */
  constructor(order: readonly number[], tally: Tally, options: SamplerOptions) {
    super(options);
    this.#places = new Map(order.map((lwp, place) => [lwp, place]));
    this.#unnamed = order.length;
    this.tally = tally;
  }

  protected decide(runnable: readonly Lwp[], usual: Lwp, point: SchedulingPoint): Lwp {
    const { current } = point;
    const others = usual === current ? runnable.filter((lwp) => lwp !== current) : runnable;
    if (usual === current) {
      if (!this.#patience.goesInCircles(current)) return current;
      this.#places.set(current.id, this.#last++);
    }
    for (const { id } of others) this.rivals.add(id);
    return others.reduce((first, lwp) => (this.#placeOf(lwp) < this.#placeOf(first) ? lwp : first));
  }

  protected override announced(lwp: Lwp, { lwps, current }: SchedulingPoint): void {
    this.tally.meet(lwps, current, () => undefined);
    this.tally.count(lwp);
  }

  #placeOf(lwp: Lwp): number {
    return this.#places.get(lwp.id) ?? this.#unnamed + lwp.id;
  }
}

/** All orders of up to four threads; of more threads, the usual one and its reverse. */
export class OrdersEngine implements Engine {
  readonly name = 'orders';
  readonly #random: SeededRandom;
  readonly #context: EngineContext;
  #current: OrderSampler | null = null;
  #left: (readonly number[])[] | null = null;

  constructor(random: SeededRandom, context: EngineContext) {
    this.#random = random;
    this.#context = context;
  }

  next(): OrderSampler | null {
    const order = this.#left === null ? [] : this.#left.shift();
    if (order === undefined) return null;
    const options = samplerOptions(this.#context, this.#random);
    this.#current = new OrderSampler(order, new Tally(this.#context.census.sites), options);
    return this.#current;
  }

  learn(_outcome: Outcome): void {
    const sampler = this.#current;
    if (sampler === null) return;
    this.#context.census.add(sampler.tally);
    if (this.#left !== null) return;
    const rivals = [...sampler.rivals].sort((a, b) => a - b);
    // The first one is the order that has just been tried.
    const orders = rivals.length <= MAX_THREADS ? permutations(rivals) : [rivals, rivals.toReversed()];
    this.#left = orders.slice(1);
  }
}

/** All orders of some things, the given one first. */
function permutations<T>(things: readonly T[]): T[][] {
  if (things.length === 0) return [[]];
  return things.flatMap((first, at) => permutations(things.toSpliced(at, 1)).map((rest) => [first, ...rest]));
}
