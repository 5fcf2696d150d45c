/** Page faults, case 2: the lower layer. The picture is in `fault.ts`. sys/uvm/uvm_fault.c. */
import { EAGAIN, EIO, ERESTART, type Errno } from '../../kern/errno.js';
import { HZ } from '../../kern/scheduler.js';
import { pause } from '../../kern/sleepq.js';
import type { Step } from '../../kern/switch.js';
import { asOffset, asVa, PAGE_SIZE, type Pfn, type Va } from '../../machine/address.js';
import { PROT_NONE, PROT_WRITE } from '../../machine/protection.js';
import { AMAP_SHARED } from '../anon/amap.js';
import type { FaultCase } from '../events.js';
import { UvmAobj } from '../object/aobj.js';
import {
  type GetRequest,
  isPage,
  type PageSlot,
  PGO_DONTCARE,
  PGO_LOCKED,
  PGO_SYNCIO,
  PGO_WANTED_PAGE,
  type UvmObject,
} from '../object/object.js';
import { NO_PAGE, PG_BUSY, PG_CLEAN, PG_FAKE, PG_RDONLY, PG_RELEASED, PG_WANTED, PQ_AOBJ } from '../page/page-array.js';
import type { Uvm } from '../uvm.js';
import type { FaultContext } from './fault-context.js';

/**
 * Case 2: the page is the lower layer's business, or nobody's. `uvm_fault_lower()`. => locked as `check` left it; nothing locked on
 * return.
 */
export function* uvmFaultLower(this: Uvm, fault: FaultContext): Step<Errno> {
  const { entry } = fault;
  if (entry.object === null) return yield* this.uvmFaultLowerPromote(fault, null, PGO_DONTCARE);
  if (entry.object.fault !== undefined) {
    yield* entry.object.lock.enter();
    return yield* entry.object.fault(this, fault);
  }

  yield* this.uvmFaultLowerLookup(fault, entry.object);
  let page = fault.slots[fault.center] ?? PGO_WANTED_PAGE;
  this.kern.kassert(page !== PGO_DONTCARE, 'uobjpage != PGO_DONTCARE');
  let object: UvmObject = entry.object;
  const promote = fault.cowNow && entry.copyOnWrite;
  if (!isPage(page)) {
    const got = yield* this.uvmFaultLowerIo(fault, entry.object);
    if (typeof got === 'number') return got;
    object = got.object;
    page = got.page;
  }
  this.kern.kassert((this.pages.flags(page) & PG_BUSY) !== 0, 'uobj == NULL || (uobjpage->flags & PG_BUSY) != 0');
  // Where the object stands before another one, which has the pages, the two have one lock.
  this.kern.kassert(this.pages.uobject(page)?.lock === object.lock, 'uobj == NULL || uobj == uobjpage->uobject');
  return promote ? yield* this.uvmFaultLowerPromote(fault, object, page) : yield* this.uvmFaultLowerDirect(fault, object, page);
}

/** Gets what the object has in memory, and maps the neighbours. `uvm_fault_lower_lookup()`. => object locked on return. */
export function* uvmFaultLowerLookup(this: Uvm, fault: FaultContext, object: UvmObject): Step<void> {
  const { entry, slots } = fault;
  yield* object.lock.enter();
  this.uvmexp.fltlget++;
  yield* object.get(this, getRequest(fault, fault.startVa, slots, fault.center, PGO_LOCKED));
  for (let i = 0; i < fault.pages; i++) {
    const page = slots[i] ?? PGO_DONTCARE;
    if (i === fault.center || !isPage(page)) continue;
    const fixed = (this.pages.flags(page) & PG_RDONLY) !== 0 || this.pages.loanCount(page) > 0;
    const readOnly = fixed || object.needsWriteFault || entry.copyOnWrite;
    yield* this.uvmFaultLowerNeighbor(fault, asVa(fault.startVa + i * PAGE_SIZE), page, { readOnly });
  }
  this.machine.pmapUpdate(fault.originalMap.pmap);
}

