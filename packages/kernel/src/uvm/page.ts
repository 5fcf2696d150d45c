/**
 * Pages: allocation, freeing, identity, queues and the wire count. sys/uvm/uvm_page.c and sys/uvm/uvm_pdpolicy_clock.c.
 *
 *     free ──uvmPagealloc──> busy, fake, owned by an object or an anon ──unbusy──> on a paging queue
 *      ^                                                                        │  wired: on no queue
 *      └───────────────────────────uvmPagefree──────────────────────────────────┘
 *
 * Lock order: owner's lock -> page queue lock -> free list lock.
 */
import type { Mutex } from '../kern/mutex.js';
import { sleepOn, WaitChannel, wakeup } from '../kern/sleepq.js';
import type { Step } from '../kern/switch.js';
import { asOffset, asPfn, atop, type ByteOffset, PAGE_SIZE, type Pfn } from '../machine/address.js';
import { PROT_NONE } from '../machine/protection.js';
import type { Anon } from './anon.js';
import { isPage, type PageSlot, type UvmObject } from './object.js';
import {
  NO_PAGE,
  PG_BUSY,
  PG_CLEAN,
  PG_FAKE,
  PG_PAGEOUT,
  PG_RELEASED,
  PG_TABLED,
  PG_WANTED,
  PQ_ACTIVE,
  PQ_ANON,
  PQ_FREE,
  PQ_INACTIVE,
  UVM_PGA_USERESERVE,
  UVM_PGA_ZERO,
} from './page-array.js';
import type { Uvm } from './uvm.js';

const QUEUED = PQ_ACTIVE | PQ_INACTIVE;
const NO_OFFSET = asOffset(0);

/** Puts all of RAM on the free list, the lowest page first, and sets the reserves. `uvm_page_init()`. Boot only. */
export function uvmPageInit(this: Uvm): void {
  const { pages, freeList, uvmexp } = this;
  for (let frame = pages.first; frame < pages.end; frame++) {
    pages.setPqflags(asPfn(frame), PQ_FREE);
    freeList.insertTail(asPfn(frame));
  }
  uvmexp.npages = pages.length;
  uvmexp.free = pages.length;
  uvmexp.reserve_pagedaemon = 1;
  uvmexp.reserve_kernel = 5;
}

/** Sets the targets of the page pool. `uvmpd_tune()`, sys/uvm/uvm_pdaemon.c. */
export function uvmpdTune(this: Uvm): void {
  const { uvmexp, kern } = this;
  const least = atop(128 * 1024);
  const most = atop(1024 * 1024);
  const share = Math.floor(uvmexp.npages / 200);
  uvmexp.freemin = Math.max(Math.min(Math.max(share, least), most) * kern.cpus, uvmexp.reserve_kernel + 1);
  uvmexp.freetarg = Math.max(Math.floor((uvmexp.freemin * 4) / 3), uvmexp.freemin + 1);
  uvmexp.wiredmax = Math.floor(uvmexp.npages / 3);
}

/**
 * Allocates a page for an object or an anon, or for nobody. `uvm_pagealloc()`.
 *
 * => the owner is locked. Never sleeps for memory.
 * => the new page is busy, clean and fake; with `UVM_PGA_ZERO` its bytes are zero and it is not clean.
 *
 * @returns the page, `NO_PAGE` when there is none to be had
 */
export function* uvmPagealloc(
  this: Uvm,
  uobject: UvmObject | null,
  offset: ByteOffset,
  uanon: Anon | null,
  flags: number,
): Step<Pfn> {
  const { kern, pages, uvmexp } = this;
  kern.kassert(uobject === null || uanon === null, 'obj == NULL || anon == NULL');
  kern.kassert(uobject === null || uobject.lock.owned, 'obj == NULL || mutex_owned(obj->vmobjlock)');
  kern.kassert(uanon === null || uanon.lock?.owned === true, 'anon == NULL || mutex_owned(anon->an_lock)');

  yield* this.freeLock.enter();
  const useReserve = (flags & UVM_PGA_USERESERVE) !== 0 || this.curlwp.process.pid === 0;
  const reserve = useReserve ? uvmexp.reserve_pagedaemon : uvmexp.reserve_kernel;
  const pfn = uvmexp.free > reserve && kern.choose('page.alloc') === 0 ? this.freeList.head : NO_PAGE;
  if (pfn === NO_PAGE) {
    yield* this.freeLock.exit();
    return NO_PAGE;
  }
  this.freeList.remove(pfn);
  uvmexp.free--;
  kern.kassert(pages.flags(pfn) === 0, 'pg->flags == 0');
  pages.clearPqflags(pfn, PQ_FREE);
  pages.putFlags(pfn, PG_BUSY | PG_CLEAN | PG_FAKE);
  pages.setOwner(pfn, uobject, uanon, uobject === null ? NO_OFFSET : offset);
  yield* this.freeLock.exit();

  this.uvmPageOwn(pfn, 'uvmPagealloc');
  if (uanon !== null) {
    uanon.page = pfn;
    pages.setPqflags(pfn, PQ_ANON);
    uvmexp.anonpages++;
  } else if (uobject !== null) {
    this.uvmPageinsert(uobject, pfn);
  }
  if (flags & UVM_PGA_ZERO) {
    this.machine.ram.zero(pfn);
    pages.clearFlags(pfn, PG_CLEAN);
  }
  return pfn;
}

