/** Sockets that lend: when they do, what the other end sees, and that a thread of its own gives everything back. */
import { describe, expect, it } from 'vitest';
import { act, bootProcess, expectNoLeak, expectSound, run } from '../../test/harness.js';
import { expectBytes, filled, pagesOnLoan, pairOf, socketsOf } from '../../test/sockets.js';
import {
  BUILD,
  EFAULT,
  MAP_ANON,
  MAP_PRIVATE,
  MAP_SHARED,
  MSG_DONTWAIT,
  MSG_PEEK,
  O_RDWR,
  PAGE_SIZE,
  RamFile,
  SO_RCVBUF,
  SO_SNDBUF,
  SOL_SOCKET,
  type Step,
  type User,
} from '../index.js';

const PAGE = PAGE_SIZE;

/** A pair with room for so many pages. */
function* widePair(user: User, pages: number): Step<[number, number]> {
  const [a, b] = yield* pairOf(user);
  expect(yield* user.setsockopt(a, SOL_SOCKET, SO_SNDBUF, pages * PAGE)).toBe(0);
  expect(yield* user.setsockopt(b, SOL_SOCKET, SO_RCVBUF, pages * PAGE)).toBe(0);
  return [a, b];
}

describe('a socket', () => {
  it('lends from 4096 bytes on, if there is room for so many, and copies what is less', () => {
    const { system, process } = bootProcess();
    const { a, b, from, into } = act(system, process, function* (user) {
      const pair = yield* widePair(user, 4);
      return { a: pair[0], b: pair[1], from: yield* filled(user, 4, 1), into: yield* filled(user, 4, 0) };
    });
    const send = (address: number, length: number): number =>
      act(system, process, (user) => user.send(a, address, length, MSG_DONTWAIT));
    const receive = (length: number): number => act(system, process, (user) => user.recv(b, into, length));
    expect([send(from, PAGE - 1), pagesOnLoan(system)]).toEqual([PAGE - 1, 0]);
    expect([send(from, PAGE), pagesOnLoan(system)]).toEqual([PAGE, 1]);
    expect([receive(4 * PAGE), pagesOnLoan(system)]).toEqual([2 * PAGE - 1, 0]);
    expect([send(from, 3 * PAGE), pagesOnLoan(system)]).toEqual([3 * PAGE, 3]);
    // There is room for one page more, which begins in the middle of one.
    expect([send(from + 1, 2 * PAGE), pagesOnLoan(system)]).toEqual([PAGE, 5]);
    expect([receive(4 * PAGE), pagesOnLoan(system)]).toEqual([4 * PAGE, 0]);
    // Room for less than 4096 bytes: they are copied, and as many as there is room for.
    expect([send(from, 3 * PAGE + 1), pagesOnLoan(system)]).toEqual([3 * PAGE + 1, 4]);
    expect([send(from, 2 * PAGE), pagesOnLoan(system)]).toEqual([PAGE - 1, 4]);
    expect([receive(4 * PAGE), pagesOnLoan(system)]).toEqual([4 * PAGE, 0]);
    expectSound(system);
  });

  it('lends whole pages around what is sent, which need not begin or end on one', () => {
    run(function* (user, system) {
      const [a, b] = yield* widePair(user, 4);
      const from = yield* filled(user, 4, 1);
      const into = yield* filled(user, 4, 0);
      for (let i = 0; i < 4; i++) yield* user.store8(from + i * PAGE + 100, 10 + i);
      expect(yield* user.send(a, from + 100, 2 * PAGE + 1)).toBe(2 * PAGE + 1);
      expect(pagesOnLoan(system)).toBe(3);
      expect(yield* user.recv(b, into, 4 * PAGE)).toBe(2 * PAGE + 1);
      for (const i of [0, 1, 2]) expect(yield* user.load8(into + i * PAGE)).toBe(10 + i);
    });
  });

  it('sends what was there at that time, whatever is stored there later; private or shared, read or not yet', () => {
    for (const flags of [MAP_ANON | MAP_PRIVATE, MAP_ANON | MAP_SHARED]) {
      run(function* (user, system) {
        const [a, b] = yield* widePair(user, 2);
        const from = yield* user.mmap(0, 2 * PAGE, 3, flags);
        yield* user.storeBytes(from, new Uint8Array(2 * PAGE).fill(1));
        const into = yield* filled(user, 2, 0);
        yield* user.send(a, from, 2 * PAGE);
        expect(pagesOnLoan(system)).toBe(2);
        yield* user.storeBytes(from, new Uint8Array(2 * PAGE).fill(2));
        expect(yield* user.recv(b, into, 2 * PAGE)).toBe(2 * PAGE);
        yield* expectBytes(user, into, 2 * PAGE, 1);
        yield* expectBytes(user, from, 2 * PAGE, 2);
      });
    }
  });

  it('sends zeros out of memory that nobody has stored to, one page for all of them', () => {
    run(function* (user, system) {
      const [a, b] = yield* widePair(user, 3);
      const from = yield* user.mmap(0, 3 * PAGE, 3, MAP_ANON | MAP_PRIVATE);
      const into = yield* filled(user, 3, 9);
      const { free } = system.uvm.uvmexp;
      yield* user.send(a, from, 3 * PAGE);
      expect(system.uvm.uvmexp.free).toBe(free - 1);
      yield* user.store8(from, 5);
      yield* user.recv(b, into, 3 * PAGE);
      yield* expectBytes(user, into, 3 * PAGE, 0);
    });
  });

  it('sends the pages of a file, and what write(2) puts there later does not change them', () => {
    run(function* (user, system) {
      system.sys.vfs.add('/file', new RamFile('file', new Uint8Array(2 * PAGE).fill(1)));
      const [a, b] = yield* widePair(user, 2);
      const fd = yield* user.open('/file', O_RDWR);
      const from = yield* user.mmap(0, 2 * PAGE, 1, MAP_SHARED, fd);
      const other = yield* filled(user, 2, 2);
      const into = yield* filled(user, 2, 0);
      yield* user.send(a, from, 2 * PAGE);
      expect(pagesOnLoan(system)).toBe(2);
      expect(yield* user.pwrite(fd, other, 2 * PAGE, 0)).toBe(2 * PAGE);
      yield* user.recv(b, into, 2 * PAGE);
      yield* expectBytes(user, into, 2 * PAGE, 1);
      yield* expectBytes(user, from, 2 * PAGE, 2);
      yield* user.send(a, from, 2 * PAGE);
      // The file is cut short before anybody has received it.
      expect(yield* user.ftruncate(fd, 0)).toBe(0);
      yield* user.recv(b, into, 2 * PAGE);
      yield* expectBytes(user, into, 2 * PAGE, 2);
    });
  });

  it('copies what cannot be lent: wired memory; and says EFAULT of what is not there', () => {
    run(function* (user, system) {
      const [a, b] = yield* widePair(user, 4);
      const from = yield* filled(user, 2, 1);
      const into = yield* filled(user, 2, 0);
      yield* user.mlock(from, 2 * PAGE);
      expect(yield* user.send(a, from, 2 * PAGE)).toBe(2 * PAGE);
      expect(pagesOnLoan(system)).toBe(0);
      yield* user.recv(b, into, 2 * PAGE);
      yield* expectBytes(user, into, 2 * PAGE, 1);
      expect(yield* user.send(a, 0x1000, 2 * PAGE)).toBe(-EFAULT);
      expect(system.sys.socurkva).toBe(0);
    });
  });

  it('can be booted not to lend at all', () => {
    run(
      function* (user, system) {
        const [a, b] = yield* widePair(user, 4);
        const from = yield* filled(user, 4, 1);
        const into = yield* filled(user, 4, 0);
        expect(yield* user.send(a, from, 4 * PAGE)).toBe(4 * PAGE);
        expect(pagesOnLoan(system)).toBe(0);
        expect(yield* user.recv(b, into, 4 * PAGE)).toBe(4 * PAGE);
        yield* expectBytes(user, into, 4 * PAGE, 1);
      },
      { sockLoanThreshold: -1 },
    );
  });

  it('lends an eighth of RAM at most, and copies the rest', () => {
    run(
      function* (user, system) {
        const [a, b] = yield* widePair(user, 20);
        const from = yield* filled(user, 20, 1);
        const into = yield* filled(user, 20, 0);
        for (let i = 0; i < 20; i++) expect(yield* user.send(a, from + i * PAGE, PAGE)).toBe(PAGE);
        expect(pagesOnLoan(system)).toBe(16);
        expect(yield* user.recv(b, into, 20 * PAGE)).toBe(20 * PAGE);
        yield* expectBytes(user, into, 20 * PAGE, 1);
      },
      { ram: 128 * PAGE },
    );
  });
});

