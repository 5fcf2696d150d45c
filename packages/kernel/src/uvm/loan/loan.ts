/**
 * Page loans: a page is lent to the kernel, or to an anon, instead of being copied. sys/uvm/uvm_loan.c.
 *
 *     O -> K   object's page to the kernel     A -> K   anon's page to the kernel      zero -> K   in the place of what nobody has stored to
 *     O -> A   object's page to an anon        A -> A   one anon, one more reference   zero -> A
 *
 *      owner ──────────> page <────── kernel mapping, read-only (`kernel-loan.ts`)     loan_count: 1 for each loan to the kernel,
 *     (object or anon)     ^                                                                       and 1 for the anon that borrows
 *                          └───────── anon that borrows: `uanon` is set, PQ_ANON is not
 *
 * While a page is on loan nobody may store to it: all mappings are read-only, and who stores breaks the loan, that is, gets a new page
 * and leaves the old one to the borrowers (`loan-break.ts`). So does an owner who frees the page. A page without an owner is an
 * orphan; it goes with the last loan (`unloan.ts`), or its borrowing anon adopts it.
 *
 * A page that is wired is not lent. A page on loan may be wired, though: by a fault that only reads. That, and `uvm_vslock()`, is the
 * problem of 2003 which NetBSD has to this day.
 *
 * Lock order: map (read) -> amap -> object -> page queues. `loan_count` changes under both the owner's lock and that of the page queues.
 */
import { EAGAIN, EBUSY, EINVAL, ENOENT, ERESTART, type Errno } from '../../kern/errno.js';
import { HZ } from '../../kern/scheduler.js';
import { pause } from '../../kern/sleepq.js';
import type { Step } from '../../kern/switch.js';
import { asOffset, asVa, PAGE_SIZE, type Pfn, type Va } from '../../machine/address.js';
import { PROT_EXEC, PROT_READ } from '../../machine/protection.js';
import { MADV_NORMAL } from '../../vm/mman.js';
import type { Anon } from '../anon/anon.js';
import { FaultContext, type FaultFlags } from '../fault/fault-context.js';
import type { VmMap } from '../map/vm-map.js';
import { type PageSlot, PGO_LOCKED, PGO_SYNCIO, PGO_WANTED_PAGE, type UvmObject } from '../object/object.js';
import { NO_PAGE, PG_BUSY, PG_PAGEOUT, PG_RELEASED, PQ_ANON } from '../page/page-array.js';
import type { Uvm } from '../uvm.js';
import type { LoanOutput, LoanStep } from './loan-output.js';

/** A lookup that is no fault. */
const LOOKUP: FaultFlags = { wire: false, maxProtection: false };

/** Pages of an object that are lent at once. `UVM_LOAN_GET_CHUNK` */
const CHUNK = 16;

/**
 * Lends the pages of a range. `uvm_loan()`. => map unlocked; may sleep.
 *
 * @param start first address, page aligned
 * @param length bytes, whole pages
 * @param output says to whom, and takes what was lent
 * @returns 0; ENOENT when part of the range is not mapped; EINVAL when a page cannot be lent, such as a wired one. Then nothing is lent.
 */
export function* uvmLoan(this: Uvm, map: VmMap, start: Va, length: number, output: LoanOutput): Step<Errno> {
  let errno: Errno = 0;
  while (errno === 0 && output.count * PAGE_SIZE < length) {
    const va = asVa(start + output.count * PAGE_SIZE);
    const fault = new FaultContext(map, va, PROT_READ, LOOKUP);
    if (!(yield* this.uvmfaultLookup(fault, { write: false }))) errno = ENOENT;
    else if (!(yield* this.uvmLoanentry(fault, asVa(start + length), output))) errno = EINVAL;
  }
  if (errno !== 0) yield* this.uvmUnloan(output);
  return errno;
}

/**
 * Lends pages of an entry, from the address that was looked up to the end of the entry or of the range. `uvm_loanentry()`.
 *
 * => map read-locked on entry; nothing locked on return.
 *
 * @returns false when a page cannot be lent; true when all could, or the entry has to be looked up again to go on
 */
export function* uvmLoanentry(this: Uvm, fault: FaultContext, end: Va, output: LoanOutput): Step<boolean> {
  const { entry } = fault;
  const { amap, object } = entry;
  if (amap !== null) yield* amap.lock.enter();
  for (let va: number = fault.va; va < Math.min(end, entry.end); va += PAGE_SIZE) {
    const anon = this.amapLookup(entry, va - entry.start);
    let lent: LoanStep = 'refused';
    if (anon !== null) lent = yield* this.uvmLoananon(fault, anon, output);
    else if (object !== null) lent = yield* this.uvmLoanuobj(fault, object, asVa(va), output);
    else if (entry.copyOnWrite) lent = yield* this.uvmLoanzero(fault, output);
    else yield* this.uvmfaultUnlockall(fault, amap, null);
    if (lent !== 'lent') return lent === 'again';
  }
  yield* this.uvmfaultUnlockall(fault, amap, null);
  return true;
}

