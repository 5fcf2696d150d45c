/**
 * Checks of an execution, step by step, small enough to be written into a file: a hash that rolls over all steps and states so far,
 * of which twelve bits are kept at each step.
 *
 *     step     17      18      19      20      21
 *     kept     aX      9f      Kq      0e      Vr        of the recorded execution
 *     now      aX      9f      Kq      m2      7b        differs from step 20 on: a difference never goes away again
 */
import { type SchedulingPoint, StateHash } from '@faultline/kernel';
import type { Instance } from '../model.js';

/** The checks of an execution, as plain data. */
export interface StepChecks {
  /** How many steps one check covers. */
  readonly every: number;
  /** Two characters for each check. */
  readonly marks: string;
  /** The hash at the end: of all steps, and of the state that they led to. */
  readonly end: string;
}

/** Checks of an execution at most; of more steps, each covers several. */
const MOST_MARKS = 512;
const DIGITS = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';

/** How many steps a check has to cover in an execution of so many. */
export function checkEvery(steps: number): number {
  return Math.max(1, Math.ceil(steps / MOST_MARKS));
}

/** Makes the checks while an execution goes on. */
export class StepChecker {
  readonly #every: number;
  readonly #rolling = new StateHash();
  readonly #marks: string[] = [];
  /** The step of each mark. */
  readonly #steps: number[] = [];
  #looks = 0;
  #last = -1;

  constructor(every: number) {
    this.#every = every;
  }

  /** A step is about to be taken; may be told several times. */
  look({ current, steps }: SchedulingPoint, instance: Instance): void {
    if (steps === this.#last) return;
    this.#last = steps;
    this.#rolling.field(current.name, steps);
    this.#rolling.field('', current.idle ? 'end' : `${current.op} ${current.object?.label ?? ''}`);
    if (this.#looks++ % this.#every !== 0) return;
    this.#mixState(instance);
    const { low } = this.#rolling.lanes;
    this.#marks.push(`${DIGITS[(low >>> 6) & 63] ?? ''}${DIGITS[low & 63] ?? ''}`);
    this.#steps.push(steps);
  }

  /** The environment went some way. */
  chose(site: string, taken: number): void {
    this.#rolling.field(site, taken);
  }

  /** The execution is over; gives the checks. */
  finish(instance: Instance): StepChecks {
    this.#mixState(instance);
    return { every: this.#every, marks: this.#marks.join(''), end: this.#rolling.digest };
  }

  /**
   * The first step at which this execution, which is over, differs from a recorded one, as far as the checks tell; null when they are
   * the same.
   *
   * => where a check covers several steps, it is the checked step after the difference.
   */
  firstDifference(recorded: StepChecks, now: StepChecks): number | null {
    const most = Math.max(recorded.marks.length, now.marks.length);
    for (let at = 0; at < most; at += 2) {
      if (recorded.marks.slice(at, at + 2) !== now.marks.slice(at, at + 2)) return this.#steps[at / 2] ?? this.#last;
    }
    return recorded.end === now.end ? null : this.#last;
  }

  #mixState(instance: Instance): void {
    const state = new StateHash();
    instance.writeState(state);
    this.#rolling.field('high', state.lanes.high);
    this.#rolling.field('low', state.lanes.low);
  }
}
