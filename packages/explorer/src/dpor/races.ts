/**
 * Races: steps of two threads that depend on each other, and could as well have come in the other order.
 *
 *     … e … … … … e' …        e' follows e, and nothing between them makes it so
 *     … v … e'                the same without e and all that comes after it, up to e': what has to be explored besides
 *
 * A step that waits for a lock has no race with the release, which it cannot come before, but with the step that took the lock. Of a
 * reader-writer lock several threads may have to let go first.
 */
import type { Lwp } from '@faultline/kernel';
import { accessAtMost, accessesDepend, CHANGE, isGuarded, obstructs } from './access.js';
import { accessTo, Frame, MAX_LWPS, NONE } from './frame.js';
import { join, type Trace } from './trace.js';

/** Told of a race: what is to be explored from the frame at `index`, in this order. Valid during the call only. */
export type OnRace = (index: number, sequence: readonly Frame[]) => void;

/** Finds races in a trace. */
export class RaceFinder {
  readonly #trace: Trace;
  readonly #onRace: OnRace;
  /** What the later step of a race knows, without what it touches. */
  readonly #known = new Int32Array(MAX_LWPS);
  /** The later step of a race, as it would be if it came first. */
  readonly #reversed = new Frame(Number.MAX_SAFE_INTEGER);
  readonly #waiting = new Frame(Number.MAX_SAFE_INTEGER);
  #sequence: Frame[] = [];

  constructor(trace: Trace, onRace: OnRace) {
    this.#trace = trace;
    this.#onRace = onRace;
  }

  /** Races of a step on the stack with earlier ones. */
  ofFrame(frame: Frame): void {
    if (frame.kind !== 'step') return;
    if (frame.fails) this.#ofFailure(frame);
    else this.#of(frame, frame.index);
  }

  /** Races of a thread that waits for a lock, when the run has come to its end, with those who have the lock. */
  ofWaiting(lwp: Lwp): void {
    this.#trace.describe(this.#waiting, lwp);
    this.#of(this.#waiting, this.#trace.length);
  }

  /** Nothing of what threads were about to do has come to pass, since a step has ended the run. */
  ofCutOff(lwp: Lwp, failure: Frame): void {
    this.#trace.describe(this.#waiting, lwp);
    this.#reverse(failure, this.#waiting, this.#trace.length);
  }

  /** A step that ends the run depends on every other. */
  #ofFailure(frame: Frame): void {
    this.#startFrom(frame);
    for (let at = frame.index - 1; at >= 0; at--) {
      const other = this.#trace.frame(at);
      if (other.lwp === frame.lwp || other.kind !== 'step' || this.#knows(other)) continue;
      this.#reverse(other, frame, frame.index);
      join(this.#known, other.clock);
    }
  }

  #of(frame: Frame, end: number): void {
    this.#startFrom(frame);
    let onThing = frame.thing === NONE ? NONE : frame.beforeOnThing;
    let onSecond = frame.second === NONE ? NONE : frame.beforeOnSecond;
    while (onThing !== NONE || onSecond !== NONE) {
      if (onThing >= onSecond) onThing = this.#meet(frame, end, onThing, frame.thing);
      else onSecond = this.#meet(frame, end, onSecond, frame.second);
    }
  }

