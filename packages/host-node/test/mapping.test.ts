/** Files of the host as memory: what programs do to a mapping is in the host's file when the system says so. */
import { readFileSync, statSync } from 'node:fs';
import {
  bootNetbsd,
  EACCES,
  EIO,
  EROFS,
  type Errno,
  MAP_PRIVATE,
  MAP_SHARED,
  MS_SYNC,
  type NetbsdSystem,
  O_RDONLY,
  O_RDWR,
  PAGE_SIZE,
  PROT_READ,
  PROT_WRITE,
  type Step,
  type User,
} from '@faultline/kernel';
import { describe, expect, it } from 'vitest';
import { HostFile, RecordingStore, ReplayingStore } from '../src/index.js';
import { temporaryDir } from './temporary.js';

const { file } = temporaryDir();
const RW = PROT_READ | PROT_WRITE;
const PAGE = PAGE_SIZE;

/** Has a process of a new system do something with the files that it is given, by name; expects the kernel to be sound afterwards. */
function run<T>(stores: Readonly<Record<string, HostFile | RecordingStore | ReplayingStore>>, job: (user: User) => Step<T>): T {
  const system: NetbsdSystem = bootNetbsd({ ram: 64 * PAGE });
  for (const [name, store] of Object.entries(stores)) system.sys.vfs.add(name, store);
  const outcome: { value?: T } = {};
  system.perform(system.spawn('test'), function* (user) {
    outcome.value = yield* job(user);
  });
  expect(system.audit()).toEqual([]);
  expect(outcome, 'the process came to the end of its job').toHaveProperty('value');
  return outcome.value as T;
}

function* opened(user: User, flags = O_RDWR): Step<number> {
  const fd = yield* user.open('/data', flags);
  expect(fd).toBeGreaterThanOrEqual(0);
  return fd;
}

function* mapped(user: User, fd: number, length: number, protection = RW, flags = MAP_SHARED): Step<number> {
  const address = yield* user.mmap(0, length, protection, flags, fd, 0);
  expect(address).toBeGreaterThan(0);
  return address;
}

function* bytesAt(user: User, address: number, length: number): Step<string> {
  const bytes = new Uint8Array(length);
  expect(yield* user.loadBytes(address, bytes)).toBe(0);
  return Buffer.from(bytes).toString('latin1');
}

const text = (bytes: string): Uint8Array => Buffer.from(bytes, 'latin1');