/**
 * Lends an anon's page to the kernel, or the anon. `uvm_loananon()`. => map and amap locked; still so when it was lent, else nothing.
 */
export function* uvmLoananon(this: Uvm, fault: FaultContext, anon: Anon, output: LoanOutput): Step<LoanStep> {
  const { machine, pages } = this;
  const amap = fault.entry.amap ?? this.kern.panic('uvm_loananon: no amap');
  if (output.to === 'anon') {
    const { page } = anon;
    if (page !== NO_PAGE && pages.pqflags(page) & PQ_ANON && anon.references === 1) {
      if (pages.wireCount(page) > 0) {
        yield* this.uvmfaultUnlockall(fault, amap, null);
        return 'refused';
      }
      // Two will have it: the next store copies it.
      machine.pmapPageProtect(page, PROT_READ | PROT_EXEC);
    }
    anon.references++;
    output.anons.push(anon);
    this.anonLoans.push(anon);
    return 'lent';
  }

  const errno = yield* this.uvmfaultAnonget(fault, amap, anon);
  if (errno === EAGAIN) yield* pause(this.kern.scheduler, 'loanagain', HZ / 2);
  if (errno !== 0) return errno === ERESTART || errno === EAGAIN ? 'again' : 'refused';
  const { page } = anon;
  const object = pages.uobject(page);
  if (pages.wireCount(page) > 0) {
    yield* this.uvmfaultUnlockall(fault, amap, object);
    return 'refused';
  }
  yield* this.uvmPageLend(page);
  output.pages.push(page);
  if (object !== null) yield* object.lock.exit();
  return 'lent';
}

/** Counts one more loan of a page, which nobody can store to from now on. => owner locked, page not wired. */
export function* uvmPageLend(this: Uvm, pfn: Pfn): Step<void> {
  const { kern, pages } = this;
  if (pages.loanCount(pfn) === 0) this.machine.pmapPageProtect(pfn, PROT_READ | PROT_EXEC);
  yield* this.pageqLock.enter();
  this.uvmPageCountLoan(pfn);
  this.uvmPageactivate(pfn);
  yield* this.pageqLock.exit();
  if (kern.log.on) this.log({ kind: 'loan', page: pfn, count: pages.loanCount(pfn) });
}

/** Raises the loan count. => owner and page queues locked. */
export function uvmPageCountLoan(this: Uvm, pfn: Pfn): void {
  const { kern, pages } = this;
  pages.setLoanCount(pfn, pages.loanCount(pfn) + 1);
  kern.kassert(pages.loanCount(pfn) > 0, 'pg->loan_count > 0');
}

/**
 * Lends busy pages of an object to the kernel; they are given up in any case. `uvm_loanpage()`.
 *
 * => object locked; on an error it may have been unlocked meanwhile.
 *
 * @returns 0, or EBUSY when one is wired; then none is lent
 */
export function* uvmLoanpage(this: Uvm, object: UvmObject, busy: readonly Pfn[]): Step<Errno> {
  const { kern, pages } = this;
  let lent = 0;
  for (; lent < busy.length; lent++) {
    const page = busy[lent] ?? NO_PAGE;
    kern.kassert(pages.uobject(page) === object, 'pg->uobject == pgpp[0]->uobject');
    kern.kassert((pages.flags(page) & (PG_RELEASED | PG_PAGEOUT)) === 0, '!(pg->flags & (PG_RELEASED|PG_PAGEOUT))');
    kern.kassert(object.lock.owned, 'mutex_owned(pg->uobject->vmobjlock)');
    kern.kassert((pages.flags(page) & PG_BUSY) !== 0, 'pg->flags & PG_BUSY');
    if (pages.wireCount(page) > 0) break;
    yield* this.uvmPageLend(page);
  }
  yield* this.uvmPageUnbusy(busy);
  if (lent === busy.length) return 0;
  yield* object.lock.exit();
  yield* this.uvmUnloanpage(busy.slice(0, lent));
  yield* object.lock.enter();
  return EBUSY;
}

/**
 * Lends an object's page. `uvm_loanuobj()`. => map and amap locked; still so when it was lent, else nothing. May sleep for I/O.
 */
export function* uvmLoanuobj(this: Uvm, fault: FaultContext, from: UvmObject, va: Va, output: LoanOutput): Step<LoanStep> {
  const { amap } = fault.entry;
  yield* from.lock.enter();
  const slots: PageSlot[] = [PGO_WANTED_PAGE];
  const errno = yield* this.uvmLoanGet(fault, from, va, slots, PGO_LOCKED);
  if (errno !== 0 && errno !== EBUSY) {
    yield* this.uvmfaultUnlockall(fault, amap, from);
    return 'refused';
  }
  const known = errno === 0 ? from : yield* this.uvmLoanuobjIo(fault, from, va, slots);
  if (typeof known === 'string') return known;
  const page = slots[0] ?? NO_PAGE;
  // Pages of a file that is memory itself are those of an anonymous object, which has the same lock.
  const object = this.pages.uobject(page) ?? known;
  if (output.to === 'anon') return yield* this.uvmLoanuobjAnon(fault, object, page, output);
  if ((yield* this.uvmLoanpage(object, [page])) !== 0) {
    yield* this.uvmfaultUnlockall(fault, amap, object);
    return 'refused';
  }
  output.pages.push(page);
  yield* object.lock.exit();
  return 'lent';
}

