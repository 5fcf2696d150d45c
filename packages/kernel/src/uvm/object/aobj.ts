/**
 * Anonymous objects: memory that exists apart from any file, to be shared. `struct uvm_aobj`, sys/uvm/uvm_aobj.c.
 *
 *     entry.object = aobj ─┬─ pages in memory, by offset
 *                          └─ swapSlots: index of a page -> slot    where it was read from, or is being written to; without a page,
 *                                                                   where it is
 *
 * A page that is in neither place has never been stored to, and reads as zeros.
 *
 * Whose they are: a segment of System V shared memory; a file of tmpfs, whose vnode has the same lock (`tmpfs-vnode.ts`). POSIX shared
 * memory is files of tmpfs.
 */
import type { Errno } from '../../kern/errno.js';
import type { Mutex } from '../../kern/mutex.js';
import { SparseTable } from '../../kern/sparse-table.js';
import type { StateWriter } from '../../kern/state.js';
import type { Step } from '../../kern/switch.js';
import { type ByteOffset, PAGE_SIZE, roundPage } from '../../machine/address.js';
import type { SharedMemory } from '../../vm/system.js';
import type { Uvm } from '../uvm.js';
import { type GetRequest, UvmObject } from './object.js';

/** Objects of up to so many pages have all their slots in one array. `UAO_SWHASH_THRESHOLD` */
const ARRAY_LIMIT = 64;
/** Binary logarithm of the slots of an array; and of a cluster, of which a larger object has as many as it uses. */
const ARRAY_BITS = 6;
const CLUSTER_BITS = 4;

/** An anonymous object. */
export class UvmAobj extends UvmObject implements SharedMemory {
  readonly pagerName = 'aobj';
  readonly counter = 'anonpages';
  readonly needsWriteFault = false;
  readonly label: string;
  /** Bytes in it, whole pages. `u_pages` */
  readonly size: number;
  /** Index of a page -> slot, as an unsigned number; absent for none. `u_swslots`, `u_swhash`. With the object's lock. */
  readonly swapSlots: SparseTable;

  constructor(id: number, lock: Mutex, size: number, label: string) {
    super(id, lock);
    this.size = roundPage(size);
    this.label = label;
    this.swapSlots = new SparseTable({ slotBits: this.size / PAGE_SIZE > ARRAY_LIMIT ? CLUSTER_BITS : ARRAY_BITS });
  }

  /** Pages of it that have a slot, or had one that was lost. */
  get slotCount(): number {
    return this.swapSlots.count;
  }

  override writeState(writer: StateWriter): void {
    super.writeState(writer);
    writer.field('size', this.size);
    this.swapSlots.forEachIn(0, this.size / PAGE_SIZE, (index, slot) => {
      writer.field('index', index);
      writer.field('swapSlot', slot | 0);
    });
  }

  reference(uvm: Uvm): Step<void> {
    return uvm.uaoReference(this);
  }

  detach(uvm: Uvm): Step<void> {
    return uvm.uaoDetach(this);
  }

  get(uvm: Uvm, request: GetRequest): Step<Errno> {
    return uvm.uaoGet(this, request);
  }

  put(uvm: Uvm, start: ByteOffset, end: ByteOffset, flags: number): Step<Errno> {
    return uvm.uaoPut(this, start, end, flags);
  }

  /** Nothing is read from anywhere but swap, which is read page by page as it is wanted. */
  readAhead(_uvm: Uvm, _offset: ByteOffset, _length: number): void {}
}
