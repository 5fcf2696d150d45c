/**
 * Loans from an object to an anon: the anon borrows the object's page until somebody stores to it. sys/uvm/uvm_loan.c, where it is
 * switched off since 2011, and sys/uvm/uvm_anon.c.
 *
 * The page is the object's: `uobject` and `uanon` are set, PQ_ANON is not. An object that frees the page leaves it to the anon, which
 * adopts it when next it looks.
 */
import { Mutex } from '../../kern/mutex.js';
import { pause } from '../../kern/sleepq.js';
import type { Step } from '../../kern/switch.js';
import type { Pfn } from '../../machine/address.js';
import { PROT_EXEC, PROT_READ } from '../../machine/protection.js';
import type { Anon } from '../anon/anon.js';
import type { FaultContext } from '../fault/fault-context.js';
import type { UvmObject } from '../object/object.js';
import { NO_PAGE, PG_BUSY, PQ_ANON } from '../page/page-array.js';
import type { Uvm } from '../uvm.js';
import type { LoanOutput, LoanStep } from './loan-output.js';

/**
 * Lends an object's page to an anon: to the one that borrows it already, or to a new one. Part of `uvm_loanuobj()` and `uvm_loanzero()`.
 *
 * => map, amap and object locked, page busy or not; it is given up. Map and amap still locked when it was lent, else nothing.
 * => a new anon has the lock of the entry's amap, or, where there is none, one of its own.
 */
export function* uvmLoanuobjAnon(
  this: Uvm,
  fault: FaultContext,
  object: UvmObject,
  page: Pfn,
  output: LoanOutput,
): Step<LoanStep> {
  const { pages } = this;
  const { amap } = fault.entry;
  const borrower = pages.uanon(page);
  const lock = borrower?.lock ?? amap?.lock ?? new Mutex(this.kern, this.amapLockClass, 'loan');
  // Where the anon's lock is not the one that is held already, it comes in the wrong order.
  const mine = borrower === null || lock.owned;
  if (!mine && !(yield* lock.tryEnter())) {
    if (pages.flags(page) & PG_BUSY) yield* this.uvmPageUnbusyOne(page);
    yield* this.uvmfaultUnlockall(fault, amap, object);
    yield* pause(this.kern.scheduler, 'lkloanpg', 1);
    return 'again';
  }
  let anon = borrower;
  if (anon !== null) anon.references++;
  else if (pages.wireCount(page) === 0) anon = yield* this.uvmAnonBorrow(object, page, lock);
  if (pages.flags(page) & PG_BUSY) yield* this.uvmPageUnbusyOne(page);
  if (!mine) yield* lock.exit();
  if (anon === null) {
    yield* this.uvmfaultUnlockall(fault, amap, object);
    return 'refused';
  }
  output.anons.push(anon);
  this.anonLoans.push(anon);
  yield* object.lock.exit();
  return 'lent';
}

/** Makes an anon that borrows an object's page. => object locked. @returns null when no anon could be had */
export function* uvmAnonBorrow(this: Uvm, object: UvmObject, page: Pfn, lock: Mutex): Step<Anon | null> {
  const { pages } = this;
  const anon = this.uvmAnalloc(lock);
  if (anon === null) return null;
  if (pages.loanCount(page) === 0) this.machine.pmapPageProtect(page, PROT_READ | PROT_EXEC);
  yield* this.pageqLock.enter();
  this.uvmPageCountLoan(page);
  pages.setOwner(page, object, anon, pages.offset(page));
  anon.page = page;
  this.uvmPageactivate(page);
  yield* this.pageqLock.exit();
  if (this.kern.log.on) this.log({ kind: 'loan', page, count: pages.loanCount(page) });
  return anon;
}

/**
 * Locks the object that an anon's page is borrowed from; where the object has given the page up, the anon adopts it.
 * `uvm_anon_lockloanpg()`.
 *
 * => anon locked, and has a page that is on loan. The anon stays locked: that is the order of locks, so this waits for the object's lock,
 *    and then looks whether it still is the page's. NetBSD drops the anon's lock and sleeps ("lkloanpg"), and the anon may be gone then:
 *    docs/decisions/0006-departures.md.
 *
 * @returns the object, locked; null when the page is the anon's own
 */
export function* uvmAnonLockloanpg(this: Uvm, anon: Anon): Step<UvmObject | null> {
  const { kern, pages } = this;
  kern.kassert(anon.lock?.owned === true, 'mutex_owned(anon->an_lock)');
  const { page } = anon;
  for (;;) {
    yield* this.pageqLock.enter();
    const object = pages.uobject(page);
    if (object === null && (pages.pqflags(page) & PQ_ANON) === 0) this.uvmPageAdopt(page);
    yield* this.pageqLock.exit();
    if (object === null) return null;
    yield* object.lock.enter();
    if (pages.uobject(page) === object) return object;
    yield* object.lock.exit();
  }
}

/**
 * An anon that is about to go gives a page that it borrows back to its object. Part of `uvm_anon_dispose()`.
 *
 * => anon locked; nobody maps the page through it any more.
 *
 * @returns whether it did: otherwise the page, if there is one, is the anon's own, and goes with it
 */
export function* uvmAnonReturnLoan(this: Uvm, anon: Anon): Step<boolean> {
  const { kern, pages } = this;
  const { page } = anon;
  const object = yield* this.uvmAnonLockloanpg(anon);
  if (object === null) return false;
  yield* this.pageqLock.enter();
  kern.kassert(pages.loanCount(page) > 0, 'pg->loan_count > 0');
  pages.setLoanCount(page, pages.loanCount(page) - 1);
  pages.setOwner(page, object, null, pages.offset(page));
  anon.page = NO_PAGE;
  yield* this.pageqLock.exit();
  if (kern.log.on) this.log({ kind: 'unloan', page, count: pages.loanCount(page) });
  yield* object.lock.exit();
  return true;
}
