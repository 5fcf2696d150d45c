/** The system calls that map memory, as the plain model answers them: NetBSD's argument checks in NetBSD's order. */
import {
  EACCES,
  EBADF,
  EINVAL,
  ENODEV,
  ENOMEM,
  EOVERFLOW,
  MAP_ANON,
  MAP_COPY,
  MAP_FIXED,
  MAP_INHERIT_COPY,
  MAP_INHERIT_SHARE,
  MAP_PRIVATE,
  MAP_SHARED,
  MAP_TRYFIXED,
  MAP_WIRED,
} from '../../src/index.js';
import { alignment, PAGES, pageRange, rangeTest, roundUp, sum, word } from './plain-arguments.js';
import { ALL, EXEC, newPlace, PAGE, type Page, type PlainFile, PlainProcess, READ, WRITE } from './plain-memory.js';
import { exceeds, pagesIn, wire } from './plain-wiring-calls.js';
import type { Seen } from './seen.js';

export function mmap(
  process: PlainProcess,
  address: number,
  length: number,
  protection: number,
  givenFlags: number,
  fd: number,
  position: number,
  seen: Seen,
): number {
  const flags = givenFlags & MAP_COPY ? givenFlags | MAP_PRIVATE : givenFlags;
  if (flags & MAP_SHARED && flags & MAP_PRIVATE) return -EINVAL;
  const within = word(position) % PAGES;
  const size = roundUp(sum(word(length), within));
  if (size < word(length)) return -ENOMEM;

  let hint = word(address);
  if (flags & MAP_FIXED) {
    hint = BigInt.asUintN(64, hint - within);
    if (hint % PAGES !== 0n) return -EINVAL;
    const errno = rangeTest(process, hint, size, { mmap: true });
    if (errno !== 0) return -errno;
  } else if (address === 0 || (flags & MAP_TRYFIXED) === 0) {
    const usual = BigInt.asUintN(64, BigInt(process.stackLimit) - size);
    if (address === 0 || usual < hint) hint = usual;
  }

  let file: PlainFile | null = null;
  let maxProtection = ALL;
  const wanted = protection & ALL;
  if ((flags & MAP_ANON) === 0) {
    const open = process.files[fd];
    if (open === undefined) return -EBADF;
    if (open.file === 'pipe') return -ENODEV;
    if (position < 0) return -EINVAL;
    if (BigInt.asIntN(64, BigInt(position) - within + size) < BigInt(position) - within) return -EOVERFLOW;
    file = open.file;
    maxProtection = EXEC;
    if (open.readable) maxProtection |= READ;
    if (open.writable || (flags & MAP_SHARED) === 0) maxProtection |= WRITE;
    if ((wanted & maxProtection) !== wanted) return -EACCES;
  } else if (fd !== -1) {
    return -EINVAL;
  }
  if (size === 0n) return Number(BigInt.asIntN(64, hint + within));

  const align = alignment(process, givenFlags, flags & MAP_FIXED ? hint : null);
  if (align < 0) return align;
  const bytes = Number(size);
  if (process.pages.size * PAGE + bytes > process.limits.addressSpace) return -ENOMEM;
  let start: number;
  if (flags & MAP_FIXED) {
    start = Number(hint);
    process.unmap(start, start + bytes);
  } else {
    const from = roundUp(hint);
    start = from > BigInt(process.max) ? -1 : process.roomBelow(Number(from), bytes, align);
    if (start < 0) return -ENOMEM;
  }
  const shared = (flags & MAP_SHARED) !== 0;
  for (const at of PlainProcess.addresses(start, start + bytes)) {
    process.pages.set(at, {
      place: newPlace(),
      file,
      index: file === null ? 0 : (Number(position) - Number(within) + at - start) / PAGE,
      toFile: file !== null && shared,
      protection: wanted,
      maxProtection,
      inheritance: shared ? MAP_INHERIT_SHARE : MAP_INHERIT_COPY,
      wired: false,
    });
  }
  if (wanted !== 0 && (flags & MAP_WIRED || process.wireFuture)) {
    const limit = process.limits.wired;
    // A limit of 0 counts as none here.
    const refused = seen.answer === -ENOMEM;
    const over = limit !== 0 && (exceeds(process, bytes, limit, refused) || (refused && seen.mayExceedMachine(bytes)));
    const errno = over ? ENOMEM : wire(pagesIn(process, start, start + bytes), process);
    if (errno !== 0) {
      process.unmap(start, start + bytes);
      return -errno;
    }
  }
  return start + Number(within);
}

export function munmap(process: PlainProcess, address: number, length: number): number {
  const range = pageRange(process, address, length);
  if (range === null) return -EINVAL;
  process.unmap(range.start, range.end);
  return 0;
}

