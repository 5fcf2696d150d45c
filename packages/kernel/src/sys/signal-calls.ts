/** Signals between processes, and the way of a thread in and out of its program. sys/kern/kern_sig.c. */
import type { Lwp, StepObject } from '../kern/lwp.js';
import type { Step } from '../kern/switch.js';
import { mixIn } from './boundary.js';
import { LwpExit, type Process } from './process.js';
import { SIGCHLD, SIGKILL } from './signal.js';
import type { Sys } from './sys.js';

/**
 * Sends a signal: it is ignored, waits for the handler to run when a thread next returns to its program, or ends the process.
 * `psignal()`.
 *
 * @returns 0
 */
export function* psignal(this: Sys, process: Process, signal: number): Step<number> {
  const handler = process.handlers.get(signal);
  if (signal !== SIGKILL && (handler === 'ignore' || (handler === undefined && signal === SIGCHLD))) return 0;
  if (signal !== SIGKILL && handler !== undefined) {
    process.pending.push({ signal, code: 0, address: 0 });
    for (const lwp of process.lwps) this.kern.scheduler.interrupt(lwp);
    return 0;
  }
  this.endProcess(process, { kind: 'signaled', signal });
  const [idle] = process.lwps;
  // A process none of whose threads has anything to do would never come by to end.
  if (idle !== undefined && process.lwps.every((lwp) => lwp.idle) && !process.lwps.includes(this.curlwp)) {
    this.startThread(idle, leaveAtOnce);
  }
  return 0;
}

function leaveAtOnce(): never {
  throw new LwpExit();
}

/** Delivers what has been sent to the running thread's process meanwhile. `postsig()`. => at the end of each system call */
export function* postsig(this: Sys): Step<void> {
  const process = this.processOf(this.curlwp);
  for (let info = process.pending.shift(); info !== undefined; info = process.pending.shift()) {
    const handler = process.handlers.get(info.signal);
    if (handler === undefined || handler === 'ignore') continue;
    mixIn(this.curlwp.history, info);
    yield* handler(info, this.userOf(this.curlwp));
  }
  if (process.leaves(this.curlwp)) throw new LwpExit();
}

/** Starts a thread on its program; when the program returns, the thread is gone. */
export function startThread(this: Sys, lwp: Lwp, program: () => Step<void>): void {
  this.kern.scheduler.start(lwp, () => this.userThread(lwp, program));
}

/** Runs a thread's program, and takes the thread apart when it ends or is made to. */
export function* userThread(this: Sys, lwp: Lwp, program: () => Step<void>): Step<void> {
  yield* this.untilExit(program);
  this.kern.enter();
  yield* this.lwpExit(lwp);
  this.kern.leave();
}

/** Has an idle thread do something, and be idle again. When that ends the thread, it is gone instead. */
export function performOn(this: Sys, lwp: Lwp, job: () => Step<void>, options: { when?: StepObject } = {}): void {
  this.kern.scheduler.start(lwp, () => this.userJob(lwp, job), options);
}

/** Does a thread's job; see `performOn`. */
export function* userJob(this: Sys, lwp: Lwp, job: () => Step<void>): Step<void> {
  if (yield* this.untilExit(job)) return;
  this.kern.enter();
  yield* this.lwpExit(lwp);
  this.kern.leave();
}

/** Runs a program until it returns, or its thread is made to leave; answers whether it returned. */
export function* untilExit(this: Sys, program: () => Step<void>): Step<boolean> {
  try {
    yield* program();
    return true;
  } catch (error) {
    if (error instanceof LwpExit) return false;
    throw error;
  }
}
