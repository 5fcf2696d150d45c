/** POSIX shared memory, and files of tmpfs, which it is made of: through system calls. */
import { describe, expect, it } from 'vitest';
import {
  EACCES,
  EEXIST,
  EINVAL,
  ENAMETOOLONG,
  ENOENT,
  ENOSPC,
  IPC_CREAT,
  IPC_PRIVATE,
  IPC_RMID,
  MADV_FREE,
  MAP_PRIVATE,
  MAP_SHARED,
  MS_INVALIDATE,
  MS_SYNC,
  O_CREAT,
  O_EXCL,
  O_RDONLY,
  O_RDWR,
  O_TRUNC,
  SEEK_END,
  type Step,
  type User,
} from '../../src/index.js';
import { act, boot, bootProcess, expectNoLeak, expectSound, run } from '../harness.js';
import { BUS, bytesAt, DONE, endOfChild, expectAll, fill, mapAnon, mapFile, open, PAGE, RW, residentPages } from './support.js';

/** Opens a new memory object of so many pages. */
function* openObject(user: User, name: string, pages: number): Step<number> {
  const fd = yield* user.shmOpen(name, O_RDWR | O_CREAT);
  expect(fd, `shm_open of ${name}`).toBeGreaterThanOrEqual(0);
  expect(yield* user.ftruncate(fd, pages * PAGE)).toBe(0);
  return fd;
}

describe('shm_open and shm_unlink', () => {
  it('name objects that processes share', () => {
    const { system, process } = bootProcess();
    const other = system.spawn('other');
    act(system, process, function* (user) {
      const fd = yield* openObject(user, '/object', 3);
      const at = yield* mapFile(user, fd, 3 * PAGE, RW, MAP_SHARED);
      yield* user.store32(at + PAGE, 17);
    });
    act(system, other, function* (user) {
      const fd = yield* user.shmOpen('/object', O_RDWR);
      const at = yield* mapFile(user, fd, 3 * PAGE, RW, MAP_SHARED);
      expect(yield* user.load32(at + PAGE)).toBe(17);
      expect(yield* user.lseek(fd, 0, SEEK_END)).toBe(3 * PAGE);
      expect(yield* user.shmUnlink('/object')).toBe(0);
      expect(yield* user.shmOpen('/object', O_RDWR)).toBe(-ENOENT);
      yield* user.store32(at, 18);
    });
    expect(system.sys.vfs.lookup('/var/shm/.shmobj_object')).toBeNull();
    expectNoLeak(system);
    expect(system.uvm.aobjs.size).toBe(0);
  });

  it('refuse names that are none, as the C library does', () => {
    run(function* (user) {
      expect(yield* user.shmOpen('object', O_RDWR | O_CREAT)).toBe(-EINVAL);
      expect(yield* user.shmOpen('/a/b', O_RDWR | O_CREAT)).toBe(-EINVAL);
      expect(yield* user.shmUnlink('object')).toBe(-EINVAL);
      expect(yield* user.shmOpen(`/${'x'.repeat(1100)}`, O_RDWR | O_CREAT)).toBe(-ENAMETOOLONG);
      expect(yield* user.shmUnlink('/nothing')).toBe(-ENOENT);
      expect(yield* user.shmOpen('/object', O_RDWR)).toBe(-ENOENT);
    });
  });

  it('take the flags of open', () => {
    const { system, process } = bootProcess();
    act(system, process, function* (user) {
      const fd = yield* openObject(user, '/object', 1);
      expect(yield* user.shmOpen('/object', O_RDWR | O_CREAT | O_EXCL)).toBe(-EEXIST);
      const again = yield* user.shmOpen('/object', O_RDONLY);
      expect(yield* user.mmap(0, PAGE, RW, MAP_SHARED, again)).toBe(-EACCES);
      expect(yield* user.ftruncate(again, 0)).toBe(-EINVAL);
      yield* user.shmOpen('/object', O_RDWR | O_TRUNC);
      expect(yield* user.lseek(fd, 0, SEEK_END)).toBe(0);
      expect(process.files.open({ closeOnExec: true }), 'not for the next program').toEqual(process.files.open());
    });
    expectSound(system);
  });
});

