/** System calls on files and descriptors. sys/kern/vfs_syscalls.c, sys_generic.c, sys_descrip.c, sys_pipe.c. */

import { isSuperuser } from '../kern/credentials.js';
import { EBADF, EEXIST, EFBIG, EINVAL, ENOENT, EOPNOTSUPP, EPERM, EROFS, type Errno, ESPIPE } from '../kern/errno.js';
import { type Limit, RLIM_INFINITY, RLIM_NLIMITS, RLIMIT_FSIZE, RLIMIT_NOFILE, RLIMIT_STACK } from '../kern/limits.js';
import type { Step } from '../kern/switch.js';
import { asVa, roundPage, truncPage } from '../machine/address.js';
import { PROT_NONE, PROT_READ, PROT_WRITE } from '../machine/protection.js';
import type { FileIoOptions } from '../vm/system.js';
import {
  type FileTarget,
  O_ACCMODE,
  O_APPEND,
  O_CLOEXEC,
  O_CREAT,
  O_DIRECT,
  O_EXCL,
  O_NONBLOCK,
  O_NOSIGPIPE,
  O_RDONLY,
  O_TRUNC,
  O_WRONLY,
  OpenFile,
  POSIX_FADV_DONTNEED,
  POSIX_FADV_NOREUSE,
  POSIX_FADV_NORMAL,
  POSIX_FADV_RANDOM,
  POSIX_FADV_SEQUENTIAL,
  POSIX_FADV_WILLNEED,
  SEEK_CUR,
  SEEK_END,
  SEEK_SET,
} from './file.js';
import { MAXSSIZ } from './param.js';
import { Pipe } from './pipe.js';
import type { Process } from './process.js';
import { SIGXFSZ } from './signal.js';
import type { Sys } from './sys.js';
import { UserUio } from './user-uio.js';

/** Bytes that are moved between a program and a pipe at once. */
const CHUNK = 65_536;
/** The largest offset in a file. */
const MAX_OFFSET = Number.MAX_SAFE_INTEGER;

/** Opens a file, which is made with `O_CREAT` if need be. `sys_open()`. @returns the descriptor, or minus an errno */
export function* sysOpen(this: Sys, path: string, flags: number): Step<number> {
  const process = this.processOf(this.curlwp);
  const limit = process.limits.soft(RLIMIT_NOFILE);
  if ((flags & O_ACCMODE) === O_ACCMODE) return -EINVAL;
  const device = this.lookupDevice(path);
  if (device !== null)
    return (flags & (O_CREAT | O_EXCL)) === (O_CREAT | O_EXCL) ? -EEXIST : this.specOpen(process, device, flags);
  // A file is not made when there is no descriptor for it.
  const free = process.files.lowestFree(limit);
  if (free < 0) return free;
  const known = this.vfs.lookup(path);
  if (known === null && (flags & O_CREAT) === 0) return -ENOENT;
  const { vnode, made } = known === null ? yield* this.vfs.create(path) : { vnode: known, made: false };
  // Somebody else may have made it in the meantime.
  if (!made && (flags & (O_CREAT | O_EXCL)) === (O_CREAT | O_EXCL)) return -EEXIST;
  const file = new OpenFile({ kind: 'vnode', vnode }, flags);
  if (file.writable && !vnode.writable) return -EROFS;
  const options = { closeOnExec: (flags & O_CLOEXEC) !== 0 };
  const fd = process.files.allocate(file, limit, options);
  if (fd < 0) return fd;
  this.openFiles.add(file);
  yield* this.vm.referenceVnode(vnode);
  const errno = flags & O_TRUNC && file.writable ? yield* this.vm.truncateVnode(vnode, 0) : 0;
  if (errno === 0) return fd;
  yield* this.closeDescriptor(process, fd);
  return -errno;
}

/** Closes a descriptor. `sys_close()`. */
export function* sysClose(this: Sys, fd: number): Step<number> {
  return -(yield* this.closeDescriptor(this.processOf(this.curlwp), fd));
}

/** Closes a descriptor of a process, and the file with its last descriptor. `fd_close()`. @returns 0 or EBADF */
export function* closeDescriptor(this: Sys, process: Process, fd: number): Step<Errno> {
  const file = process.files.remove(fd);
  if (file === EBADF) return EBADF;
  yield* this.releaseFile(file);
  return 0;
}

