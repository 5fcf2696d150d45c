/**
 * How the pages of a file get to and from where its bytes rest. `genfs_getpages()` and `genfs_putpages()`,
 * sys/miscfs/genfs/genfs_io.c.
 *
 * Pages are read in whole file-system blocks, and written in runs of dirty pages. An operation that makes several pages busy does
 * so in ascending order, and gives all of them up before it takes a lower one.
 */
import { EBUSY, EDEADLK, EINVAL, ENOMEM, type Errno } from '../../kern/errno.js';
import type { Step } from '../../kern/switch.js';
import { asOffset, type ByteOffset, PAGE_SIZE, type Pfn, roundPage } from '../../machine/address.js';
import { type IoRequest, startIo, waitForIo } from '../../machine/io.js';
import { PROT_EXEC, PROT_READ, PROT_WRITE } from '../../machine/protection.js';
import {
  type GetRequest,
  isPage,
  type PageSlot,
  PGO_BUSYFAIL,
  PGO_CLEANIT,
  PGO_DEACTIVATE,
  PGO_DONTCARE,
  PGO_FREE,
  PGO_LOCKED,
  PGO_OVERWRITE,
  PGO_PASTEOF,
  PGO_SYNCIO,
  PGO_WANTED_PAGE,
} from '../object/object.js';
import { NO_PAGE, PG_BUSY, PG_CLEAN, PG_FAKE, PG_PAGEOUT, PG_RDONLY, PG_RELEASED } from '../page/page-array.js';
import type { Uvm } from '../uvm.js';
import type { UvmFile, UvmVnode } from './vnode.js';
import { VnodeFlush, VnodeRead, VnodeWrite } from './vnode-io.js';

/** The most pages that are written in one go. `MAXPHYS` / page size. */
const MAX_CLUSTER = 16;

/** A page that is written with another: it is in memory, dirty, and nobody has it busy. */
const DIRTY_NEIGHBOUR = { nowait: true, noAllocate: true, dirtyOnly: true } as const;

/**
 * Brings pages of a file in. `genfs_getpages()`. => as `UvmObject.get`
 *
 * => a request without `PGO_SYNCIO` is one that nobody waits for: it waits for nobody either, and answers EBUSY instead. It may run
 *    in the middle of another thread's operation on the same file (docs/decisions/0006-departures.md).
 */
export function* genfsGetpages(this: Uvm, vnode: UvmVnode, request: GetRequest): Step<Errno> {
  const write = (request.access & PROT_WRITE) !== 0;
  const patient = (request.flags & PGO_SYNCIO) !== 0;
  for (;;) {
    const size = vnode.size;
    const pastEnd = (request.flags & PGO_PASTEOF) !== 0;
    const end = roundPage(pastEnd ? Math.max(size, request.offset + request.slots.length * PAGE_SIZE) : size);
    if (request.offset + request.center * PAGE_SIZE >= end) {
      if ((request.flags & PGO_LOCKED) === 0) yield* vnode.lock.exit();
      return EINVAL;
    }
    const count = Math.min(request.slots.length, (end - request.offset) / PAGE_SIZE);
    if (request.flags & PGO_LOCKED) return yield* this.genfsGetpagesLocked(vnode, request, count);
    yield* vnode.lock.exit();

    // A file is not truncated while this is held; making room for holes wants it for writing.
    if (patient) yield* vnode.nodeLock.enter(write ? 'write' : 'read');
    else if (!(yield* vnode.nodeLock.tryEnter(write ? 'write' : 'read'))) return EBUSY;
    yield* vnode.lock.enter();
    if (this.genfsHasShrunk(vnode, size)) {
      // It was truncated before the lock was had: measure it once more.
      yield* vnode.nodeLock.exit();
      continue;
    }
    const errno = yield* this.genfsGetpagesBusy(vnode, request, count, end);
    yield* vnode.nodeLock.exit();
    return errno;
  }
}

/** Whether a file is shorter than when it was measured. Part of `genfs_getpages()`. => node and object locked */
export function genfsHasShrunk(this: Uvm, vnode: UvmVnode, measured: number): boolean {
  return vnode.size < measured;
}

