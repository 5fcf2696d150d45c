/** Victims that are written to swap in one go. `struct swapcluster`, sys/uvm/uvm_pdaemon.c. */
import type { Pfn } from '../../machine/address.js';
import type { SwapSlots } from '../swap/swap.js';

/** Pages that will lie one behind the other on swap. */
export class Swapcluster {
  /** Pages in a cluster at most. `MAXPHYS` / page size. */
  static readonly MOST = 16;

  /** The slots, null before the first page. */
  slots: SwapSlots | null = null;
  /** The pages, busy, in the order of their slots. */
  pages: Pfn[] = [];

  /** How many pages it has. */
  get used(): number {
    return this.pages.length;
  }

  /** Adds a page, which has the next of the slots. */
  add(page: Pfn): void {
    this.pages.push(page);
  }

  /** Begins anew. What was in it is the caller's. */
  empty(): void {
    this.slots = null;
    this.pages = [];
  }
}
