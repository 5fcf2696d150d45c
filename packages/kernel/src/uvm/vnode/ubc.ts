/**
 * Reading and writing objects through windows of the kernel's address space. sys/uvm/uvm_bio.c.
 *
 *     ubcUiomove ── ubcAlloc: a window, turned to the place ──> copy ──> ubcRelease: it stays as it is, for the next one
 *                                                                │ ^
 *                          no mapping, or one that is not enough │ │ mapped
 *                                                                v │
 *                                                             ubcFault: the object's pages, busy only until they are mapped
 *
 * While bytes are moved no page is busy and nothing of the virtual memory system is locked: the program's own memory may be the very
 * page that the window shows, and fault on it. What is in memory on both sides is moved; whatever has gone meanwhile is faulted in once
 * more. The exception are pages that are overwritten whole (`busy`): they are not read before, and held busy instead. That is only for
 * files that nobody has mapped, so that no fault can want them.
 *
 * Lock order: `ubc_object` -> the object's lock. The caller sees to it that the object stays: by a reference, and a vnode's lock.
 */
import { EAGAIN, ENOMEM, type Errno } from '../../kern/errno.js';
import { HZ } from '../../kern/scheduler.js';
import { pause } from '../../kern/sleepq.js';
import type { Step } from '../../kern/switch.js';
import {
  asOffset,
  asVa,
  type ByteOffset,
  FIRST_FRAME,
  PAGE_MASK,
  PAGE_SIZE,
  type Pfn,
  pfnToPa,
  roundPage,
  truncPage,
} from '../../machine/address.js';
import { PMAP_CANFAIL } from '../../machine/pmap.js';
import { PROT_READ, PROT_WRITE, type Protection } from '../../machine/protection.js';
import { PTE_ACCESSED, PTE_DIRTY, pteFrame } from '../../machine/pte.js';
import { noteChange, type Uio } from '../../vm/uio.js';
import {
  isPage,
  type PageSlot,
  PGO_OVERWRITE,
  PGO_PASTEOF,
  PGO_SYNCIO,
  PGO_WANTED_PAGE,
  type UvmObject,
} from '../object/object.js';
import { NO_PAGE, PG_BUSY, PG_CLEAN, PG_FAKE, PG_RDONLY, PG_RELEASED, PG_WANTED } from '../page/page-array.js';
import type { Uvm } from '../uvm.js';
import { UBC_WINSIZE, type UbcWindow } from './ubc-window.js';

/** How a window is used. */
export interface UbcUse {
  /** Whether it is written through. `UBC_WRITE` */
  readonly write: boolean;
  /** Whether its pages are overwritten whole, need not be read, and are held busy. `UBC_FAULTBUSY` */
  readonly busy?: boolean;
  /** How the object is read: `MADV_*`. */
  readonly advice?: number;
}

/**
 * Moves bytes between an object and memory. `ubc_uiomove()`.
 *
 * => nothing locked; to write, the caller has excluded everyone else who writes.
 * => after an error, what the last window was to move counts as not moved, although part of it may have been.
 *
 * @param length how many of the bytes that are left to move
 */
export function* ubcUiomove(this: Uvm, object: UvmObject, offset: number, uio: Uio, length: number, use: UbcUse): Step<Errno> {
  const end = uio.done + length;
  let errno: Errno = 0;
  let at = offset;
  while (uio.done < end && errno === 0) {
    const size = Math.min(end - uio.done, UBC_WINSIZE - (at % UBC_WINSIZE));
    errno = yield* this.ubcUiomoveWindow(object, asOffset(at), uio, size, use);
    // Where a page that was to be overwritten whole cannot be, what is left of it has to be read after all.
    if (errno !== 0 && use.busy) errno = yield* this.ubcUiomoveWindow(object, asOffset(at), uio, size, { ...use, busy: false });
    at += size;
  }
  return errno;
}

/** Moves bytes through one window. Part of `ubc_uiomove()`. => as there */
export function* ubcUiomoveWindow(
  this: Uvm,
  object: UvmObject,
  offset: ByteOffset,
  uio: Uio,
  length: number,
  use: UbcUse,
): Step<Errno> {
  const before = uio.done;
  const window = yield* this.ubcAlloc(object, offset, length, use);
  const errno = yield* this.ubcCopy(window, offset - window.offset, uio, length, use);
  yield* this.ubcRelease(window, { filled: errno === 0 });
  if (errno !== 0) uio.done = before;
  return errno;
}

