/**
 * Wiring: memory that must not be paged out, and must not fault. `mlock(2)`. sys/uvm/uvm_map.c.
 *
 *     entry.wiredCount   0  not wired
 *                        1  counted by pass 1, to be faulted in by pass 2
 *                        2  and more: was wired before; the number carries no information, one unwiring makes it 0
 *     page wireCount     a true count: one for each wired entry that maps the page, one for each transient wiring
 *
 * Pass 1 counts, under the write lock. Pass 2 faults the pages in, with the map only busy, since that takes long and may sleep.
 */
import { EFAULT, EINVAL, ENOMEM, type Errno } from '../../kern/errno.js';
import type { Step } from '../../kern/switch.js';
import { atop, ptoa, type Va } from '../../machine/address.js';
import { PROT_NONE, PROT_WRITE } from '../../machine/protection.js';
import { MCL_CURRENT, MCL_FUTURE } from '../../vm/mman.js';
import { snapshot, type WireStep } from '../events.js';
import type { Uvm } from '../uvm.js';
import type { MapEntry } from './map-entry.js';
import { VM_MAP_PAGEABLE, VM_MAP_WIREFUTURE, type VmMap, vmMapRangeCheck } from './vm-map.js';

/** What to do, and how the map is locked around it. */
export interface PageableOptions {
  /** Wire or unwire. */
  readonly wire: boolean;
  /** `UVM_LK_ENTER`: the map is write-locked on entry. */
  readonly lockedOnEntry?: boolean;
  /** `UVM_LK_EXIT`: the map is to be write-locked on return, whatever the outcome. */
  readonly lockedOnExit?: boolean;
}

/** A range of a map, and the entry that holds its start. */
export interface RangeInMap {
  readonly map: VmMap;
  readonly start: Va;
  readonly end: Va;
  readonly first: MapEntry;
}

/**
 * Wires or unwires a range. `uvm_map_pageable()`.
 *
 * @returns 0; EFAULT when the start is not mapped; EINVAL when part of the range is not, or is inaccessible (wire), or is not wired
 *   (unwire); the error of the fault that could not be resolved
 */
export function* uvmMapPageable(this: Uvm, map: VmMap, from: Va, to: Va, options: PageableOptions): Step<Errno> {
  const range = yield* this.uvmMapPageableLookup(map, from, to, options);
  if (range === null) return EFAULT;
  if (range.start === range.end) {
    if (this.kern.log.on) this.uvmMapLogWire(range, options, { name: 'empty' });
    if (!options.lockedOnExit) yield* this.vmMapUnlock(map);
    if (this.kern.log.on) this.uvmMapLogWire(range, options, { name: 'return', errno: 0 });
    return 0;
  }
  return options.wire ? yield* this.uvmMapPageableWire(range, options) : yield* this.uvmMapPageableUnwire(range, options);
}

/** Locks the map and finds the start of the range; null, and the map as it is to be on return, when it is not mapped. */
export function* uvmMapPageableLookup(
  this: Uvm,
  map: VmMap,
  from: Va,
  to: Va,
  options: PageableOptions,
): Step<RangeInMap | null> {
  this.kern.kassert((map.flags & VM_MAP_PAGEABLE) !== 0, 'map->flags & VM_MAP_PAGEABLE');
  if (!options.lockedOnEntry) yield* this.vmMapLock(map);
  const { start, end } = vmMapRangeCheck(map, from, to);
  const first = this.uvmMapLookupEntry(map, start);
  const range = { map, start, end, first };
  const found = first.contains(start);
  if (this.kern.log.on) this.uvmMapLogWire(range, options, { name: 'lookup', entry: found ? snapshot(first) : null });
  if (found) return range;
  if (!options.lockedOnExit) yield* this.vmMapUnlock(map);
  return null;
}