/** Asks an object for the page at an address, to read it. => as `UvmObject.get` */
export function* uvmLoanGet(
  this: Uvm,
  fault: FaultContext,
  object: UvmObject,
  va: Va,
  slots: PageSlot[],
  flags: number,
): Step<Errno> {
  const offset = asOffset(fault.entry.offset + (va - fault.entry.start));
  return yield* object.get(this, { offset, slots, center: 0, access: PROT_READ, advice: MADV_NORMAL, flags });
}

/**
 * Has the object bring the page in, which takes time, and checks that nothing has changed meanwhile. Part of `uvm_loanuobj()`.
 *
 * => map, amap and object locked on entry; so too, with the page busy, when the object is the answer; else nothing.
 * => NetBSD looks whether the slot of the first address of the loan has been filled, whichever page this is:
 *    docs/decisions/0006-departures.md.
 *
 * @returns the object that has the page now
 */
export function* uvmLoanuobjIo(
  this: Uvm,
  fault: FaultContext,
  from: UvmObject,
  va: Va,
  slots: PageSlot[],
): Step<UvmObject | 'again' | 'refused'> {
  const { entry } = fault;
  const { amap } = entry;
  yield* this.uvmfaultUnlockall(fault, amap, null);
  slots[0] = PGO_WANTED_PAGE;
  const errno = yield* this.uvmLoanGet(fault, from, va, slots, PGO_SYNCIO);
  if (errno === EAGAIN) {
    yield* pause(this.kern.scheduler, 'fltagain2', HZ / 2);
    return 'again';
  }
  if (errno !== 0) return 'refused';

  const page = slots[0] ?? NO_PAGE;
  let locked = yield* this.uvmfaultRelock(fault);
  if (locked && amap !== null) yield* amap.lock.enter();
  const object = this.pages.uobject(page) ?? this.kern.panic('uvm_loanuobj: page without an object');
  yield* object.lock.enter();
  yield* this.pageqLock.enter();
  this.uvmPageenqueue(page);
  yield* this.pageqLock.exit();
  const released = (this.pages.flags(page) & PG_RELEASED) !== 0;
  if (locked && (released || this.amapLookup(entry, va - entry.start) !== null)) {
    yield* this.uvmfaultUnlockall(fault, amap, null);
    locked = false;
  }
  if (locked) return object;
  yield* this.uvmPageUnbusyOne(page);
  yield* object.lock.exit();
  return 'again';
}

/**
 * Lends pages of an object to the kernel, which has no map of them: a file server. `uvm_loanuobjpages()`.
 *
 * => object unlocked; may sleep for I/O.
 *
 * @returns the pages; or EBUSY when one is wired, or the error of the pager. Then nothing is lent.
 */
export function* uvmLoanuobjpages(this: Uvm, object: UvmObject, offset: number, count: number): Step<Pfn[] | Errno> {
  const lent: Pfn[] = [];
  while (lent.length < count) {
    const at = asOffset(offset + lent.length * PAGE_SIZE);
    const chunk = yield* this.uvmLoanuobjchunk(object, at, Math.min(CHUNK, count - lent.length));
    if (typeof chunk === 'number') {
      yield* this.uvmUnloanpage(lent);
      return chunk;
    }
    lent.push(...chunk);
  }
  return lent;
}

/** Lends a few pages of an object. `uvm_loanuobjchunk()`. => object unlocked */
export function* uvmLoanuobjchunk(this: Uvm, object: UvmObject, offset: number, count: number): Step<Pfn[] | Errno> {
  for (;;) {
    const slots: PageSlot[] = Array.from({ length: count }, () => PGO_WANTED_PAGE);
    yield* object.lock.enter();
    const request = { offset: asOffset(offset), slots, center: 0, access: PROT_READ, advice: MADV_NORMAL, flags: PGO_SYNCIO };
    const failed = yield* object.get(this, request);
    if (failed === EAGAIN) {
      yield* pause(this.kern.scheduler, 'loanuopg', HZ / 2);
      continue;
    }
    if (failed !== 0) return failed;
    yield* object.lock.enter();
    if (slots.some((page) => this.pages.flags(page) & PG_RELEASED)) {
      yield* this.uvmPageUnbusy(slots);
      yield* object.lock.exit();
      continue;
    }
    const errno = yield* this.uvmLoanpage(object, slots);
    yield* object.lock.exit();
    return errno === 0 ? slots : errno;
  }
}