/** Moves bytes through a window that is mapped, or is mapped meanwhile. `uiomove()`, sys/kern/subr_copy.c. => the caller has a reference */
export function* ubcCopy(this: Uvm, window: UbcWindow, start: number, uio: Uio, length: number, use: UbcUse): Step<Errno> {
  const { ram } = this.machine;
  const access = use.write ? PROT_WRITE : PROT_READ;
  for (let moved = 0; moved < length; ) {
    const at = start + moved;
    const offset = at & PAGE_MASK;
    if (this.ubcLookup(window, at, access) === NO_PAGE) {
      const errno = yield* this.ubcFault(window, at - offset);
      if (errno !== 0) return errno;
      continue;
    }
    const reached = yield* uio.reach(Math.min(length - moved, PAGE_SIZE - offset));
    if (reached < 0) return -reached;
    // That may have taken time, in which the page has gone.
    const page = this.ubcLookup(window, at, access);
    if (page === NO_PAGE) continue;
    uio.move(ram, (page - FIRST_FRAME) * PAGE_SIZE + offset, reached);
    moved += reached;
  }
  return 0;
}

/** The page that the kernel finds at an offset of a window, as a processor finds it; `NO_PAGE` when it would fault. */
export function ubcLookup(this: Uvm, window: UbcWindow, at: number, access: Protection): Pfn {
  const { table } = this.machine.kernelPmap;
  const index = Math.floor((window.address + at) / PAGE_SIZE);
  const pte = table.get(index);
  if ((pte & access) === 0) return NO_PAGE;
  const used = (pte | PTE_ACCESSED | (access === PROT_WRITE ? PTE_DIRTY : 0)) >>> 0;
  if (used !== pte) table.set(index, used);
  return pteFrame(pte);
}

/** Fills part of an object with zeros. `ubc_zerorange()`. => as `ubcUiomove` for writing */
export function* ubcZerorange(this: Uvm, object: UvmObject, offset: number, length: number): Step<Errno> {
  const { ram } = this.machine;
  for (let at = offset; at < offset + length; ) {
    const size = Math.min(offset + length - at, UBC_WINSIZE - (at % UBC_WINSIZE));
    const window = yield* this.ubcAlloc(object, asOffset(at), size, { write: true });
    let errno: Errno = 0;
    for (let done = 0; done < size && errno === 0; ) {
      const from = at + done - window.offset;
      const page = this.ubcLookup(window, from, PROT_WRITE);
      if (page === NO_PAGE) {
        errno = yield* this.ubcFault(window, truncPage(from));
        continue;
      }
      const first = (page - FIRST_FRAME) * PAGE_SIZE + (from & PAGE_MASK);
      const piece = Math.min(size - done, PAGE_SIZE - (from & PAGE_MASK));
      noteChange(ram, first);
      ram.bytes.fill(0, first, first + piece);
      done += piece;
    }
    yield* this.ubcRelease(window, { filled: true });
    if (errno !== 0) return errno;
    at += size;
  }
  return 0;
}

/**
 * Takes a window onto a place of an object. `ubc_alloc()`. => nothing locked; sleeps while all windows are in use
 *
 * @param length bytes from there on that are to be read or written; they lie in one window
 */
export function* ubcAlloc(this: Uvm, object: UvmObject, offset: ByteOffset, length: number, use: UbcUse): Step<UbcWindow> {
  const { kern, ubc } = this;
  const start = offset % UBC_WINSIZE;
  kern.kassert(length > 0 && start + length <= UBC_WINSIZE, '*lenp > 0');
  yield* ubc.lock.enter();
  let window = object.windows?.get(offset - start) ?? null;
  if (window !== null) ubc.events.wincachehit++;
  else ubc.events.wincachemiss++;
  while (window === null) {
    const other = ubc.candidate();
    if (other !== null) {
      yield* this.ubcTurn(other, object, asOffset(offset - start));
      window = other;
      break;
    }
    yield* ubc.lock.exit();
    yield* pause(kern.scheduler, 'ubc_alloc', HZ);
    yield* ubc.lock.enter();
    window = object.windows?.get(offset - start) ?? null;
  }
  if (window.references === 0) ubc.dequeue(window);
  if (use.write) {
    if (window.writeOffset !== 0 || window.writeLength !== 0) kern.panic(`ubc_alloc: concurrent writes uobj ${object.id}`);
    window.writeOffset = start;
    window.writeLength = length;
  }
  window.references++;
  window.advice = use.advice ?? 0;
  yield* ubc.lock.exit();
  if (use.busy) yield* this.ubcFaultBusy(window);
  else kern.kassert(window.busyPages.length === 0, '(umap->flags & UMAP_PAGES_LOCKED) == 0');
  return window;
}

