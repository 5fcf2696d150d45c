/**
 * The vnode pager: finding and holding a vnode's pages, its size, its references. sys/uvm/uvm_vnode.c. How pages get to and from
 * the file is in `genfs.ts`.
 */

import type { Errno } from '../../kern/errno.js';
import { Mutex } from '../../kern/mutex.js';
import { RwLock } from '../../kern/rwlock.js';
import { CondVar } from '../../kern/sleepq.js';
import type { Step } from '../../kern/switch.js';
import { asOffset, type ByteOffset, PAGE_SIZE, roundPage } from '../../machine/address.js';
import type { FileStore } from '../../machine/file-store.js';
import { PROT_WRITE } from '../../machine/protection.js';
import {
  type GetRequest,
  isPage,
  type PageSlot,
  PGO_DONTCARE,
  PGO_FREE,
  PGO_LOCKED,
  PGO_SYNCIO,
  PGO_WANTED_PAGE,
} from '../object/object.js';
import { NO_PAGE, PG_BUSY, PG_CLEAN, PG_RDONLY } from '../page/page-array.js';
import type { Uvm } from '../uvm.js';
import { type UvmFile, UvmVnode } from './vnode.js';

/** Which pages `uvnFindpages` wants, and how patient it is. */
export interface FindOptions {
  /** `UFP_NOWAIT`: leaves out a page that is busy, or cannot be allocated. */
  readonly nowait?: boolean;
  /** `UFP_NOALLOC`: leaves out a page that is not in memory. */
  readonly noAllocate?: boolean;
  /** `UFP_NORDONLY`: leaves out a page that must not be written. */
  readonly writable?: boolean;
  /** `UFP_DIRTYONLY`: leaves out a page that is clean. */
  readonly dirtyOnly?: boolean;
}

/** Makes a vnode for a file; the caller has the first reference. */
export function uvmVnodeCreate(this: Uvm, store: FileStore): UvmVnode {
  const { kern } = this;
  const id = this.nextObjectId++;
  const name = String(id);
  const vnode = new UvmVnode(id, store, {
    objectLock: new Mutex(kern, this.objectLockClass, name),
    vnodeLock: new RwLock(kern, kern.lockClass('vnode'), name),
    nodeLock: new RwLock(kern, kern.lockClass('g_glock'), name),
    outputDone: new CondVar(kern.scheduler, 'vnode output', `vnode ${id}`),
  });
  this.objects.add(vnode);
  return vnode;
}

/** Adds a reference. `uvn_reference()`, `vref()`. */
export function* uvnReference(this: Uvm, vnode: UvmFile): Step<void> {
  yield* vnode.lock.enter();
  vnode.references++;
  yield* vnode.lock.exit();
}

/**
 * Drops a reference. `uvn_detach()`, `vrele()`. The pages stay in memory for the next user of the file; those of a file that has
 * no name any more go with the last reference.
 */
export function* uvnDetach(this: Uvm, vnode: UvmFile): Step<void> {
  yield* vnode.lock.enter();
  this.kern.kassert(vnode.references > 0, 'vp->v_usecount > 0');
  vnode.references--;
  if (vnode.references === 0) countPages(this, vnode, { executable: false });
  if (vnode.references > 0 || !vnode.unlinked) {
    yield* vnode.lock.exit();
    return;
  }
  yield* vnode.lock.exit();
  // A fault or a read-ahead may be bringing pages in: it is waited for, or finds the file empty. As `ufs_inactive()` does.
  yield* vnode.nodeLock.enter('write');
  yield* this.uvmVnpSetsize(vnode, 0);
  yield* vnode.nodeLock.exit();
  yield* this.ubcPurge(vnode);
  this.objects.delete(vnode);
  yield* vnode.reclaim(this);
}

/** Notes that a vnode is mapped executable. `vn_markexec()`, sys/kern/vfs_vnops.c. => object unlocked; the caller has a reference. */
export function* vnMarkexec(this: Uvm, vnode: UvmFile): Step<void> {
  if (vnode.executable) return;
  yield* vnode.lock.enter();
  countPages(this, vnode, { executable: true });
  yield* vnode.lock.exit();
}

/**
 * Notes that a vnode is about to be mapped. Part of `vn_mmap()`, sys/kern/vfs_vnops.c. => nothing locked; the caller has a reference
 *
 * => whoever writes to it with its pages held busy is waited for: faults could want them from now on.
 */
export function* vnMarkmapped(this: Uvm, vnode: UvmFile): Step<void> {
  if (vnode.mapped) return;
  yield* vnode.vnodeLock.enter('write');
  vnode.mapped = true;
  yield* vnode.vnodeLock.exit();
}

/** Counts the pages of a vnode as those of a program, or of a file. => object locked. */
function countPages({ uvmexp }: Uvm, vnode: UvmFile, as: { executable: boolean }): void {
  uvmexp[vnode.counter] -= vnode.pages.count;
  vnode.executable = as.executable;
  uvmexp[vnode.counter] += vnode.pages.count;
}

