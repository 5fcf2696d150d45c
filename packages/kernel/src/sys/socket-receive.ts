/** Receiving on sockets, and closing them. sys/kern/uipc_socket.c and sys/kern/uipc_usrreq.c. */
import { EAGAIN, ECONNRESET, EFAULT, ENOTCONN, type Errno } from '../kern/errno.js';
import type { Step } from '../kern/switch.js';
import type { Mbuf } from './mbuf.js';
import { MSG_DONTWAIT, MSG_PEEK, MSG_WAITALL, type Socket } from './socket.js';
import type { Transferred } from './socket-send.js';
import type { Sys } from './sys.js';

/**
 * Receives bytes into the memory of the running program. `soreceive()`.
 *
 * => nothing locked. Sleeps until there is something.
 * => what was on loan is given back once all of it has been received.
 *
 * @param flags `MSG_PEEK`, `MSG_WAITALL`, `MSG_DONTWAIT`
 * @returns how many bytes were received, 0 at the end; and 0, ENOTCONN, EAGAIN (`MSG_DONTWAIT`), EINTR, EFAULT or what the socket was told
 *   before
 */
export function* soreceive(this: Sys, socket: Socket, address: number, length: number, flags: number): Step<Transferred> {
  const { receive } = socket;
  const options = { nonblocking: (flags & MSG_DONTWAIT) !== 0 };
  let count = 0;
  yield* socket.lock.enter();
  let errno = yield* this.sblock(socket, receive, options);
  let mine = errno === 0;
  while (errno === 0) {
    const waits = mustWait(socket, length - count, flags);
    if (typeof waits === 'number') {
      errno = waits;
      break;
    }
    if (waits) {
      yield* this.sbunlock(receive);
      mine = false;
      errno = yield* receive.changed.waitInterruptibly(socket.lock);
      if (errno === 0) errno = yield* this.sblock(socket, receive, options);
      mine = errno === 0;
      continue;
    }
    const got = yield* this.soreceiveRecord(socket, address + count, length - count, flags);
    count += got.count;
    errno = got.errno;
    if (errno !== 0 || count === length || !goesOn(socket, flags)) break;
  }
  if (mine) yield* this.sbunlock(receive);
  yield* socket.lock.exit();
  return { count, errno };
}

/** Whether to wait for (more) bytes before any are taken; or an errno; or 0 when there will be none. => socket locked */
function mustWait(socket: Socket, left: number, flags: number): boolean | Errno {
  const { receive } = socket;
  const [record] = receive.records;
  const there = receive.count;
  const wantsAll = (flags & MSG_WAITALL) !== 0 && left <= receive.limit;
  const short = (flags & MSG_DONTWAIT) === 0 && socket.type === 'stream' && there < left && (there < receive.least || wantsAll);
  if (record !== undefined && (!short || socket.cantReceive || socket.error !== 0)) return false;
  if (socket.error !== 0) {
    const { error } = socket;
    if ((flags & MSG_PEEK) === 0) socket.error = 0;
    return error;
  }
  if (socket.cantReceive || left === 0) return 0;
  if (socket.peer === null && socket.type === 'stream') return ENOTCONN;
  return flags & MSG_DONTWAIT ? EAGAIN : true;
}

/** Whether to wait for the rest of what was asked for, after some has been taken. => socket locked */
function goesOn(socket: Socket, flags: number): boolean {
  if ((flags & MSG_WAITALL) === 0 || (flags & MSG_PEEK) !== 0 || socket.type === 'datagram') return false;
  return !socket.cantReceive && socket.error === 0;
}

/**
 * Takes the first record, or what of it is there and fits. Part of `soreceive()`.
 *
 * => socket locked, but for the time in which bytes move; this thread's turn
 */