/** The unwiring half of `uvm_map_pageable()`. => map write-locked. */
export function* uvmMapPageableUnwire(this: Uvm, range: RangeInMap, options: PageableOptions): Step<Errno> {
  const { map, start, end, first } = range;
  yield* this.uvmMapClipStart(map, first, start);
  let errno: Errno = 0;
  for (let entry = first; entry !== map.header && entry.start < end && errno === 0; entry = entry.next) {
    if (entry.wiredCount === 0 || holeBehind(map, entry, end)) errno = EINVAL;
  }
  let rounds = 0;
  let at: MapEntry = first;
  for (; errno === 0 && at !== map.header && at.start < end; at = at.next) {
    yield* this.uvmMapClipEnd(map, at, end);
    if (this.kern.log.on) this.uvmMapLogWire(range, options, { name: 'unwire', entry: snapshot(at) });
    yield* this.uvmMapEntryUnwire(map, at);
    rounds++;
  }
  if (this.kern.log.on)
    this.uvmMapLogWire(range, options, { name: 'pass-end', pass: 1, rounds, at: at === map.header ? null : snapshot(at) });
  if (!options.lockedOnExit) yield* this.vmMapUnlock(map);
  if (this.kern.log.on) this.uvmMapLogWire(range, options, { name: 'return', errno });
  return errno;
}

/** The wiring half of `uvm_map_pageable()`. => map write-locked. */
export function* uvmMapPageableWire(this: Uvm, range: RangeInMap, options: PageableOptions): Step<Errno> {
  const { map, end, first } = range;
  const counted = yield* this.uvmMapPageableCount(range, options);
  if (counted !== 0) {
    if (!options.lockedOnExit) yield* this.vmMapUnlock(map);
    if (this.kern.log.on) this.uvmMapLogWire(range, options, { name: 'return', errno: counted });
    return counted;
  }
  const timestamp = map.timestamp;
  yield* this.vmMapBusy(map);
  yield* this.vmMapUnlock(map);

  let errno: Errno = 0;
  let rounds = 0;
  let at: MapEntry = first;
  for (; at !== map.header && at.start < end; at = at.next) {
    rounds++;
    if (at.wiredCount !== 1) {
      if (this.kern.log.on) this.uvmMapLogWire(range, options, { name: 'skip', entry: snapshot(at) });
      continue;
    }
    if (this.kern.log.on) this.uvmMapLogWire(range, options, { name: 'fault-in', entry: snapshot(at) });
    errno = yield* this.uvmFaultWire(map, at.start, at.end, at.maxProtection, { maxProtection: true });
    if (errno !== 0) break;
  }
  if (this.kern.log.on)
    this.uvmMapLogWire(range, options, { name: 'pass-end', pass: 2, rounds, at: at === map.header ? null : snapshot(at) });
  if (errno !== 0) yield* this.uvmMapPageableBackout(range, options, at, timestamp, errno);
  else if (options.lockedOnExit) yield* this.vmMapLock(map);
  if (errno === 0) yield* this.vmMapUnbusy(map);
  if (this.kern.log.on) this.uvmMapLogWire(range, options, { name: 'return', errno });
  return errno;
}

/** Pass 1 of wiring: gives each entry its upper layer and counts it. => map write-locked. @returns 0 or EINVAL */
export function* uvmMapPageableCount(this: Uvm, range: RangeInMap, options: PageableOptions): Step<Errno> {
  const { map, start, end, first } = range;
  let rounds = 0;
  let entry: MapEntry = first;
  for (; entry !== map.header && entry.start < end; entry = entry.next) {
    rounds++;
    if (entry.wiredCount === 0) yield* this.uvmMapPrepareWire(map, entry, start, end);
    yield* this.uvmMapClipStart(map, entry, start);
    yield* this.uvmMapClipEnd(map, entry, end);
    entry.wiredCount++;
    if (this.kern.log.on)
      this.uvmMapLogWire(range, options, { name: 'count', entry: snapshot(entry), before: entry.wiredCount - 1 });
    const inaccessible = entry.protection === PROT_NONE;
    if (!inaccessible && !holeBehind(map, entry, end)) continue;
    const why = inaccessible ? 'the entry allows no access' : 'there is a hole behind the entry';
    if (this.kern.log.on) this.uvmMapLogWire(range, options, { name: 'backout', errno: EINVAL, why });
    // What was clipped and copied stays so; only the counts go back.
    for (let counted = entry; counted !== map.header && counted.end > start; counted = counted.prev) {
      counted.wiredCount--;
    }
    return EINVAL;
  }
  if (this.kern.log.on)
    this.uvmMapLogWire(range, options, { name: 'pass-end', pass: 1, rounds, at: entry === map.header ? null : snapshot(entry) });
  return 0;
}

