/**
 * The state of each page frame, in columns (decision D3). `struct vm_page`, sys/uvm/uvm_page.h. A page is its frame number.
 *
 *     column      type          meaning                                                protected by
 *     flags       Uint16        PG_*                                                   owner's lock
 *     pqflags     Uint16        PQ_*                                                   page queue lock
 *     wireCount   Uint16 | 32   how often it is wired; wraps at the width booted with  owner's and page queue lock
 *     loanCount   Uint16 | 32   how often it is on loan                                owner's and page queue lock
 *     offset      Float64       byte offset in the object that owns it                 owner's lock
 *     uobject     object        object that owns it, null for none                     owner's and page queue lock
 *     uanon       object        anon that owns it, null for none                       owner's and page queue lock
 *     next, prev  Int32         neighbours on the free list or a paging queue          lock of that list
 *
 *     2 + 2 + 4 + 4 + 8 + 8 + 8 + 8 = 44 bytes a frame, and 5 in the machine's reverse map: of 64 that the design allows.
 *
 *    read     pages.flags(pfn) & PG_BUSY
 *    set      pages.setFlags(pfn, PG_BUSY)
 *    clear    pages.clearFlags(pfn, PG_BUSY)
 */
import { asOffset, asPfn, type ByteOffset, FIRST_FRAME, type Pfn } from '../../machine/address.js';
import type { Anon } from '../anon/anon.js';
import type { UvmObject } from '../object/object.js';

/** Someone owns the page across a sleep; nobody else may touch it. */
export const PG_BUSY = 0x0001;
/** Someone sleeps until it is no longer busy. */
export const PG_WANTED = 0x0002;
/** It is in its object's table. */
export const PG_TABLED = 0x0004;
/** It has not been changed since it was read or written back, as far as software knows. */
export const PG_CLEAN = 0x0008;
/** It is to be freed once it has been paged out. */
export const PG_PAGEOUT = 0x0010;
/** It is to be freed once it is no longer busy. */
export const PG_RELEASED = 0x0020;
/** Its content is not valid yet. */
export const PG_FAKE = 0x0040;
/** It must not be mapped writable: it stands for a hole in a file. */
export const PG_RDONLY = 0x0080;
/** It is free, and known to hold zeros. Pages are zeroed only when they are allocated here, so none has it. */
export const PG_ZERO = 0x0100;

/** It is on the free list. */
export const PQ_FREE = 0x0001;
/** It belongs to an anon. */
export const PQ_ANON = 0x0002;
/** It belongs to an anonymous object. */
export const PQ_AOBJ = 0x0004;
/** It was read ahead and not used yet. */
export const PQ_READAHEAD = 0x0008;
/** It is on the active queue. `PQ_PRIVATE` of the clock policy. */
export const PQ_ACTIVE = 0x0100;
/** It is on the inactive queue. `PQ_PRIVATE` of the clock policy. */
export const PQ_INACTIVE = 0x0200;

/** `uvmPagealloc`: may use the last pages, which are kept for the kernel. */
export const UVM_PGA_USERESERVE = 1;
/** `uvmPagealloc`: the page is to be filled with zeros. */
export const UVM_PGA_ZERO = 2;

/** No page: the end of a list. */
export const NO_PAGE = asPfn(-1);

/** Bits of a wire or loan counter: 16 until 2019, 32 since. */
export type CounterWidth = 16 | 32;

/** The columns. */
export class PageArray {
  readonly length: number;
  readonly #flags: Uint16Array;
  readonly #pqflags: Uint16Array;
  readonly #wireCount: Uint16Array | Uint32Array;
  readonly #loanCount: Uint16Array | Uint32Array;
  readonly #offset: Float64Array;
  readonly #uobject: (UvmObject | null)[];
  readonly #uanon: (Anon | null)[];
  readonly #next: Int32Array;
  readonly #prev: Int32Array;

  constructor(length: number, options: { counterWidth: CounterWidth }) {
    if (options.counterWidth !== 16 && options.counterWidth !== 32) {
      throw new RangeError(`the counters of a page have 16 or 32 bits, not ${options.counterWidth}`);
    }
    this.length = length;
    this.#flags = new Uint16Array(length);
    this.#pqflags = new Uint16Array(length);
    this.#wireCount = options.counterWidth === 16 ? new Uint16Array(length) : new Uint32Array(length);
    this.#loanCount = options.counterWidth === 16 ? new Uint16Array(length) : new Uint32Array(length);
    this.#offset = new Float64Array(length);
    this.#uobject = new Array<UvmObject | null>(length).fill(null);
    this.#uanon = new Array<Anon | null>(length).fill(null);
    this.#next = new Int32Array(length).fill(NO_PAGE);
    this.#prev = new Int32Array(length).fill(NO_PAGE);
  }

  /** The first frame there is. */
  get first(): Pfn {
    return FIRST_FRAME;
  }

  /** The first frame that there is not. */
  get end(): Pfn {
    return asPfn(FIRST_FRAME + this.length);
  }

  flags(pfn: Pfn): number {
    return this.#flags[pfn - FIRST_FRAME] as number;
  }

