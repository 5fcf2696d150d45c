/** Sending on sockets. sys/kern/uipc_socket.c and sys/kern/uipc_usrreq.c. */
import { EAGAIN, EDESTADDRREQ, EFAULT, EMSGSIZE, ENOBUFS, ENOTCONN, EPIPE, type Errno } from '../kern/errno.js';
import type { Step } from '../kern/switch.js';
import { Mbuf } from './mbuf.js';
import { MCLBYTES, type SockBuf } from './sockbuf.js';
import type { Socket } from './socket.js';
import type { Sys } from './sys.js';

/** What a transfer has come to: bytes that were moved, and why it was not all. */
export interface Transferred {
  readonly count: number;
  readonly errno: Errno;
}

/** Takes the turn at a buffer. `sblock()`. => socket locked, but for waits. @returns 0; EAGAIN (`nonblocking`) or EINTR */
export function* sblock(this: Sys, socket: Socket, buffer: SockBuf, options: { nonblocking: boolean }): Step<Errno> {
  while (buffer.locked) {
    if (options.nonblocking) return EAGAIN;
    const errno = yield* buffer.turn.waitInterruptibly(socket.lock);
    if (errno !== 0) return errno;
  }
  buffer.locked = true;
  return 0;
}

/** Gives the turn at a buffer away. `sbunlock()`. => socket locked */
export function* sbunlock(this: Sys, buffer: SockBuf): Step<void> {
  this.kern.kassert(buffer.locked, '(sb->sb_flags & SB_LOCK) != 0');
  buffer.locked = false;
  yield* buffer.turn.broadcast();
}

/**
 * Sends bytes of the running program. `sosend()`.
 *
 * => nothing locked. Sleeps while there is no room.
 *
 * @returns how many bytes were sent; and 0, EPIPE, ENOTCONN, EMSGSIZE, ENOBUFS, EAGAIN (`nonblocking`), EINTR, EFAULT or what the socket
 *   was told before
 */
export function* sosend(
  this: Sys,
  socket: Socket,
  address: number,
  length: number,
  options: { nonblocking: boolean },
): Step<Transferred> {
  let count = 0;
  yield* socket.lock.enter();
  let errno = yield* this.sblock(socket, socket.send, options);
  let mine = errno === 0;
  while (errno === 0) {
    const left = length - count;
    errno = sendError(socket, left);
    if (errno !== 0) break;
    const { space, send, type } = socket;
    if (space < left && (type === 'datagram' || space < send.least)) {
      if (options.nonblocking) {
        errno = EAGAIN;
        break;
      }
      yield* this.sbunlock(send);
      mine = false;
      errno = yield* send.changed.waitInterruptibly(socket.lock);
      if (errno === 0) errno = yield* this.sblock(socket, send, options);
      mine = errno === 0;
      continue;
    }
    const sent = yield* this.sosendSpace(socket, address + count, left, space);
    count += sent.count;
    errno = sent.errno;
    if (count === length) break;
  }
  if (mine) yield* this.sbunlock(socket.send);
  yield* socket.lock.exit();
  return { count, errno };
}

/** Why nothing can be sent, 0 when something can. => socket locked */
function sendError(socket: Socket, length: number): Errno {
  if (socket.cantSend) return EPIPE;
  const { error } = socket;
  socket.error = 0;
  if (error !== 0) return error;
  if (socket.peer === null) return socket.type === 'stream' ? ENOTCONN : EDESTADDRREQ;
  return socket.type === 'datagram' && length > socket.send.limit ? EMSGSIZE : 0;
}

/** Sends as much as there is room for. Part of `sosend()`. => socket locked, but for the time in which bytes move; this thread's turn */
export function* sosendSpace(this: Sys, socket: Socket, address: number, length: number, space: number): Step<Transferred> {
  const whole = socket.type === 'datagram';
  const chain: Mbuf[] = [];
  let count = 0;
  let taken = 0;
  let errno: Errno = 0;
  do {
    yield* socket.lock.exit();
    const got = yield* this.sosendMbuf(address + taken, length - taken, space - taken);
    yield* socket.lock.enter();
    if (typeof got === 'number') {
      errno = got;
      break;
    }
    chain.push(got);
    taken += got.length;
    // A message goes as a whole.
    if (whole && taken < length) continue;
    errno = socket.cantSend ? EPIPE : yield* this.uipcSend(socket, chain);
    if (errno !== 0) break;
    chain.length = 0;
    count = taken;
  } while (taken < length && taken < space);
  for (const mbuf of chain) yield* this.mFree(mbuf);
  return { count, errno };
}

/**
 * An mbuf with the next bytes that are to be sent: on loan when there are enough of them, else copied. Part of `sosend()`.
 *
 * => nothing locked
 *
 * @returns the mbuf, or EFAULT
 */
export function* sosendMbuf(this: Sys, address: number, length: number, space: number): Step<Mbuf | Errno> {
  const threshold = this.sockLoanThreshold;
  if (threshold >= 0 && length >= threshold && space >= threshold) {
    const lent = yield* this.sosendLoan(address, Math.min(length, space));
    if (lent !== null) return lent;
  }
  const bytes = new Uint8Array(Math.min(length, space, MCLBYTES));
  return (yield* this.copyin(address, bytes)) === 0 ? new Mbuf(bytes) : EFAULT;
}

/** Hands mbufs to the other end, and wakes who waits for them there. `uipc_send()`. => socket locked. @returns 0, ENOTCONN or ENOBUFS */
export function* uipcSend(this: Sys, socket: Socket, chain: readonly Mbuf[]): Step<Errno> {
  const { peer, type } = socket;
  if (peer === null) return ENOTCONN;
  const { receive } = peer;
  if (type === 'stream') {
    receive.append(chain.filter(({ length }) => length > 0));
  } else {
    const length = chain.reduce((sum, mbuf) => sum + mbuf.length, 0);
    if (receive.count + length > receive.limit) return ENOBUFS;
    receive.appendRecord(chain);
  }
  yield* receive.changed.broadcast();
  return 0;
}
