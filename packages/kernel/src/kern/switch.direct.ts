/**
 * Where a thread leaves the processor, direct build: it cannot. A thread that must wait runs the others above itself, on the
 * same stack, until its own next step is admitted. See `switch.ts`, whose twin this is.
 */
import type { Scheduler } from './scheduler.js';

export { BUILD, type Build } from './build.js';

/** What a function returns that may sleep. In this build a plain value. */
export type Step<T> = T;

/** The rest of a thread: what it still has to do. */
export class Continuation {
  #body: (() => void) | null;

  constructor(body: () => void) {
    this.#body = body;
  }

  /** What begins the thread, null once it has begun. */
  get begin(): (() => void) | null {
    return this.#body;
  }

  /** Whether the thread can go on from where it stands now: not once it has started, since it then lies further down the stack. */
  get resumable(): boolean {
    return this.#body !== null;
  }

  /**
   * Runs the thread to its end.
   *
   * @returns whether it ended, which is always so
   */
  resume(): boolean {
    const body = this.#body;
    this.#body = null;
    body?.();
    return true;
  }
}

/** Runs other threads until the running thread's next step is admitted. */
export function park(scheduler: Scheduler): void {
  scheduler.runOthers();
}
