/** Draws among the threads at every step. */
import type { Lwp, SeededRandom } from '@faultline/kernel';
import { drawn, type Engine, type EngineContext, samplerOptions } from './engine.js';
import { Sampler, type SamplerOptions } from './sampler.js';

/** Each thread that can go on is as likely as the others. */
export class RandomSampler extends Sampler {
  readonly name: string = 'random';
  readonly #random: SeededRandom;

  constructor(random: SeededRandom, options: SamplerOptions) {
    super(options);
    this.#random = random;
  }

  protected decide(runnable: readonly Lwp[], usual: Lwp): Lwp {
    return drawn(this.#random, runnable, usual);
  }
}

/** The random walk. */
export class RandomEngine implements Engine {
  readonly name = 'random';
  readonly #random: SeededRandom;
  readonly #context: EngineContext;

  constructor(random: SeededRandom, context: EngineContext) {
    this.#random = random;
    this.#context = context;
  }

  next(): RandomSampler {
    return new RandomSampler(this.#random, samplerOptions(this.#context, this.#random));
  }
}