/** Maps a neighbour out of the object; that it may fail is no matter. `uvm_fault_lower_neighbor()`. => object locked, page busy. */
export function* uvmFaultLowerNeighbor(
  this: Uvm,
  fault: FaultContext,
  va: Va,
  page: Pfn,
  options: { readOnly: boolean },
): Step<void> {
  const protection = options.readOnly ? fault.enterProtection & ~PROT_WRITE : fault.enterProtection;
  this.uvmexp.fltnomap++;
  yield* this.uvmFaultMapPage(fault, va, page, protection, PROT_NONE);
  yield* this.uvmPageUnbusyOne(page);
}

/** What an object is asked for, from an address on. A private mapping never writes to it. */
function getRequest(fault: FaultContext, from: Va, slots: PageSlot[], center: number, flags: number): GetRequest {
  const { entry, access } = fault;
  return {
    offset: asOffset(entry.offset + (from - entry.start)),
    slots,
    center,
    access: entry.copyOnWrite ? access & ~PROT_WRITE : access,
    advice: entry.advice,
    flags,
  };
}

/**
 * Has the object bring the page in, which takes time; then checks that nothing has changed meanwhile. `uvm_fault_lower_io()`.
 *
 * => map, amap and object locked on entry; so too on success, with the page busy; nothing locked otherwise.
 *
 * @returns the page and its object, or an errno or ERESTART
 */
export function* uvmFaultLowerIo(
  this: Uvm,
  fault: FaultContext,
  from: UvmObject,
): Step<{ page: Pfn; object: UvmObject } | Errno> {
  const { entry } = fault;
  const { amap } = entry;
  this.uvmexp.fltget++;
  const slots: PageSlot[] = [PGO_WANTED_PAGE];
  const request = getRequest(fault, fault.va, slots, 0, PGO_SYNCIO);
  yield* this.uvmfaultUnlockall(fault, amap, null);
  const errno = yield* from.get(this, request);
  if (errno === EAGAIN) {
    yield* pause(this.kern.scheduler, 'fltagain2', HZ / 2);
    return ERESTART;
  }
  if (errno !== 0) return errno === ERESTART ? EIO : errno;

  const page = slots[0] ?? NO_PAGE;
  this.kern.kassert(isPage(page), 'uobjpage != NULL');
  this.kern.kassert((this.pages.flags(page) & PG_BUSY) !== 0, '(pg->flags & PG_BUSY) != 0');
  let locked = yield* this.uvmfaultRelock(fault);
  if (locked && amap !== null) yield* amap.lock.enter();
  // Whose page it is may have changed: lock the object that has it now.
  const object = this.pages.uobject(page) ?? this.kern.panic('uvm_fault_lower_io: page without an object');
  yield* object.lock.enter();
  // It is in memory from now on, whether or not this fault gets to map it.
  yield* this.pageqLock.enter();
  this.uvmPageactivate(page);
  yield* this.pageqLock.exit();
  const released = (this.pages.flags(page) & PG_RELEASED) !== 0;
  if (locked && (released || this.amapLookup(entry, fault.offsetInEntry) !== null)) {
    yield* this.uvmfaultUnlockall(fault, amap, null);
    locked = false;
  }
  if (locked) return { page, object };
  if (released) this.uvmexp.fltpgrele++;
  yield* this.uvmPageUnbusyOne(page);
  yield* object.lock.exit();
  if (this.kern.log.on) this.log({ kind: 'fault-restart', va: fault.va, why: 'the map changed during I/O' });
  return ERESTART;
}

/** Case 2A: uses the object's page as it is. `uvm_fault_lower_direct()`. => map, amap, object locked, page busy. */
export function* uvmFaultLowerDirect(this: Uvm, fault: FaultContext, object: UvmObject, page: Pfn): Step<Errno> {
  this.uvmexp.flt_obj++;
  if (fault.entry.copyOnWrite || object.needsWriteFault) fault.enterProtection &= ~PROT_WRITE;
  if (this.pages.loanCount(page) === 0) return yield* this.uvmFaultLowerEnter(fault, object, page, '2A', null);
  const loaned = yield* this.uvmFaultLowerDirectLoan(fault, object, page);
  if (typeof loaned === 'number') return loaned;
  return yield* this.uvmFaultLowerEnter(fault, object, loaned.page, '2A', loaned.page === page ? null : page);
}

