/** Cases with known answers: `mmap(2)`, `mprotect(2)` and truncation. The names are those of NetBSD's own tests. */
import { describe, expect, it } from 'vitest';
import {
  EACCES,
  EBADF,
  EINVAL,
  ENOMEM,
  MAP_ANON,
  MAP_FIXED,
  MAP_PRIVATE,
  MAP_SHARED,
  O_CREAT,
  O_RDONLY,
  O_RDWR,
  O_WRONLY,
  PROT_NONE,
  PROT_READ,
  PROT_WRITE,
} from '../../src/index.js';
import { act, bootProcess, expectNoLeak, expectSound, run } from '../harness.js';
import {
  BUS,
  bytesAt,
  DONE,
  endOfChild,
  expectAll,
  fill,
  makeFile,
  mapAnon,
  mapFile,
  open,
  PAGE,
  PRIVATE_ANON,
  RW,
  SEGV,
} from './support.js';

describe('the system calls, where the two designs differ: mmap', () => {
  it('mmap_err: a bad descriptor is EBADF', () => {
    run(function* (user) {
      expect(yield* user.mmap(0, 3, PROT_READ, MAP_PRIVATE, -1, 0)).toBe(-EBADF);
    });
  });

  it('mmap_err: a misaligned MAP_FIXED is EINVAL, and that is looked at before the descriptor', () => {
    run(function* (user) {
      const map = yield* mapAnon(user, 1);
      expect(yield* user.mmap(map + 8, PAGE, PROT_READ, MAP_FIXED | MAP_PRIVATE, -1, 0)).toBe(-EINVAL);
      expect(yield* user.mmap(map + 8, PAGE, PROT_READ, MAP_FIXED | PRIVATE_ANON, -1, 0), 'anonymous').toBe(-EINVAL);
    });
  });

  it('mmap_err: MAP_ANON with a descriptor is EINVAL', () => {
    run(function* (user) {
      const fd = yield* open(user, 'file', O_RDWR | O_CREAT);
      expect(yield* user.mmap(0, PAGE, PROT_READ, PRIVATE_ANON, 2 ** 31 - 1, 0), 'one that is not open').toBe(-EINVAL);
      expect(yield* user.mmap(0, PAGE, PROT_READ, PRIVATE_ANON, fd, 0), 'one that is open').toBe(-EINVAL);
    });
  });

  it('mmap_prot_1: a write-only file cannot be mapped PROT_READ; a private PROT_WRITE map of it works', () => {
    const { system, process } = bootProcess();
    act(system, process, function* (user) {
      const fd = yield* open(user, 'file', O_WRONLY | O_CREAT);
      const text = yield* mapAnon(user, 1);
      yield* fill(user, text, 3, 0x58);
      expect(yield* user.write(fd, text, 3)).toBe(3);
      expect(yield* user.mmap(0, 3, PROT_READ, MAP_PRIVATE, fd, 0)).toBe(-EACCES);
      const map = yield* mapFile(user, fd, 3, PROT_WRITE, MAP_PRIVATE);
      yield* user.store8(map, 1);
      expect(yield* user.munmap(map, PAGE)).toBe(0);
    });
    expectNoLeak(system);
  });

  it('mmap_prot_2: touching PROT_NONE anonymous memory is SIGSEGV', () => {
    const { system, process } = bootProcess();
    const end = act(system, process, function* (user) {
      const map = yield* mapAnon(user, 1, PROT_NONE);
      return yield* endOfChild(user, function* (child) {
        yield* child.load8(map);
      });
    });
    expect(end).toEqual(SEGV);
    expectNoLeak(system);
  });

  it('mmap_prot_3: touching a PROT_NONE map of a file that is open read-only is SIGSEGV', () => {
    const { system, process } = bootProcess();
    makeFile(system, 'file', 3);
    const end = act(system, process, function* (user) {
      const fd = yield* open(user, 'file', O_RDONLY);
      const map = yield* mapFile(user, fd, 3, PROT_NONE, MAP_SHARED);
      return yield* endOfChild(user, function* (child) {
        yield* child.load8(map);
      });
    });
    expect(end).toEqual(SEGV);
    expectNoLeak(system);
  });

  it('mmap_truncate: ftruncate of a privately mapped, dirtied file succeeds for each size; the copy stays', () => {
    const { system, process } = bootProcess();
    act(system, process, function* (user) {
      const fd = yield* open(user, 'file', O_RDWR | O_CREAT);
      expect(yield* user.ftruncate(fd, PAGE)).toBe(0);
      const map = yield* mapFile(user, fd, PAGE, RW, MAP_PRIVATE);
      yield* fill(user, map, PAGE, 0x78);
      for (const size of [0, PAGE / 8, PAGE / 4, PAGE / 2, Math.floor(PAGE / 12), PAGE / 64]) {
        expect(yield* user.ftruncate(fd, size), `to ${size}`).toBe(0);
        expect(system.sys.vfs.lookup('file')?.size).toBe(size);
        expectSound(system);
      }
      // What was written is the upper layer's, which truncation does not reach.
      expectAll(yield* bytesAt(user, map, PAGE), 0x78);
    });
    expectNoLeak(system);
  });

  it('mmap_truncate_signal: reading a private file map past the new end after truncation to 0 is SIGBUS', () => {
    const { system, process } = bootProcess();
    makeFile(system, 'file', 5);
    const end = act(system, process, function* (user) {
      const fd = yield* open(user, 'file', O_RDWR);
      const map = yield* mapFile(user, fd, PAGE, PROT_READ, MAP_PRIVATE);
      expectAll(yield* bytesAt(user, map, 5), 1);
      expect(yield* user.ftruncate(fd, 0)).toBe(0);
      return yield* endOfChild(user, function* (child) {
        yield* child.load8(map);
      });
    });
    expect(end).toEqual(BUS);
    expectNoLeak(system);
  });

  type Place = (space: { min: number; max: number }, usual: number) => number;
  const hints: [what: string, hint: Place, expected: Place, where: string][] = [
    ['0', () => 0, (_, usual) => usual, 'at the usual place'],
    ['-1', () => -1, (_, usual) => usual, 'at the usual place'],
    ['a page', () => PAGE, () => PAGE, 'there'],
    ["the map's minimum", ({ min }) => min, ({ min }) => min, 'there'],
    ["the map's maximum", ({ max }) => max, (_, usual) => usual, 'at the usual place, since that is below it'],
  ];
  for (const [what, hint, expected, where] of hints) {
    it(`mmap_hint: the hint ${what} succeeds, ${where}`, () => {
      const { system, process } = bootProcess();
      const space = process.space ?? { min: -1, max: -1 };
      const usual = system.sys.defaultAddress(process, PAGE);
      act(system, process, function* (user) {
        const map = yield* user.mmap(hint(space, usual), PAGE, RW, MAP_ANON);
        expect(map).toBe(expected(space, usual));
        yield* user.store8(map, 1);
        expect(yield* user.munmap(map, PAGE)).toBe(0);
      });
      expectNoLeak(system);
    });
  }

  it('mmap_hint: an occupied address succeeds, with the nearest room below it', () => {
    //     page    -2   -1    0    1
    //             [3rd)[2nd)[1st)         each asks for page 0
    const { system, process } = bootProcess();
    const pages = act(system, process, function* (user) {
      const first = yield* user.mmap(0, PAGE, RW, MAP_ANON);
      const second = yield* user.mmap(first, PAGE, RW, MAP_ANON);
      const third = yield* user.mmap(first, PAGE, RW, MAP_ANON);
      for (const map of [first, second, third]) yield* user.store8(map, 1);
      return [second - first, third - first];
    });
    expect(pages).toEqual([-PAGE, -2 * PAGE]);
    expectNoLeak(system);
  });

  it('mmap_hint: below an occupied minimum of the map there is no room, and a top-down search never goes up: ENOMEM', () => {
    const { system, process } = bootProcess();
    const min = process.space?.min ?? 0;
    act(system, process, function* (user) {
      expect(yield* user.mmap(min, PAGE, RW, MAP_ANON)).toBe(min);
      expect(yield* user.mmap(min, PAGE, RW, MAP_ANON)).toBe(-ENOMEM);
      expect(yield* user.mmap(0, PAGE, RW, MAP_ANON), 'without a hint').toBeGreaterThan(min);
    });
    expectNoLeak(system);
  });
});

