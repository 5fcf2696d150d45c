/**
 * Entering a mapping. `uvm_map()`, sys/uvm/uvm_map.c.
 *
 *     uvmMapPrepare: find room                 uvmMapEnter: put it there
 *
 *        … prev)     [next …                      [prev ────────)     [next …    back merge
 *               ^room                             … prev)  [──────── next …      forward merge
 *                                                 [prev ─────────────── next …   both: two entries become one
 *                                                 … prev) [new) [next …          none
 */
import { EACCES, EAGAIN, ENOMEM, type Errno } from '../../kern/errno.js';
import { HZ } from '../../kern/scheduler.js';
import type { Step } from '../../kern/switch.js';
import { asOffset, asVa, PAGE_MASK, PAGE_SIZE, type Va } from '../../machine/address.js';
import { UVM_AMAP_CHUNK } from '../anon/amap.js';
import type { Uvm } from '../uvm.js';
import {
  type MapArguments,
  UVM_FLAG_AMAPPAD,
  UVM_FLAG_COPYONW,
  UVM_FLAG_FIXED,
  UVM_FLAG_NOMERGE,
  UVM_FLAG_NOWAIT,
  UVM_FLAG_OVERLAY,
  UVM_FLAG_TRYLOCK,
  UVM_FLAG_UNMAP,
  UVM_FLAG_WAITVA,
} from './map-arguments.js';
import { isCompatible, type MapEntry, type MappingKind, UVM_MAP_NOMERGE } from './map-entry.js';
import { VM_MAP_WANTVA, type VmMap } from './vm-map.js';

/**
 * Maps a range. `uvm_map()`.
 *
 * => map unlocked. The reference to the object goes to the map when the call succeeds, and stays with the caller when not.
 *
 * @returns the address, or minus EACCES (rights beyond the most that are allowed), EAGAIN (TRYLOCK), ENOMEM (no room)
 */
export function* uvmMap(this: Uvm, map: VmMap, args: MapArguments): Step<Va | number> {
  this.kern.kassert(args.size > 0 && (args.size & PAGE_MASK) === 0, '(size & PAGE_MASK) == 0');
  const place = yield* this.uvmMapPrepare(map, args);
  if (typeof place === 'number') return -place;
  const errno = yield* this.uvmMapEnter(map, args, place.previous, place.start);
  return errno === 0 ? place.start : -errno;
}

/**
 * Finds room for a mapping. `uvm_map_prepare()`. => map unlocked on entry, write-locked when room was found.
 *
 * @returns where, or an errno
 */
export function* uvmMapPrepare(this: Uvm, map: VmMap, args: MapArguments): Step<{ previous: MapEntry; start: Va } | Errno> {
  if ((args.protection & args.maxProtection) !== args.protection) return EACCES;
  for (;;) {
    if (!(yield* this.vmMapLockTry(map))) {
      if (args.flags & UVM_FLAG_TRYLOCK) return EAGAIN;
      yield* this.vmMapLock(map);
    }
    const place =
      args.flags & UVM_FLAG_UNMAP
        ? yield* placeOver(this, map, args.hint)
        : this.uvmMapFindspace(map, args.hint, args.size, args.align, args.flags);
    if (place !== null) {
      this.uvmexp.map_call++;
      return place;
    }
    if (!(yield* waitForAddresses(this, map, args.flags))) return ENOMEM;
  }
}

/** Where a mapping goes that replaces what is there. => map write-locked. */
function* placeOver(uvm: Uvm, map: VmMap, start: Va): Step<{ previous: MapEntry; start: Va }> {
  let previous = uvm.uvmMapLookupEntry(map, start);
  if (previous.contains(start)) {
    if (start === previous.start) previous = previous.prev;
    else yield* uvm.uvmMapClipEnd(map, previous, start);
  }
  map.hint = previous;
  return { previous, start };
}

/**
 * No room was found. => map write-locked on entry, unlocked on return.
 *
 * @returns whether to look again: there may be room by now
 */
function* waitForAddresses(uvm: Uvm, map: VmMap, flags: number): Step<boolean> {
  const timestamp = map.timestamp;
  map.flags |= VM_MAP_WANTVA;
  yield* uvm.vmMapUnlock(map);
  yield* map.miscLock.enter();
  const unchanged = (): boolean => (map.flags & VM_MAP_WANTVA) !== 0 && map.timestamp === timestamp;
  const again = (flags & UVM_FLAG_WAITVA) !== 0 || !unchanged();
  while (again && unchanged()) yield* map.cv.timedWait(map.miscLock, HZ);
  yield* map.miscLock.exit();
  return again;
}

/**
 * Enters a mapping where `uvmMapPrepare` found room. `uvm_map_enter()`. => map write-locked on entry, unlocked on return.
 *
 * @returns 0 or ENOMEM
 */
