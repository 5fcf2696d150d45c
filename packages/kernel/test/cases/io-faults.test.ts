/** Faults from outside, on files: what a program is told, and that nothing is lost of which it was told that it is safe. */
import { describe, expect, it } from 'vitest';
import {
  type BootOptions,
  EIO,
  ENOSPC,
  type IoFault,
  MAP_SHARED,
  MS_INVALIDATE,
  MS_SYNC,
  type NetbsdSystem,
  O_CREAT,
  O_RDWR,
  type Process,
  RamFile,
  SIGBUS,
  type SignalInfo,
  type Step,
  type User,
} from '../../src/index.js';
import { HZ } from '../../src/kern/scheduler.js';
import { BUS_OBJERR } from '../../src/sys/signal.js';
import { act, bootProcess, expectSound } from '../harness.js';
import { nothing } from '../threads.js';
import { bytesAt, expectAll, fill, mapAnon, mapFile, open, PAGE, RW } from './support.js';

const PAGES = 4;

/** A system with a file of four pages full of 1, with which this goes wrong; of a file system that reads and writes single pages. */
function withFaults(
  faults: readonly IoFault[],
  options: Partial<BootOptions> & { content?: RamFile } = {},
): { system: NetbsdSystem; process: Process; rests: RamFile } {
  const { content: rests = new RamFile('file', new Uint8Array(PAGES * PAGE).fill(1)), ...boot } = options;
  const { system, process } = bootProcess({ blockSize: PAGE, ioFaults: { '/file': faults }, ...boot });
  system.sys.vfs.add('file', rests);
  return { system, process, rests };
}

/** Does a job and answers the signals that came; where a signal comes, the access is passed over. */
function signalsOf(system: NetbsdSystem, process: Process, job: (user: User) => Step<void>): SignalInfo[] {
  const signals: SignalInfo[] = [];
  act(system, process, function* (user) {
    user.sigaction(SIGBUS, function* (info) {
      yield* nothing();
      signals.push(info);
      return 'skip';
    });
    yield* job(user);
  });
  return signals;
}

/** The first byte of each page that rests in a file. */
function firstBytes(file: RamFile): number[] {
  const bytes = new Uint8Array(file.size);
  file.read(0, bytes);
  return Array.from({ length: Math.ceil(file.size / PAGE) }, (_, page) => bytes[page * PAGE] ?? -1);
}

describe('a page of a file that cannot be read', () => {
  it('is SIGBUS to who loads it, and is there when it can be read again', () => {
    const { system, process } = withFaults([{ on: 'read', nth: 2, times: 2, errno: EIO }]);
    const signals = signalsOf(system, process, function* (user) {
      const fd = yield* open(user, 'file', O_RDWR);
      const map = yield* mapFile(user, fd, PAGES * PAGE, RW, MAP_SHARED);
      const values: number[] = [];
      for (let page = 0; page < 2; page++) values.push(yield* user.load8(map + page * PAGE));
      values.push(yield* user.load8(map + PAGE), yield* user.load8(map + PAGE));
      expect(values).toEqual([1, 0, 0, 1]);
    });
    const wanted = { signal: SIGBUS, code: BUS_OBJERR };
    expect(signals).toMatchObject([wanted, wanted]);
    expectSound(system);
  });

  it('is an error to who reads it, even behind others that can be read', () => {
    const { system, process } = withFaults([{ on: 'read', nth: 3, bytes: 100 }]);
    act(system, process, function* (user) {
      const buffer = yield* mapAnon(user, PAGES);
      const fd = yield* open(user, 'file', O_RDWR);
      expect(yield* user.read(fd, buffer, PAGES * PAGE)).toBe(-EIO);
      expect(yield* user.read(fd, buffer, PAGES * PAGE), 'two pages were read, and count').toBe(2 * PAGE);
    });
    expectSound(system);
  });

  it('of the part that a write leaves as it is, fails the write, and the file is what it was', () => {
    const { system, process, rests } = withFaults([{ on: 'read', errno: EIO }]);
    act(system, process, function* (user) {
      const buffer = yield* mapAnon(user, 1);
      const fd = yield* open(user, 'file', O_RDWR);
      expect(yield* user.pwrite(fd, buffer, 10, PAGE - 5)).toBe(-EIO);
      expect(yield* user.fsync(fd)).toBe(0);
      expect(yield* user.pread(fd, buffer, 10, PAGE - 5)).toBe(10);
      expectAll(yield* bytesAt(user, buffer, 10), 1);
    });
    expect(firstBytes(rests)).toEqual([1, 1, 1, 1]);
    expectSound(system);
  });
});

