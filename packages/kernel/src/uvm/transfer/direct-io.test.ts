import { describe, expect, it } from 'vitest';
import { act, bootProcess, expectNoLeak } from '../../../test/harness.js';
import { definePatch } from '../../boot.js';
import {
  EFAULT,
  MAP_ANON,
  MAP_PRIVATE,
  MAP_SHARED,
  type NetbsdSystem,
  O_DIRECT,
  O_RDWR,
  PAGE_SIZE as PAGE,
  PROT_READ,
  RamFile,
  RunToBlock,
  type Step,
  type User,
} from '../../index.js';
import type { UvmVnode } from '../vnode/vnode.js';

const RW = 3;
const ANON = MAP_ANON | MAP_PRIVATE;
const SECTOR = 512;

function pattern(length: number, seed = 1): Uint8Array {
  return Uint8Array.from({ length }, (_, i) => (i * 7 + (i >> 8) * 13 + seed * 31) & 0xff);
}

/** A system with a file of so many bytes. */
function withFile(length: number, options: Parameters<typeof bootProcess>[0] = {}) {
  const { system, process } = bootProcess(options);
  const store = new RamFile('/file', pattern(length));
  const vnode = system.sys.vfs.add('/file', store) as UvmVnode;
  return { system, process, store, vnode };
}

/** What is stored at rest. */
function atRest(store: RamFile, from: number, length: number): Uint8Array {
  const bytes = new Uint8Array(length);
  store.read(from, bytes);
  return bytes;
}

function* contents(user: User, address: number, length: number): Step<Uint8Array> {
  const bytes = new Uint8Array(length);
  yield* user.loadBytes(address, bytes);
  return bytes;
}

/** Expects that nothing is wired, and no page lost. */
function expectClear(system: NetbsdSystem): void {
  expect(system.uvm.uvmexp.wired).toBe(0);
  expect(system.uvm.vslocks.size + system.uvm.transfers.size).toBe(0);
  expectNoLeak(system);
}