export function* soreceiveRecord(this: Sys, socket: Socket, address: number, length: number, flags: number): Step<Transferred> {
  const { receive } = socket;
  const [record = []] = receive.records;
  const peek = (flags & MSG_PEEK) !== 0;
  let count = 0;
  let errno: Errno = 0;
  let place = 0;
  for (let mbuf = record[0]; mbuf !== undefined && count < length; mbuf = record[place]) {
    const bytes = new Uint8Array(Math.min(length - count, mbuf.length));
    yield* socket.lock.exit();
    mbuf.copy(this.vm, bytes, 0);
    errno = yield* this.copyout(address + count, bytes);
    yield* socket.lock.enter();
    if (errno !== 0) {
      errno = EFAULT;
      break;
    }
    count += bytes.length;
    if (peek) place++;
    else yield* this.sbdropMbuf(record, bytes.length);
  }
  if (peek) return { count, errno };
  // What of a message was not asked for is lost.
  const done = record.length === 0 || (socket.type === 'datagram' && errno === 0);
  if (done && receive.records[0] === record) {
    receive.records.shift();
    for (const mbuf of record) yield* this.mFree(mbuf);
  }
  if (socket.type === 'stream' && count > 0) yield* this.uipcRcvd(socket);
  return { count, errno };
}

/** Takes bytes off the first mbuf of a record; with the last of them it is freed. Part of `soreceive()`. => socket locked */
export function* sbdropMbuf(this: Sys, record: Mbuf[], length: number): Step<void> {
  const [mbuf] = record;
  if (mbuf === undefined) return;
  mbuf.trim(length);
  if (mbuf.length > 0) return;
  record.shift();
  yield* this.mFree(mbuf);
}

/** There is room again: wakes who waits for it at the other end. `uipc_rcvd()`. => socket locked */
export function* uipcRcvd(this: Sys, socket: Socket): Step<void> {
  if (socket.peer !== null) yield* socket.peer.send.changed.broadcast();
}

/** Nothing more comes to a socket: wakes who waits for it. `socantrcvmore()`. => socket locked */
export function* socantrcvmore(this: Sys, socket: Socket): Step<void> {
  socket.cantReceive = true;
  yield* socket.receive.changed.broadcast();
}

/** Nothing more goes from a socket: wakes who waits for room. `socantsendmore()`. => socket locked */
export function* socantsendmore(this: Sys, socket: Socket): Step<void> {
  socket.cantSend = true;
  yield* socket.send.changed.broadcast();
}

/** Throws away what was not received, and receives no more. `sorflush()`. => socket locked, but for waits */
export function* sorflush(this: Sys, socket: Socket): Step<void> {
  yield* this.socantrcvmore(socket);
  // Whoever is moving bytes out of the buffer finishes first.
  while (socket.receive.locked) yield* socket.receive.turn.wait(socket.lock);
  for (const mbuf of socket.receive.flush()) yield* this.mFree(mbuf);
}

/** Ends receiving, sending, or both. `soshutdown()`. => nothing locked. @returns 0, or ENOTCONN */
export function* soshutdown(this: Sys, socket: Socket, how: { receive: boolean; send: boolean }): Step<Errno> {
  yield* socket.lock.enter();
  const { peer } = socket;
  const errno = peer === null ? ENOTCONN : 0;
  if (peer !== null && how.receive) yield* this.sorflush(socket);
  if (peer !== null && how.send) {
    yield* this.socantsendmore(socket);
    if (socket.type === 'stream') yield* this.socantrcvmore(peer);
  }
  yield* socket.lock.exit();
  return errno;
}

/** Closes a socket with its last descriptor, and parts the pair. `soclose()`, `unp_disconnect()`. => nothing locked */
export function* soclose(this: Sys, socket: Socket): Step<void> {
  yield* socket.lock.enter();
  const { peer } = socket;
  socket.peer = null;
  if (peer !== null) {
    peer.peer = null;
    if (socket.type === 'datagram') {
      peer.error = ECONNRESET;
      yield* peer.receive.changed.broadcast();
      yield* peer.send.changed.broadcast();
    } else {
      yield* this.socantsendmore(peer);
      yield* this.socantrcvmore(peer);
    }
  }
  yield* this.socantsendmore(socket);
  yield* this.sorflush(socket);
  yield* socket.lock.exit();
}