/** Has a window that nobody uses show another place. Part of `ubc_alloc()`. => the windows locked */
export function* ubcTurn(this: Uvm, window: UbcWindow, object: UvmObject, offset: ByteOffset): Step<void> {
  const old = window.object;
  if (old !== null) {
    // The mappings go first: who makes an end of the object looks whether there are windows on it.
    yield* this.ubcUnmap(window, old);
    old.windows?.delete(window.offset);
  }
  window.object = object;
  window.offset = offset;
  object.windows ??= new Map();
  object.windows.set(offset, window);
}

/** Removes what the kernel has mapped in a window that nobody uses. => the windows locked */
export function* ubcUnmap(this: Uvm, window: UbcWindow, object: UvmObject): Step<void> {
  if (!window.mappingCached) return;
  window.mappingCached = false;
  const { machine } = this;
  yield* object.lock.enter();
  machine.pmapRemove(machine.kernelPmap, window.address, asVa(window.address + UBC_WINSIZE));
  machine.pmapUpdate(machine.kernelPmap);
  yield* object.lock.exit();
}

/**
 * Makes busy the pages that are going to be overwritten, without reading them, and maps them. Part of `ubc_alloc()`.
 *
 * => nothing locked; the only user of the window. When the pages cannot be had, they are faulted in like others.
 */
export function* ubcFaultBusy(this: Uvm, window: UbcWindow): Step<void> {
  const { machine, ubc } = this;
  const object = window.object ?? this.kern.panic('kernel diagnostic assertion "uobj != NULL" failed');
  this.kern.kassert(window.references === 1, 'umap->refcount == 1');
  ubc.events.faultbusy++;
  yield* this.ubcUnmap(window, object);
  const from = truncPage(window.writeOffset);
  const count = (roundPage(window.writeOffset + window.writeLength) - from) / PAGE_SIZE;
  const slots: PageSlot[] = Array.from({ length: count }, () => PGO_WANTED_PAGE);
  yield* object.lock.enter();
  const errno = yield* object.get(this, {
    offset: asOffset(window.offset + from),
    slots,
    center: 0,
    access: PROT_READ | PROT_WRITE,
    advice: window.advice,
    flags: PGO_SYNCIO | PGO_OVERWRITE | PGO_PASTEOF,
  });
  if (errno !== 0) return;
  yield* object.lock.enter();
  for (let i = 0; i < count; i++) {
    const page = slots[i] ?? NO_PAGE;
    const usable = this.pages.loanCount(page) === 0 ? page : yield* this.uvmLoanbreak(page);
    if (usable === NO_PAGE) {
      // There is no memory to copy it to. Who faults it in waits for some.
      yield* this.genfsRelPages(slots);
      yield* object.lock.exit();
      return;
    }
    slots[i] = usable;
  }
  yield* object.lock.exit();
  for (let i = 0; i < count; i++) {
    const page = slots[i] ?? NO_PAGE;
    machine.pmapKenterPa(asVa(window.address + from + i * PAGE_SIZE), pfnToPa(page), PROT_READ | PROT_WRITE);
  }
  machine.pmapUpdate(machine.kernelPmap);
  window.busyPages = slots;
}

/**
 * Gives up the pages that were held busy. Part of `ubc_release()`.
 *
 * => nothing locked. Pages that were not there before, and were not filled, are freed: what the file has there is still good
 *    (docs/decisions/0006-departures.md).
 */
