/** Removing mappings. `uvm_unmap()`, sys/uvm/uvm_map.c. */
import type { Step } from '../../kern/switch.js';
import type { Va } from '../../machine/address.js';
import type { Uvm } from '../uvm.js';
import type { MapEntry } from './map-entry.js';
import { VM_MAP_DYING, VM_MAP_WANTVA, type VmMap, vmMapRangeCheck } from './vm-map.js';

/** Unmaps a range; holes are no matter. `uvm_unmap()`. => map unlocked. */
export function* uvmUnmap(this: Uvm, map: VmMap, start: Va, end: Va): Step<void> {
  this.kern.kassert(start < end, 'start < end');
  yield* this.vmMapLock(map);
  const dead = yield* this.uvmUnmapRemove(map, start, end);
  yield* this.vmMapUnlock(map);
  yield* this.uvmUnmapDetach(dead);
}

/**
 * Takes all entries in a range out of a map, with their mappings. `uvm_unmap_remove()`. => map write-locked.
 *
 * @returns the entries, whose references are to be dropped by `uvmUnmapDetach` once the map is unlocked
 */
export function* uvmUnmapRemove(this: Uvm, map: VmMap, from: Va, to: Va): Step<MapEntry[]> {
  const { start, end } = vmMapRangeCheck(map, from, to);
  let entry = this.uvmMapLookupEntry(map, start);
  if (entry.contains(start)) yield* this.uvmMapClipStart(map, entry, start);
  else entry = entry.next;
  map.hint = entry.prev;
  // With this range gone, the lowest gap may begin here.
  if (map.firstFree !== map.header && map.firstFree.start >= start) map.firstFree = entry.prev;

  const dead: MapEntry[] = [];
  while (entry !== map.header && entry.start < end) {
    yield* this.uvmMapClipEnd(map, entry, end);
    const next = entry.next;
    if (entry.wiredCount > 0) yield* this.uvmMapEntryUnwire(map, entry);
    if (entry.submap === null) yield* removeMappings(this, map, entry);
    this.kern.kassert(entry.wiredCount === 0, 'VM_MAPENT_ISWIRED(entry) == 0');
    this.uvmMapClearHints(map, entry);
    this.uvmMapEntryUnlink(map, entry);
    map.size -= entry.size;
    dead.push(entry);
    entry = next;
  }
  if (this.kern.log.on) this.log({ kind: 'unmap', map: map.id, range: { start, end } });
  if (map.flags & VM_MAP_WANTVA) yield* wakeWaiters(map);
  return dead;
}

/** Removes an entry's mappings from the page tables, under the locks of whoever owns its pages. */
function* removeMappings(uvm: Uvm, map: VmMap, entry: MapEntry): Step<void> {
  yield* uvm.uvmMapLockEntry(entry);
  uvm.machine.pmapRemove(map.pmap, entry.start, entry.end);
  // A dying map is used by no processor any more.
  if ((map.flags & VM_MAP_DYING) === 0) uvm.machine.pmapUpdate(map.pmap);
  yield* uvm.uvmMapUnlockEntry(entry);
}

function* wakeWaiters(map: VmMap): Step<void> {
  yield* map.miscLock.enter();
  map.flags &= ~VM_MAP_WANTVA;
  yield* map.cv.broadcast();
  yield* map.miscLock.exit();
}

/** Locks the layers of an entry, the upper before the lower. `uvm_map_lock_entry()`. */
export function* uvmMapLockEntry(this: Uvm, entry: MapEntry): Step<void> {
  if (entry.amap !== null) yield* entry.amap.lock.enter();
  if (entry.object !== null) yield* entry.object.lock.enter();
}

/** Unlocks the layers of an entry. `uvm_map_unlock_entry()`. */
export function* uvmMapUnlockEntry(this: Uvm, entry: MapEntry): Step<void> {
  if (entry.object !== null) yield* entry.object.lock.exit();
  if (entry.amap !== null) yield* entry.amap.lock.exit();
}

/**
 * Drops the references of entries that have left their map. `uvm_unmap_detach()`. => nothing locked; may do I/O.
 *
 * @param options.all `AMAP_REFALL`: the entries refer to whole amaps, as those do that `uvmMapExtract` makes with `quick`
 */
export function* uvmUnmapDetach(this: Uvm, dead: readonly MapEntry[], options: { all?: boolean } = {}): Step<void> {
  for (const entry of dead) {
    this.kern.kassert(entry.wiredCount === 0, 'VM_MAPENT_ISWIRED(first_entry) == 0');
    this.kern.kassert(entry.submap === null, '!UVM_ET_ISSUBMAP(first_entry)');
    if (entry.amap !== null) yield* this.amapUnref(entry, { all: options.all === true });
    if (entry.object !== null) yield* entry.object.detach(this);
  }
}
