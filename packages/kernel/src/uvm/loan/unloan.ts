/** Giving pages on loan back. sys/uvm/uvm_loan.c. */
import type { Mutex } from '../../kern/mutex.js';
import { sleepOn, WaitChannel } from '../../kern/sleepq.js';
import type { Step } from '../../kern/switch.js';
import type { Pfn } from '../../machine/address.js';
import type { Anon } from '../anon/anon.js';
import { PG_BUSY, PG_CLEAN, PQ_ANON } from '../page/page-array.js';
import type { Uvm } from '../uvm.js';
import type { LoanOutput } from './loan-output.js';

/** Gives back what was lent. `uvm_unloan()`. => nothing locked; may sleep. Afterwards nothing of it is on loan. */
export function* uvmUnloan(this: Uvm, output: LoanOutput): Step<void> {
  yield* this.uvmUnloananon(output.anons);
  yield* this.uvmUnloanpage(output.pages);
  output.anons.length = 0;
  output.pages.length = 0;
}

/** Drops the borrower's references to anons. `uvm_unloananon()`. => nothing locked */
export function* uvmUnloananon(this: Uvm, anons: readonly Anon[]): Step<void> {
  for (const anon of anons) {
    const lock = anon.lock ?? this.kern.panic('uvm_unloananon: an anon without a lock');
    yield* lock.enter();
    this.kern.kassert(anon.references > 0, 'anon->an_ref > 0');
    anon.references--;
    this.anonLoans.splice(this.anonLoans.indexOf(anon), 1);
    if (anon.references === 0) yield* this.uvmAnfree(anon);
    yield* lock.exit();
  }
}

/**
 * Ends loans of pages to the kernel. `uvm_unloanpage()`. => nothing locked; may sleep.
 *
 * => the owner's lock comes before that of the page queues, so it is only tried here; as long as it is taken, this pauses ("livelock").
 * => a page that belongs to nobody goes with its last loan; one that only its borrower still has becomes the borrower's own.
 */
export function* uvmUnloanpage(this: Uvm, loans: readonly Pfn[]): Step<void> {
  const { kern, pages } = this;
  if (loans.length === 0) return;
  yield* this.pageqLock.enter();
  for (const page of loans) {
    const lock = yield* this.uvmUnloanLockOwner(page);
    kern.kassert(pages.loanCount(page) > 0, 'pg->loan_count > 0');
    pages.setLoanCount(page, pages.loanCount(page) - 1);
    const uanon = pages.uanon(page);
    if (pages.uobject(page) === null && uanon !== null && (pages.pqflags(page) & PQ_ANON) === 0) this.uvmPageAdopt(page);
    if (kern.log.on) this.log({ kind: 'unloan', page, count: pages.loanCount(page) });
    if (pages.loanCount(page) === 0 && pages.uobject(page) === null && uanon === null) {
      kern.kassert((pages.flags(page) & PG_BUSY) === 0, '(pg->flags & PG_BUSY) == 0');
      yield* this.uvmPagefree(page);
    }
    if (lock !== null) yield* lock.exit();
  }
  yield* this.pageqLock.exit();
}

/**
 * The anon that borrows a page becomes its owner: the object has given it up.
 *
 * => anon and page queues locked.
 */
export function uvmPageAdopt(this: Uvm, pfn: Pfn): void {
  const { kern, pages } = this;
  kern.kassert(pages.loanCount(pfn) > 0, 'pg->loan_count > 0');
  pages.setLoanCount(pfn, pages.loanCount(pfn) - 1);
  pages.setPqflags(pfn, PQ_ANON);
  // Swap does not have it.
  pages.clearFlags(pfn, PG_CLEAN);
  this.uvmexp.anonpages++;
}

/**
 * Locks the owner of a page on loan, whoever that is by then. Part of `uvm_unloanpage()`.
 *
 * => page queues locked, but for pauses in between.
 *
 * @returns the lock; null when the page belongs to nobody
 */
export function* uvmUnloanLockOwner(this: Uvm, page: Pfn): Step<Mutex | null> {
  const { kern, pages } = this;
  for (;;) {
    const lock = pages.uobject(page)?.lock ?? pages.uanon(page)?.lock ?? null;
    if (lock === null || (yield* lock.tryEnter())) return lock;
    const channel = new WaitChannel('livelock');
    yield* sleepOn(kern.scheduler, channel, { message: 'livelock', timeout: 1, interlock: this.pageqLock });
    yield* this.pageqLock.enter();
  }
}
