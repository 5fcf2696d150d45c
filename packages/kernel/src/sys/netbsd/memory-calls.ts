/**
 * NetBSD's memory system calls: argument checks, in the order in which NetBSD makes them. sys/uvm/uvm_mmap.c, uvm_mremap.c,
 * uvm_unix.c.
 *
 * Arguments are 64-bit words: a number below zero stands for one above 2^63, so that -1 is the highest address and sums wrap as
 * the machine's do.
 */
import { EACCES, EAGAIN, EBADF, EFAULT, EFBIG, EINVAL, ENODEV, ENOMEM, EOVERFLOW, type Errno } from '../../kern/errno.js';
import { RLIMIT_AS, RLIMIT_DATA, RLIMIT_MEMLOCK } from '../../kern/limits.js';
import type { Step } from '../../kern/switch.js';
import { asVa, atop, PAGE_MASK, PAGE_SIZE, ptoa, roundPage, truncPage, type Va } from '../../machine/address.js';
import { PROT_ALL, PROT_EXEC, PROT_READ, PROT_WRITE, type Protection } from '../../machine/protection.js';
import {
  MADV_DONTNEED,
  MADV_FREE,
  MADV_NORMAL,
  MADV_RANDOM,
  MADV_SEQUENTIAL,
  MADV_WILLNEED,
  MAP_ALIGNMENT_SHIFT,
  MAP_ANON,
  MAP_COPY,
  MAP_FIXED,
  MAP_PRIVATE,
  MAP_SHARED,
  MAP_TRYFIXED,
  MCL_CURRENT,
  MCL_FUTURE,
  MS_ASYNC,
  MS_INVALIDATE,
  MS_SYNC,
  mapAlignment,
} from '../../vm/mman.js';
import type { MappableDevice, VmSpace, Vnode } from '../../vm/system.js';
import type { OpenFile } from '../file.js';
import type { Sys } from '../sys.js';

/** A range of whole pages. */
interface PageRange {
  readonly start: Va;
  readonly size: number;
  readonly end: Va;
}

/** Whether a range lies in the space. `range_test()`. @returns 0; EINVAL, or for mmap EFBIG beyond the end and EOVERFLOW when it wraps */
function rangeTest(space: VmSpace, address: number, size: number, options: { mmap: boolean }): Errno {
  const end = address + size;
  // Below zero is above everything.
  if (address >= 0 && address < space.min) return EINVAL;
  if (end < 0 || end > space.max) return options.mmap ? EFBIG : EINVAL;
  if (address < 0 || address > end) return options.mmap ? EOVERFLOW : EINVAL;
  return 0;
}

/** Extends a range outwards to whole pages, and tests it; an empty one stays empty. `round_and_check()`. @returns null when it is bad */
function roundAndCheck(space: VmSpace, address: number, length: number): PageRange | null {
  const start = truncPage(address);
  const size = length === 0 ? 0 : roundPage(length + (address - start));
  if (rangeTest(space, start, size, { mmap: false }) !== 0) return null;
  return { start: asVa(start), size, end: asVa(start + size) };
}

/**
 * Maps memory. `sys_mmap()`.
 *
 * @returns the address; or minus EINVAL, ENOMEM, EFBIG, EOVERFLOW, EBADF, ENODEV, EACCES
 */
