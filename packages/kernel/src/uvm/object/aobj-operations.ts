/**
 * Anonymous objects: making and giving up, bringing pages in, freeing them. sys/uvm/uvm_aobj.c. The picture is in `aobj.ts`; what has
 * to do with swap slots is in `aobj-swap.ts`.
 *
 * Lock order: list of objects -> object -> page queues.
 */
import { EBUSY, EINVAL, ENOMEM, type Errno } from '../../kern/errno.js';
import { Mutex } from '../../kern/mutex.js';
import type { Step } from '../../kern/switch.js';
import { asOffset, type ByteOffset, PAGE_SIZE, type Pfn, roundPage, truncPage, type Va } from '../../machine/address.js';
import { PROT_NONE, PROT_WRITE, type Protection } from '../../machine/protection.js';
import { MADV_RANDOM, MAP_INHERIT_SHARE } from '../../vm/mman.js';
import { DEFAULT_ARGUMENTS, UVM_FLAG_FIXED } from '../map/map-arguments.js';
import type { VmMap } from '../map/vm-map.js';
import { NO_PAGE, PG_BUSY, PG_CLEAN, PG_FAKE, UVM_PGA_ZERO } from '../page/page-array.js';
import { SWSLOT_BAD } from '../swap/swap.js';
import type { Uvm } from '../uvm.js';
import { UvmAobj } from './aobj.js';
import {
  type GetRequest,
  isPage,
  type PageSlot,
  PGO_CLEANIT,
  PGO_DEACTIVATE,
  PGO_DONTCARE,
  PGO_FREE,
  PGO_LOCKED,
  PGO_WANTED_PAGE,
} from './object.js';

/** Makes an object of so many bytes, rounded up to pages; the caller has the first reference. `uao_create()`. => nothing locked */
export function* uaoCreate(this: Uvm, size: number, label: string): Step<UvmAobj> {
  const id = this.nextObjectId++;
  const aobj = new UvmAobj(id, new Mutex(this.kern, this.objectLockClass, String(id)), size, label);
  yield* this.aobjListLock.enter();
  this.aobjs.add(aobj);
  this.objects.add(aobj);
  yield* this.aobjListLock.exit();
  return aobj;
}

/** Maps all of an object, to be shared by children. Part of `sys_shmat()`, sys/kern/sysv_shm.c. => map and object unlocked. @returns the address, or minus ENOMEM */
export function* uaoAttach(
  this: Uvm,
  map: VmMap,
  aobj: UvmAobj,
  options: { at: Va; fixed: boolean; protection: Protection },
): Step<Va | number> {
  const { at, fixed, protection } = options;
  yield* this.uaoReference(aobj);
  const start = yield* this.uvmMap(map, {
    ...DEFAULT_ARGUMENTS,
    hint: at,
    size: aobj.size,
    object: aobj,
    protection,
    maxProtection: protection,
    inheritance: MAP_INHERIT_SHARE,
    advice: MADV_RANDOM,
    flags: fixed ? UVM_FLAG_FIXED : 0,
  });
  if (start < 0) yield* this.uaoDetach(aobj);
  return start;
}

/** Adds a reference. `uao_reference()`. => object unlocked */
export function* uaoReference(this: Uvm, aobj: UvmAobj): Step<void> {
  yield* aobj.lock.enter();
  this.kern.kassert(aobj.references > 0, 'uobj->uo_refs > 0');
  aobj.references++;
  yield* aobj.lock.exit();
}

/**
 * Drops a reference; with the last one, all that is in it goes. `uao_detach()`.
 *
 * => object unlocked, and gone on return. Sleeps for pages that are busy.
 * => whether it was the last is found with the list locked; NetBSD locks the list only then: docs/decisions/0006-departures.md.
 */
export function* uaoDetach(this: Uvm, aobj: UvmAobj): Step<void> {
  yield* this.aobjListLock.enter();
  yield* aobj.lock.enter();
  this.kern.kassert(aobj.references > 0, 'uobj->uo_refs > 0');
  aobj.references--;
  if (aobj.references > 0) {
    yield* aobj.lock.exit();
    yield* this.aobjListLock.exit();
    return;
  }
  this.aobjs.delete(aobj);
  yield* this.aobjListLock.exit();
  yield* this.uaoFree(aobj);
}