/** Makes an entry's upper layer its own before it is wired, which a fault could not do with the map busy. => map write-locked. */
export function* uvmMapPrepareWire(this: Uvm, map: VmMap, entry: MapEntry, start: Va, end: Va): Step<void> {
  if (entry.submap !== null || !entry.needsCopy) return;
  if ((entry.maxProtection & PROT_WRITE) !== 0 || entry.object === null) yield* this.amapCopy(map, entry, 0, start, end);
}

/**
 * Undoes a wiring that failed in pass 2: the counts from the failed entry on, and the wirings before it.
 *
 * => map busy and unlocked on entry; on return not busy, and locked as `options` say.
 */
export function* uvmMapPageableBackout(
  this: Uvm,
  range: RangeInMap,
  options: PageableOptions,
  failed: MapEntry,
  timestamp: number,
  errno: Errno,
): Step<void> {
  const { map, end, first } = range;
  if (this.kern.log.on) this.uvmMapLogWire(range, options, { name: 'backout', errno, why: 'a page could not be faulted in' });
  yield* this.vmMapLock(map);
  yield* this.vmMapUnbusy(map);
  if (this.kern.diagnostic && timestamp + 1 !== map.timestamp) this.kern.panic('uvm_map_pageable: stale map');
  for (let entry = failed; entry !== map.header && entry.start < end; entry = entry.next) {
    yield* this.uvmMapUncountEntry(map, entry);
  }
  for (let entry = first; entry !== failed; entry = entry.next) {
    entry.wiredCount--;
    if (entry.wiredCount === 0) yield* this.uvmMapEntryUnwire(map, entry);
  }
  if (!options.lockedOnExit) yield* this.vmMapUnlock(map);
}

/**
 * Wires everything, now or from now on; with `flags` 0 unwires everything. `uvm_map_pageable_all()`. => map unlocked.
 *
 * @param flags `MCL_CURRENT`, `MCL_FUTURE`
 * @param limit bytes the process may have wired, 0 for no limit
 * @returns 0; ENOMEM beyond the limit or the system's; the error of the fault that could not be resolved
 */
export function* uvmMapPageableAll(this: Uvm, map: VmMap, flags: number, limit: number): Step<Errno> {
  this.kern.kassert((map.flags & VM_MAP_PAGEABLE) !== 0, 'map->flags & VM_MAP_PAGEABLE');
  yield* this.vmMapLock(map);
  if (flags === 0) {
    map.flags &= ~VM_MAP_WIREFUTURE;
    for (const entry of map.entries()) if (entry.wiredCount > 0) yield* this.uvmMapEntryUnwire(map, entry);
    yield* this.vmMapUnlock(map);
    return 0;
  }
  // The promise for the future is kept even when the present is refused below.
  if (flags & MCL_FUTURE) map.flags |= VM_MAP_WIREFUTURE;
  const refused = flags & MCL_CURRENT ? overLimit(this, map, limit) : null;
  if (refused !== false) {
    yield* this.vmMapUnlock(map);
    return refused ? ENOMEM : 0;
  }
  for (let entry = map.header.next; entry !== map.header; entry = entry.next) {
    if (entry.protection === PROT_NONE) continue;
    if (entry.wiredCount === 0) yield* this.uvmMapPrepareWire(map, entry, entry.start, entry.end);
    entry.wiredCount++;
  }
  return yield* this.uvmMapPageableAllFault(map);
}