  /** Replaces all flags. */
  putFlags(pfn: Pfn, flags: number): void {
    this.#flags[pfn - FIRST_FRAME] = flags;
  }

  setFlags(pfn: Pfn, flags: number): void {
    this.#flags[pfn - FIRST_FRAME] = (this.#flags[pfn - FIRST_FRAME] as number) | flags;
  }

  clearFlags(pfn: Pfn, flags: number): void {
    this.#flags[pfn - FIRST_FRAME] = (this.#flags[pfn - FIRST_FRAME] as number) & ~flags;
  }

  pqflags(pfn: Pfn): number {
    return this.#pqflags[pfn - FIRST_FRAME] as number;
  }

  setPqflags(pfn: Pfn, flags: number): void {
    this.#pqflags[pfn - FIRST_FRAME] = (this.#pqflags[pfn - FIRST_FRAME] as number) | flags;
  }

  clearPqflags(pfn: Pfn, flags: number): void {
    this.#pqflags[pfn - FIRST_FRAME] = (this.#pqflags[pfn - FIRST_FRAME] as number) & ~flags;
  }

  wireCount(pfn: Pfn): number {
    return this.#wireCount[pfn - FIRST_FRAME] as number;
  }

  /** Stores a wire count, which wraps at the width of the counter. */
  setWireCount(pfn: Pfn, count: number): void {
    this.#wireCount[pfn - FIRST_FRAME] = count;
  }

  loanCount(pfn: Pfn): number {
    return this.#loanCount[pfn - FIRST_FRAME] as number;
  }

  /** Stores a loan count, which wraps at the width of the counter. */
  setLoanCount(pfn: Pfn, count: number): void {
    this.#loanCount[pfn - FIRST_FRAME] = count;
  }

  offset(pfn: Pfn): ByteOffset {
    return asOffset(this.#offset[pfn - FIRST_FRAME] as number);
  }

  uobject(pfn: Pfn): UvmObject | null {
    return this.#uobject[pfn - FIRST_FRAME] ?? null;
  }

  uanon(pfn: Pfn): Anon | null {
    return this.#uanon[pfn - FIRST_FRAME] ?? null;
  }

  /** Says who owns a page. */
  setOwner(pfn: Pfn, uobject: UvmObject | null, uanon: Anon | null, offset: ByteOffset): void {
    this.#uobject[pfn - FIRST_FRAME] = uobject;
    this.#uanon[pfn - FIRST_FRAME] = uanon;
    this.#offset[pfn - FIRST_FRAME] = offset;
  }

  next(pfn: Pfn): Pfn {
    return asPfn(this.#next[pfn - FIRST_FRAME] as number);
  }

  setNext(pfn: Pfn, next: Pfn): void {
    this.#next[pfn - FIRST_FRAME] = next;
  }

  prev(pfn: Pfn): Pfn {
    return asPfn(this.#prev[pfn - FIRST_FRAME] as number);
  }

  setPrev(pfn: Pfn, prev: Pfn): void {
    this.#prev[pfn - FIRST_FRAME] = prev;
  }
}

/** A list of pages through the `next` and `prev` columns; a page is on one list at a time. `struct pglist`. */
export class PageList {
  readonly #pages: PageArray;
  #head: Pfn = NO_PAGE;
  #tail: Pfn = NO_PAGE;

  constructor(pages: PageArray) {
    this.#pages = pages;
  }

  /** The first page, `NO_PAGE` when the list is empty. */
  get head(): Pfn {
    return this.#head;
  }

  insertHead(pfn: Pfn): void {
    const pages = this.#pages;
    pages.setPrev(pfn, NO_PAGE);
    pages.setNext(pfn, this.#head);
    if (this.#head === NO_PAGE) this.#tail = pfn;
    else pages.setPrev(this.#head, pfn);
    this.#head = pfn;
  }

  insertTail(pfn: Pfn): void {
    const pages = this.#pages;
    pages.setNext(pfn, NO_PAGE);
    pages.setPrev(pfn, this.#tail);
    if (this.#tail === NO_PAGE) this.#head = pfn;
    else pages.setNext(this.#tail, pfn);
    this.#tail = pfn;
  }

  remove(pfn: Pfn): void {
    const pages = this.#pages;
    const next = pages.next(pfn);
    const prev = pages.prev(pfn);
    if (prev === NO_PAGE) this.#head = next;
    else pages.setNext(prev, next);
    if (next === NO_PAGE) this.#tail = prev;
    else pages.setPrev(next, prev);
    pages.setNext(pfn, NO_PAGE);
    pages.setPrev(pfn, NO_PAGE);
  }

  /** The pages from head to tail. Stops with an error when the links form a ring. */
  toArray(): Pfn[] {
    const listed: Pfn[] = [];
    for (let pfn = this.#head; pfn !== NO_PAGE; pfn = this.#pages.next(pfn)) {
      if (listed.length > this.#pages.length) throw new Error('the links of a page list form a ring');
      listed.push(pfn);
    }
    return listed;
  }
}
