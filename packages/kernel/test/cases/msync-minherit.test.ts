/** Cases with known answers: `msync(2)` and `minherit(2)`. The names are those of NetBSD's own tests. */
import { describe, expect, it } from 'vitest';
import {
  EFAULT,
  EINVAL,
  MAP_ANON,
  MAP_INHERIT_COPY,
  MAP_INHERIT_NONE,
  MAP_INHERIT_SHARE,
  MAP_INHERIT_ZERO,
  MAP_PRIVATE,
  MAP_SHARED,
  MS_ASYNC,
  MS_INVALIDATE,
  MS_SYNC,
  O_CREAT,
  O_RDWR,
  SEEK_SET,
  type Step,
  type User,
} from '../../src/index.js';
import { act, bootProcess, expectNoLeak, run } from '../harness.js';
import { bytesAt, DONE, endOfChild, expectAll, fill, mapAnon, mapFile, open, PAGE, RW, SEGV } from './support.js';

/** Where the file is written through its descriptor. */
const OFFSET = 512;
const GARBAGE = new TextEncoder().encode('garbage');

/** A page of x in a file, a private map of it that nobody has touched, and then garbage written through the descriptor. */
function* writtenBehindMap(user: User): Step<{ map: number }> {
  const buffer = yield* mapAnon(user, 1);
  yield* fill(user, buffer, PAGE, 0x78);
  const fd = yield* open(user, 'file', O_RDWR | O_CREAT);
  expect(yield* user.write(fd, buffer, PAGE)).toBe(PAGE);
  const map = yield* mapFile(user, fd, PAGE, RW, MAP_PRIVATE);
  expect(yield* user.storeBytes(buffer, GARBAGE)).toBe(0);
  expect(yield* user.lseek(fd, OFFSET, SEEK_SET)).toBe(OFFSET);
  expect(yield* user.write(fd, buffer, GARBAGE.length)).toBe(GARBAGE.length);
  return { map };
}

describe('the system calls, where the two designs differ: msync', () => {
  it('msync_err: a page that is not mapped is EFAULT', () => {
    run(function* (user) {
      const map = yield* mapAnon(user, 1);
      expect(yield* user.munmap(map, PAGE)).toBe(0);
      expect(yield* user.msync(map, PAGE, MS_SYNC)).toBe(-EFAULT);
    });
  });

  const badFlags: [what: string, flags: number][] = [
    ['all flags there are', -1],
    ['all flags but the sign', 2 ** 31 - 1],
    ['SYNC and a flag that there is not', MS_SYNC | 0x10],
    ['no flags', 0],
    ['ASYNC and SYNC together', MS_ASYNC | MS_SYNC],
  ];
  for (const [what, flags] of badFlags) {
    it(`msync_err: ${what} are EINVAL`, () => {
      run(function* (user) {
        const { map } = yield* writtenBehindMap(user);
        expect(yield* user.msync(map, PAGE, flags)).toBe(-EINVAL);
        expect(yield* user.msync(map, PAGE, MS_SYNC), 'the map itself can be synced').toBe(0);
      });
    });
  }

  for (const [name, flags] of [
    ['msync_async', MS_ASYNC],
    ['msync_sync', MS_SYNC],
    ['msync_invalidate', MS_INVALIDATE],
  ] as const) {
    it(`${name}: what was written through the descriptor is read through an untouched private map`, () => {
      const { system, process } = bootProcess();
      act(system, process, function* (user) {
        const { map } = yield* writtenBehindMap(user);
        expect(yield* user.msync(map, PAGE, flags)).toBe(0);
        expect(yield* bytesAt(user, map + OFFSET, GARBAGE.length)).toEqual(GARBAGE);
        expectAll(yield* bytesAt(user, map, OFFSET), 0x78);
        expectAll(yield* bytesAt(user, map + OFFSET + GARBAGE.length, PAGE - OFFSET - GARBAGE.length), 0x78);
      });
      expectNoLeak(system);
    });
  }
});

describe('the system calls, where the two designs differ: minherit', () => {
  /** A shared anonymous page full of a byte, which children get in a given way. */
  function* inherited(user: User, byte: number, inheritance: number): Step<number> {
    const map = yield* mapAnon(user, 1, RW, MAP_ANON | MAP_SHARED);
    yield* fill(user, map, PAGE, byte);
    expect(yield* user.minherit(map, PAGE, inheritance)).toBe(0);
    return map;
  }

  it("minherit_copy: the child sees the parent's data, and the parent does not see the child's store", () => {
    const { system, process } = bootProcess();
    act(system, process, function* (user) {
      const map = yield* inherited(user, 1, MAP_INHERIT_COPY);
      const end = yield* endOfChild(user, function* (child) {
        expectAll(yield* bytesAt(child, map, PAGE), 1);
        yield* fill(child, map, PAGE, 0);
        yield* child.exit(0);
      });
      expect(end).toEqual(DONE);
      expectAll(yield* bytesAt(user, map, PAGE), 1);
    });
    expectNoLeak(system);
  });

  it("minherit_share: parent and child see each other's stores", () => {
    const { system, process } = bootProcess();
    act(system, process, function* (user) {
      const map = yield* inherited(user, 1, MAP_INHERIT_SHARE);
      const pipe = yield* user.pipe();
      if (typeof pipe === 'number') throw new Error(`pipe answers ${pipe}`);
      const letter = yield* mapAnon(user, 1);
      const pid = yield* user.fork(function* (child) {
        // The letter tells that the parent has stored.
        yield* child.read(pipe.read, letter, 1);
        expectAll(yield* bytesAt(child, map, PAGE), 2);
        yield* fill(child, map, PAGE, 3);
        yield* child.exit(0);
      });
      expectAll(yield* bytesAt(user, map, PAGE), 1);
      yield* fill(user, map, PAGE, 2);
      expect(yield* user.write(pipe.write, letter, 1)).toBe(1);
      expect(yield* user.wait(pid)).toEqual({ pid, reason: DONE });
      expectAll(yield* bytesAt(user, map, PAGE), 3);
    });
    expectNoLeak(system);
  });

  it("minherit_none: the child's access is SIGSEGV", () => {
    const { system, process } = bootProcess();
    act(system, process, function* (user) {
      const map = yield* inherited(user, 0, MAP_INHERIT_NONE);
      const end = yield* endOfChild(user, function* (child) {
        yield* fill(child, map, PAGE, 0);
      });
      expect(end).toEqual(SEGV);
      expectAll(yield* bytesAt(user, map, PAGE), 0);
    });
    expectNoLeak(system);
  });

  it('minherit_zero: the child reads zeros, and the parent keeps its data', () => {
    const { system, process } = bootProcess();
    act(system, process, function* (user) {
      const map = yield* inherited(user, 1, MAP_INHERIT_ZERO);
      const end = yield* endOfChild(user, function* (child) {
        expectAll(yield* bytesAt(child, map, PAGE), 0);
        yield* fill(child, map, PAGE, 2);
        yield* child.exit(0);
      });
      expect(end).toEqual(DONE);
      expectAll(yield* bytesAt(user, map, PAGE), 1);
    });
    expectNoLeak(system);
  });

  it('minherit_bad: the code 666 is EINVAL', () => {
    run(function* (user) {
      const map = yield* mapAnon(user, 1);
      expect(yield* user.minherit(map, PAGE, 666)).toBe(-EINVAL);
    });
  });
});
