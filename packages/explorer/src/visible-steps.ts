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

/** Tells visible steps from others, and learns. */
export class VisibleSteps {
  /** Counts what was learned that makes earlier answers wrong. */
  revision = 0;
  readonly #tried: Set<string>;
  readonly #shared: Set<string>;
  /** Who touches each object that only one thread has touched so far. */
  readonly #owners = new Map<string, string>();
  readonly #all: boolean;

  /** @param options.all whether every step counts as visible */
  constructor(known: StepKnowledge = { tried: [], shared: [] }, options: { all?: boolean } = {}) {
    this.#tried = new Set(known.tried);
    this.#shared = new Set(known.shared);
    this.#all = options.all === true;
  }

  /** What was learned so far. */
  get knowledge(): StepKnowledge {
    return { tried: [...this.#tried], shared: [...this.#shared] };
  }

  /** Takes over what somebody else has learned; answers whether anything of it was news. */
  learn({ tried, shared }: StepKnowledge): boolean {
    const before = this.#tried.size + this.#shared.size;
    for (const name of tried) this.#tried.add(name);
    for (const label of shared) this.#shared.add(label);
    const news = this.#tried.size + this.#shared.size > before;
    if (news) this.revision++;
    return news;
  }

  /** Whether others can tell whether this step has been taken. */
  isVisible(lwp: Lwp, op: Op, object: StepObject | null): boolean {
    if (this.#all || object === null) return true;
    if (TRYING_OPS.has(op)) this.#learnTried(classOf(object));
    const local = this.#isLocal(lwp, object);
    if (local && LOCAL_OPS.has(op)) return false;
    return op !== 'release' || this.#tried.has(classOf(object));
  }

  #isLocal(lwp: Lwp, { label }: StepObject): boolean {
    if (this.#shared.has(label)) return false;
    const owner = this.#owners.get(label);
    if (owner === undefined) {
      this.#owners.set(label, lwp.name);
      return true;
    }
    if (owner === lwp.name) return true;
    this.#shared.add(label);
    this.revision++;
    return false;
  }

  #learnTried(name: string): void {
    if (this.#tried.has(name)) return;
    this.#tried.add(name);
    this.revision++;
  }
}

function classOf(object: StepObject): string {
  return 'lockClass' in object ? (object as Lock).lockClass.name : object.label;
}
