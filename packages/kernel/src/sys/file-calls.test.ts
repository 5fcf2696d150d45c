import { describe, expect, it } from 'vitest';
import { fill, makeFile, mapAnon, open, PAGE } from '../../test/cases/support.js';
import { act, bootProcess, expectNoLeak, run } from '../../test/harness.js';
import { EBADF, EEXIST, EFAULT, EFBIG, EINVAL, ENOENT, EPERM, EPIPE, EROFS, ESPIPE, errnoName } from '../kern/errno.js';
import { RLIM_NLIMITS, RLIMIT_AS, RLIMIT_NOFILE } from '../kern/limits.js';
import type { Step } from '../kern/switch.js';
import { RamFile } from '../machine/file-store.js';
import { MAP_ANON, MAP_FIXED, MAP_PRIVATE, MAP_SHARED } from '../vm/mman.js';
import {
  O_APPEND,
  O_CREAT,
  O_EXCL,
  O_NOSIGPIPE,
  O_RDONLY,
  O_RDWR,
  O_TRUNC,
  O_WRONLY,
  SEEK_CUR,
  SEEK_END,
  SEEK_SET,
} from './file.js';
import { SIGPIPE } from './signal.js';
import type { User } from './user.js';

class ReadOnlyFile extends RamFile {
  override readonly writable = false;
}

/** Makes a call in a process with `/file` of two pages as 0 (reading), 1 (writing), 2 (both, appending) and a pipe as 3 and 4. */
function answerOf(call: (user: User, buffer: number) => Step<number>): number {
  const { system, process } = bootProcess();
  makeFile(system, '/file', 2 * PAGE);
  system.sys.vfs.add('/read-only', new ReadOnlyFile('/read-only', new Uint8Array(1)));
  const answer = act(system, process, function* (user) {
    for (const flags of [O_RDONLY, O_WRONLY, O_RDWR | O_APPEND]) yield* open(user, '/file', flags);
    yield* user.pipe();
    return yield* call(user, yield* mapAnon(user, 4));
  });
  expectNoLeak(system);
  return answer;
}

type Row = [what: string, call: (user: User, buffer: number) => Step<number>, answer: number];

function table(name: string, rows: readonly Row[]): void {
  describe(name, () => {
    for (const [what, call, answer] of rows) {
      it(`${what}: ${answer < 0 ? errnoName(-answer) : answer}`, () => {
        const got = answerOf(call);
        expect(got < 0 ? errnoName(-got) : got).toBe(answer < 0 ? errnoName(-answer) : answer);
      });
    }
  });
}

/** Nothing is mapped there. */
const NOWHERE = 0x5000;

table('open', [
  ['neither for reading nor for writing', (u) => u.open('/none', 3), -EINVAL],
  ['a file that there is not', (u) => u.open('/none', O_RDONLY), -ENOENT],
  ['a file that is to be new', (u) => u.open('/file', O_CREAT | O_EXCL | O_RDWR), -EEXIST],
  ['a file that cannot be written, for writing', (u) => u.open('/read-only', O_WRONLY), -EROFS],
  ['a file that cannot be written, for reading', (u) => u.open('/read-only', O_RDONLY | O_TRUNC), 5],
  ['a file that is made', (u) => u.open('/new', O_CREAT | O_RDWR), 5],
]);

table('close, dup and dup2', [
  ['closing what is not open', (u) => u.close(9), -EBADF],
  ['closing below zero', (u) => u.close(-1), -EBADF],
  ['closing', (u) => u.close(3), 0],
  ['another descriptor for what is not open', (u) => u.dup(9), -EBADF],
  ['another descriptor', (u) => u.dup(0), 5],
  ['a certain descriptor for what is not open', (u) => u.dup2(9, 9), -EBADF],
  ['a descriptor beyond the limit', (u) => u.dup2(0, 1024), -EBADF],
  ['a descriptor below zero', (u) => u.dup2(0, -1), -EBADF],
  ['the same descriptor', (u) => u.dup2(0, 0), 0],
  ['a descriptor in use', (u) => u.dup2(0, 4), 4],
]);

