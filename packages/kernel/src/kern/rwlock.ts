/**
 * Reader-writer locks. `rwlock(9)`, sys/kern/kern_rwlock.c.
 *
 * A writer that waits keeps new readers out, as RW_WRITE_WANTED does; so a thread that holds the lock for reading and asks for it
 * once more can deadlock, here as there.
 */
import type { Kern } from './kern.js';
import { forget, type Interlock, type LockClass } from './lock.js';
import type { Lwp, Op } from './lwp.js';
import type { Stateful, StateWriter } from './state.js';
import { park, type Step } from './switch.js';

/** How a reader-writer lock is held. */
export type RwMode = 'read' | 'write';

/** A reader-writer lock. */
export class RwLock implements Interlock, Stateful {
  readonly lockClass: LockClass;
  readonly #kern: Kern;
  readonly #name: string;
  #writer: Lwp | null = null;
  readonly #readers: Lwp[] = [];
  #writersWaiting = 0;

  constructor(kern: Kern, lockClass: LockClass, name = '') {
    this.#kern = kern;
    this.lockClass = lockClass;
    this.#name = name;
  }

  get label(): string {
    return this.#name === '' ? this.lockClass.name : `${this.lockClass.name} ${this.#name}`;
  }

  admits(op: Op, _lwp: Lwp): boolean {
    if (op === 'acquire') return this.#writer === null && this.#readers.length === 0;
    if (op === 'acquire-read') return this.#writer === null && this.#writersWaiting === 0;
    return true;
  }

  holders(): readonly Lwp[] {
    return this.#writer === null ? this.#readers : [this.#writer];
  }

  /** Whether the running thread holds it for writing. `rw_write_held()`. */
  get writeOwned(): boolean {
    return this.#writer === this.#kern.scheduler.current;
  }

  /** Whether the running thread holds it for reading. */
  get readOwned(): boolean {
    return this.#readers.includes(this.#kern.scheduler.current);
  }

  /** Whether anyone holds it, and how. */
  get state(): RwMode | 'free' {
    if (this.#writer !== null) return 'write';
    return this.#readers.length > 0 ? 'read' : 'free';
  }

  /**
   * Takes the lock, waiting for it if need be. `rw_enter()`.
   *
   * => panics when the running thread holds it for writing; asking for write while holding it for reading panics as well.
   */
  *enter(mode: RwMode): Step<void> {
    const { scheduler } = this.#kern;
    if (this.writeOwned || (mode === 'write' && this.readOwned)) this.#fail('rw_enter: locking against myself');
    if (mode === 'read') {
      if (scheduler.mustSwitch('acquire-read', this)) yield* park(scheduler);
    } else {
      if (scheduler.mustSwitch('attempt', this)) yield* park(scheduler);
      if (!this.admits('acquire', scheduler.current)) {
        // From here on it keeps new readers out. So the attempt is a step: with the lock held, it makes a difference whether it came.
        this.#writersWaiting++;
        if (scheduler.mustSwitch('acquire', this)) yield* park(scheduler);
        this.#writersWaiting--;
      }
    }
    this.#take(mode, scheduler.current);
    this.#kern.witness.acquired(scheduler.current.held, this);
  }

  /** Takes the lock if that needs no waiting; answers whether it did. `rw_tryenter()`. */
  *tryEnter(mode: RwMode): Step<boolean> {
    const { scheduler } = this.#kern;
    if (scheduler.mustSwitch(mode === 'read' ? 'try-read' : 'try', this)) yield* park(scheduler);
    if (!this.admits(mode === 'read' ? 'acquire-read' : 'acquire', scheduler.current)) return false;
    this.#take(mode, scheduler.current);
    this.#kern.witness.tried(scheduler.current.held, this);
    return true;
  }

  /** Releases the lock, however it is held. `rw_exit()`. */
  *exit(): Step<void> {
    const { scheduler } = this.#kern;
    this.#assertHeld('rw_exit');
    if (scheduler.mustSwitch('release', this)) yield* park(scheduler);
    this.#release();
  }

  /** Turns a read hold into a write hold if there is no other reader; answers whether it did. `rw_tryupgrade()`. */
  *tryUpgrade(): Step<boolean> {
    const { scheduler } = this.#kern;
    if (!this.readOwned) this.#fail('rw_tryupgrade: not read-held by current LWP');
    if (scheduler.mustSwitch('upgrade', this)) yield* park(scheduler);
    if (this.#readers.length !== 1) return false;
    this.#readers.length = 0;
    this.#writer = scheduler.current;
    return true;
  }

  /** Turns the write hold into a read hold. `rw_downgrade()`. */
  *downgrade(): Step<void> {
    const { scheduler } = this.#kern;
    if (!this.writeOwned) this.#fail('rw_downgrade: not write-held by current LWP');
    if (scheduler.mustSwitch('downgrade', this)) yield* park(scheduler);
    this.#writer = null;
    this.#readers.push(scheduler.current);
  }

  releaseAsleep(): void {
    this.#assertHeld('sleep: interlock');
    this.#release();
  }

  writeState(writer: StateWriter): void {
    writer.reference('writer', this.#writer);
    // Who of them came first makes no difference.
    for (const reader of this.#readers.toSorted((a, b) => a.id - b.id)) writer.reference('reader', reader);
    writer.field('writersWaiting', this.#writersWaiting);
  }

  #take(mode: RwMode, lwp: Lwp): void {
    if (mode === 'read') this.#readers.push(lwp);
    else this.#writer = lwp;
    lwp.held.push(this);
  }

  #release(): void {
    const lwp = this.#kern.scheduler.current;
    forget(lwp.held, this);
    if (this.#writer === lwp) this.#writer = null;
    else forget(this.#readers, lwp);
  }

  #assertHeld(who: string): void {
    if (!this.writeOwned && !this.readOwned) this.#fail(`${who}: not held by current LWP`);
  }

  #fail(what: string): never {
    return this.#kern.panic(`Reader / writer lock error: ${what}: ${this.label}`);
  }
}
