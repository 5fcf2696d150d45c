import { describe, expect, it } from 'vitest';
import { act, bootProcess, expectNoLeak, expectSound } from '../../test/harness.js';
import {
  type BootOptions,
  EACCES,
  EBUSY,
  EFAULT,
  EINVAL,
  EIO,
  ENOSPC,
  ENOTTY,
  EROFS,
  type Errno,
  ESPIPE,
  type Lwp,
  MAP_ANON,
  MAP_PRIVATE,
  MemoryDisk,
  MTBSF,
  MTBSR,
  MTFSF,
  MTFSR,
  MTIOCTOP,
  MTREW,
  MTWEOF,
  type NetbsdSystem,
  O_RDONLY,
  O_RDWR,
  O_WRONLY,
  PAGE_SIZE as PAGE,
  PROT_NONE,
  PROT_READ,
  type Process,
  type RawTape,
  RunToBlock,
  SEEK_END,
  SEEK_SET,
  type Step,
  type TapeOptions,
  type User,
} from '../index.js';

const RW = 3;
const ANON = MAP_ANON | MAP_PRIVATE;

/** Bytes that are all different from their neighbours, and from those of another seed. */
function pattern(length: number, seed = 1): Uint8Array {
  return Uint8Array.from({ length }, (_, i) => (i * 7 + (i >> 8) * 13 + seed * 31) & 0xff);
}

/** An environment that fails at one kind of place. */
class FailAt extends RunToBlock {
  readonly #site: string;

  constructor(site: string) {
    super();
    this.#site = site;
  }

  override choose(site: string): number {
    return site === this.#site ? 1 : 0;
  }
}

/** Of the threads that can go on, the one that was made last does. */
class NewestFirst extends RunToBlock {
  override pick(candidates: readonly Lwp[], usual: Lwp): Lwp {
    return candidates.at(-1) ?? usual;
  }
}

/** A system with a tape and a process. */
function withTape(
  options: TapeOptions = {},
  boot: Partial<BootOptions> = {},
): { system: NetbsdSystem; process: Process; tape: RawTape } {
  const { system, process } = bootProcess(boot);
  return { system, process, tape: system.addDevice('/dev/rst0', { kind: 'tape', ...options }) };
}

function* buffer(user: User, pages: number): Step<number> {
  return yield* user.mmap(0, pages * PAGE, RW, ANON);
}

function* contents(user: User, address: number, length: number): Step<Uint8Array> {
  const bytes = new Uint8Array(length);
  yield* user.loadBytes(address, bytes);
  return bytes;
}