table('read, in the order of its checks', [
  ['from what is not open', (u, at) => u.read(9, at, -1), -EBADF],
  ['from what is open for writing', (u, at) => u.read(1, at, 1), -EBADF],
  ['from a place in a pipe', (u, at) => u.pread(3, at, -1, -1), -ESPIPE],
  ['a length above 2^63', (u) => u.read(0, NOWHERE, -1), -EINVAL],
  ['from below zero', (u) => u.pread(0, NOWHERE, 1, -1), -EINVAL],
  ['to nowhere', (u) => u.read(0, NOWHERE, 1), -EFAULT],
  ['to nowhere, of nothing', (u) => u.read(0, NOWHERE, 0), 0],
  ['to nowhere, at the end', (u) => u.pread(0, NOWHERE, 1, 2 * PAGE), 0],
  ['more than there is', (u, at) => u.read(0, at, 3 * PAGE), 2 * PAGE],
]);

table('write, in the order of its checks', [
  ['to what is not open', (u, at) => u.write(9, at, -1), -EBADF],
  ['to what is open for reading', (u, at) => u.write(0, at, 1), -EBADF],
  ['to a place in a pipe', (u, at) => u.pwrite(4, at, -1, -1), -ESPIPE],
  ['a length above 2^63', (u) => u.write(1, NOWHERE, -1), -EINVAL],
  ['to below zero', (u) => u.pwrite(1, NOWHERE, 1, -1), -EINVAL],
  ['beyond any file', (u) => u.pwrite(1, NOWHERE, 1, Number.MAX_SAFE_INTEGER), -EFBIG],
  ['from nowhere', (u) => u.write(1, NOWHERE, 1), -EFAULT],
  ['from nowhere, of nothing', (u) => u.write(1, NOWHERE, 0), 0],
  ['a few bytes', (u, at) => u.write(1, at, 100), 100],
]);

table('lseek', [
  ['of what is not open', (u) => u.lseek(9, 0, 99), -EBADF],
  ['of a pipe', (u) => u.lseek(3, 0, 99), -ESPIPE],
  ['from where there is not', (u) => u.lseek(0, 0, 99), -EINVAL],
  ['to below zero', (u) => u.lseek(0, -1, SEEK_SET), -EINVAL],
  ['to below zero from the end', (u) => u.lseek(0, -2 * PAGE - 1, SEEK_END), -EINVAL],
  ['beyond any file', (u) => u.lseek(0, Number.MAX_SAFE_INTEGER, SEEK_END), -EINVAL],
  ['beyond the end', (u) => u.lseek(0, 10, SEEK_END), 2 * PAGE + 10],
  ['to where it stands', (u) => u.lseek(0, 0, SEEK_CUR), 0],
]);

table('ftruncate and fsync, in the order of their checks', [
  ['below zero, of what is not open', (u) => u.ftruncate(9, -1), -EINVAL],
  ['of what is not open', (u) => u.ftruncate(9, 0), -EBADF],
  ['of what is open for reading', (u) => u.ftruncate(0, 0), -EINVAL],
  ['of a pipe', (u) => u.ftruncate(4, 0), -EINVAL],
  ['beyond any file', (u) => u.ftruncate(1, 2 ** 60), -EFBIG],
  ['to more', (u) => u.ftruncate(1, 100 * PAGE), 0],
  ['syncing what is not open', (u) => u.fsync(9), -EBADF],
  ['syncing a pipe', (u) => u.fsync(3), -EINVAL],
  ['syncing a file that is open for reading', (u) => u.fsync(0), 0],
]);

/** A limit of the calling process, for a job that answers a number. */
function answer(result: unknown): number {
  return typeof result === 'number' ? result : 0;
}

table('getrlimit and setrlimit', [
  [
    'a limit that there is not',
    function* (u) {
      return answer(yield* u.getrlimit(RLIM_NLIMITS));
    },
    -EINVAL,
  ],
  [
    'a limit below the first',
    function* (u) {
      return answer(yield* u.getrlimit(-1));
    },
    -EINVAL,
  ],
  ['setting a limit that there is not', (u) => u.setrlimit(RLIM_NLIMITS, { current: 0, maximum: 0 }), -EINVAL],
  ['a soft limit below zero', (u) => u.setrlimit(RLIMIT_AS, { current: -1, maximum: 0 }), -EINVAL],
  [
    'a soft limit above the hard one, which is raised',
    (u) => u.setrlimit(RLIMIT_NOFILE, { current: 9999, maximum: 9998 }),
    -EINVAL,
  ],
  ['raising a hard limit', (u) => u.setrlimit(RLIMIT_NOFILE, { current: 10, maximum: 1025 }), -EPERM],
  ['lowering both', (u) => u.setrlimit(RLIMIT_NOFILE, { current: 10, maximum: 20 }), 0],
]);