describe('the thread that gives loans back', () => {
  it('runs when something was received whole, or thrown away, and ends when nothing is left', () => {
    const { system, process } = bootProcess();
    const parts = act(system, process, function* (user) {
      const [a, b] = yield* widePair(user, 4);
      const from = yield* filled(user, 4, 1);
      const into = yield* filled(user, 4, 0);
      yield* user.send(a, from, 2 * PAGE);
      // A part of it was received: the rest is on loan still.
      yield* user.recv(b, into, PAGE);
      return { a, b, from, into };
    });
    expect([pagesOnLoan(system), system.kern.scheduler.kernelThreads, system.sys.socurkva]).toEqual([2, 0, 2 * PAGE]);
    expectSound(system);
    act(system, process, (user) => user.recv(parts.b, parts.into, PAGE));
    expect([pagesOnLoan(system), system.kern.scheduler.kernelThreads, system.sys.socurkva]).toEqual([0, 0, 0]);
    act(system, process, function* (user) {
      yield* user.send(parts.a, parts.from, 2 * PAGE);
      yield* user.send(parts.b, parts.from, PAGE);
      yield* user.close(parts.a);
      yield* user.close(parts.b);
    });
    expect([pagesOnLoan(system), socketsOf(system).length, system.sys.pendfree.length]).toEqual([0, 0, 0]);
    expectSound(system);
    expectNoLeak(system);
  });

  it('leaves what was only looked at', () => {
    run(function* (user, system) {
      const [a, b] = yield* widePair(user, 2);
      const from = yield* filled(user, 2, 1);
      const into = yield* filled(user, 2, 0);
      yield* user.send(a, from, 2 * PAGE);
      expect(yield* user.recv(b, into, 2 * PAGE, MSG_PEEK)).toBe(2 * PAGE);
      expect(pagesOnLoan(system)).toBe(2);
    });
  });

  // In the direct build it has run by the time the call returns, or runs on top of the next wait.
  it.skipIf(BUILD === 'direct')('does so after the call that received it, so the pages are on loan for a while longer', () => {
    const { system, process } = bootProcess();
    const seen: number[] = [];
    act(system, process, function* (user) {
      const [a, b] = yield* widePair(user, 2);
      const from = yield* filled(user, 2, 1);
      const into = yield* filled(user, 2, 0);
      yield* user.send(a, from, 2 * PAGE);
      yield* user.recv(b, into, 2 * PAGE);
      seen.push(pagesOnLoan(system), system.sys.pendfree.length, system.kern.scheduler.kernelThreads);
      yield* user.store8(from, 2);
    });
    expect(seen).toEqual([2, 1, 1]);
    expect(pagesOnLoan(system)).toBe(0);
    expectSound(system);
  });

  it('frees the memory of a process that has ended before its bytes were received', () => {
    const { system, process } = bootProcess();
    act(system, process, function* (user) {
      const [a, b] = yield* widePair(user, 4);
      const into = yield* filled(user, 4, 0);
      const pid = yield* user.fork(function* (child) {
        const from = yield* filled(child, 3, 6);
        expect(yield* child.send(a, from, 3 * PAGE)).toBe(3 * PAGE);
        yield* child.exit(0);
      });
      yield* user.wait(pid);
      expect(pagesOnLoan(system)).toBe(3);
      expect(yield* user.recv(b, into, 3 * PAGE)).toBe(3 * PAGE);
      yield* expectBytes(user, into, 3 * PAGE, 6);
    });
    expect(pagesOnLoan(system)).toBe(0);
    expectNoLeak(system);
  });
});

