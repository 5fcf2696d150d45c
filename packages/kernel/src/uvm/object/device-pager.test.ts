import { describe, expect, it } from 'vitest';
import { act, bootProcess, childOf, expectNoLeak, expectSound } from '../../../test/harness.js';
import {
  type AccessSize,
  DEVICE_FIRST_FRAME,
  EACCES,
  EBADF,
  EINVAL,
  ENODEV,
  MAP_ANON,
  MAP_PRIVATE,
  MAP_SHARED,
  type MemoryDevice,
  type NetbsdSystem,
  O_CREAT,
  O_RDONLY,
  O_RDWR,
  PAGE_SIZE as PAGE,
  PROT_READ,
  type Process,
  SEEK_SET,
  SIGBUS,
  type User,
} from '../../index.js';
import { pause, wakeup } from '../../kern/sleepq.js';
import type { Step } from '../../kern/switch.js';
import type { Vmspace } from '../map/vm-map.js';
import { UVM_DEVICE_HOLD, UVM_DEVICE_WANTED, UvmDevice } from './device-object.js';

const RW = 3;

/** What a device was asked for. */
type Access = readonly [what: 'read' | 'write', offset: number, size: AccessSize, value: number];

/** A system with two pages of plain device memory, a device of one page that takes note of each access, and a process. */
function withDevices(): { system: NetbsdSystem; process: Process; plain: MemoryDevice; asked: Access[] } {
  const { system, process } = bootProcess();
  const asked: Access[] = [];
  const device = {
    read(offset: number, size: AccessSize): number {
      asked.push(['read', offset, size, 0]);
      return 0xcafe0000 + offset;
    },
    write(offset: number, size: AccessSize, value: number): void {
      asked.push(['write', offset, size, value]);
    },
  };
  const plain = system.addDevice('/dev/fb0', { kind: 'memory', pages: 2 });
  system.addDevice('/dev/regs', { kind: 'memory', pages: 1, device });
  return { system, process, plain, asked };
}

function deviceObjects(system: NetbsdSystem): UvmDevice[] {
  return [...system.uvm.objects].filter((object) => object instanceof UvmDevice);
}

