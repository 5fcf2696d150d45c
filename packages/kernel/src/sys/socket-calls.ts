/** System calls on sockets. sys/kern/uipc_syscalls.c. */
import {
  EAFNOSUPPORT,
  EAGAIN,
  EBADF,
  EINTR,
  EINVAL,
  ENOBUFS,
  ENOPROTOOPT,
  ENOTSOCK,
  EPIPE,
  EPROTONOSUPPORT,
  EPROTOTYPE,
} from '../kern/errno.js';
import { RLIMIT_NOFILE } from '../kern/limits.js';
import type { Step } from '../kern/switch.js';
import { O_NONBLOCK, O_NOSIGPIPE, O_RDWR, OpenFile } from './file.js';
import { SIGPIPE } from './signal.js';
import {
  AF_LOCAL,
  connectedPair,
  MSG_DONTWAIT,
  MSG_NOSIGNAL,
  MSG_PEEK,
  MSG_WAITALL,
  SHUT_RD,
  SHUT_RDWR,
  SHUT_WR,
  SO_RCVBUF,
  SO_RCVLOWAT,
  SO_SNDBUF,
  SO_SNDLOWAT,
  SOCK_CLOEXEC,
  SOCK_DGRAM,
  SOCK_NONBLOCK,
  SOCK_NOSIGPIPE,
  SOCK_STREAM,
  SOL_SOCKET,
  type Socket,
} from './socket.js';
import type { Transferred } from './socket-send.js';
import type { Sys } from './sys.js';

const SOCK_FLAGS = SOCK_CLOEXEC | SOCK_NONBLOCK | SOCK_NOSIGPIPE;

/**
 * Makes two connected sockets. `sys_socketpair()`.
 *
 * @param type `SOCK_STREAM` or `SOCK_DGRAM`, with `SOCK_CLOEXEC`, `SOCK_NONBLOCK`, `SOCK_NOSIGPIPE`
 * @returns their descriptors, or minus EAFNOSUPPORT, EPROTOTYPE, EPROTONOSUPPORT, EMFILE
 */
export function* sysSocketpair(this: Sys, domain: number, type: number, protocol: number): Step<[number, number] | number> {
  if (domain !== AF_LOCAL) return -EAFNOSUPPORT;
  const kind = type & ~SOCK_FLAGS;
  if (protocol !== 0) return -EPROTONOSUPPORT;
  if (kind !== SOCK_STREAM && kind !== SOCK_DGRAM) return -EPROTOTYPE;
  const process = this.processOf(this.curlwp);
  const limit = process.limits.soft(RLIMIT_NOFILE);
  const pair = connectedPair(this.kern, this.nextSocketId, kind === SOCK_STREAM ? 'stream' : 'datagram');
  this.nextSocketId += 2;
  const flags = O_RDWR | (type & SOCK_NONBLOCK ? O_NONBLOCK : 0) | (type & SOCK_NOSIGPIPE ? O_NOSIGPIPE : 0);
  const fds: number[] = [];
  for (const socket of pair) {
    const file = new OpenFile({ kind: 'socket', socket }, flags);
    const fd = process.files.allocate(file, limit, { closeOnExec: (type & SOCK_CLOEXEC) !== 0 });
    if (fd < 0) {
      for (const open of fds) yield* this.closeDescriptor(process, open);
      return fd;
    }
    this.openFiles.add(file);
    fds.push(fd);
  }
  return [fds[0] ?? -EBADF, fds[1] ?? -EBADF];
}

/** The socket behind a descriptor, and the file that leads to it. `fd_getsock()`. @returns EBADF or ENOTSOCK when there is none */
function socketOf(sys: Sys, fd: number): { file: OpenFile; socket: Socket } | number {
  const file = sys.processOf(sys.curlwp).files.get(fd);
  if (file === EBADF) return EBADF;
  return file.target.kind === 'socket' ? { file, socket: file.target.socket } : ENOTSOCK;
}

/**
 * Sends. `sys_sendto()`, to the other end of a pair.
 *
 * @param flags `MSG_DONTWAIT`, `MSG_NOSIGNAL`; others are passed over
 * @returns the number of bytes; or minus EBADF, ENOTSOCK, EINVAL, or an error of the socket; EPIPE comes with SIGPIPE
 */
