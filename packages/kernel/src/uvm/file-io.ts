/**
 * Reading, writing and truncating files through their pages, so that descriptors and mappings always see the same bytes.
 *
 * NetBSD copies through windows of kernel addresses onto the file, or directly where all memory is mapped (`ubc_uiomove()`,
 * sys/uvm/uvm_bio.c). This is the direct way; bytes pass through a buffer of the caller's, so that no page is busy while a program's
 * own memory is touched, which could fault on the very same page.
 */
import { EINVAL, type Errno } from '../kern/errno.js';
import type { Step } from '../kern/switch.js';
import { asOffset, PAGE_MASK, PAGE_SIZE, roundPage, truncPage } from '../machine/address.js';
import { startIo, waitForIo } from '../machine/io.js';
import { PROT_READ, PROT_WRITE } from '../machine/protection.js';
import { type PageSlot, PGO_CLEANIT, PGO_OVERWRITE, PGO_PASTEOF, PGO_SYNCIO, PGO_WANTED_PAGE } from './object.js';
import { NO_PAGE, PG_CLEAN } from './page-array.js';
import type { Uvm } from './uvm.js';
import type { UvmVnode } from './vnode.js';
import { VnodeTruncate } from './vnode-io.js';

/** The most pages that are held busy at once while bytes are copied. */
const MAX_PAGES = 16;

/**
 * Reads from a file. `VOP_READ()`, `ubc_uiomove()`.
 *
 * @returns the number of bytes, 0 at the end of the file; or minus an errno when none could be read
 */
export function* uvmVnodeRead(this: Uvm, vnode: UvmVnode, offset: number, into: Uint8Array): Step<number> {
  yield* vnode.vnodeLock.enter('read');
  const length = Math.max(0, Math.min(into.length, vnode.size - offset));
  let done = 0;
  let errno: Errno = 0;
  while (done < length) {
    const at = offset + done;
    const from = truncPage(at);
    const count = Math.min(MAX_PAGES, (roundPage(offset + length) - from) / PAGE_SIZE);
    const slots: PageSlot[] = Array.from({ length: count }, () => PGO_WANTED_PAGE);
    yield* vnode.lock.enter();
    const request = { offset: asOffset(from), slots, center: 0, access: PROT_READ, advice: 0, flags: PGO_SYNCIO };
    errno = yield* this.uvnGet(vnode, request);
    if (errno !== 0) break;
    const chunk = Math.min(length - done, from + count * PAGE_SIZE - at);
    copyOut(this, slots, at - from, into.subarray(done, done + chunk));
    yield* this.genfsGiveUp(vnode, slots);
    done += chunk;
  }
  yield* vnode.vnodeLock.exit();
  return done > 0 || errno === 0 ? done : -errno;
}

/**
 * Writes to a file, which grows if need be. `VOP_WRITE()`, `ubc_uiomove()`.
 *
 * @param offset where; `append` for the end of the file
 * @returns the number of bytes; or minus an errno when none could be written
 */
export function* uvmVnodeWrite(this: Uvm, vnode: UvmVnode, offset: number | 'append', from: Uint8Array): Step<number> {
  yield* vnode.vnodeLock.enter('write');
  const start = offset === 'append' ? vnode.size : offset;
  const oldSize = vnode.size;
  let errno: Errno = start > oldSize ? yield* this.uvmVnodeZero(vnode, oldSize, Math.min(roundPage(oldSize), start)) : 0;
  yield* this.uvmVnpSetwritesize(vnode, Math.max(oldSize, start + from.length));
  let done = 0;
  while (done < from.length && errno === 0) {
    const chunk = Math.min(from.length - done, MAX_PAGES * PAGE_SIZE - ((start + done) & PAGE_MASK));
    errno = yield* this.uvmVnodeWriteChunk(vnode, start + done, from.subarray(done, done + chunk));
    if (errno === 0) done += chunk;
  }
  yield* vnode.nodeLock.enter('write');
  yield* this.uvmVnpSetsize(vnode, Math.max(oldSize, done > 0 ? start + done : 0));
  yield* vnode.nodeLock.exit();
  yield* vnode.vnodeLock.exit();
  return done > 0 || errno === 0 ? done : -errno;
}

