/**
 * Sockets of the local domain, in connected pairs. `struct socket`, sys/sys/socketvar.h; sys/kern/uipc_usrreq.c.
 *
 *     socket A ── sends ──> receive buffer of B        Both have one lock. A is held back by how much is in B's buffer: `send` of A
 *     receive buffer of A <── sends ── socket B        is a limit, and who waits for room.
 *
 * Lock order: descriptors of a process -> socket -> what is to be freed (`sopendfree`). Nothing of the virtual memory system is called
 * with a socket locked: whoever moves bytes has the buffer's turn instead.
 */
import type { Errno } from '../kern/errno.js';
import type { Kern } from '../kern/kern.js';
import { Mutex } from '../kern/mutex.js';
import type { Stateful, StateWriter } from '../kern/state.js';
import { MCLBYTES, SockBuf } from './sockbuf.js';

/** The local domain. `AF_UNIX` */
export const AF_LOCAL = 1;
/** Bytes in order. */
export const SOCK_STREAM = 1;
/** Messages, whole or not at all. */
export const SOCK_DGRAM = 2;
export const SOCK_CLOEXEC = 0x10000000;
export const SOCK_NONBLOCK = 0x20000000;
/** No SIGPIPE for who sends when nobody can receive. */
export const SOCK_NOSIGPIPE = 0x40000000;

/** Leave what is received where it is. */
export const MSG_PEEK = 0x2;
/** Wait until all that was asked for is there. */
export const MSG_WAITALL = 0x40;
/** Do not wait. */
export const MSG_DONTWAIT = 0x80;
/** No SIGPIPE. */
export const MSG_NOSIGNAL = 0x400;

export const SOL_SOCKET = 0xffff;
/** Bytes that may be under way from this socket. */
export const SO_SNDBUF = 0x1001;
/** Bytes that may lie here. */
export const SO_RCVBUF = 0x1002;
/** Room that there must be before somebody goes on to send. */
export const SO_SNDLOWAT = 0x1003;
/** Bytes that there must be before somebody receives. */
export const SO_RCVLOWAT = 0x1004;

export const SHUT_RD = 0;
export const SHUT_WR = 1;
export const SHUT_RDWR = 2;

/** Limits of a new socket, in bytes: `unpst_sendspace` and `unpst_recvspace`, `unpdg_sendspace` and `unpdg_recvspace`. */
const SPACE = { stream: { send: 4096, receive: 4096 }, datagram: { send: 2048, receive: 4096 } };

/** One end of a pair. All of it with the lock. */
export class Socket implements Stateful {
  /** Unique among sockets, never reused. */
  readonly id: number;
  readonly type: 'stream' | 'datagram';
  /** That of both ends. `so_lock` */
  readonly lock: Mutex;
  readonly receive: SockBuf;
  readonly send: SockBuf;
  /** The other end, null when it is closed. `unp_conn`, `SS_ISCONNECTED` */
  peer: Socket | null = null;
  /** `SS_CANTSENDMORE` */
  cantSend = false;
  /** `SS_CANTRCVMORE` */
  cantReceive = false;
  /** What the next call is told, 0 for nothing. `so_error` */
  error: Errno = 0;

  constructor(kern: Kern, id: number, type: 'stream' | 'datagram', lock: Mutex) {
    this.id = id;
    this.type = type;
    this.lock = lock;
    this.receive = new SockBuf(kern, `socket ${id} receive`, { limit: SPACE[type].receive, least: 1 });
    this.send = new SockBuf(kern, `socket ${id} send`, { limit: SPACE[type].send, least: MCLBYTES });
  }

  /** Bytes that can be sent now. `sbspace(&so->so_snd)`, which `uipc_send()` keeps up to date with what lies at the other end. */
  get space(): number {
    return this.type === 'datagram' || this.peer === null ? this.send.limit : this.send.limit - this.peer.receive.count;
  }

  writeState(writer: StateWriter): void {
    writer.field('type', this.type);
    writer.reference('peer', this.peer);
    writer.field('cantSend', this.cantSend);
    writer.field('cantReceive', this.cantReceive);
    writer.field('error', this.error);
    writer.part('receive', (part) => this.receive.writeState(part));
    writer.part('send', (part) => this.send.writeState(part));
    writer.thing('lock', this.lock);
  }
}

/** Makes two sockets that are connected to each other. `socreate()`, `soconnect2()`, sys/kern/uipc_socket.c. @param id of the first */
export function connectedPair(kern: Kern, id: number, type: 'stream' | 'datagram'): [Socket, Socket] {
  const lock = new Mutex(kern, kern.lockClass('socket'), String(id));
  const pair: [Socket, Socket] = [new Socket(kern, id, type, lock), new Socket(kern, id + 1, type, lock)];
  pair[0].peer = pair[1];
  pair[1].peer = pair[0];
  return pair;
}