describe('a file of tmpfs', () => {
  it('has the same bytes for descriptors and mappings', () => {
    run(function* (user) {
      const fd = yield* openObject(user, '/object', 2);
      const at = yield* mapFile(user, fd, 2 * PAGE, RW, MAP_SHARED);
      const buffer = yield* mapAnon(user, 1);
      yield* fill(user, at + PAGE - 3, 6, 9);
      expect(yield* user.pread(fd, buffer, 8, PAGE - 4)).toBe(8);
      expect([...(yield* bytesAt(user, buffer, 8))]).toEqual([0, 9, 9, 9, 9, 9, 9, 0]);
      yield* fill(user, buffer, 2, 4);
      expect(yield* user.pwrite(fd, buffer, 2, 2 * PAGE - 1)).toBe(2);
      expect(yield* user.load8(at + 2 * PAGE - 1)).toBe(4);
      expect(yield* user.lseek(fd, 0, SEEK_END), 'it has grown').toBe(2 * PAGE + 1);
      expect(yield* user.pread(fd, buffer, 10, 2 * PAGE)).toBe(1);
      expect(yield* user.pread(fd, buffer, 10, 3 * PAGE), 'behind the end').toBe(0);
    });
  });

  it('has holes, which read as zeros and take no memory', () => {
    const { system, process } = bootProcess();
    act(system, process, function* (user) {
      const fd = yield* openObject(user, '/object', 0);
      const buffer = yield* mapAnon(user, 1);
      yield* fill(user, buffer, 1, 7);
      expect(yield* user.pwrite(fd, buffer, 1, 64 * PAGE)).toBe(1);
      const before = system.uvm.uvmexp.anonpages;
      const at = yield* mapFile(user, fd, 65 * PAGE, RW, MAP_SHARED);
      expect(yield* residentPages(user, at, 65)).toBe(1);
      expect(system.uvm.uvmexp.anonpages).toBe(before);
      expect(yield* user.load8(at + 30 * PAGE)).toBe(0);
      expect(yield* user.load8(at + 64 * PAGE)).toBe(7);
    });
    expectSound(system);
  });

  it('gives back what lies behind its new end when it is cut, and reads as zeros there once it grows again', () => {
    const { system, process } = bootProcess();
    act(system, process, function* (user) {
      const fd = yield* openObject(user, '/object', 4);
      const at = yield* mapFile(user, fd, 4 * PAGE, RW, MAP_SHARED);
      yield* fill(user, at, 4 * PAGE, 5);
      const before = system.uvm.uvmexp.free;
      expect(yield* user.ftruncate(fd, PAGE + 100)).toBe(0);
      expect(system.uvm.uvmexp.free).toBe(before + 2);
      yield* user.store8(at + PAGE + 200, 6);
      expect(yield* endOfChild(user, (child) => child.store8(at + 2 * PAGE, 1)), 'a store behind the end').toEqual(BUS);
      expect(yield* user.ftruncate(fd, 4 * PAGE)).toBe(0);
      expectAll(yield* bytesAt(user, at, PAGE + 100), 5);
      expectAll(yield* bytesAt(user, at + PAGE + 100, 3 * PAGE - 100), 0);
      yield* user.shmUnlink('/object');
    });
    expectNoLeak(system);
  });

  it('lives on while it is open or mapped, after its name is gone', () => {
    const { system, process } = bootProcess();
    const free = system.uvm.uvmexp.free;
    act(system, process, function* (user) {
      const fd = yield* openObject(user, '/object', 2);
      const at = yield* mapFile(user, fd, 2 * PAGE, RW, MAP_SHARED);
      yield* user.store8(at, 3);
      yield* user.shmUnlink('/object');
      yield* user.close(fd);
      expect(yield* user.load8(at)).toBe(3);
      expect(yield* user.munmap(at, 2 * PAGE)).toBe(0);
    });
    expectSound(system);
    expect(system.uvm.uvmexp.free).toBe(free);
    expect(system.uvm.aobjs.size).toBe(0);
    expect(system.sys.vfs.fileSystemOf('/var/shm/x')?.bytesUsed).toBe(0);
  });

  it('is copied where it is mapped privately, and shared where not; children too', () => {
    const { system, process } = bootProcess();
    act(system, process, function* (user) {
      const fd = yield* openObject(user, '/object', 2);
      const shared = yield* mapFile(user, fd, 2 * PAGE, RW, MAP_SHARED);
      const own = yield* mapFile(user, fd, 2 * PAGE, RW, MAP_PRIVATE);
      yield* user.store8(shared, 1);
      expect(yield* user.load8(own)).toBe(1);
      yield* user.store8(own, 2);
      yield* user.store8(shared, 3);
      expect(yield* user.load8(own)).toBe(2);
      const child = yield* endOfChild(user, function* (forked) {
        expect(yield* forked.load8(own)).toBe(2);
        yield* forked.store8(own, 4);
        yield* forked.store8(shared + PAGE, 5);
      });
      expect(child).toEqual(DONE);
      expect(yield* user.load8(own)).toBe(2);
      expect(yield* user.load8(shared + PAGE)).toBe(5);
      yield* user.shmUnlink('/object');
    });
    expectNoLeak(system);
  });

  it('loses nothing to msync, madvise and mlock', () => {
    const { system, process } = bootProcess();
    act(system, process, function* (user) {
      const fd = yield* openObject(user, '/object', 2);
      const at = yield* mapFile(user, fd, 2 * PAGE, RW, MAP_SHARED);
      yield* fill(user, at, 2 * PAGE, 8);
      expect(yield* user.msync(at, 2 * PAGE, MS_SYNC | MS_INVALIDATE)).toBe(0);
      expect(yield* user.madvise(at, 2 * PAGE, MADV_FREE)).toBe(0);
      expect(yield* user.fsync(fd)).toBe(0);
      expect(yield* user.mlock(at, 2 * PAGE)).toBe(0);
      expect(system.uvm.uvmexp.wired).toBe(2);
      expectAll(yield* bytesAt(user, at, 2 * PAGE), 8);
      expect(yield* user.munlock(at, 2 * PAGE)).toBe(0);
      yield* user.shmUnlink('/object');
    });
    expectNoLeak(system);
  });

  it('is cut under a wired mapping, and wired again as it grows', () => {
    const { system, process } = bootProcess();
    act(system, process, function* (user) {
      const fd = yield* openObject(user, '/object', 2);
      const at = yield* mapFile(user, fd, 2 * PAGE, RW, MAP_SHARED);
      yield* user.mlock(at, 2 * PAGE);
      yield* user.store8(at + PAGE, 8);
      expect(yield* user.ftruncate(fd, PAGE)).toBe(0);
      expect(system.uvm.uvmexp.wired).toBe(1);
      yield* user.ftruncate(fd, 2 * PAGE);
      expect(yield* user.load8(at + PAGE)).toBe(0);
      expect(system.uvm.uvmexp.wired).toBe(2);
      expect(yield* user.munlock(at, 2 * PAGE)).toBe(0);
      yield* user.shmUnlink('/object');
    });
    expectNoLeak(system);
  });

  it('has room while memory and swap have, and while its file system has', () => {
    const { system, process } = bootProcess();
    system.sys.vfs.mount('/tmp', system.vm.createMemoryFileSystem(8 * PAGE));
    act(system, process, function* (user) {
      const fd = yield* openObject(user, '/object', 0);
      expect(yield* user.ftruncate(fd, 10_000 * PAGE), 'more than there is').toBe(-ENOSPC);
      const small = yield* open(user, '/tmp/file', O_RDWR | O_CREAT);
      expect(yield* user.ftruncate(small, 8 * PAGE)).toBe(-ENOSPC);
      expect(yield* user.ftruncate(small, 7 * PAGE)).toBe(0);
      const other = yield* open(user, '/tmp/other', O_RDWR | O_CREAT);
      const buffer = yield* mapAnon(user, 1);
      yield* fill(user, buffer, 1, 1);
      expect(yield* user.write(other, buffer, 1)).toBe(-ENOSPC);
      expect(yield* user.lseek(other, 0, SEEK_END)).toBe(0);
      expect(yield* user.ftruncate(small, 0)).toBe(0);
      expect(yield* user.write(other, buffer, 1)).toBe(1);
      expect(yield* user.unlink('/tmp/file')).toBe(0);
      expect(system.sys.vfs.fileSystemOf('/tmp/x')?.bytesUsed).toBe(PAGE);
    });
    expectSound(system);
  });

  it('goes to swap and comes back, with segments and private memory beside it', () => {
    const system = boot({ ram: 96 * PAGE, swap: [{ name: 'wd0', pages: 256 }] });
    const process = system.spawn('test');
    const PAGES = 40;
    act(system, process, function* (user) {
      const fd = yield* openObject(user, '/object', PAGES);
      const object = yield* mapFile(user, fd, PAGES * PAGE, RW, MAP_SHARED);
      const id = yield* user.shmget(IPC_PRIVATE, PAGES * PAGE, IPC_CREAT | 0o600);
      const segment = yield* user.shmat(id, 0, 0);
      const own = yield* mapAnon(user, PAGES);
      for (let round = 1; round <= 3; round++) {
        for (let page = 0; page < PAGES; page++) {
          for (const [i, at] of [object, segment, own].entries())
            yield* user.store32(at + page * PAGE, 1000 * round + 3 * page + i);
        }
        for (let page = 0; page < PAGES; page++) {
          for (const [i, at] of [object, segment, own].entries()) {
            expect(yield* user.load32(at + page * PAGE), `round ${round}, page ${page}`).toBe(1000 * round + 3 * page + i);
          }
        }
      }
      expect(yield* residentPages(user, object, PAGES)).toBeLessThan(PAGES);
      expect(yield* user.shmdt(segment)).toBe(0);
      expect(yield* user.shmctl(id, IPC_RMID)).toBe(0);
      expect(yield* user.shmUnlink('/object')).toBe(0);
    });
    expect(system.uvm.uvmexp.pgswapin).toBeGreaterThan(PAGES);
    expectNoLeak(system);
    expect(system.uvm.uvmexp.swpginuse).toBe(0);
  });
});
