/**
 * Partial order sampling: each pending step has a priority of its own, drawn when it appears, and the highest is taken; then the steps that
 * depend on it draw again. So the order of steps that have nothing to do with each other takes no luck.
 */
import type { Lwp, SchedulingPoint, SeededRandom } from '@faultline/kernel';
import { areDependent } from './census.js';
import { type Engine, type EngineContext, samplerOptions } from './engine.js';
import { Sampler, type SamplerOptions } from './sampler.js';

/** How often a step may be passed over. It could be so for as long as one likes by threads that go round in circles, drawing anew each time. */
const MAX_PASSED_OVER = 1000;

/** One execution by priorities of steps. */
export class PosSampler extends Sampler {
  readonly name: string = 'pos';
  readonly #random: SeededRandom;
  /** Of the step that each thread is in front of, by number of thread. */
  readonly #priorities: number[] = [];
  /** The decision at which that priority was drawn. */
  readonly #drawnAt: number[] = [];

  constructor(random: SeededRandom, options: SamplerOptions) {
    super(options);
    this.#random = random;
  }

  protected decide(runnable: readonly Lwp[], usual: Lwp): Lwp {
    let highest = usual;
    let best = -1;
    for (const lwp of runnable) {
      const priority = this.#priorities[lwp.id] ?? this.#draw(lwp);
      if (this.contended - (this.#drawnAt[lwp.id] ?? 0) > MAX_PASSED_OVER) return lwp;
      if (priority <= best) continue;
      best = priority;
      highest = lwp;
    }
    return highest;
  }

  protected override announced(next: Lwp, { lwps }: SchedulingPoint): void {
    // What is drawn for it is for the step after this one.
    for (const lwp of lwps) if (lwp === next || areDependent(next, lwp)) this.#draw(lwp);
  }

  #draw({ id }: Lwp): number {
    const priority = this.#random.next();
    this.#priorities[id] = priority;
    this.#drawnAt[id] = this.contended;
    return priority;
  }
}

/** Partial order sampling. */
export class PosEngine implements Engine {
  readonly name = 'pos';
  readonly #random: SeededRandom;
  readonly #context: EngineContext;

  constructor(random: SeededRandom, context: EngineContext) {
    this.#random = random;
    this.#context = context;
  }

  next(): PosSampler {
    return new PosSampler(this.#random, samplerOptions(this.#context, this.#random));
  }
}
