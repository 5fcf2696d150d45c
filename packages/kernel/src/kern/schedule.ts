/**
 * Schedules: what was decided in a run, so that it can be repeated.
 *
 * Only departures from run-to-block are written down: a run without a race has an empty schedule.
 */
import type { Lwp } from './lwp.js';
import type { SchedulingPoint, Strategy } from './strategy.js';

/** At step `step`, thread `to` went on instead of the one that run-to-block would have taken. */
export interface Switch {
  readonly step: number;
  readonly to: number;
}

/** At step `step`, the environment went way `taken` at `site`, which is not the ordinary one. */
export interface Choice {
  readonly step: number;
  readonly site: string;
  readonly taken: number;
}

/** At step `step`, the timeout of thread `lwp` fired although threads could run. */
export interface Expiry {
  readonly step: number;
  readonly lwp: number;
}

/** Everything that was decided in a run. Plain data: it survives `JSON.stringify`. */
export interface Schedule {
  readonly switches: readonly Switch[];
  readonly choices: readonly Choice[];
  readonly expiries: readonly Expiry[];
}

/** Collects a schedule while a machine runs. */
export class ScheduleRecorder {
  readonly #switches: Switch[] = [];
  readonly #choices: Choice[] = [];
  readonly #expiries: Expiry[] = [];

  switched(step: number, to: Lwp): void {
    this.#switches.push({ step, to: to.id });
  }

  chose(step: number, site: string, taken: number): void {
    this.#choices.push({ step, site, taken });
  }

  expired(step: number, lwp: Lwp): void {
    this.#expiries.push({ step, lwp: lwp.id });
  }

  /** What was decided so far. */
  get schedule(): Schedule {
    return { switches: [...this.#switches], choices: [...this.#choices], expiries: [...this.#expiries] };
  }
}

/** A schedule was recorded on another program, kernel or configuration than the one it is replayed on. */
export class ScheduleMismatch extends Error {
  override readonly name = 'ScheduleMismatch';

  constructor(difference: string) {
    super(`${difference}: it was recorded on another program, kernel or configuration`);
  }
}

/** Repeats a recorded schedule, step for step. */
export class Replay implements Strategy {
  readonly name = 'replay';
  readonly preemptive = true;
  readonly #schedule: Schedule;
  #switch = 0;
  #choice = 0;
  #expiry = 0;

  constructor(schedule: Schedule) {
    this.#schedule = schedule;
  }

  preempts(point: SchedulingPoint): boolean {
    const { switches, expiries } = this.#schedule;
    return isDue(switches[this.#switch], point) || isDue(expiries[this.#expiry], point);
  }

  pick(candidates: readonly Lwp[], usual: Lwp, point: SchedulingPoint): Lwp {
    const next = this.#schedule.switches[this.#switch];
    if (!isDue(next, point)) return usual;
    this.#switch++;
    const chosen = candidates.find((lwp) => lwp.id === next.to);
    if (chosen === undefined) {
      throw new ScheduleMismatch(
        `the schedule wants thread ${next.to} to run at step ${next.step}, but only ${candidates.map((lwp) => lwp.id).join(', ')} can`,
      );
    }
    return chosen;
  }

  choose(site: string, alternatives: number, point: SchedulingPoint): number {
    const next = this.#schedule.choices[this.#choice];
    if (!isDue(next, point)) return 0;
    this.#choice++;
    if (next.site !== site || next.taken >= alternatives) {
      throw new ScheduleMismatch(
        `the schedule has choice ${next.taken} of "${next.site}" at step ${next.step}, but the kernel asks for "${site}" ` +
          `with ${alternatives} ways`,
      );
    }
    return next.taken;
  }

  expire(sleepers: readonly Lwp[], point: SchedulingPoint): Lwp | null {
    const next = this.#schedule.expiries[this.#expiry];
    if (!isDue(next, point)) return null;
    this.#expiry++;
    const expired = sleepers.find((lwp) => lwp.id === next.lwp);
    if (expired === undefined) {
      throw new ScheduleMismatch(
        `the schedule has a timeout of thread ${next.lwp} fire at step ${next.step}, but it waits for none`,
      );
    }
    return expired;
  }
}

/** Whether a decision was taken at this step. => throws when its step has passed without the decision being asked for. */
function isDue<Decision extends { readonly step: number }>(next: Decision | undefined, point: SchedulingPoint): next is Decision {
  if (next === undefined || next.step > point.steps) return false;
  if (next.step < point.steps)
    throw new ScheduleMismatch(`the schedule decides something at step ${next.step}, where nothing was to be decided`);
  return true;
}
