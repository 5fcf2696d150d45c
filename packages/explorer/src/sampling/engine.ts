/** What an engine is: it makes a sampler for each execution, and learns from what has come of it. */
import type { SeededRandom } from '@faultline/kernel';
import type { Outcome } from '../execution.js';
import type { Adversity } from './adversity.js';
import type { Census } from './census.js';
import type { Sampler, SamplerOptions } from './sampler.js';

/** The engines. */
export type EngineName = 'orders' | 'random' | 'pct' | 'pos' | 'surw' | 'mutation';

/** What all engines of a portfolio share. */
export interface EngineContext {
  readonly census: Census;
  readonly maxSteps: number;
  /** The faults of the next execution. */
  adversity(random: SeededRandom): Adversity | null;
}

/** Tries schedules in a way of its own. */
export interface Engine {
  readonly name: EngineName;
  /** Decides the next execution; null when there is none left. */
  next(): Sampler | null;
  /** The execution that the last sampler decided is over. */
  learn?(outcome: Outcome): void;
}

/** The options of a sampler. */
export function samplerOptions(context: EngineContext, random: SeededRandom): SamplerOptions {
  return { maxSteps: context.maxSteps, adversity: context.adversity(random) };
}

/** A member of a list, drawn; what is said otherwise when there is none. */
export function drawn<T, Otherwise = T>(random: SeededRandom, list: readonly T[], otherwise: Otherwise): T | Otherwise {
  // Quicker than the remainder of a division, and a decision is made at every step.
  return list[Math.floor((random.next() / 2 ** 32) * list.length)] ?? otherwise;
}
