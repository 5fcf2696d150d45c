/** Words that are changed atomically without a lock. `atomic_ops(3)`. */
import type { Scheduler } from './scheduler.js';
import type { Stateful, StateWriter } from './state.js';
import { park, type Step } from './switch.js';

/** A shared word, such as a reference count. Each access is one step. */
export class AtomicCell implements Stateful {
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
    if (scheduler.mustSwitch('atomic', this)) yield* park(scheduler);
    this.value += amount;
    return this.value;
  }
  /** Answers the value. `atomic_load_relaxed()`; every thread sees all stores in one order. */
  *load(scheduler: Scheduler): Step<number> {
    if (scheduler.mustSwitch('load', this)) yield* park(scheduler);
    return this.value;
  }

  /** Changes the value. `atomic_store_relaxed()`. */
  *store(scheduler: Scheduler, value: number): Step<void> {
    if (scheduler.mustSwitch('store', this)) yield* park(scheduler);
    this.value = value;
  }

  /** Changes the value if it is what is expected; answers what it was. `atomic_cas_uint()`. */
  *cas(scheduler: Scheduler, expected: number, value: number): Step<number> {
    if (scheduler.mustSwitch('atomic', this)) yield* park(scheduler);
    const found = this.value;
    if (found === expected) this.value = value;
    return found;
  }

  writeState(writer: StateWriter): void {
    writer.field('value', this.value);
  }
}
