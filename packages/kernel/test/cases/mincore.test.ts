/** Cases with known answers: `mincore(2)`, and what is resident after locking, freeing and advice. */
import { describe, expect, it } from 'vitest';
import {
  EFAULT,
  EINVAL,
  ENOMEM,
  IPC_CREAT,
  IPC_PRIVATE,
  IPC_RMID,
  MADV_DONTNEED,
  MADV_FREE,
  MAP_ANON,
  MAP_SHARED,
  MAP_WIRED,
  MCL_CURRENT,
  MCL_FUTURE,
  MS_INVALIDATE,
  MS_SYNC,
  O_CREAT,
  O_RDONLY,
  O_RDWR,
  O_TRUNC,
  PROT_NONE,
  PROT_READ,
  PROT_WRITE,
  RLIMIT_MEMLOCK,
} from '../../src/index.js';
import { act, bootProcess, expectNoLeak, expectSound, run } from '../harness.js';
import { bytesAt, expectAll, fill, makeFile, mapAnon, mapFile, open, PAGE, PRIVATE_ANON, RW, residentPages } from './support.js';

/** Pages of each mapping. */
const PAGES = 128;
/** A third of this may be wired: room for three mappings at once. */
const BIG_RAM = { ram: 2048 * PAGE };

/** A machine that lets its process lock three mappings at once. */
function bootUnlimited(): ReturnType<typeof bootProcess> {
  const booted = bootProcess(BIG_RAM);
  act(booted.system, booted.process, function* (user) {
    const limit = yield* user.getrlimit(RLIMIT_MEMLOCK);
    if (typeof limit === 'number') throw new Error(`getrlimit answers ${limit}`);
    expect(yield* user.setrlimit(RLIMIT_MEMLOCK, { ...limit, current: limit.maximum })).toBe(0);
  });
  return booted;
}

