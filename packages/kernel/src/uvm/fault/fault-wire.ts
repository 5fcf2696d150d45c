/** Wiring and unwiring through faults. sys/uvm/uvm_fault.c. */
import { EFAULT, type Errno } from '../../kern/errno.js';
import type { Step } from '../../kern/switch.js';
import { asPa, asVa, PAGE_SIZE, paToPfn, type Va } from '../../machine/address.js';
import type { Protection } from '../../machine/protection.js';
import type { MapEntry } from '../map/map-entry.js';
import type { VmMap } from '../map/vm-map.js';
import { NO_PAGE } from '../page/page-array.js';
import type { TransientWiring } from '../transfer/transient-wiring.js';
import type { Uvm } from '../uvm.js';

/**
 * Faults a range in and wires its pages. `uvm_fault_wire()`.
 *
 * => map not write-locked; it may be busy.
 *
 * @param options.maxProtection asks for what the entries may ever allow, instead of what they allow now: entries are being wired, and each
 *   page counts once for its entry; without it, the wiring is for the time being, and counts by itself
 * @param options.vslock where a wiring for the time being is taken down, page by page
 * @returns 0, or the error of the fault that could not be resolved; what was wired before it is unwired again
 */
export function* uvmFaultWire(
  this: Uvm,
  map: VmMap,
  start: Va,
  end: Va,
  access: Protection,
  options: { maxProtection: boolean; vslock?: TransientWiring },
): Step<Errno> {
  if (start > end) return EFAULT;
  const flags = { wire: true, maxProtection: options.maxProtection, vslock: options.vslock };
  for (let va: number = start; va < end; va += PAGE_SIZE) {
    const errno = yield* this.uvmFaultInternal(map, asVa(va), access, flags);
    if (errno === 0) continue;
    if (va !== start) yield* this.uvmFaultUnwire(map, start, asVa(va), { failed: options.maxProtection });
    return errno;
  }
  return 0;
}

/** How pages are unwired. */
export interface UnwireOptions {
  /**
   * A wiring that failed is undone: some of the mappings may not be wired, and the entry still counts as wired. NetBSD leaves the
   * mappings marked as wired then: docs/decisions/0006-departures.md.
   */
  readonly failed?: boolean;
  /** The wiring for the time being that is undone. */
  readonly vslock?: TransientWiring;
}

/** Unwires the pages of a range. `uvm_fault_unwire()`. => map unlocked, or busy. */
export function* uvmFaultUnwire(this: Uvm, map: VmMap, start: Va, end: Va, options: UnwireOptions = {}): Step<void> {
  yield* this.vmMapLockRead(map);
  yield* this.uvmFaultUnwireLocked(map, start, end, options);
  yield* this.vmMapUnlockRead(map);
}

/**
 * Unwires the pages that are mapped in a range; an address that maps nothing is passed over in silence. `uvm_fault_unwire_locked()`.
 *
 * => map locked. Panics when the start is not mapped, or there is a gap between entries in front of a mapped page.
 */
export function* uvmFaultUnwireLocked(
  this: Uvm,
  map: VmMap,
  start: Va,
  end: Va,
  { failed = false, vslock }: UnwireOptions = {},
): Step<void> {
  const { kern, machine } = this;
  const { pmap } = map;
  kern.kassert(start >= map.min && end <= map.max, 'start >= vm_map_min(map) && end <= vm_map_max(map)');
  let entry = this.uvmMapLookupEntry(map, start);
  if (!entry.contains(start)) kern.panic('uvm_fault_unwire_locked: address not in map');
  let locked: MapEntry | null = null;
  const last = end / PAGE_SIZE;
  for (let index = pmap.table.next(start / PAGE_SIZE, last); index >= 0; index = pmap.table.next(index + 1, last)) {
    const va = asVa(index * PAGE_SIZE);
    while (va >= entry.end) {
      kern.kassert(entry.next !== map.header && entry.next.start <= entry.end, 'entry->next->start <= entry->end');
      entry = entry.next;
    }
    if (entry !== locked) {
      if (locked !== null) yield* this.uvmMapUnlockEntry(locked);
      yield* this.uvmMapLockEntry(entry);
      locked = entry;
    }
    const pa = machine.pmapExtract(pmap, va);
    if (pa < 0 || (failed && !machine.pmapIsWired(pmap, va))) continue;
    if (entry.wiredCount === 0 || failed) machine.pmapUnwire(pmap, va);
    const pfn = paToPfn(asPa(pa));
    if (!machine.isManaged(pfn)) continue;
    yield* this.pageqLock.enter();
    this.uvmPageunwire(pfn);
    vslock?.note(va, NO_PAGE);
    // An entry that is only being wired has yet to wire the page for itself: docs/decisions/0006-departures.md.
    if (vslock !== undefined && entry.wiredCount > 0 && this.uvmIsOnlyMarkedWired(map, va)) machine.pmapUnwire(pmap, va);
    yield* this.pageqLock.exit();
  }
  if (locked !== null) yield* this.uvmMapUnlockEntry(locked);
}
