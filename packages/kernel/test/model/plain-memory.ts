/**
 * A plain model of memory: what programs may expect, and nothing of how a kernel does it.
 *
 *     process ── address ──> Page { rights, place, file page }
 *                                            │       └─ read, and when shared also written, while the place is empty
 *                                            └─ what was written to memory that is not a shared file; empty until then
 *
 * There are no entries, no faults and no reference counts here. A place is the same object for all who inherited it by sharing, and a
 * copy for all who inherited it by copying. The system calls are in `plain-calls.ts`.
 */

export const PAGE = 4096;

/** One page of memory that belongs to no file. */
export interface Place {
  /** What is in it; null as long as nobody has used it. */
  bytes: Uint8Array | null;
  /** Whether some child inherited it by sharing: then others may do to it what this process does not see coming. */
  shared: boolean;
  /** Whether it could not be read back from where it was, and is gone. */
  lost: boolean;
}

/** An access that cannot be done: the signal that must come. */
export type Fault = 'unmapped' | 'forbidden' | 'beyond the file' | 'unreadable';

/** A file: its bytes, page by page. Behind the end, the last page holds whatever mappings have stored there. */
export class PlainFile {
  /** What the kernel calls it. */
  name: string;
  size = 0;
  readonly pages: Uint8Array[] = [];
  /** Pages that must be in memory: somebody used them, and nothing has made them go. */
  readonly resident = new Set<number>();
  /** Pages that could not be read back from where they were, and are gone: of files that are memory themselves. */
  readonly lost = new Set<number>();

  /** Whether it is memory itself, and rests nowhere. */
  readonly inMemory: boolean;

  constructor(name: string, options: { inMemory?: boolean } = {}) {
    this.name = name;
    this.inMemory = options.inMemory === true;
  }

  /** Cuts the file, or extends it with zeros. */
  truncate(size: number): void {
    if (size === this.size) return;
    const edge = Math.min(size, this.size);
    // Bytes behind the end are gone for good, on either side of a change.
    if (edge % PAGE !== 0) this.pages[Math.floor(edge / PAGE)]?.fill(0, edge % PAGE);
    this.#setSize(size);
  }

  /** Clears what mappings have stored behind the end, up to where something is going to be written. */
  clearBehindEnd(offset: number): void {
    if (this.size % PAGE === 0) return;
    const last = Math.floor(this.size / PAGE);
    this.pages[last]?.fill(0, this.size % PAGE, Math.min(PAGE, offset - last * PAGE));
  }

  /** Makes the file longer, with these pages where there are to be any. */
  extend(size: number, pages: ReadonlyMap<number, Uint8Array>): void {
    this.#setSize(size);
    for (const [index, page] of pages) this.pages[index] = page;
  }

  /** Gives the file its old size back after a write that was to make it `reached` long, and failed. */
  cut(size: number, reached: number): void {
    if (reached > size && size % PAGE !== 0) this.pages[Math.floor(size / PAGE)]?.fill(0, size % PAGE);
    this.#setSize(size);
  }

  /** Some bytes of one page; their page is in memory then. */
  piece(offset: number, length: number): Uint8Array {
    const index = Math.floor(offset / PAGE);
    this.resident.add(index);
    return (this.pages[index] ?? new Uint8Array(PAGE)).subarray(offset % PAGE, (offset % PAGE) + length);
  }

  /** Writes bytes at an offset; a gap before it reads as zeros. */
  write(offset: number, bytes: Uint8Array): void {
    if (bytes.length === 0) return;
    if (offset > this.size) this.clearBehindEnd(offset);
    this.#setSize(Math.max(this.size, offset + bytes.length));
    for (let done = 0; done < bytes.length; ) {
      const at = offset + done;
      const length = Math.min(PAGE - (at % PAGE), bytes.length - done);
      this.pages[Math.floor(at / PAGE)]?.set(bytes.subarray(done, done + length), at % PAGE);
      this.resident.add(Math.floor(at / PAGE));
      done += length;
    }
  }

