/** What the memory system calls want of maps beyond `map.ts` and its neighbours. sys/uvm/uvm_mmap.c, uvm_mremap.c. */
import { E2BIG, EINVAL, ENOENT, ENOMEM, type Errno } from '../../kern/errno.js';
import type { Step } from '../../kern/switch.js';
import { asOffset, asVa, atop, PAGE_MASK, PAGE_SIZE, ptoa, roundPage, type Va } from '../../machine/address.js';
import { PROT_ALL, PROT_EXEC, PROT_NONE, PROT_READ, PROT_WRITE } from '../../machine/protection.js';
import { MAP_ANON, MAP_FIXED, MAP_INHERIT_COPY, MAP_INHERIT_SHARE, MAP_SHARED, MAP_WIRED, mapAlignment } from '../../vm/mman.js';
import type { MapRequest } from '../../vm/system.js';
import { UvmDevice } from '../object/device-object.js';
import type { UvmObject } from '../object/object.js';
import { NO_PAGE } from '../page/page-array.js';
import type { Uvm } from '../uvm.js';
import type { UvmFile } from '../vnode/vnode.js';
import {
  DEFAULT_ARGUMENTS,
  UVM_FLAG_AMAPPAD,
  UVM_FLAG_COPYONW,
  UVM_FLAG_FIXED,
  UVM_FLAG_OVERLAY,
  UVM_FLAG_UNMAP,
} from './map-arguments.js';
import { type Advice, type MapEntry, UVM_MAP_NOMERGE } from './map-entry.js';
import { VM_MAP_WIREFUTURE, type VmMap } from './vm-map.js';

/** Bits in an address. */
const ADDRESS_BITS = 64;

/**
 * Maps a file or anonymous memory. `uvm_mmap()`. => map unlocked.
 *
 * @returns the address; or minus EINVAL (alignment, rights), ENOMEM (alignment, limits, no room), or the error of wiring it
 */
export function* uvmMmap(this: Uvm, map: VmMap, request: MapRequest): Step<Va | number> {
  const { size, protection, flags } = request;
  if (size === 0) return request.hint;
  if (((request.offset | 0) & PAGE_MASK) !== 0) return -EINVAL;
  if ((protection & request.maxProtection) !== protection) return -EINVAL;
  const fixed = (flags & MAP_FIXED) !== 0;
  if (fixed && ((request.hint | 0) & PAGE_MASK) !== 0) return -EINVAL;
  const align = alignmentOf(flags, map, fixed ? request.hint : null);
  if (align < 0) return align;
  if (size < 0 || map.size + size > request.sizeLimit) return -ENOMEM;

  const shared = (flags & MAP_SHARED) !== 0;
  const vnode = request.vnode as UvmFile | null;
  let mapFlags = fixed ? UVM_FLAG_FIXED | UVM_FLAG_UNMAP : 0;
  if (!shared) mapFlags |= UVM_FLAG_COPYONW;
  else if (flags & MAP_ANON) mapFlags |= UVM_FLAG_OVERLAY;
  if (vnode !== null) yield* vnode.reference(this);
  if (vnode !== null) yield* this.vnMarkmapped(vnode);
  if (vnode !== null && protection & PROT_EXEC) yield* this.vnMarkexec(vnode);
  let object: UvmObject | null = vnode;
  if (request.device != null) {
    object = yield* this.udvAttach(request.device, request.maxProtection, asOffset(request.offset), size);
    if (object === null) return -EINVAL;
  }
  const start = yield* this.uvmMap(map, {
    hint: fixed ? request.hint : roundPage(request.hint),
    size,
    object,
    offset: object === null ? 0 : request.offset,
    align: fixed ? 0 : align,
    protection,
    maxProtection: request.maxProtection,
    inheritance: shared ? MAP_INHERIT_SHARE : MAP_INHERIT_COPY,
    advice: request.advice as Advice,
    flags: mapFlags,
  });
  if (start < 0) {
    if (object !== null) yield* object.detach(this);
    return start;
  }
  const wired = (flags & MAP_WIRED) !== 0 || (map.flags & VM_MAP_WIREFUTURE) !== 0;
  if (!wired || protection === PROT_NONE) return start;
  const errno = yield* this.uvmMmapWire(map, asVa(start), size, request.wireLimit);
  return errno === 0 ? start : -errno;
}