describe('physio', () => {
  it('writes a record out of memory, and reads it back, at any offset in a page', () => {
    const { system, process, tape } = withTape();
    act(system, process, function* (user) {
      const at = yield* buffer(user, 4);
      yield* user.storeBytes(at + 100, pattern(5000));
      const fd = yield* user.open('/dev/rst0', O_RDWR);
      expect(yield* user.write(fd, at + 100, 5000)).toBe(5000);
      tape.operate(MTREW, 1);
      expect(yield* user.read(fd, at + 2 * PAGE + 3, 5000)).toBe(5000);
      expect(yield* contents(user, at + 2 * PAGE + 3, 5000)).toEqual(pattern(5000));
      yield* user.close(fd);
    });
    expect(tape.records).toEqual([pattern(5000)]);
    expect(system.uvm.vslocks.size + system.uvm.transfers.size + system.sys.physios.size).toBe(0);
    expect(system.uvm.uvmexp.wired).toBe(0);
    expect(system.machine.kernelPmap.residentCount).toBe(0);
    expectNoLeak(system);
  });

  it('moves what was asked for in chunks, and each is a record', () => {
    const { system, process, tape } = withTape({}, { maxphys: PAGE });
    act(system, process, function* (user) {
      const at = yield* buffer(user, 4);
      yield* user.storeBytes(at, pattern(3 * PAGE + 10));
      const fd = yield* user.open('/dev/rst0', O_RDWR);
      expect(yield* user.write(fd, at, 3 * PAGE + 10)).toBe(3 * PAGE + 10);
      // What is read that way begins in the middle of a page, so that chunks share pages, and come one after the other.
      tape.operate(MTREW, 1);
      expect(yield* user.read(fd, at + 5, 2 * PAGE)).toBe(2 * PAGE);
      expect(yield* contents(user, at + 5, 2 * PAGE)).toEqual(pattern(2 * PAGE));
    });
    expect(tape.records.map((record) => record?.length)).toEqual([PAGE, PAGE, PAGE, 10]);
    expectSound(system);
  });

  it('gives a device up to sixteen chunks at a time', () => {
    const { system, process, tape } = withTape({}, { maxphys: PAGE });
    let most = 0;
    const { transfer } = tape;
    tape.transfer = (sys, request) => {
      const add = sys.physios.add.bind(sys.physios);
      sys.physios.add = (chunk) => {
        add(chunk);
        most = Math.max(most, sys.physios.size);
        return sys.physios;
      };
      return transfer.call(tape, sys, request);
    };
    act(system, process, function* (user) {
      const at = yield* buffer(user, 20);
      yield* user.storeBytes(at, pattern(20 * PAGE));
      const fd = yield* user.open('/dev/rst0', O_RDWR);
      expect(yield* user.write(fd, at, 20 * PAGE)).toBe(20 * PAGE);
    });
    expect(most).toBe(16);
    const expected = pattern(20 * PAGE);
    expect(tape.records).toEqual(Array.from({ length: 20 }, (_, i) => expected.slice(i * PAGE, (i + 1) * PAGE)));
    expectSound(system);
  });

  it('wires the pages meanwhile, without touching the entry', () => {
    const { system, process, tape } = withTape();
    const seen: (readonly number[])[] = [];
    const { strategy } = tape;
    tape.strategy = (sys, request) => {
      const [wiring] = system.uvm.vslocks;
      seen.push((wiring?.pages ?? []).map((page) => system.uvm.pages.wireCount(page)));
      expect(system.uvm.uvmexp.wired).toBe(2);
      expect([...system.uvm.maps].flatMap((map) => map.entries()).every(({ wiredCount }) => wiredCount === 0)).toBe(true);
      return strategy.call(tape, sys, request);
    };
    act(system, process, function* (user) {
      const at = yield* buffer(user, 2);
      const fd = yield* user.open('/dev/rst0', O_WRONLY);
      expect(yield* user.write(fd, at, 2 * PAGE)).toBe(2 * PAGE);
    });
    expect(seen).toEqual([[1, 1]]);
    expectNoLeak(system);
  });

  it('breaks copy-on-write for what a device writes to, and leaves the other its own bytes', () => {
    const { system, process } = withTape({ records: [pattern(PAGE, 9)] });
    act(system, process, function* (user) {
      const at = yield* buffer(user, 1);
      yield* user.storeBytes(at, pattern(PAGE));
      const pid = yield* user.fork();
      const fd = yield* user.open('/dev/rst0', O_RDONLY);
      expect(yield* user.read(fd, at, PAGE)).toBe(PAGE);
      expect(yield* contents(user, at, PAGE)).toEqual(pattern(PAGE, 9));
      const child = system.sys.processes.get(pid);
      expect(child).toBeDefined();
    });
    const child = [...system.sys.processes.values()].find(({ pid }) => pid !== process.pid) as Process;
    act(system, child, function* (user) {
      const [mapping] = system.vm.describeSpace(child.space as never);
      expect(yield* contents(user, mapping?.start ?? 0, PAGE)).toEqual(pattern(PAGE));
    });
    expectSound(system);
  });

  it('answers the error of the memory, and moves nothing', () => {
    const { system, process, tape } = withTape({ records: [pattern(PAGE)] });
    act(system, process, function* (user) {
      const fd = yield* user.open('/dev/rst0', O_RDWR);
      const readOnly = yield* user.mmap(0, PAGE, PROT_READ, ANON);
      const closed = yield* user.mmap(0, PAGE, PROT_NONE, ANON);
      expect(yield* user.read(fd, 0, PAGE)).toBe(-EFAULT);
      expect(yield* user.read(fd, -1, PAGE)).toBe(-EFAULT);
      expect(yield* user.read(fd, readOnly, PAGE)).toBe(-EACCES);
      expect(yield* user.write(fd, closed, PAGE)).toBe(-EACCES);
      expect(yield* user.read(fd, readOnly, -1)).toBe(-EINVAL);
      expect(yield* user.read(fd, readOnly, 0)).toBe(0);
    });
    expect(tape.position).toBe(0);
    expectNoLeak(system);
  });

  it('unwires the pages before the one that could not be wired', () => {
    const { system, process } = withTape({ records: [pattern(2 * PAGE)] });
    act(system, process, function* (user) {
      const at = yield* buffer(user, 2);
      yield* user.munmap(at + PAGE, PAGE);
      const fd = yield* user.open('/dev/rst0', O_RDWR);
      expect(yield* user.read(fd, at, 2 * PAGE)).toBe(-EFAULT);
    });
    expect(system.uvm.uvmexp.wired).toBe(0);
    expect(system.uvm.vslocks.size).toBe(0);
    expectNoLeak(system);
  });

  it('counts what was moved before the memory ended, as an error all the same', () => {
    const { system, process, tape } = withTape({}, { maxphys: PAGE });
    act(system, process, function* (user) {
      const at = yield* buffer(user, 2);
      yield* user.munmap(at + PAGE, PAGE);
      const fd = yield* user.open('/dev/rst0', O_RDWR);
      expect(yield* user.write(fd, at, 2 * PAGE)).toBe(-EFAULT);
    });
    expect(tape.records.length).toBe(1);
    expectNoLeak(system);
  });

  it('answers EIO when the environment fails the device; then nothing was moved', () => {
    for (const site of ['io.read', 'io.write']) {
      const strategy = new FailAt(site);
      const { system, process, tape } = withTape({ records: [pattern(PAGE)] }, { strategy });
      act(system, process, function* (user) {
        const at = yield* buffer(user, 1);
        yield* user.storeBytes(at, pattern(PAGE, 3));
        const fd = yield* user.open('/dev/rst0', O_RDWR);
        expect(yield* site === 'io.read' ? user.read(fd, at, PAGE) : user.write(fd, at, PAGE)).toBe(-EIO);
        expect(yield* contents(user, at, PAGE)).toEqual(pattern(PAGE, 3));
      });
      expect(tape.records).toEqual([pattern(PAGE)]);
      expect(system.uvm.transfers.size).toBe(0);
      expectNoLeak(system);
    }
  });

  it('of several chunks that fail, answers the first on the device', () => {
    const disk = new MemoryDisk('rwd0', { blockCount: 8, blockSize: PAGE });
    const { system, process } = bootProcess({ maxphys: PAGE, devices: { '/dev/rwd0': { kind: 'disk', disk } } });
    act(system, process, function* (user) {
      const at = yield* buffer(user, 8);
      const fd = yield* user.open('/dev/rwd0', O_RDWR);
      // Of a device that ends behind its second block from there.
      expect(yield* user.pwrite(fd, at, 5 * PAGE, 6 * PAGE)).toBe(2 * PAGE);
      expect(yield* user.pread(fd, at, PAGE, 8 * PAGE)).toBe(0);
    });
    expectNoLeak(system);
  });
});

