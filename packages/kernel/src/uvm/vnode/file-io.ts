/**
 * Reading, writing and truncating files through their pages, so that descriptors and mappings always see the same bytes.
 * sys/ufs/ufs/ufs_readwrite.c and sys/ufs/ffs/ffs_inode.c; the bytes go through windows (`ubc.ts`).
 *
 * Lock order: `vnodeLock` -> windows and pages, and whatever a fault on the program's own memory takes -> `nodeLock`.
 */
import { EINVAL, type Errno } from '../../kern/errno.js';
import type { Step } from '../../kern/switch.js';
import { asOffset, PAGE_MASK, PAGE_SIZE, roundPage, truncPage } from '../../machine/address.js';
import { startIo, waitForIo } from '../../machine/io.js';
import type { FileAt, FileIoOptions, FilePosition } from '../../vm/system.js';
import { asUio, type Uio } from '../../vm/uio.js';
import { PGO_CLEANIT, PGO_SYNCIO } from '../object/object.js';
import { NO_PAGE } from '../page/page-array.js';
import type { Uvm } from '../uvm.js';
import { type UvmFile, UvmVnode } from './vnode.js';
import { VnodeTruncate } from './vnode-io.js';

/**
 * Reads from a file. `ffs_read()`.
 *
 * @returns the number of bytes, 0 at the end of the file; or minus an errno, even when some bytes could be read: `done` tells how many
 */
export function* uvmVnodeRead(
  this: Uvm,
  vnode: UvmFile,
  at: number | FilePosition,
  into: Uint8Array | Uio,
  options: FileIoOptions = {},
): Step<number> {
  const uio = asUio('read', into);
  yield* vnode.vnodeLock.enter('read');
  const start = typeof at === 'number' ? at : at.offset;
  const length = Math.max(0, Math.min(uio.left, vnode.size - start));
  if (options.direct === true && vnode instanceof UvmVnode) yield* this.genfsDirectio(vnode, start, uio, length);
  const rest = { write: false, advice: options.advice ?? 0 };
  const errno = yield* this.ubcUiomove(vnode, start + uio.done, uio, length - uio.done, rest);
  if (typeof at === 'object') at.offset = start + uio.done;
  yield* vnode.vnodeLock.exit();
  return errno === 0 ? uio.done : -errno;
}

/**
 * Writes to a file, which grows if need be. `ffs_write()`.
 *
 * => all or nothing, as far as the answer goes: after an error the file is as long as before. What lay before its end may be partly
 *    overwritten.
 *
 * @returns the number of bytes, or minus an errno
 */
export function* uvmVnodeWrite(
  this: Uvm,
  vnode: UvmVnode,
  at: FileAt,
  from: Uint8Array | Uio,
  options: FileIoOptions = {},
): Step<number> {
  const uio = asUio('write', from);
  yield* vnode.vnodeLock.enter('write');
  const start = vnode.startOf(at);
  const oldSize = vnode.size;
  // What lies behind the old end must read as zeros once the file is longer.
  let errno = start > oldSize && uio.left > 0 ? yield* this.uvmVnodeZero(vnode, oldSize, Math.min(roundPage(oldSize), start)) : 0;
  if (errno === 0 && options.direct === true && vnode instanceof UvmVnode) {
    yield* this.genfsDirectio(vnode, start, uio, uio.left);
  }
  while (uio.left > 0 && errno === 0) errno = yield* this.uvmVnodeWriteBlock(vnode, start + uio.done, uio, options.advice ?? 0);
  if (errno !== 0) {
    uio.done = 0;
    if (vnode.writeSize > oldSize) yield* this.uvmVnodeResize(vnode, oldSize);
  }
  if (typeof at === 'object') at.offset = errno === 0 ? start + uio.done : at.offset;
  yield* vnode.vnodeLock.exit();
  return errno === 0 ? uio.done : -errno;
}

/**
 * Writes what fits into a block of the file system; the file is as much longer at once. Part of `ffs_write()`.
 *
 * => `vnodeLock` held for writing. On an error the size is as before, but for `writeSize`.
 */
export function* uvmVnodeWriteBlock(this: Uvm, vnode: UvmFile, at: number, uio: Uio, advice: number): Step<Errno> {
  let length = Math.min(this.blockSize - (at % this.blockSize), uio.left);
  // Whole pages of a file that nobody can fault on need not be read before they are overwritten.
  const whole = !vnode.mapped && (at & PAGE_MASK) === 0 && length >= PAGE_SIZE;
  if (whole) length = truncPage(length);
  const busy = whole && !(yield* this.uvmVnodeIsResident(vnode, at, length));
  const end = at + length;
  if (vnode.size < end) yield* this.uvmVnpSetwritesize(vnode, end);
  let errno = busy ? vnode.allocate(at, length) : 0;
  if (errno === 0) errno = yield* this.ubcUiomove(vnode, at, uio, length, { write: true, busy, advice });
  if (errno !== 0 || vnode.size >= end) return errno;
  yield* vnode.nodeLock.enter('write');
  yield* this.uvmVnpSetsize(vnode, end);
  yield* vnode.nodeLock.exit();
  return 0;
}

/** Whether all pages of a range are in memory: then nothing needs to be read, and windows are the quicker way. => object unlocked */
export function* uvmVnodeIsResident(this: Uvm, vnode: UvmFile, start: number, length: number): Step<boolean> {
  yield* vnode.lock.enter();
  let at = truncPage(start);
  while (at < start + length && this.uvmPagelookup(vnode, asOffset(at)) !== NO_PAGE) at += PAGE_SIZE;
  yield* vnode.lock.exit();
  return at >= start + length;
}

/** Fills part of one page of a file with zeros; an empty range is no matter. => `vnodeLock` held for writing */
export function* uvmVnodeZero(this: Uvm, vnode: UvmFile, start: number, end: number): Step<Errno> {
  if (start >= end || truncPage(start) >= roundPage(vnode.size)) return 0;
  return yield* this.ubcZerorange(vnode, start, end - start);
}

/**
 * Cuts a file, or extends it with zeros. `VOP_SETATTR()` with a size: `ffs_truncate()`.
 *
 * => pages beyond the new end are gone from all mappings on return, wired or not.
 */
export function* uvmVnodeTruncate(this: Uvm, vnode: UvmVnode, size: number): Step<Errno> {
  if (size < 0) return EINVAL;
  yield* vnode.vnodeLock.enter('write');
  const errno = yield* this.uvmVnodeResize(vnode, size);
  yield* vnode.vnodeLock.exit();
  return errno;
}

/** As `uvmVnodeTruncate`, for one who has the vnode locked. `ffs_truncate()` => `vnodeLock` held for writing */
export function* uvmVnodeResize(this: Uvm, vnode: UvmVnode, size: number): Step<Errno> {
  const edge = Math.min(size, vnode.size);
  const changes = size !== vnode.size || size !== vnode.writeSize;
  // Whatever lies behind the end in the last page must read as zeros once the file grows again.
  let errno = changes ? yield* this.uvmVnodeZero(vnode, edge, roundPage(edge)) : 0;
  if (errno !== 0) return errno;
  yield* vnode.nodeLock.enter('write');
  yield* this.uvmVnpSetsize(vnode, size);
  errno = yield* waitForIo(this.kern, yield* startIo(this.kern, new VnodeTruncate(vnode, size)));
  if (errno !== 0) yield* this.uvmVnpSetsize(vnode, vnode.store.size);
  yield* vnode.nodeLock.exit();
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
