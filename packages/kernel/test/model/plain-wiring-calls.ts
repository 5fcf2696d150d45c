/** The system calls that wire memory, as the plain model answers them; and wiring, for those that do it besides. */
import { EAGAIN, EINVAL, EIO, ENOMEM, MCL_CURRENT, MCL_FUTURE } from '../../src/index.js';
import { pageRange } from './plain-arguments.js';
import { isLost, PAGE, type Page, PlainProcess } from './plain-memory.js';
import type { Seen } from './seen.js';

/** The pages of a range, undefined for those that are not mapped. */
export function pagesIn(process: PlainProcess, start: number, end: number): (Page | undefined)[] {
  return PlainProcess.addresses(start, end).map((at) => process.pages.get(at));
}

/** Whether a sum with the memory that is wired exceeds a limit. Wired memory need not be mapped all the time: in between, it may. */
export function exceeds(process: PlainProcess, size: number, limit: number, kernelSays: boolean): boolean {
  const wired = [...process.pages.values()].filter((page) => page.wired);
  const surely = wired.filter((page) => page.place.bytes !== null && !page.place.shared);
  if (size + wired.length * PAGE <= limit) return false;
  return size + surely.length * PAGE > limit || kernelSays;
}

/** Wires pages, those first that come first; on the first that cannot be, none is. Answers 0 or EINVAL. */
export function wire(pages: readonly (Page | undefined)[], process: PlainProcess): number {
  const fresh = pages.filter((page) => page !== undefined && !page.wired) as Page[];
  for (const page of fresh) if (!process.wireIn(page)) return EINVAL;
  for (const page of fresh) page.wired = true;
  return 0;
}

export function mlock(process: PlainProcess, address: number, length: number, seen: Seen): number {
  const range = pageRange(process, address, length);
  if (range === null) return -ENOMEM;
  if (exceeds(process, range.end - range.start, process.limits.wired, seen.answer === -EAGAIN)) return -EAGAIN;
  if (seen.answer === -EAGAIN && seen.mayExceedMachine(range.end - range.start)) return -EAGAIN;
  if (!process.pages.has(range.start)) return -ENOMEM;
  const pages = pagesIn(process, range.start, range.end);
  if (pages.some((page) => page === undefined || page.protection === 0)) return -EINVAL;
  const lost = pages.some((page) => page !== undefined && !page.wired && isLost(page));
  if ((seen.ioFailed || lost) && seen.answer === -EIO) {
    // What came before the page that could not be read has its own pages now.
    for (const at of PlainProcess.addresses(range.start, range.end)) {
      const page = process.pages.get(at);
      if (page !== undefined && seen.hasOwnPage(at)) process.wireIn(page);
    }
    return -EIO;
  }
  return -wire(pages, process);
}

export function munlock(process: PlainProcess, address: number, length: number): number {
  const range = pageRange(process, address, length);
  if (range === null || !process.pages.has(range.start)) return -ENOMEM;
  const pages = pagesIn(process, range.start, range.end);
  if (pages.some((page) => page === undefined || !page.wired)) return -ENOMEM;
  for (const page of pages) if (page !== undefined) page.wired = false;
  return 0;
}

export function mlockall(process: PlainProcess, flags: number, seen: Seen): number {
  if (flags === 0 || flags & ~(MCL_CURRENT | MCL_FUTURE)) return -EINVAL;
  if (flags & MCL_FUTURE) process.wireFuture = true;
  if ((flags & MCL_CURRENT) === 0) return 0;
  const pages = process.all().flatMap(([, page]) => (page.protection === 0 ? [] : [page]));
  const fresh = pages.filter((page) => !page.wired).length * PAGE;
  const limit = process.limits.wired;
  if (limit !== 0 && exceeds(process, fresh, limit, seen.answer === -ENOMEM)) return -ENOMEM;
  return -wire(pages, process);
}

export function munlockall(process: PlainProcess): number {
  process.wireFuture = false;
  for (const page of process.pages.values()) page.wired = false;
  return 0;
}