/** What is in memory and not busy, without sleeping. Part of `genfs_getpages()`. => object locked, also on return. */
export function* genfsGetpagesLocked(this: Uvm, vnode: UvmVnode, request: GetRequest, count: number): Step<Errno> {
  const write = (request.access & PROT_WRITE) !== 0;
  const slots = request.slots.slice(0, count);
  yield* this.uvnFindpages(vnode, request.offset, slots, { nowait: true, noAllocate: true, writable: write });
  // Whoever truncates the file has this for writing; then nothing may be given out now.
  const stable = yield* vnode.nodeLock.tryEnter('read');
  if (stable) {
    yield* vnode.nodeLock.exit();
  } else {
    yield* this.uvmPageUnbusy(slots);
    for (let i = 0; i < count; i++) if (isPage(slots[i] ?? PGO_DONTCARE)) slots[i] = PGO_WANTED_PAGE;
  }
  for (let i = 0; i < count; i++) request.slots[i] = slots[i] ?? PGO_DONTCARE;
  if (!isPage(request.slots[request.center] ?? PGO_DONTCARE)) return EBUSY;
  if (write) this.genfsMarkdirty(vnode);
  return 0;
}

/**
 * Makes the pages busy, and reads what is not there. Part of `genfs_getpages()`.
 *
 * => node and object locked on entry, the object unlocked on return.
 */
export function* genfsGetpagesBusy(this: Uvm, vnode: UvmVnode, request: GetRequest, count: number, end: number): Step<Errno> {
  const { pages } = this;
  const write = (request.access & PROT_WRITE) !== 0;
  const patient = (request.flags & PGO_SYNCIO) !== 0;
  const slots = request.slots.slice(0, count);
  yield* this.uvnFindpages(vnode, request.offset, slots, { nowait: !patient });
  const missing = slots.includes(PGO_WANTED_PAGE);
  const unfit = PG_FAKE | (write ? PG_RDONLY : 0);
  const complete = slots.every((slot) => !isPage(slot) || (pages.flags(slot) & unfit) === 0);
  let errno: Errno = 0;
  if (missing) {
    yield* this.genfsRelPages(slots);
    errno = patient ? ENOMEM : EBUSY;
  } else if (complete) {
    // Nothing to do.
  } else if (request.flags & PGO_OVERWRITE) {
    // Read nothing: the caller overwrites it all, and says by clearing the flag that it has filled a page that was not there.
    for (const slot of slots) if (isPage(slot)) pages.clearFlags(slot, PG_RDONLY | PG_CLEAN);
  } else {
    errno = yield* this.genfsGetpagesRead(vnode, request.offset, slots, { write, end, patient });
  }
  if (errno !== 0) {
    yield* vnode.lock.exit();
    return errno;
  }
  if (write) this.genfsMarkdirty(vnode);
  yield* vnode.lock.exit();
  for (let i = 0; i < count; i++) request.slots[i] = slots[i] ?? PGO_DONTCARE;
  return 0;
}

/**
 * Reads the blocks that hold the pages. Part of `genfs_getpages()`.
 *
 * => object locked, unlocked during I/O. On an error all pages are given up.
 *
 * @param slots in: pages that are busy, some of them fake; out: the same pages, or others at the same offsets, all valid
 */
