/**
 * Pages that are no longer in memory, and are remembered for a while: who comes back soon should not have gone.
 *
 * NetBSD has a hash table of buckets that forget in turn (nonresident_*(), sys/uvm/uvm_pdpolicy_clockpro.c), and so takes one page for
 * another now and then, depending on where in memory its structures lie. Here each page is remembered by itself, in order.
 */
import type { StateWriter } from '../../kern/state.js';
import type { Anon } from '../anon/anon.js';
import type { UvmObject } from '../object/object.js';

/** Whose page it is. */
export type PageOwner = UvmObject | Anon;

/** A page that has gone. */
interface Gone {
  readonly owner: PageOwner;
  /** Which of its owner's pages. */
  readonly index: number;
  /** When it went, by the clock of whoever remembers it. */
  readonly at: number;
}

/** Pages that have gone, the one that went first first. */
export class NonresidentPages {
  readonly #order = new Set<Gone>();
  readonly #byOwner = new Map<PageOwner, Map<number, Gone>>();

  /** How many are remembered. */
  get size(): number {
    return this.#order.size;
  }

  /** When the first of them went, null when there are none. */
  get oldest(): number | null {
    for (const gone of this.#order) return gone.at;
    return null;
  }

  has(owner: PageOwner, index: number): boolean {
    return this.#byOwner.get(owner)?.has(index) === true;
  }

  /** Remembers a page that goes now. */
  add(owner: PageOwner, index: number, at: number): void {
    this.take(owner, index);
    const gone = { owner, index, at };
    this.#order.add(gone);
    const own = this.#byOwner.get(owner);
    if (own === undefined) this.#byOwner.set(owner, new Map([[index, gone]]));
    else own.set(index, gone);
  }

  /** Forgets a page that has come back; answers whether it was remembered. */
  take(owner: PageOwner, index: number): boolean {
    const gone = this.#byOwner.get(owner)?.get(index);
    if (gone === undefined) return false;
    this.#forget(gone);
    return true;
  }

  /** Forgets the one that went first. */
  dropOldest(): void {
    for (const gone of this.#order) {
      this.#forget(gone);
      return;
    }
  }

  #forget(gone: Gone): void {
    this.#order.delete(gone);
    const own = this.#byOwner.get(gone.owner);
    own?.delete(gone.index);
    if (own?.size === 0) this.#byOwner.delete(gone.owner);
  }

  /** Tells of all of them, and how long ago they went. */
  writeState(writer: StateWriter, now: number): void {
    for (const { owner, index, at } of this.#order) {
      writer.reference('owner', owner);
      writer.field('index', index);
      writer.field('age', now - at);
    }
  }
}
