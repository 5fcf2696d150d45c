/** What all cases of a page fault need: finding and locking, promotion, waiting for memory. The picture is in `fault.ts`. sys/uvm/uvm_fault.c. */
import { ENOMEM, ERESTART, type Errno } from '../../kern/errno.js';
import type { Step } from '../../kern/switch.js';
import { asOffset, asVa } from '../../machine/address.js';
import { AMAP_COPY_NOWAIT, type Amap } from '../anon/amap.js';
import type { Anon } from '../anon/anon.js';
import { isPage, type PageSlot, type UvmObject } from '../object/object.js';
import { NO_PAGE, UVM_PGA_ZERO } from '../page/page-array.js';
import type { Uvm } from '../uvm.js';
import type { FaultContext } from './fault-context.js';

/**
 * Gives the upper layer a page of its own: a copy of an anon, a copy of the object's page, or zeros. `uvmfault_promote()`.
 *
 * => map and amap locked, and the object if there is one, its page busy. On failure nothing is locked, and the object's page not busy.
 *
 * @returns the new anon, its page busy; or ENOMEM or ERESTART
 */
export function* uvmfaultPromote(
  this: Uvm,
  fault: FaultContext,
  old: Anon | null,
  objectPage: PageSlot,
  object: UvmObject | null,
): Step<Anon | Errno> {
  const { uvmexp } = this;
  const amap = fault.entry.amap ?? this.kern.panic('uvmfault_promote: no amap');
  const source = old !== null ? old.page : isPage(objectPage) ? objectPage : NO_PAGE;
  const anon = fault.spareAnon ?? this.uvmAnalloc(amap.lock);
  fault.spareAnon = null;
  let page = NO_PAGE;
  if (anon !== null) {
    anon.lock = amap.lock;
    page = yield* this.uvmPagealloc(null, asOffset(0), anon, source === NO_PAGE ? UVM_PGA_ZERO : 0);
  }
  if (anon !== null && page !== NO_PAGE) {
    if (source !== NO_PAGE) this.uvmPagecopy(source, page);
    yield* this.amapAdd(fault.entry, fault.offsetInEntry, anon, { replace: old !== null });
    return anon;
  }
  if (anon !== null) anon.lock = null;
  fault.spareAnon = anon;
  if (isPage(objectPage)) yield* this.uvmPageUnbusyOne(objectPage);
  yield* this.uvmfaultUnlockall(fault, amap, object);
  if (!this.uvmReclaimable()) {
    uvmexp.fltnoanon++;
    return ENOMEM;
  }
  uvmexp.fltnoram++;
  yield* this.uvmWait('flt_noram5');
  return ERESTART;
}

/** Makes the entry's upper layer its own. `uvmfault_amapcopy()`. => nothing locked. */
export function* uvmfaultAmapcopy(this: Uvm, fault: FaultContext): Step<void> {
  for (;;) {
    if (!(yield* this.uvmfaultLookup(fault, { write: true }))) return;
    const { entry, map, va } = fault;
    if (entry.needsCopy) yield* this.amapCopy(map, entry, AMAP_COPY_NOWAIT, va, asVa(va + 1));
    const done = !entry.needsCopy;
    yield* this.uvmfaultUnlockmaps(fault, { write: true });
    if (done) return;
    yield* this.uvmWait('fltamapcopy');
  }
}

/** Finds the entry of the faulting address, through submaps if need be; answers whether there is one. `uvmfault_lookup()`. => locks the map. */
export function* uvmfaultLookup(this: Uvm, fault: FaultContext, options: { write: boolean }): Step<boolean> {
  fault.map = fault.originalMap;
  for (;;) {
    const { map, va } = fault;
    if (options.write) yield* this.vmMapLock(map);
    else yield* this.vmMapLockRead(map);
    const entry = this.uvmMapLookupEntry(map, va);
    if (!entry.contains(va)) {
      yield* this.uvmfaultUnlockmaps(fault, options);
      return false;
    }
    if (entry.submap === null) {
      fault.entry = entry;
      fault.mapVersion = map.timestamp;
      return true;
    }
    yield* this.uvmfaultUnlockmaps(fault, options);
    fault.map = entry.submap;
  }
}

/** Locks the map again after I/O, if it is still what it was; answers whether it is. `uvmfault_relock()`. */
export function* uvmfaultRelock(this: Uvm, fault: FaultContext): Step<boolean> {
  this.uvmexp.fltrelck++;
  yield* this.vmMapLockRead(fault.map);
  if (fault.mapVersion !== fault.map.timestamp) {
    yield* this.uvmfaultUnlockmaps(fault, { write: false });
    return false;
  }
  this.uvmexp.fltrelckok++;
  return true;
}

/** Unlocks the map. `uvmfault_unlockmaps()`. */
export function* uvmfaultUnlockmaps(this: Uvm, fault: FaultContext, options: { write: boolean }): Step<void> {
  if (options.write) yield* this.vmMapUnlock(fault.map);
  else yield* this.vmMapUnlockRead(fault.map);
}

/** Unlocks everything, the inner locks first; no map when there is no fault. `uvmfault_unlockall()`. */
export function* uvmfaultUnlockall(
  this: Uvm,
  fault: FaultContext | null,
  amap: Amap | null,
  object: UvmObject | null,
): Step<void> {
  if (object !== null) yield* object.lock.exit();
  if (amap !== null) yield* amap.lock.exit();
  if (fault !== null) yield* this.uvmfaultUnlockmaps(fault, { write: false });
}

/** There was no memory for a page table. What was done so far is no loss: the next try finds it. => nothing locked. */
export function* uvmFaultOutOfMappings(this: Uvm, message: string): Step<Errno> {
  if (!this.uvmReclaimable()) return ENOMEM;
  yield* this.uvmWait(message);
  return ERESTART;
}
