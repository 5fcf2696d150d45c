/** The execution under way: a stack of frames with vector clocks, and for each thing the frames that touch it. */
import type { Lwp, StepObject } from '@faultline/kernel';
import { accessOf, accessOfRelease, CHANGE, type Held, holdAfter, isGranted, isLocal } from './access.js';
import { accessTo, Frame, MAX_LWPS, NONE } from './frame.js';
import { ThingTable } from './thing-table.js';

/** A stack of frames. */
export class Trace {
  /** Frames on the stack. */
  length = 0;
  readonly things = new ThingTable();
  readonly #frames: Frame[] = [];
  readonly #lastOfLwp = new Int32Array(MAX_LWPS).fill(NONE);
  readonly #lastOnThing: number[] = [];

  /** The frame at a depth, on the stack or above it. */
  frame(index: number): Frame {
    let frame = this.#frames[index];
    if (frame === undefined) {
      frame = new Frame(index);
      this.#frames[index] = frame;
    }
    return frame;
  }

  /** Takes frames off until so many are left. */
  truncate(length: number): void {
    while (this.length > length) {
      const frame = this.frame(--this.length);
      this.#lastOfLwp[frame.lwp] = frame.before;
      if (frame.thing !== NONE) this.#lastOnThing[frame.thing] = frame.beforeOnThing;
      if (frame.second !== NONE) this.#lastOnThing[frame.second] = frame.beforeOnSecond;
    }
  }

  /** The last frame of a thread, null when there is none. */
  lastOfLwp(lwp: number): Frame | null {
    const last = this.#lastOfLwp[lwp] as number;
    return last === NONE ? null : this.frame(last);
  }

  /** Puts the step that a thread is about to take on the stack. */
  push(lwp: Lwp): Frame {
    const frame = this.frame(this.length);
    this.describe(frame, lwp);
    if (frame.kind === 'local') this.#joinCause(frame, lwp);
    else {
      this.#joinTouched(frame, frame.thing, frame.beforeOnThing);
      if (frame.second !== NONE) this.#joinTouched(frame, frame.second, frame.beforeOnSecond);
    }
    frame.clock[lwp.id] = this.length + 1;
    return this.#put(frame);
  }

  /** Puts the way that the environment takes on the stack, which belongs to the last step. */
  pushChoice(lwp: Lwp, way: number, ways: number): Frame {
    const frame = this.frame(this.length);
    this.#clear(frame, lwp.id);
    frame.kind = 'choice';
    frame.op = 'choice';
    frame.way = way;
    frame.ways = ways;
    frame.clock[lwp.id] = this.length + 1;
    return this.#put(frame);
  }

  /** Fills in what a step that a thread is about to take would be, as far as the thread's own past goes. */
  describe(frame: Frame, lwp: Lwp): void {
    const { op, object, interlock } = lwp;
    this.#clear(frame, lwp.id);
    frame.op = op;
    if (isLocal(lwp)) {
      frame.kind = 'local';
      if (op === 'resume' && lwp.sleepResult !== 0) throw new UnsupportedStep('a sleep that a timeout or a signal ends');
      return;
    }
    frame.kind = 'step';
    if (object === null) return;
    const granted = isGranted(op, object, lwp);
    frame.access = accessOf(op, object, granted);
    frame.thing = this.#numberOf(object);
    frame.beforeOnThing = this.#lastOnThing[frame.thing] ?? NONE;
    if (op === 'sleep' && interlock !== null) {
      frame.secondAccess = accessOfRelease(interlock);
      frame.second = this.#numberOf(interlock);
      frame.beforeOnSecond = this.#lastOnThing[frame.second] ?? NONE;
      frame.hold = holdAfter(this.holdBefore(frame, frame.second), op, true);
    } else {
      frame.hold = holdAfter(this.holdBefore(frame, frame.thing), op, granted);
    }
  }

  /** What the thread of a frame had to do with a lock before. */
  holdBefore(frame: Frame, thing: number): number {
    for (let at = this.previousOn(frame, thing); at !== NONE; ) {
      const other = this.frame(at);
      if (other.lwp === frame.lwp) return other.hold;
      at = this.previousOn(other, thing);
    }
    return 0;
  }

  /** The frame before this one that touches a thing, which this one touches too. */
  previousOn(frame: Frame, thing: number): number {
    return frame.thing === thing ? frame.beforeOnThing : frame.beforeOnSecond;
  }

  /** The last frame that touches a thing. */
  lastOn(thing: number): number {
    return this.#lastOnThing[thing] ?? NONE;
  }

  #numberOf(object: StepObject): number {
    const number = this.things.numberOf(object);
    if (this.#lastOnThing[number] === undefined) this.#lastOnThing[number] = NONE;
    return number;
  }

  #clear(frame: Frame, lwp: number): void {
    if (lwp >= MAX_LWPS) throw new UnsupportedStep(`a program of more than ${MAX_LWPS - 1} threads`);
    frame.lwp = lwp;
    frame.thing = NONE;
    frame.access = 0;
    frame.second = NONE;
    frame.secondAccess = 0;
    frame.fails = false;
    frame.way = NONE;
    frame.hold = 0;
    frame.beforeOnThing = NONE;
    frame.beforeOnSecond = NONE;
    const before = this.#lastOfLwp[lwp] as number;
    frame.before = before;
    if (before === NONE) frame.clock.fill(0);
    else frame.clock.set(this.frame(before).clock);
  }

  #put(frame: Frame): Frame {
    this.#lastOfLwp[frame.lwp] = this.length;
    if (frame.thing !== NONE) this.#lastOnThing[frame.thing] = this.length;
    if (frame.second !== NONE) this.#lastOnThing[frame.second] = this.length;
    this.length++;
    return frame;
  }

  /** The step comes after those on the thing that it depends on. Whatever comes before a change of the thing, the change comes after. */
  #joinTouched(frame: Frame, thing: number, last: number): void {
    const access = accessTo(frame, thing);
    for (let at = last; at !== NONE; ) {
      const other = this.frame(at);
      const others = accessTo(other, thing);
      if (access !== others || access === CHANGE) join(frame.clock, other.clock);
      if (others === CHANGE) return;
      at = this.previousOn(other, thing);
    }
  }

  /** A local step is taken right after the step that made it possible: the wakeup, or what started the thread. */
  #joinCause(frame: Frame, lwp: Lwp): void {
    for (let at = this.length - 1; at >= 0; at--) {
      const cause = this.frame(at);
      if (cause.kind === 'local') continue;
      join(frame.clock, cause.clock);
      break;
    }
    // The end of other threads may have been waited for, some of them long ended.
    if (lwp.op !== 'resume' || lwp.object === null || !('holders' in lwp.object)) return;
    for (const { id } of (lwp.object as StepObject & Held).holders()) {
      const last = this.lastOfLwp(id);
      if (last !== null) join(frame.clock, last.clock);
    }
  }
}

/** The program does something that is not known to this way of exploring. */
export class UnsupportedStep extends Error {
  override readonly name = 'UnsupportedStep';

  constructor(what: string) {
    super(`partial-order reduction knows nothing of ${what}; explore the program with the state graph instead`);
  }
}

/** Makes a clock know all that another one knows. */
export function join(clock: Int32Array, other: Int32Array): void {
  for (let i = 0; i < MAX_LWPS; i++) {
    if ((other[i] as number) > (clock[i] as number)) clock[i] = other[i] as number;
  }
}
