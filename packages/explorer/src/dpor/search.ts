/**
 * What brute force, source-DPOR and optimal DPOR have in common: a depth-first search without snapshots. Each execution starts at the
 * beginning, goes along the stack of frames to the last one from which something is left to explore, and from there to the end.
 *
 * Local steps are taken at once, wherever they are possible; so they are never a matter of order.
 */
import type { Lwp, SchedulingPoint, Strategy } from '@faultline/kernel';
import { StateHash } from '@faultline/kernel';
import { ENOUGH, execute, type Outcome } from '../execution.js';
import type { Found } from '../failure.js';
import type { Model } from '../model.js';
import { isLocal } from './access.js';
import type { Frame } from './frame.js';
import { Trace, UnsupportedStep } from './trace.js';
import { TraceClasses } from './trace-classes.js';

/** How far to go. */
export interface SearchOptions {
  /** Executions after which to stop. Default: no limit. */
  readonly maxExecutions?: number;
  /** Steps after which an execution is given up; how many were is told. Default 10,000. */
  readonly maxSteps?: number;
  /** Whether to take note of the states in which executions end. Default true. */
  readonly finalStates?: boolean;
  /** Whether to take note of the classes of executions. Default false. */
  readonly classes?: boolean;
  /** Asked now and then; true ends the search early. */
  readonly shouldStop?: () => boolean;
}

/** What a search came to. */
export interface SearchResult {
  /** Executions that came to their end. */
  readonly executions: number;
  /** Executions that were given up because all that could follow was explored elsewhere. */
  readonly sleepBlocked: number;
  /** Executions that were given up because they were too long. */
  readonly cutShort: number;
  /** Times that what was planned could not be done, so that something else was explored instead. */
  readonly fallbacks: number;
  /** Steps in all executions, those on known ways included. */
  readonly steps: number;
  /** What went wrong, by signature, with the first schedule that showed it. */
  readonly outcomes: ReadonlyMap<string, Found>;
  /** The states in which executions ended, as digests; where a failure stopped an execution, its signature. */
  readonly finalStates: ReadonlySet<string>;
  /** Keys of the classes of executions that differ only in the order of independent steps; empty if nobody asked for them. */
  readonly classKeys: ReadonlySet<number>;
  /** Whether nothing is left to explore. */
  readonly exhausted: boolean;
}

const MAX_STEPS = 10_000;
/** Ways of a choice: their sets are bits of a word. */
const MAX_WAYS = 31;
/** Executions between two looks at the budget. */
const LOOK_EVERY = 64;

/** What a search decides at a frame, instead of a thread: that nothing here is left to explore. */
export const BLOCKED = -1;
const UNDECIDED = -2;

/** One is enough: what throws it does so very often. */

/** A search. Its frames are the trace; what is left to explore from them is for the kinds of searches to say. */
export abstract class Search implements Strategy {
  abstract readonly name: string;
  readonly preemptive = true;
  readonly everyStep = true;
  readonly endsAtRings = false;

  protected readonly trace = new Trace();
  protected fallbacks = 0;

  readonly #model: Model;
  readonly #options: SearchOptions;
  /** Frames of this execution that are on the stack from the one before. */
  #known = 0;
  /** The next frame. */
  #at = 0;
  #decided = UNDECIDED;
  #cut = false;
  /** Whether the frame after the known ones is one from which something else was explored before. */
  #isRevisited = false;
  #trouble: unknown = null;
  #steps = 0;
  readonly #outcomes = new Map<string, Found>();
  readonly #finalStates = new Set<string>();
  readonly #classes = new TraceClasses(this.trace);

  constructor(model: Model, options: SearchOptions) {
    this.#model = model;
    this.#options = options;
  }