export function* sysMmap(
  this: Sys,
  address: number,
  length: number,
  protection: number,
  mapFlags: number,
  fd: number,
  position: number,
): Step<number> {
  const process = this.processOf(this.curlwp);
  const space = this.spaceOf(process);
  let flags = mapFlags & MAP_COPY ? (mapFlags & ~MAP_COPY) | MAP_PRIVATE : mapFlags;
  if ((flags & (MAP_SHARED | MAP_PRIVATE)) === (MAP_SHARED | MAP_PRIVATE)) return -EINVAL;
  const offset = truncPage(position);
  const pageOffset = position - offset;
  const size = roundPage(length + pageOffset);
  // A length that wraps when it is rounded. One that is only too large is below zero still, and finds no room in the end.
  if (length < 0 && size >= 0) return -ENOMEM;

  const fixed = (flags & MAP_FIXED) !== 0;
  let hint = address;
  if (fixed) {
    hint = address - pageOffset;
    if ((hint & PAGE_MASK) !== 0) return -EINVAL;
    const errno = rangeTest(space, hint, size, { mmap: true });
    if (errno !== 0) return -errno;
  } else if (address === 0 || (flags & MAP_TRYFIXED) === 0) {
    const usual = this.defaultAddress(process, size);
    hint = address === 0 || !space.topdown ? Math.max(address, usual) : Math.min(address < 0 ? usual : address, usual);
  }

  let vnode: Vnode | null = null;
  let device: MappableDevice | null = null;
  let maxProtection: Protection = PROT_ALL;
  const wanted = protection & PROT_ALL;
  if ((flags & MAP_ANON) === 0) {
    const file = process.files.get(fd);
    if (file === EBADF) return -EBADF;
    const { target } = file;
    if (target.kind !== 'vnode' && target.kind !== 'device') return -ENODEV;
    if (target.kind === 'device') {
      if (target.device.mmap === undefined) return -ENODEV;
      // A mapping of a device cannot be private, and who asks for that has always been given a shared one.
      flags = (flags & ~MAP_PRIVATE) | MAP_SHARED;
      device = target.device as MappableDevice;
    } else {
      vnode = target.vnode;
    }
    if ((flags & (MAP_SHARED | MAP_PRIVATE)) === 0) flags |= MAP_PRIVATE;
    if (offset < 0) return -EINVAL;
    if (size < 0 || offset + size > Number.MAX_SAFE_INTEGER) return -EOVERFLOW;
    const allowed = vnodeProtection(file, flags, wanted);
    if (allowed < 0) return allowed;
    maxProtection = allowed;
  } else if (fd !== -1) {
    return -EINVAL;
  }
  if ((wanted & maxProtection) !== wanted) return -EACCES;
  const start = yield* this.vm.map(space, {
    hint: asVa(hint),
    size,
    protection: wanted,
    maxProtection,
    flags,
    vnode,
    device,
    offset: vnode === null && device === null ? 0 : offset,
    advice: MADV_NORMAL,
    sizeLimit: process.limits.soft(RLIMIT_AS),
    wireLimit: process.limits.soft(RLIMIT_MEMLOCK),
  });
  return start < 0 ? start : start + pageOffset;
}

/** The most that a mapping of a file may ever allow. `vn_mmap()`, sys/kern/vfs_vnops.c. @returns the rights, or minus EACCES */
function vnodeProtection(file: OpenFile, flags: number, protection: Protection): Protection | number {
  let most = PROT_EXEC;
  if (file.readable) most |= PROT_READ;
  else if (protection & PROT_READ) return -EACCES;
  if ((flags & MAP_SHARED) === 0) return most | PROT_WRITE;
  if (file.writable) most |= PROT_WRITE;
  else if (protection & PROT_WRITE) return -EACCES;
  return most;
}

/** Unmaps memory; holes are no matter. `sys_munmap()`. @returns 0 or minus EINVAL */
export function* sysMunmap(this: Sys, address: number, length: number): Step<number> {
  const space = this.spaceOf(this.processOf(this.curlwp));
  const range = roundAndCheck(space, address, length);
  if (range === null) return -EINVAL;
  if (range.size > 0) yield* this.vm.unmap(space, range.start, range.end);
  return 0;
}

/** Changes what memory allows. `sys_mprotect()`. @returns 0, or minus EINVAL, EACCES, ENOMEM */
export function* sysMprotect(this: Sys, address: number, length: number, protection: number): Step<number> {
  const space = this.spaceOf(this.processOf(this.curlwp));
  const range = roundAndCheck(space, address, length);
  if (range === null) return -EINVAL;
  return -(yield* this.vm.protect(space, range.start, range.end, protection & PROT_ALL));
}

/** Changes what children get of memory. `sys_minherit()`. @returns 0 or minus EINVAL */
export function* sysMinherit(this: Sys, address: number, length: number, inheritance: number): Step<number> {
  const space = this.spaceOf(this.processOf(this.curlwp));
  const range = roundAndCheck(space, address, length);
  if (range === null) return -EINVAL;
  return -(yield* this.vm.inherit(space, range.start, range.end, inheritance));
}

