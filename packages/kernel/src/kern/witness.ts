/**
 * The lock-order witness: learns in which order classes of locks nest, and reports a reversal with both stacks, as WITNESS does
 * in FreeBSD's sys/kern/subr_witness.c.
 *
 * A reversal is a warning, not a deadlock: whether it can deadlock is for an explorer to say.
 */
import type { Lock, LockClass } from './lock.js';
import { kernelFrames, type TakenStack, takeStack } from './stack.js';

/** Two classes are taken in both orders. */
export interface LockOrderReversal {
  /** The classes in the order in which they were nested first, from the outer to the inner; the last leads back to the first. */
  readonly classes: readonly string[];
  /** Kernel functions, innermost first, when `classes[0]` was first held while the next class was taken. */
  readonly firstStack: readonly string[];
  /** Kernel functions, innermost first, when the order was reversed. */
  readonly reverseStack: readonly string[];
}

/** Watches the order in which locks are taken. */
export class Witness {
  readonly #enabled: boolean;
  readonly #classes: LockClass[] = [];
  /** For each pair of class numbers that was seen nested, the stack of the first time. */
  readonly #orders = new Map<number, TakenStack>();
  /** What was found, in order. */
  readonly reversals: LockOrderReversal[] = [];

  constructor(options: { enabled: boolean }) {
    this.#enabled = options.enabled;
  }

  /** The class of that name; the same one each time. */
  lockClass(name: string, options: { nests?: boolean } = {}): LockClass {
    const known = this.#classes.find((candidate) => candidate.name === name);
    if (known !== undefined) return known;
    const created: LockClass = { id: this.#classes.length, name, nests: options.nests === true };
    this.#classes.push(created);
    return created;
  }

  /** A thread that holds `held` (the new lock last) has just taken a lock that it was ready to wait for. */
  acquired(held: readonly Lock[], lock: Lock): void {
    if (!this.#enabled) return;
    for (let i = 0; i < held.length - 1; i++) {
      const outer = (held[i] as Lock).lockClass;
      const inner = lock.lockClass;
      if (!this.#orders.has(edge(outer, inner))) this.#learn(outer, inner);
    }
  }

  #learn(outer: LockClass, inner: LockClass): void {
    const taken = takeStack();
    this.#orders.set(edge(outer, inner), taken);
    if (outer === inner) {
      if (outer.nests) return;
      const stack = kernelFrames(taken);
      this.reversals.push({ classes: [outer.name], firstStack: stack, reverseStack: stack });
      return;
    }
    const path = this.#path(inner, outer);
    if (path === null) return;
    const [first, second] = path as [LockClass, LockClass];
    this.reversals.push({
      classes: path.map((each) => each.name),
      firstStack: kernelFrames(this.#orders.get(edge(first, second)) ?? taken),
      reverseStack: kernelFrames(taken),
    });
  }

  /** How `from` was nested around `to` before, directly or through others. */
  #path(from: LockClass, to: LockClass, seen = new Set<LockClass>()): LockClass[] | null {
    seen.add(from);
    if (this.#orders.has(edge(from, to))) return [from, to];
    for (const via of this.#classes) {
      if (seen.has(via) || !this.#orders.has(edge(from, via))) continue;
      const rest = this.#path(via, to, seen);
      if (rest !== null) return [from, ...rest];
    }
    return null;
  }
}

function edge(outer: LockClass, inner: LockClass): number {
  return outer.id * 4096 + inner.id;
}