/** Enters a page in its object's table. `uvm_pageinsert()`. => object locked. */
export function uvmPageinsert(this: Uvm, uobject: UvmObject, pfn: Pfn): void {
  const { kern, pages } = this;
  const index = pages.offset(pfn) / PAGE_SIZE;
  kern.kassert(uobject.pages.get(index) === 0, 'no page at this offset of the object');
  kern.kassert((pages.flags(pfn) & PG_TABLED) === 0, '(pg->flags & PG_TABLED) == 0');
  uobject.pages.set(index, pfn + 1);
  pages.setFlags(pfn, PG_TABLED);
  if (uobject.counter !== null) this.uvmexp[uobject.counter]++;
}

/** Takes a page out of its object's table. `uvm_pageremove()`. => object locked. */
export function uvmPageremove(this: Uvm, uobject: UvmObject, pfn: Pfn): void {
  const { kern, pages } = this;
  const index = pages.offset(pfn) / PAGE_SIZE;
  kern.kassert(uobject.lock.owned, 'mutex_owned(uobj->vmobjlock)');
  kern.kassert(uobject.pages.get(index) === pfn + 1, 'the page is in its object');
  uobject.pages.set(index, 0);
  pages.clearFlags(pfn, PG_TABLED);
  if (uobject.counter !== null) this.uvmexp[uobject.counter]--;
}

/**
 * Frees a page. `uvm_pagefree()`.
 *
 * => owner and page queues locked; all mappings are gone.
 * => a wired page loses its wirings.
 */
export function* uvmPagefree(this: Uvm, pfn: Pfn): Step<void> {
  const { kern, pages, uvmexp } = this;
  kern.kassert((pages.flags(pfn) & PG_PAGEOUT) === 0, '(pg->flags & PG_PAGEOUT) == 0');
  kern.kassert((pages.pqflags(pfn) & PQ_FREE) === 0, '!(pg->pqflags & PQ_FREE)');
  kern.kassert(this.pageqLock.owned, 'mutex_owned(&uvm_pageqlock)');
  const uobject = pages.uobject(pfn);
  const uanon = pages.uanon(pfn);
  kern.kassert(uobject === null || uobject.lock.owned, 'uobj == NULL || mutex_owned(uobj->vmobjlock)');
  kern.kassert(uanon === null || uanon.lock === null || uanon.lock.owned, 'anon == NULL || mutex_owned(anon->an_lock)');

  if (uobject !== null) this.uvmPageremove(uobject, pfn);
  this.uvmPagedequeue(pfn);
  if (pages.wireCount(pfn) !== 0) {
    pages.setWireCount(pfn, 0);
    uvmexp.wired--;
  }
  if (uanon !== null) {
    uanon.page = NO_PAGE;
    uvmexp.anonpages--;
  }
  const wanted = (pages.flags(pfn) & PG_WANTED) !== 0;
  this.uvmPageOwn(pfn, null);
  pages.setOwner(pfn, null, null, NO_OFFSET);
  pages.putFlags(pfn, 0);
  pages.clearPqflags(pfn, ~0);
  if (this.kern.log.on) this.log({ kind: 'page-free', page: pfn });

  yield* this.freeLock.enter();
  pages.setPqflags(pfn, PQ_FREE);
  this.freeList.insertHead(pfn);
  uvmexp.free++;
  if (this.freeChannel.waiters.length > 0) yield* wakeup(kern.scheduler, this.freeChannel);
  yield* this.freeLock.exit();
  if (wanted) yield* this.uvmPageWakeup(pfn);
}

/**
 * Gives up busy pages. `uvm_page_unbusy()`.
 *
 * => owner locked. A page that was released meanwhile is freed; others are woken for.
 */
export function* uvmPageUnbusy(this: Uvm, slots: readonly PageSlot[]): Step<void> {
  for (const slot of slots) if (isPage(slot)) yield* this.uvmPageUnbusyOne(slot);
}

