/** What tests of sockets start with: a pair in a process, memory to send from, and what is on loan. */
import { expect } from 'vitest';
import {
  AF_LOCAL,
  MAP_ANON,
  MAP_PRIVATE,
  type NetbsdSystem,
  PAGE_SIZE,
  SOCK_STREAM,
  type Step,
  type User,
} from '../src/index.js';
import type { Socket } from '../src/sys/socket.js';

const PAGE = PAGE_SIZE;

/** Makes a pair; fails the test when that fails. */
export function* pairOf(user: User, type = SOCK_STREAM): Step<[number, number]> {
  const pair = yield* user.socketpair(AF_LOCAL, type);
  if (typeof pair === 'number') throw new Error(`socketpair answers ${pair}`);
  return pair;
}

/** Maps private memory and fills it with one byte. */
export function* filled(user: User, pages: number, byte: number): Step<number> {
  const address = yield* user.mmap(0, pages * PAGE, 3, MAP_ANON | MAP_PRIVATE);
  expect(address).toBeGreaterThan(0);
  yield* user.storeBytes(address, new Uint8Array(pages * PAGE).fill(byte));
  return address;
}

/** Fails the test when some byte of a range is not that one. */
export function* expectBytes(user: User, address: number, length: number, byte: number): Step<void> {
  const bytes = new Uint8Array(length);
  expect(yield* user.loadBytes(address, bytes)).toBe(0);
  const at = bytes.findIndex((found) => found !== byte);
  expect(at < 0 ? byte : bytes[at], at < 0 ? '' : `byte ${at}`).toBe(byte);
}

/** Pages that are on loan to the kernel. */
export function pagesOnLoan({ uvm }: NetbsdSystem): number {
  let pages = 0;
  for (const loan of uvm.kernelLoans) pages += loan.pages.length;
  return pages;
}

/** The sockets that files lead to. */
export function socketsOf({ sys }: NetbsdSystem): Socket[] {
  const sockets: Socket[] = [];
  for (const { target } of sys.openFiles) if (target.kind === 'socket') sockets.push(target.socket);
  return sockets;
}
