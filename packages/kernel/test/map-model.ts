/**
 * What a UVM map should be, said as plainly as it can be: an array with one record a page.
 *
 *     map    [──────── entry ────────)[─ entry ─)          [─ entry ─)
 *     model   page   page   page       page      null null  page          null
 *               └ cell └ cell └ cell     └ cell               └ cell
 *
 * A cell is what a store to the page changes; pages that share memory have the same cell. Entries, amaps, anons and references
 * are of no concern here: they are how the kernel remembers this array.
 */
import { EACCES, EFAULT, EINVAL, ENOMEM, type Errno } from '../src/kern/errno.js';
import { PROT_NONE, PROT_WRITE, type Protection } from '../src/machine/protection.js';
import type { Advice, Inheritance } from '../src/uvm/map/map-entry.js';
import { MAP_INHERIT_COPY, MAP_INHERIT_NONE, MAP_INHERIT_SHARE } from '../src/vm/mman.js';

/** The memory behind a page. */
export interface Cell {
  /** The byte that was stored, null while what is beneath shows through. */
  byte: number | null;
  /** A page of a file of which this is a private copy, null for zeros. */
  readonly under: Cell | null;
  /** Whether it is a page of a file itself. */
  readonly file: boolean;
}

/** Memory that nobody has stored to yet. */
export function freshCell(under: Cell | null): Cell {
  return { byte: null, under, file: false };
}

/** What a load from a cell gives. */
export function byteIn(cell: Cell): number {
  return cell.byte ?? (cell.under === null ? 0 : byteIn(cell.under));
}

/** A page that is mapped. */
export interface ModelPage {
  readonly protection: Protection;
  readonly maxProtection: Protection;
  readonly inheritance: Inheritance;
  readonly advice: Advice;
  readonly wired: boolean;
  readonly cell: Cell;
}

/** A map. */
export class ModelMap {
  readonly pages: (ModelPage | null)[];
  readonly topdown: boolean;

  constructor(size: number, topdown: boolean) {
    this.pages = Array.from({ length: size }, () => null);
    this.topdown = topdown;
  }

  /** The page at which a mapping goes that may go anywhere, -1 for nowhere. Tries every place. */
  place(hint: number, size: number, align: number): number {
    const fitting: number[] = [];
    for (let start = 0; start + size <= this.pages.length; start++) {
      const inReach = this.topdown ? start <= hint : start >= hint;
      if (inReach && start % align === 0 && this.isFree(start, start + size)) fitting.push(start);
    }
    return (this.topdown ? fitting.at(-1) : fitting[0]) ?? -1;
  }

  /** Whether nothing is mapped in [from, to). */
  isFree(from: number, to: number): boolean {
    return this.pages.slice(from, to).every((page) => page === null);
  }

  /** Changes each page in [from, to) that is mapped. */
  change(from: number, to: number, change: (page: ModelPage) => ModelPage | null): void {
    for (let at = from; at < to; at++) {
      const page = this.pages[at];
      if (page) this.pages[at] = change(page);
    }
  }

  protect(from: number, to: number, protection: Protection, options: { setMax: boolean }): Errno {
    const within = this.pages.slice(from, to);
    if (within.some((page) => page !== null && (protection & ~page.maxProtection) !== 0)) return EACCES;
    this.change(from, to, (page) =>
      options.setMax ? { ...page, maxProtection: protection, protection: page.protection & protection } : { ...page, protection },
    );
    return 0;
  }

  wire(from: number, to: number): Errno {
    if (from === to) return this.pages[from] ? 0 : EFAULT;
    if (!this.pages[from]) return EFAULT;
    const within = this.pages.slice(from, to);
    if (within.some((page) => page === null || page.protection === PROT_NONE)) return EINVAL;
    this.change(from, to, (page) => {
      // What may ever be written is copied before it is wired, since it must not fault later.
      if (!page.wired && page.maxProtection & PROT_WRITE) page.cell.byte = byteIn(page.cell);
      return { ...page, wired: true };
    });
    return 0;
  }

  unwire(from: number, to: number): Errno {
    if (!this.pages[from]) return EFAULT;
    if (this.pages.slice(from, to).some((page) => page?.wired !== true)) return EINVAL;
    this.change(from, to, (page) => ({ ...page, wired: false }));
    return 0;
  }

  store(at: number, byte: number): Errno {
    const page = this.pages[at];
    if (!page) return EFAULT;
    if ((page.protection & PROT_WRITE) === 0) return EACCES;
    page.cell.byte = byte;
    return 0;
  }

  /** Has [to, …) of another map share what [from, from + size) maps, in a range found by `place`; answers where. */
  extract(from: number, size: number, other: ModelMap, options: { hint: number; remove: boolean }): number {
    const to = other.place(options.hint, size, 1);
    if (to < 0) return -ENOMEM;
    const taken = this.pages.slice(from, from + size);
    if (options.remove) this.change(from, from + size, () => null);
    taken.forEach((page, i) => {
      other.pages[to + i] = page === null ? null : { ...page, wired: false };
    });
    return to;
  }

  /** What a child has. */
  fork(): ModelMap {
    const child = new ModelMap(this.pages.length, this.topdown);
    this.pages.forEach((page, i) => {
      if (page === null || page.inheritance === MAP_INHERIT_NONE) return;
      let { cell } = page;
      if (page.inheritance === MAP_INHERIT_COPY) {
        cell = cell.file ? freshCell(cell) : { byte: cell.byte, under: cell.under, file: false };
      } else if (page.inheritance !== MAP_INHERIT_SHARE) {
        cell = freshCell(null);
      }
      child.pages[i] = { ...page, wired: false, cell };
    });
    return child;
  }
}
