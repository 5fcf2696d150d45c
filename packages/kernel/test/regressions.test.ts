/**
 * One short test for each defect of the kernel that random sequences of calls have found, or schedules of threads, and that no case
 * with a known answer covers.
 */
import { describe, expect, it } from 'vitest';
import {
  EINVAL,
  EIO,
  ENOMEM,
  FaultInjector,
  MADV_FREE,
  MADV_WILLNEED,
  MAP_ANON,
  MAP_FIXED,
  MAP_INHERIT_COPY,
  MAP_PRIVATE,
  MAP_SHARED,
  MAP_TRYFIXED,
  MCL_CURRENT,
  MS_INVALIDATE,
  MS_SYNC,
  O_CREAT,
  O_RDWR,
  PROT_NONE,
  RunToBlock,
} from '../src/index.js';
import {
  endOfChild,
  entriesOf,
  fill,
  makeFile,
  mapAnon,
  mapFile,
  open,
  PAGE,
  PRIVATE_ANON,
  RW,
  rangesOf,
} from './cases/support.js';
import { act, bootProcess, childOf, expectNoLeak, expectSound, run } from './harness.js';
import { pairOf } from './sockets.js';

describe('files', () => {
  it('a page that was read as a hole, and then written through a descriptor, can be stored to', () => {
    //     file  [ hole )      read through the map: zeros, not to be written
    //           [ 1 byte )    written through the descriptor: no hole any more
    run(function* (user) {
      const fd = yield* open(user, 'file', O_RDWR | O_CREAT);
      expect(yield* user.ftruncate(fd, PAGE)).toBe(0);
      const map = yield* mapFile(user, fd, PAGE, RW, MAP_SHARED);
      const buffer = yield* mapAnon(user, 1);
      yield* user.store8(buffer, 7);
      expect(yield* user.load8(map)).toBe(0);
      expect(yield* user.pwrite(fd, buffer, 1, 5)).toBe(1);
      yield* user.store8(map + 6, 8);
      expect([yield* user.load8(map + 5), yield* user.load8(map + 6)]).toEqual([7, 8]);
    });
  });

  it('reading ahead does not wait for a thread that brings in pages of the same file', () => {
    const { system, process } = bootProcess();
    makeFile(system, 'file', 8 * PAGE);
    act(system, process, function* (user) {
      const map = yield* mapFile(user, yield* open(user, 'file', O_RDWR), 8 * PAGE, RW, MAP_SHARED);
      expect(yield* user.madvise(map, 8 * PAGE, MADV_WILLNEED)).toBe(0);
      // The thread that reads ahead gets its turn while this one waits for the last page.
      yield* user.store8(map + 7 * PAGE, 1);
      expect(yield* user.load8(map + 6 * PAGE)).toBe(7);
    });
    expectNoLeak(system);
  });

  it('a page that could not be written back stays dirty, and is written the next time', () => {
    const strategy = new FaultInjector(new RunToBlock());
    const { system, process } = bootProcess({ strategy });
    makeFile(system, 'file', PAGE);
    act(system, process, function* (user) {
      const map = yield* mapFile(user, yield* open(user, 'file', O_RDWR), PAGE, RW, MAP_SHARED);
      yield* user.store8(map, 77);
      strategy.arm(user.lwp, 1);
      expect(yield* user.msync(map, PAGE, MS_SYNC)).toBe(-EIO);
      expect(strategy.disarm(user.lwp).failed).toBe(true);
      expect(yield* user.msync(map, PAGE, MS_SYNC)).toBe(0);
    });
    const atRest = new Uint8Array(1);
    system.sys.vfs.lookup('file')?.store?.read(0, atRest);
    expect(atRest).toEqual(Uint8Array.of(77));
    expectNoLeak(system);
  });

  it('a mapping that fills the gap between two of the same file gives up the reference of the one that vanishes', () => {
    //     [ page 0 )            [ page 2 )
    //               [ page 1 )              ->   [ pages 0 to 2, one entry )
    const { system, process } = bootProcess();
    makeFile(system, 'file', 3 * PAGE);
    act(system, process, function* (user) {
      const fd = yield* open(user, 'file', O_RDWR);
      for (const page of [0, 2, 1]) {
        const at = 0x100000 + page * PAGE;
        expect(yield* user.mmap(at, PAGE, RW, MAP_SHARED | MAP_FIXED, fd, page * PAGE)).toBe(at);
      }
    });
    expect(entriesOf(system, process)).toHaveLength(1);
    expectNoLeak(system);
  });
});

