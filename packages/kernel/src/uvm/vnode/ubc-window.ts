/**
 * Windows of the kernel's address space onto objects: the state of the unified buffer cache. `struct ubc_map` and `ubc_object`,
 * sys/uvm/uvm_bio.c. What is done with them is in `ubc.ts`.
 *
 *     kernel address      UBC_KVA       + 8 KiB        + 16 KiB
 *                        [ window 0 ]  [ window 1 ]   [ window 2 ] …        [lock: ubc_object]
 *                             │             │              │
 *     object            file A @ 0    file A @ 8 KiB   file B @ 40 KiB       uo_ubc: object.windows, by offset
 *
 *     in use (references > 0)  or on the inactive queue, the least recently used first: the next to be turned to another place
 */
import type { Mutex } from '../../kern/mutex.js';
import type { Stateful, StateWriter } from '../../kern/state.js';
import { asOffset, asVa, type ByteOffset, PAGE_SIZE, type Va } from '../../machine/address.js';
import type { PageSlot, UvmObject } from '../object/object.js';
import type { Uvm } from '../uvm.js';

/** Bytes in a window. `ubc_winsize` */
export const UBC_WINSIZE = 8192;
/** Windows that there are at most, unless told otherwise. `UBC_NWINS` */
export const UBC_NWINS = 1024;
/** Where the windows lie in the kernel's space. `ubc_object.kva` */
export const UBC_KVA = asVa(0x6000_0000_0000);

/** How many pages the kernel has mapped in its windows. */
export function mappedInWindows({ machine, ubc }: Uvm): number {
  let mapped = 0;
  const first = UBC_KVA / PAGE_SIZE;
  machine.kernelPmap.table.forEachIn(first, first + (ubc.limit * UBC_WINSIZE) / PAGE_SIZE, () => {
    mapped++;
  });
  return mapped;
}

/** A window. `struct ubc_map`. All of it with the lock of the windows, or while one has a reference, as said. */
export class UbcWindow implements Stateful {
  readonly index: number;
  /** What it shows, null for nothing. Does not change while there is a reference. */
  object: UvmObject | null = null;
  /** Where in the object it begins. Does not change while there is a reference. */
  offset: ByteOffset = asOffset(0);
  /** What may be written through it: the beginning, from the start of the window. Whoever writes has the file to itself. */
  writeOffset = 0;
  /** … and the length; 0 for nothing. */
  writeLength = 0;
  /** Who uses it now. */
  references = 0;
  /** Whether the kernel may have mappings in it although nobody uses it. `UMAP_MAPPING_CACHED` */
  mappingCached = false;
  /** How who took it last reads: `MADV_*`. */
  advice = 0;
  /** Pages that are held busy while it is used, none as a rule. `UMAP_PAGES_LOCKED` */
  busyPages: PageSlot[] = [];
  /** Neighbours on the inactive queue. */
  next: UbcWindow | null = null;
  previous: UbcWindow | null = null;

  constructor(index: number) {
    this.index = index;
  }

  /** Its first address. `UBC_UMAP_ADDR` */
  get address(): Va {
    return asVa(UBC_KVA + this.index * UBC_WINSIZE);
  }

  writeState(writer: StateWriter): void {
    writer.field('index', this.index);
    writer.reference('object', this.object);
    writer.field('offset', this.offset);
    writer.field('writeOffset', this.writeOffset);
    writer.field('writeLength', this.writeLength);
    writer.field('references', this.references);
    writer.field('mappingCached', this.mappingCached);
    writer.field('advice', this.references > 0 ? this.advice : 0);
    for (const page of this.busyPages) writer.frame('busy', page);
  }
}

/** All windows. `ubc_object` */
export class UbcObject implements Stateful {
  /** `ubc_object.uobj.vmobjlock` */
  readonly lock: Mutex;
  /** Those that have been used so far; the others are like new. */
  readonly windows: UbcWindow[] = [];
  /** How many there may be. `ubc_nwins` */
  readonly limit: number;
  /** How often a window was there already, had to be turned, was taken with its pages busy. `UBC_EVCNT_INCR`: statistics. */
  readonly events = { wincachehit: 0, wincachemiss: 0, faultbusy: 0 };
  #head: UbcWindow | null = null;
  #tail: UbcWindow | null = null;

  constructor(lock: Mutex, limit: number) {
    if (!Number.isInteger(limit) || limit < 1) {
      throw new RangeError(`there is a whole number of windows onto files from 1 up, not ${limit}`);
    }
    this.lock = lock;
    this.limit = limit;
  }

  /** The inactive queue, the least recently used window first. */
  get inactive(): UbcWindow[] {
    const listed: UbcWindow[] = [];
    for (let window = this.#head; window !== null && listed.length <= this.limit; window = window.next) listed.push(window);
    return listed;
  }

  /** The window to be turned to another place: one that shows nothing, a new one, or the least recently used; null for none. */
  candidate(): UbcWindow | null {
    if (this.#head?.object === null) return this.#head;
    if (this.windows.length === this.limit) return this.#head;
    const window = new UbcWindow(this.windows.length);
    this.windows.push(window);
    this.enqueueFirst(window);
    return window;
  }

  /** Puts a window on the inactive queue as the one used last. */
  enqueue(window: UbcWindow): void {
    window.previous = this.#tail;
    if (this.#tail === null) this.#head = window;
    else this.#tail.next = window;
    this.#tail = window;
  }

  /** Puts a window on the inactive queue as the first to be used for something else. */
  enqueueFirst(window: UbcWindow): void {
    window.next = this.#head;
    if (this.#head === null) this.#tail = window;
    else this.#head.previous = window;
    this.#head = window;
  }

  /** Takes a window off the inactive queue. */
  dequeue(window: UbcWindow): void {
    const { next, previous } = window;
    if (previous === null) this.#head = next;
    else previous.next = next;
    if (next === null) this.#tail = previous;
    else next.previous = previous;
    window.next = null;
    window.previous = null;
  }

  writeState(writer: StateWriter): void {
    writer.thing('lock', this.lock);
    for (const window of this.windows) writer.thing('window', window);
    for (const window of this.inactive) writer.reference('inactive', window);
  }
}