describe('a shared mapping of a file of the host', () => {
  it('has the bytes of the file, and the file has those that were stored once msync has written them', () => {
    const path = file('hello, world');
    run({ '/data': new HostFile(path) }, function* (user) {
      const map = yield* mapped(user, yield* opened(user), PAGE);
      // What lies behind the end of the file in its last page reads as zeros.
      expect(yield* bytesAt(user, map, 14)).toBe('hello, world\0\0');
      expect(yield* user.storeBytes(map + 7, text('there'))).toBe(0);
      expect(readFileSync(path, 'utf8'), 'before msync').toBe('hello, world');
      expect(yield* user.msync(map, PAGE, MS_SYNC)).toBe(0);
      expect(readFileSync(path, 'utf8'), 'after msync').toBe('hello, there');
    });
  });

  it('does not make the file longer by what is stored behind its end', () => {
    const path = file('1234');
    run({ '/data': new HostFile(path) }, function* (user) {
      const map = yield* mapped(user, yield* opened(user), PAGE);
      yield* user.storeBytes(map, text('abcdefgh'));
      expect(yield* user.msync(map, PAGE, MS_SYNC)).toBe(0);
    });
    expect(readFileSync(path, 'utf8')).toBe('abcd');
  });

  it('sees what write does, and fsync takes both to the file', () => {
    const path = file('.'.repeat(3 * PAGE));
    run({ '/data': new HostFile(path) }, function* (user) {
      const fd = yield* opened(user);
      const map = yield* mapped(user, fd, 3 * PAGE);
      yield* user.storeBytes(map, text('mapped'));
      expect(yield* user.pwrite(fd, map, 6, 2 * PAGE - 3)).toBe(6);
      expect(yield* bytesAt(user, map + 2 * PAGE - 4, 8)).toBe('.mapped.');
      expect(yield* user.fsync(fd)).toBe(0);
    });
    const content = readFileSync(path, 'latin1');
    expect([content.length, content.slice(0, 7), content.slice(2 * PAGE - 4, 2 * PAGE + 4)]).toEqual([
      3 * PAGE,
      'mapped.',
      '.mapped.',
    ]);
  });

  it('follows the file as it is cut and extended', () => {
    //   page    0     1     2            0     1     2     3
    //        [####][####][####]   ->  [####][##..][....][..x.]
    const path = file('#'.repeat(3 * PAGE));
    run({ '/data': new HostFile(path) }, function* (user) {
      const fd = yield* opened(user);
      const map = yield* mapped(user, fd, 4 * PAGE);
      expect(yield* bytesAt(user, map + 3 * PAGE - 1, 1)).toBe('#');
      expect(yield* user.ftruncate(fd, PAGE + 2)).toBe(0);
      expect(statSync(path).size).toBe(PAGE + 2);
      expect(yield* user.ftruncate(fd, 4 * PAGE)).toBe(0);
      expect(yield* bytesAt(user, map + PAGE, 4)).toBe('##\0\0');
      expect(yield* bytesAt(user, map + 3 * PAGE - 1, 1)).toBe('\0');
      yield* user.storeBytes(map + 3 * PAGE, text('x'));
      expect(yield* user.msync(map, 4 * PAGE, MS_SYNC)).toBe(0);
    });
    const content = readFileSync(path, 'latin1');
    expect(content).toBe(`${'#'.repeat(PAGE + 2)}${'\0'.repeat(2 * PAGE - 2)}x${'\0'.repeat(PAGE - 1)}`);
  });

  it('is the same memory for two processes', () => {
    const path = file('.'.repeat(PAGE));
    run({ '/data': new HostFile(path) }, function* (user) {
      const fd = yield* opened(user);
      const pid = yield* user.fork(function* (child) {
        const map = yield* mapped(child, fd, PAGE);
        yield* child.storeBytes(map, text('from the child'));
        yield* child.exit(0);
      });
      expect(yield* user.wait(pid)).toMatchObject({ pid });
      const map = yield* mapped(user, fd, PAGE);
      expect(yield* bytesAt(user, map, 14)).toBe('from the child');
      expect(yield* user.msync(map, PAGE, MS_SYNC)).toBe(0);
    });
    expect(readFileSync(path, 'latin1').slice(0, 15)).toBe('from the child.');
  });

  it('may be much larger than RAM: its pages are read as they are touched', () => {
    const path = file('');
    const store = new HostFile(path);
    expect(store.truncate(2 ** 40)).toBe(0);
    expect(store.write(2 ** 40 - 4, text('last'))).toBe(0);
    run({ '/data': store }, function* (user) {
      const map = yield* mapped(user, yield* opened(user), 2 ** 40);
      expect(yield* bytesAt(user, map + 2 ** 40 - 6, 6)).toBe('\0\0last');
      expect(yield* bytesAt(user, map + 2 ** 39, 1)).toBe('\0');
    });
  });
});

describe('a private mapping of a file of the host', () => {
  it('leaves the file as it is', () => {
    const path = file('hello, world');
    run({ '/data': new HostFile(path) }, function* (user) {
      const fd = yield* opened(user);
      const map = yield* mapped(user, fd, PAGE, RW, MAP_PRIVATE);
      yield* user.storeBytes(map, text('HELLO'));
      expect(yield* user.msync(map, PAGE, MS_SYNC)).toBe(0);
      expect(yield* user.fsync(fd)).toBe(0);
      expect(yield* bytesAt(user, map, 12)).toBe('HELLO, world');
    });
    expect(readFileSync(path, 'utf8')).toBe('hello, world');
  });
});

