/**
 * Sampling: many executions, each with another schedule, by engines that take turns. It proves nothing, and finds most mistakes
 * long before an exhaustive exploration would come to them.
 */
import { SeededRandom } from '@faultline/kernel';
import { execute, type Outcome } from '../execution.js';
import type { Found } from '../failure.js';
import type { Model } from '../model.js';
import { Adversity, type Occasions } from './adversity.js';
import { Census } from './census.js';
import type { Engine, EngineContext, EngineName } from './engine.js';
import { MutationEngine } from './mutation.js';
import { OrdersEngine } from './orders.js';
import { PctEngine } from './pct.js';
import { PosEngine } from './pos.js';
import { RandomEngine } from './random.js';
import type { Sampler } from './sampler.js';
import { SurwEngine } from './surw.js';

/** How to sample. */
export interface SampleOptions {
  /** Equal seeds give equal results. */
  readonly seed: number;
  readonly budget: SampleBudget;
  /** Faults of the environment in an execution, at most: choices that go another way, timeouts that fire early. Default 0. */
  readonly faults?: number;
  /** What to look for: the first failure, or each different one until the budget is spent. Default `first`. */
  readonly lookFor?: 'first' | 'all';
  /** Steps after which an execution is given up. Default 100,000. */
  readonly maxSteps?: number;
  /** The engines that take turns, in this order; one may have several turns in a round. Default: all. `orders` comes first in any case, and once. */
  readonly engines?: readonly EngineName[];
  /** Whether invariants are checked at quiet points. Default true. */
  readonly audit?: boolean;
  /** Told after each round of the engines. */
  readonly onProgress?: (progress: SampleProgress) => void;
}

/** How much may be spent. */
export interface SampleBudget {
  readonly executions: number;
  /** Asked before each execution; true ends the sampling. */
  readonly shouldStop?: () => boolean;
}

/** How far the sampling is. */
export interface SampleProgress {
  readonly executions: number;
  readonly steps: number;
  /** Executions that were given up after too many steps. They say nothing. */
  readonly givenUp: number;
  /** Failures found, each counted once. */
  readonly found: number;
}

/** A failure that sampling has found, and how. */
export interface SampledFailure extends Found {
  /** The engine that found it first. */
  readonly engine: EngineName;
  /** The execution in which it was first found, from 1. */
  readonly execution: number;
}

/** What an engine has done. */
export interface EngineStatistics {
  readonly engine: EngineName;
  readonly executions: number;
  readonly steps: number;
  readonly givenUp: number;
  /** Executions that failed. */
  readonly failures: number;
  /** Which of its own executions was the first to fail, from 1; null when none did. */
  readonly firstFailure: number | null;
}

/** What sampling has come to. */
export interface Sampled extends Omit<SampleProgress, 'found'> {
  /** In the order in which they were found; of each, the simplest schedule that came up. */
  readonly found: readonly SampledFailure[];
  readonly engines: readonly EngineStatistics[];
}

/** The same, while it is being counted. */
type Counting<T> = { -readonly [K in keyof T]: T[K] };

const DEFAULT_STEPS = 100_000;
/** The one that finds most has every other turn; the others are there for what it cannot find. */
const TURNS: readonly EngineName[] = ['surw', 'pos', 'surw', 'pct', 'surw', 'random', 'surw', 'mutation'];

/** Chooses the stream of random numbers of each engine. */
const NUMBERS: Readonly<Record<EngineName, number>> = { orders: 0, random: 1, pct: 2, pos: 3, surw: 4, mutation: 5 };

const MAKERS: Readonly<Record<EngineName, new (random: SeededRandom, context: EngineContext) => Engine>> = {
  orders: OrdersEngine,
  random: RandomEngine,
  pct: PctEngine,
  pos: PosEngine,
  surw: SurwEngine,
  mutation: MutationEngine,
};

/** Samples schedules of a model until something goes wrong, or the budget is spent. */
export function sample(model: Model, options: SampleOptions): Sampled {
  return new Sampling(model, options).run();
}

/** An engine, and what it has done. */
interface Contender {
  readonly engine: Engine;
  readonly statistics: Counting<EngineStatistics>;
}