describe('pages that cannot be written back', () => {
  const failures: [what: string, fault: IoFault][] = [
    ['fail', { on: 'write', nth: 2, errno: EIO }],
    ['stop in the middle', { on: 'write', nth: 2, bytes: 1000 }],
    ['find no room', { on: 'write', nth: 2, errno: ENOSPC }],
  ];
  for (const [what, fault] of failures) {
    it(`because writes ${what}: msync and fsync say so, the bytes stay in memory, and are written the next time`, () => {
      for (const call of ['msync', 'fsync'] as const) {
        const { system, process, rests } = withFaults([fault]);
        act(system, process, function* (user) {
          const fd = yield* open(user, 'file', O_RDWR);
          const map = yield* mapFile(user, fd, PAGES * PAGE, RW, MAP_SHARED);
          for (let page = 0; page < PAGES; page++) yield* fill(user, map + page * PAGE, PAGE, 10 + page);
          const sync = (): Step<number> => (call === 'msync' ? user.msync(map, PAGES * PAGE, MS_SYNC) : user.fsync(fd));
          expect(yield* sync()).toBe(-(fault.errno ?? EIO));
          for (let page = 0; page < PAGES; page++) expect(yield* user.load8(map + page * PAGE)).toBe(10 + page);
          expect(yield* sync()).toBe(0);
        });
        expect(firstBytes(rests)).toEqual([10, 11, 12, 13]);
        expectSound(system);
      }
    });
  }

  it('are kept even when they are to be thrown out of memory', () => {
    const { system, process, rests } = withFaults([{ on: 'write', errno: EIO }]);
    act(system, process, function* (user) {
      const fd = yield* open(user, 'file', O_RDWR);
      const map = yield* mapFile(user, fd, PAGE, RW, MAP_SHARED);
      yield* user.store8(map, 9);
      expect(yield* user.msync(map, PAGE, MS_SYNC | MS_INVALIDATE)).toBe(-EIO);
      expect(yield* user.load8(map)).toBe(9);
      expect(yield* user.fsync(fd)).toBe(0);
    });
    expect(firstBytes(rests)[0]).toBe(9);
    expectSound(system);
  });
});

describe('a flush that fails', () => {
  it('is told, and told again until one has worked', () => {
    const { system, process } = withFaults([{ on: 'sync', times: 2, errno: EIO }]);
    act(system, process, function* (user) {
      const fd = yield* open(user, 'file', O_RDWR);
      const map = yield* mapFile(user, fd, PAGE, RW, MAP_SHARED);
      yield* user.store8(map, 9);
      const answers: number[] = [];
      for (let i = 0; i < 3; i++) answers.push(yield* user.msync(map, PAGE, MS_SYNC));
      expect(answers).toEqual([-EIO, -EIO, 0]);
    });
    expectSound(system);
  });
});

