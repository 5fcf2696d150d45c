/** Anonymous pages. `struct vm_anon`, sys/uvm/uvm_anon.h. */
import type { Mutex } from '../kern/mutex.js';
import type { Stateful, StateWriter } from '../kern/state.js';
import type { Pfn } from '../machine/address.js';
import { NO_PAGE } from './page-array.js';

/** One page of anonymous memory, which several amaps may share until one of them writes. */
export class Anon implements Stateful {
  /** Unique among anons, never reused. */
  readonly id: number;
  /** The lock of the amaps that hold it, null while none does. */
  lock: Mutex | null = null;
  /** Amap slots that point here. */
  references = 1;
  /** The page, `NO_PAGE` when it is not in memory. */
  page: Pfn = NO_PAGE;

  constructor(id: number) {
    this.id = id;
  }

  writeState(writer: StateWriter): void {
    writer.field('references', this.references);
    writer.frame('page', this.page);
    writer.reference('lock', this.lock);
  }
}