/** Wires what was just mapped, and unmaps it when that fails. Part of `uvm_mmap()`. => map unlocked */
export function* uvmMmapWire(this: Uvm, map: VmMap, start: Va, size: number, limit: number): Step<Errno> {
  const end = asVa(start + size);
  yield* this.vmMapLock(map);
  const { wired, wiredmax } = this.uvmexp;
  let errno: Errno;
  // A limit of 0 counts as none, here as in NetBSD.
  if (atop(size) + wired > wiredmax || (limit !== 0 && size + ptoa(map.pmap.wiredCount) > limit)) {
    yield* this.vmMapUnlock(map);
    errno = ENOMEM;
  } else {
    errno = yield* this.uvmMapPageable(map, start, end, { wire: true, lockedOnEntry: true });
  }
  if (errno !== 0) yield* this.uvmUnmap(map, start, end);
  return errno;
}

/** The alignment in mapping flags in bytes, 0 for none, or minus an errno. */
function alignmentOf(flags: number, map: VmMap, fixedAt: Va | null): number {
  const power = mapAlignment(flags);
  if (power === 0) return 0;
  if (power >= ADDRESS_BITS) return -EINVAL;
  const align = 2 ** power;
  if (align < PAGE_SIZE) return -EINVAL;
  if (align >= map.max) return -ENOMEM;
  return fixedAt !== null && fixedAt % align !== 0 ? -EINVAL : align;
}

/** Maps a data segment, which is about to grow. Part of `sys_obreak()`, sys/uvm/uvm_unix.c. => map unlocked. @returns 0 or ENOMEM */
export function* uvmMapData(this: Uvm, map: VmMap, start: Va, size: number): Step<Errno> {
  const mapped = yield* this.uvmMap(map, {
    ...DEFAULT_ARGUMENTS,
    hint: start,
    size,
    protection: PROT_READ | PROT_WRITE,
    maxProtection: PROT_ALL,
    flags: UVM_FLAG_AMAPPAD | UVM_FLAG_FIXED | UVM_FLAG_OVERLAY | UVM_FLAG_COPYONW,
  });
  return mapped < 0 ? -mapped : 0;
}

/**
 * Moves a mapping, or changes its size. `uvm_mremap()`. => map unlocked. What is made is never wired.
 *
 * @returns the new address; or minus EINVAL (alignment, empty or wrapping ranges), ENOMEM (no room), E2BIG
 */
export function* uvmMremap(
  this: Uvm,
  map: VmMap,
  from: { start: Va; size: number },
  to: { near: Va; size: number; fixed: boolean; align: number },
): Step<Va | number> {
  const { start, size } = from;
  const target = to.fixed ? to.near : 0;
  if ([start, target, size, to.size].some((value) => (value & PAGE_MASK) !== 0)) return -EINVAL;
  if (size <= 0 || to.size <= 0) return -EINVAL;
  if (start < 0 || target < 0) return -EINVAL;

  const stays = (!to.fixed || target === start) && (to.align === 0 || start % to.align === 0);
  if (stays && to.size <= size) {
    if (to.size < size) yield* this.uvmUnmap(map, asVa(start + to.size), asVa(start + size));
    return start;
  }
  if (stays) {
    const room = { hint: asVa(start + size), size: to.size - size, align: 0, flags: UVM_FLAG_FIXED };
    if ((yield* this.uvmMapReserve(map, room)) >= 0) return yield* this.uvmMremapExtend(map, start, size, to.size);
    if (to.fixed) return -ENOMEM;
  }
  const place = { hint: to.near, size: to.size, align: to.align, flags: to.fixed ? UVM_FLAG_FIXED : 0 };
  const reserved = yield* this.uvmMapReserve(map, place);
  if (reserved < 0) return -ENOMEM;
  const moved = yield* this.uvmMapExtract(map, start, Math.min(size, to.size), map, { reserved: asVa(reserved) });
  if (moved < 0) {
    yield* this.uvmUnmap(map, asVa(reserved), asVa(reserved + to.size));
    return moved;
  }
  if (to.size > size) {
    const extended = yield* this.uvmMremapExtend(map, asVa(reserved), size, to.size);
    if (extended < 0) {
      // The old mapping is still there: nothing is lost.
      yield* this.uvmUnmap(map, asVa(reserved), asVa(reserved + size));
      return extended;
    }
  }
  yield* this.uvmUnmap(map, start, asVa(start + size));
  return reserved;
}