/**
 * Case 2B: promotes the object's page, or zeros, to the upper layer. `uvm_fault_lower_promote()`. => map and amap locked, and the
 * object if there is one, its page busy.
 */
export function* uvmFaultLowerPromote(this: Uvm, fault: FaultContext, object: UvmObject | null, source: PageSlot): Step<Errno> {
  const amap = fault.entry.amap ?? this.kern.panic('uvm_fault_lower_promote: no amap');
  // An object may have made it just now, and nobody is going to map it: docs/decisions/0006-departures.md.
  if (isPage(source) && this.pages.wireCount(source) === 0 && !this.policy.isQueued(source)) {
    yield* this.pageqLock.enter();
    this.uvmPageenqueue(source);
    yield* this.pageqLock.exit();
  }
  const promoted = yield* this.uvmfaultPromote(fault, null, source, object);
  if (typeof promoted === 'number') return promoted;
  if (object === null) {
    this.uvmexp.flt_przero++;
    return yield* this.uvmFaultLowerEnter(fault, null, promoted.page, '2B', null);
  }
  this.uvmexp.flt_prcopy++;
  // All who share the amap have to see the new page from now on.
  if (amap.flags & AMAP_SHARED) yield* this.uvmPageUnmap(source);
  yield* this.uvmPageUnbusyOne(source);
  yield* object.lock.exit();
  return yield* this.uvmFaultLowerEnter(fault, null, promoted.page, '2B', source);
}

/**
 * Maps the page of the lower layer, or the one that was promoted. `uvm_fault_lower_enter()`.
 *
 * => map, amap and object (if given) locked, page busy; nothing locked on return.
 */
export function* uvmFaultLowerEnter(
  this: Uvm,
  fault: FaultContext,
  object: UvmObject | null,
  page: Pfn,
  which: FaultCase,
  from: Pfn | null,
): Step<Errno> {
  const { pages } = this;
  const { amap } = fault.entry;
  const readOnly = (pages.flags(page) & PG_RDONLY) !== 0;
  this.kern.kassert(
    (fault.access & PROT_WRITE) === 0 || !readOnly,
    '(access_type & VM_PROT_WRITE) == 0 || (pg->flags & PG_RDONLY) == 0',
  );
  const protection = readOnly ? fault.enterProtection & ~PROT_WRITE : fault.enterProtection;
  const entered = (yield* this.uvmFaultMapPage(fault, fault.va, page, protection, fault.access)) === 0;
  if (entered && fault.wireMapping && pages.pqflags(page) & PQ_AOBJ) this.uvmFaultWireAobj(page);
  const wanted = (pages.flags(page) & PG_WANTED) !== 0;
  pages.clearFlags(page, PG_BUSY | PG_FAKE | PG_WANTED);
  this.uvmPageOwn(page, null);
  if (wanted) yield* this.uvmPageWakeup(page);
  this.machine.pmapUpdate(fault.originalMap.pmap);
  if (entered && this.kern.log.on) this.log({ kind: 'fault-resolved', va: fault.va, case: which, page, from });
  yield* this.uvmfaultUnlockall(fault, amap, object);
  return entered ? 0 : yield* this.uvmFaultOutOfMappings('flt_pmfail2');
}

/** What is wired is never read from swap again: drops its slot. Part of `uvm_fault_lower_enter()`. => object locked */
export function uvmFaultWireAobj(this: Uvm, page: Pfn): void {
  const aobj = this.pages.uobject(page);
  this.kern.kassert(aobj instanceof UvmAobj, 'uobj != NULL');
  this.pages.clearFlags(page, PG_CLEAN);
  this.uaoDropswap(aobj as UvmAobj, this.pages.offset(page) / PAGE_SIZE);
}