describe('a tape', () => {
  it('gives a record, or as much of it as is asked for with an error, and 0 at a mark and at the end', () => {
    const { system, process } = withTape({ records: [pattern(100), null, pattern(PAGE), pattern(10)] });
    act(system, process, function* (user) {
      const at = yield* buffer(user, 1);
      const fd = yield* user.open('/dev/rst0', O_RDONLY);
      expect(yield* user.read(fd, at, PAGE)).toBe(100);
      expect(yield* contents(user, at, 101)).toEqual(Uint8Array.from([...pattern(100), 0]));
      expect(yield* user.read(fd, at, PAGE)).toBe(0);
      expect(yield* user.read(fd, at, 50)).toBe(-EIO);
      expect(yield* user.read(fd, at, PAGE)).toBe(10);
      expect(yield* user.read(fd, at, PAGE)).toBe(0);
      expect(yield* user.read(fd, at, PAGE)).toBe(0);
    });
    expectNoLeak(system);
  });

  it('is positioned by ioctl', () => {
    const { system, process, tape } = withTape({ records: [pattern(1), null, pattern(2), pattern(3), null] });
    act(system, process, function* (user) {
      const at = yield* buffer(user, 1);
      const fd = yield* user.open('/dev/rst0', O_RDWR);
      const operate = function* (operation: number, times: number): Step<number> {
        yield* user.store16(at, operation);
        yield* user.store32(at + 4, times);
        return yield* user.ioctl(fd, MTIOCTOP, at);
      };
      expect(yield* operate(MTFSF, 1)).toBe(0);
      expect(tape.position).toBe(2);
      expect(yield* operate(MTFSR, 2)).toBe(0);
      expect(tape.position).toBe(4);
      expect(yield* operate(MTBSR, 1)).toBe(0);
      expect(yield* operate(MTBSF, 1)).toBe(0);
      expect(tape.position).toBe(1);
      expect(yield* operate(MTBSF, 1)).toBe(-EIO);
      expect(yield* operate(MTREW, 1)).toBe(0);
      expect(tape.position).toBe(0);
      expect(yield* operate(MTWEOF, 2)).toBe(0);
      expect(tape.records).toEqual([null, null]);
      expect(yield* operate(17, 1)).toBe(-EINVAL);
      expect(yield* operate(MTFSR, -1)).toBe(-EINVAL);
      expect(yield* user.ioctl(fd, MTIOCTOP, 0)).toBe(-EFAULT);
      expect(yield* user.ioctl(fd, 1, at)).toBe(-ENOTTY);
      expect(yield* user.lseek(fd, 0, SEEK_SET)).toBe(-ESPIPE);
      expect(yield* user.pread(fd, at, PAGE, 0)).toBe(-ESPIPE);
      expect(yield* user.ftruncate(fd, 0)).toBe(-EINVAL);
    });
    expectNoLeak(system);
  });

  it('can be full, write-protected, or open already; and rewinds when it is closed', () => {
    const { system, process, tape } = withTape({ capacity: 150, records: [pattern(100)] });
    system.addDevice('/dev/nrst1', { kind: 'tape', records: [pattern(1), pattern(2)], writeProtected: true, rewinds: false });
    act(system, process, function* (user) {
      const at = yield* buffer(user, 1);
      const fd = yield* user.open('/dev/rst0', O_RDWR);
      expect(yield* user.open('/dev/rst0', O_RDWR)).toBe(-EBUSY);
      const copy = yield* user.dup(fd);
      expect(yield* user.write(fd, at, 151)).toBe(-ENOSPC);
      expect(yield* user.write(fd, at, 100)).toBe(100);
      expect(yield* user.write(fd, at, 100)).toBe(-ENOSPC);
      yield* user.close(fd);
      expect(tape.position).toBe(1);
      yield* user.close(copy);
      expect(tape.position).toBe(0);
      expect(yield* user.open('/dev/nrst1', O_WRONLY)).toBe(-EROFS);
      const other = yield* user.open('/dev/nrst1', O_RDONLY);
      expect(yield* user.read(other, at, PAGE)).toBe(1);
      yield* user.close(other);
      expect(yield* user.read(yield* user.open('/dev/nrst1', O_RDONLY), at, PAGE)).toBe(2);
    });
    expectNoLeak(system);
  });
});

