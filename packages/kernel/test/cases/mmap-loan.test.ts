/** A case with a known answer: `mmap_loan` of NetBSD's tests/lib/libc/sys/t_mmap.c. */
import { describe, expect, it } from 'vitest';
import {
  AF_LOCAL,
  type BootOptions,
  MAP_PRIVATE,
  MAP_SHARED,
  type NetbsdSystem,
  O_RDWR,
  SO_RCVBUF,
  SO_SNDBUF,
  SOCK_NONBLOCK,
  SOCK_STREAM,
  SOL_SOCKET,
  type Step,
  type User,
} from '../../src/index.js';
import { act, bootProcess, expectNoLeak, expectSound } from '../harness.js';
import { pagesOnLoan } from '../sockets.js';
import { bytesAt, expectAll, fill, makeFile, mapFile, open, PAGE, RW } from './support.js';

/** Enough to be lent by a socket. */
const SIZE = 32 * 1024;

/**
 * Sends what lies at one address without waiting, overwrites it through another, and expects the other end to receive what was there
 * before. Answers how many pages were on loan meanwhile.
 */
function* testLoan(user: User, system: NetbsdSystem, from: number, through: number, pattern: number): Step<number> {
  const before = yield* bytesAt(user, from, SIZE);
  const into = yield* user.mmap(0, SIZE, RW, 0x1002);
  const pair = yield* user.socketpair(AF_LOCAL, SOCK_STREAM | SOCK_NONBLOCK);
  if (typeof pair === 'number') throw new Error(`socketpair answers ${pair}`);
  const [a, b] = pair;
  expect(yield* user.setsockopt(b, SOL_SOCKET, SO_RCVBUF, SIZE)).toBe(0);
  expect(yield* user.setsockopt(a, SOL_SOCKET, SO_SNDBUF, SIZE)).toBe(0);
  // What was received before may be on loan still: it is given back by and by.
  const others = pagesOnLoan(system);
  expect(yield* user.write(a, from, SIZE)).toBe(SIZE);
  const lent = pagesOnLoan(system) - others;
  // This breaks the loan.
  yield* fill(user, through, SIZE, pattern);
  expect(yield* user.read(b, into, SIZE)).toBe(SIZE);
  expect(yield* bytesAt(user, into, SIZE)).toEqual(before);
  expectAll(yield* bytesAt(user, from, SIZE), pattern);
  for (const fd of [a, b]) expect(yield* user.close(fd)).toBe(0);
  expect(yield* user.munmap(into, SIZE)).toBe(0);
  return lent;
}

/** The whole case; answers the pages on loan, once for each mapping. */
function mmapLoan(options: Partial<BootOptions>): number[] {
  const { system, process } = bootProcess(options);
  makeFile(system, '/mmap', SIZE);
  const lent = act(system, process, function* (user) {
    const fd = yield* open(user, '/mmap', O_RDWR);
    const own = yield* mapFile(user, fd, SIZE, RW, MAP_PRIVATE);
    const counts = [yield* testLoan(user, system, own, own, 0x41), yield* testLoan(user, system, own, own, 0x42)];
    const [one, other] = [yield* mapFile(user, fd, SIZE, RW, MAP_SHARED), yield* mapFile(user, fd, SIZE, RW, MAP_SHARED)];
    counts.push(yield* testLoan(user, system, one, one, 0x43));
    counts.push(yield* testLoan(user, system, one, other, 0x44));
    return counts;
  });
  expectSound(system);
  expect(pagesOnLoan(system)).toBe(0);
  expectNoLeak(system);
  return lent;
}

describe('mmap', () => {
  it('mmap_loan: 32 KiB sent from a private and from a doubly shared mapping arrive as they were, although overwritten at once', () => {
    const pages = SIZE / PAGE;
    expect(mmapLoan({})).toEqual([pages, pages, pages, pages]);
  });

  it('mmap_loan: so they do when nothing is lent, but copied', () => {
    expect(mmapLoan({ sockLoanThreshold: -1 })).toEqual([0, 0, 0, 0]);
  });
});
