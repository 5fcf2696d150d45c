/**
 * Busy pages: who has one, who waits for it, and how it is given up. sys/uvm/uvm_page.c.
 *
 * Whoever makes a page busy has it across a sleep; nobody else touches it meanwhile.
 */
import type { Mutex } from '../../kern/mutex.js';
import { sleepOn, WaitChannel, wakeup } from '../../kern/sleepq.js';
import type { Step } from '../../kern/switch.js';
import type { Pfn } from '../../machine/address.js';
import { isPage, type PageSlot } from '../object/object.js';
import type { Uvm } from '../uvm.js';
import { PG_BUSY, PG_FAKE, PG_PAGEOUT, PG_RELEASED, PG_WANTED } from './page-array.js';

/** Whether the running thread has the lock of whoever owns a page; nobody's page needs none. `uvm_page_locked_p()`. */
export function uvmPageLockedP(this: Uvm, pfn: Pfn): boolean {
  const { pages } = this;
  const uobject = pages.uobject(pfn);
  if (uobject !== null) return uobject.lock.owned;
  const lock = pages.uanon(pfn)?.lock ?? null;
  return lock === null || lock.owned;
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
    // An anon that nobody refers to goes with its page: `uvmAnonRelease`.
    const wanted = pages.uobject(pfn) !== null || (pages.uanon(pfn)?.references ?? 0) > 0;
    kern.kassert(wanted, 'pg->uobject != NULL || (pg->uanon != NULL && pg->uanon->an_ref > 0)');
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
 * => owner locked. Panics when a page is made busy twice.
 * => threads of the kernel's own are all called 0: they come and go, and how many there were is nothing that a state should tell.
 */
export function uvmPageOwn(this: Uvm, pfn: Pfn, tag: string | null): void {
  if (!this.kern.diagnostic) return;
  this.kern.kassert(this.uvmPageLockedP(pfn), 'uvm_page_locked_p(pg)');
  if (tag === null) {
    this.busyOwners.delete(pfn);
    return;
  }
  const owner = this.busyOwners.get(pfn);
  if (owner !== undefined) this.kern.panic(`uvm_page_own: page ${pfn} already owned by ${owner.lwp} [${owner.tag}]`);
  const { name, process } = this.curlwp;
  this.busyOwners.set(pfn, { lwp: process.pid === 0 ? '0' : name, tag });
}