export function* uvmMapEnter(this: Uvm, map: VmMap, args: MapArguments, before: MapEntry, start: Va): Step<Errno> {
  const { kern, uvmexp } = this;
  kern.kassert(map.hint === before, 'map->hint == prev_entry');
  let dead: MapEntry[] = [];
  if (args.flags & UVM_FLAG_UNMAP) {
    kern.kassert((args.flags & UVM_FLAG_FIXED) !== 0, 'flags & UVM_FLAG_FIXED');
    kern.kassert((args.flags & UVM_FLAG_NOWAIT) === 0, '(flags & UVM_FLAG_NOWAIT) == 0');
    dead = yield* this.uvmUnmapRemove(map, start, asVa(start + args.size));
  }
  const copyOnWrite = (args.flags & UVM_FLAG_COPYONW) !== 0;
  // Named one by one: spreading the arguments costs as much as all the rest.
  const kind: MappingKind = {
    object: args.object,
    copyOnWrite,
    needsCopy: copyOnWrite && (args.flags & UVM_FLAG_OVERLAY) === 0,
    protection: args.protection,
    maxProtection: args.maxProtection,
    inheritance: args.inheritance,
    advice: args.advice,
  };
  let back = false;
  let forward = false;
  if ((args.flags & UVM_FLAG_NOMERGE) === 0) {
    const verdict = yield* this.uvmMapMergeBack(map, args, kind, before, start);
    back = verdict === 'merged';
    if (verdict !== 'give-up') forward = yield* this.uvmMapMergeForward(map, args, kind, before, start, { back });
  }
  const merged = back ? (forward ? 'both' : 'back') : forward ? 'forward' : 'no';
  if (merged === 'both') uvmexp.bimerge++;
  else if (merged === 'back') uvmexp.backmerge++;
  else if (merged === 'forward') uvmexp.forwmerge++;
  else uvmexp.nomerge++;

  const errno = merged === 'no' ? linkNew(this, map, args, kind, before, start) : 0;
  if (errno === 0) map.size += args.size;
  if (errno === 0 && kern.log.on) {
    this.log({ kind: 'map', map: map.id, range: { start, end: asVa(start + args.size) }, merged });
  }
  yield* this.vmMapUnlock(map);
  yield* this.uvmUnmapDetach(dead);
  return errno;
}

/**
 * Extends the entry before a new mapping over it, if the two are alike. Part of `uvm_map_enter()`. => map write-locked.
 *
 * @returns `give-up` when the amap could not be extended: then no forward merge is tried either
 */
export function* uvmMapMergeBack(
  this: Uvm,
  map: VmMap,
  args: MapArguments,
  kind: MappingKind,
  before: MapEntry,
  start: Va,
): Step<'merged' | 'no' | 'give-up'> {
  if (before === map.header || before.end !== start || !isCompatible(before, kind, 0)) return 'no';
  if (args.object !== null && before.offset + before.size !== args.offset) return 'no';
  if (before.amap !== null) {
    if (before.amap.references !== 1) return 'no';
    if ((yield* this.amapExtend(before, args.size, 'forwards')) !== 0) return 'give-up';
  }
  // One reference to the object is enough for both; this is not the last one.
  if (args.object !== null) yield* args.object.detach(this);
  map.tree.resize(before, before.start, start + args.size);
  return 'merged';
}

/**
 * Extends the entry behind a new mapping over it; after a back merge, makes one entry out of the two neighbours. Part of
 * `uvm_map_enter()`. => map write-locked.
 */
export function* uvmMapMergeForward(
  this: Uvm,
  map: VmMap,
  args: MapArguments,
  kind: MappingKind,
  before: MapEntry,
  start: Va,
  options: { back: boolean },
): Step<boolean> {
  const after = before.next;
  const { back } = options;
  if (after === map.header || after.start !== start + args.size || !isCompatible(after, kind, 0)) return false;
  if (args.object !== null && after.offset !== args.offset + args.size) return false;
  if (after.amap !== null && (after.amap.references !== 1 || (back && before.amap !== null))) return false;

  if (!(yield* this.uvmMapMergeAmaps(args, before, after, options))) return false;
  if (args.object !== null && !back) yield* args.object.detach(this);
  if (!back) {
    map.tree.resize(after, start, after.end);
    if (args.object !== null) after.offset = asOffset(args.offset);
    return true;
  }
  if (after.amap !== null) {
    before.amap = after.amap;
    before.amapOffset = after.amapOffset;
    after.amap = null;
  }
  const end = after.end;
  this.uvmMapClearHints(map, after);
  this.uvmMapEntryUnlink(map, after);
  map.tree.resize(before, before.start, end);
  // The entry that is gone had a reference of its own to the object.
  if (after.object !== null) yield* after.object.detach(this);
  return true;
}

/** Makes the amap of one neighbour, if there is one, cover what a forward merge joins. Part of `uvm_map_enter()`. => map write-locked. */
export function* uvmMapMergeAmaps(
  this: Uvm,
  args: MapArguments,
  before: MapEntry,
  after: MapEntry,
  { back }: { back: boolean },
): Step<boolean> {
  if (back && before.amap !== null) return (yield* this.amapExtend(before, after.size, 'forwards')) === 0;
  if (after.amap === null) return true;
  const bytes = back ? before.size : args.size;
  return (yield* this.amapExtend(after, bytes, 'backwards')) === 0;
}

/** Enters a mapping as an entry of its own. => map write-locked. */
function linkNew(uvm: Uvm, map: VmMap, args: MapArguments, kind: MappingKind, before: MapEntry, start: Va): Errno {
  const entry = uvm.uvmMapentAlloc(start, asVa(start + args.size));
  entry.object = args.object;
  entry.offset = asOffset(args.object === null ? 0 : args.offset);
  entry.copyOnWrite = kind.copyOnWrite;
  entry.needsCopy = kind.needsCopy;
  entry.flags = args.flags & UVM_FLAG_NOMERGE ? UVM_MAP_NOMERGE : 0;
  entry.protection = args.protection;
  entry.maxProtection = args.maxProtection;
  entry.inheritance = args.inheritance;
  entry.advice = args.advice;
  if (args.flags & UVM_FLAG_OVERLAY) {
    const padding = args.flags & UVM_FLAG_AMAPPAD ? UVM_AMAP_CHUNK * PAGE_SIZE : 0;
    entry.amap = uvm.amapAlloc({ bytes: args.size, padding, nowait: (args.flags & UVM_FLAG_NOWAIT) !== 0 });
    if (entry.amap === null) return ENOMEM;
  }
  uvm.uvmMapEntryLink(map, before, entry);
  if (map.firstFree === before && before.end >= entry.start) map.firstFree = entry;
  return 0;
}
