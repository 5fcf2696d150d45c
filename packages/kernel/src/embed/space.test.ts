import { describe, expect, it } from 'vitest';
import { linesOf } from '../../test/state-subject.js';
import {
  type AddressContent,
  boot,
  MAP_ANON,
  MAP_PRIVATE,
  MAP_SHARED,
  O_RDWR,
  PinnedPage,
  PROT_READ,
  PROT_WRITE,
  type Space,
  type Step,
  type System,
  type User,
} from '../index.js';
import { asVa, PAGE_SIZE } from '../machine/address.js';

const RW = PROT_READ | PROT_WRITE;
const ANON = MAP_ANON | MAP_PRIVATE;
const OPTIONS = { ram: 64 * PAGE_SIZE, swap: [{ name: 'wd0', pages: 256 }] } as const;

interface Scene {
  readonly system: System;
  readonly user: User;
  readonly space: Space;
  act<T>(job: (user: User) => Step<T>): T;
}

function sceneOf(system: System = boot(OPTIONS)): Scene {
  const user = system.spawn('one');
  return {
    system,
    user,
    space: system.space(user),
    act<T>(job: (user: User) => Step<T>): T {
      const answer = system.perform(user, job);
      expect(user.process.ending).toBe(null);
      return answer as T;
    },
  };
}

function contentAt({ space, system }: Scene, address: number): AddressContent {
  const before = linesOf(system.kernel);
  const { content } = space.translate(address);
  expect(linesOf(system.kernel)).toEqual(before);
  return content;
}

describe('a translation', () => {
  it('says where bytes are and leaves no trace', () => {
    const scene = sceneOf();
    scene.system.addFile('/data', new Uint8Array(PAGE_SIZE + 10).fill(5));
    const { own, file } = scene.act(function* (user) {
      const at = yield* user.mmap(0, 2 * PAGE_SIZE, RW, ANON);
      yield* user.store8(at, 1);
      const fd = yield* user.open('/data', O_RDWR);
      return { own: at, file: yield* user.mmap(0, 3 * PAGE_SIZE, RW, MAP_PRIVATE, fd) };
    });
    expect(contentAt(scene, 0x1000)).toEqual({ kind: 'unmapped' });
    expect(contentAt(scene, own)).toMatchObject({ kind: 'memory', layer: 'upper' });
    expect(contentAt(scene, own + PAGE_SIZE)).toEqual({ kind: 'zeros' });
    expect(contentAt(scene, file + PAGE_SIZE + 5)).toEqual({ kind: 'file', name: 'data', offset: PAGE_SIZE });
    expect(contentAt(scene, file + 2 * PAGE_SIZE)).toEqual({ kind: 'beyond', name: 'data', size: PAGE_SIZE + 10 });
    scene.act((user) => user.load8(file));
    expect(contentAt(scene, file)).toMatchObject({ kind: 'memory', layer: 'lower' });
    scene.act((user) => user.store8(file, 1));
    expect(contentAt(scene, file)).toMatchObject({ kind: 'memory', layer: 'upper' });
  });

  it('tells the mapping, and what the page table says', () => {
    const scene = sceneOf();
    const at = scene.act((user) => user.mmap(0, 2 * PAGE_SIZE, PROT_READ, ANON));
    expect(scene.space.translate(at + 7)).toMatchObject({
      address: at + 7,
      mapping: { start: at, end: at + 2 * PAGE_SIZE, protection: PROT_READ },
      translation: null,
    });
    scene.act(function* (user) {
      yield* user.mprotect(at, PAGE_SIZE, RW);
      yield* user.store8(at, 1);
      yield* user.mlock(at, PAGE_SIZE);
    });
    const { translation, content } = scene.space.translate(at + 7);
    expect(translation).toMatchObject({ protection: RW, wired: true, referenced: true, modified: true });
    expect(content).toEqual({ kind: 'memory', layer: 'upper', frame: translation?.frame });
    expect((translation?.physical ?? 0) - (translation?.frame ?? 0) * PAGE_SIZE).toBe(7);
  });

  it('knows what is on swap', () => {
    const scene = sceneOf();
    const pages = 100;
    const at = scene.act(function* (user) {
      const own = yield* user.mmap(0, pages * PAGE_SIZE, RW, ANON);
      for (let i = 0; i < pages; i++) yield* user.store32(own + i * PAGE_SIZE, i);
      return own;
    });
    const contents = Array.from({ length: pages }, (_, i) => contentAt(scene, at + i * PAGE_SIZE));
    const slots = contents.flatMap((content) => (content.kind === 'swap' ? [content.slot] : []));
    expect(slots.length).toBeGreaterThan(pages - 64);
    expect(new Set(slots).size).toBe(slots.length);
    expect(slots.length + contents.filter(({ kind }) => kind === 'memory').length).toBe(pages);
  });
});

