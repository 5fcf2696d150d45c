/**
 * Which steps other threads can tell apart: in front of the others nobody has to be switched.
 *
 * - The release of a lock can as well happen at once: whoever wants the lock finds it free earlier, no more. This is not so for a lock
 *   that is ever tried, since a try can also find it taken.
 * - A lock or a word that only one thread ever touches is no business of the others.
 *
 * Both are suppositions, which an execution can prove wrong. Then the exploration starts again, with what was learned.
 */
import type { Lock, Lwp, Op, StepObject } from '@faultline/kernel';

/** Whether every step counts as visible, and whether the start of a thread does. */
export type AllSteps = boolean | 'starts too';

/** What was learned, as plain data: it goes from worker to worker. */
export interface StepKnowledge {
  /** Classes of locks that were tried, upgraded, or attempted otherwise than by waiting. */
  readonly tried: readonly string[];
  /** Labels of objects that more than one thread touches. */
  readonly shared: readonly string[];
}

/** Operations that touch nothing but their object, and of which no other thread is woken. */
const LOCAL_OPS: ReadonlySet<Op> = new Set<Op>([
  'attempt',
  'acquire',
  'acquire-read',
  'try',
  'try-read',
  'release',
  'upgrade',
  'downgrade',
  'atomic',
]);

/** Operations that can find a lock taken, and go on all the same. */
const TRYING_OPS: ReadonlySet<Op> = new Set<Op>(['try', 'try-read', 'upgrade']);

/** The name of no thread. */
const SOMEBODY = '';

/** What an execution has shown that was not supposed. */
export interface StepEvidence {
  /** Classes of locks that were tried. */
  readonly tried: readonly string[];
  /** Objects that were touched, and a thread that did; an object can be there several times. */
  readonly touched: readonly (readonly [label: string, lwp: string])[];
}

/**
 * Tells visible steps from others by what is known of them, and takes down what it sees. What it sees changes no answer: equal
 * knowledge, equal answers, in whatever order executions are made.
 */
export class VisibleSteps {
  readonly #tried: ReadonlySet<string>;
  readonly #shared: ReadonlySet<string>;
  readonly #triedNow = new Set<string>();
  /** Who touches each object that only one thread has touched so far. */
  readonly #owners = new Map<string, string>();
  readonly #sharedNow = new Set<string>();
  /** What was seen since somebody asked. */
  #news: [string, string][] = [];
  readonly #all: AllSteps;

  /** @param options.all whether every step counts as visible */
  constructor(known: StepKnowledge = { tried: [], shared: [] }, options: { all?: AllSteps } = {}) {
    this.#tried = new Set(known.tried);
    this.#shared = new Set(known.shared);
    this.#all = options.all ?? false;
  }

  /** What was known and what was learned, in alphabetical order. */
  get knowledge(): StepKnowledge {
    return {
      tried: [...this.#tried, ...this.#triedNow].sort(),
      shared: [...this.#shared, ...this.#sharedNow].sort(),
    };
  }

  /** All that was seen: for somebody who goes on with what was explored. */
  get evidence(): StepEvidence {
    return { tried: [...this.#triedNow], touched: [...this.#owners] };
  }

  /** Whether what was seen makes answers wrong that were given. */
  get hasLearned(): boolean {
    return this.#triedNow.size + this.#sharedNow.size > 0;
  }

  /** What was seen since this was asked last, for somebody else to `take`. */
  give(): StepEvidence {
    const touched = this.#news;
    this.#news = [];
    return { tried: [...this.#triedNow], touched };
  }

  /** Takes what somebody else has seen as if it had been seen here. */
  take({ tried, touched }: StepEvidence): void {
    for (const name of tried) if (!this.#tried.has(name)) this.#triedNow.add(name);
    for (const [label, lwp] of touched) this.#touch(label, lwp);
  }

  /**
   * Whether a thread is to be let start at once: up to its first step it touches nothing that others could see, unless there are data
   * races.
   */
  startsAtOnce({ op, object, idle }: Lwp): boolean {
    return this.#all !== 'starts too' && op === 'start' && object === null && !idle;
  }

  /** Whether others can tell whether this step has been taken. */
  isVisible(lwp: Lwp, op: Op, object: StepObject | null): boolean {
    if (this.#all !== false || object === null) return true;
    if (TRYING_OPS.has(op) && !this.#tried.has(classOf(object))) this.#triedNow.add(classOf(object));
    if (!this.#shared.has(object.label)) {
      this.#touch(object.label, lwp.name);
      if (LOCAL_OPS.has(op)) return false;
    }
    return op !== 'release' || this.#tried.has(classOf(object));
  }

  /** A thread does nothing but touch this for so long that it may be waiting for somebody else to do so. */
  suspect({ label }: StepObject): void {
    this.#touch(label, SOMEBODY);
  }

  #touch(label: string, lwp: string): void {
    const owner = this.#owners.get(label);
    if (owner === lwp || this.#shared.has(label) || this.#sharedNow.has(label)) return;
    if (owner === undefined) this.#owners.set(label, lwp);
    else this.#sharedNow.add(label);
    this.#news.push([label, lwp]);
  }
}

function classOf(object: StepObject): string {
  return 'lockClass' in object ? (object as Lock).lockClass.name : object.label;
}