describe('the system calls, where the two designs differ: mincore, madvise', () => {
  it('mincore_err: a length of 0 is EINVAL', () => {
    run(function* (user) {
      const map = yield* mapAnon(user, 1, PROT_WRITE);
      expect(yield* user.mincore(map, 0, map)).toBe(-EINVAL);
    });
  });

  it('mincore_err: memory that is not mapped is ENOMEM', () => {
    run(function* (user) {
      const vector = yield* mapAnon(user, 1);
      const map = yield* mapAnon(user, 1);
      expect(yield* user.munmap(map, PAGE)).toBe(0);
      expect(yield* user.mincore(0, PAGE, vector), 'at NULL').toBe(-ENOMEM);
      expect(yield* user.mincore(map, PAGE, vector), 'where something was').toBe(-ENOMEM);
    });
  });

  it('mincore_err: a vector that cannot be written is EFAULT', () => {
    run(function* (user) {
      const map = yield* mapAnon(user, 1);
      const readOnly = yield* mapAnon(user, 1, PROT_READ);
      expect(yield* user.mincore(map, PAGE, -1), 'at -1').toBe(-EFAULT);
      expect(yield* user.mincore(map, PAGE, readOnly), 'read-only').toBe(-EFAULT);
    });
  });

  it('mincore_resid: all of a file is resident once it is locked', () => {
    const { system, process } = bootProcess();
    makeFile(system, 'file', 5 * PAGE);
    act(system, process, function* (user) {
      const fd = yield* open(user, 'file', O_RDONLY);
      const map = yield* mapFile(user, fd, 5 * PAGE, PROT_READ, MAP_SHARED);
      expect(yield* residentPages(user, map, 5), 'before').toBe(0);
      expect(yield* user.mlock(map, 5 * PAGE)).toBe(0);
      expect(yield* residentPages(user, map, 5)).toBe(5);
      expect(yield* user.munmap(map, 5 * PAGE)).toBe(0);
    });
    expectNoLeak(system);
  });

  it('mincore_resid: anonymous memory is resident at once with MAP_WIRED, and not at all when fresh', () => {
    const { system, process } = bootUnlimited();
    act(system, process, function* (user) {
      const wired = yield* mapAnon(user, PAGES, RW, PRIVATE_ANON | MAP_WIRED);
      expect(yield* residentPages(user, wired, PAGES)).toBe(PAGES);
      expect(yield* user.munmap(wired, PAGES * PAGE)).toBe(0);
      const fresh = yield* mapAnon(user, PAGES);
      expect(yield* residentPages(user, fresh, PAGES)).toBe(0);
    });
    expectNoLeak(system);
  });

  it('mincore_resid: after mlockall everything is resident, and so is a new PROT_READ map; a new PROT_NONE map is not', () => {
    const { system, process } = bootUnlimited();
    act(system, process, function* (user) {
      const map = yield* mapAnon(user, PAGES);
      expect(yield* user.mlockall(MCL_CURRENT | MCL_FUTURE)).toBe(0);
      expect(yield* residentPages(user, map, PAGES)).toBe(PAGES);
      const readable = yield* mapAnon(user, PAGES, PROT_READ, MAP_ANON);
      const closed = yield* mapAnon(user, PAGES, PROT_NONE, MAP_ANON);
      expect(yield* residentPages(user, readable, PAGES)).toBe(PAGES);
      expect(yield* residentPages(user, closed, PAGES)).toBe(0);
    });
    expectNoLeak(system);
  });

  it('mincore_resid: after munlockall, madvise(FREE) leaves nothing resident, at once', () => {
    const { system, process } = bootUnlimited();
    act(system, process, function* (user) {
      const map = yield* mapAnon(user, PAGES);
      expect(yield* user.mlockall(MCL_CURRENT | MCL_FUTURE)).toBe(0);
      expect(yield* user.munlockall()).toBe(0);
      expect(yield* residentPages(user, map, PAGES), 'unlocked').toBe(PAGES);
      expect(yield* user.madvise(map, PAGES * PAGE, MADV_FREE)).toBe(0);
      expect(yield* residentPages(user, map, PAGES)).toBe(0);
    });
    expect(system.uvm.anonCount).toBe(0);
    expectNoLeak(system);
  });

  it('madvise_dontneed: anonymous memory keeps its data', () => {
    const { system, process } = bootProcess();
    act(system, process, function* (user) {
      const map = yield* mapAnon(user, 4);
      yield* fill(user, map, 4 * PAGE, 0x5a);
      expect(yield* user.madvise(map, 4 * PAGE, MADV_DONTNEED)).toBe(0);
      expectAll(yield* bytesAt(user, map, 4 * PAGE), 0x5a);
    });
    expectNoLeak(system);
  });
});

