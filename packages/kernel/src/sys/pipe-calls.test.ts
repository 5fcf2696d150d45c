/** Large writes to pipes: pages that are lent to the reader, while the writer waits. */
import { describe, expect, it } from 'vitest';
import { act, bootProcess, expectNoLeak, expectSound, run } from '../../test/harness.js';
import { expectBytes, filled, pagesOnLoan } from '../../test/sockets.js';
import { nothing } from '../../test/threads.js';
import {
  BUILD,
  EFAULT,
  EINTR,
  EPIPE,
  type NetbsdSystem,
  O_NONBLOCK,
  O_NOSIGPIPE,
  PAGE_SIZE,
  type Process,
  SIGPIPE,
  type Step,
  type User,
} from '../index.js';
import { PIPE_MINDIRECT } from './pipe-calls.js';

const PAGE = PAGE_SIZE;
const SIGUSR1 = 30;

/** A pipe; fails the test when there is none. */
function* pipeOf(user: User, flags = 0): Step<{ read: number; write: number }> {
  const ends = yield* user.pipe(flags);
  if (typeof ends === 'number') throw new Error(`pipe answers ${ends}`);
  return ends;
}

/** A system with a process that forks a reader, writes, and waits for it. */
function withReader(
  write: (user: User, fd: number, system: NetbsdSystem) => Step<void>,
  read: (user: User, fd: number, system: NetbsdSystem) => Step<void>,
): { system: NetbsdSystem; process: Process } {
  const { system, process } = bootProcess();
  act(system, process, function* (user) {
    const ends = yield* pipeOf(user);
    const pid = yield* user.fork(function* (child) {
      yield* child.close(ends.write);
      yield* read(child, ends.read, system);
      yield* child.exit(0);
    });
    yield* user.close(ends.read);
    yield* write(user, ends.write, system);
    yield* user.close(ends.write);
    yield* user.wait(pid);
  });
  expectSound(system);
  return { system, process };
}