export function* genfsGetpagesRead(
  this: Uvm,
  vnode: UvmVnode,
  offset: ByteOffset,
  slots: PageSlot[],
  options: { write: boolean; end: number; patient: boolean },
): Step<Errno> {
  const { pages } = this;
  const block = this.blockSize;
  const start = offset - (offset % block);
  const stop = Math.min(Math.ceil((offset + slots.length * PAGE_SIZE) / block) * block, roundPage(options.end));
  const before = (offset - start) / PAGE_SIZE;
  let all: PageSlot[] = slots;
  if (before > 0 || stop > offset + slots.length * PAGE_SIZE) {
    // The block begins lower: give up all pages, and take them again from there.
    yield* this.genfsRelPages(slots);
    all = Array.from({ length: (stop - start) / PAGE_SIZE }, (_, i) => wanted(slots, i - before));
    yield* this.uvnFindpages(vnode, asOffset(start), all, { nowait: !options.patient });
  }
  let errno: Errno = options.patient ? ENOMEM : EBUSY;
  if (!all.includes(PGO_WANTED_PAGE)) {
    yield* vnode.lock.exit();
    errno = yield* this.genfsReadPages(vnode, asOffset(start), all, options);
    yield* vnode.lock.enter();
  }

  for (let i = 0; i < all.length; i++) {
    const page = all[i] ?? PGO_DONTCARE;
    if (!isPage(page)) continue;
    const fake = (pages.flags(page) & PG_FAKE) !== 0;
    if (errno !== 0) {
      if (fake) pages.setFlags(page, PG_RELEASED);
    } else if (fake) {
      pages.clearFlags(page, PG_FAKE);
      this.machine.pmapClearModify(page);
    }
    const extra = i < before || i >= before + slots.length || slots[i - before] === PGO_DONTCARE;
    if (errno === 0 && !extra) {
      slots[i - before] = page;
      continue;
    }
    if (errno === 0) {
      yield* this.pageqLock.enter();
      this.uvmPageenqueue(page);
      yield* this.pageqLock.exit();
    }
    yield* this.uvmPageUnbusyOne(page);
  }
  return errno;
}

/** Whether a page of a widened request is wanted: the caller's slots say so for theirs, and the rest of the block comes along. */
function wanted(slots: readonly PageSlot[], index: number): PageSlot {
  return slots[index] === PGO_DONTCARE ? PGO_DONTCARE : PGO_WANTED_PAGE;
}

/** Gives up pages; those that hold nothing yet are freed. `genfs_rel_pages()`. => object locked */
export function* genfsRelPages(this: Uvm, slots: readonly PageSlot[]): Step<void> {
  for (const slot of slots) {
    if (isPage(slot) && this.pages.flags(slot) & PG_FAKE) this.pages.setFlags(slot, PG_RELEASED);
  }
  yield* this.uvmPageUnbusy(slots);
}

/**
 * Fills the fake ones among some busy pages, run by run. Part of `genfs_getpages()`. => node locked, object unlocked
 *
 * => to write, the pages that were holes when they were read are made writable, whether or not they still are: by now the file may
 *    have been written there through a descriptor.
 */
export function* genfsReadPages(
  this: Uvm,
  vnode: UvmVnode,
  offset: ByteOffset,
  slots: readonly PageSlot[],
  options: { write: boolean },
): Step<Errno> {
  const { kern, pages, uvmexp } = this;
  const { store } = vnode;
  const fake = (slot: PageSlot | undefined): boolean => slot !== undefined && isPage(slot) && (pages.flags(slot) & PG_FAKE) !== 0;
  for (let i = 0; i < slots.length; ) {
    const at = offset + i * PAGE_SIZE;
    const slot = slots[i] ?? PGO_DONTCARE;
    const wasHole = isPage(slot) && (pages.flags(slot) & PG_RDONLY) !== 0;
    if (wasHole || (fake(slot) && store.isHole(at))) {
      const errno = fillHole(this, vnode, slot as Pfn, at, options);
      if (errno !== 0) return errno;
      i++;
      continue;
    }
    if (!fake(slot)) {
      i++;
      continue;
    }
    const run: Pfn[] = [];
    for (; i < slots.length && fake(slots[i]) && !store.isHole(offset + i * PAGE_SIZE); i++) run.push(slots[i] as Pfn);
    const errno = yield* waitForIo(kern, yield* startIo(kern, new VnodeRead(this, vnode, at, run)));
    if (kern.log.on) this.log({ kind: 'pagein', object: vnode.id, offset: at, pages: run.length, errno });
    if (errno !== 0) return errno;
    uvmexp.pageins++;
    uvmexp.pgpgin += run.length;
  }
  return 0;
}

/** A page that was never written reads as zeros. Unless it is about to be written, it must not be: there is no room for it yet. */
function fillHole(uvm: Uvm, vnode: UvmVnode, page: Pfn, at: number, options: { write: boolean }): Errno {
  if (uvm.pages.flags(page) & PG_FAKE) uvm.machine.ram.zero(page);
  if (!options.write) {
    uvm.pages.setFlags(page, PG_RDONLY);
    return 0;
  }
  const errno = vnode.store.allocate(at, Math.min(PAGE_SIZE, Math.max(0, vnode.writeSize - at)));
  if (errno === 0) uvm.pages.clearFlags(page, PG_RDONLY | PG_CLEAN);
  return errno;
}