describe('memory of a device', () => {
  it('is mapped behind all RAM, and read and written by all who map it', () => {
    const { system, process, plain } = withDevices();
    act(system, process, function* (user) {
      const fd = yield* user.open('/dev/fb0', O_RDWR);
      const at = yield* user.mmap(0, 2 * PAGE, RW, MAP_SHARED, fd);
      yield* user.store32(at + PAGE + 8, 0x12345678);
      yield* user.store8(at, 9);
      yield* user.store64(at + 16, 0x1122334455667788n);
      expect(yield* user.load32(at + PAGE + 8)).toBe(0x12345678);
      expect(yield* user.load16(at + PAGE + 9)).toBe(0x3456);
      expect(yield* user.load64(at + 16)).toBe(0x1122334455667788n);
      // Across the edge of its pages.
      yield* user.store32(at + PAGE - 2, -2);
      expect(yield* user.load32(at + PAGE - 2)).toBe(-2);
      const pid = yield* user.fork(function* (child) {
        yield* child.store8(at + 1, 7);
      });
      yield* user.wait(pid);
      expect(yield* user.load8(at + 1)).toBe(7);
      expect(yield* user.pread(fd, at + PAGE, 3, 0)).toBe(3);
      expect(yield* user.load8(at + PAGE + 1)).toBe(7);
    });
    const [frames] = [plain.range.first];
    expect(frames).toBe(DEVICE_FIRST_FRAME);
    expect(system.uvm.uvmexp.anonpages).toBe(0);
    expectNoLeak(system);
  });

  it('is asked for each access anew, with its size', () => {
    const { system, process, asked } = withDevices();
    act(system, process, function* (user) {
      const at = yield* user.mmap(0, PAGE, RW, MAP_SHARED, yield* user.open('/dev/regs', O_RDWR));
      expect((yield* user.load32(at + 4)) >>> 0).toBe(0xcafe0004);
      expect((yield* user.load32(at + 4)) >>> 0).toBe(0xcafe0004);
      yield* user.store8(at + 3, 0x1ff);
      yield* user.store16(at + 2, -1);
      yield* user.store32(at + 12, -1);
      yield* user.store16(at + 5, 0x0201);
      yield* user.storeBytes(at + 8, Uint8Array.of(5, 6));
    });
    expect(asked).toEqual([
      ['read', 4, 4, 0],
      ['read', 4, 4, 0],
      ['write', 3, 1, 0xff],
      ['write', 2, 2, 0xffff],
      ['write', 12, 4, 0xffffffff],
      ['write', 5, 1, 1],
      ['write', 6, 1, 2],
      ['write', 8, 1, 5],
      ['write', 9, 1, 6],
    ]);
    for (const { tlb } of system.machine.cpus) expect(tlb.translations()).toEqual([]);
    expectNoLeak(system);
  });

  it('is always shared, and cannot be mapped where there is none, or without the right to', () => {
    const { system, process } = withDevices();
    system.addDevice('/dev/rst0', { kind: 'tape' });
    act(system, process, function* (user) {
      const fd = yield* user.open('/dev/fb0', O_RDWR);
      for (const flags of [0, MAP_PRIVATE, MAP_SHARED]) {
        const at = yield* user.mmap(0, PAGE, RW, flags, fd, PAGE);
        yield* user.store8(at, flags + 1);
        expect(yield* user.pread(fd, at + 1, 1, PAGE)).toBe(1);
        expect(yield* user.load8(at + 1)).toBe(flags + 1);
        const mapping = system.vm.describeSpace(process.space as Vmspace).find(({ start }) => start === at);
        expect(mapping).toMatchObject({ copyOnWrite: false, object: { kind: 'device', label: 'fb0' }, offset: PAGE });
        yield* user.munmap(at, PAGE);
      }
      expect(yield* user.mmap(0, 2 * PAGE, RW, MAP_SHARED, fd, PAGE)).toBe(-EINVAL);
      expect(yield* user.mmap(0, PAGE, RW, MAP_SHARED, fd, -PAGE)).toBe(-EINVAL);
      expect(yield* user.mmap(0, PAGE, RW, MAP_SHARED, yield* user.open('/dev/fb0', O_RDONLY))).toBe(-EACCES);
      expect(yield* user.mmap(0, PAGE, RW, MAP_SHARED, yield* user.open('/dev/rst0', O_RDWR))).toBe(-ENODEV);
      expect(yield* user.mmap(0, PAGE, RW, MAP_SHARED, 99)).toBe(-EBADF);
    });
    expect(deviceObjects(system)).toEqual([]);
    expectNoLeak(system);
  });

  it('has one object, however often it is mapped, which goes with the last mapping', () => {
    const { system, process } = withDevices();
    act(system, process, function* (user) {
      const fd = yield* user.open('/dev/fb0', O_RDWR);
      const at = yield* user.mmap(0, 2 * PAGE, RW, MAP_SHARED, fd);
      yield* user.mmap(0, PAGE, RW, MAP_SHARED, fd);
      expect(deviceObjects(system).map(({ references }) => references)).toEqual([2]);
      yield* user.munmap(at, PAGE);
      expectSound(system);
      // What is read ahead, written back or looked for is not there, and need not be.
      expect(yield* user.madvise(at + PAGE, PAGE, 3)).toBe(0);
      expect(yield* user.msync(at + PAGE, PAGE, 4)).toBe(0);
      const vector = yield* user.mmap(0, PAGE, RW, MAP_ANON | MAP_PRIVATE);
      expect(yield* user.mincore(at + PAGE, PAGE, vector)).toBe(0);
      expect(yield* user.load8(vector)).toBe(1);
      yield* user.munmap(at + PAGE, PAGE);
      expect(deviceObjects(system).map(({ references }) => references)).toEqual([1]);
    });
    expectNoLeak(system);
  });

  it('can be wired, which makes no difference', () => {
    const { system, process } = withDevices();
    act(system, process, function* (user) {
      const at = yield* user.mmap(0, PAGE, RW, MAP_SHARED, yield* user.open('/dev/fb0', O_RDWR));
      expect(yield* user.mlock(at, PAGE)).toBe(0);
      expectSound(system);
      expect(yield* user.munlock(at, PAGE)).toBe(0);
    });
    // As on NetBSD: the mapping was never marked as wired.
    expect(system.kern.console.join('\n')).toMatch(/pmap_unwire: wiring for pmap \d+ va 0x[0-9a-f]+ did not change!/);
    expectNoLeak(system);
  });

  it('can be the memory that a device reads or writes', () => {
    const { system, process } = withDevices();
    const tape = system.addDevice('/dev/rst0', { kind: 'tape', records: [Uint8Array.of(1, 2, 3)] });
    act(system, process, function* (user) {
      const at = yield* user.mmap(0, PAGE, RW, MAP_SHARED, yield* user.open('/dev/fb0', O_RDWR));
      const fd = yield* user.open('/dev/rst0', O_RDWR);
      expect(yield* user.read(fd, at + 1, PAGE - 1)).toBe(3);
      expect(yield* user.load32(at)).toBe(0x03020100);
      expect(yield* user.write(fd, at + 2, 2)).toBe(2);
    });
    expect(tape.records).toEqual([Uint8Array.of(1, 2, 3), Uint8Array.of(2, 3)]);
    expectNoLeak(system);
  });

  it('can be where a file is read to, and written from', () => {
    const { system, process } = withDevices();
    act(system, process, function* (user) {
      const at = yield* user.mmap(0, 2 * PAGE, RW, MAP_SHARED, yield* user.open('/dev/fb0', O_RDWR));
      const fd = yield* user.open('/file', O_RDWR | O_CREAT);
      yield* user.storeBytes(at + PAGE - 2, Uint8Array.of(1, 2, 3, 4));
      expect(yield* user.write(fd, at + PAGE - 2, 4)).toBe(4);
      expect(yield* user.pread(fd, at, 4, 0)).toBe(4);
      expect(yield* user.load32(at)).toBe(0x04030201);
    });
    system.sys.vfs.remove('/file');
  });

  it('cannot be used beyond what the device says by then: that is SIGBUS', () => {
    for (const spoil of ['the device', 'the entry'] as const) {
      const { system, process, plain } = withDevices();
      const child = act(system, process, function* (user) {
        const at = yield* user.mmap(0, PAGE, RW, MAP_SHARED, yield* user.open('/dev/fb0', O_RDWR));
        return yield* user.fork(function* (it) {
          const { map } = it.process.space as Vmspace;
          if (spoil === 'the device') plain.mmap = () => -1;
          else for (const entry of map.entries()) entry.copyOnWrite = true;
          yield* it.load8(at);
        });
      });
      expect(childOf(system, child).ending).toEqual({ kind: 'signaled', signal: SIGBUS });
      expectSound(system);
    }
  });

  it('is read and written through a descriptor as well, up to its end', () => {
    const { system, process } = withDevices();
    act(system, process, function* (user) {
      const at = yield* user.mmap(0, 4 * PAGE, RW, MAP_ANON | MAP_PRIVATE);
      const fd = yield* user.open('/dev/fb0', O_RDWR);
      yield* user.store8(at + 10, 5);
      expect(yield* user.write(fd, at, 3 * PAGE)).toBe(2 * PAGE);
      expect(yield* user.write(fd, at, 1)).toBe(0);
      expect(yield* user.lseek(fd, 10, SEEK_SET)).toBe(10);
      expect(yield* user.read(fd, at, 1)).toBe(1);
      expect(yield* user.load8(at)).toBe(5);
      const readOnly = yield* user.mmap(0, PAGE, PROT_READ, MAP_ANON | MAP_PRIVATE);
      expect(yield* user.pread(fd, readOnly, 1, 0)).toBeLessThan(0);
    });
    expectNoLeak(system);
  });
});

