/**
 * Mutation guided by coverage: a schedule that has led to a state never seen before is kept, and tried again, with a few of its decisions
 * changed, or as far as the last such state and from there on otherwise. So what takes many lucky decisions is come to step by step, where
 * a walk from the start would need all the luck at once.
 */
import type { Lwp, SeededRandom } from '@faultline/kernel';
import { StateHash } from '@faultline/kernel';
import type { Outcome } from '../execution.js';
import type { Instance } from '../model.js';
import { drawn, type Engine, type EngineContext, samplerOptions } from './engine.js';
import { Sampler, type SamplerOptions } from './sampler.js';

/** Mutants made of each schedule that is kept. */
const MUTANTS = 16;
/** Decisions that are changed in a mutant, at most. */
const MAX_CHANGES = 5;
/** When no schedule has mutants left, one execution in so many is a walk from the start; the others are mutants of what was kept. */
const WALK_ONE_IN = 4;
/** States looked at in an execution, about: telling a state may cost as much as a hundred steps. */
const LOOKS = 32;
/** Schedules that are kept, at most: the latest. */
const MAX_KEPT = 256;

/** Follows a stream of decisions, and draws when it is over. */
export class MutantSampler extends Sampler {
  readonly name: string = 'mutation';
  /** What was decided: each a number, which the threads that could go on share out. */
  readonly stream: number[] = [];
  /** How many decisions led to the last state that was new; -1 when none was. */
  newest = -1;
  readonly #random: SeededRandom;
  readonly #template: readonly number[];
  /** How many decisions are left until a state is looked at, and from one look to the next. */
  #untilLook: number;
  readonly #stride: number;
  readonly #seen: Set<string>;
  #instance: Instance | null = null;

  /**
   * @param template decisions to follow
   * @param stride decisions from one look at a state to the next
   * @param seen hashes of the states that were seen; those of this execution are added
   */
  constructor(
    random: SeededRandom,
    { template, stride, seen }: { readonly template: readonly number[]; readonly stride: number; readonly seen: Set<string> },
    options: SamplerOptions,
  ) {
    super(options);
    this.#seen = seen;
    this.#random = random;
    this.#template = template;
    this.#stride = stride;
    this.#untilLook = random.below(stride);
  }

  override booted(instance: Instance): void {
    this.#instance = instance;
  }

  protected decide(runnable: readonly Lwp[], usual: Lwp): Lwp {
    const decision = this.#template[this.stream.length] ?? this.#random.next();
    this.stream.push(decision);
    if (this.#untilLook-- === 0) this.#look();
    return runnable[decision % runnable.length] ?? usual;
  }

  #look(): void {
    this.#untilLook = this.#stride - 1;
    const instance = this.#instance;
    if (instance === null) return;
    const hash = new StateHash();
    instance.writeState(hash);
    if (this.#seen.has(hash.digest)) return;
    this.#seen.add(hash.digest);
    // The decision in this state is not one that led to it.
    this.newest = this.stream.length - 1;
  }
}

/** A schedule that led to something new. */
interface Kept {
  readonly stream: readonly number[];
  /** How many of its decisions led to what was new. */
  readonly newest: number;
  mutants: number;
}

/** Mutation of schedules that led to new states. */
export class MutationEngine implements Engine {
  readonly name = 'mutation';
  readonly #random: SeededRandom;
  readonly #context: EngineContext;
  /** States seen so far. */
  readonly #seen = new Set<string>();
  /** The latest schedules that led to something new. */
  readonly #kept: Kept[] = [];
  /** Those that have mutants left, in turn. */
  readonly #waiting: Kept[] = [];
  #current: MutantSampler | null = null;

  constructor(random: SeededRandom, context: EngineContext) {
    this.#random = random;
    this.#context = context;
  }

  next(): MutantSampler {
    const { contended } = this.#context.census;
    const stride = Math.max(1, Math.ceil(contended / LOOKS));
    const how = { template: this.#mutant(), stride, seen: this.#seen };
    this.#current = new MutantSampler(this.#random, how, samplerOptions(this.#context, this.#random));
    return this.#current;
  }

  learn(_outcome: Outcome): void {
    const sampler = this.#current;
    if (sampler === null || sampler.newest < 0) return;
    const kept = { stream: sampler.stream, newest: sampler.newest, mutants: MUTANTS };
    this.#waiting.push(kept);
    this.#kept.push(kept);
    if (this.#kept.length > MAX_KEPT) this.#kept.shift();
    if (this.#waiting.length > MAX_KEPT) this.#waiting.shift();
  }

  /** Decisions to follow; none for a walk from the start. */
  #mutant(): readonly number[] {
    const parent = this.#parent();
    if (parent === null) return [];
    if (this.#random.below(2) === 0) return parent.stream.slice(0, parent.newest);
    const mutant = [...parent.stream];
    for (let change = this.#random.below(MAX_CHANGES); change >= 0; change--) {
      mutant[this.#random.below(mutant.length)] = this.#random.next();
    }
    return mutant;
  }

  #parent(): Kept | null {
    const next = this.#waiting.shift();
    if (next === undefined) return this.#random.below(WALK_ONE_IN) === 0 ? null : drawn(this.#random, this.#kept, null);
    next.mutants--;
    if (next.mutants > 0) this.#waiting.push(next);
    return next;
  }
}