/** A vnode may have dirty pages from now on. `genfs_markdirty()`. => object locked */
export function genfsMarkdirty(this: Uvm, vnode: UvmVnode): void {
  vnode.dirty = true;
  vnode.dirtyGeneration++;
}

/**
 * Writes back, deactivates or frees pages of a file. `genfs_putpages()`. => object locked on entry, unlocked on return.
 *
 * => a page that is wired is freed all the same: the kernel does not ask here.
 * => a busy page is waited for, but not to be deactivated, and not by the page daemon: it gives up.
 *
 * @param end where to stop, 0 for the end of the file
 * @returns 0; EDEADLK when a page is busy and `PGO_BUSYFAIL` says not to wait; with `PGO_SYNCIO` the first error of a write
 */
export function* genfsPutpages(this: Uvm, vnode: UvmVnode, start: ByteOffset, end: ByteOffset, flags: number): Step<Errno> {
  const last = end === 0 ? Number.MAX_SAFE_INTEGER : end;
  const cleanAll = (flags & PGO_CLEANIT) !== 0 && start === 0 && end === 0 && !hasWiredPages(this, vnode);
  const requests: IoRequest[] = [];
  const generation = vnode.dirtyGeneration;
  const byDaemon = this.curlwp === this.pagedaemon.lwp;
  let clean = vnode.outputs === 0;
  let index = vnode.pages.next(start / PAGE_SIZE, Math.ceil(last / PAGE_SIZE));
  while (index >= 0) {
    const offset = asOffset(index * PAGE_SIZE);
    const page = vnode.lookup(offset);
    const next = (done = 1): number => vnode.pages.next(index + done, Math.ceil(last / PAGE_SIZE));
    const state = this.pages.flags(page);
    this.kern.kassert(
      (state & (PG_RELEASED | PG_PAGEOUT)) === 0 || (state & PG_BUSY) !== 0,
      '(pg->flags & (PG_RELEASED|PG_PAGEOUT)) == 0 || (pg->flags & PG_BUSY) != 0',
    );
    // It is being written, and will be freed. Who waits for the outcome has to look once more: the write may fail.
    if (state & (PG_RELEASED | PG_PAGEOUT) && (flags & PGO_SYNCIO) === 0) {
      clean = false;
      index = next();
      continue;
    }
    if (state & PG_BUSY) {
      if ((flags & (PGO_CLEANIT | PGO_FREE)) === 0) {
        // Whoever has it busy uses it, and a sequential reader who asks for this holds an amap that they may want:
        // docs/decisions/0006-departures.md.
        index = next();
        continue;
      }
      if (byDaemon) break;
      if (flags & PGO_BUSYFAIL) {
        yield* vnode.lock.exit();
        return EDEADLK;
      }
      yield* this.uvmPageWait(page, vnode.lock, 'genput');
      yield* vnode.lock.enter();
      // It may be another page by now, or none.
      index = vnode.pages.next(index, Math.ceil(last / PAGE_SIZE));
      continue;
    }
    index = next(yield* this.genfsPutpage(vnode, page, { flags, cleanAll, byDaemon, last: asOffset(last) }, requests));
  }
  // Nobody has written since: all that was dirty has been written, or is on its way.
  if (cleanAll && clean && vnode.dirtyGeneration === generation) vnode.dirty = false;
  yield* vnode.lock.exit();
  return flags & PGO_SYNCIO ? yield* this.genfsPutpagesWait(vnode, requests, { flush: (flags & PGO_CLEANIT) !== 0 }) : 0;
}

/** Whether a vnode has pages that must not fault, and so cannot be made to tell when they are stored to. => object locked */
function hasWiredPages({ pages, uvmexp }: Uvm, vnode: UvmVnode): boolean {
  if (uvmexp.wired === 0) return false;
  const end = Number.MAX_SAFE_INTEGER;
  for (let index = vnode.pages.next(0, end); index >= 0; index = vnode.pages.next(index + 1, end)) {
    if (pages.wireCount(vnode.lookup(asOffset(index * PAGE_SIZE))) !== 0) return true;
  }
  return false;
}

