/** The system calls that change or look at what is mapped, as the plain model answers them: NetBSD's argument checks in NetBSD's order. */
import {
  EACCES,
  EBUSY,
  EFAULT,
  EINVAL,
  EIO,
  ENOMEM,
  MADV_DONTNEED,
  MADV_FREE,
  MADV_NORMAL,
  MADV_RANDOM,
  MADV_SEQUENTIAL,
  MADV_WILLNEED,
  MAP_INHERIT_COPY,
  MAP_INHERIT_NONE,
  MAP_INHERIT_SHARE,
  MAP_INHERIT_ZERO,
  MS_ASYNC,
  MS_INVALIDATE,
  MS_SYNC,
} from '../../src/index.js';
import { PAGES, pageRange, roundUp, sum, word } from './plain-arguments.js';
import { ALL, PAGE, type Page, type PlainProcess, WRITE } from './plain-memory.js';
import { pagesIn, wire } from './plain-wiring-calls.js';
import type { Seen } from './seen.js';

/** Whether it depends on how mappings were made what `mprotect` will wire: several pages become accessible, and some cannot be wired. */
export function protectionIsOpen(process: PlainProcess, address: number, length: number, protection: number): boolean {
  const range = pageRange(process, address, length);
  if (!process.wireFuture || range === null || (protection & ALL) === 0) return false;
  const fresh = pagesIn(process, range.start, range.end).filter((page) => page?.protection === 0) as Page[];
  const lost = fresh.some((page) => page.file !== null && page.place.bytes === null && page.index >= page.file.pages.length);
  return lost && fresh.length > 1;
}

export function mprotect(process: PlainProcess, address: number, length: number, protection: number): number {
  const range = pageRange(process, address, length);
  if (range === null) return -EINVAL;
  const wanted = protection & ALL;
  const pages = pagesIn(process, range.start, range.end).filter((page) => page !== undefined) as Page[];
  if (pages.some((page) => (wanted & page.maxProtection) !== wanted)) return -EACCES;
  let failed = false;
  for (const page of pages) {
    const opened = page.protection === 0 && wanted !== 0;
    page.protection = wanted;
    if (process.wireFuture && opened && wire([page], process) !== 0) failed = true;
  }
  return failed ? -ENOMEM : 0;
}

export function minherit(process: PlainProcess, address: number, length: number, inheritance: number): number {
  const range = pageRange(process, address, length);
  const codes = [MAP_INHERIT_SHARE, MAP_INHERIT_COPY, MAP_INHERIT_NONE, MAP_INHERIT_ZERO];
  if (range === null || !codes.includes(inheritance)) return -EINVAL;
  for (const page of pagesIn(process, range.start, range.end)) if (page !== undefined) page.inheritance = inheritance;
  return 0;
}

/** What `msync` and `madvise` find in their way: 0 or an errno. */
function cleanRefused(process: PlainProcess, start: number, end: number, options: { free: boolean; answer: number }): number {
  const [first, ...rest] = pagesIn(process, start, Math.max(end, start + PAGE));
  if (first === undefined) return EFAULT;
  // In an empty range it depends on where the mapping begins whether anyone looks.
  if (options.free && first.wired && (end > start || options.answer === -EBUSY)) return EBUSY;
  return rest.includes(undefined) ? EFAULT : 0;
}

export function msync(process: PlainProcess, address: number, length: number, flags: number, seen: Seen): number {
  const known = MS_ASYNC | MS_SYNC | MS_INVALIDATE;
  if (flags & ~known || (flags & known) === 0 || (flags & MS_ASYNC && flags & MS_SYNC)) return -EINVAL;
  let range = pageRange(process, address, length);
  if (range === null) return -ENOMEM;
  if (range.start === range.end) {
    // The mapping that holds the address, whatever that is.
    if (!process.pages.has(range.start)) return -EINVAL;
    range = seen.mappingAt(range.start);
  }
  const free = (flags & MS_INVALIDATE) !== 0;
  const errno = cleanRefused(process, range.start, range.end, { free, answer: seen.answer });
  if (errno === 0 && free) dropFilePages(process, range.start, range.end);
  if (errno === 0 && seen.ioFailed && seen.answer === -EIO) return -EIO;
  return -errno;
}

function dropFilePages(process: PlainProcess, start: number, end: number): void {
  for (const page of pagesIn(process, start, end)) page?.file?.drop(page.index);
}

export function madvise(process: PlainProcess, address: number, length: number, advice: number, seen: Seen): number {
  const range = pageRange(process, address, length);
  if (range === null) return -EINVAL;
  const { start, end } = range;
  switch (advice) {
    case MADV_NORMAL:
    case MADV_RANDOM:
    case MADV_SEQUENTIAL:
    case MADV_WILLNEED:
      return 0;
    case MADV_DONTNEED:
      return -cleanRefused(process, start, end, { free: false, answer: seen.answer });
    case MADV_FREE: {
      const errno = cleanRefused(process, start, end, { free: true, answer: seen.answer });
      if (errno !== 0) return -errno;
      for (const at of process.mapped(start, end)) forget(process, at, seen);
      dropFilePages(process, start, end);
      return 0;
    }
    default:
      return -EINVAL;
  }
}

/** The bytes of a page may be forgotten, unless it is wired or others have it too. */
function forget(process: PlainProcess, at: number, seen: Seen): void {
  const page = process.pages.get(at);
  if (page === undefined || page.place.bytes === null || seen.hasOwnPage(at)) return;
  if (page.wired || seen.holders(page) > 1) throw new Error(`the page at ${at.toString(16)} was forgotten, and must not be`);
  page.place.bytes = null;
}

/** Answers the errno, or for each page 1, 0, or null where it is open. The caller stores them at the vector. */
export function mincore(
  process: PlainProcess,
  address: number,
  length: number,
  vector: number,
  options: { swaps: boolean },
): number | (0 | 1 | null)[] {
  const start = word(address);
  if (start % PAGES !== 0n) return -EINVAL;
  const end = sum(start, roundUp(word(length)));
  if (end <= start) return -EINVAL;
  const count = (end - start) / PAGES;
  for (let at = word(vector) - (word(vector) % PAGES); at < word(vector) + count; at += PAGES) {
    if (typeof process.access(Number(at), WRITE) === 'string') return -EFAULT;
  }
  if (count > BigInt(process.max / PAGE)) return -ENOMEM;
  const pages = pagesIn(process, Number(start), Number(end));
  if (pages.includes(undefined)) return -ENOMEM;
  // Where there is swap, whatever was used may be there.
  return pages.map((page) => (residency(page as Page) === 1 && options.swaps ? null : residency(page as Page)));
}

function residency(page: Page): 0 | 1 | null {
  if (page.place.bytes !== null) return 1;
  if (page.file === null || page.index >= page.file.pages.length) return 0;
  return page.file.resident.has(page.index) ? 1 : null;
}
