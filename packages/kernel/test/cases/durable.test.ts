/** What a program has been told is durable, is: `msync(2)` and `fsync(2)` on a disk that loses power. */
import { describe, expect, it } from 'vitest';
import { EIO, type Errno, MAP_SHARED, MS_ASYNC, MS_SYNC, O_RDWR, RamFile, type Step, type User } from '../../src/index.js';
import { act, bootProcess, expectSound } from '../harness.js';
import { expectAll, fill, mapFile, open, PAGE, RW } from './support.js';

/** A file on a disk with a cache: without power, there is what it had when it was synced last. */
class CachedFile extends RamFile {
  /** The file after a loss of power. */
  durable: Uint8Array;
  syncs = 0;
  /** What the next sync answers. */
  nextSync: Errno = 0;

  constructor(pages: number) {
    super('file', { size: pages * PAGE });
    this.durable = new Uint8Array(pages * PAGE);
  }

  override sync(): Errno {
    this.syncs++;
    const errno = this.nextSync;
    this.nextSync = 0;
    if (errno !== 0) return errno;
    this.durable = new Uint8Array(this.size);
    return this.read(0, this.durable);
  }
}

/** Runs a program on a file of 4 pages, all of which it has mapped. */
function onFile(job: (user: User, file: CachedFile, fd: number, map: number) => Step<void>): void {
  const { system, process } = bootProcess();
  const file = new CachedFile(4);
  system.sys.vfs.add('file', file);
  act(system, process, function* (user) {
    const fd = yield* open(user, 'file', O_RDWR);
    yield* job(user, file, fd, yield* mapFile(user, fd, 4 * PAGE, RW, MAP_SHARED));
  });
  expectSound(system);
}

describe('a store to a shared mapping of a file', () => {
  it('is durable once msync has said so', () => {
    onFile(function* (user, file, _, map) {
      yield* fill(user, map + PAGE, PAGE, 5);
      expect(yield* user.msync(map, 4 * PAGE, MS_SYNC)).toBe(0);
      expectAll(file.durable.subarray(PAGE, 2 * PAGE), 5);
    });
  });

  it('is durable once a synchronous msync has said so, also when an asynchronous one before has written it', () => {
    onFile(function* (user, file, _, map) {
      yield* fill(user, map, PAGE, 5);
      expect(yield* user.msync(map, PAGE, MS_ASYNC)).toBe(0);
      expect(yield* user.msync(map, PAGE, MS_SYNC)).toBe(0);
      expectAll(file.durable.subarray(0, PAGE), 5);
    });
  });

  it('is not said to be durable when the disk could not be flushed, and is when a later msync could', () => {
    onFile(function* (user, file, _, map) {
      yield* fill(user, map, PAGE, 5);
      file.nextSync = EIO;
      expect(yield* user.msync(map, PAGE, MS_SYNC)).toBe(-EIO);
      expectAll(file.durable.subarray(0, PAGE), 0);
      expect(yield* user.msync(map, PAGE, MS_SYNC)).toBe(0);
      expectAll(file.durable.subarray(0, PAGE), 5);
    });
  });

  it('needs one flush for an msync or an fsync, and none when nothing was stored since', () => {
    onFile(function* (user, file, fd, map) {
      yield* fill(user, map, 2 * PAGE, 5);
      expect(yield* user.msync(map, 4 * PAGE, MS_SYNC)).toBe(0);
      expect(yield* user.msync(map, 4 * PAGE, MS_SYNC)).toBe(0);
      expect(file.syncs).toBe(1);
      yield* fill(user, map, 2 * PAGE, 6);
      expect(yield* user.fsync(fd)).toBe(0);
      expect(file.syncs).toBe(2);
      expectAll(file.durable.subarray(0, 2 * PAGE), 6);
    });
  });
});

describe('a new size of a file', () => {
  it('is durable once fsync has said so', () => {
    onFile(function* (user, file, fd) {
      expect(yield* user.ftruncate(fd, PAGE + 1)).toBe(0);
      expect(yield* user.fsync(fd)).toBe(0);
      expect(file.durable.length).toBe(PAGE + 1);
    });
  });
});