describe('what a debugger peeks at', () => {
  it('is what is in memory, up to what is not', () => {
    const scene = sceneOf();
    const at = scene.act(function* (user) {
      const own = yield* user.mmap(0, 2 * PAGE_SIZE, RW, ANON);
      yield* user.store32(own + PAGE_SIZE - 4, 0x01020304);
      return own;
    });
    const into = new Uint8Array(8).fill(9);
    expect(scene.space.peek(at + PAGE_SIZE - 4, into)).toBe(8);
    expect([...into]).toEqual([4, 3, 2, 1, 0, 0, 0, 0]);
    expect(scene.space.peek(at + 2 * PAGE_SIZE - 3, into)).toBe(3);
    expect(scene.space.mappings()).toHaveLength(1);
  });
});

describe('what the kernel reads and writes for a program', () => {
  it('is brought in, and is EFAULT where there is nothing: no signal', () => {
    const scene = sceneOf();
    const at = scene.act((user) => user.mmap(0, PAGE_SIZE, RW, ANON));
    const into = new Uint8Array(4);
    scene.act(function* () {
      expect(yield* scene.space.write(at + 10, new Uint8Array([1, 2, 3, 4]))).toBe(0);
      expect(yield* scene.space.read(at + 11, into)).toBe(0);
      expect(yield* scene.space.read(0x1000, into)).toBe(14);
      expect(yield* scene.space.write(at + PAGE_SIZE - 2, into)).toBe(14);
    });
    expect([...into]).toEqual([2, 3, 4, 0]);
    expect(scene.system.audit()).toEqual([]);
  });
});

