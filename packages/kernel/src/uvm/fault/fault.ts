/**
 * Page faults. `uvm_fault()`, sys/uvm/uvm_fault.c.
 *
 *             CASE 1A         CASE 1B                  CASE 2A        CASE 2B
 *     read       │ write         │ write                  │ r/w          │ write, or zero fill
 *                v               v                        v              v
 *     amap    [anon]          [anon]──copy──>[new]     [ none ]       [ none ]──────>[new]
 *                                                          │              ^
 *     object                                            [page]         [page or nothing]
 *
 *     1A  the upper layer has the page, and it may be used as it is
 *     1B  the upper layer has the page, but shares it: copy it
 *     2A  the lower layer has the page, and it may be used as it is
 *     2B  the page is to be promoted to the upper layer: copied from the lower one, or zero-filled
 *
 * Outline: `check` finds the entry and gives it an upper layer of its own if need be; `upper lookup` maps neighbours and tells
 * which case it is; `upper` or `lower` resolves it. Whenever a lock had to go, everything is looked up once more (ERESTART).
 *
 * Lock order: map (read) -> amap -> object -> page queues. No lock is held while the fault sleeps, except that a page may be busy.
 */
import { EACCES, EAGAIN, EFAULT, ERESTART, type Errno } from '../../kern/errno.js';
import { HZ } from '../../kern/scheduler.js';
import { pause } from '../../kern/sleepq.js';
import type { Step } from '../../kern/switch.js';
import { asOffset, asVa, PAGE_SIZE, type Pfn, pfnToPa, truncPage, type Va } from '../../machine/address.js';
import { PMAP_CANFAIL, PMAP_WIRED } from '../../machine/pmap.js';
import { PROT_NONE, PROT_WRITE, type Protection } from '../../machine/protection.js';
import { MADV_SEQUENTIAL } from '../../vm/mman.js';
import type { Anon } from '../anon/anon.js';
import type { FaultCase } from '../events.js';
import { VM_MAP_PAGEABLE, type VmMap } from '../map/vm-map.js';
import { PGO_DEACTIVATE, PGO_DONTCARE, PGO_WANTED_PAGE, type UvmObject } from '../object/object.js';
import { NO_PAGE, PG_BUSY, PG_CLEAN, PG_FAKE } from '../page/page-array.js';
import type { Uvm } from '../uvm.js';
import { FaultContext, type FaultFlags, WINDOWS } from './fault-context.js';

/** A fault that a processor met. */
const ORDINARY: FaultFlags = { wire: false, maxProtection: false };

/**
 * Resolves a fault. `uvm_fault()`. => nothing locked.
 *
 * @param access `PROT_READ`, `PROT_WRITE` or `PROT_EXEC`
 * @returns 0; EFAULT nothing is mapped there; EACCES not for this access; EINVAL beyond the end of the file; EIO; ENOMEM
 */
export function* uvmFault(this: Uvm, map: VmMap, va: Va, access: Protection): Step<Errno> {
  return yield* this.uvmFaultInternal(map, va, access, ORDINARY);
}

/** Resolves a fault of any kind; tries until it is resolved or cannot be. `uvm_fault_internal()`. => nothing locked. */
export function* uvmFaultInternal(this: Uvm, map: VmMap, va: Va, access: Protection, flags: FaultFlags): Step<Errno> {
  const { uvmexp, kern } = this;
  uvmexp.faults++;
  if (flags.wire) uvmexp.fltwire++;
  const fault = new FaultContext(map, truncPage(va), access, flags);
  if (kern.log.on) this.log({ kind: 'fault', map: map.id, va: fault.va, access, wire: flags.wire });
  let errno: Errno;
  do {
    kern.announce('ReFault', fault.va, access, flags.wire ? 1 : 0);
    fault.access = access;
    errno = yield* this.uvmFaultOnce(fault);
  } while (errno === ERESTART);
  if (fault.spareAnon !== null) this.uvmAnonFree(fault.spareAnon);
  if (errno === 0) this.uvmpdKeptPromise();
  if (errno !== 0 && kern.log.on) this.log({ kind: 'fault-failed', va: fault.va, errno });
  return errno;
}