/** Whether what is not wired yet is more than may be wired. */
function overLimit(uvm: Uvm, map: VmMap, limit: number): boolean {
  let size = 0;
  for (const entry of map.entries()) {
    if (entry.protection !== PROT_NONE && entry.wiredCount === 0) size += entry.size;
  }
  if (atop(size) + uvm.uvmexp.wired > uvm.uvmexp.wiredmax) return true;
  return limit !== 0 && size + ptoa(map.pmap.wiredCount) > limit;
}

/** Faults in what `uvmMapPageableAll` counted, and undoes it all on an error. => map write-locked on entry, unlocked on return. */
export function* uvmMapPageableAllFault(this: Uvm, map: VmMap): Step<Errno> {
  const timestamp = map.timestamp;
  yield* this.vmMapBusy(map);
  yield* this.vmMapUnlock(map);
  let errno: Errno = 0;
  let failed = map.header.next;
  for (; failed !== map.header; failed = failed.next) {
    // What allows no access was not counted: if its count is 1, it was wired before. NetBSD wires it once more:
    // docs/decisions/0006-departures.md.
    if (failed.wiredCount !== 1 || failed.protection === PROT_NONE) continue;
    errno = yield* this.uvmFaultWire(map, failed.start, failed.end, failed.maxProtection, { maxProtection: true });
    if (errno !== 0) break;
  }
  if (errno === 0) {
    yield* this.vmMapUnbusy(map);
    return 0;
  }
  yield* this.vmMapLock(map);
  yield* this.vmMapUnbusy(map);
  if (this.kern.diagnostic && timestamp + 1 !== map.timestamp) this.kern.panic('uvm_map_pageable_all: stale map');
  for (let entry = failed; entry !== map.header; entry = entry.next) {
    if (entry.protection === PROT_NONE) continue;
    yield* this.uvmMapUncountEntry(map, entry);
  }
  for (let entry = map.header.next; entry !== failed; entry = entry.next) {
    if (entry.protection === PROT_NONE) continue;
    entry.wiredCount--;
    // NetBSD tests the other way round here, and so unwires what stays wired: docs/decisions/0006-departures.md.
    if (entry.wiredCount === 0) yield* this.uvmMapEntryUnwire(map, entry);
  }
  yield* this.vmMapUnlock(map);
  return errno;
}

/** Unwires an entry and its pages. `uvm_map_entry_unwire()`. => map write-locked. */
export function* uvmMapEntryUnwire(this: Uvm, map: VmMap, entry: MapEntry): Step<void> {
  entry.wiredCount = 0;
  yield* this.uvmFaultUnwireLocked(map, entry.start, entry.end);
}

/**
 * Takes back the count of an entry whose pages were not all wired, or not at all; those that ordinary faults have wired meanwhile are
 * unwired. Part of `uvm_map_pageable()`. => map write-locked.
 */
export function* uvmMapUncountEntry(this: Uvm, map: VmMap, entry: MapEntry): Step<void> {
  entry.wiredCount--;
  if (entry.wiredCount === 0) yield* this.uvmFaultUnwireLocked(map, entry.start, entry.end, { failed: true });
}

/** Records a step of the walk. Call it only while the log is on. */
export function uvmMapLogWire(this: Uvm, range: RangeInMap, options: PageableOptions, step: WireStep): void {
  const { map, start, end } = range;
  this.log({ kind: 'wire', map: map.id, range: { start, end }, direction: options.wire ? 'wire' : 'unwire', step });
}

/** Whether an entry ends before `end`, and the next one does not begin there. */
function holeBehind(map: VmMap, entry: MapEntry, end: Va): boolean {
  return entry.end < end && (entry.next === map.header || entry.next.start > entry.end);
}
