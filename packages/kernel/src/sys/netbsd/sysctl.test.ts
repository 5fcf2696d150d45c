import { describe, expect, it } from 'vitest';
import { act, bootProcess, expectNoLeak } from '../../../test/harness.js';
import {
  EACCES,
  EFAULT,
  EINVAL,
  ENOENT,
  ENOMEM,
  EPERM,
  MAP_ANON,
  MAP_PRIVATE,
  PAGE_SIZE as PAGE,
  PROT_READ,
  ROOT,
  type Step,
  type User,
} from '../../index.js';
import { UVMEXP_SYSCTL } from './uvmexp-sysctl.js';

const RW = 3;
const ANON = MAP_ANON | MAP_PRIVATE;

function* int(user: User, name: string, at: number): Step<number> {
  expect(yield* user.sysctl(name, at, 4), name).toBe(4);
  return yield* user.load32(at);
}

describe('sysctl', () => {
  it('tells what is counted, field by field', () => {
    const { system, process } = bootProcess();
    act(system, process, function* (user) {
      const at = yield* user.mmap(0, PAGE, RW, ANON);
      yield* user.store8(at, 0);
      expect(yield* user.sysctl('vm.uvmexp2', 0, 0)).toBe(8 * UVMEXP_SYSCTL.length);
      const { uvmexp } = system.uvm;
      const expected: Readonly<Record<string, number>> = { ...uvmexp, pagesize: PAGE, pagemask: PAGE - 1, pageshift: 12 };
      expect(yield* user.sysctl('vm.uvmexp2', at, PAGE)).toBe(8 * UVMEXP_SYSCTL.length);
      for (const [i, field] of [...UVMEXP_SYSCTL.entries()]) {
        expect(Number(yield* user.load64(at + 8 * i)), field).toBe(expected[field] ?? 0);
      }
      const { npages } = expected;
      expect(npages).toBe(256);
    });
    expectNoLeak(system);
  });

  it('tells in vm.vmmeter how much memory is in use, and who runs', () => {
    const { system, process } = bootProcess();
    act(system, process, function* (user) {
      const at = yield* user.mmap(0, PAGE, RW, ANON);
      yield* user.store8(at, 0);
      expect(yield* user.sysctl('vm.vmmeter', at, PAGE)).toBe(48);
      const { npages, free, active, swpginuse } = system.uvm.uvmexp;
      const threads = yield* user.load64(at);
      expect(threads, 'one runs').toBe(1n);
      const pages: number[] = [];
      for (let i = 0; i < 9; i++) pages.push(yield* user.load32(at + 12 + 4 * i));
      const used = npages - free;
      expect(pages).toEqual([used + swpginuse, active + swpginuse, used, active, 0, 0, 0, 0, free]);
    });
    expectNoLeak(system);
  });

  it('tells where the addresses of programs begin and end', () => {
    const { system, process } = bootProcess();
    act(system, process, function* (user) {
      const at = yield* user.mmap(0, PAGE, RW, ANON);
      for (const [name, address] of [
        ['vm.minaddress', system.sys.userSpace.min],
        ['vm.maxaddress', system.sys.userSpace.max],
      ] as const) {
        expect(yield* user.sysctl(name, at, 8)).toBe(8);
        expect(yield* user.load64(at)).toBe(BigInt(address));
      }
    });
    expectNoLeak(system);
  });

  it('tells how much memory there is, and how much of it is not wired', () => {
    const { system, process } = bootProcess({ cpus: 2 });
    act(system, process, function* (user) {
      const at = yield* user.mmap(0, 3 * PAGE, RW, ANON);
      expect(yield* user.mlock(at, 2 * PAGE)).toBe(0);
      expect(yield* int(user, 'hw.pagesize', at)).toBe(PAGE);
      expect(yield* int(user, 'hw.ncpu', at)).toBe(2);
      expect(yield* int(user, 'hw.physmem', at)).toBe(256 * PAGE);
      expect(yield* int(user, 'hw.usermem', at)).toBe(254 * PAGE);
      expect(yield* user.sysctl('hw.physmem64', at, 8)).toBe(8);
      expect(yield* user.load64(at)).toBe(BigInt(256 * PAGE));
      expect(yield* user.sysctl('hw.usermem64', at, 8)).toBe(8);
      expect(yield* user.load64(at)).toBe(BigInt(254 * PAGE));
      expect(yield* int(user, 'kern.maxphys', at)).toBe(65_536);
      expect(yield* int(user, 'kern.ipc.shmmni', at)).toBe(128);
      expect(yield* user.sysctl('kern.ipc.shmmax', at, 8)).toBe(8);
      expect(yield* user.load64(at)).toBe(BigInt(system.sys.shm.limits.shmmax));
      yield* user.munlock(at, 2 * PAGE);
    });
    expectNoLeak(system);
  });

  it('has the superuser change how memory is shared out, within what makes sense', () => {
    const { system } = bootProcess();
    const process = system.spawn('root', { credentials: ROOT });
    const setting = () => {
      const { filemin } = system.uvm.policy.settings;
      return filemin;
    };
    act(system, process, function* (user) {
      const at = yield* user.mmap(0, PAGE, RW, ANON);
      const before = yield* int(user, 'vm.filemin', at);
      expect(before).toBe(setting());
      yield* user.store32(at + 8, before + 5);
      expect(yield* user.sysctl('vm.filemin', at, 4, at + 8, 4)).toBe(4);
      expect(yield* user.load32(at), 'the old value').toBe(before);
      expect(setting()).toBe(before + 5);
      yield* user.store32(at + 8, 101);
      expect(yield* user.sysctl('vm.filemin', 0, 0, at + 8, 4)).toBe(-EINVAL);
      expect(yield* user.sysctl('vm.filemin', 0, 0, at + 8, 8)).toBe(-EINVAL);
      expect(yield* user.sysctl('vm.filemin', 0, 0, 8, 4)).toBe(-EFAULT);
      expect(yield* user.sysctl('hw.pagesize', 0, 0, at, 4)).toBe(-EPERM);
      expect(setting()).toBe(before + 5);
    });
  });

  it('refuses what there is not, what is not allowed, and what does not fit', () => {
    const { system, process } = bootProcess();
    act(system, process, function* (user) {
      const at = yield* user.mmap(0, PAGE, RW, ANON);
      const readOnly = yield* user.mmap(0, PAGE, PROT_READ, ANON);
      for (const name of [
        '',
        'vm',
        'vm.',
        'vm.nothing',
        'hw.model',
        'kern.shmmax',
        'kern.ipc.shmmin2',
        'net.x',
        'constructor',
        'vm.constructor',
        'kern.ipc.constructor',
      ]) {
        expect(yield* user.sysctl(name, at, 4), name).toBe(-ENOENT);
      }
      expect(yield* user.sysctl('vm.filemin', 0, 0, at, 4)).toBe(-EPERM);
      yield* user.store32(at, -1);
      expect(yield* user.sysctl('hw.pagesize', at, 2)).toBe(-ENOMEM);
      expect((yield* user.load32(at)) >>> 0).toBe(0xffff1000);
      expect(yield* user.sysctl('hw.pagesize', readOnly, 4)).toBe(-EFAULT);
      expect(yield* user.sysctl('hw.pagesize', at, -1)).toBe(-EINVAL);
    });
    expectNoLeak(system);
  });

  it('wires the buffer meanwhile on a kernel of 2003', () => {
    const { system, process } = bootProcess({ sysctlWires: true });
    let wired = 0;
    const { copyout } = system.sys;
    system.sys.copyout = function* (address, bytes) {
      wired = system.uvm.uvmexp.wired;
      return yield* copyout.call(system.sys, address, bytes);
    };
    act(system, process, function* (user) {
      const at = yield* user.mmap(0, 2 * PAGE, RW, ANON);
      const readOnly = yield* user.mmap(0, PAGE, PROT_READ, ANON);
      expect(yield* user.sysctl('hw.pagesize', at + PAGE - 2, 4)).toBe(4);
      expect(yield* user.load32(at + PAGE - 2)).toBe(PAGE);
      expect(yield* user.sysctl('hw.pagesize', readOnly, 4)).toBe(-EACCES);
      expect(yield* user.sysctl('hw.pagesize', 0, 0)).toBe(4);
    });
    expect(wired).toBe(2);
    expect(system.uvm.uvmexp.wired).toBe(0);
    expectNoLeak(system);
  });
});