/** Closes an open file whose last descriptor has gone; null when others lead to it still. `closef()`. */
export function* releaseFile(this: Sys, file: OpenFile | null): Step<void> {
  if (file === null) return;
  this.openFiles.delete(file);
  if (file.target.kind === 'vnode') yield* this.vm.releaseVnode(file.target.vnode);
  else if (file.target.kind === 'device') this.specClose(file.target.device);
  else if (file.target.kind === 'socket') yield* this.soclose(file.target.socket);
  else yield* file.target.pipe.close(file.target.end);
}

/** Takes a file's name away; the file goes when nobody uses it any more. `sys_unlink()`. @returns 0 or minus ENOENT */
export function* sysUnlink(this: Sys, path: string): Step<number> {
  const vnode = this.vfs.remove(path);
  if (vnode === null) return -ENOENT;
  this.vm.unlinkVnode(vnode);
  yield* this.vm.releaseVnode(vnode);
  return 0;
}

/** Makes a descriptor for the same open file; `to` is closed first. `sys_dup()`, `sys_dup2()`. @returns the descriptor, or minus EBADF */
export function* sysDup(this: Sys, fd: number, to: number | null): Step<number> {
  const process = this.processOf(this.curlwp);
  const file = process.files.get(fd);
  const limit = process.limits.soft(RLIMIT_NOFILE);
  if (file === EBADF || (to !== null && (to < 0 || to >= limit))) return -EBADF;
  if (to === null) return process.files.allocate(file, limit);
  if (to === fd) return to;
  const old = process.files.remove(to);
  // Before anything that may sleep: another thread would be given the free descriptor.
  process.files.place(to, file);
  if (old !== EBADF) yield* this.releaseFile(old);
  return to;
}

/**
 * Makes a pipe. `sys_pipe()`, `sys_pipe2()`.
 *
 * @param flags `O_NONBLOCK`, `O_CLOEXEC`, `O_NOSIGPIPE`; for both ends
 * @returns the descriptors of its ends, or minus EINVAL, EMFILE
 */
export function* sysPipe(this: Sys, flags: number): Step<{ read: number; write: number } | number> {
  if ((flags & ~(O_NONBLOCK | O_CLOEXEC | O_NOSIGPIPE)) !== 0) return -EINVAL;
  const process = this.processOf(this.curlwp);
  const pipe = new Pipe(this.kern, this.nextPipeId++);
  const limit = process.limits.soft(RLIMIT_NOFILE);
  const ends = [
    new OpenFile({ kind: 'pipe', pipe, end: 'read' }, O_RDONLY | flags),
    new OpenFile({ kind: 'pipe', pipe, end: 'write' }, O_WRONLY | flags),
  ];
  const fds: number[] = [];
  for (const file of ends) {
    const fd = process.files.allocate(file, limit, { closeOnExec: (flags & O_CLOEXEC) !== 0 });
    if (fd < 0) {
      for (const open of fds) yield* this.closeDescriptor(process, open);
      return fd;
    }
    this.openFiles.add(file);
    fds.push(fd);
  }
  return { read: fds[0] ?? -EBADF, write: fds[1] ?? -EBADF };
}

/**
 * Reads into the program's memory. `sys_read()`, `sys_pread()`.
 *
 * @param at where in the file, null for where the descriptor stands, which then moves
 * @returns the number of bytes; or minus EBADF, EINVAL, ESPIPE, EFAULT or the error of the file, these two even when some bytes could be moved
 */
export function* sysRead(this: Sys, fd: number, address: number, length: number, at: number | null): Step<number> {
  const file = this.processOf(this.curlwp).files.get(fd);
  if (file === EBADF || !file.readable) return -EBADF;
  const { target } = file;
  if (target.kind === 'device') return yield* this.specTransfer(file, target.device, { write: false, address, length, at });
  if (target.kind !== 'vnode' && at !== null) return -ESPIPE;
  if (length < 0 || (at !== null && at < 0)) return -EINVAL;
  if (target.kind === 'pipe') return yield* this.readPipe(file, target.pipe, address, length);
  if (target.kind === 'socket') return yield* this.readSocket(file, target.socket, address, length, 0);
  const uio = new UserUio(this, 'read', address, length);
  return yield* this.vm.readVnode(target.vnode, at ?? file, uio, ioOptions(file));
}