describe('a file of the host that is read-only', () => {
  it('cannot be opened for writing, nor mapped shared and writable', () => {
    const path = file('hello, world');
    run({ '/data': new HostFile(path, { access: 'read-only' }) }, function* (user) {
      expect(yield* user.open('/data', O_RDWR)).toBe(-EROFS);
      const fd = yield* opened(user, O_RDONLY);
      expect(yield* user.mmap(0, PAGE, RW, MAP_SHARED, fd, 0)).toBe(-EACCES);
      const map = yield* mapped(user, fd, PAGE, PROT_READ);
      expect(yield* bytesAt(user, map, 5)).toBe('hello');
      expect(yield* user.mprotect(map, PAGE, RW)).toBe(-EACCES);
      const copy = yield* mapped(user, fd, PAGE, RW, MAP_PRIVATE);
      yield* user.storeBytes(copy, text('H'));
      expect(yield* bytesAt(user, copy, 5)).toBe('Hello');
    });
    expect(readFileSync(path, 'utf8')).toBe('hello, world');
  });
});

describe('an error of the host', () => {
  /** A file whose writes fail as long as it is told so. */
  class BrokenFile extends HostFile {
    broken = true;

    override write(offset: number, from: Uint8Array): Errno {
      return this.broken ? EIO : super.write(offset, from);
    }
  }

  it('is what msync and fsync answer, and the bytes are still there for another try', () => {
    const path = file('hello, world');
    const store = new BrokenFile(path);
    run({ '/data': store }, function* (user) {
      const fd = yield* opened(user);
      const map = yield* mapped(user, fd, PAGE);
      yield* user.storeBytes(map, text('HELLO'));
      expect(yield* user.msync(map, PAGE, MS_SYNC)).toBe(-EIO);
      expect(yield* user.fsync(fd)).toBe(-EIO);
      expect(readFileSync(path, 'utf8')).toBe('hello, world');
      store.broken = false;
      expect(yield* user.msync(map, PAGE, MS_SYNC)).toBe(0);
    });
    expect(readFileSync(path, 'utf8')).toBe('HELLO, world');
  });
});

describe('a run on a recorded file of the host', () => {
  function* program(user: User): Step<string> {
    const fd = yield* opened(user);
    const map = yield* mapped(user, fd, 3 * PAGE);
    const read = yield* bytesAt(user, map + PAGE - 3, 6);
    yield* user.storeBytes(map + PAGE, text(read.toUpperCase()));
    expect(yield* user.msync(map, 3 * PAGE, MS_SYNC)).toBe(0);
    expect(yield* user.ftruncate(fd, 2 * PAGE)).toBe(0);
    expect(yield* user.fsync(fd)).toBe(0);
    return yield* bytesAt(user, map + PAGE - 3, 9);
  }

  it('is repeated from the recording when the file is not what it was', () => {
    const path = file('abc'.repeat(PAGE));
    const store = new RecordingStore(new HostFile(path, { name: '/data' }));
    const result = run({ '/data': store }, program);
    expect(result).toBe('bcaBCABCA');
    const after = readFileSync(path);
    const replaying = new ReplayingStore(JSON.parse(JSON.stringify(store.recording)));
    expect(run({ '/data': replaying }, program)).toBe(result);
    expect(readFileSync(path).equals(after)).toBe(true);
  });

  it('is told apart from a run that does something else', () => {
    const store = new RecordingStore(new HostFile(file('abc'.repeat(PAGE)), { name: '/data' }));
    run({ '/data': store }, program);
    const other = () =>
      run({ '/data': new ReplayingStore(store.recording) }, function* (user) {
        const map = yield* mapped(user, yield* opened(user), PAGE);
        yield* user.storeBytes(map, text('x'));
        return yield* user.msync(map, PAGE, MS_SYNC);
      });
    expect(other).toThrow(
      /^\/data: operation \d+ is "write 4096 at 0, sha256 \w+", where the recording has ".*"; replay it with/,
    );
  });
});
