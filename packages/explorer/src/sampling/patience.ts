/**
 * Notices threads that go round in circles while others could go on: that try a lock again and again, or wait for a word to change.
 * An engine that prefers one thread to the others has to let the others go on then; otherwise the execution never ends.
 */
import type { Lwp, StepObject } from '@faultline/kernel';

/** Steps that touch nothing new, after which a thread is held to go round in circles. */
const PATIENCE = 200;

/** Watches the thread that runs. */
export class Patience {
  #lwp: Lwp | null = null;
  #label = '';
  /** Which stretch without a switch and without a new label this is. */
  #stretch = 0;
  /** In which stretch each thing was touched last. */
  readonly #touched = new Map<StepObject, number>();
  /** In which stretch each lock was tried without being released since. */
  readonly #tried = new Map<StepObject, number>();
  #stale = 0;

  /** A thread is about to take its next step. Answers whether it goes round in circles, and begins to watch it afresh if so. */
  goesInCircles(lwp: Lwp): boolean {
    if (lwp !== this.#lwp || lwp.label !== this.#label) this.#begin(lwp);
    const { op, object } = lwp;
    if (object === null) return false;
    if (op === 'try' || op === 'try-read') {
      const failedBefore = this.#tried.get(object) === this.#stretch && !isHeld(lwp, object);
      this.#tried.set(object, this.#stretch);
      if (failedBefore) return this.#lost(lwp);
    } else if (op === 'release') this.#tried.delete(object);
    if (this.#touched.get(object) !== this.#stretch) {
      this.#touched.set(object, this.#stretch);
      this.#stale = 0;
      return false;
    }
    this.#stale++;
    return this.#stale >= PATIENCE && this.#lost(lwp);
  }

  #lost(lwp: Lwp): boolean {
    this.#begin(lwp);
    return true;
  }

  #begin(lwp: Lwp): void {
    this.#lwp = lwp;
    this.#label = lwp.label;
    this.#stretch++;
    this.#stale = 0;
  }
}

function isHeld(lwp: Lwp, object: StepObject): boolean {
  return lwp.held.some((lock) => lock === object);
}
