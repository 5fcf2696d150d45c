/**
 * Files of tmpfs: making, writing and truncating them, and their pages. sys/fs/tmpfs/tmpfs_subr.c, tmpfs_vnops.c, tmpfs_mem.c. The
 * picture is in `tmpfs-vnode.ts`. They are read as other files are, by `uvmVnodeRead`.
 */
import { EBUSY, EINVAL, ENOSPC, type Errno } from '../../kern/errno.js';
import { RwLock } from '../../kern/rwlock.js';
import type { Step } from '../../kern/switch.js';
import { PAGE_SIZE, ptoa, roundPage } from '../../machine/address.js';
import type { FileAt, FileIoOptions } from '../../vm/system.js';
import { asUio, type Uio } from '../../vm/uio.js';
import type { Uvm } from '../uvm.js';
import { type GetRequest, PGO_DONTCARE, PGO_LOCKED } from './object.js';
import { TMPFS_OBJECT_SIZE, type TmpfsMount, TmpfsVnode } from './tmpfs-vnode.js';

/** Makes an empty file; the caller has the first reference. `tmpfs_alloc_node()`. => nothing locked */
export function* tmpfsAllocNode(this: Uvm, mount: TmpfsMount, name: string): Step<TmpfsVnode> {
  const { kern } = this;
  const aobj = yield* this.uaoCreate(TMPFS_OBJECT_SIZE, name);
  const id = this.nextObjectId++;
  const vnode = new TmpfsVnode(id, name, mount, aobj, {
    vnodeLock: new RwLock(kern, kern.lockClass('vnode'), String(id)),
    nodeLock: new RwLock(kern, kern.lockClass('g_glock'), String(id)),
  });
  this.objects.add(vnode);
  return vnode;
}

/** Gives up the memory of a file that nobody can reach any more. `tmpfs_free_node()`. => nothing locked */
export function* tmpfsFreeNode(this: Uvm, vnode: TmpfsVnode): Step<void> {
  this.tmpfsMemDecr(vnode, vnode.bytesUsed);
  yield* this.uaoDetach(vnode.aobj);
}

/**
 * Brings pages of a file in. `tmpfs_getpages()`. => as `UvmObject.get`
 *
 * => takes the node's lock, as `genfsGetpages` does, so that the file does not shrink meanwhile. NetBSD does not, and a page may come to
 *    lie behind the end of the file: docs/decisions/0006-departures.md.
 */
export function* tmpfsGetpages(this: Uvm, vnode: TmpfsVnode, request: GetRequest): Step<Errno> {
  const { aobj, nodeLock } = vnode;
  if (request.flags & PGO_LOCKED) {
    if (!this.tmpfsIsWithin(vnode, request)) return EINVAL;
    // Whoever truncates the file has this for writing; then nothing may be given out now.
    if (!(yield* nodeLock.tryEnter('read'))) return EBUSY;
    yield* nodeLock.exit();
    return yield* this.tmpfsGetSome(vnode, request);
  }
  yield* aobj.lock.exit();
  yield* nodeLock.enter('read');
  yield* aobj.lock.enter();
  let errno: Errno = EINVAL;
  if (this.tmpfsIsWithin(vnode, request)) errno = yield* this.tmpfsGetSome(vnode, request);
  else yield* aobj.lock.exit();
  yield* nodeLock.exit();
  return errno;
}

/** Whether the page without which a request fails lies in the file. Part of `tmpfs_getpages()`. => object locked */
export function tmpfsIsWithin(this: Uvm, vnode: TmpfsVnode, request: GetRequest): boolean {
  return request.offset + request.center * PAGE_SIZE < vnode.size;
}

/** Has the object bring in what lies in the file. Part of `tmpfs_getpages()`. => as `uaoGet` */
export function* tmpfsGetSome(this: Uvm, vnode: TmpfsVnode, request: GetRequest): Step<Errno> {
  const count = Math.min(request.slots.length, (roundPage(vnode.size) - request.offset) / PAGE_SIZE);
  const slots = request.slots.slice(0, count);
  const errno = yield* this.uaoGet(vnode.aobj, { ...request, slots });
  for (let i = 0; i < count; i++) request.slots[i] = slots[i] ?? PGO_DONTCARE;
  return errno;
}

/**
 * Writes to a file, which grows first if need be. `tmpfs_write()`. => nothing locked
 *
 * @returns the number of bytes; or minus an errno, and the file is as large as it was
 */