/**
 * One page of `genfs_putpages()`, with the dirty ones behind it. => object locked; unlocked while I/O is started.
 *
 * @returns how many pages that were
 */
export function* genfsPutpage(
  this: Uvm,
  vnode: UvmVnode,
  page: Pfn,
  options: { flags: number; cleanAll: boolean; byDaemon: boolean; last: ByteOffset },
  requests: IoRequest[],
): Step<number> {
  const { machine, pages } = this;
  const { flags } = options;
  if (flags & PGO_FREE) yield* this.uvmPageUnmap(page);
  let dirty = false;
  if (flags & PGO_CLEANIT) {
    // From here on, a store faults once more, and so marks the vnode dirty again. A wired page must not fault.
    if (options.cleanAll && pages.wireCount(page) === 0) machine.pmapPageProtect(page, PROT_READ | PROT_EXEC);
    dirty = machine.pmapClearModify(page) || (pages.flags(page) & PG_CLEAN) === 0;
    pages.setFlags(page, PG_CLEAN);
  }
  if (!dirty) {
    yield* settlePage(this, page, flags);
    if (options.byDaemon) this.uvmpdFreed(1);
    return 1;
  }
  const run = yield* this.genfsGatherRun(vnode, page, options);
  for (const each of run) {
    if (pages.offset(each) < pages.offset(page) || pages.offset(each) >= options.last) {
      // It only comes along.
    } else if (flags & PGO_FREE) {
      yield* this.uvmPageUnmap(each);
      if (options.byDaemon) yield* this.genfsPageoutStart(each);
      else pages.setFlags(each, PG_RELEASED);
    } else if (flags & PGO_DEACTIVATE && pages.wireCount(each) === 0) {
      yield* this.pageqLock.enter();
      this.uvmPagedeactivate(each);
      yield* this.pageqLock.exit();
    }
  }
  vnode.outputs++;
  yield* vnode.lock.exit();
  requests.push(yield* this.genfsGopWrite(vnode, run));
  yield* vnode.lock.enter();
  return run.length;
}

/** Frees or deactivates a page that needs no writing. => object locked */
function* settlePage(uvm: Uvm, page: Pfn, flags: number): Step<void> {
  if (flags & PGO_FREE) {
    yield* uvm.uvmPageDiscard(page);
    return;
  }
  if ((flags & PGO_DEACTIVATE) === 0 || uvm.pages.wireCount(page) !== 0) return;
  yield* uvm.pageqLock.enter();
  uvm.uvmPagedeactivate(page);
  yield* uvm.pageqLock.exit();
}

/** A page that the page daemon writes is freed when that is done. Part of `genfs_putpages()`. => object locked, page busy */
export function* genfsPageoutStart(this: Uvm, page: Pfn): Step<void> {
  this.pages.setFlags(page, PG_PAGEOUT);
  yield* this.pageqLock.enter();
  this.uvmPagedequeue(page);
  yield* this.pageqLock.exit();
  this.uvmPageoutStart(1);
}

/**
 * A dirty page, and the dirty pages right behind it, all busy. Part of `genfs_putpages()`. => object locked
 *
 * => for the page daemon, which wants one page, those before it too: they come along.
 */
export function* genfsGatherRun(
  this: Uvm,
  vnode: UvmVnode,
  first: Pfn,
  options: { cleanAll: boolean; byDaemon: boolean; last: ByteOffset },
): Step<Pfn[]> {
  this.pages.setFlags(first, PG_BUSY);
  this.uvmPageOwn(first, 'genfs_putpages');
  const run = [first];
  let offset = this.pages.offset(first);
  while (options.byDaemon && offset > 0 && run.length <= MAX_CLUSTER / 2) {
    const page = yield* this.uvnFindpage(vnode, asOffset(offset - PAGE_SIZE), DIRTY_NEIGHBOUR);
    if (page === NO_PAGE) break;
    run.unshift(page);
    offset = asOffset(offset - PAGE_SIZE);
  }
  const room = options.byDaemon ? MAX_CLUSTER : Math.min(MAX_CLUSTER, Math.ceil((options.last - offset) / PAGE_SIZE));
  while (run.length < room) {
    const page = yield* this.uvnFindpage(vnode, asOffset(offset + run.length * PAGE_SIZE), DIRTY_NEIGHBOUR);
    if (page === NO_PAGE) break;
    if (options.cleanAll && this.pages.wireCount(page) === 0) this.machine.pmapPageProtect(page, PROT_READ | PROT_EXEC);
    run.push(page);
  }
  return run;
}

