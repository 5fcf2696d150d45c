/**
 * Probabilistic concurrency testing: threads have priorities, the highest runs, and at a few steps drawn beforehand the running thread
 * falls below all others. A mistake that takes d orderings of steps is hit with a probability of at least 1 / (n · k^(d-1)) for n threads
 * and k steps, whatever the program.
 *
 * Only steps count at which two threads or more could go on; k is the largest number of them that any execution has had. A new thread gets a
 * random place among those that have not fallen. A thread that goes round in circles falls below all others, or nobody would ever
 * do what it waits for.
 */
import type { Lwp, SeededRandom } from '@faultline/kernel';
import { type Engine, type EngineContext, samplerOptions } from './engine.js';
import { Patience } from './patience.js';
import { Sampler, type SamplerOptions } from './sampler.js';

/** Depths of mistakes that are tried in turn. */
const DEPTHS = [2, 3, 5] as const;
const MAX_DEPTH = 5;

/** One execution by priorities. */
export class PctSampler extends Sampler {
  readonly name: string = 'pct';
  readonly #random: SeededRandom;
  /** By number of thread. */
  readonly #priorities: number[] = [];
  /** Which decision makes the running thread fall, and to which priority. */
  readonly #changes = new Map<number, number>();
  readonly #patience = new Patience();
  /** Below every priority so far. */
  #bottom = 0;

  /**
   * @param depth orderings of steps that the mistake takes
   * @param decisions as many as an execution has, at most; 0 when nobody knows
   */
  constructor(random: SeededRandom, depth: number, decisions: number, options: SamplerOptions) {
    super(options);
    this.#random = random;
    if (decisions === 0) return;
    for (let change = 1; change < depth; change++) this.#changes.set(1 + random.below(decisions), change);
  }

  protected decide(runnable: readonly Lwp[], usual: Lwp): Lwp {
    const first = this.#highest(runnable, usual);
    const change = this.#changes.get(this.contended);
    if (change !== undefined) this.#priorities[first.id] = change;
    else if (this.#patience.goesInCircles(first)) this.#priorities[first.id] = --this.#bottom;
    else return first;
    return this.#highest(runnable, usual);
  }

  #highest(runnable: readonly Lwp[], usual: Lwp): Lwp {
    let highest = usual;
    let best = Number.NEGATIVE_INFINITY;
    for (const lwp of runnable) {
      const priority = this.#priorityOf(lwp);
      if (priority <= best) continue;
      best = priority;
      highest = lwp;
    }
    return highest;
  }

  #priorityOf({ id }: Lwp): number {
    const known = this.#priorities[id];
    if (known !== undefined) return known;
    const priority = MAX_DEPTH + this.#random.next();
    this.#priorities[id] = priority;
    return priority;
  }
}

/** Probabilistic concurrency testing, with each depth in turn. */
export class PctEngine implements Engine {
  readonly name = 'pct';
  readonly #random: SeededRandom;
  readonly #context: EngineContext;
  #turn = 0;

  constructor(random: SeededRandom, context: EngineContext) {
    this.#random = random;
    this.#context = context;
  }

  next(): PctSampler {
    const depth = DEPTHS[this.#turn++ % DEPTHS.length] ?? DEPTHS[0];
    return new PctSampler(this.#random, depth, this.#context.census.contended, samplerOptions(this.#context, this.#random));
  }
}
