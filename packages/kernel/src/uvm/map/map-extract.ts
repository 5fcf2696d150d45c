/** Taking mappings from one map to another, and submaps. sys/uvm/uvm_map.c. */
import { EINVAL, EIO, ENOMEM, type Errno } from '../../kern/errno.js';
import type { Step } from '../../kern/switch.js';
import { asOffset, asVa, PAGE_MASK, PAGE_SIZE, type Va } from '../../machine/address.js';
import { PROT_NONE } from '../../machine/protection.js';
import { MADV_RANDOM, MAP_INHERIT_NONE } from '../../vm/mman.js';
import { AMAP_COPY_NOMERGE, AMAP_COPY_NOWAIT, AMAP_REFALL, AMAP_SHARED } from '../anon/amap.js';
import type { Uvm } from '../uvm.js';
import { DEFAULT_ARGUMENTS, UVM_FLAG_NOMERGE } from './map-arguments.js';
import { type MapEntry, UVM_MAP_NOMERGE } from './map-entry.js';
import type { VmMap } from './vm-map.js';
import { vmMapRangeCheck } from './vm-map.js';

/** How `uvmMapExtract` works. */
export interface ExtractOptions {
  /** `UVM_EXTRACT_REMOVE`: the mappings leave the source. Excludes `contiguous` and `quick`. */
  readonly remove?: boolean;
  /** `UVM_EXTRACT_CONTIG`: a hole is an error. */
  readonly contiguous?: boolean;
  /** `UVM_EXTRACT_QREF`: refer to whole amaps instead of clipping; for short-lived mappings of the kernel. */
  readonly quick?: boolean;
  /** `UVM_EXTRACT_FIXPROT`: give the most that is allowed. */
  readonly fixProtection?: boolean;
  /** `UVM_EXTRACT_RESERVED`: where in the destination the range has been reserved; else it is reserved here. */
  readonly reserved?: Va;
}

/**
 * Reserves a range that maps nothing: to be filled by `uvmMapExtract`. `uvm_map_reserve()`. => map unlocked.
 *
 * @returns the address, or minus ENOMEM
 */
export function* uvmMapReserve(
  this: Uvm,
  map: VmMap,
  place: { hint: Va; size: number; align: number; flags: number },
): Step<Va | number> {
  return yield* this.uvmMap(map, {
    ...DEFAULT_ARGUMENTS,
    ...place,
    protection: PROT_NONE,
    inheritance: MAP_INHERIT_NONE,
    advice: MADV_RANDOM,
    flags: place.flags | UVM_FLAG_NOMERGE,
  });
}

/**
 * Maps in `destination` what `source` maps in [start, start + length); both share it from then on. `uvm_map_extract()`.
 *
 * => both maps unlocked. Nothing that is extracted is wired.
 *
 * @returns where it is now, or minus ENOMEM, EINVAL (a hole, with `contiguous`), EIO (the reserved range was taken meanwhile)
 */
export function* uvmMapExtract(
  this: Uvm,
  source: VmMap,
  start: Va,
  length: number,
  destination: VmMap,
  options: ExtractOptions,
): Step<Va | number> {
  const { kern } = this;
  kern.kassert(
    ((start | 0) & PAGE_MASK) === 0 && (length & PAGE_MASK) === 0,
    '(start & PAGE_MASK) == 0 && (len & PAGE_MASK) == 0',
  );
  kern.kassert(
    !options.remove || (!options.contiguous && !options.quick),
    '(flags & UVM_EXTRACT_REMOVE) == 0 || (flags & (UVM_EXTRACT_CONTIG|UVM_EXTRACT_QREF)) == 0',
  );
  const place = { hint: destination.min, size: length, align: 0, flags: 0 };
  const to = options.reserved ?? (yield* this.uvmMapReserve(destination, place));
  if (to < 0) return to;

  const chain: MapEntry[] = [];
  let replaced = false;
  let dead: MapEntry[] = [];
  yield* this.vmMapLock(source);
  let errno = yield* this.uvmMapExtractEntries(source, start, length, asVa(to), options, chain);
  if (errno === 0 && (source === destination || (yield* this.vmMapLockTry(destination)))) {
    replaced = true;
    if (!(yield* this.uvmMapReplace(destination, asVa(to), length, chain))) errno = EIO;
    if (source !== destination) yield* this.vmMapUnlock(destination);
  }
  if (errno === 0 && options.remove) dead = yield* removeExtracted(this, source, start, length);
  yield* this.vmMapUnlock(source);
  yield* this.uvmUnmapDetach(dead);

  if (errno === 0 && !replaced) {
    yield* this.vmMapLock(destination);
    if (!(yield* this.uvmMapReplace(destination, asVa(to), length, chain))) errno = EIO;
    yield* this.vmMapUnlock(destination);
  }
  if (errno === 0) return to;
  for (const entry of chain) {
    if (entry.amap !== null) yield* this.amapUnref(entry, { all: options.quick === true });
    if (entry.object !== null) yield* entry.object.detach(this);
  }
  if (options.reserved === undefined) yield* this.uvmUnmap(destination, asVa(to), asVa(to + length));
  return -errno;
}