/** Starts to write a run of busy pages; they are given up when it is done. `genfs_gop_write()`. => object unlocked */
export function* genfsGopWrite(this: Uvm, vnode: UvmVnode, run: readonly Pfn[]): Step<IoRequest> {
  return yield* startIo(this.kern, new VnodeWrite(this, vnode, this.pages.offset(run[0] ?? NO_PAGE), run));
}

/**
 * A run of pages has been written, or could not be. `uvm_aio_aiodone_pages()`, sys/uvm/uvm_pager.c. In the completion thread.
 *
 * => what the page daemon had written is free afterwards, or active again.
 */
export function* uvmAioAiodone(this: Uvm, vnode: UvmVnode, run: readonly Pfn[], errno: Errno): Step<void> {
  yield* vnode.lock.enter();
  if (this.kern.log.on) {
    this.log({ kind: 'pageout', object: vnode.id, offset: this.pages.offset(run[0] ?? NO_PAGE), pages: run.length, errno });
  }
  if (errno === 0) this.uvmexp.pgpgout += run.length;
  let pageouts = 0;
  for (const page of run) {
    if (this.pages.flags(page) & PG_PAGEOUT) {
      pageouts++;
      yield* this.uvmAioAiodonePageout(page, errno);
    }
    // The bytes are safe nowhere but here: keep them, so that they are written another time.
    if (errno !== 0) this.pages.clearFlags(page, PG_CLEAN | PG_RELEASED);
    yield* this.uvmPageUnbusyOne(page);
  }
  if (errno !== 0) this.genfsMarkdirty(vnode);
  vnode.outputs--;
  if (vnode.outputs === 0) yield* vnode.outputDone.broadcast();
  yield* vnode.lock.exit();
  if (pageouts > 0) yield* this.uvmPageoutDone(pageouts);
}

/** A page that the page daemon wants to free has been written, or could not be. Part of `uvm_aio_aiodone_pages()`. => object locked */
export function* uvmAioAiodonePageout(this: Uvm, page: Pfn, errno: Errno): Step<void> {
  this.pages.clearFlags(page, PG_PAGEOUT);
  if (errno === 0) {
    this.pages.setFlags(page, PG_RELEASED);
    this.uvmexp.pdfreed++;
    return;
  }
  yield* this.pageqLock.enter();
  this.uvmPageactivate(page);
  yield* this.pageqLock.exit();
}

/** Waits until all writes to a file are done, and with `flush` the bytes are durable. Part of `genfs_putpages()`. => object unlocked */
export function* genfsPutpagesWait(
  this: Uvm,
  vnode: UvmVnode,
  requests: readonly IoRequest[],
  options: { flush: boolean },
): Step<Errno> {
  let errno: Errno = 0;
  for (const request of requests) {
    const result = yield* waitForIo(this.kern, request);
    if (errno === 0) errno = result;
  }
  yield* vnode.lock.enter();
  while (vnode.outputs > 0) yield* vnode.outputDone.wait(vnode.lock);
  // Others may have written the pages, or the flush after that may have failed: what counts is whether all is flushed by now.
  const { needsFlush } = vnode;
  yield* vnode.lock.exit();
  if (errno !== 0 || !options.flush || !needsFlush) return errno;
  return yield* waitForIo(this.kern, yield* startIo(this.kern, new VnodeFlush(vnode)));
}

/** Gives up pages that were brought in and are of no more use to the caller. => object unlocked */
export function* genfsGiveUp(this: Uvm, vnode: UvmFile, slots: readonly PageSlot[]): Step<void> {
  yield* vnode.lock.enter();
  for (const slot of slots) {
    if (!isPage(slot)) continue;
    yield* this.pageqLock.enter();
    this.uvmPageactivate(slot);
    yield* this.pageqLock.exit();
    yield* this.uvmPageUnbusyOne(slot);
  }
  yield* vnode.lock.exit();
}
