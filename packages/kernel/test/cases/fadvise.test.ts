/** Cases with known answers: `posix_fadvise(2)`, as NetBSD's t_posix_fadvise has them, and what the advice does. */
import { describe, expect, it } from 'vitest';
import {
  EBADF,
  EINVAL,
  ESPIPE,
  O_CREAT,
  O_RDONLY,
  O_RDWR,
  POSIX_FADV_DONTNEED,
  POSIX_FADV_NOREUSE,
  POSIX_FADV_NORMAL,
  POSIX_FADV_RANDOM,
  POSIX_FADV_SEQUENTIAL,
  POSIX_FADV_WILLNEED,
  RamFile,
} from '../../src/index.js';
import { asOffset } from '../../src/machine/address.js';
import type { UvmVnode } from '../../src/uvm/vnode/vnode.js';
import { act, bootProcess, expectSound, run } from '../harness.js';
import { queueOf } from '../queues.js';
import { fill, mapAnon, open, PAGE } from './support.js';

const ADVICE = [
  POSIX_FADV_NORMAL,
  POSIX_FADV_RANDOM,
  POSIX_FADV_SEQUENTIAL,
  POSIX_FADV_WILLNEED,
  POSIX_FADV_DONTNEED,
  POSIX_FADV_NOREUSE,
];

/** A system with a file of 32 pages, none of which is in memory. */
function withFile(): ReturnType<typeof bootProcess> & { vnode: UvmVnode } {
  const { system, process } = bootProcess();
  const vnode = system.sys.vfs.add('file', new RamFile('file', new Uint8Array(32 * PAGE).fill(1))) as UvmVnode;
  return { system, process, vnode };
}

describe('posix_fadvise', () => {
  it('posix_fadvise: a bad descriptor is EBADF, a bad length or an overflow EINVAL, and that is looked at first', () => {
    run(function* (user) {
      expect(yield* user.posixFadvise(-1, 0, 0, POSIX_FADV_NORMAL)).toBe(-EBADF);
      expect(yield* user.posixFadvise(-1, 0, -1, POSIX_FADV_NORMAL)).toBe(-EINVAL);
      expect(yield* user.posixFadvise(-1, Number.MAX_SAFE_INTEGER, 1, POSIX_FADV_NORMAL)).toBe(-EINVAL);
    });
  });

  it('posix_fadvise: a pipe is ESPIPE', () => {
    run(function* (user) {
      const ends = yield* user.pipe();
      if (typeof ends === 'number') throw new Error(`pipe answers ${ends}`);
      for (const fd of [ends.read, ends.write]) expect(yield* user.posixFadvise(fd, 0, 0, POSIX_FADV_NORMAL)).toBe(-ESPIPE);
    });
  });

  it('posix_fadvise_reg: any advice there is succeeds on any part of a file, and no other', () => {
    run(function* (user) {
      const fd = yield* open(user, 'file', O_RDWR | O_CREAT);
      const buffer = yield* mapAnon(user, 1);
      expect(yield* user.write(fd, buffer, 100)).toBe(100);
      const ranges = [
        [0, 0],
        [0, 100],
        [9999, 9999],
        [Number.MAX_SAFE_INTEGER, 0],
        [PAGE - 1, PAGE + 1],
      ] as const;
      for (const advice of ADVICE) {
        for (const [offset, length] of ranges) expect(yield* user.posixFadvise(fd, offset, length, advice)).toBe(0);
      }
      for (const advice of [-1, 6]) expect(yield* user.posixFadvise(fd, 0, 0, advice)).toBe(-EINVAL);
    });
  });

  it('WILLNEED brings the range in, and nobody waits for it', () => {
    const { system, process, vnode } = withFile();
    act(system, process, function* (user) {
      const fd = yield* open(user, 'file', O_RDONLY);
      expect(yield* user.posixFadvise(fd, 4 * PAGE + 1, 4 * PAGE - 1, POSIX_FADV_WILLNEED)).toBe(0);
      expect(vnode.pages.count, 'not yet').toBe(0);
    });
    expect(vnode.pages.count, 'a block of the file system').toBe(4);
    expect(vnode.pages.next(0, 100)).toBe(4);
    expectSound(system);
  });

  it('DONTNEED writes what is dirty, and makes pages that lie in the range the first to go', () => {
    const { system, process, vnode } = withFile();
    act(system, process, function* (user) {
      const fd = yield* open(user, 'file', O_RDWR);
      const buffer = yield* mapAnon(user, 4);
      yield* fill(user, buffer, 4 * PAGE, 9);
      expect(yield* user.write(fd, buffer, 4 * PAGE)).toBe(4 * PAGE);
      expect(yield* user.posixFadvise(fd, 1, 3 * PAGE, POSIX_FADV_DONTNEED)).toBe(0);
    });
    const inactive = queueOf(system.uvm, 'inactive').toArray();
    const pages = [0, 1, 2, 3].map((page) => vnode.lookup(asOffset(page * PAGE)));
    expect(inactive).toEqual(pages.slice(1, 3));
    const rests = new Uint8Array(4 * PAGE);
    vnode.store.read(0, rests);
    expect([0, 1, 2, 3].map((page) => rests[page * PAGE])).toEqual([1, 9, 9, 1]);
    expectSound(system);
  });

  it('SEQUENTIAL and RANDOM are about the open file: another one is read as before', () => {
    const { system, process, vnode } = withFile();
    act(system, process, function* (user) {
      const buffer = yield* mapAnon(user, 1);
      const [plain, random] = [yield* open(user, 'file', O_RDONLY), yield* open(user, 'file', O_RDONLY)];
      expect(yield* user.posixFadvise(random, 0, 0, POSIX_FADV_RANDOM)).toBe(0);
      for (let page = 0; page < 24; page += 4) yield* user.pread(random, buffer, 1, page * PAGE);
      expect(vnode.raContext.valid).toBe(false);
      yield* user.pread(plain, buffer, 1, 24 * PAGE);
      expect(vnode.raContext.valid).toBe(true);
      const copy = yield* user.dup(plain);
      expect(yield* user.posixFadvise(copy, 0, 0, POSIX_FADV_SEQUENTIAL)).toBe(0);
      yield* user.pread(plain, buffer, 1, 28 * PAGE);
      expect(vnode.raContext.windowSize).toBe(8 * 65_536);
    });
    expectSound(system);
  });
});