describe('the system calls, where the two designs differ: mprotect', () => {
  for (const [name, protection] of [
    ['PROT_NONE', PROT_NONE],
    ['PROT_READ', PROT_READ],
  ] as const) {
    it(`mprotect_access: adding write to a shared ${name} map of a read-only descriptor is EACCES`, () => {
      const { system, process } = bootProcess();
      makeFile(system, 'file', PAGE);
      act(system, process, function* (user) {
        const fd = yield* open(user, 'file', O_RDONLY);
        const map = yield* mapFile(user, fd, PAGE, protection, MAP_SHARED);
        expect(yield* user.mprotect(map, PAGE, PROT_WRITE)).toBe(-EACCES);
        expect(yield* user.mprotect(map, PAGE, PROT_READ), 'adding read').toBe(0);
        expect(yield* user.munmap(map, PAGE)).toBe(0);
      });
      expectNoLeak(system);
    });
  }

  it('mprotect_err: the address -1 is EINVAL', () => {
    run(function* (user) {
      expect(yield* user.mprotect(-1, 1, PROT_READ)).toBe(-EINVAL);
    });
  });

  it('mprotect_write: writing after the map was made read-only is SIGSEGV; reading is not', () => {
    const { system, process } = bootProcess();
    act(system, process, function* (user) {
      const map = yield* mapAnon(user, 1, RW, MAP_ANON);
      yield* fill(user, map, 3, 0x58);
      expect(yield* user.mprotect(map, PAGE, PROT_READ)).toBe(0);
      const writer = yield* endOfChild(user, function* (child) {
        yield* child.store8(map, 0);
      });
      expect(writer).toEqual(SEGV);
      // The same without a fork in between, which would protect the page as well.
      const owner = yield* endOfChild(user, function* (child) {
        const own = yield* mapAnon(child, 1);
        yield* child.store8(own, 1);
        expect(yield* child.mprotect(own, PAGE, PROT_READ)).toBe(0);
        yield* child.store8(own, 2);
      });
      expect(owner).toEqual(SEGV);
      const reader = yield* endOfChild(user, function* (child) {
        expectAll(yield* bytesAt(child, map, 3), 0x58);
        yield* child.exit(0);
      });
      expect(reader).toEqual(DONE);
    });
    expectNoLeak(system);
  });
});