describe('direct I/O', () => {
  it('reads past the pages of the file, and writes past them', () => {
    const { system, process, store, vnode } = withFile(8 * PAGE);
    act(system, process, function* (user) {
      const at = yield* user.mmap(0, 4 * PAGE, RW, ANON);
      const fd = yield* user.open('/file', O_RDWR | O_DIRECT);
      expect(yield* user.read(fd, at + SECTOR, 2 * PAGE)).toBe(2 * PAGE);
      expect(yield* contents(user, at + SECTOR, 2 * PAGE)).toEqual(pattern(8 * PAGE).subarray(0, 2 * PAGE));
      yield* user.storeBytes(at, pattern(3 * SECTOR, 5));
      expect(yield* user.write(fd, at, 3 * SECTOR)).toBe(3 * SECTOR);
      expect(vnode.pages.count, 'pages in memory').toBe(0);
      expect(atRest(store, 2 * PAGE, 3 * SECTOR), 'before any fsync').toEqual(pattern(3 * SECTOR, 5));
      expect(vnode.needsFlush, 'the disk has to be told still').toBe(true);
      expect(yield* user.pread(fd, at, SECTOR, 2 * PAGE)).toBe(SECTOR);
      expect(yield* contents(user, at, SECTOR)).toEqual(pattern(SECTOR, 5));
    });
    expectClear(system);
  });

  it('sees what was written through pages, and is seen by who reads through them', () => {
    const { system, process, store, vnode } = withFile(2 * PAGE);
    act(system, process, function* (user) {
      const at = yield* user.mmap(0, 2 * PAGE, RW, ANON);
      const plain = yield* user.open('/file', O_RDWR);
      const direct = yield* user.open('/file', O_RDWR | O_DIRECT);
      yield* user.storeBytes(at, pattern(2 * PAGE, 3));
      expect(yield* user.write(plain, at, 2 * PAGE)).toBe(2 * PAGE);
      expect(vnode.pages.count).toBe(2);
      expect(yield* user.pread(direct, at, PAGE, PAGE)).toBe(PAGE);
      expect(yield* contents(user, at, PAGE)).toEqual(pattern(2 * PAGE, 3).subarray(PAGE));
      expect(vnode.pages.count, 'written back, and kept').toBe(2);
      yield* user.storeBytes(at, pattern(PAGE, 4));
      expect(yield* user.pwrite(direct, at, PAGE, 0)).toBe(PAGE);
      expect(vnode.pages.count, 'a page of the past is gone').toBe(1);
      expect(yield* user.pread(plain, at + PAGE, PAGE, 0)).toBe(PAGE);
      expect(yield* contents(user, at + PAGE, PAGE)).toEqual(pattern(PAGE, 4));
    });
    expect(atRest(store, 0, PAGE)).toEqual(pattern(PAGE, 4));
    expectClear(system);
  });

  it('leaves to the ordinary way what is not whole sectors, what ends the file, and a file that is mapped', () => {
    const cases: [what: string, offset: number, address: number, length: number, direct: boolean][] = [
      ['a tail that is no sector', 0, 0, PAGE + 100, false],
      ['an offset inside a sector', 100, 0, SECTOR, false],
      ['an address inside a sector', 0, 100, SECTOR, false],
      ['the end of the file', PAGE, 0, 4 * PAGE, false],
      ['all of it', 0, 0, PAGE, true],
    ];
    for (const [what, offset, address, length, direct] of cases) {
      const { system, process, vnode } = withFile(PAGE + SECTOR + 50, { blockSize: PAGE });
      const expected = pattern(PAGE + SECTOR + 50).subarray(offset, offset + length);
      act(system, process, function* (user) {
        const at = yield* user.mmap(0, 4 * PAGE, RW, ANON);
        const fd = yield* user.open('/file', O_RDWR | O_DIRECT);
        expect(yield* user.pread(fd, at + address, length, offset), what).toBe(expected.length);
        expect(yield* contents(user, at + address, expected.length), what).toEqual(expected);
        expect(vnode.pages.count === 0, what).toBe(direct);
      });
      expectClear(system);
    }
    const { system, process, vnode } = withFile(PAGE);
    act(system, process, function* (user) {
      const at = yield* user.mmap(0, PAGE, RW, ANON);
      const fd = yield* user.open('/file', O_RDWR | O_DIRECT);
      yield* user.mmap(0, PAGE, PROT_READ, MAP_SHARED, fd);
      expect(yield* user.read(fd, at, PAGE)).toBe(PAGE);
      expect(vnode.pages.count, 'of a file that is mapped').toBe(1);
    });
    expectClear(system);
  });

  it('makes a file longer in the ordinary way', () => {
    const { system, process, vnode } = withFile(PAGE);
    act(system, process, function* (user) {
      const at = yield* user.mmap(0, 2 * PAGE, RW, ANON);
      yield* user.storeBytes(at, pattern(2 * PAGE, 6));
      const fd = yield* user.open('/file', O_RDWR | O_DIRECT);
      expect(yield* user.write(fd, at, 2 * PAGE)).toBe(2 * PAGE);
      expect(yield* user.pread(fd, at, PAGE, PAGE)).toBe(PAGE);
      expect(yield* contents(user, at, PAGE)).toEqual(pattern(2 * PAGE, 6).subarray(PAGE));
    });
    expect(vnode.size).toBe(2 * PAGE);
    expectClear(system);
  });

  it('answers EFAULT for memory that is not there, as the ordinary way does', () => {
    const { system, process } = withFile(PAGE);
    act(system, process, function* (user) {
      const fd = yield* user.open('/file', O_RDWR | O_DIRECT);
      const readOnly = yield* user.mmap(0, PAGE, PROT_READ, ANON);
      expect(yield* user.pread(fd, 0, PAGE, 0)).toBe(-EFAULT);
      expect(yield* user.pread(fd, readOnly, PAGE, 0)).toBe(-EFAULT);
      expect(yield* user.pwrite(fd, 0, PAGE, 0)).toBe(-EFAULT);
    });
    expectClear(system);
  });

  it('goes on in the ordinary way when the device fails, in the middle or before', () => {
    for (const way of [1, 2]) {
      let failures = 1;
      class FailOnce extends RunToBlock {
        override choose(site: string): number {
          return site === 'io.read' && failures-- > 0 ? way : 0;
        }
      }
      const { system, process } = withFile(2 * PAGE, { strategy: new FailOnce() });
      act(system, process, function* (user) {
        const at = yield* user.mmap(0, 2 * PAGE, RW, ANON);
        const fd = yield* user.open('/file', O_RDWR | O_DIRECT);
        expect(yield* user.pread(fd, at, 2 * PAGE, 0)).toBe(2 * PAGE);
        expect(yield* contents(user, at, 2 * PAGE)).toEqual(pattern(2 * PAGE));
      });
      expect(failures).toBeLessThan(1);
      expectClear(system);
    }
  });

  it('asserts that what it has just wired is mapped', () => {
    const unmapping = definePatch({
      id: 'test-unmaps',
      summary: 'what is wired is unmapped again',
      replace: {
        uvm: {
          uvmVslock: (original) =>
            function* (space, address, length, access) {
              const errno = yield* original.call(this, space, address, length, access);
              this.machine.pmapRemove(space.pmap, space.min, space.max);
              return errno;
            },
        },
      },
    });
    const { system, process } = withFile(PAGE, { patches: [unmapping] });
    expect(() =>
      act(system, process, function* (user) {
        const at = yield* user.mmap(0, PAGE, RW, ANON);
        yield* user.read(yield* user.open('/file', O_RDWR | O_DIRECT), at, PAGE);
      }),
    ).toThrow('kernel diagnostic assertion "rv" failed');
  });
});