/** One try. The body of the loop in `uvm_fault_internal()`. @returns 0, an errno, or ERESTART */
export function* uvmFaultOnce(this: Uvm, fault: FaultContext): Step<Errno> {
  const errno = yield* this.uvmFaultCheck(fault);
  if (errno !== 0) return errno;
  const shadowed = yield* this.uvmFaultUpperLookup(fault);
  return shadowed ? yield* this.uvmFaultUpper(fault) : yield* this.uvmFaultLower(fault);
}

/**
 * Finds the entry, checks the access, and gives the entry an upper layer of its own if the fault will write to it.
 * `uvm_fault_check()`.
 *
 * => nothing locked on entry; on success the map is read-locked and the amap, if any, locked.
 */
export function* uvmFaultCheck(this: Uvm, fault: FaultContext): Step<Errno> {
  if (!(yield* this.uvmfaultLookup(fault, { write: false }))) return EFAULT;
  const { entry } = fault;
  if ((fault.map.flags & VM_MAP_PAGEABLE) === 0 && this.kern.diagnostic) {
    this.kern.panic('uvm_fault: (ufi->map->flags & VM_MAP_PAGEABLE) == 0');
  }

  const allowed = fault.flags.maxProtection ? entry.maxProtection : entry.protection;
  if ((fault.access & allowed) !== fault.access) {
    yield* this.uvmfaultUnlockmaps(fault, { write: false });
    return EACCES;
  }
  fault.enterProtection = entry.protection;
  fault.wireMapping = fault.flags.wire || entry.wiredCount > 0;
  if (fault.wireMapping) {
    fault.access = fault.enterProtection;
    fault.cowNow = (allowed & PROT_WRITE) !== 0;
  } else {
    fault.cowNow = (fault.access & PROT_WRITE) !== 0;
  }

  if (entry.needsCopy) {
    if (fault.cowNow || entry.object === null) {
      this.kern.kassert(!fault.flags.maxProtection, '(fault_flag & UVM_FAULT_MAXPROT) == 0');
      yield* this.uvmfaultUnlockmaps(fault, { write: false });
      yield* this.uvmfaultAmapcopy(fault);
      this.uvmexp.fltamcopy++;
      return ERESTART;
    }
    // The upper layer still belongs to someone else too, so this mapping must not write to it.
    fault.enterProtection &= ~PROT_WRITE;
  }
  if (entry.amap === null && entry.object === null) {
    yield* this.uvmfaultUnlockmaps(fault, { write: false });
    return EFAULT;
  }
  setWindow(fault);
  if (entry.amap !== null) yield* entry.amap.lock.enter();
  this.amapLookups(entry, fault.startVa - entry.start, fault.pages, fault.anons);
  if (entry.advice === MADV_SEQUENTIAL && fault.center > 0) yield* this.uvmFaultFlushBehind(fault);
  return 0;
}

/** Which pages around the faulting one to look at; only the first try looks at more than that one. */
function setWindow(fault: FaultContext): void {
  const { entry, va } = fault;
  let back = 0;
  let ahead = 0;
  if (!fault.narrow) {
    const window = WINDOWS[entry.advice];
    back = Math.min(window.back, (va - entry.start) / PAGE_SIZE);
    ahead = Math.min(window.ahead, (entry.end - va) / PAGE_SIZE - 1);
    fault.narrow = true;
  }
  fault.startVa = asVa(va - back * PAGE_SIZE);
  fault.pages = back + ahead + 1;
  fault.center = back;
}

/** A sequential reader will not come back: deactivates what lies behind it, and forgets about that part of the window. => as check. */
export function* uvmFaultFlushBehind(this: Uvm, fault: FaultContext): Step<void> {
  const { entry, center: back } = fault;
  if (entry.amap !== null) yield* this.uvmfaultAnonflush(fault.anons.slice(0, back));
  if (entry.object !== null) {
    const offset = entry.offset + (fault.startVa - entry.start);
    yield* entry.object.lock.enter();
    yield* entry.object.put(this, asOffset(offset), asOffset(offset + back * PAGE_SIZE), PGO_DEACTIVATE);
  }
  fault.anons.splice(0, back);
  fault.startVa = fault.va;
  fault.pages -= back;
  fault.center = 0;
}

