/**
 * Pages: allocation, freeing, identity, queues and the wire count. sys/uvm/uvm_page.c. Of busy ones, `page-busy.ts`.
 *
 *     free ──uvmPagealloc──> busy, fake, owned by an object or an anon ──unbusy──> on a paging queue
 *      ^                                                                        │  wired: on no queue
 *      └───────────────────────────uvmPagefree──────────────────────────────────┘
 *
 * Lock order: owner's lock -> page queue lock -> free list lock.
 */
import { BUILD, type Step } from '../../kern/switch.js';
import { asOffset, asPfn, type ByteOffset, PAGE_SIZE, type Pfn } from '../../machine/address.js';
import { PROT_NONE } from '../../machine/protection.js';
import type { Anon } from '../anon/anon.js';
import type { UvmObject } from '../object/object.js';
import type { Uvm } from '../uvm.js';
import {
  NO_PAGE,
  PG_BUSY,
  PG_CLEAN,
  PG_FAKE,
  PG_PAGEOUT,
  PG_RELEASED,
  PG_TABLED,
  PG_WANTED,
  PQ_ANON,
  PQ_AOBJ,
  PQ_FREE,
  UVM_PGA_USERESERVE,
  UVM_PGA_ZERO,
} from './page-array.js';

const NO_OFFSET = asOffset(0);

/** What is in a page that was given out and not filled yet. */
const GARBAGE = 0xa5;

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
  this.uvmKickPdaemon();
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
  // What was in it nobody may see, and so it must not tell two states apart.
  if (BUILD === 'watched') this.machine.ram.page(pfn).fill(GARBAGE);
  pages.clearPqflags(pfn, PQ_FREE);
  pages.putFlags(pfn, PG_BUSY | PG_CLEAN | PG_FAKE);
  pages.setOwner(pfn, uobject, uanon, uobject === null ? NO_OFFSET : offset);
  yield* this.freeLock.exit();

  // Nobody but here can know of it yet.
  kern.kassert(pages.flags(pfn) === (PG_BUSY | PG_CLEAN | PG_FAKE), 'pg->flags == (PG_BUSY|PG_CLEAN|PG_FAKE)');
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

/**
 * The page at an offset of an object, `NO_PAGE` when it is not in memory. `uvm_pagelookup()`. => object locked.
 *
 * => `UvmObject.lookup` answers the same, and asks nothing: it is for those who only look, and for walks.
 */
export function uvmPagelookup(this: Uvm, uobject: UvmObject, offset: ByteOffset): Pfn {
  const { kern } = this;
  kern.kassert(uobject.lock.owned, 'mutex_owned(obj->vmobjlock)');
  const pfn = uobject.lookup(offset);
  if (pfn === NO_PAGE) return NO_PAGE;
  const flags = this.pages.flags(pfn);
  kern.kassert(
    (flags & (PG_RELEASED | PG_PAGEOUT)) === 0 || (flags & PG_BUSY) !== 0,
    'pg == NULL || (pg->flags & (PG_RELEASED|PG_PAGEOUT)) == 0 || (pg->flags & PG_BUSY) != 0',
  );
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
  if (uobject.pagerName === 'aobj') pages.setPqflags(pfn, PQ_AOBJ);
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
  pages.clearPqflags(pfn, PQ_AOBJ);
  if (uobject.counter !== null) this.uvmexp[uobject.counter]--;
}

/**
 * Frees a page. `uvm_pagefree()`.
 *
 * => owner and page queues locked; all mappings are gone.
 * => a wired page loses its wirings.
 * => a page that is on loan is only given up by its owner: it is freed when its last loan ends. It must not be wired.
 */
