import { describe, expect, it } from 'vitest';
import { act, bootProcess, expectNoLeak } from '../../../test/harness.js';
import {
  EINVAL,
  ENOMEM,
  EPERM,
  ESRCH,
  IPC_CREAT,
  IPC_PRIVATE,
  IPC_RMID,
  MADV_RANDOM,
  MAP_ANON,
  MAP_INHERIT_NONE,
  MAP_PRIVATE,
  O_RDONLY,
  PAGE_SIZE as PAGE,
  PROT_ALL,
  PROT_READ,
  PROT_WRITE,
  RamFile,
  ROOT,
  type Step,
  type User,
} from '../../index.js';
import type { UvmFile } from '../../uvm/vnode/vnode.js';
import { VMENTRY_BYTES } from './vmentry-sysctl.js';

const RW = PROT_READ | PROT_WRITE;
const ANON = MAP_ANON | MAP_PRIVATE;
const [OBJECT_VNODE, OBJECT_ANON] = [2, 5];
const [COW, NEEDS_COPY, PAGEABLE] = [1, 2, 8];

/** The fields of `struct kinfo_vmentry` in their order, and how many bytes each has. */
const FIELDS = {
  start: 8,
  end: 8,
  offset: 8,
  type: 4,
  flags: 4,
  count: 4,
  wiredCount: 4,
  advice: 4,
  attributes: 4,
  protection: 4,
  maxProtection: 4,
  references: 4,
  inheritance: 4,
  fileId: 8,
  fileSize: 8,
  fsId: 8,
  device: 8,
  vnodeType: 4,
  mode: 4,
};
type Entry = Record<keyof typeof FIELDS, number> & { path: string };

function entryAt(bytes: Uint8Array, index: number): Entry {
  const row = bytes.subarray(index * VMENTRY_BYTES, (index + 1) * VMENTRY_BYTES);
  const view = new DataView(row.buffer, row.byteOffset, row.length);
  let at = 0;
  const fields = Object.entries(FIELDS).map(([name, size]) => {
    const value = size === 8 ? Number(view.getBigUint64(at, true)) : view.getUint32(at, true);
    at += size;
    return [name, value];
  });
  const path = row.subarray(at);
  expect(path.length).toBe(1024);
  return { ...Object.fromEntries(fields), path: new TextDecoder().decode(path.subarray(0, path.indexOf(0))) };
}

/** What a process has mapped, as `sysctl` tells it. */
function* procMap(user: User, pid: number): Step<Entry[]> {
  const size = yield* user.sysctl(`vm.proc.map.${pid}`, 0, 0);
  const room = Math.ceil(size / PAGE) * PAGE;
  const buffer = yield* user.mmap(0, room + PAGE, RW, ANON);
  const told = yield* user.sysctl(`vm.proc.map.${pid}`, buffer, room + PAGE);
  const bytes = new Uint8Array(told);
  yield* user.loadBytes(buffer, bytes);
  yield* user.munmap(buffer, room + PAGE);
  return Array.from({ length: told / VMENTRY_BYTES }, (_, index) => entryAt(bytes, index));
}