  /** A frame is new, and the one before it is done: what is known of it before the next step is. */
  protected abstract arrive(frame: Frame, previous: Frame | null): void;
  /** A frame is new, and no local step is possible: which thread goes on, or `BLOCKED`; `last` took the last step, if there was one. */
  protected abstract begin(frame: Frame, last: number): number;
  /** A frame is visited again: which thread goes on. */
  protected abstract again(frame: Frame): number;
  /** A choice is new: which way. */
  protected abstract beginChoice(frame: Frame): number;
  /** A choice is met again: which way. */
  protected abstract againChoice(frame: Frame): number;
  /** An execution is over. */
  protected abstract ended(end: { readonly blocked: boolean; readonly failed: boolean; readonly lwps: readonly Lwp[] }): void;
  /** Whether something is left to explore from a frame, whose step has just been explored. */
  protected abstract next(frame: Frame): boolean;

  /** Frames of the last execution that it has in common with the one before. */
  protected get known(): number {
    return this.#known;
  }

  /** Searches. */
  run(): SearchResult {
    const { maxExecutions = Number.POSITIVE_INFINITY, shouldStop } = this.#options;
    let executions = 0;
    let sleepBlocked = 0;
    let cutShort = 0;
    let exhausted = false;
    for (let runs = 1; !exhausted; runs++) {
      const outcome = this.#execute();
      if (!outcome.abandoned) executions++;
      else if (this.#cut) cutShort++;
      else sleepBlocked++;
      exhausted = !this.#backtrack();
      if (runs >= maxExecutions || (runs % LOOK_EVERY === 0 && shouldStop?.() === true)) break;
    }
    return {
      executions,
      sleepBlocked,
      cutShort,
      fallbacks: this.fallbacks,
      steps: this.#steps,
      outcomes: this.#outcomes,
      finalStates: this.#finalStates,
      classKeys: this.#classes.keys,
      exhausted: exhausted && cutShort === 0,
    };
  }

  preempts({ current, lwps }: SchedulingPoint): boolean {
    if (this.#at < this.#known) {
      if (this.trace.frame(this.#at).lwp !== current.id) return true;
      this.#at++;
      return false;
    }
    this.#decided = this.#decide(lwps);
    if (this.#decided !== current.id) return true;
    this.#take(current);
    return false;
  }

  pick(_candidates: readonly Lwp[], usual: Lwp, { lwps }: SchedulingPoint): Lwp {
    if (this.#at < this.#known) return lwpOf(lwps, this.trace.frame(this.#at++).lwp, usual);
    if (this.#decided === UNDECIDED) this.#decided = this.#decide(lwps);
    if (this.#decided === BLOCKED) throw ENOUGH;
    const lwp = lwpOf(lwps, this.#decided, usual);
    this.#take(lwp);
    return lwp;
  }

  choose(_site: string, alternatives: number, { current }: SchedulingPoint): number {
    const index = this.#at++;
    const frame = this.trace.frame(index);
    if (index < this.#known) return frame.way;
    if (alternatives > MAX_WAYS) this.#refuse(new UnsupportedStep(`choices between more than ${MAX_WAYS} ways`));
    let way: number;
    if (this.#isRevisited && index === this.#known) way = this.againChoice(frame);
    else {
      this.arrive(frame, this.#previous(index));
      frame.lwp = current.id;
      frame.ways = alternatives;
      way = this.beginChoice(frame);
    }
    this.trace.pushChoice(current, way, alternatives);
    return way;
  }

  #previous(index: number): Frame | null {
    return index === 0 ? null : this.trace.frame(index - 1);
  }

  /** Nothing that a program does: this is what the search itself cannot do. */
  #refuse(trouble: unknown): never {
    this.#trouble = trouble;
    throw trouble;
  }

  #execute(): Outcome {
    this.#at = 0;
    this.#decided = UNDECIDED;
    this.#cut = false;
    this.trace.things.restart();
    const outcome = execute(this.#model, this, { audit: false });
    if (this.#trouble !== null) throw this.#trouble;
    const { failure, abandoned, instance } = outcome;
    this.#steps += this.trace.length;
    const { lwps } = instance.kern.scheduler;
    const failed = failure !== null && !isOfWaiting(failure.kind) && lwps.some((lwp) => !lwp.idle);
    if (failed) this.#blame();
    if (!abandoned) this.#note(outcome, failed);
    this.ended({ blocked: abandoned, failed, lwps });
    return outcome;
  }

  /** The last step has ended the run; if there was none, nobody could have come before. */
  #blame(): void {
    for (let index = this.trace.length - 1; index >= 0; index--) {
      const frame = this.trace.frame(index);
      if (frame.kind !== 'step') continue;
      frame.fails = true;
      return;
    }
  }

  #note({ failure, schedule, instance, steps }: Outcome, failed: boolean): void {
    if (failure !== null && !this.#outcomes.has(failure.signature)) {
      this.#outcomes.set(failure.signature, { failure, schedule, preemptions: this.#preemptions(), steps });
    }
    if (this.#options.classes === true) this.#classes.add({ failed });
    if (this.#options.finalStates === false) return;
    if (failed) {
      this.#finalStates.add(failure?.signature ?? '');
      return;
    }
    const hash = new StateHash();
    instance.writeState(hash);
    this.#finalStates.add(failure === null ? hash.digest : `${failure.signature} ${hash.digest}`);
  }

  #preemptions(): number {
    let count = 0;
    let last = -1;
    for (let i = 0; i < this.trace.length; i++) {
      const { kind, lwp, enabled } = this.trace.frame(i);
      if (kind !== 'step') continue;
      if (last >= 0 && lwp !== last && (enabled & (1 << last)) !== 0) count++;
      last = lwp;
    }
    return count;
  }

  #decide(lwps: readonly Lwp[]): number {
    const frame = this.trace.frame(this.#at);
    if (this.#at === this.#known && this.#isRevisited) return this.again(frame);
    if (this.#at >= (this.#options.maxSteps ?? MAX_STEPS)) {
      this.#cut = true;
      return BLOCKED;
    }
    this.arrive(frame, this.#previous(this.#at));
    let enabled = 0;
    for (const lwp of lwps) {
      if (lwp.idle || (lwp.object !== null && !lwp.object.admits(lwp.op, lwp))) continue;
      if (isLocal(lwp)) {
        frame.enabled = 0;
        return lwp.id;
      }
      enabled |= 1 << lwp.id;
    }
    frame.enabled = enabled;
    return this.begin(frame, this.#lastToStep());
  }

  /** The thread that took the last step, -1 when none was taken: starting is none. */
  #lastToStep(): number {
    for (let index = this.trace.length - 1; index >= 0; index--) {
      const { kind, lwp } = this.trace.frame(index);
      if (kind !== 'local') return lwp;
    }
    return -1;
  }

  #take(lwp: Lwp): void {
    this.#decided = UNDECIDED;
    this.#at++;
    try {
      this.trace.push(lwp);
    } catch (trouble) {
      this.#refuse(trouble);
    }
  }

  #backtrack(): boolean {
    for (let index = this.trace.length - 1; index >= 0; index--) {
      const frame = this.trace.frame(index);
      if (frame.kind === 'local' || !this.next(frame)) continue;
      this.trace.truncate(index);
      this.#known = index;
      this.#isRevisited = true;
      return true;
    }
    return false;
  }
}

function isOfWaiting(kind: string): boolean {
  return kind === 'deadlock' || kind === 'sleeps-for-ever';
}

/** The thread with a number; most of the time it stands at that place. */
function lwpOf(lwps: readonly Lwp[], id: number, usual: Lwp): Lwp {
  if (usual.id === id) return usual;
  const there = lwps[id];
  if (there !== undefined && there.id === id) return there;
  return lwps.find((lwp) => lwp.id === id) ?? usual;
}