describe('fork', () => {
  it('memory that a first child shares and a second one copies is still shared with the first when the parent stores to it', () => {
    //     parent   ───┐              ───┐  stores here: the first child sees it,
    //     first    ───┴─ [page]      ───┴─ [new]
    //     second   ───── [page]      ───── [page]       the second does not
    const { system, process } = bootProcess();
    const map = act(system, process, (user) => mapAnon(user, 1, RW, MAP_ANON | MAP_SHARED));
    act(system, process, (user) => user.store8(map, 1));
    const first = childOf(
      system,
      act(system, process, (user) => user.fork()),
    );
    expect(act(system, process, (user) => user.minherit(map, PAGE, MAP_INHERIT_COPY))).toBe(0);
    const second = childOf(
      system,
      act(system, process, (user) => user.fork()),
    );
    act(system, process, (user) => user.store8(map, 2));
    expect([first, second].map((child) => act(system, child, (user) => user.load8(map)))).toEqual([2, 1]);
    act(system, first, (user) => user.store8(map, 3));
    expect([process, second].map((other) => act(system, other, (user) => user.load8(map)))).toEqual([3, 1]);
    expectSound(system);
    expectNoLeak(system);
  });

  it('shared anonymous memory that a child copies is copied for a second child as well', () => {
    run(function* (user) {
      const map = yield* mapAnon(user, 1, RW, MAP_ANON | MAP_SHARED);
      yield* user.store8(map, 4);
      expect(yield* user.minherit(map, PAGE, MAP_INHERIT_COPY)).toBe(0);
      for (let child = 0; child < 2; child++) {
        const end = yield* endOfChild(user, function* (inChild) {
          yield* inChild.exit(yield* inChild.load8(map));
        });
        expect(end).toEqual({ kind: 'exited', status: 4 });
      }
    });
  });

  it('a page that the parent frees by madvise, and the child keeps, is not mapped in the parent any more', () => {
    const { system, process } = bootProcess();
    const map = act(system, process, (user) => mapAnon(user, 2));
    act(system, process, (user) => fill(user, map, 2 * PAGE, 1));
    const child = childOf(
      system,
      act(system, process, (user) => user.fork()),
    );
    // The first store gives the parent an amap of its own; the anon of the other page is in both.
    act(system, process, (user) => user.store8(map, 2));
    expect(act(system, process, (user) => user.madvise(map, 2 * PAGE, MADV_FREE))).toBe(0);
    expectSound(system);
    act(system, child, (user) => user.store8(map + PAGE, 3));
    expect(act(system, process, (user) => user.load8(map + PAGE))).toBe(0);
    expectNoLeak(system);
  });
});

describe('wiring', () => {
  it('mlockall that fails leaves wired what was, and unwires all that was not', () => {
    //     [ wired )[ not )[ beyond the end of its file: cannot be )
    const { system, process } = bootProcess();
    makeFile(system, 'file', PAGE);
    act(system, process, function* (user) {
      const map = yield* mapAnon(user, 2);
      expect(yield* user.mlock(map, PAGE)).toBe(0);
      const fd = yield* open(user, 'file', O_RDWR);
      expect(yield* user.mmap(map + 2 * PAGE, PAGE, RW, MAP_SHARED | MAP_FIXED, fd, PAGE)).toBe(map + 2 * PAGE);
      expect(yield* user.mlockall(MCL_CURRENT)).toBe(-EINVAL);
      expect(rangesOf(system, process, map).map(({ wiredCount }) => wiredCount)).toEqual([1, 0, 0]);
      expect(system.uvm.uvmexp.wired).toBe(1);
    });
    expectSound(system);
    expectNoLeak(system);
  });

  it('mlock that fails at the end of a file leaves no page and no mapping wired', () => {
    const { system, process } = bootProcess();
    makeFile(system, 'file', PAGE);
    act(system, process, function* (user) {
      const map = yield* mapFile(user, yield* open(user, 'file', O_RDWR), 2 * PAGE, RW, MAP_SHARED);
      expect(yield* user.mlock(map, 2 * PAGE)).toBe(-EINVAL);
    });
    expect(system.uvm.uvmexp.wired).toBe(0);
    expect(process.space?.pmap.wiredCount).toBe(0);
    expectSound(system);
    expectNoLeak(system);
  });

  it('a dirty page that is wired by one mapping, and thrown away by another, is not wired for ever', () => {
    run(function* (user, system) {
      makeFile(system, 'file', PAGE);
      const fd = yield* open(user, 'file', O_RDWR);
      const wired = yield* mapFile(user, fd, PAGE, RW, MAP_SHARED);
      const other = yield* mapFile(user, fd, PAGE, RW, MAP_SHARED);
      expect(yield* user.mlock(wired, PAGE)).toBe(0);
      yield* user.store8(wired, 3);
      expect(yield* user.msync(other, PAGE, MS_INVALIDATE)).toBe(0);
      expect(yield* user.load8(wired)).toBe(3);
      expect(system.uvm.uvmexp.wired).toBe(1);
      expect(yield* user.munlock(wired, PAGE)).toBe(0);
      expect(system.uvm.uvmexp.wired).toBe(0);
    });
  });

  it('mlockall leaves alone what allows no access, although it is wired', () => {
    run(function* (user, system) {
      const map = yield* mapAnon(user, 1);
      expect(yield* user.mlock(map, PAGE)).toBe(0);
      expect(yield* user.mprotect(map, PAGE, PROT_NONE)).toBe(0);
      expect(yield* user.mlockall(MCL_CURRENT)).toBe(0);
      expect(yield* user.munlock(map, PAGE)).toBe(0);
      expect(system.uvm.uvmexp.wired).toBe(0);
    });
  });
});