describe('the old regression program', () => {
  it('the residency walk: 0, 128, 128, 0, 128, 0, 0, 128, 0', () => {
    const { system, process } = bootUnlimited();
    const size = PAGES * PAGE;
    const walk: number[] = [];
    act(system, process, function* (user) {
      const first = yield* mapAnon(user, PAGES);
      walk.push(yield* residentPages(user, first, PAGES));
      expect(yield* user.mlockall(MCL_CURRENT | MCL_FUTURE)).toBe(0);
      walk.push(yield* residentPages(user, first, PAGES));
      const second = yield* mapAnon(user, PAGES, PROT_READ, MAP_ANON);
      walk.push(yield* residentPages(user, second, PAGES));
      const third = yield* mapAnon(user, PAGES, PROT_NONE, MAP_ANON);
      walk.push(yield* residentPages(user, third, PAGES));
      expect(yield* user.mprotect(third, size, PROT_READ)).toBe(0);
      walk.push(yield* residentPages(user, third, PAGES));
      expectSound(system);

      expect(yield* residentPages(user, first, PAGES), 'the first, before munlockall').toBe(PAGES);
      expect(yield* residentPages(user, second, PAGES), 'the second, before munlockall').toBe(PAGES);
      expect(yield* user.munlockall()).toBe(0);
      expect(system.uvm.uvmexp.wired).toBe(0);
      expect(yield* user.madvise(second, size, MADV_FREE)).toBe(0);
      walk.push(yield* residentPages(user, second, PAGES));
      expect(yield* user.madvise(first, size, MADV_FREE)).toBe(0);
      walk.push(yield* residentPages(user, first, PAGES));
      yield* fill(user, first, size, 0);
      walk.push(yield* residentPages(user, first, PAGES));
      expect(yield* user.madvise(first, size, MADV_FREE)).toBe(0);
      walk.push(yield* residentPages(user, first, PAGES));
      for (const map of [first, second, third]) expect(yield* user.munmap(map, size)).toBe(0);
    });
    expect(walk).toEqual([0, PAGES, PAGES, 0, PAGES, 0, 0, PAGES, 0]);
    expectNoLeak(system);
  });

  it('a mapped file: mlock makes all of it resident, and munlock of one page of it works', () => {
    const { system, process } = bootUnlimited();
    // The last page is only partly in the file.
    const size = (PAGES - 1) * PAGE + 100;
    makeFile(system, 'file', size);
    act(system, process, function* (user) {
      const fd = yield* open(user, 'file', O_RDONLY);
      const map = yield* mapFile(user, fd, size, PROT_READ, MAP_SHARED);
      expect(yield* user.close(fd)).toBe(0);
      expect(yield* residentPages(user, map, PAGES), 'before').toBe(0);
      expect(yield* user.mlock(map, PAGES * PAGE)).toBe(0);
      expect(yield* residentPages(user, map, PAGES)).toBe(PAGES);
      expect(yield* user.munlock(map, PAGE)).toBe(0);
      expect(system.uvm.uvmexp.wired).toBe(PAGES - 1);
      expectSound(system);
      expect(yield* user.munmap(map, size)).toBe(0);
    });
    expectNoLeak(system);
  });

  it('a mapped file: filled with 0xa5, synced with SYNC and INVALIDATE, and unmapped, it reads back as 0xa5', () => {
    const { system, process } = bootProcess({ ram: 512 * PAGE });
    const size = PAGES * PAGE;
    act(system, process, function* (user) {
      const buffer = yield* mapAnon(user, PAGES);
      yield* fill(user, buffer, size, 1);
      const fd = yield* open(user, 'mapped_file', O_RDWR | O_CREAT | O_TRUNC);
      expect(yield* user.write(fd, buffer, size)).toBe(size);
      const map = yield* mapFile(user, fd, size, RW, MAP_SHARED);
      expect(yield* user.close(fd)).toBe(0);
      yield* fill(user, map, size, 0xa5);
      expect(yield* user.msync(map, size, MS_SYNC | MS_INVALIDATE)).toBe(0);
      expect(yield* residentPages(user, map, PAGES), 'INVALIDATE frees the pages').toBe(0);
      expect(yield* user.munmap(map, size)).toBe(0);

      const again = yield* open(user, 'mapped_file', O_RDONLY);
      expect(yield* user.read(again, buffer, size)).toBe(size);
      expectAll(yield* bytesAt(user, buffer, size), 0xa5);
    });
    // What was synced is where the file's bytes rest, not only in pages.
    const stored = new Uint8Array(size);
    expect(system.sys.vfs.lookup('mapped_file')?.store?.read(0, stored)).toBe(0);
    expectAll(stored, 0xa5);
    expectNoLeak(system);
  });
});

describe('System V shared memory', () => {
  it('mincore_shmseg: of a segment of 128 pages none is resident when it is attached, and all are after memset', () => {
    const { system, process } = bootProcess();
    act(system, process, function* (user) {
      const id = yield* user.shmget(IPC_PRIVATE, PAGES * PAGE, IPC_CREAT | 0o600);
      const map = yield* user.shmat(id, 0, 0);
      expect(map, 'shmat').toBeGreaterThan(0);
      expect(yield* residentPages(user, map, PAGES), 'attached').toBe(0);
      yield* fill(user, map, PAGES * PAGE, 0x5a);
      expect(yield* residentPages(user, map, PAGES), 'after memset').toBe(PAGES);
      expect(yield* user.shmdt(map)).toBe(0);
      expect(yield* user.shmctl(id, IPC_RMID)).toBe(0);
    });
    expectNoLeak(system);
  });
});