  /** The bytes at an offset, fewer at the end of the file. */
  read(offset: number, length: number): Uint8Array {
    const bytes = new Uint8Array(Math.max(0, Math.min(length, this.size - offset)));
    for (let done = 0; done < bytes.length; ) {
      const at = offset + done;
      const chunk = Math.min(PAGE - (at % PAGE), bytes.length - done);
      const page = this.pages[Math.floor(at / PAGE)] ?? new Uint8Array(PAGE);
      bytes.set(page.subarray(at % PAGE, (at % PAGE) + chunk), done);
      this.resident.add(Math.floor(at / PAGE));
      done += chunk;
    }
    return bytes;
  }

  /** A page leaves memory: all that is kept of it is what lies within the file. */
  drop(index: number): void {
    this.resident.delete(index);
    if (index === Math.floor(this.size / PAGE)) this.pages[index]?.fill(0, this.size % PAGE);
  }

  #setSize(size: number): void {
    this.size = size;
    const count = Math.ceil(size / PAGE);
    while (this.pages.length < count) this.pages.push(new Uint8Array(PAGE));
    for (const set of [this.resident, this.lost]) for (const index of set) if (index >= count) set.delete(index);
    this.pages.length = count;
  }
}

/** One page of a process's memory. */
export interface Page {
  readonly place: Place;
  /** What is read while the place is empty; null for zeros. */
  readonly file: PlainFile | null;
  /** Which page of the file. */
  readonly index: number;
  /** Whether stores go to the file. */
  readonly toFile: boolean;
  protection: number;
  readonly maxProtection: number;
  inheritance: number;
  wired: boolean;
}

/** An open file. */
export interface PlainOpenFile {
  readonly file: PlainFile | 'pipe';
  readonly readable: boolean;
  readonly writable: boolean;
  readonly append: boolean;
  offset: number;
}

/** The limits that memory knows, in bytes. */
export interface PlainLimits {
  addressSpace: number;
  wired: number;
  data: number;
}

/** The numbers of `PROT_*` and `MAP_INHERIT_*`, as the headers have them. */
export const READ = 1;
export const WRITE = 2;
export const EXEC = 4;
export const ALL = READ | WRITE | EXEC;
const SHARE = 0;
const COPY = 1;
const NONE = 2;
const ZERO = 4;

export function newPlace(): Place {
  return { bytes: null, shared: false, lost: false };
}

function copyOf({ bytes, lost }: Place): Place {
  return { bytes: bytes?.slice() ?? null, shared: false, lost };
}

/** Whether what is in a page is gone. */
export function isLost({ place, file, index }: Page): boolean {
  return place.bytes === null ? file?.lost.has(index) === true : place.lost;
}

/** A segment that is attached. */
export interface PlainAttachment {
  readonly address: number;
  readonly size: number;
}

/** A process. */
export class PlainProcess {
  readonly min: number;
  readonly max: number;
  /** Where mappings go that ask for no address: below this. */
  readonly stackLimit: number;
  readonly dataStart: number;
  dataSize = 0;
  /** By address. */
  readonly pages = new Map<number, Page>();
  readonly files: readonly PlainOpenFile[];
  /** Whether what is mapped is to be wired from now on. */
  wireFuture = false;
  readonly limits: PlainLimits;
  /** Segments of shared memory that are attached, the latest last. */
  readonly attachments: PlainAttachment[] = [];

  constructor(parts: {
    min: number;
    max: number;
    stackLimit: number;
    dataStart: number;
    files: readonly PlainOpenFile[];
    limits: PlainLimits;
  }) {
    this.min = parts.min;
    this.max = parts.max;
    this.stackLimit = parts.stackLimit;
    this.dataStart = parts.dataStart;
    this.files = parts.files;
    this.limits = { ...parts.limits };
  }

  /** The addresses of the pages in a range, mapped or not. */
  static addresses(start: number, end: number): number[] {
    const found: number[] = [];
    for (let at = start; at < end; at += PAGE) found.push(at);
    return found;
  }

  /** The addresses of the mapped pages in a range, ascending. */
  mapped(start: number, end: number): number[] {
    return PlainProcess.addresses(Math.max(start, this.min), Math.min(end, this.max)).filter((at) => this.pages.has(at));
  }

  /** All mapped pages, ascending. */
  all(): [address: number, page: Page][] {
    return [...this.pages].sort(([a], [b]) => a - b);
  }

