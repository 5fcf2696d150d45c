/** Cases with known answers: `mlock(2)` and `munlock(2)`. The names are those of NetBSD's and FreeBSD's own tests. */
import { describe, expect, it } from 'vitest';
import {
  EAGAIN,
  EINVAL,
  ENOMEM,
  MAP_SHARED,
  MAP_WIRED,
  O_CREAT,
  O_RDWR,
  PROT_NONE,
  RLIMIT_MEMLOCK,
  type Step,
  type User,
} from '../../src/index.js';
import { act, bootProcess, expectNoLeak, expectSound, run } from '../harness.js';
import {
  bytesAt,
  DONE,
  endOfChild,
  expectAll,
  fill,
  mapAnon,
  mapFile,
  open,
  PAGE,
  PRIVATE_ANON,
  RW,
  rangesOf,
} from './support.js';

describe('the system calls, where the two designs differ: mlock, munlock', () => {
  it('mlock_limits: mlock over RLIMIT_MEMLOCK is EAGAIN, whatever the length is rounded to', () => {
    const { system, process } = bootProcess();
    const answers = new Set<number>();
    const end = act(system, process, function* (user) {
      const buffer = yield* mapAnon(user, 1);
      expect(yield* user.mlock(buffer, PAGE), 'within the limit').toBe(0);
      expect(yield* user.munlock(buffer, PAGE)).toBe(0);
      return yield* endOfChild(user, function* (child) {
        for (let length = PAGE; length >= 2; length -= 100) {
          const limit = { current: length - 1, maximum: length - 1 };
          expect(yield* child.setrlimit(RLIMIT_MEMLOCK, limit)).toBe(0);
          answers.add(yield* child.mlock(buffer, length));
        }
        yield* child.exit(0);
      });
    });
    expect(end).toEqual(DONE);
    expect([...answers]).toEqual([-EAGAIN]);
    expectNoLeak(system);
  });

  const bad: [what: string, address: number | 'mapped' | 'unmapped', length: number][] = [
    ['the address -1', -1, PAGE],
    ['the address NULL, where nothing is', 0, PAGE],
    ['a page that is not mapped', 'unmapped', PAGE],
    ['a length that wraps', 'mapped', -PAGE],
  ];
  for (const [what, address, length] of bad) {
    it(`mlock_err: mlock and munlock of ${what} are ENOMEM`, () => {
      run(function* (user) {
        const mapped = yield* mapAnon(user, 1);
        const at = address === 'mapped' ? mapped : address === 'unmapped' ? mapped - PAGE : address;
        expect(yield* user.mlock(at, length), 'mlock').toBe(-ENOMEM);
        expect(yield* user.munlock(at, length), 'munlock').toBe(-ENOMEM);
      });
    });
  }

  it('mlock_nested: one munlock undoes 100 mlocks', () => {
    const { system, process } = bootProcess();
    const { uvmexp } = system.uvm;
    act(system, process, function* (user) {
      const buffer = yield* mapAnon(user, 1);
      for (let i = 0; i < 100; i++) expect(yield* user.mlock(buffer, PAGE)).toBe(0);
      expect(uvmexp.wired).toBe(1);
      expect(yield* user.munlock(buffer, PAGE)).toBe(0);
      expect(uvmexp.wired).toBe(0);
      expect(yield* user.munlock(buffer, PAGE), 'a second munlock').toBe(-ENOMEM);
    });
    expectNoLeak(system);
  });

  it('mlock_mmap: a mapping made with MAP_WIRED can be locked, unlocked and unmapped; then munlock fails', () => {
    const { system, process } = bootProcess();
    const { uvmexp } = system.uvm;
    act(system, process, function* (user) {
      const buffer = yield* mapAnon(user, 1, RW, PRIVATE_ANON | MAP_WIRED);
      expect(uvmexp.wired).toBe(1);
      expect(yield* user.mlock(buffer, PAGE)).toBe(0);
      expect(yield* user.munlock(buffer, PAGE)).toBe(0);
      expect(uvmexp.wired).toBe(0);
      expect(yield* user.munmap(buffer, PAGE)).toBe(0);
      expect(yield* user.munlock(buffer, PAGE)).toBe(-ENOMEM);
    });
    expectNoLeak(system);
  });

  it('mlock_mmap: mlock of a PROT_NONE mapping fails, even of one made with MAP_WIRED', () => {
    const { system, process } = bootProcess();
    act(system, process, function* (user) {
      const buffer = yield* mapAnon(user, 1, PROT_NONE, PRIVATE_ANON | MAP_WIRED);
      expect(yield* user.mlock(buffer, PAGE)).toBe(-EINVAL);
      expect(system.uvm.uvmexp.wired).toBe(0);
      expectSound(system);
      expect(yield* user.munmap(buffer, PAGE)).toBe(0);
    });
    expectNoLeak(system);
  });

  it('munlock_unlocked: munlock of memory that is not locked is ENOMEM, yet has clipped the entry at its start', () => {
    //     page    0   1   2   3            0   1   2   3
    //             [──────────────)   ->    [───)[─────────)
    //                 ^ munlock
    const { system, process } = bootProcess();
    const base = act(system, process, (user) => mapAnon(user, 4));
    expect(act(system, process, (user) => user.munlock(base + PAGE, PAGE))).toBe(-ENOMEM);
    expect(rangesOf(system, process, base)).toEqual([
      { from: 0, to: 1, wiredCount: 0 },
      { from: 1, to: 4, wiredCount: 0 },
    ]);
    expectNoLeak(system);
  });

  const unaligned: [what: string, from: number, length: number, first: number, last: number][] = [
    ['a fifth of a page inside one', Math.floor(PAGE / 3), Math.floor(PAGE / 5), 0, 1],
    ['16 bytes across a page boundary', PAGE - 8, 16, 0, 2],
    ['a page of bytes that begins in the middle of one', PAGE + PAGE / 2, PAGE, 1, 3],
  ];
  for (const [what, from, length, first, last] of unaligned) {
    it(`mlock_unaligned: ${what} are locked with the whole pages that they touch`, () => {
      const { system, process } = bootProcess();
      const base = act(system, process, (user) => mapAnon(user, 4));
      expect(act(system, process, (user) => user.mlock(base + from, length))).toBe(0);
      const locked = rangesOf(system, process, base).filter((range) => range.wiredCount > 0);
      expect(locked).toEqual([{ from: first, to: last, wiredCount: 1 }]);
      expect(system.uvm.uvmexp.wired).toBe(last - first);
      expect(act(system, process, (user) => user.munlock(base + from, length))).toBe(0);
      expect(system.uvm.uvmexp.wired).toBe(0);
      expectNoLeak(system);
    });
  }

  for (const offset of [0, 16]) {
    const where = offset === 0 ? 'that begins a page' : `${offset} bytes into a page`;
    it(`mlock_clip: one page less k KiB of a buffer ${where} never clips off a page boundary, 0 bytes included`, () => {
      //     page    0   1   2   3   4
      //             [───────────────)
      //                     ^ buffer, inside the entry
      const { system, process } = bootProcess();
      const base = act(system, process, (user) => mapAnon(user, 4));
      const buffer = base + 2 * PAGE + offset;
      act(system, process, (user) => fill(user, base, 4 * PAGE, 1));
      for (let less = PAGE; less >= 1; less -= 1024) {
        const length = PAGE - less;
        const wiredPages = length === 0 ? 0 : Math.ceil((offset + length) / PAGE);
        expect(
          act(system, process, (user) => user.mlock(buffer, length)),
          `mlock of ${length} bytes`,
        ).toBe(0);
        expect(system.uvm.uvmexp.wired, `after mlock of ${length} bytes`).toBe(wiredPages);
        expectSound(system);
        expect(
          act(system, process, (user) => user.munlock(buffer, length)),
          `munlock of ${length} bytes`,
        ).toBe(0);
        expect(system.uvm.uvmexp.wired, `after munlock of ${length} bytes`).toBe(0);
        for (const { from, to } of rangesOf(system, process, base)) {
          expect(Number.isInteger(from) && Number.isInteger(to) && from < to, `entry [${from}, ${to})`).toBe(true);
        }
        expectSound(system);
      }
      expectNoLeak(system);
    });
  }

  /** A locked shared mapping of a file of one page. */
  function* lockedFilePage(user: User): Step<{ fd: number; map: number }> {
    const fd = yield* open(user, 'file', O_RDWR | O_CREAT);
    expect(yield* user.ftruncate(fd, PAGE)).toBe(0);
    const map = yield* mapFile(user, fd, PAGE, RW, MAP_SHARED);
    expect(yield* user.mlock(map, PAGE)).toBe(0);
    return { fd, map };
  }

  it('mlock_truncate: a locked file page reads as zeros once the file was cut to 0 and extended again; munlock works', () => {
    const { system, process } = bootProcess();
    act(system, process, function* (user) {
      const { fd, map } = yield* lockedFilePage(user);
      yield* fill(user, map, PAGE, 1);
      expect(yield* user.ftruncate(fd, 0)).toBe(0);
      expect(yield* user.ftruncate(fd, PAGE)).toBe(0);
      expectAll(yield* bytesAt(user, map, PAGE), 0);
      expect(yield* user.munlock(map, PAGE)).toBe(0);
    });
    expect(system.uvm.uvmexp.wired).toBe(0);
    expectNoLeak(system);
  });

  it('mlock_truncate: munlock works although truncation took the locked page away', () => {
    const { system, process } = bootProcess();
    act(system, process, function* (user) {
      const { fd, map } = yield* lockedFilePage(user);
      expect(yield* user.ftruncate(fd, 0)).toBe(0);
      expect(system.uvm.uvmexp.wired, 'the page is gone, and its wiring with it').toBe(0);
      expect(yield* user.munlock(map, PAGE)).toBe(0);
    });
    expectNoLeak(system);
  });

  it('munlock_unmapped: munlock after munmap is ENOMEM', () => {
    const { system, process } = bootProcess();
    act(system, process, function* (user) {
      const buffer = yield* mapAnon(user, 1);
      expect(yield* user.mlock(buffer, PAGE)).toBe(0);
      expect(yield* user.munmap(buffer, PAGE)).toBe(0);
      expect(yield* user.munlock(buffer, PAGE)).toBe(-ENOMEM);
    });
    expectNoLeak(system);
  });
});
