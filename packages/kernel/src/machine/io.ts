/**
 * Input and output: a request is started, takes its time, and completes in a thread of its own. `struct buf` and `biodone()`,
 * sys/kern/vfs_bio.c.
 *
 *     startIo(operation) ── io-start ──┐                   the initiator goes on, or waits in `waitForIo`
 *                                      └─ io-done: the bytes move, the error is decided, `done` runs ── wakeup: the waiters go on
 */
import { EIO, type Errno } from '../kern/errno.js';
import type { Kern } from '../kern/kern.js';
import type { Op, StepObject } from '../kern/lwp.js';
import { step } from '../kern/scheduler.js';
import { park, type Step } from '../kern/switch.js';

/** What is to be moved, and what follows. */
export interface IoOperation {
  /** For people: `read /etc/passwd @ 8192`. */
  readonly label: string;
  /** Where the bytes come from or go to: what the step of completion touches. Two operations on one of them do not commute. */
  readonly medium: StepObject;
  /** Names the place in choices: the environment may fail it. */
  readonly site: 'io.read' | 'io.write';
  /** Moves the bytes, at the moment of completion. Answers 0 or an errno. */
  transfer(): Errno;
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
  yield* step(kern.scheduler, 'io-done', operation.medium);
  const failed = kern.choose(operation.site) !== 0;
  const errno = failed ? EIO : kern.scheduler.byNobody(() => operation.transfer());
  yield* operation.done(errno);
  yield* step(kern.scheduler, 'wakeup', request);
  request.result = errno;
}