/** Frees the pages and slots of an object that is on no list any more. The end of `uao_detach()`, and `uao_free()`. => object locked */
export function* uaoFree(this: Uvm, aobj: UvmAobj): Step<void> {
  const end = aobj.size / PAGE_SIZE;
  for (let index = aobj.pages.next(0, end); index >= 0; index = aobj.pages.next(index, end)) {
    const page = aobj.lookup(asOffset(index * PAGE_SIZE));
    this.machine.pmapPageProtect(page, PROT_NONE);
    if (this.pages.flags(page) & PG_BUSY) {
      // It is being written to swap. Once that is over, it may be gone already.
      yield* this.uvmPageWait(page, aobj.lock, 'uao_det');
      yield* aobj.lock.enter();
      continue;
    }
    this.uaoDropswap(aobj, index);
    yield* this.uvmPageDiscard(page);
  }
  this.uaoDropswapRange(aobj, 0, end);
  yield* aobj.lock.exit();
  this.objects.delete(aobj);
  this.uvmObjForgetWirings(aobj);
}

/**
 * Brings pages in: those in memory, zeros for those that never were, the others from swap. `uao_get()`. => as `UvmObject.get`
 *
 * => takes pages busy in ascending order. May sleep for memory, for busy pages, and for swap.
 *
 * @returns 0; EINVAL behind the end, where NetBSD looks into memory that is not the object's; EIO when a page was lost on swap; ENOMEM
 *   when there is none and never will be, where NetBSD waits: docs/decisions/0006-departures.md
 */
export function* uaoGet(this: Uvm, aobj: UvmAobj, request: GetRequest): Step<Errno> {
  this.kern.kassert(aobj.lock.owned, 'mutex_owned(uobj->vmobjlock)');
  const { slots, center, flags } = request;
  const within = Math.min(slots.length, (aobj.size - request.offset) / PAGE_SIZE);
  if (center >= within) {
    if ((flags & PGO_LOCKED) === 0) yield* aobj.lock.exit();
    return EINVAL;
  }
  if (flags & PGO_LOCKED) return yield* this.uaoGetLocked(aobj, request, within);
  let errno: Errno = 0;
  for (let i = 0; i < within && errno === 0; i++) {
    if (slots[i] === PGO_WANTED_PAGE) errno = yield* this.uaoGetPage(aobj, request, i);
  }
  if (errno !== 0) {
    yield* this.uaoRelPages(slots);
    slots.fill(PGO_DONTCARE);
  }
  yield* aobj.lock.exit();
  return errno;
}

/** Gives up pages that are of no use without another one; they stay in memory, on a queue. Part of `uao_get()`. => object locked */
export function* uaoRelPages(this: Uvm, slots: readonly PageSlot[]): Step<void> {
  yield* this.pageqLock.enter();
  for (const slot of slots) if (isPage(slot)) this.uvmPageenqueue(slot);
  yield* this.pageqLock.exit();
  yield* this.uvmPageUnbusy(slots);
}

/** What is in memory and not busy, and zeros, without sleeping. Step 1 of `uao_get()`. => object locked, also on return */
export function* uaoGetLocked(this: Uvm, aobj: UvmAobj, request: GetRequest, within: number): Step<Errno> {
  const { pages } = this;
  const { slots } = request;
  for (let i = 0; i < within; i++) {
    if (slots[i] !== PGO_WANTED_PAGE) continue;
    const offset = asOffset(request.offset + i * PAGE_SIZE);
    let page = this.uvmPagelookup(aobj, offset);
    if (page !== NO_PAGE) {
      if (pages.flags(page) & PG_BUSY) continue;
      pages.setFlags(page, PG_BUSY);
      this.uvmPageOwn(page, 'uao_get1');
    } else if (this.uaoFindSwslot(aobj, offset / PAGE_SIZE) === 0) {
      page = yield* this.uvmPagealloc(aobj, offset, null, UVM_PGA_ZERO);
      if (page === NO_PAGE) continue;
      pages.clearFlags(page, PG_FAKE);
    } else {
      continue;
    }
    slots[i] = page;
  }
  return isPage(slots[request.center] ?? PGO_DONTCARE) ? 0 : EBUSY;
}

/**
 * Brings one page in, and has it busy. Step 2 of `uao_get()`.
 *
 * => object locked, also on return; unlocked while it sleeps.
 */