/**
 * Makes the reserved range behind a mapping part of it, or unmaps it; NetBSD unmaps the mapping too: docs/decisions/0006-departures.md.
 * Part of `uvm_mremap()`. => map unlocked
 */
export function* uvmMremapExtend(this: Uvm, map: VmMap, start: Va, size: number, newSize: number): Step<Va | number> {
  const errno = yield* this.uvmMapentExtend(map, asVa(start + size), newSize - size);
  if (errno === 0) return start;
  yield* this.uvmUnmap(map, asVa(start + size), asVa(start + newSize));
  return -errno;
}

/**
 * Makes a reserved entry a continuation of the one before it. `uvm_mapent_extend()`. => map unlocked.
 *
 * @returns 0; ENOENT, EINVAL when the range is not what was reserved; E2BIG when the object cannot have such an offset
 */
export function* uvmMapentExtend(this: Uvm, map: VmMap, at: Va, size: number): Step<Errno> {
  yield* this.vmMapLock(map);
  const reserved = this.uvmMapLookupEntry(map, at);
  const errno = yield* this.uvmMapentExtendEntry(map, reserved, at, size);
  yield* this.vmMapUnlock(map);
  return errno;
}

/** The body of `uvm_mapent_extend()`. => map write-locked */
export function* uvmMapentExtendEntry(this: Uvm, map: VmMap, reserved: MapEntry, at: Va, size: number): Step<Errno> {
  if (!reserved.contains(at)) return ENOENT;
  const blank = reserved.object === null && reserved.amap === null && reserved.submap === null;
  const before = reserved.prev;
  if (!blank || reserved.start !== at || reserved.end !== at + size || before === map.header || before.end !== at) return EINVAL;
  const offset = before.offset + before.size;
  if (before.object !== null && offset + size > Number.MAX_SAFE_INTEGER) return E2BIG;
  if (before.object !== null) {
    yield* before.object.reference(this);
    reserved.object = before.object;
    reserved.offset = asOffset(offset);
  }
  reserved.copyOnWrite = before.copyOnWrite;
  reserved.needsCopy = before.copyOnWrite;
  reserved.flags &= ~UVM_MAP_NOMERGE;
  reserved.protection = before.protection;
  reserved.maxProtection = before.maxProtection;
  reserved.inheritance = before.inheritance;
  reserved.advice = before.advice;
  reserved.wiredCount = 0;
  if (!before.copyOnWrite && before.object === null) {
    // Shared anonymous memory has its amap from the start. NetBSD forgets it here: docs/decisions/0006-departures.md.
    reserved.amap = this.amapAlloc({ bytes: size, padding: 0, nowait: false });
    if (reserved.amap === null) return ENOMEM;
    return 0;
  }
  yield* this.uvmMapentTrymerge(map, reserved, { copying: false });
  return 0;
}

/**
 * Which pages of a range are in memory. The inner part of `sys_mincore()`. => map unlocked.
 *
 * @returns a byte for each page, 1 or 0; or minus ENOMEM when part of the range is not mapped
 */
export function* uvmMapResidency(this: Uvm, map: VmMap, start: Va, end: Va): Step<Uint8Array | number> {
  yield* this.vmMapLockRead(map);
  let entry = this.uvmMapLookupEntry(map, start);
  let covered: number = entry.contains(start) ? start : -1;
  while (covered >= 0 && entry.end < end) {
    const next = entry.next;
    covered = next !== map.header && next.start === entry.end ? next.start : -1;
    entry = next;
  }
  if (covered < 0) {
    yield* this.vmMapUnlockRead(map);
    return -ENOMEM;
  }
  const resident = new Uint8Array((end - start) / PAGE_SIZE);
  for (let at = this.uvmMapLookupEntry(map, start); at !== map.header && at.start < end; at = at.next) {
    yield* this.uvmMapLockEntry(at);
    const low = Math.max(start, at.start);
    const high = Math.min(end, at.end);
    for (let va = low; va < high; va += PAGE_SIZE) {
      const upper = this.amapLookup(at, va - at.start);
      const there =
        at.object instanceof UvmDevice ||
        (upper !== null && upper.page !== NO_PAGE) ||
        (at.object !== null && this.uvmPagelookup(at.object, asOffset(at.offset + (va - at.start))) !== NO_PAGE);
      if (there) resident[(va - start) / PAGE_SIZE] = 1;
    }
    yield* this.uvmMapUnlockEntry(at);
  }
  yield* this.vmMapUnlockRead(map);
  return resident;
}
