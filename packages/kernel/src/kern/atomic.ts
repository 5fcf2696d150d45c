/** Words that are changed atomically without a lock. `atomic_ops(3)`. */
import { type Scheduler, step } from './scheduler.js';
import type { Step } from './switch.js';

/** A shared word, such as a reference count. Each change is one step. */
export class AtomicCell {
  readonly label: string;
  value: number;

  constructor(label: string, value: number) {
    this.label = label;
    this.value = value;
  }

  admits(): boolean {
    return true;
  }

  /** Adds and answers the new value. `atomic_add_int_nv()`. */
  *add(scheduler: Scheduler, amount: number): Step<number> {
    yield* step(scheduler, 'atomic', this);
    this.value += amount;
    return this.value;
  }
}