/** How an open file is read and written. */
function ioOptions({ advice, flags }: OpenFile): FileIoOptions {
  return { advice, direct: (flags & O_DIRECT) !== 0 };
}

/** Reads from a pipe. `pipe_read()`. */
export function* readPipe(this: Sys, file: OpenFile, pipe: Pipe, address: number, length: number): Step<number> {
  const buffer = new Uint8Array(Math.min(CHUNK, length));
  const nonblocking = (file.flags & O_NONBLOCK) !== 0;
  return yield* pipe.read(buffer, { nonblocking }, (bytes) => this.copyout(address, bytes));
}

/**
 * Writes from the program's memory. `sys_write()`, `sys_pwrite()`.
 *
 * @param at where in the file, null for where the descriptor stands, which then moves
 * @returns the number of bytes; or minus EBADF, EINVAL, ESPIPE, EFBIG (with SIGXFSZ beyond the limit), EFAULT or EPIPE (with SIGPIPE),
 *   these two even when some bytes could be moved, or the error of the file
 */
export function* sysWrite(this: Sys, fd: number, address: number, length: number, at: number | null): Step<number> {
  const process = this.processOf(this.curlwp);
  const file = process.files.get(fd);
  if (file === EBADF || !file.writable) return -EBADF;
  const { target } = file;
  if (target.kind === 'device') return yield* this.specTransfer(file, target.device, { write: true, address, length, at });
  if (target.kind !== 'vnode' && at !== null) return -ESPIPE;
  if (length < 0 || (at !== null && at < 0)) return -EINVAL;
  if (target.kind === 'socket') return yield* this.writeSocket(file, target.socket, address, length, 0);
  const append = target.kind === 'vnode' && (file.flags & O_APPEND) !== 0;
  const start = target.kind === 'vnode' && append ? target.vnode.size : (at ?? file.offset);
  if (target.kind === 'vnode' && start + length > process.limits.soft(RLIMIT_FSIZE)) {
    yield* this.psignal(process, SIGXFSZ);
    return -EFBIG;
  }
  if (start + length > MAX_OFFSET) return -EFBIG;
  if (target.kind === 'vnode') {
    const uio = new UserUio(this, 'write', address, length);
    const where = at === null ? file : append ? 'append' : at;
    return yield* this.vm.writeVnode(target.vnode, where, uio, ioOptions(file));
  }
  return yield* this.writePipe(file, target.pipe, address, length);
}

/** The offset at which posix_fadvise(2) takes a range to end that is to go to the end of the file. */
const OFF_MAX = Number.MAX_SAFE_INTEGER;

/**
 * Says how a file will be read, or that a range of it will be or will not be used soon. `sys___posix_fadvise50()`, `do_posix_fadvise()`.
 *
 * @returns 0, or minus EINVAL (range or advice), EBADF, ESPIPE (pipes and sockets), EOPNOTSUPP (whatever else is no file)
 */
export function* sysPosixFadvise(this: Sys, fd: number, offset: number, length: number, advice: number): Step<number> {
  if (length < 0 || (length > 0 && OFF_MAX - offset < length)) return -EINVAL;
  const end = length === 0 ? OFF_MAX : offset + length;
  const file = this.processOf(this.curlwp).files.get(fd);
  if (file === EBADF) return -EBADF;
  const { target } = file;
  if (target.kind !== 'vnode') return isStream(target) ? -ESPIPE : -EOPNOTSUPP;
  const start = Math.max(0, offset);
  switch (advice) {
    case POSIX_FADV_NORMAL:
    case POSIX_FADV_RANDOM:
    case POSIX_FADV_SEQUENTIAL:
      file.advice = advice;
      return 0;
    case POSIX_FADV_WILLNEED:
      this.vm.readAheadVnode(target.vnode, start, end - start);
      return 0;
    case POSIX_FADV_DONTNEED: {
      // Pages that lie in the range whole: what is next to it is not to be deactivated.
      const [first, last] = [roundPage(start), truncPage(end)];
      return first < last ? -(yield* this.vm.releaseVnodePages(target.vnode, first, last)) : 0;
    }
    case POSIX_FADV_NOREUSE:
      return 0;
    default:
      return -EINVAL;
  }
}

