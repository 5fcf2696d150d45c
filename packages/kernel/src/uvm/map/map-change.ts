/** Changing what is mapped: protection, inheritance, advice, and cleaning. sys/uvm/uvm_map.c. */
import { EACCES, EBUSY, EFAULT, EINVAL, ENOMEM, type Errno } from '../../kern/errno.js';
import type { Step } from '../../kern/switch.js';
import { asOffset, asVa, PAGE_SIZE, type Va } from '../../machine/address.js';
import { PROT_EXEC, PROT_NONE, PROT_WRITE, type Protection } from '../../machine/protection.js';
import {
  MADV_NORMAL,
  MADV_RANDOM,
  MADV_SEQUENTIAL,
  MAP_INHERIT_COPY,
  MAP_INHERIT_NONE,
  MAP_INHERIT_SHARE,
  MAP_INHERIT_ZERO,
} from '../../vm/mman.js';
import { PGO_CLEANIT, PGO_DEACTIVATE, PGO_FREE } from '../object/object.js';
import { NO_PAGE, PG_BUSY } from '../page/page-array.js';
import type { Uvm } from '../uvm.js';
import { UvmFile } from '../vnode/vnode.js';
import type { Advice, Inheritance, MapEntry } from './map-entry.js';
import { VM_MAP_WIREFUTURE, type VmMap, vmMapRangeCheck } from './vm-map.js';

/**
 * Changes the protection of a range; holes are skipped. `uvm_map_protect()`. => map unlocked.
 *
 * @param options.setMax changes the most that is ever allowed instead, and takes away what is above it now
 * @returns 0; EINVAL for a submap; EACCES beyond the most that is allowed, and then nothing is changed; ENOMEM when what became
 *   accessible was to be wired (`mlockall(MCL_FUTURE)`) and could not be
 */
export function* uvmMapProtect(
  this: Uvm,
  map: VmMap,
  from: Va,
  to: Va,
  protection: Protection,
  options: { setMax: boolean },
): Step<Errno> {
  yield* this.vmMapLock(map);
  const { start, end } = vmMapRangeCheck(map, from, to);
  const first = yield* this.uvmMapFirstInRange(map, start);
  let errno = checkProtection(map, first, end, protection);
  if (errno === 0) errno = yield* this.uvmMapProtectEntries(map, first, end, protection, options);
  if (errno === 0 && this.kern.log.on) this.log({ kind: 'protect', map: map.id, range: { start, end }, protection });
  this.machine.pmapUpdate(map.pmap);
  yield* this.vmMapUnlock(map);
  return errno;
}

/** The entry that holds an address, clipped there, or the next one. => map write-locked. */
export function* uvmMapFirstInRange(this: Uvm, map: VmMap, start: Va): Step<MapEntry> {
  const entry = this.uvmMapLookupEntry(map, start);
  if (!entry.contains(start)) return entry.next;
  yield* this.uvmMapClipStart(map, entry, start);
  return entry;
}

function checkProtection(map: VmMap, first: MapEntry, end: Va, protection: Protection): Errno {
  for (let entry = first; entry !== map.header && entry.start < end; entry = entry.next) {
    if (entry.submap !== null) return EINVAL;
    if ((protection & entry.maxProtection) !== protection) return EACCES;
  }
  return 0;
}

