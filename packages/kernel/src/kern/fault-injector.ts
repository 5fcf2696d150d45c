/**
 * Faults on order: a strategy around another one, which makes the n-th choice of the environment that a thread meets go wrong.
 *
 *     choose('page.alloc')   choose('amap.alloc')   choose('page.alloc')
 *            0                       0                      1            armed for the third
 *
 * What goes wrong is an ordinary choice: the scheduler records it, and a replay of the schedule repeats it.
 */
import type { Lwp } from './lwp.js';
import type { Stateful, StateWriter } from './state.js';
import type { SchedulingPoint, Strategy } from './strategy.js';

/** What became of an order. */
export interface FaultOutcome {
  /** Choices that were met while it stood. */
  readonly met: number;
  /** Whether one was made to go wrong. */
  readonly failed: boolean;
}

/** An order for a fault. */
interface Order {
  /** Which choice is to fail, from 1. */
  readonly nth: number;
  met: number;
  failed: boolean;
}

/** Leaves every decision to another strategy, but for the faults that were ordered. */
export class FaultInjector implements Strategy, Stateful {
  readonly name: string;
  readonly preemptive: boolean;
  readonly everyStep: boolean;
  readonly endsAtRings: boolean;
  /** Absent where the other strategy has none: the scheduler looks for sleepers only if somebody asks. */
  readonly expire?: NonNullable<Strategy['expire']>;
  readonly #inner: Strategy;
  readonly #orders = new Map<Lwp, Order>();

  constructor(inner: Strategy) {
    this.#inner = inner;
    this.name = inner.name;
    this.preemptive = inner.preemptive;
    this.everyStep = inner.everyStep === true;
    this.endsAtRings = inner.endsAtRings !== false;
    if (inner.expire !== undefined) this.expire = inner.expire.bind(inner);
  }

  /**
   * Orders a fault: of the choices that a thread meets from now on, the n-th takes the first way that is not the ordinary one.
   *
   * => the choices of the kernel's own threads count too: in them the I/O completes that the thread waits for.
   *
   * @param nth which one, from 1
   */
  arm(lwp: Lwp, nth: number): void {
    if (!Number.isSafeInteger(nth) || nth < 1) {
      throw new RangeError(`a fault is ordered for a choice that is counted from 1 up, not ${nth}`);
    }
    this.#orders.set(lwp, { nth, met: 0, failed: false });
  }

  /** Takes a thread's order back, and answers what became of it. */
  disarm(lwp: Lwp): FaultOutcome {
    const { met, failed } = this.#orders.get(lwp) ?? { met: 0, failed: false };
    this.#orders.delete(lwp);
    return { met, failed };
  }

  /** Tells of the faults that are still to come. */
  writeState(writer: StateWriter): void {
    for (const [lwp, order] of [...this.#orders].sort(([a], [b]) => a.id - b.id)) {
      if (order.failed) continue;
      writer.reference('lwp', lwp);
      writer.field('choicesLeft', order.nth - order.met);
    }
  }

  preempts(point: SchedulingPoint): boolean {
    return this.#inner.preempts(point);
  }

  pick(candidates: readonly Lwp[], usual: Lwp, point: SchedulingPoint): Lwp {
    return this.#inner.pick(candidates, usual, point);
  }

  choose(site: string, alternatives: number, point: SchedulingPoint): number {
    // Asked in any case: a replay has the choice in its schedule, and a random strategy goes on in its stream.
    const taken = this.#inner.choose(site, alternatives, point);
    if (this.#orders.size === 0) return taken;
    const { current } = point;
    let fails = false;
    for (const [lwp, order] of this.#orders) {
      if (lwp !== current && !current.transient) continue;
      order.met++;
      if (order.met !== order.nth) continue;
      order.failed = true;
      fails = true;
    }
    return fails && taken === 0 ? 1 : taken;
  }
}