/** What `mremap` is about to do: stay where it is, or move to `start`. */
interface Plan {
  readonly start: number;
  readonly oldEnd: number;
  readonly size: number;
  readonly stays: boolean;
}

/** The argument checks of `mremap`, and where the memory will be; minus an errno when that is refused. */
function planMremap(
  process: PlainProcess,
  from: number,
  oldLength: number,
  to: number,
  newLength: number,
  flags: number,
): Plan | number {
  if (flags & ~(MAP_FIXED | 0xff000000)) return -EINVAL;
  const [oldSize, newSize] = [roundUp(word(oldLength)), roundUp(word(newLength))];
  const fixed = (flags & MAP_FIXED) !== 0;
  const target = fixed ? word(to) : 0n;
  if (word(from) % PAGES !== 0n || target % PAGES !== 0n) return -EINVAL;
  if (sum(word(from), oldSize) <= word(from) || sum(target, newSize) <= target) return -EINVAL;
  const align = alignment(process, flags, fixed ? target : null);
  if (align < 0) return align;

  const size = Number(newSize);
  const oldEnd = from + Number(oldSize);
  if (fixed ? target === word(from) : from % align === 0) {
    if (newSize <= oldSize || process.isFree(oldEnd, from + size - oldEnd)) return { start: from, oldEnd, size, stays: true };
    if (fixed) return -ENOMEM;
  }
  const usual = process.stackLimit - size;
  if (fixed) {
    if (!process.isFree(Number(target), size)) return -ENOMEM;
    return { start: Number(target), oldEnd, size, stays: false };
  }
  const start = usual < 0 ? -1 : process.roomBelow(usual, size, align);
  return start < 0 ? -ENOMEM : { start, oldEnd, size, stays: false };
}

/**
 * Whether `mremap` would move memory to where part of it already is. That can only be when the old range has holes; NetBSD then
 * takes its own reservation of the new range for part of the old one, and what comes of that is nobody's business. Nor is it what
 * comes of moving what ends above 2^63.
 */
export function mremapIsOpen(process: PlainProcess, ...args: [number, number, number, number, number]): boolean {
  const plan = planMremap(process, ...args);
  const [from, oldLength] = args;
  if (plan !== -EINVAL && (from < 0 || oldLength < 0)) return true;
  return typeof plan !== 'number' && !plan.stays && plan.start < plan.oldEnd && from < plan.start + plan.size;
}

export function mremap(process: PlainProcess, args: [number, number, number, number, number], seen: Seen): number {
  const plan = planMremap(process, ...args);
  if (typeof plan === 'number') return plan;
  if (!plan.stays && seen.noMemory) return -ENOMEM;
  const [from] = args;
  const { start, oldEnd, size, stays } = plan;
  if (stays) {
    process.unmap(from + size, oldEnd);
    return extend(process, oldEnd, from + size) ? from : -EINVAL;
  }
  const moved = Math.min(size, oldEnd - from);
  for (const at of process.mapped(from, from + moved)) {
    process.pages.set(start + at - from, { ...(process.pages.get(at) as Page), wired: false });
  }
  if (!extend(process, start + moved, start + size)) {
    process.unmap(start, start + size);
    return -EINVAL;
  }
  process.unmap(from, oldEnd);
  return start;
}

/** Fills [end, newEnd) with more of what the page before it maps; answers whether there is one. An empty range needs none. */
function extend(process: PlainProcess, end: number, newEnd: number): boolean {
  if (end >= newEnd) return true;
  const last = process.pages.get(end - PAGE);
  if (last === undefined) return false;
  for (const at of PlainProcess.addresses(end, newEnd)) {
    const index = last.file === null ? 0 : last.index + (at - end) / PAGE + 1;
    process.pages.set(at, { ...last, index, place: newPlace(), wired: false });
  }
  return true;
}

export function brk(process: PlainProcess, address: number): number {
  const { dataStart } = process;
  const wanted = roundUp(word(address));
  if (wanted === 0n) return -ENOMEM;
  if (wanted < BigInt(dataStart)) return -EINVAL;
  const size = Number(wanted) - dataStart;
  if (size > process.limits.data) return -ENOMEM;
  const old = dataStart + process.dataSize;
  const end = dataStart + size;
  if (end > old && !process.isFree(old, end - old)) return -ENOMEM;
  process.unmap(end, old);
  for (const at of PlainProcess.addresses(old, end)) {
    process.pages.set(at, {
      place: newPlace(),
      file: null,
      index: 0,
      toFile: false,
      protection: READ | WRITE,
      maxProtection: ALL,
      inheritance: MAP_INHERIT_COPY,
      wired: false,
    });
  }
  process.dataSize = size;
  return 0;
}