/** The second pass of `uvm_map_protect()`: everything is allowed, so do it. => map write-locked. */
export function* uvmMapProtectEntries(
  this: Uvm,
  map: VmMap,
  first: MapEntry,
  end: Va,
  protection: Protection,
  options: { setMax: boolean },
): Step<Errno> {
  let errno: Errno = 0;
  for (let entry = first; entry !== map.header && entry.start < end; entry = entry.next) {
    yield* this.uvmMapClipEnd(map, entry, end);
    const old = entry.protection;
    if (options.setMax) {
      entry.maxProtection = protection;
      entry.protection &= protection;
    } else {
      entry.protection = protection;
    }
    if (entry.protection !== old) {
      // Rights that were added come with the next fault; those that went must go from the page tables.
      const allowed = entry.copyOnWrite ? entry.protection & ~PROT_WRITE : entry.protection;
      yield* this.uvmMapLockEntry(entry);
      // A wired page stays mapped, so that it can be found when it is unwired.
      if (entry.wiredCount > 0) this.machine.pmapRestrict(map.pmap, entry.start, entry.end, allowed);
      else this.machine.pmapProtect(map.pmap, entry.start, entry.end, allowed);
      yield* this.uvmMapUnlockEntry(entry);
      if (entry.protection & PROT_EXEC && entry.object instanceof UvmFile) yield* this.vnMarkexec(entry.object);
    }
    const becameAccessible = old === PROT_NONE && entry.protection !== PROT_NONE;
    if ((map.flags & VM_MAP_WIREFUTURE) === 0 || entry.wiredCount !== 0 || !becameAccessible) continue;
    this.machine.pmapUpdate(map.pmap);
    const range = { start: entry.start, end: entry.end };
    const failed = yield* this.uvmMapPageable(map, range.start, range.end, {
      wire: true,
      lockedOnEntry: true,
      lockedOnExit: true,
    });
    // As the kernel does: go on with the rest, and say in the end that not all could be wired.
    if (failed !== 0) errno = ENOMEM;
  }
  return errno;
}

/** Changes what a child gets of a range; holes are skipped. `uvm_map_inherit()`. => map unlocked. @returns 0 or EINVAL */
export function* uvmMapInherit(this: Uvm, map: VmMap, from: Va, to: Va, inheritance: number): Step<Errno> {
  if (!isInheritance(inheritance)) return EINVAL;
  yield* this.vmMapLock(map);
  const { start, end } = vmMapRangeCheck(map, from, to);
  for (let entry = yield* this.uvmMapFirstInRange(map, start); entry !== map.header && entry.start < end; entry = entry.next) {
    yield* this.uvmMapClipEnd(map, entry, end);
    entry.inheritance = inheritance;
  }
  yield* this.vmMapUnlock(map);
  return 0;
}

/** Changes how a range will be used; holes are skipped. `uvm_map_advice()`. => map unlocked. @returns 0 or EINVAL */
export function* uvmMapAdvice(this: Uvm, map: VmMap, from: Va, to: Va, advice: number): Step<Errno> {
  yield* this.vmMapLock(map);
  const { start, end } = vmMapRangeCheck(map, from, to);
  for (let entry = yield* this.uvmMapFirstInRange(map, start); entry !== map.header && entry.start < end; entry = entry.next) {
    yield* this.uvmMapClipEnd(map, entry, end);
    if (!isAdvice(advice)) {
      yield* this.vmMapUnlock(map);
      return EINVAL;
    }
    entry.advice = advice;
  }
  yield* this.vmMapUnlock(map);
  return 0;
}

/**
 * Starts to read what a range maps of files, where nothing was written over it; NetBSD is mistaken about which part of an entry that is:
 * docs/decisions/0006-departures.md. `uvm_map_willneed()`. => map unlocked.
 */
export function* uvmMapWillneed(this: Uvm, map: VmMap, from: Va, to: Va): Step<Errno> {
  yield* this.vmMapLockRead(map);
  const { start, end } = vmMapRangeCheck(map, from, to);
  const found = this.uvmMapLookupEntry(map, start);
  for (let entry = found.contains(start) ? found : found.next; entry !== map.header && entry.start < end; entry = entry.next) {
    if (entry.object === null || entry.amap !== null) continue;
    const low = Math.max(start, entry.start);
    const offset = asOffset(entry.offset + (low - entry.start));
    entry.object.readAhead(this, offset, Math.min(end, entry.end) - low);
  }
  yield* this.vmMapUnlockRead(map);
  return 0;
}

/**
 * Writes back, deactivates or frees the pages of a range. `uvm_map_clean()`, for `msync(2)` and `madvise(2)`. => map unlocked.
 *
 * @param flags `PGO_CLEANIT`, `PGO_SYNCIO`, `PGO_FREE`, `PGO_DEACTIVATE`
 * @returns 0; EFAULT when part of the range is not mapped; EINVAL for a submap; EBUSY when wired memory was to be freed; the error of
 *   the last object that was written
 */