/** Writes memory of files back. `sys___msync13()`. @returns 0, or minus EINVAL, ENOMEM, EFAULT, EBUSY, or the error of the file */
export function* sysMsync(this: Sys, address: number, length: number, flags: number): Step<number> {
  const space = this.spaceOf(this.processOf(this.curlwp));
  const known = MS_ASYNC | MS_SYNC | MS_INVALIDATE;
  const both = MS_ASYNC | MS_SYNC;
  if ((flags & ~known) !== 0 || (flags & known) === 0 || (flags & both) === both) return -EINVAL;
  const range = roundAndCheck(space, address, length);
  if (range === null) return -ENOMEM;
  let { start, end } = range;
  if (range.size === 0) {
    // The whole mapping that holds the address.
    const mapping = yield* this.vm.mappingAt(space, start);
    if (mapping === null) return -EINVAL;
    ({ start, end } = mapping);
  }
  const options = { write: true, free: (flags & MS_INVALIDATE) !== 0, wait: (flags & MS_ASYNC) === 0 };
  return -(yield* this.vm.clean(space, start, end, options));
}

/** Says how memory will be used. `sys_madvise()`. @returns 0, or minus EINVAL, EFAULT, EBUSY */
export function* sysMadvise(this: Sys, address: number, length: number, advice: number): Step<number> {
  const space = this.spaceOf(this.processOf(this.curlwp));
  const range = roundAndCheck(space, address, length);
  if (range === null) return -EINVAL;
  const { start, end } = range;
  switch (advice) {
    case MADV_NORMAL:
    case MADV_RANDOM:
    case MADV_SEQUENTIAL:
      return -(yield* this.vm.advise(space, start, end, advice));
    case MADV_WILLNEED:
      return -(yield* this.vm.willNeed(space, start, end));
    case MADV_DONTNEED:
      return -(yield* this.vm.clean(space, start, end, { deactivate: true }));
    case MADV_FREE:
      return -(yield* this.vm.clean(space, start, end, { free: true }));
    default:
      return -EINVAL;
  }
}

/**
 * Tells which pages are in memory: a byte for each, at `vector`. `sys_mincore()`.
 *
 * => the vector is wired meanwhile, by address.
 *
 * @returns 0, or minus EINVAL (misaligned, or empty), EFAULT (the vector), ENOMEM (part of the range is not mapped)
 */
export function* sysMincore(this: Sys, address: number, length: number, vector: number): Step<number> {
  const space = this.spaceOf(this.processOf(this.curlwp));
  if ((address & PAGE_MASK) !== 0) return -EINVAL;
  const size = roundPage(length);
  if (emptyOrWraps(address, size)) return -EINVAL;
  // There is no vector for what ends above 2^63.
  if (size < 0) return -EFAULT;
  const end = address + size;
  const count = (end - address) / PAGE_SIZE;
  // The vector is to take the answer while the map and its layers are locked, so no fault may happen there. Whatever is wrong with it,
  // the answer is that of the manual: docs/decisions/0006-departures.md.
  const wiring = yield* this.vm.vslock(space, vector, count, PROT_WRITE);
  if (typeof wiring === 'number') return -EFAULT;
  const outside = address < space.min || end > space.max;
  const resident = outside ? -ENOMEM : yield* this.vm.residency(space, asVa(address), asVa(end));
  const answer = typeof resident === 'number' ? resident : -(yield* this.copyout(vector, resident));
  yield* this.vm.vsunlock(space, vector, count, wiring);
  return answer;
}

/** Wires memory. `sys_mlock()`. @returns 0, or minus ENOMEM (a bad range), EAGAIN (a limit), EINVAL (inaccessible, or a hole) */
export function* sysMlock(this: Sys, address: number, length: number): Step<number> {
  const process = this.processOf(this.curlwp);
  const space = this.spaceOf(process);
  const range = roundAndCheck(space, address, length);
  if (range === null) return -ENOMEM;
  if (!this.vm.mayWire(atop(range.size))) return -EAGAIN;
  if (range.size + ptoa(space.pmap.wiredCount) > process.limits.soft(RLIMIT_MEMLOCK)) return -EAGAIN;
  const errno = yield* this.vm.wire(space, range.start, range.end);
  return -(errno === EFAULT ? ENOMEM : errno);
}

