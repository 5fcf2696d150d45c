/** Breaking a loan: the owner gets a page of its own to store to, and the borrowers keep the old one. sys/uvm/uvm_loan.c. */
import { ENOMEM, ERESTART, type Errno } from '../../kern/errno.js';
import type { Step } from '../../kern/switch.js';
import { asOffset, type Pfn } from '../../machine/address.js';
import { PROT_WRITE } from '../../machine/protection.js';
import type { Anon } from '../anon/anon.js';
import type { FaultContext } from '../fault/fault-context.js';
import type { UvmObject } from '../object/object.js';
import {
  NO_PAGE,
  PG_BUSY,
  PG_CLEAN,
  PG_FAKE,
  PG_RDONLY,
  PG_RELEASED,
  PG_TABLED,
  PG_WANTED,
  PQ_ANON,
} from '../page/page-array.js';
import type { Uvm } from '../uvm.js';

/**
 * Breaks the loan of an object's page. `uvm_loanbreak()`.
 *
 * => object locked. The page may be busy: it is given up, and the new one is busy.
 * => everyone's mappings of the old page go, wired or not; it belongs to nobody from then on, unless an anon borrows it, and keeps its
 *    transient wirings. Who wired it by address will unwire whatever is there then: NetBSD to this day.
 *
 * @returns the new page; `NO_PAGE` when there is no memory, and nothing was done
 */
export function* uvmLoanbreak(this: Uvm, old: Pfn): Step<Pfn> {
  const { kern, pages } = this;
  const object = pages.uobject(old) ?? kern.panic('kernel diagnostic assertion "uobj != NULL" failed');
  kern.kassert(object.lock.owned, 'mutex_owned(uobj->vmobjlock)');
  const fresh = yield* this.uvmPagealloc(null, asOffset(0), null, 0);
  if (fresh === NO_PAGE) return NO_PAGE;

  this.uvmPagecopy(old, fresh);
  pages.clearFlags(fresh, PG_FAKE);
  yield* this.uvmPageUnmap(old);
  yield* this.uvmLoanUnbusy(old);
  yield* this.pageqLock.enter();
  if (pages.uanon(old) === null) this.uvmPagedequeue(old);
  this.uvmPagereplace(old, fresh);
  this.uvmPageactivate(fresh);
  yield* this.pageqLock.exit();
  if (kern.log.on)
    this.log({ kind: 'loan-break', page: old, by: fresh, loans: pages.loanCount(old), wirings: pages.wireCount(old) });
  return fresh;
}

/** Gives up a page, if it is busy, and wakes those who wait for it. => page owner locked */
export function* uvmLoanUnbusy(this: Uvm, pfn: Pfn): Step<void> {
  const { pages } = this;
  const flags = pages.flags(pfn);
  if ((flags & PG_BUSY) === 0) return;
  pages.clearFlags(pfn, PG_BUSY | PG_WANTED);
  this.uvmPageOwn(pfn, null);
  if (flags & PG_WANTED) yield* this.uvmPageWakeup(pfn);
}

/**
 * The owner of a page that is on loan frees it: it belongs to the borrowers from then on. Part of `uvm_pagefree()`, sys/uvm/uvm_page.c.
 *
 * => owner and page queues locked.
 *
 * @returns whether the page lives on; if not, it is on loan no more, and to be freed like any other
 */
export function* uvmPageDisown(this: Uvm, pfn: Pfn): Step<boolean> {
  const { kern, pages, uvmexp } = this;
  const uobject = pages.uobject(pfn);
  let uanon = pages.uanon(pfn);
  yield* this.uvmLoanUnbusy(pfn);
  if (uobject !== null) {
    this.uvmPageremove(uobject, pfn);
    // Nobody but here has its bytes from now on.
    pages.clearFlags(pfn, PG_CLEAN);
  } else if (uanon !== null) {
    if (pages.pqflags(pfn) & PQ_ANON) {
      pages.clearPqflags(pfn, PQ_ANON);
      uvmexp.anonpages--;
    } else {
      pages.setLoanCount(pfn, pages.loanCount(pfn) - 1);
    }
    uanon.page = NO_PAGE;
    uanon = null;
  }
  pages.setOwner(pfn, null, uanon, asOffset(0));
  pages.clearFlags(pfn, PG_RELEASED | PG_RDONLY);
  if (pages.loanCount(pfn) === 0) return false;
  if (uanon === null) this.uvmPagedequeue(pfn);
  if (kern.log.on) this.log({ kind: 'page-orphan', page: pfn, loans: pages.loanCount(pfn) });
  return true;
}

/**
 * Puts a page that nobody owns in the place of an object's; that one has no object from then on. `uvm_pagereplace()`,
 * sys/uvm/uvm_page.c.
 *
 * => object and page queues locked.
 */