/** Whether a descriptor leads to bytes that come and go. */
function isStream({ kind }: FileTarget): boolean {
  return kind === 'pipe';
}

/** Moves to another place in a file. `sys_lseek()`. @returns the new offset, or minus EBADF, ESPIPE, EINVAL */
export function sysLseek(this: Sys, fd: number, offset: number, whence: number): number {
  const file = this.processOf(this.curlwp).files.get(fd);
  if (file === EBADF) return -EBADF;
  const { target } = file;
  if (target.kind !== 'vnode' && (target.kind !== 'device' || !target.device.seekable)) return -ESPIPE;
  // A device has no size that anybody could ask for.
  const size = target.kind === 'vnode' ? target.vnode.size : 0;
  const bases: Record<number, number> = { [SEEK_SET]: 0, [SEEK_CUR]: file.offset, [SEEK_END]: size };
  const base = bases[whence];
  if (base === undefined || base + offset < 0 || base + offset > MAX_OFFSET) return -EINVAL;
  file.offset = base + offset;
  return file.offset;
}

/** Cuts a file or extends it. `sys_ftruncate()`. @returns 0, or minus EINVAL, EBADF, EFBIG, or the error of the file */
export function* sysFtruncate(this: Sys, fd: number, size: number): Step<number> {
  const process = this.processOf(this.curlwp);
  if (size < 0) return -EINVAL;
  const file = process.files.get(fd);
  if (file === EBADF) return -EBADF;
  if (!file.writable || file.target.kind !== 'vnode') return -EINVAL;
  if (size > Math.min(process.limits.soft(RLIMIT_FSIZE), MAX_OFFSET)) return -EFBIG;
  return -(yield* this.vm.truncateVnode(file.target.vnode, size));
}

/** Makes a file's bytes durable. `sys_fsync()`. @returns 0, or minus EBADF, EINVAL, or the error of the file */
export function* sysFsync(this: Sys, fd: number): Step<number> {
  const file = this.processOf(this.curlwp).files.get(fd);
  if (file === EBADF) return -EBADF;
  if (file.target.kind !== 'vnode') return -EINVAL;
  return -(yield* this.vm.syncVnode(file.target.vnode));
}

/** A limit. `sys_getrlimit()`. @returns the limit, or minus EINVAL */
export function sysGetrlimit(this: Sys, which: number): Limit | number {
  if (which < 0 || which >= RLIM_NLIMITS) return -EINVAL;
  return this.processOf(this.curlwp).limits.get(which) ?? { current: RLIM_INFINITY, maximum: RLIM_INFINITY };
}

/**
 * Sets a limit; a change of the stack's limit changes how much of the reserved stack can be used. `dosetrlimit()`.
 *
 * @returns 0, or minus EINVAL (no such limit, or current above maximum), EPERM (raising the maximum)
 */
export function* sysSetrlimit(this: Sys, which: number, limit: Limit): Step<number> {
  const process = this.processOf(this.curlwp);
  const old = process.limits.get(which);
  if (which < 0 || which >= RLIM_NLIMITS || old === undefined || limit.current < 0) return -EINVAL;
  if (limit.current > limit.maximum) return -EINVAL;
  if (limit.maximum > old.maximum && !isSuperuser(process.credentials)) return -EPERM;
  process.limits = process.limits.with(which, limit);
  if (which !== RLIMIT_STACK || process.space === null) return 0;
  const { stackTop } = process.layout;
  const before = roundPage(Math.min(old.current, MAXSSIZ));
  const after = roundPage(Math.min(limit.current, MAXSSIZ));
  if (before === after || (yield* this.vm.mappingAt(process.space, asVa(stackTop - 1))) === null) return 0;
  const [low, high] = after > before ? [after, before] : [before, after];
  const protection = after > before ? PROT_READ | PROT_WRITE : PROT_NONE;
  return -(yield* this.vm.protect(process.space, asVa(stackTop - low), asVa(stackTop - high), protection));
}
