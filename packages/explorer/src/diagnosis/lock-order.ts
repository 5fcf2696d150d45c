/**
 * What becomes of lock-order reversals. That two classes of locks are taken in both orders is a warning; whether it can deadlock is
 * something that an exploration knows.
 *
 *     confirmed   here is a schedule in which threads wait for each other at just these locks
 *     refuted     every interleaving was explored, and in none of them they do; or one of them only ever tries, and never waits
 *     open        no such schedule was found, but not everything was explored
 */
import type { LockOrder, Schedule } from '@faultline/kernel';
import type { Found } from '../failure.js';
import type { Model } from '../model.js';

/** An order in which locks were taken, and how to see it. */
export interface SeenOrder extends LockOrder {
  /** The first execution in which it was. */
  readonly schedule: Schedule;
}

/** A reversal, and what becomes of it. */
export interface LockOrderVerdict {
  /** The classes, each taken while the one before it was held, and the first while the last one was. One class: within itself. */
  readonly classes: readonly string[];
  readonly verdict: 'confirmed' | 'refuted' | 'open';
  /** For a refutation: that all was explored, or that at one of the orders nobody ever waits. */
  readonly because: 'deadlock' | 'explored' | 'never-waits' | 'unexplored';
  /** The orders that make up the reversal. */
  readonly orders: readonly SeenOrder[];
  /** The deadlock that confirms it, null when none does. */
  readonly deadlock: Found | null;
}

/** Takes down in which orders locks are taken, in all executions of a model. */
export class LockOrderWatch {
  readonly #seen = new Map<string, SeenOrder>();

  /** The orders seen so far, each once. */
  get orders(): readonly SeenOrder[] {
    return [...this.#seen.values()];
  }

  /** The same model, whose executions are looked at when they end. */
  watching(model: Model): Model {
    const boot: Model['boot'] = (strategy) => {
      const instance = model.boot(strategy);
      const run = instance.run.bind(instance);
      const { witness, scheduler } = instance.kern;
      instance.run = () => {
        try {
          run();
        } finally {
          this.note(witness.orders, () => scheduler.recorder.schedule);
        }
      };
      return instance;
    };
    return { ...model, boot };
  }

  /** Takes down orders; the schedule is asked for only if one of them is new. */
  note(orders: readonly LockOrder[], schedule: () => Schedule): void {
    for (const order of orders) {
      const name = nameOf(order);
      if (!this.#seen.has(name)) this.#seen.set(name, { ...order, schedule: schedule() });
    }
  }
}

/**
 * What becomes of each reversal among these orders.
 *
 * @param explored.found what was found, deadlocks among it
 * @param explored.exhausted whether every interleaving was explored
 */
export function lockOrderVerdicts(
  orders: readonly SeenOrder[],
  explored: { readonly found: readonly Found[]; readonly exhausted: boolean },
): LockOrderVerdict[] {
  return reversalsIn(orders).map((ring) => {
    const classes = ring.map(({ outer }) => outer);
    const name = [...classes].sort().join();
    const deadlock = explored.found.find(({ failure }) => failure.kind === 'deadlock' && failure.ring?.join() === name) ?? null;
    const because =
      deadlock !== null
        ? 'deadlock'
        : ring.some(({ byTry }) => byTry)
          ? 'never-waits'
          : explored.exhausted
            ? 'explored'
            : 'unexplored';
    const verdict = because === 'deadlock' ? 'confirmed' : because === 'unexplored' ? 'open' : 'refuted';
    return { classes, verdict, because, orders: ring, deadlock };
  });
}

/** The shortest rings of orders, each once. An order that is also kept by waiting counts as that. */
function reversalsIn(orders: readonly SeenOrder[]): SeenOrder[][] {
  const waits = new Set(orders.filter(({ byTry }) => !byTry).map(({ outer, inner }) => `${outer} ${inner}`));
  const all = orders.filter(({ outer, inner, byTry }) => !byTry || !waits.has(`${outer} ${inner}`));
  // Those that can deadlock first: of two rings of the same classes the one in which everybody waits is the one to tell of.
  all.sort((a, b) => Number(a.byTry) - Number(b.byTry));
  const found = new Map<string, SeenOrder[]>();
  for (const order of all) {
    const ring = order.outer === order.inner ? [order] : ringFrom(all, order);
    if (ring === null) continue;
    const name = ring
      .map(({ outer }) => outer)
      .sort()
      .join();
    if (!found.has(name)) found.set(name, ring);
  }
  return [...found.values()];
}

/** The shortest way back from the inner class of an order to its outer one, in front of it the order itself. */
function ringFrom(orders: readonly SeenOrder[], first: SeenOrder): SeenOrder[] | null {
  const reached = new Map<string, SeenOrder[]>([[first.inner, [first]]]);
  for (const [at, way] of reached) {
    if (at === first.outer) return way;
    for (const next of orders) {
      if (next.outer === at && !reached.has(next.inner)) reached.set(next.inner, [...way, next]);
    }
  }
  return null;
}

function nameOf({ outer, inner, byTry }: LockOrder): string {
  return `${outer}\n${inner}\n${byTry}`;
}
