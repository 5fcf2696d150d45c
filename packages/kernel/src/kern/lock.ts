/** What all locks have in common. */
import type { Lwp, StepObject } from './lwp.js';

/** Locks that play the same part, such as the locks of all maps. The witness orders classes, not locks. */
export interface LockClass {
  /** Dense number, for tables. */
  readonly id: number;
  /** As `show lock` prints it: `vmmaplk`. */
  readonly name: string;
  /** Whether one thread may hold several of this class; the order among them is then the caller's to keep. */
  readonly nests: boolean;
}

/** A lock of any kind. */
export interface Lock extends StepObject {
  readonly lockClass: LockClass;
  /** Who has it. */
  holders(): readonly Lwp[];
}

/** A lock that can be released as part of falling asleep. */
export interface Interlock extends Lock {
  /**
   * Releases the lock in the step in which its holder falls asleep; nothing can come in between.
   *
   * => panics when the running thread does not have it.
   */
  releaseAsleep(): void;
}

/** Takes something off a list, such as a lock off those that a thread holds; what came last is found at once. */
export function forget<T>(list: T[], item: T): void {
  if (list[list.length - 1] === item) {
    list.pop();
    return;
  }
  const index = list.lastIndexOf(item);
  if (index >= 0) list.splice(index, 1);
}