export function uvmPagereplace(this: Uvm, old: Pfn, fresh: Pfn): void {
  const { kern, pages } = this;
  const object = pages.uobject(old) ?? kern.panic('kernel diagnostic assertion "oldpg->uobject != NULL" failed');
  kern.kassert((pages.flags(old) & PG_TABLED) !== 0, '(oldpg->flags & PG_TABLED) != 0');
  kern.kassert((pages.flags(fresh) & PG_TABLED) === 0, '(newpg->flags & PG_TABLED) == 0');
  kern.kassert(pages.uobject(fresh) === null, 'newpg->uobject == NULL');
  kern.kassert(object.lock.owned, 'mutex_owned(oldpg->uobject->vmobjlock)');
  const offset = pages.offset(old);
  this.uvmPageremove(object, old);
  pages.setOwner(old, null, pages.uanon(old), asOffset(0));
  pages.setOwner(fresh, object, null, offset);
  this.uvmPageinsert(object, fresh);
}

/**
 * Breaks the loan of an anon's page: one that it has lent, or one that it has borrowed. `uvm_loanbreak_anon()`.
 *
 * => anon locked, and the object that it borrows from, if any; that is unlocked on success.
 *
 * @returns 0, or ENOMEM with nothing done
 */
export function* uvmLoanbreakAnon(this: Uvm, anon: Anon, object: UvmObject | null): Step<Errno> {
  const { kern, pages, uvmexp } = this;
  const old = anon.page;
  kern.kassert(anon.lock?.owned === true, 'mutex_owned(anon->an_lock)');
  kern.kassert(object === null || object.lock.owned, 'uobj == NULL || mutex_owned(uobj->vmobjlock)');
  kern.kassert(pages.loanCount(old) > 0, 'anon->an_page->loan_count > 0');
  const fresh = yield* this.uvmPagealloc(null, asOffset(0), null, 0);
  if (fresh === NO_PAGE) return ENOMEM;

  this.uvmPagecopy(old, fresh);
  yield* this.uvmPageUnmap(old);
  yield* this.pageqLock.enter();
  if (object === null) {
    kern.kassert((pages.pqflags(old) & PQ_ANON) !== 0, '(oldpg->pqflags & PQ_ANON) != 0');
    pages.clearPqflags(old, PQ_ANON);
    this.uvmPagedequeue(old);
    uvmexp.anonpages--;
  } else {
    kern.kassert((pages.pqflags(old) & PQ_ANON) === 0, '(oldpg->pqflags & PQ_ANON) == 0');
    pages.setLoanCount(old, pages.loanCount(old) - 1);
  }
  pages.setOwner(old, object, null, pages.offset(old));
  anon.page = fresh;
  pages.setOwner(fresh, null, anon, asOffset(0));
  pages.setPqflags(fresh, PQ_ANON);
  uvmexp.anonpages++;
  this.uvmPageactivate(fresh);
  yield* this.pageqLock.exit();
  pages.clearFlags(fresh, PG_BUSY | PG_FAKE);
  this.uvmPageOwn(fresh, null);
  if (kern.log.on)
    this.log({ kind: 'loan-break', page: old, by: fresh, loans: pages.loanCount(old), wirings: pages.wireCount(old) });
  if (object !== null) yield* object.lock.exit();
  return 0;
}

/**
 * A fault on a page of the upper layer that is on loan, or borrowed. `uvm_fault_upper_loan()`.
 *
 * => map, amap and (if the page is borrowed) object locked. When the answer is 0, map and amap still are, and the object too unless the
 *    page is the anon's own now; else nothing is.
 *
 * @returns 0; ENOMEM; or ERESTART
 */
export function* uvmFaultUpperLoan(this: Uvm, fault: FaultContext, anon: Anon, object: UvmObject | null): Step<Errno> {
  if (!fault.cowNow) {
    fault.enterProtection &= ~PROT_WRITE;
    return 0;
  }
  // Where others have the anon as well it is copied in any case.
  if (anon.references > 1) return 0;
  if ((yield* this.uvmLoanbreakAnon(anon, object)) === 0) return 0;
  yield* this.uvmfaultUnlockall(fault, fault.entry.amap, object);
  return yield* this.uvmFaultNoLoanbreak('flt_noram2');
}

/**
 * A fault on an object's page that is on loan. Part of `uvm_fault_lower_direct()`.
 *
 * => map, amap and object locked, page busy; still so, with the new page busy, when a page is the answer; else nothing.
 *
 * @returns the page to map; or minus ENOMEM or ERESTART
 */
export function* uvmFaultLowerDirectLoan(
  this: Uvm,
  fault: FaultContext,
  object: UvmObject,
  page: Pfn,
): Step<{ readonly page: Pfn } | Errno> {
  if (!fault.cowNow) {
    fault.enterProtection &= ~PROT_WRITE;
    return { page };
  }
  const fresh = yield* this.uvmLoanbreak(page);
  if (fresh !== NO_PAGE) return { page: fresh };
  yield* this.uvmPageUnbusyOne(page);
  yield* this.uvmfaultUnlockall(fault, fault.entry.amap, object);
  return yield* this.uvmFaultNoLoanbreak('flt_noram4');
}

/** There was no memory to break a loan with. NetBSD waits whether or not there ever will be: docs/decisions/0006-departures.md. */
export function* uvmFaultNoLoanbreak(this: Uvm, message: string): Step<Errno> {
  this.uvmexp.fltnoram++;
  if (!this.uvmReclaimable()) return ENOMEM;
  yield* this.uvmWait(message);
  return ERESTART;
}
