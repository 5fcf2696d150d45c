/** What source-DPOR and optimal DPOR have in common: sleep sets, and races looked for at the end of each execution. */
import type { Lwp } from '@faultline/kernel';
import { isGuarded } from './access.js';
import { depend, type Footprint, type Frame, footprintOf } from './frame.js';
import { RaceFinder } from './races.js';
import { BLOCKED, Search } from './search.js';

const NOBODY: readonly Footprint[] = [];

/** A search that explores of each two executions that differ only in the order of independent steps one. */
export abstract class DporSearch extends Search {
  readonly #races = new RaceFinder(this.trace, (index, sequence) => this.raced(this.trace.frame(index), sequence));
  /** Frames whose races are known. */
  #analysed = 0;

  /** A race was found: `sequence` must be explored from a frame. */
  protected abstract raced(frame: Frame, sequence: readonly Frame[]): void;

  protected arrive(frame: Frame, previous: Frame | null): void {
    if (previous === null) frame.sleep = NOBODY;
    else if (previous.kind === 'step') frame.sleep = stillAsleep(previous.sleep, previous);
    else frame.sleep = previous.sleep;
  }

  /** A thread that can go on and is not asleep, if possible the one that ran last: so there are few switches. */
  protected anyAwake(frame: Frame, last: number): number {
    let awake = frame.enabled;
    for (const { lwp } of frame.sleep) awake &= ~(1 << lwp);
    if (awake === 0) return BLOCKED;
    return last >= 0 && (awake & (1 << last)) !== 0 ? last : lowest(awake);
  }

  protected ended({ failed, lwps }: { readonly failed: boolean; readonly lwps: readonly Lwp[] }): void {
    const { length } = this.trace;
    for (let index = Math.min(this.#analysed, this.known); index < length; index++) this.#races.ofFrame(this.trace.frame(index));
    this.#analysed = length;
    const failure = failed ? this.#failure() : null;
    for (const lwp of lwps) {
      const { object } = lwp;
      if (lwp.idle || object === null) continue;
      if (isGuarded(lwp.op) && !object.admits(lwp.op, lwp)) this.#races.ofWaiting(lwp);
      else if (failure !== null && lwp.id !== failure.lwp && lwp.op !== 'resume') this.#races.ofCutOff(lwp, failure);
    }
  }

  /** A step was explored: it goes to sleep. */
  protected fallAsleep(frame: Frame): void {
    frame.sleep = [...frame.sleep, footprintOf(frame)];
  }

  #failure(): Frame | null {
    for (let index = this.trace.length - 1; index >= 0; index--) {
      const frame = this.trace.frame(index);
      if (frame.fails) return frame;
    }
    return null;
  }
}

/** The lowest thread of a set. */
export function lowest(lwps: number): number {
  return 31 - Math.clz32(lwps & -lwps);
}

function stillAsleep(sleep: readonly Footprint[], step: Footprint): readonly Footprint[] {
  if (sleep.length === 0) return NOBODY;
  return sleep.filter((asleep) => asleep.lwp !== step.lwp && !depend(asleep, step));
}
