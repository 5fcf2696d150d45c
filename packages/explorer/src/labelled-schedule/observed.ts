/** Looking on while another strategy decides. */
import type { Lwp, SchedulingPoint, Strategy } from '@faultline/kernel';

/** Told what goes on in an execution. */
export interface Observer {
  /** A step is about to be taken, or a thread to be chosen; may be told several times of one step. */
  looks(point: SchedulingPoint): void;
  /** Another thread goes on than the one that run-to-block would take. */
  switched?(to: Lwp, point: SchedulingPoint): void;
  /** The environment was asked, and goes way `taken`. */
  chose?(site: string, taken: number, point: SchedulingPoint): void;
  /** The timeout of a thread fires. */
  expired?(lwp: Lwp, point: SchedulingPoint): void;
}

/** Leaves every decision to another strategy, and has an observer told of every step. */
export class ObservedStrategy implements Strategy {
  readonly name: string;
  readonly preemptive = true;
  readonly everyStep = true;
  readonly endsAtRings: boolean;
  readonly #inner: Strategy;
  readonly #observer: Observer;

  constructor(inner: Strategy, observer: Observer) {
    this.name = inner.name;
    this.endsAtRings = inner.endsAtRings !== false;
    this.#inner = inner;
    this.#observer = observer;
  }

  preempts(point: SchedulingPoint): boolean {
    this.#observer.looks(point);
    return this.#inner.preempts(point);
  }

  expire(sleepers: readonly Lwp[], point: SchedulingPoint): Lwp | null {
    this.#observer.looks(point);
    const expired = this.#inner.expire?.(sleepers, point) ?? null;
    if (expired !== null) this.#observer.expired?.(expired, point);
    return expired;
  }

  pick(candidates: readonly Lwp[], usual: Lwp, point: SchedulingPoint): Lwp {
    this.#observer.looks(point);
    const chosen = this.#inner.pick(candidates, usual, point);
    if (chosen !== usual) this.#observer.switched?.(chosen, point);
    return chosen;
  }

  choose(site: string, alternatives: number, point: SchedulingPoint): number {
    const taken = this.#inner.choose(site, alternatives, point);
    this.#observer.chose?.(site, taken, point);
    return taken;
  }
}
