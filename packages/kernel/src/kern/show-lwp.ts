/** What a thread is doing, in the terms of NetBSD's listings of threads. */
import type { Kern } from './kern.js';
import type { Lock } from './lock.js';
import type { Lwp, StepObject } from './lwp.js';

/** `l_stat`, sys/sys/lwp.h */
const LSRUN = 2;
const LSSLEEP = 3;
export const LSZOMB = 5;
export const LSONPROC = 7;
const LSSUSPENDED = 8;

/** What blocks a thread that waits for a lock: the turnstile of the lock. */
const TURNSTILE = 'tstile';

/** The state of a thread, as a number. A thread that has no job is suspended: it goes on when somebody has it do something. */
export function lwpStat(kern: Kern, lwp: Lwp): number {
  if (kern.scheduler.current === lwp) return LSONPROC;
  if (lwp.idle) return LSSUSPENDED;
  return lwp.channel !== null || isBlocked(lwp) ? LSSLEEP : LSRUN;
}

/** What a thread waits for in the kernel's few letters; null when it does not wait. */
export function waitMessage(lwp: Lwp): string | null {
  if (lwp.channel !== null) return lwp.waitMessage;
  return isBlocked(lwp) ? TURNSTILE : null;
}

/** What a thread waits for: a channel or a lock. */
export function waitChannel(lwp: Lwp): string | null {
  if (lwp.channel !== null) return lwp.channel.label;
  return wantedLock(lwp)?.label ?? null;
}

/** The lock that a thread waits for. */
export function wantedLock(lwp: Lwp): Lock | null {
  const { object } = lwp;
  return isBlocked(lwp) && object !== null && isLock(object) ? object : null;
}

/** Whether a thread cannot take its next step. What it holds already was its last step, and not its next. */
function isBlocked(lwp: Lwp): boolean {
  const { object } = lwp;
  if (lwp.idle || object === null || object.admits(lwp.op, lwp)) return false;
  return !isLock(object) || !object.holders().includes(lwp);
}

function isLock(object: StepObject): object is Lock {
  return 'lockClass' in object;
}