describe('arguments', () => {
  it('mmap with a length of which nothing is left below the stack is ENOMEM, wherever it is to be near', () => {
    run(function* (user) {
      for (const near of [0, 0x10000, -1]) {
        for (const length of [-PAGE, 2 ** 62]) {
          expect(yield* user.mmap(near, length, RW, PRIVATE_ANON), `near ${near}, ${length} bytes`).toBe(-ENOMEM);
        }
      }
    });
  });

  it('mmap near an address above 2^63, and nowhere else, is ENOMEM', () => {
    run(function* (user) {
      expect(yield* user.mmap(-PAGE, PAGE, RW, PRIVATE_ANON | MAP_TRYFIXED)).toBe(-ENOMEM);
    });
  });

  it('mremap makes shared anonymous memory larger, and the new part can be used', () => {
    run(function* (user) {
      const map = yield* mapAnon(user, 1, RW, MAP_ANON | MAP_SHARED);
      const larger = yield* user.mremap(map, PAGE, 0, 2 * PAGE, 0);
      yield* user.store8(larger + PAGE, 9);
      expect(yield* user.load8(larger + PAGE)).toBe(9);
    });
  });

  for (const [what, move] of [
    ['in place', 0],
    ['elsewhere', -16 * PAGE],
  ] as const) {
    it(`mremap of a range that ends in a hole cannot extend it, ${what}: EINVAL, and what was mapped still is`, () => {
      //     [ page )[ hole )  ->  [ page )[ hole )[ more? )   there is nothing before the third page to be continued
      run(function* (user, system) {
        const map = yield* user.mmap(0x100000, 2 * PAGE, RW, PRIVATE_ANON | MAP_FIXED);
        yield* user.store8(map, 5);
        expect(yield* user.munmap(map + PAGE, PAGE)).toBe(0);
        expect(yield* user.mremap(map, 2 * PAGE, map + move, 3 * PAGE, MAP_FIXED)).toBe(-EINVAL);
        expect(yield* user.load8(map)).toBe(5);
        expect(entriesOf(system, user.process).map(({ start, end }) => [start, end])).toEqual([[map, map + PAGE]]);
      });
    });
  }

  it('a page of shared memory that is first used by a store to a private mapping of it can be paged out', () => {
    run(function* (user) {
      const fd = yield* user.shmOpen('/object', O_RDWR | O_CREAT);
      yield* user.ftruncate(fd, PAGE);
      const map = yield* mapFile(user, fd, PAGE, RW, MAP_PRIVATE);
      yield* user.store8(map, 1);
    });
  });

  it('pages of POSIX shared memory can be lent', () => {
    run(function* (user) {
      const fd = yield* user.shmOpen('/object', O_RDWR | O_CREAT);
      yield* user.ftruncate(fd, PAGE);
      const map = yield* mapFile(user, fd, PAGE, RW, MAP_SHARED);
      yield* user.store8(map, 1);
      const [a, b] = yield* pairOf(user);
      expect(yield* user.send(a, map, PAGE)).toBe(PAGE);
      yield* user.store8(map, 2);
      const into = yield* mapAnon(user, 1);
      expect(yield* user.recv(b, into, PAGE)).toBe(PAGE);
      expect(yield* user.load8(into)).toBe(1);
    });
  });
});
