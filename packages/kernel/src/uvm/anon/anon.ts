/** Anonymous pages. `struct vm_anon`, sys/uvm/uvm_anon.h. */
import type { Mutex } from '../../kern/mutex.js';
import type { Stateful, StateWriter } from '../../kern/state.js';
import type { Pfn } from '../../machine/address.js';
import { NO_PAGE } from '../page/page-array.js';

/**
 * One page of anonymous memory, which several amaps may share until one of them writes.
 *
 *     page without slot    it is in memory only
 *     page with slot       it is in memory, and was read from this slot or is being written to it
 *     slot only            it is on swap only
 *     page, references 0   nobody has it any more, but the page is busy in I/O: whoever has it busy frees both
 */
export class Anon implements Stateful {
  /** Unique among anons, never reused. */
  readonly id: number;
  /** The lock of the amaps that hold it, null while none does. */
  lock: Mutex | null = null;
  /** Amap slots that point here. */
  references = 1;
  /** The page, `NO_PAGE` when it is not in memory. */
  page: Pfn = NO_PAGE;
  /** Where on swap it is: a slot, 0 for none, `SWSLOT_BAD` when it was lost there. With its lock, or its page busy. `an_swslot`. */
  swapSlot = 0;

  constructor(id: number) {
    this.id = id;
  }

  writeState(writer: StateWriter): void {
    writer.field('references', this.references);
    writer.frame('page', this.page);
    writer.field('swapSlot', this.swapSlot);
    writer.reference('lock', this.lock);
  }
}
