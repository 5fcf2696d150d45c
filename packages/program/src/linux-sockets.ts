/** What Linux programs say about sockets, and what NetBSD's calls take for it. asm-generic/socket.h, linux/net.h and linux/socket.h of Linux. */
import {
  MSG_DONTWAIT,
  MSG_NOSIGNAL,
  MSG_PEEK,
  MSG_WAITALL,
  SO_RCVBUF,
  SO_RCVLOWAT,
  SO_SNDBUF,
  SO_SNDLOWAT,
  SOCK_CLOEXEC,
  SOCK_NONBLOCK,
  SOL_SOCKET,
} from '@faultline/kernel';
import { type Flag, type Translated, translate } from './linux-abi.js';

/** The kind of a socket: a number in the low four bits, which is the same in both. `SOCK_TYPE_MASK` */
const KIND_MASK = 0xf;

const TYPE_FLAGS: readonly Flag[] = [
  ['SOCK_NONBLOCK', 0o4000, SOCK_NONBLOCK],
  ['SOCK_CLOEXEC', 0o2000000, SOCK_CLOEXEC],
];

const MESSAGE_FLAGS: readonly Flag[] = [
  ['MSG_OOB', 0x1, null],
  ['MSG_PEEK', 0x2, MSG_PEEK],
  ['MSG_DONTROUTE', 0x4, null],
  ['MSG_CTRUNC', 0x8, null],
  ['MSG_TRUNC', 0x20, null],
  ['MSG_DONTWAIT', 0x40, MSG_DONTWAIT],
  ['MSG_EOR', 0x80, null],
  ['MSG_WAITALL', 0x100, MSG_WAITALL],
  ['MSG_CONFIRM', 0x800, null],
  ['MSG_ERRQUEUE', 0x2000, null],
  ['MSG_NOSIGNAL', 0x4000, MSG_NOSIGNAL],
  ['MSG_MORE', 0x8000, null],
  ['MSG_ZEROCOPY', 0x4000000, null],
];

const LINUX_SOL_SOCKET = 1;
const OPTIONS: ReadonlyMap<number, number> = new Map([
  [7, SO_SNDBUF],
  [8, SO_RCVBUF],
  [18, SO_RCVLOWAT],
  [19, SO_SNDLOWAT],
]);

/** The type of a socket. */
export function netbsdSocketType(linux: number): Translated {
  const { value, untranslated } = translate(linux & ~KIND_MASK, TYPE_FLAGS);
  return { value: value | (linux & KIND_MASK), untranslated };
}

/** Flags of `send` and `recv`. */
export function netbsdMessageFlags(linux: number): Translated {
  return translate(linux, MESSAGE_FLAGS);
}

/** An option of a socket; undefined for one that NetBSD does not have here. */
export function netbsdSocketOption(level: number, name: number): { readonly level: number; readonly name: number } | undefined {
  const option = level === LINUX_SOL_SOCKET ? OPTIONS.get(name) : undefined;
  return option === undefined ? undefined : { level: SOL_SOCKET, name: option };
}
