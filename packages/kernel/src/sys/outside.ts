/**
 * Calls from outside: an embedder of the direct build loads, stores and makes system calls in the name of an idle thread, with no job
 * around them.
 *
 *     embedder ── user.load32(va) ──> miss ──> asThread: the thread gets a job that is no more than this call
 *                                                └─> then the kernel's own threads run, until none has anything to do
 *
 * In the other builds a call may have to be set aside in the middle, so there it is made in a job: `system.perform`.
 */
import type { Lwp } from '../kern/lwp.js';
import type { Step } from '../kern/switch.js';
import { hex } from '../machine/address.js';
import { type ExitReason, LwpExit, type Process } from './process.js';
import { type SignalInfo, signalCodeName, signalName } from './signal.js';
import type { Sys } from './sys.js';

/** A call was made in the name of a process that has ended, or ended over it. */
export class ProcessEnded extends Error {
  override readonly name = 'ProcessEnded';
  readonly pid: number;
  /** How it ended; null for a thread that has gone while its process goes on. */
  readonly reason: ExitReason | null;
  /** The fault that ended it, null when it was none. */
  readonly fault: SignalInfo | null;

  constructor(process: Process) {
    super(`process ${process.pid} (${process.name}) ${howItEnded(process)}`);
    this.pid = process.pid;
    this.reason = process.ending;
    this.fault = process.fatalFault;
  }
}

/**
 * Makes a call as a thread that has nothing to do, and lets others run that have.
 *
 * => from outside of every thread only. A sleep that a signal could end, and that nobody is left to end, ends with EINTR.
 *
 * @throws {ProcessEnded} when the thread was gone before, or is after the call
 */
export function* asThread<T>(sys: Sys, lwp: Lwp, call: () => Step<T>): Step<T> {
  const { kern } = sys;
  const process = sys.processOf(lwp);
  if (!process.lwps.includes(lwp)) throw new ProcessEnded(process);
  let answer: T | undefined;
  let stays = false;
  kern.scheduler.adopt(lwp);
  try {
    answer = yield* call();
    stays = true;
  } catch (error) {
    if (!(error instanceof LwpExit)) throw error;
    kern.enter();
    yield* sys.lwpExit(lwp);
    kern.leave();
  } finally {
    kern.scheduler.release(lwp);
  }
  kern.scheduler.settle();
  if (!stays) throw new ProcessEnded(process);
  return answer as T;
}

/**
 * Has the system calls among the methods of a class be made as a thread when they come from outside.
 *
 * @param prototype of a class whose instances are a thread's
 * @param options.plain methods that are no calls
 * @param options.last calls after which there is no thread any more, so that this is no mistake
 */
export function admitOutside(prototype: object, options: { plain: readonly string[]; last: readonly string[] }): void {
  for (const [name, { value }] of Object.entries(Object.getOwnPropertyDescriptors(prototype))) {
    // What begins with a dollar is a private method.
    if (typeof value !== 'function' || name === 'constructor' || name.startsWith('$') || options.plain.includes(name)) continue;
    Object.defineProperty(prototype, name, { value: callOf(value as Call, options.last.includes(name)) });
  }
}

/** What has a thread. */
interface OfThread {
  readonly lwp: Lwp;
  readonly sys: Sys;
}

type Call = (this: OfThread, ...args: unknown[]) => Step<unknown>;

function callOf(call: Call, isLast: boolean): Call {
  return function* (this: OfThread, ...args: unknown[]): Step<unknown> {
    const { sys, lwp } = this;
    if (!sys.kern.scheduler.outside) return yield* call.apply(this, args);
    try {
      return yield* asThread(sys, lwp, () => call.apply(this, args));
    } catch (error) {
      if (isLast && error instanceof ProcessEnded) return undefined;
      throw error;
    }
  };
}

function howItEnded({ ending, fatalFault }: Process): string {
  if (ending === null) return 'goes on without the thread, which has left';
  if (ending.kind === 'exited') return `has exited with ${ending.status}`;
  const killed = `was killed by ${signalName(ending.signal)}`;
  if (fatalFault === null) return killed;
  const { signal, code, address } = fatalFault;
  return `${killed} (${code === 0 ? 'out of memory' : signalCodeName(signal, code)}) at ${hex(address)}`;
}