describe('a raw disk', () => {
  it('moves whole blocks to and from where the descriptor stands', () => {
    const { system, process } = bootProcess();
    const { disk } = system.addDevice('/dev/rwd0', { kind: 'disk', blocks: 16 });
    act(system, process, function* (user) {
      const at = yield* buffer(user, 2);
      yield* user.storeBytes(at, pattern(1024));
      const fd = yield* user.open('/dev/rwd0', O_RDWR);
      expect(yield* user.lseek(fd, 512, SEEK_SET)).toBe(512);
      expect(yield* user.write(fd, at, 1024)).toBe(1024);
      expect(yield* user.write(fd, at, 100)).toBe(-EINVAL);
      expect(yield* user.pread(fd, at, 512, 100)).toBe(-EINVAL);
      expect(yield* user.pread(fd, at + PAGE, 1536, 0)).toBe(1536);
      expect(yield* contents(user, at + PAGE, 1536)).toEqual(Uint8Array.from([...new Uint8Array(512), ...pattern(1024)]));
      expect(yield* user.lseek(fd, 0, SEEK_END)).toBe(0);
    });
    const bytes = new Uint8Array(1024);
    disk.read(1, bytes);
    expect(bytes).toEqual(pattern(1024));
    expectNoLeak(system);
  });

  it('has requests of one call done in any order', () => {
    const order: number[] = [];
    class Disk extends MemoryDisk {
      override write(block: number, from: Uint8Array): Errno {
        order.push(block);
        return super.write(block, from);
      }
    }
    const disk = new Disk('rwd0', { blockCount: 4, blockSize: PAGE });
    const strategy = new NewestFirst();
    const { system, process } = bootProcess({ maxphys: PAGE, strategy, devices: { '/dev/rwd0': { kind: 'disk', disk } } });
    act(system, process, function* (user) {
      const at = yield* buffer(user, 4);
      yield* user.storeBytes(at, pattern(4 * PAGE));
      const fd = yield* user.open('/dev/rwd0', O_RDWR);
      expect(yield* user.write(fd, at, 4 * PAGE)).toBe(4 * PAGE);
    });
    const bytes = new Uint8Array(4 * PAGE);
    disk.read(0, bytes);
    expect(bytes).toEqual(pattern(4 * PAGE));
    expect(order).toEqual([3, 2, 1, 0]);
    expectNoLeak(system);
  });
});
