/**
 * How steps touch things, and which of them depend on each other.
 *
 *                 shared   probe   change
 *     shared         -       x        x        shared: readers come and go; words are loaded
 *     probe          x       -        x        probe:  an attempt on a lock that fails, and leaves no trace
 *     change         x       x        x        change: everything else
 *
 * Two steps of different threads that touch no thing in a way that depends can be swapped where they stand side by side: nobody can
 * tell the difference.
 */
import type { Lwp, Op, StepObject } from '@faultline/kernel';

/** How a step touches a thing; 0 for not at all. */
export type Access = 0 | 1 | 2 | 3;
export const SHARED: Access = 1;
export const PROBE: Access = 2;
export const CHANGE: Access = 3;

/** Whether two accesses to one thing depend on each other. */
export function accessesDepend(a: Access, b: Access): boolean {
  return a !== 0 && b !== 0 && (a !== b || a === CHANGE);
}

/** A lock that knows who has it. */
export interface Held {
  holders(): readonly Lwp[];
}

/** Whether a step on a lock gets what it wants, taken now. Steps that need not ask do. */
export function isGranted(op: Op, object: StepObject, lwp: Lwp): boolean {
  switch (op) {
    case 'try':
    case 'attempt':
      return object.admits('acquire', lwp);
    case 'try-read':
      return object.admits('acquire-read', lwp);
    case 'upgrade':
      return (object as StepObject & Held).holders().length === 1;
    default:
      return true;
  }
}

/**
 * How a step touches its object, taken now.
 *
 * @param granted what `isGranted` says
 */
export function accessOf(op: Op, object: StepObject, granted: boolean): Access {
  switch (op) {
    case 'acquire-read':
    case 'try-read':
    case 'load':
      return SHARED;
    case 'release':
      return accessOfRelease(object);
    case 'try':
    case 'upgrade':
      return granted ? CHANGE : PROBE;
    default:
      return CHANGE;
  }
}

/** As `accessOf`, for a step of which it is not known whether it is granted: the most that it can be. */
export function accessAtMost(access: Access): Access {
  return access === PROBE ? CHANGE : access;
}

/** How the release of a lock touches it: one reader of several may go when it likes. */
export function accessOfRelease(object: StepObject): Access {
  return 'state' in object && object.state === 'read' ? SHARED : CHANGE;
}

/** Whether nobody can tell when this step is taken: it touches nothing, and comes from a step that did. */
export function isLocal(lwp: Lwp): boolean {
  return lwp.op === 'resume' || (lwp.op === 'start' && lwp.object === null);
}

/** What a thread has to do with a lock: how often it holds it for reading, times `READS`, and the flags. */
export type Hold = number;
export const WRITES = 1;
export const WAITS = 2;
export const READS = 4;

/** What a thread has to do with a lock after a step on it. */
export function holdAfter(before: Hold, op: Op, granted: boolean): Hold {
  switch (op) {
    case 'acquire':
      return (before & ~WAITS) | WRITES;
    case 'acquire-read':
      return before + READS;
    case 'attempt':
      return before | (granted ? WRITES : WAITS);
    case 'try':
      return granted ? before | WRITES : before;
    case 'try-read':
      return granted ? before + READS : before;
    case 'upgrade':
      return granted ? WRITES : before;
    case 'downgrade':
      return READS;
    case 'release':
    case 'sleep':
      return (before & WRITES) !== 0 ? before & ~WRITES : Math.max(0, before - READS);
    default:
      return before;
  }
}

/** Whether a step waits until it is admitted, for others to let go of a lock. */
export function isGuarded(op: Op): boolean {
  return op === 'acquire' || op === 'acquire-read';
}

/** Whether a thread that has this to do with a lock keeps another from a guarded step. */
export function obstructs(hold: Hold, op: Op): boolean {
  return op === 'acquire' ? (hold & ~WAITS) !== 0 : (hold & (WRITES | WAITS)) !== 0;
}