/** Brings pages in. `uvn_get()`. => as `UvmObject.get` */
export function* uvnGet(this: Uvm, vnode: UvmFile, request: GetRequest): Step<Errno> {
  this.kern.kassert(vnode.lock.owned, 'mutex_owned(uobj->vmobjlock)');
  const reads = (request.access & PROT_WRITE) === 0 && (request.flags & PGO_LOCKED) === 0;
  if (reads && vnode instanceof UvmVnode) {
    this.uvmRaRequest(vnode, request.advice, request.offset, request.slots.length * PAGE_SIZE);
  }
  return yield* vnode.getpages(this, request);
}

/** Writes back, deactivates or frees pages. `uvn_put()`. => as `UvmObject.put` */
export function* uvnPut(this: Uvm, vnode: UvmFile, start: ByteOffset, end: ByteOffset, flags: number): Step<Errno> {
  this.kern.kassert(vnode.lock.owned, 'mutex_owned(uobj->vmobjlock)');
  return yield* vnode.putpages(this, start, end, flags);
}

/**
 * Makes pages of a vnode busy, ascending from an offset; a slot that holds `PGO_DONTCARE` is passed over. `uvn_findpages()`.
 *
 * => object locked; may be unlocked meanwhile, unless `nowait`.
 *
 * @returns how many slots hold a page now
 */
export function* uvnFindpages(
  this: Uvm,
  vnode: UvmVnode,
  offset: ByteOffset,
  slots: PageSlot[],
  options: FindOptions,
): Step<number> {
  let found = 0;
  for (let i = 0; i < slots.length; i++) {
    const slot = slots[i] ?? PGO_DONTCARE;
    if (isPage(slot)) found++;
    if (slot !== PGO_WANTED_PAGE) continue;
    const page = yield* this.uvnFindpage(vnode, asOffset(offset + i * PAGE_SIZE), options);
    if (page === NO_PAGE) {
      if (options.dirtyOnly) break;
      continue;
    }
    slots[i] = page;
    found++;
  }
  return found;
}

/** Makes one page of a vnode busy. `uvn_findpage()`. @returns `NO_PAGE` when it is left out */
export function* uvnFindpage(this: Uvm, vnode: UvmVnode, offset: ByteOffset, options: FindOptions): Step<PageSlot> {
  const { pages } = this;
  for (;;) {
    const page = this.uvmPagelookup(vnode, offset);
    if (page === NO_PAGE) {
      if (options.noAllocate) return NO_PAGE;
      const fresh = yield* this.uvmPagealloc(vnode, offset, null, 0);
      if (fresh !== NO_PAGE || options.nowait || this.uvmpdHopeless()) return fresh;
      yield* vnode.lock.exit();
      yield* this.uvmWait('uvn_fp1');
      yield* vnode.lock.enter();
      continue;
    }
    if (pages.flags(page) & PG_BUSY) {
      if (options.nowait) return NO_PAGE;
      this.uvmexp.fltpgwait++;
      yield* this.uvmPageWait(page, vnode.lock, 'uvn_fp2');
      yield* vnode.lock.enter();
      continue;
    }
    if (options.writable && pages.flags(page) & PG_RDONLY) return NO_PAGE;
    if (options.dirtyOnly) {
      const dirty = this.machine.pmapClearModify(page) || (pages.flags(page) & PG_CLEAN) === 0;
      pages.setFlags(page, PG_CLEAN);
      if (!dirty) return NO_PAGE;
    }
    pages.setFlags(page, PG_BUSY);
    this.uvmPageOwn(page, 'uvn_findpage');
    return page;
  }
}

/**
 * Tells the pager that the size of a file changes. Pages beyond the new end go first; then the size changes. `uvm_vnp_setsize()`.
 *
 * => `nodeLock` held for writing, object unlocked.
 */
export function* uvmVnpSetsize(this: Uvm, vnode: UvmFile, size: number): Step<void> {
  const oldEnd = roundPage(Math.max(vnode.size, vnode.writeSize));
  const end = roundPage(size);
  yield* vnode.lock.enter();
  if (this.kern.log.on) this.log({ kind: 'truncate', object: vnode.id, from: vnode.size, to: size });
  if (oldEnd > end) {
    yield* this.uvnPut(vnode, asOffset(end), asOffset(0), PGO_FREE | PGO_SYNCIO);
    yield* vnode.lock.enter();
  }
  vnode.size = size;
  vnode.writeSize = size;
  yield* vnode.lock.exit();
}

/** Tells the pager how large a file will be once the write in progress is done. `uvm_vnp_setwritesize()`. => object unlocked */
export function* uvmVnpSetwritesize(this: Uvm, vnode: UvmFile, size: number): Step<void> {
  yield* vnode.lock.enter();
  vnode.writeSize = size;
  yield* vnode.lock.exit();
}