  /** Looks at an earlier step on the same thing; answers the one before it that matters. */
  #meet(frame: Frame, end: number, at: number, thing: number): number {
    const other = this.#trace.frame(at);
    const others = accessTo(other, thing);
    if (other.lwp !== frame.lwp && accessesDepend(accessTo(frame, thing), others)) {
      if (thing === frame.thing && isGuarded(frame.op)) this.#meetOnLock(frame, end, other);
      else if (!this.#knows(other)) this.#reverse(other, frame, end);
      join(this.#known, other.clock);
    }
    return others === CHANGE ? NONE : this.#trace.previousOn(other, thing);
  }

  /** What a waiting step can come before is not the release of the lock, but the step by which the other began to be in its way. */
  #meetOnLock(frame: Frame, end: number, other: Frame): void {
    const { thing, op } = frame;
    const isInTheWay = obstructs(other.hold, op) || obstructs(this.#trace.holdBefore(other, thing), op);
    const earlier = isInTheWay ? this.#beginOfHold(other, frame) : other;
    if (!this.#knows(earlier)) this.#reverse(earlier, frame, end);
  }

  /** The step by which the thread of `frame`, or of a step before it, began to be in the way of a waiting step. */
  #beginOfHold(frame: Frame, waiting: Frame): Frame {
    const { thing, op } = waiting;
    let begin = frame;
    for (let at = this.#trace.previousOn(frame, thing); at !== NONE; ) {
      const other = this.#trace.frame(at);
      if (other.lwp === frame.lwp) {
        if (!obstructs(other.hold, op)) break;
        begin = other;
      }
      at = this.#trace.previousOn(other, thing);
    }
    return begin;
  }

  /** Lets a step come before another one. If it waits for a lock, all who are in its way must have let go by then, or come later too. */
  #reverse(earlier: Frame, frame: Frame, end: number): void {
    let from = earlier.index;
    const without = [from];
    for (;;) {
      this.#collect(from, end, without);
      const obstacle = isGuarded(frame.op) ? this.#obstacle(frame, from) : null;
      if (obstacle === null) break;
      if (obstacle.index < from) {
        // It comes before: then the waiting step must come before that, too.
        if (this.#pastKnows(frame, obstacle)) return;
        from = obstacle.index;
      }
      without.push(obstacle.index);
    }
    this.#report(from, frame);
  }

  /** Whether the thread of a step knew of another step before it came to this one. */
  #pastKnows(frame: Frame, other: Frame): boolean {
    return frame.before !== NONE && this.#trace.frame(frame.before).comesAfter(other);
  }

  /** The step by which somebody began to be in the way of a waiting step, and has not let go at the end of the sequence. */
  #obstacle(frame: Frame, from: number): Frame | null {
    const { thing, op, lwp } = frame;
    let seen = 1 << lwp;
    for (let at = frame.beforeOnThing; at !== NONE; ) {
      const other = this.#trace.frame(at);
      if ((seen & (1 << other.lwp)) === 0 && (at < from || this.#sequence.includes(other))) {
        seen |= 1 << other.lwp;
        if (obstructs(other.hold, op)) return this.#beginOfHold(other, frame);
      }
      at = this.#trace.previousOn(other, thing);
    }
    return null;
  }

  /** The steps from `from` to `end` that come after none of those that are left out. */
  #collect(from: number, end: number, without: readonly number[]): void {
    const sequence = this.#sequence;
    sequence.length = 0;
    for (let at = from; at < end; at++) {
      const frame = this.#trace.frame(at);
      if (frame.kind !== 'local' && !this.#isAfterAny(frame, without)) sequence.push(frame);
    }
  }

  #isAfterAny(frame: Frame, without: readonly number[]): boolean {
    for (const each of without) if (frame.comesAfter(this.#trace.frame(each))) return true;
    return false;
  }

  #report(index: number, frame: Frame): void {
    const reversed = this.#reversed;
    reversed.kind = 'step';
    reversed.op = frame.op;
    reversed.lwp = frame.lwp;
    reversed.thing = frame.thing;
    reversed.access = accessAtMost(frame.access);
    reversed.second = frame.second;
    reversed.secondAccess = frame.secondAccess;
    reversed.fails = frame.fails;
    if (frame.before === NONE) reversed.clock.fill(0);
    else reversed.clock.set(this.#trace.frame(frame.before).clock);
    this.#sequence.push(reversed);
    this.#onRace(index, this.#sequence);
  }

  /** What a step knows before it touches anything: what its thread knew. */
  #startFrom(frame: Frame): void {
    if (frame.before === NONE) this.#known.fill(0);
    else this.#known.set(this.#trace.frame(frame.before).clock);
  }

  #knows(frame: Frame): boolean {
    return (this.#known[frame.lwp] as number) > frame.index;
  }
}