describe('a large write to a pipe', () => {
  it('lends its pages until a reader has taken the bytes; then the writer gives them back itself', () => {
    const seen: number[] = [];
    const { system } = withReader(
      function* (user, fd, machine) {
        const from = yield* filled(user, 3, 7);
        expect(yield* user.write(fd, from + 10, 2 * PAGE + 100)).toBe(2 * PAGE + 100);
        seen.push(pagesOnLoan(machine), machine.kern.scheduler.kernelThreads);
      },
      function* (user, fd, machine) {
        const into = yield* filled(user, 3, 0);
        expect(yield* user.read(fd, into, 100)).toBe(100);
        seen.push(pagesOnLoan(machine));
        expect(yield* user.read(fd, into + 100, 3 * PAGE - 100)).toBe(2 * PAGE);
        yield* expectBytes(user, into, 2 * PAGE + 100, 7);
      },
    );
    expect(seen).toEqual([3, 0, 0]);
    expectNoLeak(system);
  });

  it('comes after what was written before', () => {
    withReader(
      function* (user, fd) {
        const from = yield* filled(user, 2, 1);
        expect(yield* user.write(fd, from, 100)).toBe(100);
        yield* user.storeBytes(from, new Uint8Array(2 * PAGE).fill(2));
        expect(yield* user.write(fd, from, 2 * PAGE)).toBe(2 * PAGE);
      },
      function* (user, fd) {
        const into = yield* filled(user, 3, 0);
        expect(yield* user.read(fd, into, 3 * PAGE)).toBe(100);
        expect(yield* user.read(fd, into + 100, 3 * PAGE)).toBe(2 * PAGE);
        yield* expectBytes(user, into, 100, 1);
        yield* expectBytes(user, into + 100, 2 * PAGE, 2);
      },
    );
  });

  it('copies where it must not wait, where less is written, where the pages cannot be lent, and where the kernel is booted so', () => {
    run(function* (user, system) {
      const ends = yield* pipeOf(user, O_NONBLOCK);
      const from = yield* filled(user, 3, 1);
      expect(yield* user.write(ends.write, from, PIPE_MINDIRECT)).toBe(PIPE_MINDIRECT);
      expect(pagesOnLoan(system)).toBe(0);
      const waiting = yield* pipeOf(user);
      expect(yield* user.write(waiting.write, from, PIPE_MINDIRECT - 1)).toBe(PIPE_MINDIRECT - 1);
      yield* user.mlock(from, 3 * PAGE);
      expect(yield* user.write(waiting.write, from, PIPE_MINDIRECT)).toBe(PIPE_MINDIRECT);
      expect(yield* user.write((yield* pipeOf(user)).write, 0x1000, PIPE_MINDIRECT)).toBe(-EFAULT);
    });
    run(
      function* (user, system) {
        const ends = yield* pipeOf(user);
        expect(yield* user.write(ends.write, yield* filled(user, 3, 1), PIPE_MINDIRECT)).toBe(PIPE_MINDIRECT);
        expect(pagesOnLoan(system)).toBe(0);
      },
      { pipeDirect: false },
    );
  });

  it('is EPIPE when nobody can read, or nobody can any more', () => {
    const { system, process } = bootProcess();
    act(system, process, function* (user) {
      const from = yield* filled(user, 2, 1);
      const quiet = yield* pipeOf(user, O_NOSIGPIPE);
      yield* user.close(quiet.read);
      expect(yield* user.write(quiet.write, from, 2 * PAGE)).toBe(-EPIPE);
    });
    expect(pagesOnLoan(system)).toBe(0);

    let caught = 0;
    withReader(
      function* (user, fd) {
        user.sigaction(SIGPIPE, function* () {
          yield* nothing();
          caught++;
          return 'skip';
        });
        const from = yield* filled(user, 3, 7);
        // A part of it was read: that does not count.
        expect(yield* user.write(fd, from, 3 * PAGE)).toBe(-EPIPE);
      },
      function* (user, fd) {
        expect(yield* user.read(fd, yield* filled(user, 1, 0), PAGE)).toBe(PAGE);
      },
    );
    expect(caught).toBe(1);
  });

  it('is left by who gets a signal: EINTR, or what was read until then', () => {
    for (const read of [0, 100]) {
      const answers: number[] = [];
      const { system, process } = bootProcess();
      act(system, process, function* (user) {
        const ends = yield* pipeOf(user);
        const from = yield* filled(user, 3, 7);
        const writer = yield* user.fork(function* (child) {
          child.sigaction(SIGUSR1, function* () {
            yield* nothing();
            return 'skip';
          });
          answers.push(yield* child.write(ends.write, from, 3 * PAGE));
          yield* child.exit(0);
        });
        yield* user.fork(function* (killer) {
          if (read > 0) yield* killer.read(ends.read, from, read);
          yield* killer.kill(writer, SIGUSR1);
          yield* killer.exit(0);
        });
        for (let i = 0; i < 2; i++) yield* user.wait();
      });
      expect(answers).toEqual([read > 0 ? read : -EINTR]);
      expect(pagesOnLoan(system)).toBe(0);
      expectNoLeak(system);
    }
  });

  it.skipIf(BUILD === 'direct')('writers wait for each other, and nothing is lost', () => {
    const { system, process } = bootProcess();
    act(system, process, function* (user) {
      const ends = yield* pipeOf(user);
      const into = yield* filled(user, 6, 0);
      for (const byte of [1, 2, 3]) {
        yield* user.fork(function* (child) {
          const from = yield* filled(child, 2, byte);
          expect(yield* child.write(ends.write, from, 2 * PAGE)).toBe(2 * PAGE);
          yield* child.exit(0);
        });
      }
      let got = 0;
      while (got < 6 * PAGE) got += yield* user.read(ends.read, into + got, 6 * PAGE - got);
      for (let i = 0; i < 3; i++) yield* user.wait();
      const bytes = new Uint8Array(6 * PAGE);
      yield* user.loadBytes(into, bytes);
      for (const byte of [1, 2, 3]) expect(bytes.filter((found) => found === byte)).toHaveLength(2 * PAGE);
      // Each was read whole before the next.
      for (let at = 0; at < 6 * PAGE; at += 2 * PAGE) yield* expectBytes(user, into + at, 2 * PAGE, bytes[at] as number);
    });
    expectNoLeak(system);
  });
});