describe('reading and writing', () => {
  it('across what cannot be used is EFAULT, even when the first part could be moved', () => {
    run(function* (user, system) {
      makeFile(system, '/file', 20 * PAGE);
      // 17 pages are more than is moved in one go.
      const at = yield* user.mmap(0x10000000, 17 * PAGE, 3, MAP_ANON | MAP_PRIVATE | MAP_FIXED);
      const fd = yield* open(user, '/file', O_RDWR);
      expect(yield* user.read(fd, at, 20 * PAGE)).toBe(-EFAULT);
      expect(yield* user.load8(at + 15 * PAGE), 'which is there').toBe(16);
      expect(yield* user.pwrite(fd, at, 20 * PAGE, 0)).toBe(-EFAULT);
    });
  });

  it('a file through a mapping of the very page that is read works: no page is held while memory is touched', () => {
    run(function* (user, system) {
      makeFile(system, '/file', 2 * PAGE);
      const fd = yield* open(user, '/file', O_RDWR);
      const map = yield* user.mmap(0, 2 * PAGE, 3, MAP_SHARED, fd, 0);
      expect(yield* user.pread(fd, map, PAGE, PAGE)).toBe(PAGE);
      expect(yield* user.load8(map)).toBe(2);
      expect(yield* user.pwrite(fd, map, PAGE, 0)).toBe(PAGE);
    });
  });

  it('of a pipe that nobody reads is EPIPE and SIGPIPE, which ends the process unless it is told otherwise', () => {
    const { system, process } = bootProcess();
    const signals: number[] = [];
    act(system, process, function* (user) {
      const at = yield* mapAnon(user, 1);
      const write = function* (child: User, flags?: number): Step<number> {
        const pipe = yield* child.pipe(flags);
        if (typeof pipe === 'number') return pipe;
        yield* child.close(pipe.read);
        return yield* child.write(pipe.write, at, 1);
      };
      const end = function* (how: (child: User) => Step<void>): Step<unknown> {
        return yield* user.wait(yield* user.fork(how));
      };
      const killed = yield* end(function* (child) {
        yield* write(child);
        signals.push(-1);
      });
      expect(killed).toMatchObject({ reason: { kind: 'signaled', signal: SIGPIPE } });
      yield* end(function* (child) {
        child.sigaction(SIGPIPE, 'ignore');
        signals.push(yield* write(child));
      });
      yield* end(function* (child) {
        signals.push(yield* write(child, O_NOSIGPIPE));
      });
      expect(yield* user.pipe(0x40)).toBe(-EINVAL);
    });
    expect(signals).toEqual([-EPIPE, -EPIPE]);
    expectNoLeak(system);
  });

  it('keeps the bytes that a reader could not take, because its buffer is not there', () => {
    run(function* (user) {
      const at = yield* mapAnon(user, 2);
      yield* fill(user, at, 100, 42);
      const pipe = yield* user.pipe();
      if (typeof pipe === 'number') throw new Error('there is no pipe to be had');
      yield* user.write(pipe.write, at, 100);
      yield* user.munmap(at + PAGE, PAGE);
      expect(yield* user.read(pipe.read, at + PAGE, 60)).toBe(-EFAULT);
      expect(yield* user.read(pipe.read, at + PAGE - 50, 100), 'half of it fits').toBe(-EFAULT);
      expect(yield* user.read(pipe.read, at + 200, 200)).toBe(100);
      expect([yield* user.load8(at + 200), yield* user.load8(at + 299)]).toEqual([42, 42]);
    });
  });

  it('passes bytes from a parent to a child, and the end of them', () => {
    run(function* (user) {
      const at = yield* mapAnon(user, 2);
      yield* fill(user, at, 100, 42);
      const pipe = yield* user.pipe();
      if (typeof pipe === 'number') throw new Error('there is no pipe to be had');
      yield* user.write(pipe.write, at, 100);
      const got: number[] = [];
      const pid = yield* user.fork(function* (child) {
        yield* child.close(pipe.write);
        got.push(yield* child.read(pipe.read, at + PAGE, PAGE), yield* child.load8(at + PAGE + 99));
        got.push(yield* child.read(pipe.read, at + PAGE, PAGE));
      });
      yield* user.close(pipe.write);
      yield* user.wait(pid);
      expect(got).toEqual([100, 42, 0]);
    });
  });
});