describe('a full disk', () => {
  it('is ENOSPC to who writes, and the file is as long as before', () => {
    const rests = new RamFile('file', new Uint8Array(10).fill(1), { capacity: 2 });
    const { system, process } = withFaults([], { content: rests });
    act(system, process, function* (user) {
      const buffer = yield* mapAnon(user, 4);
      yield* fill(user, buffer, 4 * PAGE, 7);
      const fd = yield* open(user, 'file', O_RDWR);
      expect(yield* user.write(fd, buffer, 4 * PAGE)).toBe(-ENOSPC);
      expect(yield* user.read(fd, buffer, 4 * PAGE)).toBe(10);
      expect(yield* user.pwrite(fd, buffer, 2 * PAGE, 0), 'what there is room for').toBe(2 * PAGE);
      expect(yield* user.fsync(fd)).toBe(0);
    });
    expect(rests.size).toBe(2 * PAGE);
    expectSound(system);
  });

  it('is SIGBUS to who stores to a hole of a mapped file; what was stored before is safe', () => {
    const rests = new RamFile('file', { size: PAGES * PAGE }, { capacity: 1 });
    const { system, process } = withFaults([], { content: rests });
    const signals = signalsOf(system, process, function* (user) {
      const fd = yield* open(user, 'file', O_RDWR);
      const map = yield* mapFile(user, fd, PAGES * PAGE, RW, MAP_SHARED);
      expect(yield* user.load8(map + PAGE), 'a hole can be read').toBe(0);
      yield* user.store8(map, 5);
      yield* user.store8(map + PAGE, 6);
      expect(yield* user.load8(map + PAGE)).toBe(0);
      expect(yield* user.msync(map, PAGES * PAGE, MS_SYNC)).toBe(0);
    });
    expect(signals).toMatchObject([{ signal: SIGBUS, code: BUS_OBJERR }]);
    expect(firstBytes(rests)).toEqual([5, 0, 0, 0]);
    expectSound(system);
  });

  it('that fills up although there was room: msync tells, and once there is room again nothing is lost', () => {
    const { system, process, rests } = withFaults([{ on: 'write', times: 3, errno: ENOSPC }]);
    act(system, process, function* (user) {
      const fd = yield* open(user, 'file', O_RDWR);
      const map = yield* mapFile(user, fd, PAGE, RW, MAP_SHARED);
      yield* user.store8(map, 9);
      const answers: number[] = [];
      for (let i = 0; i < 4; i++) answers.push(yield* user.msync(map, PAGE, MS_SYNC));
      expect(answers).toEqual([-ENOSPC, -ENOSPC, -ENOSPC, 0]);
    });
    expect(firstBytes(rests)[0]).toBe(9);
    expectSound(system);
  });
});

describe('an I/O that takes its time', () => {
  it('has who waits for it wait so long, and no longer', () => {
    const { system, process } = withFaults([
      { on: 'read', delay: 3 * HZ },
      { on: 'write', delay: 5 * HZ },
      { on: 'sync', delay: 7 * HZ },
    ]);
    const { scheduler } = system.kern;
    act(system, process, function* (user) {
      const fd = yield* open(user, 'file', O_RDWR);
      const map = yield* mapFile(user, fd, PAGE, RW, MAP_SHARED);
      const times = [scheduler.tick];
      yield* user.store8(map, 9);
      times.push(scheduler.tick);
      expect(yield* user.msync(map, PAGE, MS_SYNC)).toBe(0);
      times.push(scheduler.tick);
      yield* user.store8(map, 8);
      expect(yield* user.fsync(fd)).toBe(0);
      times.push(scheduler.tick);
      expect(times).toEqual([0, 3 * HZ, 15 * HZ, 15 * HZ]);
    });
    expectSound(system);
  });
});

describe('a file that is made by the program', () => {
  it('has the faults of its name', () => {
    const { system, process } = bootProcess({ ioFaults: { '/new': [{ on: 'allocate', times: 'all', errno: ENOSPC }] } });
    act(system, process, function* (user) {
      const buffer = yield* mapAnon(user, 1);
      const fd = yield* open(user, './new', O_RDWR | O_CREAT);
      expect(yield* user.write(fd, buffer, 10)).toBe(-ENOSPC);
      expect(yield* user.ftruncate(fd, 10), 'a hole takes no room').toBe(0);
    });
    expectSound(system);
  });
});