describe('vm.proc.map', () => {
  it('tells of each mapping where it is, what it allows and what is there', () => {
    const { system, process } = bootProcess();
    const file = system.sys.vfs.add('/etc/grün', new RamFile('text', new Uint8Array(3 * PAGE))) as UvmFile;
    act(system, process, function* (user) {
      const fd = yield* user.open('/etc/grün', O_RDONLY);
      const text = yield* user.mmap(0, 2 * PAGE, PROT_READ, MAP_PRIVATE, fd, PAGE);
      yield* user.madvise(text, 2 * PAGE, MADV_RANDOM);
      yield* user.minherit(text, 2 * PAGE, MAP_INHERIT_NONE);
      yield* user.mlock(text, 2 * PAGE);
      const fresh = yield* user.mmap(0x40000000, PAGE, RW, ANON);
      const used = yield* user.mmap(0x50000000, PAGE, RW, ANON);
      yield* user.store8(used, 1);
      const segment = yield* user.shmget(IPC_PRIVATE, 3 * PAGE, IPC_CREAT | 0o600);
      const shared = yield* user.shmat(segment, 0x60000000, 0);
      yield* user.store8(shared, 1);

      const entries = yield* procMap(user, process.pid);
      expect(entries.map(({ start }) => start)).toEqual(entries.map(({ start }) => start).sort((a, b) => a - b));
      const at = (start: number) => entries.find((entry) => entry.start === start);
      const common = { offset: 0, wiredCount: 0, advice: 0, attributes: 0, fsId: 0, device: 0, mode: 0 };
      const nameless = { ...common, fileId: 0, fileSize: 0, vnodeType: 0, path: '' };
      expect(at(text)).toEqual({
        ...common,
        start: text,
        end: text + 2 * PAGE,
        offset: PAGE,
        type: OBJECT_VNODE,
        // Wiring has made it a copy, should it ever be written.
        flags: COW | PAGEABLE,
        count: 3,
        wiredCount: 1,
        advice: MADV_RANDOM,
        protection: PROT_READ,
        maxProtection: PROT_ALL,
        references: file.references,
        inheritance: MAP_INHERIT_NONE,
        fileId: file.id,
        fileSize: 3 * PAGE,
        vnodeType: 1,
        path: '/etc/grün',
      });
      const anonymous = {
        ...nameless,
        type: OBJECT_ANON,
        count: 0,
        protection: RW,
        maxProtection: PROT_ALL,
        references: 0,
        inheritance: 1,
      };
      expect(at(fresh)).toEqual({ ...anonymous, start: fresh, end: fresh + PAGE, flags: COW | NEEDS_COPY | PAGEABLE });
      expect(at(used)).toEqual({ ...anonymous, start: used, end: used + PAGE, flags: COW | PAGEABLE });
      expect(at(shared)).toMatchObject({ type: OBJECT_ANON, flags: PAGEABLE, count: 1, inheritance: 0, path: '' });
      yield* user.shmctl(segment, IPC_RMID);
      yield* user.shmdt(shared);
    });
    expectNoLeak(system);
  });

  it('tells the same of the caller as -1, and nothing but whole rows when there is little room', () => {
    const { system, process } = bootProcess();
    act(system, process, function* (user) {
      const buffer = yield* user.mmap(0x40000000, PAGE, RW, ANON);
      yield* user.mmap(0x50000000, PAGE, RW, ANON);
      expect(yield* procMap(user, -1)).toEqual(yield* procMap(user, process.pid));
      yield* user.store32(buffer + VMENTRY_BYTES, 0x11223344);
      expect(yield* user.sysctl('vm.proc.map.-1', buffer, VMENTRY_BYTES + 100)).toBe(-ENOMEM);
      expect(yield* user.load32(buffer)).not.toBe(0);
      expect(yield* user.load32(buffer + VMENTRY_BYTES)).toBe(0x11223344);
    });
  });

  it('tells of other processes of the same user, of all to the superuser, and of none that has ended', () => {
    const { system, process } = bootProcess();
    const root = system.spawn('root', { credentials: ROOT });
    act(system, process, function* (user) {
      const child = yield* user.fork(function* (its) {
        yield* its.mmap(0x40000000, PAGE, RW, ANON);
        yield* its.exit(0);
      });
      const ask = (pid: number | string) => user.sysctl(`vm.proc.map.${pid}`, 0, 0);
      expect(yield* ask(child), 'fork alone maps nothing').toBeGreaterThanOrEqual(0);
      expect(yield* ask(root.pid)).toBe(-EPERM);
      expect(yield* ask(99)).toBe(-ESRCH);
      for (const nonsense of ['', 'x', '1.2', '-2', '+1', '1e3']) expect(yield* ask(nonsense), nonsense).toBe(-EINVAL);
      yield* user.wait(child);
      expect(yield* ask(child)).toBe(-ESRCH);
    });
    act(system, root, function* (user) {
      yield* user.mmap(0x40000000, PAGE, RW, ANON);
      expect((yield* procMap(user, root.pid)).length).toBeGreaterThan(0);
      expect(yield* user.sysctl(`vm.proc.map.${process.pid}`, 0, 0)).toBeGreaterThanOrEqual(0);
      expect(yield* user.sysctl(`vm.proc.map.${root.pid}`, 0, 0, 0x40000000, 4), 'it cannot be changed').toBe(-EPERM);
    });
    expectNoLeak(system);
  });
});