/** Deactivates the pages of anons. `uvmfault_anonflush()`. => amap locked. */
export function* uvmfaultAnonflush(this: Uvm, anons: readonly (Anon | null)[]): Step<void> {
  for (const anon of anons) {
    if (anon === null || anon.page === NO_PAGE || this.pages.flags(anon.page) & PG_BUSY) continue;
    yield* this.pageqLock.enter();
    if (this.pages.wireCount(anon.page) === 0) this.uvmPagedeactivate(anon.page);
    yield* this.pageqLock.exit();
  }
}

/**
 * Maps the neighbours that the upper layer has in memory. `uvm_fault_upper_lookup()`. => locked as `check` left it.
 *
 * @returns whether the upper layer has the faulting page: case 1
 */
export function* uvmFaultUpperLookup(this: Uvm, fault: FaultContext): Step<boolean> {
  const { machine, pages } = this;
  const { anons } = fault;
  const { pmap } = fault.originalMap;
  const slots = fault.entry.object === null ? null : fault.slots;
  if (slots !== null && slots.length > fault.pages) slots.length = fault.pages;
  let shadowed = false;
  for (let i = 0; i < fault.pages; i++) {
    const anon = anons[i] ?? null;
    // Without a lower layer there is nothing to be asked of it.
    if (anon === null && slots === null) continue;
    const va = asVa(fault.startVa + i * PAGE_SIZE);
    const mapped = i !== fault.center && machine.pmapExtract(pmap, va) >= 0;
    if (slots !== null) slots[i] = mapped || anon !== null ? PGO_DONTCARE : PGO_WANTED_PAGE;
    if (mapped || anon === null) continue;
    if (i === fault.center) shadowed = true;
    else if (anon.page !== NO_PAGE && pages.loanCount(anon.page) === 0 && (pages.flags(anon.page) & PG_BUSY) === 0) {
      yield* this.uvmFaultUpperNeighbor(fault, va, anon);
    }
  }
  machine.pmapUpdate(pmap);
  return shadowed;
}

/** Maps a neighbour out of the upper layer; that it may fail is no matter. `uvm_fault_upper_neighbor()`. => amap locked. */
export function* uvmFaultUpperNeighbor(this: Uvm, fault: FaultContext, va: Va, anon: Anon): Step<void> {
  const protection = anon.references > 1 ? fault.enterProtection & ~PROT_WRITE : fault.enterProtection;
  this.uvmexp.fltnamap++;
  yield* this.uvmFaultMapPage(fault, va, anon.page, protection, PROT_NONE);
}

/** Case 1: the upper layer has the page. `uvm_fault_upper()`. => locked as `check` left it; nothing locked on return. */
export function* uvmFaultUpper(this: Uvm, fault: FaultContext): Step<Errno> {
  const anon = fault.anons[fault.center] ?? this.kern.panic('uvm_fault_upper: no anon');
  const amap = fault.entry.amap ?? this.kern.panic('uvm_fault_upper: no amap');
  const errno = yield* this.uvmfaultAnonget(fault, amap, anon);
  if (errno === EAGAIN) {
    yield* pause(this.kern.scheduler, 'fltagain1', HZ / 2);
    return ERESTART;
  }
  if (errno !== 0) return errno;
  // The object that the page is borrowed from, locked.
  let lender = this.pages.uobject(anon.page);
  if (this.pages.loanCount(anon.page) > 0) {
    const loaned = yield* this.uvmFaultUpperLoan(fault, anon, lender);
    if (loaned !== 0) return loaned;
    // It may have a page of its own by now.
    lender = this.pages.uobject(anon.page);
  }
  return fault.cowNow && anon.references > 1
    ? yield* this.uvmFaultUpperPromote(fault, anon, lender)
    : yield* this.uvmFaultUpperDirect(fault, anon, lender);
}