export function* ubcReleaseBusy(this: Uvm, window: UbcWindow, object: UvmObject, options: { filled: boolean }): Step<void> {
  const { machine, pages } = this;
  const from = truncPage(window.writeOffset);
  const end = window.writeOffset + window.writeLength;
  yield* object.lock.enter();
  machine.pmapKremove(window.address, UBC_WINSIZE);
  machine.pmapUpdate(machine.kernelPmap);
  for (let i = 0; i < window.busyPages.length; i++) {
    const page = window.busyPages[i] ?? NO_PAGE;
    const fake = (pages.flags(page) & PG_FAKE) !== 0;
    if (fake && !options.filled) {
      pages.setFlags(page, PG_RELEASED);
      yield* this.uvmPageUnbusyOne(page);
      continue;
    }
    if (fake) {
      const start = from + i * PAGE_SIZE;
      const bytes = machine.ram.page(page);
      bytes.fill(0, 0, Math.max(0, window.writeOffset - start));
      bytes.fill(0, Math.min(PAGE_SIZE, end - start));
    }
    pages.clearFlags(page, PG_FAKE | PG_CLEAN);
    this.kern.kassert(pages.loanCount(page) === 0, 'pgs[i]->loan_count == 0');
    yield* this.pageqLock.enter();
    this.uvmPageactivate(page);
    yield* this.pageqLock.exit();
    yield* this.uvmPageUnbusyOne(page);
  }
  window.busyPages = [];
  yield* object.lock.exit();
}

/**
 * Gives a window back; it goes on showing what it shows until it is needed for something else. `ubc_release()`. => nothing locked
 *
 * @param options.filled whether all that was to be written through it has been
 */
export function* ubcRelease(this: Uvm, window: UbcWindow, options: { filled: boolean }): Step<void> {
  const { kern, ubc } = this;
  const object = window.object ?? kern.panic('kernel diagnostic assertion "uobj != NULL" failed');
  const unmapped = window.busyPages.length > 0;
  if (unmapped) yield* this.ubcReleaseBusy(window, object, options);
  yield* ubc.lock.enter();
  window.writeOffset = 0;
  window.writeLength = 0;
  window.references--;
  if (window.references === 0) {
    if (!unmapped) window.mappingCached = true;
    ubc.enqueue(window);
  }
  yield* ubc.lock.exit();
}

/**
 * Maps what the kernel wants to use of a window. `ubc_fault()`.
 *
 * => nothing locked; the caller has a reference. What is mapped may be gone again on return.
 * => what is written lies in the range that the window was taken for.
 *
 * @param at which page, as an offset in the window
 * @returns 0, or what the object answered
 */
export function* ubcFault(this: Uvm, window: UbcWindow, at: number): Step<Errno> {
  const { kern, machine, pages } = this;
  kern.kassert(window.references !== 0, 'umap->refcount != 0');
  kern.kassert(window.busyPages.length === 0, '(umap->flags & UMAP_PAGES_LOCKED) == 0');
  const object = window.object ?? kern.panic('kernel diagnostic assertion "uobj != NULL" failed');
  const writeEnd = window.writeOffset + window.writeLength;
  const write = window.writeLength !== 0;
  if (write && (at < truncPage(window.writeOffset) || writeEnd <= at)) kern.panic('ubc_fault: out of range write');
  const end = write ? roundPage(writeEnd) : UBC_WINSIZE;
  const access = write ? PROT_WRITE : PROT_READ;
  const flags = PGO_SYNCIO | (write ? PGO_PASTEOF : 0);
  const slots: PageSlot[] = Array.from({ length: (end - at) / PAGE_SIZE }, () => PGO_WANTED_PAGE);
  for (;;) {
    yield* object.lock.enter();
    const request = { offset: asOffset(window.offset + at), slots, center: 0, access, advice: window.advice, flags };
    const errno = yield* object.get(this, request);
    if (errno === 0) break;
    if (errno !== EAGAIN) return errno;
    yield* pause(kern.scheduler, 'ubc_fault', HZ);
  }
  let lacksMemory: string | null = null;
  for (let i = 0; i < slots.length; i++) {
    const page = slots[i] ?? NO_PAGE;
    if (!isPage(page)) continue;
    // Whose page it is the pager knows: it may be that of an object that stands behind this one.
    const owner = pages.uobject(page) ?? kern.panic('kernel diagnostic assertion "pg->uobject != NULL" failed');
    yield* owner.lock.enter();
    lacksMemory = (yield* this.ubcFaultPage(window, at + i * PAGE_SIZE, page, { write })) ?? lacksMemory;
    yield* owner.lock.exit();
  }
  machine.pmapUpdate(machine.kernelPmap);
  if (lacksMemory === null) {
    this.uvmpdKeptPromise();
    return 0;
  }
  // What could not be mapped is asked for once more. NetBSD waits whether or not there ever will be any memory:
  // docs/decisions/0006-departures.md.
  if (!this.uvmReclaimable()) return ENOMEM;
  yield* this.uvmWait(lacksMemory);
  return 0;
}