export function* uvmMapClean(this: Uvm, map: VmMap, from: Va, to: Va, flags: number): Step<Errno> {
  yield* this.vmMapLock(map);
  const { start, end } = vmMapRangeCheck(map, from, to);
  const first = this.uvmMapLookupEntry(map, start);
  const refused = first.contains(start) ? checkClean(map, first, end, flags) : EFAULT;
  if (refused !== 0) {
    yield* this.vmMapUnlock(map);
    return refused;
  }
  // The map stays busy meanwhile, so that the entries do not change although it is unlocked.
  yield* this.vmMapBusy(map);
  yield* this.vmMapUnlock(map);
  let errno: Errno = 0;
  for (let entry = first; entry !== map.header && entry.start < end; entry = entry.next) {
    const low = asVa(Math.max(start, entry.start));
    const high = asVa(Math.min(end, entry.end));
    if (entry.amap !== null && flags & (PGO_DEACTIVATE | PGO_FREE)) yield* this.uvmMapCleanAmap(map, entry, low, high, flags);
    if (entry.object !== null) errno = (yield* cleanObject(this, entry, low, high, flags)) ?? errno;
  }
  yield* this.vmMapUnbusy(map);
  return errno;
}

function checkClean(map: VmMap, first: MapEntry, end: Va, flags: number): Errno {
  for (let entry = first; entry.start < end; entry = entry.next) {
    if (entry.submap !== null) return EINVAL;
    // The kernel looks at the first entry each time here.
    if (flags & PGO_FREE && first.wiredCount > 0) return EBUSY;
    if (end <= entry.end) return 0;
    if (entry.next === map.header || entry.end !== entry.next.start) return EFAULT;
  }
  return 0;
}

/** Deactivates or frees anonymous pages in [low, high). Part of `uvm_map_clean()`. => map busy, amap unlocked. */
export function* uvmMapCleanAmap(this: Uvm, map: VmMap, entry: MapEntry, low: Va, high: Va, flags: number): Step<void> {
  const { pages } = this;
  const amap = entry.amap;
  if (amap === null) return;
  yield* amap.lock.enter();
  const slotOf = (va: Va): number => entry.amapOffset + (va - entry.start) / PAGE_SIZE;
  for (const slot of amap.usedWithin(slotOf(low), slotOf(high))) {
    const anon = amap.at(slot);
    if (anon === null || anon.page === NO_PAGE || pages.flags(anon.page) & PG_BUSY) continue;
    if (pages.wireCount(anon.page) !== 0) continue;
    const pureFree = (flags & (PGO_CLEANIT | PGO_FREE | PGO_DEACTIVATE)) === PGO_FREE;
    if (!pureFree || amap.references > 1) {
      yield* this.pageqLock.enter();
      this.uvmPagedeactivate(anon.page);
      yield* this.pageqLock.exit();
      continue;
    }
    amap.remove(slot);
    anon.references--;
    if (anon.references > 0) {
      // The page goes on with those who have a copy of the amap, and is theirs alone now. NetBSD leaves it mapped here as well:
      // docs/decisions/0006-departures.md.
      const va = asVa(entry.start + (slot - entry.amapOffset) * PAGE_SIZE);
      this.machine.pmapRemove(map.pmap, va, asVa(va + PAGE_SIZE));
      continue;
    }
    yield* this.uvmAnfree(anon);
  }
  this.machine.pmapUpdate(map.pmap);
  yield* amap.lock.exit();
}

/** Has an object write back, deactivate or free its pages of a range. @returns its error, null when nothing was asked of it */
function* cleanObject(uvm: Uvm, entry: MapEntry, low: Va, high: Va, flags: number): Step<Errno | null> {
  const { object } = entry;
  if (object === null) return null;
  const offset = entry.offset + (low - entry.start);
  yield* object.lock.enter();
  // Pages are always cleaned before they are freed, lest what was written be lost.
  return yield* object.put(uvm, asOffset(offset), asOffset(offset + (high - low)), flags | PGO_CLEANIT);
}

function isInheritance(code: number): code is Inheritance {
  return code === MAP_INHERIT_SHARE || code === MAP_INHERIT_COPY || code === MAP_INHERIT_NONE || code === MAP_INHERIT_ZERO;
}

function isAdvice(code: number): code is Advice {
  return code === MADV_NORMAL || code === MADV_RANDOM || code === MADV_SEQUENTIAL;
}
