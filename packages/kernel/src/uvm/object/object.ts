/**
 * Memory objects: anything that has pages by offset. `struct uvm_object`, sys/uvm/uvm_object.h; the pager operations are those of
 * `struct uvm_pagerops`, sys/uvm/uvm_pager.h.
 */
import type { Errno } from '../../kern/errno.js';
import type { Mutex } from '../../kern/mutex.js';
import { SPARSE_TABLE_LIMIT, SparseTable } from '../../kern/sparse-table.js';
import type { Stateful, StateWriter } from '../../kern/state.js';
import type { Step } from '../../kern/switch.js';
import { asPfn, type ByteOffset, PAGE_SIZE, type Pfn } from '../../machine/address.js';
import type { Protection } from '../../machine/protection.js';
import type { FaultContext } from '../fault/fault-context.js';
import type { Uvm } from '../uvm.js';
import type { UbcWindow } from '../vnode/ubc-window.js';

/** Write dirty pages back. */
export const PGO_CLEANIT = 0x001;
/** Wait until the I/O is done. */
export const PGO_SYNCIO = 0x002;
/** Deactivate the pages. */
export const PGO_DEACTIVATE = 0x004;
/** Free the pages. */
export const PGO_FREE = 0x008;
/** The object stays locked, and nothing sleeps: give what is in memory. */
export const PGO_LOCKED = 0x040;
/** Answer EDEADLK instead of waiting for a busy page. */
export const PGO_BUSYFAIL = 0x080;
/** The caller overwrites the pages whole, so their old content need not be read. */
export const PGO_OVERWRITE = 0x200;
/** Pages beyond the end of the file are wanted, since the file is about to grow. */
export const PGO_PASTEOF = 0x400;

/** In an array of pages: not wanted here. */
export const PGO_DONTCARE = asPfn(-2);
/** In an array of pages: wanted, not there yet. */
export const PGO_WANTED_PAGE = asPfn(-1);

/** An array slot of a page request: a frame, `PGO_WANTED_PAGE` or `PGO_DONTCARE`. */
export type PageSlot = Pfn;

/** Whether a slot of a page request holds a page. */
export function isPage(slot: PageSlot): boolean {
  return slot >= 0;
}

/** What a pager is asked for. */
export interface GetRequest {
  /** Offset of the first slot, page aligned. */
  readonly offset: ByteOffset;
  /** In: which pages are wanted. Out: the pages, busy. */
  readonly slots: PageSlot[];
  /** The slot without which the request fails. */
  readonly center: number;
  /** What the pages are wanted for. */
  readonly access: Protection;
  /** `MADV_NORMAL`, `MADV_RANDOM` or `MADV_SEQUENTIAL`. */
  readonly advice: number;
  /** `PGO_*` */
  readonly flags: number;
}

/** A memory object. Each kind of pager is a subclass. */
export abstract class UvmObject implements Stateful {
  /** Unique among objects, never reused. */
  readonly id: number;
  /** `vmobjlock`: protects the pages and the reference count. Objects may share one. */
  readonly lock: Mutex;
  /** Page number -> frame + 1. `uo_npages` is its count. */
  readonly pages = new SparseTable({ slotBits: 6 });
  /** References: map entries and whoever else holds it. */
  references = 1;
  /** The kernel's windows onto it, by where they begin; null for none. `uo_ubc`. With the lock of the windows, which tell of it. */
  windows: Map<number, UbcWindow> | null = null;

  protected constructor(id: number, lock: Mutex) {
    this.id = id;
    this.lock = lock;
  }

  writeState(writer: StateWriter): void {
    writer.field('references', this.references);
    writer.thing('lock', this.lock);
    this.pages.forEachIn(0, SPARSE_TABLE_LIMIT, (index, value) => {
      writer.field('index', index);
      writer.frame('page', value - 1);
    });
  }

  /** Which pager it is: `vnode`. */
  abstract readonly pagerName: string;

  /** Which counter its pages count in, null for none. */
  abstract readonly counter: 'filepages' | 'execpages' | 'anonpages' | null;

  /** What it is called in listings: a file's name. */
  abstract readonly label: string;

  /** Whether a store to a page of it must fault once more when the page is clean, so that the pager learns of it. */
  abstract readonly needsWriteFault: boolean;

  /** Adds a reference. `pgo_reference`. => unlocked. */
  abstract reference(uvm: Uvm): Step<void>;

  /** Drops a reference; may do I/O. `pgo_detach`. => unlocked. */
  abstract detach(uvm: Uvm): Step<void>;

  /**
   * Brings pages in. `pgo_get`.
   *
   * => object locked. With `PGO_LOCKED` it stays so and nothing sleeps; without, it is unlocked on return.
   *
   * @returns 0; EBUSY when `PGO_LOCKED` and the centre page needs I/O; EINVAL beyond the end; EIO; EAGAIN to have it tried later
   */
  abstract get(uvm: Uvm, request: GetRequest): Step<Errno>;

  /**
   * Writes back, deactivates or frees the pages in [start, end), or from `start` on when `end` is 0. `pgo_put`.
   *
   * => object locked on entry, unlocked on return.
   */
  abstract put(uvm: Uvm, start: ByteOffset, end: ByteOffset, flags: number): Step<Errno>;

  /**
   * Resolves a fault in a way of its own, for an object without pages. `pgo_fault`.
   *
   * => map, amap and object locked; nothing locked on return.
   */
  fault?(uvm: Uvm, fault: FaultContext): Step<Errno>;

  /** Starts to bring in what is missing of a range, without waiting. */
  abstract readAhead(uvm: Uvm, offset: ByteOffset, length: number): void;

  /** The page at an offset, -1 when it is not in memory. => object locked, or looks only. Whoever acts on it asks `uvmPagelookup`. */
  lookup(offset: ByteOffset): Pfn {
    return asPfn(this.pages.get(offset / PAGE_SIZE) - 1);
  }
}
