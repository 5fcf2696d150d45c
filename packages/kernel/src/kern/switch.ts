/**
 * Where a thread leaves the processor. This file and its twin `switch.direct.ts` are the whole difference between the two
 * builds at run time (docs/decisions/0001-two-builds.md): here a thread is a generator that can be set aside at any step.
 */
import type { Scheduler } from './scheduler.js';

export { BUILD, type Build } from './build.js';

/** What a function returns that may sleep: called with `yield*`, it gives a `T`. In the direct build it is a plain `T`. */
export type Step<T> = Generator<void, T, void>;

/** The rest of a thread: what it still has to do. */
export class Continuation {
  readonly #body: Step<void>;
  #begin: (() => Step<void>) | null;

  constructor(body: () => Step<void>) {
    this.#body = body();
    this.#begin = body;
  }

  /** What begins the thread, null once it has begun. */
  get begin(): (() => Step<void>) | null {
    return this.#begin;
  }

  /** Whether the thread can go on from where it stands now. */
  get resumable(): boolean {
    return true;
  }

  /**
   * Runs the thread until it parks or ends.
   *
   * @returns whether it ended
   */
  resume(): boolean {
    this.#begin = null;
    return this.#body.next().done === true;
  }
}

/**
 * Sets the running thread aside until the scheduler resumes it, which it does only when the thread's next step is admitted.
 *
 * => the only plain `yield` of the kernel.
 */
export function* park(_scheduler: Scheduler): Step<void> {
  yield;
}