describe('kernel addresses for what is lent', () => {
  it('are waited for while some are about to be given back', () => {
    run(
      function* (user, system) {
        const [a, b] = yield* widePair(user, 4);
        const from = yield* filled(user, 4, 1);
        const into = yield* filled(user, 4, 0);
        for (let i = 0; i < 3; i++) {
          expect(yield* user.send(a, from, 2 * PAGE)).toBe(2 * PAGE);
          expect([pagesOnLoan(system), system.sys.socurkva]).toEqual([2, 2 * PAGE]);
          expect(yield* user.recv(b, into, 2 * PAGE)).toBe(2 * PAGE);
        }
      },
      { somaxkva: 2 * PAGE },
    );
  });

  it('are not waited for when nobody is about to give any back: what is sent is copied', () => {
    run(
      function* (user, system) {
        const [a, b] = yield* widePair(user, 4);
        const from = yield* filled(user, 4, 1);
        const into = yield* filled(user, 4, 0);
        expect(yield* user.send(a, from, 2 * PAGE)).toBe(2 * PAGE);
        expect(yield* user.send(a, from, 2 * PAGE)).toBe(2 * PAGE);
        expect(pagesOnLoan(system)).toBe(2);
        expect(yield* user.recv(b, into, 4 * PAGE)).toBe(4 * PAGE);
        yield* expectBytes(user, into, 4 * PAGE, 1);
      },
      { somaxkva: 2 * PAGE },
    );
  });
});
