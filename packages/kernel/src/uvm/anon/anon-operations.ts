/**
 * Operations on anons. sys/uvm/uvm_anon.c. The states of an anon are told in `anon.ts`.
 *
 * An anon whose page is busy in I/O when the last reference goes lives on, locked by nobody and known to its page only, until whoever
 * has the page busy calls `uvmAnonRelease`.
 */
import { EIO, ERESTART } from '../../kern/errno.js';
import type { Mutex } from '../../kern/mutex.js';
import type { Step } from '../../kern/switch.js';
import { PROT_NONE } from '../../machine/protection.js';
import { NO_PAGE, PG_BUSY, PG_CLEAN, PG_RELEASED, PG_WANTED } from '../page/page-array.js';
import type { Uvm } from '../uvm.js';
import type { Amap } from './amap.js';
import { Anon } from './anon.js';

/** An anon as it leaves the pool: all zero. `uvm_anon_ctor()` */
export function uvmAnonCtor(this: Uvm): Anon {
  const anon = new Anon(this.nextAnonId++);
  anon.references = 0;
  return anon;
}

/** Makes an anon without a page, for an amap with this lock. `uvm_analloc()`. Answers null when the environment says so. */
export function uvmAnalloc(this: Uvm, lock: Mutex): Anon | null {
  const { kern } = this;
  if (kern.choose('anon.alloc') !== 0) return null;
  const anon = this.uvmAnonCtor();
  kern.kassert(anon.references === 0, 'anon->an_ref == 0');
  kern.kassert(anon.lock === null, 'anon->an_lock == NULL');
  kern.kassert(anon.page === NO_PAGE, 'anon->an_page == NULL');
  kern.kassert(anon.swapSlot === 0, 'anon->an_swslot == 0');
  anon.references = 1;
  anon.lock = lock;
  this.anonCount++;
  return anon;
}

/** Destroys an anon that has neither page nor slot. `uvm_anon_free()`. */
export function uvmAnonFree(this: Uvm, anon: Anon): void {
  this.kern.kassert(anon.page === NO_PAGE, 'anon->an_page == NULL');
  this.kern.kassert(anon.swapSlot === 0, 'anon->an_swslot == 0');
  this.policy.anfree(anon);
  anon.references = 0;
  anon.lock = null;
  this.anonCount--;
}

/**
 * Takes the page and the slot from an anon that nobody refers to. `uvm_anon_dispose()`. => anon locked
 *
 * @returns false when the page is busy: then whoever has it busy frees it, and the anon
 */
export function* uvmAnonDispose(this: Uvm, anon: Anon): Step<boolean> {
  const { kern, machine, pages } = this;
  const { page } = anon;
  kern.kassert(anon.references === 0, 'anon->an_ref == 0');
  if (page !== NO_PAGE && pages.loanCount(page) > 0 && (yield* this.uvmAnonReturnLoan(anon))) return true;
  if (page !== NO_PAGE) {
    kern.kassert((pages.flags(page) & PG_RELEASED) === 0, '(pg->flags & PG_RELEASED) == 0');
    machine.pmapPageProtect(page, PROT_NONE);
    if (pages.flags(page) & PG_BUSY) {
      pages.setFlags(page, PG_RELEASED);
      return false;
    }
    yield* this.uvmPageDiscard(page);
  } else if (anon.swapSlot > 0) {
    this.uvmSwapNotOnly();
  }
  this.uvmAnonDropswap(anon);
  return true;
}

/** Destroys an anon that nobody refers to, or leaves that to whoever has its page busy. `uvm_anfree()`. => anon locked, also on return */
export function* uvmAnfree(this: Uvm, anon: Anon): Step<void> {
  if (yield* this.uvmAnonDispose(anon)) this.uvmAnonFree(anon);
}

/**
 * Destroys anons that nobody refers to. `uvm_anon_freelst()`. => amap locked on entry, unlocked on return.
 *
 * => they are gone before the lock is: whoever waited for one of them sees it.
 */
export function* uvmAnonFreelst(this: Uvm, amap: Amap, anons: readonly Anon[]): Step<void> {
  for (const anon of anons) yield* this.uvmAnfree(anon);
  yield* amap.lock.exit();
}

/**
 * Destroys an anon to which the last reference went while its page was busy. `uvm_anon_release()`.
 *
 * => anon locked on entry, unlocked on return. The caller has the page busy.
 */
export function* uvmAnonRelease(this: Uvm, anon: Anon): Step<void> {
  const { kern, pages } = this;
  const { lock, page } = anon;
  kern.kassert(lock?.owned === true, 'mutex_owned(anon->an_lock)');
  kern.kassert(page !== NO_PAGE, 'pg != NULL');
  kern.kassert((pages.flags(page) & PG_RELEASED) !== 0, '(pg->flags & PG_RELEASED) != 0');
  kern.kassert((pages.flags(page) & PG_BUSY) !== 0, '(pg->flags & PG_BUSY) != 0');
  kern.kassert(pages.uobject(page) === null, 'pg->uobject == NULL');
  kern.kassert(pages.uanon(page) === anon, 'pg->uanon == anon');
  kern.kassert(pages.loanCount(page) === 0, 'pg->loan_count == 0');
  kern.kassert(anon.references === 0, 'anon->an_ref == 0');
  yield* this.pageqLock.enter();
  yield* this.uvmPagefree(page);
  yield* this.pageqLock.exit();
  // The page was in memory, so its slot, if any, was not the only place where it was.
  this.uvmAnonDropswap(anon);
  this.uvmAnonFree(anon);
  if (lock !== null) yield* lock.exit();
}

/** Gives the slot of an anon back, if it has one: its page is to be written anew. `uvm_anon_dropswap()`. => anon locked */
export function uvmAnonDropswap(this: Uvm, anon: Anon): void {
  if (anon.swapSlot === 0) return;
  this.uvmSwapFree(anon.swapSlot, 1);
  anon.swapSlot = 0;
}

/**
 * Brings an anon into memory, and gives its slot back. `uvm_anon_pagein()`. => amap locked on entry, unlocked on return.
 *
 * @returns whether there is no memory for it. An anon that is gone, or cannot be read, has no slot any more either.
 */
export function* uvmAnonPagein(this: Uvm, amap: Amap, anon: Anon): Step<boolean> {
  const { kern, pages } = this;
  kern.kassert(amap.lock.owned, 'mutex_owned(anon->an_lock)');
  kern.kassert(anon.lock === amap.lock, 'anon->an_lock == amap->am_lock');
  const errno = yield* this.uvmfaultAnonget(null, amap, anon);
  if (errno !== 0) return errno !== EIO && errno !== ERESTART;
  this.uvmpdKeptPromise();
  const { page } = anon;
  const lender = pages.uobject(page);
  this.uvmAnonDropswap(anon);
  pages.clearFlags(page, PG_CLEAN);
  yield* this.pageqLock.enter();
  if (pages.wireCount(page) === 0) this.uvmPagedeactivate(page);
  yield* this.pageqLock.exit();
  if (pages.flags(page) & PG_WANTED) {
    pages.clearFlags(page, PG_WANTED);
    yield* this.uvmPageWakeup(page);
  }
  yield* this.uvmfaultUnlockall(null, amap, lender);
  return false;
}