/**
 * Maps one page in a window, and gives it up. Part of `ubc_fault()`. => the page's owner locked, the page busy
 *
 * @returns what to wait for memory for, null when there is nothing to wait for
 */
export function* ubcFaultPage(this: Uvm, window: UbcWindow, at: number, busy: Pfn, use: { write: boolean }): Step<string | null> {
  const { kern, machine, pages } = this;
  let page = busy;
  kern.kassert((pages.flags(page) & PG_FAKE) === 0, '(pg->flags & PG_FAKE) == 0');
  if (pages.flags(page) & PG_RELEASED) {
    yield* this.uvmPageUnbusyOne(page);
    return null;
  }
  const loaned = pages.loanCount(page) !== 0;
  if (loaned && use.write) {
    page = yield* this.uvmLoanbreak(busy);
    if (page === NO_PAGE) {
      yield* this.uvmPageUnbusyOne(busy);
      return 'ubc_loanbrk';
    }
  }
  const owner = pages.uobject(page) ?? kern.panic('kernel diagnostic assertion "pg->uobject != NULL" failed');
  const offset = pages.offset(page) - window.offset;
  kern.kassert(
    (pages.flags(page) & PG_RDONLY) === 0 ||
      !use.write ||
      offset < window.writeOffset ||
      offset + PAGE_SIZE > window.writeOffset + window.writeLength,
    '(pg->flags & PG_RDONLY) == 0 || (access_type & VM_PROT_WRITE) == 0 || pg->offset < umap->writeoff || pg->offset + PAGE_SIZE > umap->writeoff + umap->writelen',
  );
  // A window that was read through will often be written through next: what may be written is mapped so.
  const readOnly = (!use.write && ((pages.flags(page) & PG_RDONLY) !== 0 || loaned)) || owner.needsWriteFault;
  const protection = readOnly ? PROT_READ : PROT_READ | PROT_WRITE;
  const access = use.write && !readOnly ? PROT_WRITE : PROT_READ;
  const flags = PMAP_CANFAIL | access;
  const errno = machine.pmapEnter(machine.kernelPmap, asVa(window.address + at), pfnToPa(page), protection, flags);
  yield* this.pageqLock.enter();
  this.uvmPageactivate(page);
  yield* this.pageqLock.exit();
  const wanted = (pages.flags(page) & PG_WANTED) !== 0;
  pages.clearFlags(page, PG_BUSY | PG_WANTED);
  this.uvmPageOwn(page, null);
  if (wanted) yield* this.uvmPageWakeup(page);
  return errno === 0 ? null : 'ubc_pmfail';
}

/** Forgets the windows onto an object that is about to go. `ubc_purge()`. => no page of it is left; nothing locked */
export function* ubcPurge(this: Uvm, object: UvmObject): Step<void> {
  if (object.windows === null || object.windows.size === 0) return;
  const { kern, machine, ubc } = this;
  yield* ubc.lock.enter();
  for (const window of [...object.windows.values()]) {
    kern.kassert(window.references === 0, 'umap->refcount == 0');
    for (let va = window.address; va < window.address + UBC_WINSIZE; va = asVa(va + PAGE_SIZE)) {
      const mapped = machine.pmapExtract(machine.kernelPmap, va) >= 0;
      kern.kassert(!mapped, '!pmap_extract(pmap_kernel(), va + UBC_UMAP_ADDR(umap), NULL)');
    }
    window.mappingCached = false;
    window.object = null;
    // The first to be used again.
    ubc.dequeue(window);
    ubc.enqueueFirst(window);
  }
  object.windows = null;
  yield* ubc.lock.exit();
}