export function* tmpfsWrite(
  this: Uvm,
  vnode: TmpfsVnode,
  at: FileAt,
  from: Uint8Array | Uio,
  options: FileIoOptions = {},
): Step<number> {
  const uio = asUio('write', from);
  yield* vnode.vnodeLock.enter('write');
  const oldSize = vnode.size;
  const start = vnode.startOf(at);
  const end = uio.left === 0 ? 0 : start + uio.left;
  let errno: Errno = end > oldSize ? yield* this.tmpfsRegResize(vnode, end) : 0;
  if (errno === 0) errno = yield* this.ubcUiomove(vnode, start, uio, uio.left, { write: true, advice: options.advice ?? 0 });
  if (errno !== 0) {
    uio.done = 0;
    yield* this.tmpfsRegResize(vnode, oldSize);
  } else if (typeof at === 'object') {
    at.offset = start + uio.done;
  }
  yield* vnode.vnodeLock.exit();
  return errno === 0 ? uio.done : -errno;
}

/** Cuts a file or extends it. `tmpfs_truncate()`. => nothing locked. @returns 0, EINVAL, ENOSPC, or the error of the page at the edge */
export function* tmpfsTruncate(this: Uvm, vnode: TmpfsVnode, size: number): Step<Errno> {
  if (size < 0) return EINVAL;
  yield* vnode.vnodeLock.enter('write');
  const errno = yield* this.tmpfsRegResize(vnode, size);
  yield* vnode.vnodeLock.exit();
  return errno;
}

/**
 * Changes the size of a file. `tmpfs_reg_resize()`. => `vnodeLock` held for writing
 *
 * => pages behind the new end are gone from memory, from all mappings and from swap on return.
 * => what lies behind the end in the last page reads as zeros once the file has grown; NetBSD shows what was stored there:
 *    docs/decisions/0006-departures.md.
 */
export function* tmpfsRegResize(this: Uvm, vnode: TmpfsVnode, size: number): Step<Errno> {
  const { aobj } = vnode;
  const old = vnode.size;
  if (size === old) return 0;
  const bytes = roundPage(size) - roundPage(old);
  if (bytes > 0 && !this.tmpfsMemIncr(vnode, bytes)) return ENOSPC;
  const edge = Math.min(size, old);
  const errno = yield* this.uvmVnodeZero(vnode, edge, roundPage(edge));
  if (errno !== 0) {
    if (bytes > 0) this.tmpfsMemDecr(vnode, bytes);
    return errno;
  }
  yield* vnode.nodeLock.enter('write');
  yield* this.uvmVnpSetsize(vnode, size);
  if (bytes < 0) {
    yield* aobj.lock.enter();
    this.uaoDropswapRange(aobj, roundPage(size) / PAGE_SIZE, roundPage(old) / PAGE_SIZE);
    yield* aobj.lock.exit();
    this.tmpfsMemDecr(vnode, -bytes);
  }
  yield* vnode.nodeLock.exit();
  return 0;
}

/** Counts bytes that a file has from now on, if there is room for them. `tmpfs_mem_incr()` => does not sleep */
export function tmpfsMemIncr(this: Uvm, vnode: TmpfsVnode, bytes: number): boolean {
  const { mount } = vnode;
  if (mount.bytesUsed + bytes >= this.tmpfsBytesMax(mount)) return false;
  mount.bytesUsed += bytes;
  vnode.bytesUsed += bytes;
  return true;
}

/** Counts bytes that a file has no longer. `tmpfs_mem_decr()` => does not sleep */
export function tmpfsMemDecr(this: Uvm, vnode: TmpfsVnode, bytes: number): void {
  const { mount } = vnode;
  this.kern.kassert(mount.bytesUsed >= bytes, 'mp->tm_bytes_used >= sz');
  mount.bytesUsed -= bytes;
  vnode.bytesUsed -= bytes;
}

/** Bytes that files may have: what the limit allows, and memory and swap have room for. `tmpfs_bytes_max()`, `tmpfs_mem_info()` */
export function tmpfsBytesMax(this: Uvm, mount: TmpfsMount): number {
  const { swpgavail, swpgonly, free, filepages, wired, freetarg } = this.uvmexp;
  const available = Math.max(0, swpgavail - swpgonly + free + filepages - wired);
  return Math.min(mount.limit, mount.bytesUsed + ptoa(Math.max(0, available - freetarg)));
}
