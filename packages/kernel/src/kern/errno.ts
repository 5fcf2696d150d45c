/**
 * Error numbers, as NetBSD's `sys/errno.h` has them; FreeBSD agrees on all of these but the last three.
 * A system call answers with one of these; 0 is success. Negative numbers never leave the kernel.
 */

/** An error number, 0 for success. */
export type Errno = number;

export const EPERM = 1;
export const ENOENT = 2;
export const ESRCH = 3;
export const EINTR = 4;
export const EIO = 5;
export const ENXIO = 6;
export const E2BIG = 7;
export const ENOEXEC = 8;
export const EBADF = 9;
export const ECHILD = 10;
export const EDEADLK = 11;
export const ENOMEM = 12;
export const EACCES = 13;
export const EFAULT = 14;
export const ENOTBLK = 15;
export const EBUSY = 16;
export const EEXIST = 17;
export const ENODEV = 19;
export const ENOTDIR = 20;
export const EISDIR = 21;
export const EINVAL = 22;
export const EMFILE = 24;
export const ENOTTY = 25;
export const EFBIG = 27;
export const ENOSPC = 28;
export const ESPIPE = 29;
export const EROFS = 30;
export const EPIPE = 32;
export const EAGAIN = 35;
export const ENOTSOCK = 38;
export const EDESTADDRREQ = 39;
export const EMSGSIZE = 40;
export const EPROTOTYPE = 41;
export const ENOPROTOOPT = 42;
export const EPROTONOSUPPORT = 43;
export const EOPNOTSUPP = 45;
export const EAFNOSUPPORT = 47;
export const ECONNRESET = 54;
export const ENOBUFS = 55;
export const ENOTCONN = 57;
export const ENAMETOOLONG = 63;
export const ENOSYS = 78;
export const EOVERFLOW = 84;
export const ENOTSUP = 86;

/** The name of a timed-out sleep's answer; the same number as EAGAIN. */
export const EWOULDBLOCK = 35;

/** Inside the kernel only: start the operation again. */
export const ERESTART = -3;

const NAMES: ReadonlyMap<number, string> = new Map([
  [EPERM, 'EPERM'],
  [ENOENT, 'ENOENT'],
  [ESRCH, 'ESRCH'],
  [EINTR, 'EINTR'],
  [EIO, 'EIO'],
  [ENXIO, 'ENXIO'],
  [E2BIG, 'E2BIG'],
  [ENOEXEC, 'ENOEXEC'],
  [EBADF, 'EBADF'],
  [ECHILD, 'ECHILD'],
  [EDEADLK, 'EDEADLK'],
  [ENOMEM, 'ENOMEM'],
  [EACCES, 'EACCES'],
  [EFAULT, 'EFAULT'],
  [ENOTBLK, 'ENOTBLK'],
  [EBUSY, 'EBUSY'],
  [EEXIST, 'EEXIST'],
  [ENODEV, 'ENODEV'],
  [ENOTDIR, 'ENOTDIR'],
  [EISDIR, 'EISDIR'],
  [EINVAL, 'EINVAL'],
  [EMFILE, 'EMFILE'],
  [ENOTTY, 'ENOTTY'],
  [EFBIG, 'EFBIG'],
  [ENOSPC, 'ENOSPC'],
  [ESPIPE, 'ESPIPE'],
  [EROFS, 'EROFS'],
  [EPIPE, 'EPIPE'],
  [EAGAIN, 'EAGAIN'],
  [ENOTSOCK, 'ENOTSOCK'],
  [EDESTADDRREQ, 'EDESTADDRREQ'],
  [EMSGSIZE, 'EMSGSIZE'],
  [EPROTOTYPE, 'EPROTOTYPE'],
  [ENOPROTOOPT, 'ENOPROTOOPT'],
  [EPROTONOSUPPORT, 'EPROTONOSUPPORT'],
  [EOPNOTSUPP, 'EOPNOTSUPP'],
  [EAFNOSUPPORT, 'EAFNOSUPPORT'],
  [ECONNRESET, 'ECONNRESET'],
  [ENOBUFS, 'ENOBUFS'],
  [ENOTCONN, 'ENOTCONN'],
  [ENAMETOOLONG, 'ENAMETOOLONG'],
  [ENOSYS, 'ENOSYS'],
  [EOVERFLOW, 'EOVERFLOW'],
  [ENOTSUP, 'ENOTSUP'],
  [ERESTART, 'ERESTART'],
]);

/** The name of an error number, `OK` for 0, `errno N` for one that has none here. */
export function errnoName(errno: Errno): string {
  return errno === 0 ? 'OK' : (NAMES.get(errno) ?? `errno ${errno}`);
}