/** Makes copies of the entries in a range, moved to where they will be. Part of `uvm_map_extract()`. => source write-locked. */
export function* uvmMapExtractEntries(
  this: Uvm,
  source: VmMap,
  start: Va,
  length: number,
  to: Va,
  options: ExtractOptions,
  chain: MapEntry[],
): Step<Errno> {
  const end = asVa(start + length);
  let entry = this.uvmMapLookupEntry(source, start);
  if (!entry.contains(start)) {
    if (options.contiguous) return EINVAL;
    entry = entry.next;
  } else if (!options.quick) {
    yield* this.uvmMapClipStart(source, entry, start);
    source.hint = entry.prev;
  }
  for (; entry !== source.header && entry.start < end; entry = entry.next) {
    if (!options.quick) yield* this.uvmMapClipEnd(source, entry, end);
    if (entry.needsCopy) {
      yield* this.amapCopy(source, entry, AMAP_COPY_NOWAIT | AMAP_COPY_NOMERGE, start, end);
      if (entry.needsCopy) return ENOMEM;
    }
    chain.push(yield* extractEntry(this, entry, start, end, to, options));
    const last = entry.next === source.header || entry.next.start !== entry.end;
    if (options.contiguous && entry.end < end && last) return EINVAL;
  }
  return 0;
}

/** A copy of one entry, moved; with references of its own to both layers. */
function* extractEntry(uvm: Uvm, entry: MapEntry, start: Va, end: Va, to: Va, options: ExtractOptions): Step<MapEntry> {
  // With quick references the entry is not clipped, and may begin before the range and end behind it.
  const low = Math.max(entry.start, start);
  const high = Math.min(entry.end, end);
  const copy = uvm.uvmMapentAlloc(entry.start, entry.end);
  copy.copyFrom(entry);
  copy.start = asVa(to + (low - start));
  copy.end = asVa(to + (high - start));
  copy.wiredCount = 0;
  if (options.fixProtection) copy.protection = entry.maxProtection;
  if (options.quick) copy.flags |= UVM_MAP_NOMERGE;
  if (copy.object !== null) {
    copy.offset = asOffset(entry.offset + (low - entry.start));
    yield* copy.object.reference(uvm);
  }
  if (copy.amap !== null) {
    copy.amapOffset = entry.amapOffset + (low - entry.start) / PAGE_SIZE;
    yield* uvm.amapRef(copy, AMAP_SHARED | (options.quick ? AMAP_REFALL : 0));
  }
  return copy;
}

/** Takes extracted entries out of the source. => source write-locked. @returns the entries, to be detached */
function* removeExtracted(uvm: Uvm, source: VmMap, start: Va, length: number): Step<MapEntry[]> {
  const dead: MapEntry[] = [];
  const found = uvm.uvmMapLookupEntry(source, start);
  let entry = found.contains(start) ? found : found.next;
  source.hint = entry.prev;
  if (source.firstFree !== source.header && source.firstFree.start >= start) source.firstFree = entry.prev;
  while (entry !== source.header && entry.start < start + length) {
    const next = entry.next;
    // NetBSD does not, and finds out when the entries are detached: docs/decisions/0006-departures.md.
    if (entry.wiredCount > 0) yield* uvm.uvmMapEntryUnwire(source, entry);
    yield* uvm.uvmMapLockEntry(entry);
    uvm.machine.pmapRemove(source.pmap, entry.start, entry.end);
    yield* uvm.uvmMapUnlockEntry(entry);
    uvm.uvmMapClearHints(source, entry);
    uvm.uvmMapEntryUnlink(source, entry);
    source.size -= entry.size;
    dead.push(entry);
    entry = next;
  }
  uvm.machine.pmapUpdate(source.pmap);
  return dead;
}

/**
 * Puts entries into a range that was reserved for them; answers false when it is not blank any more. `uvm_map_replace()`.
 *
 * => map write-locked.
 */
export function* uvmMapReplace(this: Uvm, map: VmMap, start: Va, length: number, entries: readonly MapEntry[]): Step<boolean> {
  const end = asVa(start + length);
  const blank = this.uvmMapLookupEntry(map, start);
  if (!blank.contains(start)) return false;
  yield* this.uvmMapClipEnd(map, blank, end);
  if (blank.start !== start || blank.end !== end || blank.object !== null || blank.amap !== null || blank.submap !== null)
    return false;
  let after = blank.prev;
  const wasFirstFree = map.firstFree === blank;
  this.uvmMapClearHints(map, blank);
  this.uvmMapEntryUnlink(map, blank);
  map.size -= length;
  for (const entry of entries) {
    this.kern.kassert(entry.start >= start && entry.end <= end, 'the entries lie in the reserved range');
    this.uvmMapEntryLink(map, after, entry);
    map.size += entry.size;
    if (wasFirstFree && map.firstFree === after && after.end === entry.start) map.firstFree = entry;
    after = entry;
  }
  return true;
}

/**
 * Has another map take over in a range that maps nothing. `uvm_map_submap()`. => map unlocked; only the kernel's map is divided.
 *
 * @returns 0, or EINVAL when the range is not one blank entry
 */
export function* uvmMapSubmap(this: Uvm, map: VmMap, from: Va, to: Va, submap: VmMap): Step<Errno> {
  yield* this.vmMapLock(map);
  const { start, end } = vmMapRangeCheck(map, from, to);
  const entry = this.uvmMapLookupEntry(map, start);
  if (entry.contains(start)) {
    yield* this.uvmMapClipStart(map, entry, start);
    yield* this.uvmMapClipEnd(map, entry, end);
  }
  const blank = entry.object === null && entry.amap === null && entry.submap === null && !entry.copyOnWrite;
  const fits = entry.start === start && entry.end === end && blank;
  if (fits) {
    entry.submap = submap;
    entry.offset = asOffset(0);
    submap.references++;
  }
  yield* this.vmMapUnlock(map);
  return fits ? 0 : EINVAL;
}