/** Gives up one busy page; see `uvmPageUnbusy`. */
export function* uvmPageUnbusyOne(this: Uvm, pfn: Pfn): Step<void> {
  const { kern, pages } = this;
  const flags = pages.flags(pfn);
  kern.kassert((flags & PG_BUSY) !== 0, 'pg->flags & PG_BUSY');
  kern.kassert((flags & PG_PAGEOUT) === 0, '(pg->flags & PG_PAGEOUT) == 0');
  if (flags & PG_RELEASED) {
    pages.clearFlags(pfn, PG_RELEASED);
    yield* this.pageqLock.enter();
    yield* this.uvmPagefree(pfn);
    yield* this.pageqLock.exit();
    return;
  }
  kern.kassert((flags & PG_FAKE) === 0, '(pg->flags & PG_FAKE) == 0');
  pages.clearFlags(pfn, PG_BUSY | PG_WANTED);
  this.uvmPageOwn(pfn, null);
  if (flags & PG_WANTED) yield* this.uvmPageWakeup(pfn);
}

/**
 * Sleeps until a busy page is no longer busy; afterwards nothing may be assumed about it. `UVM_UNLOCK_AND_WAIT()`.
 *
 * => the page owner's lock is held on entry and free on return.
 */
export function* uvmPageWait(this: Uvm, pfn: Pfn, lock: Mutex, message: string): Step<void> {
  yield* sleepOn(this.kern.scheduler, this.uvmPageWant(pfn), { message, interlock: lock });
}

/** Notes that somebody is about to sleep for a busy page; answers what to sleep on. => page owner locked. */
export function uvmPageWant(this: Uvm, pfn: Pfn): WaitChannel {
  this.pages.setFlags(pfn, PG_WANTED);
  let channel = this.pageChannels.get(pfn);
  if (channel === undefined) {
    channel = new WaitChannel(`page ${pfn}`);
    this.pageChannels.set(pfn, channel);
  }
  return channel;
}

/** Wakes everyone who waits for a page. */
export function* uvmPageWakeup(this: Uvm, pfn: Pfn): Step<void> {
  const channel = this.pageChannels.get(pfn);
  if (channel === undefined) return;
  this.pageChannels.delete(pfn);
  yield* wakeup(this.kern.scheduler, channel);
}

/**
 * Notes on a DIAGNOSTIC kernel which thread has a page busy, and where; null for no longer. `uvm_page_own()`.
 *
 * => panics when a page is made busy twice.
 */
export function uvmPageOwn(this: Uvm, pfn: Pfn, tag: string | null): void {
  if (!this.kern.diagnostic) return;
  if (tag === null) {
    this.busyOwners.delete(pfn);
    return;
  }
  const owner = this.busyOwners.get(pfn);
  if (owner !== undefined) this.kern.panic(`uvm_page_own: page ${pfn} already owned by ${owner.lwp} [${owner.tag}]`);
  this.busyOwners.set(pfn, { lwp: this.curlwp.name, tag });
}

/** Raises the wire count. `uvm_pagewire()`. => owner and page queues locked. */
export function uvmPagewire(this: Uvm, pfn: Pfn): void {
  const { kern, pages } = this;
  kern.kassert(this.pageqLock.owned, 'mutex_owned(&uvm_pageqlock)');
  const count = pages.wireCount(pfn);
  if (count === 0) {
    this.uvmPagedequeue(pfn);
    this.uvmexp.wired++;
  }
  pages.setWireCount(pfn, count + 1);
  if (kern.log.on) this.log({ kind: 'page-wire', page: pfn, count: pages.wireCount(pfn) });
  kern.kassert(pages.wireCount(pfn) !== 0, 'pg->wire_count != 0');
}

/**
 * Lowers the wire count; at 0 the page becomes active. `uvm_pageunwire()`. => owner and page queues locked.
 *
 * => without DIAGNOSTIC a page that is not wired gets the largest count there is, and stays out of the queues for ever.
 */
export function uvmPageunwire(this: Uvm, pfn: Pfn): void {
  const { kern, pages } = this;
  kern.kassert(this.pageqLock.owned, 'mutex_owned(&uvm_pageqlock)');
  kern.kassert(pages.wireCount(pfn) !== 0, 'pg->wire_count != 0');
  kern.kassert((pages.pqflags(pfn) & QUEUED) === 0, '!uvmpdpol_pageisqueued_p(pg)');
  pages.setWireCount(pfn, pages.wireCount(pfn) - 1);
  if (kern.log.on) this.log({ kind: 'page-unwire', page: pfn, count: pages.wireCount(pfn) });
  if (pages.wireCount(pfn) !== 0) return;
  this.uvmPageactivate(pfn);
  this.uvmexp.wired--;
}

