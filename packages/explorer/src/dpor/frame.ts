/** A state on the way of an execution, and the step that was taken from it. */
import type { Op } from '@faultline/kernel';
import { type Access, accessesDepend, type Hold } from './access.js';
import type { WakeupNode } from './wakeup-tree.js';

/** Threads that there can be, the first of them being the one that boots: their sets are bits of a word. */
export const MAX_LWPS = 31;

/** What kind of step was taken. */
export type FrameKind = 'step' | 'local' | 'choice';

/** No thing, or no frame. */
export const NONE = -1;

/** A step, as far as others can depend on it. */
export interface Footprint {
  /** The thread that takes it. */
  readonly lwp: number;
  /** The number of the thing that it touches, and how. */
  readonly thing: number;
  readonly access: Access;
  /** The number of another thing that it touches besides, and how. */
  readonly second: number;
  readonly secondAccess: Access;
  /** Whether it ended the run: then no other step can come after it. */
  readonly fails: boolean;
}

/** Whether two steps of different threads depend on each other. */
export function depend(a: Footprint, b: Footprint): boolean {
  return a.fails || b.fails || touchAlike(a, b);
}

/** Whether two steps touch a thing in ways that depend on each other. */
export function touchAlike(a: Footprint, b: Footprint): boolean {
  return (
    (a.thing !== NONE && accessesDepend(a.access, accessTo(b, a.thing))) ||
    (a.second !== NONE && accessesDepend(a.secondAccess, accessTo(b, a.second)))
  );
}

/** How a step touches a thing. */
export function accessTo(step: Footprint, thing: number): Access {
  if (step.thing === thing) return step.access;
  return step.second === thing ? step.secondAccess : 0;
}

/** A frame; used again and again for all states at its depth. */
export class Frame implements Footprint {
  /** Its place on the way. */
  readonly index: number;

  // The state.
  /** The threads that can go on. */
  enabled = 0;
  /** Steps that were explored from here or above, and need not be taken again before something touches what they touch. */
  sleep: readonly Footprint[] = [];
  /** Threads that are to be explored from here, and those that were; for choices, the ways. */
  backtrack = 0;
  done = 0;
  /** What is still to be explored from here, for optimal DPOR; the first of them is being explored. */
  tree: WakeupNode[] = [];

  // The step.
  kind: FrameKind = 'step';
  lwp = 0;
  op: Op = 'start';
  thing = NONE;
  access: Access = 0;
  second = NONE;
  secondAccess: Access = 0;
  fails = false;
  /** What the thread has to do with the lock that it touches, from here on. */
  hold: Hold = 0;
  /** Of a choice: the way that was taken, of how many. */
  way = 0;
  ways = 0;
  /** The thread's last frame before this one. */
  before = NONE;
  /** The last frames before this one that touch the same things. */
  beforeOnThing = NONE;
  beforeOnSecond = NONE;
  /** For each thread, the number of frames up to its last one that this step comes after, itself included. */
  readonly clock = new Int32Array(MAX_LWPS);

  constructor(index: number) {
    this.index = index;
  }

  /** Whether it is known to come after another frame's step: not only later, but because of it. */
  comesAfter(other: Frame): boolean {
    return (this.clock[other.lwp] as number) > other.index;
  }
}

/** A copy of what matters of a step, for keeping. */
export function footprintOf({ lwp, thing, access, second, secondAccess, fails }: Footprint): Footprint {
  return { lwp, thing, access, second, secondAccess, fails };
}