export function* sysSendto(this: Sys, fd: number, address: number, length: number, flags: number): Step<number> {
  const found = socketOf(this, fd);
  if (typeof found === 'number') return -found;
  return yield* this.writeSocket(found.file, found.socket, address, length, flags);
}

/**
 * Receives. `sys_recvfrom()`.
 *
 * @param flags `MSG_PEEK`, `MSG_WAITALL`, `MSG_DONTWAIT`; others are passed over
 * @returns the number of bytes, 0 at the end; or minus EBADF, ENOTSOCK, EINVAL, or an error of the socket
 */
export function* sysRecvfrom(this: Sys, fd: number, address: number, length: number, flags: number): Step<number> {
  const found = socketOf(this, fd);
  if (typeof found === 'number') return -found;
  return yield* this.readSocket(found.file, found.socket, address, length, flags);
}

/** Sends, whichever call it is. `soo_write()`, `do_sys_sendmsg()`. @returns the number of bytes, or minus an errno */
export function* writeSocket(
  this: Sys,
  file: OpenFile,
  socket: Socket,
  address: number,
  length: number,
  flags: number,
): Step<number> {
  if (length < 0) return -EINVAL;
  const nonblocking = (file.flags & O_NONBLOCK) !== 0 || (flags & MSG_DONTWAIT) !== 0;
  const result = yield* this.sosend(socket, address, length, { nonblocking });
  const quiet = (file.flags & O_NOSIGPIPE) !== 0 || (flags & MSG_NOSIGNAL) !== 0;
  if (result.errno === EPIPE && !quiet) yield* this.psignal(this.processOf(this.curlwp), SIGPIPE);
  return answer(result);
}

/** Receives, whichever call it is. `soo_read()`, `do_sys_recvmsg()`. @returns the number of bytes, or minus an errno */
export function* readSocket(
  this: Sys,
  file: OpenFile,
  socket: Socket,
  address: number,
  length: number,
  flags: number,
): Step<number> {
  if (length < 0) return -EINVAL;
  const asked = flags & (MSG_PEEK | MSG_WAITALL | MSG_DONTWAIT);
  return answer(yield* this.soreceive(socket, address, length, asked | (file.flags & O_NONBLOCK ? MSG_DONTWAIT : 0)));
}

/** What a call answers: that it had to stop is no error when something was moved before. */
function answer({ count, errno }: Transferred): number {
  const stopped = errno === EAGAIN || errno === EINTR;
  return errno === 0 || (stopped && count > 0) ? count : -errno;
}

/** Ends receiving, sending or both. `sys_shutdown()`. @returns 0, or minus EBADF, ENOTSOCK, EINVAL, ENOTCONN */
export function* sysShutdown(this: Sys, fd: number, how: number): Step<number> {
  const found = socketOf(this, fd);
  if (typeof found === 'number') return -found;
  if (how !== SHUT_RD && how !== SHUT_WR && how !== SHUT_RDWR) return -EINVAL;
  return -(yield* this.soshutdown(found.socket, { receive: how !== SHUT_WR, send: how !== SHUT_RD }));
}

/**
 * Sets how much may be under way. `sys_setsockopt()`.
 *
 * @param name `SO_SNDBUF`, `SO_RCVBUF`, `SO_SNDLOWAT`, `SO_RCVLOWAT`
 * @returns 0, or minus EBADF, ENOTSOCK, ENOPROTOOPT, EINVAL (not above 0), ENOBUFS (too much)
 */
export function* sysSetsockopt(this: Sys, fd: number, level: number, name: number, value: number): Step<number> {
  const found = socketOf(this, fd);
  if (typeof found === 'number') return -found;
  const { socket } = found;
  const send = name === SO_SNDBUF || name === SO_SNDLOWAT;
  if (level !== SOL_SOCKET || (!send && name !== SO_RCVBUF && name !== SO_RCVLOWAT)) return -ENOPROTOOPT;
  if (value <= 0) return -EINVAL;
  const buffer = send ? socket.send : socket.receive;
  yield* socket.lock.enter();
  let fits = true;
  if (name === SO_SNDBUF || name === SO_RCVBUF) fits = buffer.reserve(value);
  else buffer.least = Math.min(value, buffer.limit);
  yield* socket.lock.exit();
  return fits ? 0 : -ENOBUFS;
}