/** Puts a page that is not wired at the end of the active queue. `uvm_pageactivate()`. => owner and page queues locked. */
export function uvmPageactivate(this: Uvm, pfn: Pfn): void {
  this.kern.kassert(this.pageqLock.owned, 'mutex_owned(&uvm_pageqlock)');
  this.uvmPagedequeue(pfn);
  if (this.pages.wireCount(pfn) !== 0) return;
  this.pages.setPqflags(pfn, PQ_ACTIVE);
  this.activeQueue.insertTail(pfn);
  this.uvmexp.active++;
}

/** Puts a page that is not wired at the end of the inactive queue. `uvm_pagedeactivate()`. => owner and page queues locked. */
export function uvmPagedeactivate(this: Uvm, pfn: Pfn): void {
  const { pages } = this;
  this.kern.kassert(this.pageqLock.owned, 'mutex_owned(&uvm_pageqlock)');
  if (pages.wireCount(pfn) !== 0 || pages.pqflags(pfn) & PQ_INACTIVE) return;
  this.uvmPagedequeue(pfn);
  this.machine.pmapClearReference(pfn);
  pages.setPqflags(pfn, PQ_INACTIVE);
  this.inactiveQueue.insertTail(pfn);
  this.uvmexp.inactive++;
}

/** Puts a page on a queue if it is on none. `uvm_pageenqueue()`. => owner and page queues locked. */
export function uvmPageenqueue(this: Uvm, pfn: Pfn): void {
  if (this.pages.wireCount(pfn) === 0 && (this.pages.pqflags(pfn) & QUEUED) === 0) this.uvmPageactivate(pfn);
}

/** Takes a page off its paging queue, if it is on one. `uvm_pagedequeue()`. => page queues locked. */
export function uvmPagedequeue(this: Uvm, pfn: Pfn): void {
  const { pages, uvmexp } = this;
  const queue = pages.pqflags(pfn) & QUEUED;
  if (queue === 0) return;
  if (queue & PQ_ACTIVE) {
    this.activeQueue.remove(pfn);
    uvmexp.active--;
  } else {
    this.inactiveQueue.remove(pfn);
    uvmexp.inactive--;
  }
  pages.clearPqflags(pfn, QUEUED);
}

/** Copies one page to another, which is dirty from then on. `uvm_pagecopy()`. */
export function uvmPagecopy(this: Uvm, from: Pfn, to: Pfn): void {
  this.pages.clearFlags(to, PG_CLEAN);
  this.machine.ram.copy(from, to);
}

/**
 * Removes all mappings of a page that lives on. `pmap_page_protect(pg, VM_PROT_NONE)`, as UVM calls it. => owner locked.
 *
 * => the wirings of the mappings go with them: whoever wired the page wires it again when it faults. NetBSD forgets them:
 *    docs/decisions/0006-departures.md.
 */
export function* uvmPageUnmap(this: Uvm, pfn: Pfn): Step<void> {
  const wirings = this.machine.pmapWiredMappings(pfn);
  this.machine.pmapPageProtect(pfn, PROT_NONE);
  if (wirings === 0) return;
  yield* this.pageqLock.enter();
  for (let i = 0; i < wirings; i++) this.uvmPageunwire(pfn);
  yield* this.pageqLock.exit();
}

/** Removes all mappings of a page and frees it. => owner locked, page not busy. */
export function* uvmPageDiscard(this: Uvm, pfn: Pfn): Step<void> {
  this.machine.pmapPageProtect(pfn, PROT_NONE);
  yield* this.pageqLock.enter();
  yield* this.uvmPagefree(pfn);
  yield* this.pageqLock.exit();
}

/**
 * Whether waiting for memory can help. `uvm_reclaimable()`, sys/uvm/uvm_pdaemon.c.
 *
 * Nothing pages out in this kernel yet: no swap is configured and there is no page daemon to take file pages back. So memory
 * comes back only when someone frees it, and what counts is whether that has happened already.
 */
export function uvmReclaimable(this: Uvm): boolean {
  return this.uvmexp.free > this.uvmexp.reserve_kernel;
}

/**
 * Sleeps until there may be memory again. `uvm_wait()`, sys/uvm/uvm_pdaemon.c. => nothing locked; never fails.
 */
export function* uvmWait(this: Uvm, message: string): Step<void> {
  yield* this.freeLock.enter();
  if (this.uvmReclaimable()) yield* this.freeLock.exit();
  else yield* sleepOn(this.kern.scheduler, this.freeChannel, { message, interlock: this.freeLock });
}