class Sampling {
  readonly #model: Model;
  readonly #options: SampleOptions;
  readonly #context: EngineContext;
  readonly #contenders = new Map<EngineName, Contender>();
  readonly #found = new Map<string, SampledFailure>();
  #executions = 0;
  #steps = 0;
  #givenUp = 0;

  constructor(model: Model, options: SampleOptions) {
    this.#model = model;
    this.#options = options;
    const { faults = 0, maxSteps = DEFAULT_STEPS } = options;
    const occasions: Occasions = { choices: 0, timeouts: 0 };
    this.#context = {
      census: new Census(),
      maxSteps,
      adversity: (random) => (faults === 0 ? null : new Adversity(random, faults, occasions)),
    };
  }

  run(): Sampled {
    const orders = this.#contender('orders');
    const turns = (this.#options.engines ?? TURNS).filter((name) => name !== 'orders').map((name) => this.#contender(name));
    while (this.#goesOn() && this.#execute(orders));
    for (let turn = 0; turns.length > 0; turn++) {
      if (turn % turns.length === 0) this.#options.onProgress?.(this.#progress());
      if (!this.#goesOn()) break;
      this.#execute(turns[turn % turns.length] ?? orders);
    }
    const engines = [...this.#contenders.values()].map(({ statistics }) => ({ ...statistics }));
    return { ...this.#progress(), found: [...this.#found.values()], engines };
  }

  #goesOn(): boolean {
    const { budget, lookFor = 'first' } = this.#options;
    if (this.#executions >= budget.executions || (lookFor === 'first' && this.#found.size > 0)) return false;
    return budget.shouldStop?.() !== true;
  }

  /** Each engine has a stream of its own, whichever others there are. */
  #contender(name: EngineName): Contender {
    const known = this.#contenders.get(name);
    if (known !== undefined) return known;
    const random = new SeededRandom(this.#options.seed + 2 ** 32 * (1 + NUMBERS[name]));
    const contender = {
      engine: new MAKERS[name](random, this.#context),
      statistics: { engine: name, executions: 0, steps: 0, givenUp: 0, failures: 0, firstFailure: null },
    };
    this.#contenders.set(name, contender);
    return contender;
  }

  /** One execution; answers whether the engine had one to make. */
  #execute({ engine, statistics }: Contender): boolean {
    const sampler = engine.next();
    if (sampler === null) return false;
    const outcome = execute(this.#watched(sampler), sampler, { audit: this.#options.audit !== false });
    this.#executions++;
    statistics.executions++;
    this.#steps += outcome.steps;
    statistics.steps += outcome.steps;
    if (outcome.abandoned) {
      this.#givenUp++;
      statistics.givenUp++;
    }
    const { census } = this.#context;
    census.contended = Math.max(census.contended, sampler.contended);
    engine.learn?.(outcome);
    if (outcome.failure !== null) {
      statistics.failures++;
      statistics.firstFailure ??= statistics.executions;
      this.#keep(outcome, engine.name, sampler.preemptions);
    }
    outcome.instance.discard?.();
    return true;
  }

  #watched(sampler: Sampler): Model {
    const { name } = this.#model;
    return {
      name,
      boot: (strategy) => {
        const instance = this.#model.boot(strategy);
        sampler.booted(instance);
        return instance;
      },
    };
  }

  /** Keeps the simplest schedule for each failure. */
  #keep({ failure, schedule, steps }: Outcome, engine: EngineName, preemptions: number): void {
    if (failure === null) return;
    const known = this.#found.get(failure.signature);
    if (known === undefined) {
      const found = { failure, schedule, preemptions, steps, engine, execution: this.#executions };
      this.#found.set(failure.signature, found);
    } else if (preemptions < known.preemptions || (preemptions === known.preemptions && steps < known.steps)) {
      this.#found.set(failure.signature, { ...known, failure, schedule, preemptions, steps });
    }
  }

  #progress(): { executions: number; steps: number; givenUp: number; found: number } {
    return { executions: this.#executions, steps: this.#steps, givenUp: this.#givenUp, found: this.#found.size };
  }
}