/** Case 1B: copies an anon that others have too. `uvm_fault_upper_promote()`. => map and amap locked, and the lender of the page. */
export function* uvmFaultUpperPromote(this: Uvm, fault: FaultContext, old: Anon, lender: UvmObject | null): Step<Errno> {
  this.uvmexp.flt_acow++;
  const promoted = yield* this.uvmfaultPromote(fault, old, PGO_DONTCARE, lender);
  if (typeof promoted === 'number') return promoted;
  const { page } = promoted;
  yield* this.pageqLock.enter();
  this.uvmPageenqueue(page);
  yield* this.pageqLock.exit();
  this.pages.clearFlags(page, PG_BUSY | PG_FAKE);
  this.uvmPageOwn(page, null);
  this.kern.kassert(old.references > 1, 'oanon->an_ref > 1');
  old.references--;
  return yield* this.uvmFaultUpperEnter(fault, { page, lender, which: '1B', from: old.page });
}

/** Case 1A: uses an anon as it is. `uvm_fault_upper_direct()`. => map and amap locked, and the lender of the page. */
export function* uvmFaultUpperDirect(this: Uvm, fault: FaultContext, anon: Anon, lender: UvmObject | null): Step<Errno> {
  this.uvmexp.flt_anon++;
  if (anon.references > 1) fault.enterProtection &= ~PROT_WRITE;
  return yield* this.uvmFaultUpperEnter(fault, { page: anon.page, lender, which: '1A', from: null });
}

/**
 * Maps the page of the upper layer. `uvm_fault_upper_enter()`.
 *
 * => map and amap locked, and the object that lends the anon its page, if one does; nothing locked on return.
 */
export function* uvmFaultUpperEnter(
  this: Uvm,
  fault: FaultContext,
  found: { readonly page: Pfn; readonly lender: UvmObject | null; readonly which: FaultCase; readonly from: Pfn | null },
): Step<Errno> {
  const { page, lender, which, from } = found;
  const errno = yield* this.uvmFaultMapPage(fault, fault.va, page, fault.enterProtection, fault.access);
  if (errno === 0 && fault.wirePaging) {
    // It will not be paged out for a while, so its slot is of more use to others. A page that is borrowed has none.
    this.pages.clearFlags(page, PG_CLEAN);
    const anon = this.pages.uanon(page);
    if (anon !== null) this.uvmAnonDropswap(anon);
  }
  this.machine.pmapUpdate(fault.originalMap.pmap);
  if (errno === 0 && this.kern.log.on) this.log({ kind: 'fault-resolved', va: fault.va, case: which, page, from });
  yield* this.uvmfaultUnlockall(fault, fault.entry.amap, lender);
  return errno === 0 ? 0 : yield* this.uvmFaultOutOfMappings('flt_pmfail1');
}

/**
 * Enters a mapping, and puts the page on a queue or wires it.
 *
 * => page owner locked.
 *
 * In a wired entry, and in one that is being wired, each page that is mapped is wired once for the entry, whichever fault it was that
 * brought it in; one whose place it takes is unwired. NetBSD counts those of wiring faults only: docs/decisions/0006-departures.md.
 *
 * @param access what the page is used for now; `PROT_NONE` for a neighbour
 * @returns 0, or ENOMEM when there was no memory for a page table
 */
export function* uvmFaultMapPage(
  this: Uvm,
  fault: FaultContext,
  va: Va,
  page: Pfn,
  protection: Protection,
  access: Protection,
): Step<Errno> {
  const { machine } = this;
  const { pmap } = fault.originalMap;
  const { wireMapping } = fault;
  const forEntry = fault.entry.wiredCount > 0 || fault.flags.maxProtection;
  // A wiring for the time being, as of vslock, counts by itself.
  const transient = fault.wirePaging && !fault.flags.maxProtection;
  const flags = access | PMAP_CANFAIL | (wireMapping ? PMAP_WIRED : 0);
  const before = wireMapping && forEntry ? this.uvmEntryWiredPage(pmap, va) : NO_PAGE;
  const errno = machine.pmapEnter(pmap, va, pfnToPa(page), protection, flags);
  yield* this.pageqLock.enter();
  if (errno === 0 && wireMapping) {
    if (before !== NO_PAGE && before !== page) this.uvmPageunwire(before);
    if (forEntry && before !== page) this.uvmPagewire(page);
    if (transient) {
      this.uvmPagewire(page);
      fault.flags.vslock?.note(va, page);
    }
  } else if (access === PROT_NONE || errno !== 0) {
    this.uvmPageenqueue(page);
  } else {
    this.uvmPageactivate(page);
  }
  yield* this.pageqLock.exit();
  return errno;
}
