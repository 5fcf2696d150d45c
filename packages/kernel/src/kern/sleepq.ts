/**
 * Sleeping and waking: wait channels, condition variables. `sys/kern/kern_sleepq.c`, `kern_synch.c` and `kern_condvar.c`.
 */
import { EINTR, type Errno, EWOULDBLOCK } from './errno.js';
import type { Interlock } from './lock.js';
import type { Lwp, Op, StepObject } from './lwp.js';
import type { Mutex } from './mutex.js';
import { type Scheduler, step } from './scheduler.js';
import type { Stateful, StateWriter } from './state.js';
import { park, type Step } from './switch.js';

/** Something that threads sleep on. NetBSD uses the address of a structure; here the structure has a channel. */
export class WaitChannel implements StepObject, Stateful {
  /** What is slept on, for people: `page 23`. */
  readonly label: string;
  /** Who sleeps here, the longest sleeper first. */
  readonly waiters: Lwp[] = [];

  constructor(label: string) {
    this.label = label;
  }

  admits(op: Op, lwp: Lwp): boolean {
    return op !== 'resume' || lwp.channel === null;
  }

  writeState(writer: StateWriter): void {
    for (const lwp of this.waiters) writer.reference('waiter', lwp);
  }
}

/** How to sleep. */
export interface SleepOptions {
  /** The reason that `ps` shows, as the kernel has it: `anonget1`. */
  readonly message: string;
  /** A lock that is released as the thread falls asleep, at once with it. It is not taken again. */
  readonly interlock?: Interlock;
  /** Ticks after which to wake with EWOULDBLOCK; none when absent. */
  readonly timeout?: number;
  /** Whether a signal ends the sleep with EINTR. */
  readonly interruptible?: boolean;
}

/**
 * Sleeps until woken. `mtsleep()` with PNORELOCK, sys/kern/kern_synch.c.
 *
 * => the interlock, if any, is held on entry and free on return.
 *
 * @returns 0 when woken, EWOULDBLOCK after the timeout, EINTR after a signal
 */
export function* sleepOn(scheduler: Scheduler, channel: WaitChannel, options: SleepOptions): Step<Errno> {
  const lwp = scheduler.current;
  lwp.interlock = options.interlock ?? null;
  if (scheduler.mustSwitch('sleep', channel)) yield* park(scheduler);
  if (options.interruptible === true && scheduler.isSignaled?.(lwp) === true) {
    // What has come already would not wake it: it does not sleep at all.
    options.interlock?.releaseAsleep();
    lwp.interlock = null;
    return EINTR;
  }
  channel.waiters.push(lwp);
  lwp.channel = channel;
  lwp.waitMessage = options.message;
  lwp.deadline = options.timeout === undefined ? 0 : scheduler.tick + Math.max(1, options.timeout);
  lwp.interruptible = options.interruptible === true;
  options.interlock?.releaseAsleep();
  lwp.interlock = null;
  if (scheduler.mustSwitch('resume', channel)) yield* park(scheduler);
  return lwp.sleepResult;
}

/** Wakes everyone who sleeps on the channel. `wakeup()`, sys/kern/kern_synch.c. */
export function* wakeup(scheduler: Scheduler, channel: WaitChannel): Step<void> {
  yield* step(scheduler, 'wakeup', channel);
  for (let lwp = channel.waiters[0]; lwp !== undefined; lwp = channel.waiters[0]) scheduler.wake(lwp, 0);
}

/**
 * Wakes one sleeper. `wakeup_one()`, sys/kern/kern_synch.c of FreeBSD.
 *
 * => where several sleep, the environment chooses: ordinarily the longest sleeper, but nobody may rely on that.
 */
export function* wakeupOne(scheduler: Scheduler, channel: WaitChannel): Step<void> {
  yield* step(scheduler, 'wakeup', channel);
  const { waiters } = channel;
  const chosen = waiters.length > 1 ? scheduler.choose('sleepq.wakeup_one', waiters.length) : 0;
  const lwp = waiters[chosen];
  if (lwp !== undefined) scheduler.wake(lwp, 0);
}

/** Sleeps for a number of ticks. `kpause()`, sys/kern/kern_synch.c. */
export function* pause(scheduler: Scheduler, message: string, ticks: number): Step<void> {
  yield* sleepOn(scheduler, new WaitChannel(message), { message, timeout: ticks });
}

/** A condition variable. `condvar(9)`, sys/kern/kern_condvar.c. */
export class CondVar implements Stateful {
  readonly #scheduler: Scheduler;
  readonly #channel: WaitChannel;
  readonly #message: string;

  constructor(scheduler: Scheduler, message: string, label = message) {
    this.#scheduler = scheduler;
    this.#message = message;
    this.#channel = new WaitChannel(label);
  }

  /** Whether anyone waits. `cv_has_waiters()`. */
  get hasWaiters(): boolean {
    return this.#channel.waiters.length > 0;
  }

  writeState(writer: StateWriter): void {
    writer.thing('channel', this.#channel);
  }

  /** Waits for a signal; the mutex is released meanwhile and held again on return. `cv_wait()`. */
  *wait(mutex: Mutex): Step<void> {
    yield* sleepOn(this.#scheduler, this.#channel, { message: this.#message, interlock: mutex });
    yield* mutex.enter();
  }

  /** As `wait`, at most `ticks` long; answers EWOULDBLOCK when the time was over. `cv_timedwait()`. */
  *timedWait(mutex: Mutex, ticks: number): Step<Errno> {
    const options = { message: this.#message, interlock: mutex, timeout: ticks };
    const result = yield* sleepOn(this.#scheduler, this.#channel, options);
    yield* mutex.enter();
    return result === EWOULDBLOCK ? EWOULDBLOCK : 0;
  }

  /** As `wait`, but a signal ends it with EINTR. `cv_wait_sig()`. */
  *waitInterruptibly(mutex: Mutex): Step<Errno> {
    const options = { message: this.#message, interlock: mutex, interruptible: true };
    const result = yield* sleepOn(this.#scheduler, this.#channel, options);
    yield* mutex.enter();
    return result;
  }

  /** Wakes one waiter, ordinarily the longest. `cv_signal()`. */
  *signal(): Step<void> {
    yield* wakeupOne(this.#scheduler, this.#channel);
  }

  /** Wakes all waiters. `cv_broadcast()`. */
  *broadcast(): Step<void> {
    yield* wakeup(this.#scheduler, this.#channel);
  }
}