  /** The mapped ranges, however many mappings they are made of. */
  runs(): { start: number; end: number }[] {
    const runs: { start: number; end: number }[] = [];
    for (const [at] of this.all()) {
      const last = runs.at(-1);
      if (last?.end === at) last.end = at + PAGE;
      else runs.push({ start: at, end: at + PAGE });
    }
    return runs;
  }

  /** Whether a range lies in the space, and nothing is mapped in it. */
  isFree(start: number, size: number): boolean {
    if (start < this.min || start + size > this.max) return false;
    return PlainProcess.addresses(start, start + size).every((at) => !this.pages.has(at));
  }

  /** The highest free range at or below an address, -1 for none. */
  roomBelow(hint: number, size: number, align: number): number {
    for (let at = Math.min(hint, this.max - size); at >= this.min; at -= PAGE) {
      if (at % align === 0 && this.isFree(at, size)) return at;
    }
    // An address too low counts as the lowest.
    return hint < this.min && this.min % align === 0 && this.isFree(this.min, size) ? this.min : -1;
  }

  unmap(start: number, end: number): void {
    for (const at of this.mapped(start, end)) this.pages.delete(at);
  }

  /** Why an access of this kind to one page cannot be, null when it can. */
  faultOf(address: number, right: number): Fault | null {
    const page = this.pages.get(Math.floor(address / PAGE) * PAGE);
    if (page === undefined) return 'unmapped';
    if ((page.protection & right) === 0) return 'forbidden';
    if (isLost(page)) return 'unreadable';
    const { place, file, index } = page;
    return place.bytes === null && file !== null && index >= file.pages.length ? 'beyond the file' : null;
  }

  /** What an access of this kind to one page finds: its bytes, or why not. */
  access(address: number, right: number): Uint8Array | Fault {
    const page = this.pages.get(Math.floor(address / PAGE) * PAGE);
    if (page === undefined) return 'unmapped';
    if ((page.protection & right) === 0) return 'forbidden';
    if (isLost(page)) return 'unreadable';
    return useBytes(page, { write: right === WRITE }) ?? 'beyond the file';
  }

  /** As `access`, when a device does it: what may be written has its own copy then. */
  accessWired(address: number, right: number): Uint8Array | Fault {
    const found = this.access(address, right);
    const page = this.pages.get(Math.floor(address / PAGE) * PAGE);
    if (typeof found === 'string' || page === undefined || (page.protection & WRITE) === 0) return found;
    return useBytes(page, { write: true }) ?? 'beyond the file';
  }

  /** Wires a page, as far as its bytes are concerned; answers whether it can be. */
  wireIn(page: Page): boolean {
    // Memory that may ever be written gets its own copy now: later it must not fault.
    return !isLost(page) && useBytes(page, { write: (page.maxProtection & WRITE) !== 0 }) !== null;
  }

  /** A child, with what it inherits. */
  fork(): PlainProcess {
    const child = new PlainProcess(this);
    child.dataSize = this.dataSize;
    child.attachments.push(...this.attachments);
    for (const [at, page] of this.pages) {
      const inherited = inherit(page);
      if (inherited !== null) child.pages.set(at, inherited);
    }
    return child;
  }
}

function inherit(page: Page): Page | null {
  const common = { ...page, wired: false };
  switch (page.inheritance) {
    case SHARE:
      page.place.shared = true;
      return common;
    case COPY:
      return { ...common, toFile: false, place: copyOf(page.place) };
    case ZERO:
      return { ...common, toFile: false, file: null, index: 0, place: newPlace() };
    case NONE:
      return null;
    default:
      throw new Error(`there is no inheritance ${page.inheritance}`);
  }
}

/** The bytes that a page has for reading or writing; null beyond the end of its file. A page that is used comes into being. */
function useBytes(page: Page, options: { write: boolean }): Uint8Array | null {
  const { place, file, index } = page;
  if (place.bytes !== null) return place.bytes;
  if (file === null) {
    place.bytes = new Uint8Array(PAGE);
    return place.bytes;
  }
  const bytes = file.pages[index];
  if (bytes === undefined) return null;
  file.resident.add(index);
  if (!options.write || page.toFile) return bytes;
  place.bytes = bytes.slice();
  return place.bytes;
}