describe('a pinned page', () => {
  function pinned(scene: Scene, at: number, write: boolean): PinnedPage {
    const page = scene.act(() => scene.space.pin(at, { write }));
    if (!(page instanceof PinnedPage)) throw new Error(`it cannot be pinned: ${page}`);
    return page;
  }

  it('is the bytes themselves, and stays in memory', () => {
    const scene = sceneOf();
    const at = scene.act((user) => user.mmap(0, 100 * PAGE_SIZE, RW, ANON));
    const page = pinned(scene, at + 5, true);
    expect(page.page).toBe(at);
    page.bytes[7] = 77;
    scene.act(function* (user) {
      expect(yield* user.load8(at + 7)).toBe(77);
      yield* user.store8(at + 8, 88);
      for (let i = 1; i < 100; i++) yield* user.store32(at + i * PAGE_SIZE, i);
    });
    expect(page.bytes[8]).toBe(88);
    expect(page.isCurrent).toBe(true);
    expect(scene.system.audit()).toEqual([]);
    scene.act(() => page.release());
    scene.act(() => page.release());
    expect(page.isCurrent).toBe(false);
    expect(scene.system.kernel.uvm.uvmexp.wired).toBe(0);
    scene.act(function* (user) {
      for (let i = 1; i < 100; i++) yield* user.load32(at + i * PAGE_SIZE);
      expect(yield* user.load8(at + 7)).toBe(77);
    });
    expect(scene.system.audit()).toEqual([]);
  });

  it('of a file keeps what was written through it, though the file was cleaned meanwhile', () => {
    const scene = sceneOf();
    scene.system.addFile('/data', new Uint8Array(PAGE_SIZE));
    const at = scene.act(function* (user) {
      const fd = yield* user.open('/data', O_RDWR);
      return yield* user.mmap(0, PAGE_SIZE, RW, MAP_SHARED, fd);
    });
    const page = pinned(scene, at, true);
    page.bytes[0] = 1;
    scene.act((user) => user.msync(at, PAGE_SIZE, 4));
    page.bytes[1] = 2;
    scene.act(() => page.release());
    scene.act((user) => user.msync(at, PAGE_SIZE, 4));
    const stored = new Uint8Array(2);
    scene.system.kernel.sys.vfs.lookup('/data')?.store?.read(0, stored);
    expect([...stored]).toEqual([1, 2]);
    expect(scene.system.audit()).toEqual([]);
  });

  it('says when the program has another one there by now', () => {
    const scene = sceneOf();
    const at = scene.act((user) => user.mmap(0, PAGE_SIZE, RW, ANON));
    const page = pinned(scene, at, false);
    scene.act((user) => user.munmap(at, PAGE_SIZE));
    expect(page.isCurrent).toBe(false);
  });

  it('cannot be where nothing is, or where it may not be written', () => {
    const scene = sceneOf();
    const at = scene.act((user) => user.mmap(0, PAGE_SIZE, PROT_READ, ANON));
    expect(scene.act(() => scene.space.pin(0x1000))).toBe(-14);
    expect(scene.act(() => scene.space.pin(at, { write: true }))).toBe(-13);
    expect(scene.system.audit()).toEqual([]);
  });
});

describe('a mapped device', () => {
  it('is asked at each load and store, with the size of the access', () => {
    const seen: string[] = [];
    const device = {
      read: (offset: number, size: number) => {
        seen.push(`read ${offset} ${size}`);
        return offset * 10;
      },
      write: (offset: number, size: number, value: number) => {
        seen.push(`write ${offset} ${size} ${value}`);
      },
    };
    const scene = sceneOf(boot({ ...OPTIONS, devices: { '/dev/uart0': { kind: 'memory', pages: 2, device } } }));
    const at = scene.act(() => scene.space.mapDevice('/dev/uart0', { length: PAGE_SIZE, offset: PAGE_SIZE, address: 0x10000 }));
    expect(at).toBe(0x10000);
    scene.act(function* (user) {
      expect(yield* user.load32(at + 4)).toBe((PAGE_SIZE + 4) * 10);
      yield* user.store8(at, 0x141);
      yield* user.store16(at + 2, -1);
    });
    expect(seen).toEqual([`read ${PAGE_SIZE + 4} 4`, `write ${PAGE_SIZE} 1 65`, `write ${PAGE_SIZE + 2} 2 65535`]);
    expect(scene.act(() => scene.space.pin(at))).toBe(-14);
    expect(scene.space.translate(at).content).toMatchObject({ kind: 'device' });
    expect(scene.system.audit()).toEqual([]);
  });

  it('may be plain bytes, which both sides see: a frame buffer', () => {
    const scene = sceneOf();
    const { range } = scene.system.addDevice('/dev/fb0', { kind: 'memory', pages: 1 });
    const at = scene.act(() => scene.space.mapDevice('/dev/fb0', { length: PAGE_SIZE }));
    scene.act((user) => user.store32(at + 8, 0x00ff8040));
    expect(range.device.read(8, 4)).toBe(0x00ff8040);
    range.device.write(12, 4, 7);
    expect(scene.act((user) => user.load32(at + 12))).toBe(7);
    expect(scene.space.translate(asVa(at)).translation?.protection).toBe(RW);
  });

  it('must be there', () => {
    const scene = sceneOf();
    expect(scene.act(() => scene.space.mapDevice('/dev/nothing', { length: PAGE_SIZE }))).toBe(-2);
  });
});