/** Unwires memory. `sys_munlock()`. @returns 0, or minus ENOMEM (a bad range, or not wired) */
export function* sysMunlock(this: Sys, address: number, length: number): Step<number> {
  const space = this.spaceOf(this.processOf(this.curlwp));
  const range = roundAndCheck(space, address, length);
  if (range === null) return -ENOMEM;
  return (yield* this.vm.unwire(space, range.start, range.end)) === 0 ? 0 : -ENOMEM;
}

/** Wires everything, now or from now on. `sys_mlockall()`. @returns 0, or minus EINVAL, ENOMEM, EFAULT */
export function* sysMlockall(this: Sys, flags: number): Step<number> {
  const process = this.processOf(this.curlwp);
  if (flags === 0 || (flags & ~(MCL_CURRENT | MCL_FUTURE)) !== 0) return -EINVAL;
  return -(yield* this.vm.wireAll(this.spaceOf(process), flags, process.limits.soft(RLIMIT_MEMLOCK)));
}

/** Unwires everything. `sys_munlockall()`. @returns 0 */
export function* sysMunlockall(this: Sys): Step<number> {
  yield* this.vm.wireAll(this.spaceOf(this.processOf(this.curlwp)), 0, 0);
  return 0;
}

/** Moves or resizes a mapping. `sys_mremap()`. @returns the new address, or minus EINVAL, ENOMEM, E2BIG */
export function* sysMremap(
  this: Sys,
  oldAddress: number,
  oldLength: number,
  newAddress: number,
  newLength: number,
  flags: number,
): Step<number> {
  const process = this.processOf(this.curlwp);
  const space = this.spaceOf(process);
  const power = mapAlignment(flags);
  if ((flags & ~(MAP_FIXED | (0xff << MAP_ALIGNMENT_SHIFT))) !== 0) return -EINVAL;
  const oldSize = roundPage(oldLength);
  const newSize = roundPage(newLength);
  const fixed = (flags & MAP_FIXED) !== 0;
  const target = fixed ? newAddress : 0;
  if (((oldAddress | target) & PAGE_MASK) !== 0) return -EINVAL;
  if (emptyOrWraps(oldAddress, oldSize) || emptyOrWraps(target, newSize)) return -EINVAL;
  const align = power === 0 ? 0 : 2 ** power;
  if (power !== 0 && (power >= 64 || align < PAGE_SIZE)) return -EINVAL;
  if (align >= space.max) return -ENOMEM;
  if (fixed && align !== 0 && newAddress % align !== 0) return -EINVAL;
  // What lies above 2^63 is nobody's: there is no room, and nothing to be moved from there.
  if (target < 0 || newSize < 0) return -ENOMEM;
  if (oldAddress < 0 || oldSize < 0) return -EINVAL;
  const near = fixed ? newAddress : this.defaultAddress(process, newSize);
  return yield* this.vm.remap(
    space,
    { start: asVa(oldAddress), size: oldSize },
    { near: asVa(near), size: newSize, fixed, align: fixed ? 0 : align },
  );
}

/** Whether a range is empty, or has its end not above its start because the sum of 64-bit words wraps. */
function emptyOrWraps(address: number, size: number): boolean {
  if (address < 0 && size < 0) return true;
  return size === 0 || ((address < 0 || size < 0) && address + size >= 0);
}

/**
 * Moves the break, where the data segment ends. `sys_obreak()`.
 *
 * @returns 0; minus ENOMEM (a limit, no room, an address that rounds up to 0); minus EINVAL below the data, where NetBSD would unmap
 *   whatever lies there (docs/decisions/0006-departures.md)
 */
export function* sysObreak(this: Sys, address: number): Step<number> {
  const process = this.processOf(this.curlwp);
  const space = this.spaceOf(process);
  const { layout } = process;
  const old = roundPage(layout.dataStart + layout.dataSize);
  const wanted = roundPage(address);
  if (wanted <= 0) return -ENOMEM;
  if (wanted < layout.dataStart) return -EINVAL;
  if (wanted - layout.dataStart > process.limits.soft(RLIMIT_DATA)) return -ENOMEM;
  if (wanted > space.max) return -ENOMEM;
  if (wanted > old) {
    const errno = yield* this.vm.mapData(space, asVa(old), wanted - old);
    if (errno !== 0) return -errno;
  } else if (wanted < old) {
    yield* this.vm.unmap(space, asVa(wanted), asVa(old));
  }
  layout.dataSize = wanted - layout.dataStart;
  return 0;
}
