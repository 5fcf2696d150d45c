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

/** A lock of one class was taken while one of another class was held. */
export interface LockOrder {
  readonly outer: string;
  readonly inner: string;
  /** Whether it was taken by a try: who tries does not wait, and takes part in no deadlock. */
  readonly byTry: boolean;
}

/** Watches the order in which locks are taken. */
export class Witness {
  readonly #enabled: boolean;
  readonly #stacks: boolean;
  readonly #classes: LockClass[] = [];
  /** For each pair of class numbers that was seen nested, the stack of the first time. */
  readonly #orders = new Map<number, TakenStack>();
  /** What was found, in order. */
  readonly reversals: LockOrderReversal[] = [];
  /** All orders that were seen, each once. */
  readonly orders: LockOrder[] = [];
  readonly #tried = new Set<number>();

  /** @param options.stacks whether stacks are taken, which costs more than all the rest. Default true. */
  constructor(options: { enabled: boolean; stacks?: boolean }) {
    this.#enabled = options.enabled;
    this.#stacks = options.stacks !== false;
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

  /** A thread that holds `held` (the new lock last) has just got a lock by a try. That says nothing against any order. */
  tried(held: readonly Lock[], lock: Lock): void {
    if (!this.#enabled) return;
    for (let i = 0; i < held.length - 1; i++) {
      const outer = (held[i] as Lock).lockClass;
      const inner = lock.lockClass;
      if (this.#tried.has(edge(outer, inner))) continue;
      this.#tried.add(edge(outer, inner));
      if (outer !== inner || !outer.nests) this.orders.push({ outer: outer.name, inner: inner.name, byTry: true });
    }
  }

  /** The kernel functions, innermost first, in which a lock of `inner` was first taken while one of `outer` was held. */
  stackOf(outer: string, inner: string): readonly string[] {
    const [first, second] = [outer, inner].map((name) => this.#classes.find((each) => each.name === name));
    if (first === undefined || second === undefined) return [];
    return kernelFrames(this.#orders.get(edge(first, second)) ?? {});
  }

  #learn(outer: LockClass, inner: LockClass): void {
    const taken = this.#stacks ? takeStack() : NO_STACK;
    this.#orders.set(edge(outer, inner), taken);
    if (outer !== inner || !outer.nests) this.orders.push({ outer: outer.name, inner: inner.name, byTry: false });
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

const NO_STACK: TakenStack = {};

function edge(outer: LockClass, inner: LockClass): number {
  return outer.id * 4096 + inner.id;
}
