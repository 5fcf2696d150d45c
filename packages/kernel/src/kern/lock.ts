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

/** Takes a lock off a thread's list; the one taken last is found at once. */
export function forget(held: Lock[], lock: Lock): void {
  const index = held.lastIndexOf(lock);
  if (index === held.length - 1) held.pop();
  else if (index >= 0) held.splice(index, 1);
}
