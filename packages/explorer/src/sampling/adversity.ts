/**
 * What the environment does otherwise than usual in an execution: a few faults, planned ahead. Which of the choices of the environment
 * go another way, and which timeouts fire early, is drawn uniformly from as many as earlier executions have met.
 */
import type { Lwp, SeededRandom } from '@faultline/kernel';

/** How often the environment was asked, at most, in the executions so far. */
export interface Occasions {
  /** Choices with another way than the ordinary one. */
  choices: number;
  /** Steps at which a timeout could have fired early. */
  timeouts: number;
}

/** The faults of one execution. */
export class Adversity {
  readonly #random: SeededRandom;
  readonly #occasions: Occasions;
  readonly #choicesToFail = new Set<number>();
  readonly #timeoutsToFire = new Set<number>();
  #choices = 0;
  #timeouts = 0;
  /** What `firesNow` has said of this step, null when it was not asked. */
  #firing: boolean | null = null;

  /**
   * @param faults how many there are at most; each number of them is as likely
   * @param occasions of earlier executions; updated by this one
   */
  constructor(random: SeededRandom, faults: number, occasions: Occasions) {
    this.#random = random;
    this.#occasions = occasions;
    const kinds = [
      { occasions: occasions.choices, planned: this.#choicesToFail },
      { occasions: occasions.timeouts, planned: this.#timeoutsToFire },
    ].filter((kind) => kind.occasions > 0);
    for (let left = random.below(faults + 1); left > 0 && kinds.length > 0; left--) {
      const kind = kinds[random.below(kinds.length)];
      kind?.planned.add(1 + random.below(kind.occasions));
    }
  }

  /** Which way the environment goes. */
  choose(alternatives: number): number {
    if (alternatives < 2) return 0;
    this.#choices++;
    if (this.#choices > this.#occasions.choices) this.#occasions.choices = this.#choices;
    return this.#choicesToFail.has(this.#choices) ? 1 + this.#random.below(alternatives - 1) : 0;
  }

  /** Whether a timeout fires before the next step. To be followed by `expire` if so. */
  firesNow(lwps: readonly Lwp[]): boolean {
    if (!lwps.some(sleepsForATime)) return false;
    this.#firing = this.#nextTimeout();
    return this.#firing;
  }

  /** Which of the sleepers' timeouts fires. */
  expire(sleepers: readonly Lwp[]): Lwp | null {
    const firing = this.#firing ?? (sleepers.length > 0 && this.#nextTimeout());
    this.#firing = null;
    return firing ? (sleepers[this.#random.below(sleepers.length)] ?? null) : null;
  }

  #nextTimeout(): boolean {
    this.#timeouts++;
    if (this.#timeouts > this.#occasions.timeouts) this.#occasions.timeouts = this.#timeouts;
    return this.#timeoutsToFire.has(this.#timeouts);
  }
}

function sleepsForATime(lwp: Lwp): boolean {
  return lwp.channel !== null && lwp.deadline > 0;
}