/** Writes what fits into a few pages. Part of `VOP_WRITE()`. => `vnodeLock` held for writing */
export function* uvmVnodeWriteChunk(this: Uvm, vnode: UvmVnode, at: number, bytes: Uint8Array): Step<Errno> {
  const errno = vnode.store.allocate(at, bytes.length);
  if (errno !== 0) return errno;
  for (let done = 0; done < bytes.length; ) {
    const from = truncPage(at + done);
    const within = at + done - from;
    const length = Math.min(PAGE_SIZE - within, bytes.length - done);
    // A page that is overwritten whole, or lies beyond the end of the file, need not be read.
    const whole = (within === 0 && length === PAGE_SIZE) || from >= roundPage(vnode.size);
    const slots: PageSlot[] = [PGO_WANTED_PAGE];
    const flags = PGO_SYNCIO | PGO_PASTEOF | (whole ? PGO_OVERWRITE : 0);
    yield* vnode.lock.enter();
    const failed = yield* this.uvnGet(vnode, { offset: asOffset(from), slots, center: 0, access: PROT_WRITE, advice: 0, flags });
    if (failed !== 0) return failed;
    const page = slots[0] ?? NO_PAGE;
    this.machine.ram.page(page).set(bytes.subarray(done, done + length), within);
    this.pages.clearFlags(page, PG_CLEAN);
    yield* this.genfsGiveUp(vnode, slots);
    done += length;
  }
  return 0;
}

/** Fills part of one page of a file with zeros; an empty range is no matter. `ubc_zerorange()`. => `vnodeLock` held for writing */
export function* uvmVnodeZero(this: Uvm, vnode: UvmVnode, start: number, end: number): Step<Errno> {
  const from = truncPage(start);
  if (start >= end || from >= roundPage(vnode.size)) return 0;
  const slots: PageSlot[] = [PGO_WANTED_PAGE];
  yield* vnode.lock.enter();
  const request = { offset: asOffset(from), slots, center: 0, access: PROT_WRITE, advice: 0, flags: PGO_SYNCIO };
  const errno = yield* this.uvnGet(vnode, request);
  if (errno !== 0) return errno;
  const page = slots[0] ?? NO_PAGE;
  this.machine.ram.page(page).fill(0, start - from, end - from);
  this.pages.clearFlags(page, PG_CLEAN);
  yield* this.genfsGiveUp(vnode, slots);
  return 0;
}

/**
 * Cuts a file, or extends it with zeros. `VOP_SETATTR()` with a size, as sys/ufs/ffs/ffs_inode.c does it.
 *
 * => pages beyond the new end are gone from all mappings on return, wired or not.
 */
export function* uvmVnodeTruncate(this: Uvm, vnode: UvmVnode, size: number): Step<Errno> {
  if (size < 0) return EINVAL;
  yield* vnode.vnodeLock.enter('write');
  const old = vnode.size;
  const edge = Math.min(size, old);
  // Whatever lies behind the end in the last page must read as zeros once the file grows again.
  let errno = size === old ? 0 : yield* this.uvmVnodeZero(vnode, edge, roundPage(edge));
  if (errno === 0) {
    yield* vnode.nodeLock.enter('write');
    yield* this.uvmVnpSetsize(vnode, size);
    errno = yield* waitForIo(this.kern, yield* startIo(this.kern, new VnodeTruncate(vnode, size)));
    if (errno !== 0) yield* this.uvmVnpSetsize(vnode, vnode.store.size);
    yield* vnode.nodeLock.exit();
  }
  yield* vnode.vnodeLock.exit();
  return errno;
}

/** Writes all that is dirty, and makes it durable. `VOP_FSYNC()`. */
export function* uvmVnodeSync(this: Uvm, vnode: UvmVnode): Step<Errno> {
  yield* vnode.vnodeLock.enter('read');
  yield* vnode.lock.enter();
  const errno = yield* this.uvnPut(vnode, asOffset(0), asOffset(0), PGO_CLEANIT | PGO_SYNCIO);
  yield* vnode.vnodeLock.exit();
  return errno;
}

function copyOut(uvm: Uvm, slots: readonly PageSlot[], skip: number, into: Uint8Array): void {
  for (let done = 0; done < into.length; ) {
    const at = skip + done;
    const within = at & PAGE_MASK;
    const length = Math.min(PAGE_SIZE - within, into.length - done);
    const page = slots[(at - within) / PAGE_SIZE] ?? NO_PAGE;
    into.set(uvm.machine.ram.page(page).subarray(within, within + length), done);
    done += length;
  }
}
