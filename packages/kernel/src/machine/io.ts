/**
 * Input and output: a request is started, takes its time, and completes in a thread of its own. `struct buf` and `biodone()`,
 * sys/kern/vfs_bio.c.
 *
 *     startIo(operation) ── io-start ──┐                   the initiator goes on, or waits in `waitForIo`
 *                                      └─ io-done: the bytes move, the error is decided, `done` runs ── wakeup: the waiters go on
 *
 * The environment chooses whether it works, fails, or stops in the middle. What a plan says (`io-faults.ts`) befalls it besides.
 */
import { EIO, type Errno } from '../kern/errno.js';
import type { Kern } from '../kern/kern.js';
import type { Op, StepObject } from '../kern/lwp.js';
import { step } from '../kern/scheduler.js';
import { pause } from '../kern/sleepq.js';
import { park, type Step } from '../kern/switch.js';

/** What is to be moved, and what follows. */
export interface IoOperation {
  /** For people: `read /etc/passwd @ 8192`. */
  readonly label: string;
  /** Where the bytes come from or go to: what the step of completion touches. Two operations on one of them do not commute. */
  readonly medium: StepObject;
  /** Names the place in choices: the environment may fail it. */
  readonly site: 'io.read' | 'io.write';
  /** Ticks of virtual time that it takes. Absent for none. */
  delay?(): number;
  /** Moves the bytes, at the moment of completion. Answers 0 or an errno. */
  transfer(): Errno;
  /** Moves some of them, as a device does that stops in the middle. Absent where nobody could tell that from moving nothing. */
  transferPart?(): void;
  /** Runs in the completion thread once the transfer is over. */
  done(errno: Errno): Step<void>;
}

/** A request under way. */
export class IoRequest implements StepObject {
  readonly operation: IoOperation;
  /** The outcome, null while it is under way. */
  result: Errno | null = null;

  constructor(operation: IoOperation) {
    this.operation = operation;
  }

  get label(): string {
    return this.operation.label;
  }

  admits(op: Op): boolean {
    return op !== 'resume' || this.result !== null;
  }
}

/** Starts an operation; it completes in a thread of its own. */
export function* startIo(kern: Kern, operation: IoOperation): Step<IoRequest> {
  const request = new IoRequest(operation);
  yield* step(kern.scheduler, 'io-start', request);
  kern.scheduler.spawn(() => complete(kern, request));
  return request;
}

/** Waits until a request has completed, and answers its errno. `biowait()`. => sleeps on "biowait". */
export function* waitForIo(kern: Kern, request: IoRequest): Step<Errno> {
  const { scheduler } = kern;
  scheduler.current.waitMessage = 'biowait';
  if (scheduler.mustSwitch('resume', request)) yield* park(scheduler);
  return request.result ?? kern.panic('biowait: woken before the I/O was done');
}

function* complete(kern: Kern, request: IoRequest): Step<void> {
  const { operation } = request;
  const ticks = operation.delay?.() ?? 0;
  if (ticks > 0) yield* pause(kern.scheduler, 'iodelay', ticks);
  yield* step(kern.scheduler, 'io-done', operation.medium);
  const way = kern.choose(operation.site, operation.transferPart === undefined ? 2 : 3);
  const errno = kern.scheduler.byNobody(() => move(operation, way));
  yield* operation.done(errno);
  yield* step(kern.scheduler, 'wakeup', request);
  request.result = errno;
}

/** Moves the bytes: all of them; or none, or some, and then there is an error. A transfer that came to an end too soon counts as failed. */
function move(operation: IoOperation, way: number): Errno {
  if (way === 0) return operation.transfer();
  if (way === 2) operation.transferPart?.();
  return EIO;
}
