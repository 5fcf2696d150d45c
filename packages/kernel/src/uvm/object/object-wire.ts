/** Wiring the pages of an object, whoever maps them. sys/uvm/uvm_object.c. */
import { ENOMEM, ERESTART, type Errno } from '../../kern/errno.js';
import type { Step } from '../../kern/switch.js';
import { asOffset, type ByteOffset, PAGE_SIZE, type Pfn } from '../../machine/address.js';
import { PROT_READ, PROT_WRITE } from '../../machine/protection.js';
import { MADV_SEQUENTIAL } from '../../vm/mman.js';
import { NO_PAGE, PG_CLEAN, PG_RELEASED } from '../page/page-array.js';
import type { Uvm } from '../uvm.js';
import { UvmAobj } from './aobj.js';
import { type PageSlot, PGO_SYNCIO, PGO_WANTED_PAGE, type UvmObject } from './object.js';

/** So many pages are brought in at once. `FETCH_PAGECOUNT` */
const FETCH_PAGES = 16;

/** A range of an object whose pages are wired once for the object itself; what the audit knows of it. */
export interface ObjectWiring {
  readonly object: UvmObject;
  readonly start: ByteOffset;
  readonly end: ByteOffset;
}

/** Brings the pages of a range in, and wires them. `uvm_obj_wirepages()`. => object unlocked. @returns 0, or the error of the first that could not be had */
export function* uvmObjWirepages(this: Uvm, object: UvmObject, start: ByteOffset, end: ByteOffset): Step<Errno> {
  for (let offset: number = start; offset < end; ) {
    const count = Math.min(FETCH_PAGES, (end - offset) / PAGE_SIZE);
    const errno = yield* this.uvmObjWireSome(object, asOffset(offset), count);
    if (errno === ERESTART) continue;
    if (errno !== 0) {
      yield* this.uvmObjUnwireSome(object, start, asOffset(offset));
      return errno;
    }
    offset += count * PAGE_SIZE;
  }
  this.objectWirings = [...this.objectWirings, { object, start, end }];
  return 0;
}

/** Wires some pages. The loop of `uvm_obj_wirepages()`. => object unlocked. @returns 0, an errno, or ERESTART when there may be memory now */
export function* uvmObjWireSome(this: Uvm, object: UvmObject, offset: ByteOffset, count: number): Step<Errno> {
  const { pages } = this;
  const slots: PageSlot[] = Array.from({ length: count }, () => PGO_WANTED_PAGE);
  const request = {
    offset,
    slots,
    center: 0,
    access: PROT_READ | PROT_WRITE,
    advice: MADV_SEQUENTIAL,
    flags: PGO_SYNCIO,
  };
  yield* object.lock.enter();
  const errno = yield* object.get(this, request);
  if (errno !== 0) return errno;
  yield* object.lock.enter();
  for (let i = 0; i < count; i++) {
    const page = slots[i] ?? NO_PAGE;
    this.kern.kassert((pages.flags(page) & PG_RELEASED) === 0, '!(pgs[i]->flags & PG_RELEASED)');
    const usable = pages.loanCount(page) === 0 ? page : yield* this.uvmLoanbreak(page);
    if (usable === NO_PAGE) {
      // There is no memory to copy it to.
      const hopeless = !this.uvmReclaimable();
      yield* this.uaoRelPages(slots);
      yield* object.lock.exit();
      if (hopeless) return ENOMEM;
      yield* this.uvmWait('uobjwirepg');
      return ERESTART;
    }
    slots[i] = usable;
  }
  for (const [i, page] of slots.entries()) {
    if (!(object instanceof UvmAobj)) continue;
    // What is wired is never read from there again. NetBSD takes the slot of another page: docs/decisions/0006-departures.md.
    pages.clearFlags(page, PG_CLEAN);
    this.uaoDropswap(object, offset / PAGE_SIZE + i);
  }
  yield* this.pageqLock.enter();
  for (const page of slots) this.uvmPagewire(page);
  yield* this.pageqLock.exit();
  yield* this.uvmPageUnbusy(slots);
  yield* object.lock.exit();
  return 0;
}

/** Unwires the pages of a range that was wired. `uvm_obj_unwirepages()`. => object unlocked */
export function* uvmObjUnwirepages(this: Uvm, object: UvmObject, start: ByteOffset, end: ByteOffset): Step<void> {
  const at = this.objectWirings.findIndex((wiring) => wiring.object === object && wiring.start === start && wiring.end === end);
  this.objectWirings = this.objectWirings.filter((_, i) => i !== at);
  yield* this.uvmObjUnwireSome(object, start, end);
}

/** Unwires pages. The body of `uvm_obj_unwirepages()`. => object unlocked */
export function* uvmObjUnwireSome(this: Uvm, object: UvmObject, start: ByteOffset, end: ByteOffset): Step<void> {
  yield* object.lock.enter();
  yield* this.pageqLock.enter();
  for (let offset: number = start; offset < end; offset += PAGE_SIZE) {
    const page = this.uvmPagelookup(object, asOffset(offset));
    this.kern.kassert(page !== NO_PAGE, 'pg != NULL');
    this.kern.kassert((this.pages.flags(page) & PG_RELEASED) === 0, '!(pg->flags & PG_RELEASED)');
    this.uvmPageunwire(page);
  }
  yield* this.pageqLock.exit();
  yield* object.lock.exit();
}

/** An object is gone, and with its pages their wirings. */
export function uvmObjForgetWirings(this: Uvm, object: UvmObject): void {
  this.objectWirings = this.objectWirings.filter((wiring) => wiring.object !== object);
}

/** How many wirings of a page are its object's own. Looks only. */
export function uvmObjWirings(this: Uvm, pfn: Pfn): number {
  const object = this.pages.uobject(pfn);
  const offset = this.pages.offset(pfn);
  return this.objectWirings.filter((wiring) => wiring.object === object && offset >= wiring.start && offset < wiring.end).length;
}