export function* uvmPagefree(this: Uvm, pfn: Pfn): Step<void> {
  const { kern, pages, uvmexp } = this;
  kern.kassert((pages.flags(pfn) & PG_PAGEOUT) === 0, '(pg->flags & PG_PAGEOUT) == 0');
  kern.kassert((pages.pqflags(pfn) & PQ_FREE) === 0, '!(pg->pqflags & PQ_FREE)');
  kern.kassert(this.pageqLock.owned, 'mutex_owned(&uvm_pageqlock)');
  const uobject = pages.uobject(pfn);
  const uanon = pages.uanon(pfn);
  kern.kassert(uobject === null || uobject.lock.owned, 'uobj == NULL || mutex_owned(uobj->vmobjlock)');
  const held = uobject !== null || uanon === null || uanon.lock === null || uanon.lock.owned;
  kern.kassert(held, 'anon == NULL || mutex_owned(anon->an_lock)');
  if (pages.loanCount(pfn) > 0) {
    // Whoever wired it has it still, and nobody would know.
    kern.kassert(pages.wireCount(pfn) === 0, 'pg->wire_count == 0');
    if (yield* this.uvmPageDisown(pfn)) return;
  }

  if (uobject !== null) this.uvmPageremove(uobject, pfn);
  this.uvmPagedequeue(pfn);
  if (pages.wireCount(pfn) !== 0) {
    pages.setWireCount(pfn, 0);
    uvmexp.wired--;
    this.uvmVslockForget(pfn);
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
  if (this.transfers.size > 0) this.uvmTransferFreed(pfn);
  if (this.pagedaemon.fruitless > 0) this.uvmpdRelieved();
  yield* this.freeLock.exit();
  if (wanted) yield* this.uvmPageWakeup(pfn);
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
  kern.kassert(!this.policy.isQueued(pfn), '!uvmpdpol_pageisqueued_p(pg)');
  pages.setWireCount(pfn, pages.wireCount(pfn) - 1);
  if (kern.log.on) this.log({ kind: 'page-unwire', page: pfn, count: pages.wireCount(pfn) });
  if (pages.wireCount(pfn) !== 0) return;
  this.uvmPageactivate(pfn);
  this.uvmexp.wired--;
  if (this.pagedaemon.fruitless > 0) this.uvmpdRelieved();
}

/** A page is in use; one that is wired goes on no queue. `uvm_pageactivate()`. => owner and page queues locked. */
export function uvmPageactivate(this: Uvm, pfn: Pfn): void {
  this.kern.kassert(this.pageqLock.owned, 'mutex_owned(&uvm_pageqlock)');
  if (this.pages.wireCount(pfn) !== 0) return;
  this.policy.activate(pfn);
}

/** A page seems to be of no use any more; one that is wired goes on no queue. `uvm_pagedeactivate()`. => owner and page queues locked. */
export function uvmPagedeactivate(this: Uvm, pfn: Pfn): void {
  this.kern.kassert(this.pageqLock.owned, 'mutex_owned(&uvm_pageqlock)');
  if (this.pages.wireCount(pfn) !== 0) return;
  this.policy.deactivate(pfn);
}

/** Puts a page on a queue if it is on none, and not wired: nobody has used it yet. `uvm_pageenqueue()`. => owner and page queues locked. */
export function uvmPageenqueue(this: Uvm, pfn: Pfn): void {
  this.kern.kassert(this.pageqLock.owned, 'mutex_owned(&uvm_pageqlock)');
  if (this.pages.wireCount(pfn) !== 0 || this.policy.isQueued(pfn)) return;
  this.policy.enqueue(pfn);
}

/** Takes a page off its paging queue, if it is on one. `uvm_pagedequeue()`. => page queues locked. */
export function uvmPagedequeue(this: Uvm, pfn: Pfn): void {
  if (!this.policy.isQueued(pfn)) return;
  this.kern.kassert(this.pageqLock.owned, 'mutex_owned(&uvm_pageqlock)');
  this.policy.dequeue(pfn);
}

/** Copies one page to another, which is dirty from then on. `uvm_pagecopy()`. */
export function uvmPagecopy(this: Uvm, from: Pfn, to: Pfn): void {
  this.pages.clearFlags(to, PG_CLEAN);
  this.machine.ram.copy(from, to);
}

/**
 * Removes all mappings of a page that lives on. `pmap_page_protect(pg, VM_PROT_NONE)`, as UVM calls it. => owner locked.
 *
 * => the wirings of wired entries go with their mappings: whoever wired the page wires it again when it faults. NetBSD forgets them:
 *    docs/decisions/0006-departures.md. Wirings for the time being stay: whoever made them has the page still, mapped or not.
 */
export function* uvmPageUnmap(this: Uvm, pfn: Pfn): Step<void> {
  const wirings = this.uvmEntryWirings(pfn);
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
