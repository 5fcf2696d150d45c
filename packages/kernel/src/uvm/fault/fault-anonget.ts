/** Brings the page of an anon into memory. `uvmfault_anonget()`, sys/uvm/uvm_fault.c. */
import { ENOMEM, ERESTART, type Errno } from '../../kern/errno.js';
import type { Mutex } from '../../kern/mutex.js';
import type { Step } from '../../kern/switch.js';
import { asOffset, type Pfn } from '../../machine/address.js';
import type { Amap } from '../anon/amap.js';
import type { Anon } from '../anon/anon.js';
import { NO_PAGE, PG_BUSY, PG_FAKE, PG_RELEASED, PG_WANTED } from '../page/page-array.js';
import { SWSLOT_BAD } from '../swap/swap.js';
import type { Uvm } from '../uvm.js';
import type { FaultContext } from './fault-context.js';

/**
 * Makes sure that an anon's page is in memory and not busy: reads it from swap, or waits for whoever does. `uvmfault_anonget()`.
 *
 * => map and amap locked; they are unlocked while it sleeps, and stay so when the answer is not 0.
 *
 * @param fault null when it is no fault that wants the page, but a device that is swapped to no longer: then no map is locked
 * @returns 0 with everything still locked, and besides the object that the page is borrowed from, if it is; ERESTART when something has
 *   changed meanwhile; ENOMEM; EIO when the page is lost
 */
export function* uvmfaultAnonget(this: Uvm, fault: FaultContext | null, amap: Amap, anon: Anon): Step<Errno> {
  const { kern, pages, uvmexp } = this;
  const { lock } = amap;
  kern.kassert(lock.owned, 'mutex_owned(anon->an_lock)');
  kern.kassert(anon.lock === lock, 'anon->an_lock == amap->am_lock');
  uvmexp.fltanget++;
  for (;;) {
    let own = NO_PAGE;
    let errno: Errno = 0;
    const { page } = anon;
    if (page !== NO_PAGE) {
      // Where it is on loan, it may be an object's that the anon only borrows from.
      const lender = pages.loanCount(page) > 0 ? yield* this.uvmAnonLockloanpg(anon) : null;
      if ((pages.flags(page) & PG_BUSY) === 0) return 0;
      uvmexp.fltpgwait++;
      yield* this.uvmfaultUnlockall(fault, lender === null ? null : amap, null);
      yield* this.uvmPageWait(page, lender?.lock ?? lock, lender === null ? 'anonget2' : 'anonget1');
    } else {
      own = yield* this.uvmPagealloc(null, asOffset(0), anon, 0);
      yield* this.uvmfaultUnlockall(fault, amap, null);
      if (own === NO_PAGE) {
        uvmexp.fltnoram++;
        if (!this.uvmReclaimable()) return ENOMEM;
        yield* this.uvmWait('flt_noram1');
      } else {
        // Nobody else changes the slot while the page is busy.
        uvmexp.pageins++;
        errno = yield* this.uvmSwapGet(own, anon.swapSlot);
      }
    }

    const locked = fault === null || (yield* this.uvmfaultRelock(fault));
    if (locked || own !== NO_PAGE) yield* lock.enter();
    if (own !== NO_PAGE) {
      const settled = yield* this.uvmfaultAnongetDone(fault, anon, { page: own, lock, errno, locked });
      if (settled !== 0) return settled;
    }
    if (!locked) {
      if (own !== NO_PAGE) yield* lock.exit();
      return ERESTART;
    }
    // Somebody else may have taken the anon out of the amap meanwhile, or freed it.
    const gone = fault === null ? anon.lock !== lock : this.amapLookup(fault.entry, fault.offsetInEntry) !== anon;
    if (gone) {
      yield* this.uvmfaultUnlockall(fault, amap, null);
      return ERESTART;
    }
    uvmexp.fltanretry++;
  }
}

/**
 * The read is over: gives the page up, or frees it when it could not be read, and the anon when nobody wants it any more.
 * Part of `uvmfault_anonget()`.
 *
 * => anon locked, and the map when `locked`; nothing locked when the answer is not 0.
 *
 * @returns 0, the error of the read, or ERESTART when the anon is gone
 */
export function* uvmfaultAnongetDone(
  this: Uvm,
  fault: FaultContext | null,
  anon: Anon,
  read: { page: Pfn; lock: Mutex; errno: Errno; locked: boolean },
): Step<Errno> {
  const { kern, pages } = this;
  const { page, lock, errno, locked } = read;
  if (pages.flags(page) & PG_WANTED) {
    pages.clearFlags(page, PG_WANTED);
    yield* this.uvmPageWakeup(page);
  }
  if (errno !== 0) {
    // The slot is never used again, and whoever wants the page from now on is told that it is lost.
    if (anon.swapSlot > 0) this.uvmSwapMarkbad(anon.swapSlot, 1);
    anon.swapSlot = SWSLOT_BAD;
  }
  if (pages.flags(page) & PG_RELEASED) {
    kern.kassert(anon.references === 0, 'anon->an_ref == 0');
    if (locked) yield* this.uvmfaultUnlockall(fault, null, null);
    yield* this.uvmAnonRelease(anon);
    return errno !== 0 ? errno : ERESTART;
  }
  yield* this.pageqLock.enter();
  if (errno !== 0) yield* this.uvmPagefree(page);
  else this.uvmPageactivate(page);
  yield* this.pageqLock.exit();
  if (errno === 0) {
    pages.clearFlags(page, PG_BUSY | PG_FAKE | PG_WANTED);
    this.uvmPageOwn(page, null);
    return 0;
  }
  if (locked) yield* this.uvmfaultUnlockall(fault, null, null);
  yield* lock.exit();
  return errno;
}