export function* uaoGetPage(this: Uvm, aobj: UvmAobj, request: GetRequest, i: number): Step<Errno> {
  const { pages } = this;
  const offset = asOffset(request.offset + i * PAGE_SIZE);
  for (;;) {
    const page = this.uvmPagelookup(aobj, offset);
    if (page === NO_PAGE) {
      const fresh = yield* this.uvmPagealloc(aobj, offset, null, 0);
      if (fresh !== NO_PAGE) {
        const errno = yield* this.uaoGetFill(aobj, fresh, request);
        if (errno === 0) request.slots[i] = fresh;
        return errno;
      }
      if (!this.uvmReclaimable()) return ENOMEM;
      yield* aobj.lock.exit();
      yield* this.uvmWait('uao_getpage');
      yield* aobj.lock.enter();
      continue;
    }
    if (pages.flags(page) & PG_BUSY) {
      yield* this.uvmPageWait(page, aobj.lock, 'uao_get');
      yield* aobj.lock.enter();
      continue;
    }
    pages.setFlags(page, PG_BUSY);
    this.uvmPageOwn(page, 'uao_get2');
    request.slots[i] = page;
    return 0;
  }
}

/**
 * Fills a new page, from swap or with zeros. Part of `uao_get()`.
 *
 * => object locked, also on return, page busy; unlocked during I/O. On an error the page is freed, and its slot never used again.
 */
export function* uaoGetFill(this: Uvm, aobj: UvmAobj, page: Pfn, request: GetRequest): Step<Errno> {
  const { machine, pages } = this;
  const index = pages.offset(page) / PAGE_SIZE;
  const slot = this.uaoFindSwslot(aobj, index);
  if (slot === 0) {
    machine.ram.zero(page);
    pages.clearFlags(page, PG_CLEAN);
  } else {
    yield* aobj.lock.exit();
    this.uvmexp.pageins++;
    const errno = yield* this.uvmSwapGet(page, slot);
    yield* aobj.lock.enter();
    if (errno !== 0) {
      const old = this.uaoSetSwslot(aobj, index, SWSLOT_BAD);
      if (old > 0) this.uvmSwapMarkbad(old, 1);
      yield* this.pageqLock.enter();
      yield* this.uvmPagefree(page);
      yield* this.pageqLock.exit();
      return errno;
    }
  }
  if ((request.access & PROT_WRITE) === 0) {
    pages.setFlags(page, PG_CLEAN);
    machine.pmapClearModify(page);
  }
  pages.clearFlags(page, PG_FAKE);
  return 0;
}

/**
 * Deactivates or frees the pages of a range. `uao_put()`. => object locked on entry, unlocked on return.
 *
 * => there is nowhere to write them to. Only those of an object that nobody else has are freed, and with them their slots.
 * => a busy page is waited for, but not to be deactivated.
 *
 * @param end where to stop, 0 for the end of the object
 */
export function* uaoPut(this: Uvm, aobj: UvmAobj, start: ByteOffset, end: ByteOffset, flags: number): Step<Errno> {
  this.kern.kassert(aobj.lock.owned, 'mutex_owned(uobj->vmobjlock)');
  const first = truncPage(start) / PAGE_SIZE;
  const last = (end === 0 ? aobj.size : Math.min(roundPage(end), aobj.size)) / PAGE_SIZE;
  if (flags & (PGO_DEACTIVATE | PGO_FREE)) {
    const what = flags & (PGO_CLEANIT | PGO_FREE | PGO_DEACTIVATE);
    for (let index = aobj.pages.next(first, last); index >= 0; ) {
      index = aobj.pages.next(yield* this.uaoPutPage(aobj, index, what), last);
    }
  }
  yield* aobj.lock.exit();
  return 0;
}

/** One page of `uao_put()`. => object locked; unlocked while it sleeps. @returns where to go on */
export function* uaoPutPage(this: Uvm, aobj: UvmAobj, index: number, what: number): Step<number> {
  const page = this.uvmPagelookup(aobj, asOffset(index * PAGE_SIZE));
  if (this.pages.flags(page) & PG_BUSY) {
    // As `genfsPutpages` does it: docs/decisions/0006-departures.md.
    if ((what & PGO_FREE) === 0) return index + 1;
    yield* this.uvmPageWait(page, aobj.lock, 'uao_put');
    yield* aobj.lock.enter();
    return index;
  }
  if (what === PGO_FREE && aobj.references === 1) {
    yield* this.uvmPageUnmap(page);
    this.uaoDropswap(aobj, index);
    yield* this.uvmPageDiscard(page);
    return index + 1;
  }
  yield* this.pageqLock.enter();
  this.uvmPagedeactivate(page);
  yield* this.pageqLock.exit();
  return index + 1;
}