describe('attaching to a device and detaching from it', () => {
  /** A system with a device that is mapped once, and its object. */
  function mapped() {
    const devices = withDevices();
    const { system, process } = devices;
    const at = act(system, process, function* (user) {
      return yield* user.mmap(0, PAGE, RW, MAP_SHARED, yield* user.open('/dev/fb0', O_RDWR));
    });
    const [object] = system.uvm.deviceObjects;
    if (object === undefined) throw new Error('the device has an object');
    return { ...devices, at, object };
  }

  /** A thread that sleeps while the object is held, lets go of it, and says what the thread slept on. */
  function whileHeld(job: (user: User, at: number) => Step<number>): { slept: string; answer: number; references: number } {
    const { system, process, object, at } = mapped();
    object.flags = UVM_DEVICE_HOLD;
    let slept = '';
    let answer = Number.NaN;
    system.sys.addLwp(process);
    const [, other] = process.lwps;
    if (other === undefined) throw new Error('a process has threads');
    system.sys.performOn(other, function* () {
      // Whoever holds it lets go of it when somebody waits.
      while (object.channel.waiters.length === 0) yield* pause(system.kern.scheduler, 'test', 1);
      slept = object.channel.waiters.map(({ waitMessage }) => waitMessage).join();
      expect(object.flags).toBe(UVM_DEVICE_HOLD | UVM_DEVICE_WANTED);
      object.flags = 0;
      yield* wakeup(system.kern.scheduler, object.channel);
    });
    act(system, process, function* (user) {
      answer = yield* job(user, at);
    });
    return { slept, answer, references: object.references };
  }

  it('waits while another thread takes a reference', () => {
    const found = whileHeld(function* (user) {
      return (yield* user.mmap(0, PAGE, RW, MAP_SHARED, 0)) > 0 ? 0 : 1;
    });
    expect(found).toEqual({ slept: 'udv_attach', answer: 0, references: 2 });
  });

  it('does not let it go while another thread takes a reference', () => {
    expect(whileHeld((user, at) => user.munmap(at, PAGE))).toEqual({ slept: 'udv_detach', answer: 0, references: 0 });
  });
});
