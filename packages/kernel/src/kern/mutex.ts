/** Mutual exclusion locks. `mutex(9)`, sys/kern/kern_mutex.c. */
import type { Kern } from './kern.js';
import { forget, type Interlock, type LockClass } from './lock.js';
import type { Lwp, Op } from './lwp.js';
import type { Stateful, StateWriter } from './state.js';
import { park, type Step } from './switch.js';

const NOBODY: readonly Lwp[] = [];

/** A mutex. Adaptive and spin mutexes of the kernel are one thing here, since a step takes no time. */
export class Mutex implements Interlock, Stateful {
  readonly lockClass: LockClass;
  readonly #kern: Kern;
  #owner: Lwp | null = null;
  readonly #name: string;

  constructor(kern: Kern, lockClass: LockClass, name = '') {
    this.#kern = kern;
    this.lockClass = lockClass;
    this.#name = name;
  }

  get label(): string {
    return this.#name === '' ? this.lockClass.name : `${this.lockClass.name} ${this.#name}`;
  }

  admits(op: Op, _lwp: Lwp): boolean {
    return op !== 'acquire' || this.#owner === null;
  }

  holders(): readonly Lwp[] {
    return this.#owner === null ? NOBODY : [this.#owner];
  }

  /** Whether the running thread has it. `mutex_owned()`. */
  get owned(): boolean {
    return this.#owner === this.#kern.scheduler.current;
  }

  /** Whether anyone has it. */
  get held(): boolean {
    return this.#owner !== null;
  }

  /**
   * Takes the mutex, waiting for it if need be. `mutex_enter()`.
   *
   * => panics when the running thread has it already.
   */
  *enter(): Step<void> {
    const { scheduler } = this.#kern;
    if (this.#owner === scheduler.current) this.#fail('mutex_enter: locking against myself');
    if (scheduler.mustSwitch('acquire', this)) yield* park(scheduler);
    this.#take(scheduler.current);
    this.#kern.witness.acquired(scheduler.current.held, this);
  }

  /** Takes the mutex if it is free; answers whether it was. Says nothing about lock order. `mutex_tryenter()`. */
  *tryEnter(): Step<boolean> {
    const { scheduler } = this.#kern;
    if (scheduler.mustSwitch('try', this)) yield* park(scheduler);
    if (this.#owner !== null) return false;
    this.#take(scheduler.current);
    this.#kern.witness.tried(scheduler.current.held, this);
    return true;
  }

  /** Releases the mutex. `mutex_exit()`. => panics when the running thread does not have it. */
  *exit(): Step<void> {
    const { scheduler } = this.#kern;
    if (this.#owner !== scheduler.current) this.#fail('mutex_exit: not owned by current LWP');
    if (scheduler.mustSwitch('release', this)) yield* park(scheduler);
    this.#release();
  }

  releaseAsleep(): void {
    if (this.#owner !== this.#kern.scheduler.current) this.#fail('sleep: interlock not owned by current LWP');
    this.#release();
  }

  writeState(writer: StateWriter): void {
    writer.reference('owner', this.#owner);
  }

  #take(lwp: Lwp): void {
    this.#owner = lwp;
    lwp.held.push(this);
  }

  #release(): void {
    forget(this.#kern.scheduler.current.held, this);
    this.#owner = null;
  }

  #fail(what: string): never {
    return this.#kern.panic(`Mutex error: ${what}: ${this.label}`);
  }
}
