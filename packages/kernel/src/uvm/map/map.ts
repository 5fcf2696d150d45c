/**
 * Maps: creation, lookup, links, clipping, merging. sys/uvm/uvm_map.c.
 *
 *     header ⇄ entry ⇄ entry ⇄ entry ⇄ header      list, by address
 *                 \      |      /
 *                   map.tree                        the same entries, for lookup and for finding gaps
 */
import { Mutex } from '../../kern/mutex.js';
import { RwLock } from '../../kern/rwlock.js';
import { CondVar } from '../../kern/sleepq.js';
import type { Step } from '../../kern/switch.js';
import { asOffset, PAGE_MASK, type Va } from '../../machine/address.js';
import type { Pmap } from '../../machine/pmap.js';
import { type EntrySnapshot, snapshot } from '../events.js';
import type { Uvm } from '../uvm.js';
import { isCompatible, MapEntry } from './map-entry.js';
import { VmMap } from './vm-map.js';

/** Makes an empty map. `uvm_map_create()`. */
export function uvmMapCreate(this: Uvm, pmap: Pmap, range: { min: Va; max: Va }, flags: number): VmMap {
  const { kern } = this;
  const id = this.nextMapId++;
  const map = new VmMap(id, {
    pmap,
    lock: new RwLock(kern, this.mapLockClass, String(id)),
    miscLock: new Mutex(kern, this.mapMiscLockClass, String(id)),
    cv: new CondVar(kern.scheduler, 'vm_map', `vm_map ${id}`),
    // Not spread: a map, whose bounds are getters, may stand for the range.
    min: range.min,
    max: range.max,
    flags,
  });
  this.maps.add(map);
  return map;
}

/** Makes an entry that is in no map. `uvm_mapent_alloc()`. */
export function uvmMapentAlloc(this: Uvm, start: Va, end: Va): MapEntry {
  return new MapEntry(this.nextEntryId++, start, end);
}

/**
 * In a map with more entries than this, a look at the hint costs more than the search of the tree, because the entry is out of the
 * processor's cache; unless the address is so many bytes near to the one that was looked up last.
 */
const FEW_ENTRIES = 1024;
const NEAR = 2 ** 20;

/**
 * The entry that holds an address, or else the one before it, which may be the header: `entry.contains(va)` tells.
 * `uvm_map_lookup_entry()`.
 *
 * => map locked, for reading at least. The answer becomes the hint.
 */
export function uvmMapLookupEntry(this: Uvm, map: VmMap, va: Va): MapEntry {
  const { uvmexp } = this;
  uvmexp.mlk_call++;
  const { hint } = map;
  const near = map.entryCount <= FEW_ENTRIES || Math.abs(va - map.lookedUp) < NEAR;
  map.lookedUp = va;
  if (near && hint !== map.header && hint.contains(va)) {
    uvmexp.mlk_hint++;
    return hint;
  }
  uvmexp.mlk_tree++;
  const entry = map.tree.floor(va) ?? map.header;
  map.hint = entry;
  return entry;
}

/**
 * Panics when an entry cannot be right, on a DIAGNOSTIC kernel. `uvm_mapent_check()`, which asks for DEBUG.
 *
 * => an entry has one lower layer at most, and an offset only where that is an object.
 */
export function uvmMapentCheck(this: Uvm, entry: MapEntry): void {
  if (!this.kern.diagnostic) return;
  const sound = entry.start < entry.end && (entry.object === null ? entry.offset === 0 : entry.submap === null);
  if (!sound) this.kern.panic(`_uvm_mapent_check: bad entry ${entry.id}`);
}

/** Enters an entry in its map, behind another. `uvm_map_entry_link()`. => map write-locked. */
export function uvmMapEntryLink(this: Uvm, map: VmMap, after: MapEntry, entry: MapEntry): void {
  this.uvmMapentCheck(entry);
  this.kern.kassert(((entry.start | 0) & PAGE_MASK) === 0 && ((entry.end | 0) & PAGE_MASK) === 0, 'entry is page aligned');
  const before = after.next;
  entry.prev = after;
  entry.next = before;
  after.next = entry;
  before.prev = entry;
  map.tree.insert(entry);
}

/** Takes an entry out of its map. `uvm_map_entry_unlink()`. => map write-locked; neither hint nor first_free point at it. */
export function uvmMapEntryUnlink(this: Uvm, map: VmMap, entry: MapEntry): void {
  this.uvmMapentCheck(entry);
  this.kern.kassert(entry !== map.firstFree, 'entry != map->first_free');
  this.kern.kassert(entry !== map.hint, 'entry != map->hint');
  entry.prev.next = entry.next;
  entry.next.prev = entry.prev;
  map.tree.remove(entry);
  // An entry that is gone must not keep its neighbours of then in memory, and these theirs, once they are gone too.
  entry.prev = entry;
  entry.next = entry;
}

/** Moves the hints off an entry that is about to go. `clear_hints()`. => map write-locked. */
export function uvmMapClearHints(this: Uvm, map: VmMap, entry: MapEntry): void {
  if (map.hint === entry) map.hint = entry.prev;
  if (map.firstFree === entry) map.firstFree = entry.prev;
}

/**
 * Splits an entry in two at an address strictly inside it; else does nothing. The entry keeps the tail. `UVM_MAP_CLIP_START()`.
 *
 * => map write-locked.
 */
export function* uvmMapClipStart(this: Uvm, map: VmMap, entry: MapEntry, at: Va): Step<void> {
  const whole = this.kern.log.on ? snapshot(entry) : null;
  if (at > entry.start && at < entry.end) {
    const front = this.uvmMapentAlloc(entry.start, entry.end);
    front.copyFrom(entry);
    front.end = at;
    yield* this.uvmMapentSplitadj(front, entry, at - entry.start);
    map.tree.resize(entry, at, entry.end);
    this.uvmMapEntryLink(map, entry.prev, front);
    logClip(this, map, 'start', at, whole, [front, entry]);
    return;
  }
  logClip(this, map, 'start', at, whole, null);
}

/**
 * Splits an entry in two at an address strictly inside it; else does nothing. The entry keeps the front. `UVM_MAP_CLIP_END()`.
 *
 * => map write-locked.
 */
export function* uvmMapClipEnd(this: Uvm, map: VmMap, entry: MapEntry, at: Va): Step<void> {
  const whole = this.kern.log.on ? snapshot(entry) : null;
  if (at > entry.start && at < entry.end) {
    const tail = this.uvmMapentAlloc(entry.start, entry.end);
    tail.copyFrom(entry);
    tail.start = at;
    yield* this.uvmMapentSplitadj(entry, tail, at - entry.start);
    map.tree.resize(entry, entry.start, at);
    this.uvmMapEntryLink(map, entry, tail);
    logClip(this, map, 'end', at, whole, [entry, tail]);
    return;
  }
  logClip(this, map, 'end', at, whole, null);
}

/** Gives each half of a split entry its part of the layers. `uvm_mapent_splitadj()`. @param at bytes in front of the split */
export function* uvmMapentSplitadj(this: Uvm, front: MapEntry, tail: MapEntry, at: number): Step<void> {
  if (tail.submap !== null) {
    tail.submap.references++;
  } else if (tail.object !== null) {
    tail.offset = asOffset(tail.offset + at);
    yield* tail.object.reference(this);
  }
  if (front.amap !== null) yield* this.amapSplitref(front, tail, at);
}

/**
 * Merges an entry that has no amap with its neighbours where they are alike; answers whether it did. `uvm_mapent_trymerge()`.
 *
 * => map write-locked.
 *
 * @param options.copying the entry needs a copy, and would take over and extend the amap of a neighbour instead of getting its own
 */
export function* uvmMapentTrymerge(this: Uvm, map: VmMap, entry: MapEntry, options: { copying: boolean }): Step<boolean> {
  if (entry.amap !== null || entry.submap !== null) return false;
  const forward = yield* mergeNeighbour(this, map, entry, entry.next, options);
  // With an amap taken over from behind, there is none to be had from before.
  if (forward && options.copying) return true;
  const backward = yield* mergeNeighbour(this, map, entry, entry.prev, options);
  return forward || backward;
}

function* mergeNeighbour(
  uvm: Uvm,
  map: VmMap,
  entry: MapEntry,
  neighbour: MapEntry,
  options: { copying: boolean },
): Step<boolean> {
  const behind = neighbour === entry.next;
  const front = behind ? entry : neighbour;
  const tail = behind ? neighbour : entry;
  if (neighbour === map.header || front.end !== tail.start) return false;
  const kind = { ...kindOf(entry), needsCopy: options.copying ? false : entry.needsCopy };
  if (!isCompatible(neighbour, kind, entry.wiredCount) || neighbour.flags !== entry.flags) return false;
  if (entry.object !== null && front.offset + front.size !== tail.offset) return false;
  if (options.copying) {
    if (neighbour.amap === null || neighbour.amap.references !== 1) return false;
    if ((yield* uvm.amapExtend(neighbour, entry.size, behind ? 'backwards' : 'forwards')) !== 0) return false;
    entry.amap = neighbour.amap;
    entry.amapOffset = neighbour.amapOffset;
    entry.needsCopy = false;
  } else if (neighbour.amap !== null) {
    return false;
  }
  const start = front.start;
  const end = tail.end;
  const offset = front.offset;
  uvm.uvmMapClearHints(map, neighbour);
  uvm.uvmMapEntryUnlink(map, neighbour);
  map.tree.resize(entry, start, end);
  entry.offset = offset;
  // The references of the neighbour have become the entry's; the one that is left over goes. It is not the last.
  if (entry.object !== null) yield* entry.object.detach(uvm);
  return true;
}

/** What an entry is like. */
function kindOf(entry: MapEntry) {
  return {
    object: entry.object,
    copyOnWrite: entry.copyOnWrite,
    needsCopy: entry.needsCopy,
    protection: entry.protection,
    maxProtection: entry.maxProtection,
    inheritance: entry.inheritance,
    advice: entry.advice,
  };
}

function logClip(
  uvm: Uvm,
  map: VmMap,
  edge: 'start' | 'end',
  at: Va,
  whole: EntrySnapshot | null,
  split: readonly [MapEntry, MapEntry] | null,
): void {
  if (whole === null) return;
  const halves = split === null ? null : ([snapshot(split[0]), snapshot(split[1])] as const);
  uvm.log({ kind: 'clip', map: map.id, edge, at, entry: whole, split: halves });
}
