/**
 * Cases with known answers: the worked examples of the UVM paper (Cranor and Parulkar, USENIX 1999) and of the Mach papers. The
 * counts are exact.
 */
import { describe, expect, it } from 'vitest';
import {
  MADV_NORMAL,
  MADV_RANDOM,
  MADV_SEQUENTIAL,
  MAP_PRIVATE,
  MAP_SHARED,
  type NetbsdSystem,
  O_RDONLY,
  O_RDWR,
  PROT_READ,
  type Process,
  type Step,
  type User,
} from '../../src/index.js';
import { act, bootProcess, childOf, expectNoLeak, expectSound } from '../harness.js';
import { bytesAt, entriesOf, expectAll, fill, makeFile, mapAnon, mapFile, open, PAGE, RW, rangesOf } from './support.js';

/** Anonymous memory as it is: the amaps, the anons, and how many refer to each anon that an amap holds. */
function anonymous(system: NetbsdSystem): { amaps: number; anons: number; references: number[] } {
  const { uvm } = system;
  const anons = new Set([...uvm.amaps].flatMap((amap) => amap.used.map((slot) => amap.at(slot))));
  return { amaps: uvm.amaps.size, anons: uvm.anonCount, references: [...anons].map((anon) => anon?.references ?? 0) };
}

/** Bytes that tell who stored them. */
const PARENT_FIRST = 0x11;
const PARENT = 0x22;
const CHILD = 0x33;

/**
 * Figure 3: a file of three pages, mapped copy-on-write; the parent writes the middle one and forks; then the parent writes the
 * middle one once more, and the child the right one.
 *
 *                       left    middle   right
 *     parent's amap      .      [new]      .          the file    [page][page][page]
 *     child's amap       .      [old]    [new]
 */
function figure3(): { system: NetbsdSystem; parent: Process; child: Process; map: number } {
  const { system, process: parent } = bootProcess();
  makeFile(system, 'file', 3 * PAGE);
  const map = act(system, parent, function* (user) {
    const fd = yield* open(user, 'file', O_RDWR);
    const map = yield* mapFile(user, fd, 3 * PAGE, RW, MAP_PRIVATE);
    yield* user.store8(map + PAGE, PARENT_FIRST);
    return map;
  });
  expect(anonymous(system)).toEqual({ amaps: 1, anons: 1, references: [1] });
  const child = childOf(
    system,
    act(system, parent, (user) => user.fork()),
  );
  expect(anonymous(system), 'a fork copies nothing').toEqual({ amaps: 1, anons: 1, references: [1] });
  act(system, parent, (user) => user.store8(map + PAGE, PARENT));
  expect(anonymous(system), 'the parent has copied the middle').toEqual({ amaps: 2, anons: 2, references: [1, 1] });
  expectSound(system);
  act(system, child, (user) => user.store8(map + 2 * PAGE, CHILD));
  return { system, parent, child, map };
}

/** The first byte of each of three pages. */
function* firstBytes(user: User, map: number): Step<number[]> {
  return [yield* user.load8(map), yield* user.load8(map + PAGE), yield* user.load8(map + 2 * PAGE)];
}

describe("the UVM paper's worked examples", () => {
  it("fig3: 2 amaps and 3 anons, all referred to once; the child's fault makes no amap, as it holds the only reference", () => {
    const { system, parent, child, map } = figure3();
    expect(anonymous(system)).toEqual({ amaps: 2, anons: 3, references: [1, 1, 1] });
    for (const process of [parent, child]) {
      expect(entriesOf(system, process).map(({ needsCopy, copyOnWrite }) => ({ needsCopy, copyOnWrite }))).toEqual([
        { needsCopy: false, copyOnWrite: true },
      ]);
    }
    expect(act(system, parent, (user) => firstBytes(user, map))).toEqual([1, PARENT, 3]);
    expect(act(system, child, (user) => firstBytes(user, map))).toEqual([1, PARENT_FIRST, CHILD]);
    expectNoLeak(system);
  });

  it('fig3 then the child writes the middle: 0 pages allocated, 0 copied', () => {
    const { system, parent, child, map } = figure3();
    const { uvmexp } = system.uvm;
    const now = () => ({ free: uvmexp.free, copies: uvmexp.flt_acow + uvmexp.flt_prcopy, faults: uvmexp.faults });
    const before = now();
    act(system, child, (user) => user.store8(map + PAGE, CHILD));
    // Not even a fault: the one on the right page has mapped the middle along with it, writable, since nobody else has it.
    expect(now()).toEqual(before);
    expect(anonymous(system)).toEqual({ amaps: 2, anons: 3, references: [1, 1, 1] });
    expect(act(system, parent, (user) => firstBytes(user, map))).toEqual([1, PARENT, 3]);
    expect(act(system, child, (user) => firstBytes(user, map))).toEqual([1, CHILD, CHILD]);
    expectNoLeak(system);
  });

  it('fig3 then the child exits: one anon is left, of the middle page', () => {
    const { system, parent, child, map } = figure3();
    system.perform(child, (user) => user.exit(0));
    expect(anonymous(system)).toEqual({ amaps: 1, anons: 1, references: [1] });
    expect(system.uvm.uvmexp.anonpages).toBe(1);
    expect(entriesOf(system, parent)[0]?.amap?.used).toEqual([1]);
    expect(act(system, parent, (user) => firstBytes(user, map))).toEqual([1, PARENT, 3]);
    expectNoLeak(system);
  });

  it('wiring and map entries: physio and sysctl of half a mapping leave 1 entry; mlock makes 2 of it, and munlock does not join them', () => {
    //     page    0   1   2   3   4          0   1   2   3   4
    //             [───────────────)   ->     [─wired─)[──────)
    //
    // The wirings of physio and of sysctl are not the map's.
    const { system, process } = bootProcess({ sysctlWires: true });
    system.addDevice('/dev/rst0', { kind: 'tape' });
    const base = act(system, process, (user) => mapAnon(user, 4));
    act(system, process, (user) => fill(user, base, 4 * PAGE, 1));
    const whole = [{ from: 0, to: 4, wiredCount: 0 }];
    expect(rangesOf(system, process, base)).toEqual(whole);

    // What there is while they have the half wired.
    const meanwhile: unknown[] = [];
    const { vm } = system;
    const { vsunlock } = vm;
    vm.vsunlock = function (...range) {
      meanwhile.push({ wired: system.uvm.uvmexp.wired, ranges: rangesOf(system, process, base) });
      return vsunlock.apply(this, range);
    };
    act(system, process, function* (user) {
      const fd = yield* open(user, '/dev/rst0', O_RDWR);
      expect(yield* user.write(fd, base, 2 * PAGE)).toBe(2 * PAGE);
      expect(yield* user.close(fd)).toBe(0);
      expect(yield* user.sysctl('hw.pagesize', base, 2 * PAGE)).toBeGreaterThan(0);
    });
    expect(meanwhile).toEqual([
      { wired: 2, ranges: whole },
      { wired: 2, ranges: whole },
    ]);
    expect(rangesOf(system, process, base)).toEqual(whole);
    expect(system.uvm.uvmexp.wired).toBe(0);

    expect(act(system, process, (user) => user.mlock(base, 2 * PAGE))).toBe(0);
    expect(rangesOf(system, process, base)).toEqual([
      { from: 0, to: 2, wiredCount: 1 },
      { from: 2, to: 4, wiredCount: 0 },
    ]);
    expect(system.uvm.uvmexp.wired).toBe(2);
    expectSound(system);
    expect(act(system, process, (user) => user.munlock(base, 2 * PAGE))).toBe(0);
    expect(rangesOf(system, process, base)).toEqual([
      { from: 0, to: 2, wiredCount: 0 },
      { from: 2, to: 4, wiredCount: 0 },
    ]);
    expect(system.uvm.uvmexp.wired).toBe(0);
    expectNoLeak(system);
  });

  const none = { amaps: 0, anons: 0 };
  const one = { amaps: 1, anons: 1 };
  const onePage: [access: 'read' | 'write', what: 'shared file' | 'private file' | 'zero fill', expected: typeof one][] = [
    ['read', 'shared file', none],
    ['write', 'shared file', none],
    ['read', 'private file', none],
    ['write', 'private file', one],
    ['read', 'zero fill', one],
    ['write', 'zero fill', one],
  ];
  for (const [access, what, expected] of onePage) {
    const made = expected.amaps === 0 ? 'no amap and no anon' : 'one amap and one anon';
    it(`map, fault, unmap of one page: ${access} of ${what} makes ${made}; nothing is leaked`, () => {
      const { system, process } = bootProcess();
      makeFile(system, 'file', PAGE);
      const { uvmexp } = system.uvm;
      act(system, process, function* (user) {
        const fd = yield* open(user, 'file', O_RDWR);
        const flags = what === 'shared file' ? MAP_SHARED : MAP_PRIVATE;
        const map = what === 'zero fill' ? yield* mapAnon(user, 1) : yield* mapFile(user, fd, PAGE, RW, flags);
        expect(anonymous(system), 'mapped').toMatchObject(none);
        const faults = uvmexp.faults;
        if (access === 'read') expect(yield* user.load8(map)).toBe(what === 'zero fill' ? 0 : 1);
        else yield* user.store8(map, 7);
        expect(uvmexp.faults - faults).toBe(1);
        expect(anonymous(system), 'faulted').toMatchObject(expected);
        expect(uvmexp.filepages).toBe(what === 'zero fill' ? 0 : 1);
        expect(yield* user.munmap(map, PAGE)).toBe(0);
        expect(anonymous(system), 'unmapped').toMatchObject(none);
        expect(yield* user.close(fd)).toBe(0);
      });
      expect(entriesOf(system, process)).toEqual([]);
      expectNoLeak(system);
    });
  }
});

describe('page faults against neighbours', () => {
  const PAGES = 24;
  const upwards = Array.from({ length: PAGES }, (_, page) => page);

  const readers: [what: string, advice: number, order: number[], faults: number, window: string][] = [
    // [0 … 4][5 … 9][10 … 14][15 … 19][20 … 23]: the page that faults and 4 ahead.
    ['a sequential reader', MADV_NORMAL, upwards, 5, 'once for each window of 5'],
    // [20 … 23][16 … 19] …: the page that faults and 3 behind.
    ['a reader from the end', MADV_NORMAL, upwards.toReversed(), 6, 'once for each window of 4'],
    ['a sequential reader with advice RANDOM', MADV_RANDOM, upwards, PAGES, 'once a page'],
    // [0 … 7][8 … 15][16 … 23]: the page that faults and 7 ahead.
    ['a sequential reader with advice SEQUENTIAL', MADV_SEQUENTIAL, upwards, 3, 'once for each window of 8'],
  ];
  for (const [what, advice, order, faults, window] of readers) {
    it(`page faults against neighbours: ${what} of a resident file faults ${window}`, () => {
      const { system, process } = bootProcess();
      makeFile(system, 'file', PAGES * PAGE);
      const { uvmexp } = system.uvm;
      const taken = act(system, process, function* (user) {
        const fd = yield* open(user, 'file', O_RDONLY);
        const buffer = yield* mapAnon(user, PAGES);
        expect(yield* user.read(fd, buffer, PAGES * PAGE)).toBe(PAGES * PAGE);
        const map = yield* mapFile(user, fd, PAGES * PAGE, PROT_READ, MAP_SHARED);
        expect(yield* user.madvise(map, PAGES * PAGE, advice)).toBe(0);
        const before = { faults: uvmexp.faults, pageins: uvmexp.pageins };
        for (const page of order) expect(yield* user.load8(map + page * PAGE)).toBe(1 + page);
        expect(uvmexp.pageins, 'the file is resident').toBe(before.pageins);
        return uvmexp.faults - before.faults;
      });
      expect(taken).toBe(faults);
      expectNoLeak(system);
    });
  }

  it('page faults against neighbours: a fault in the middle maps 3 pages behind and 4 ahead, and no more', () => {
    //     page    … 6   7   8   9  [10]  11  12  13  14  15 …
    //                   └─3 behind─┘ └──4 ahead──────┘
    const { system, process } = bootProcess();
    makeFile(system, 'file', PAGES * PAGE);
    act(system, process, function* (user) {
      const fd = yield* open(user, 'file', O_RDONLY);
      const buffer = yield* mapAnon(user, PAGES);
      expect(yield* user.read(fd, buffer, PAGES * PAGE)).toBe(PAGES * PAGE);
      const map = yield* mapFile(user, fd, PAGES * PAGE, PROT_READ, MAP_SHARED);
      const resident = process.space?.pmap.residentCount ?? 0;
      yield* user.load8(map + 10 * PAGE);
      expect(process.space?.pmap.residentCount).toBe(resident + 8);
      const before = system.uvm.uvmexp.faults;
      for (let page = 7; page <= 14; page++) yield* user.load8(map + page * PAGE);
      expect(system.uvm.uvmexp.faults, 'inside the window').toBe(before);
      yield* user.load8(map + 6 * PAGE);
      expect(system.uvm.uvmexp.faults, 'just below it').toBe(before + 1);
    });
    expectNoLeak(system);
  });
});

describe("Mach's mapped files", () => {
  it("Mach's mapped files: a file of 1,970,176 bytes, mapped and read twice, is 481 pages in, then 0", () => {
    const size = 1_970_176;
    const { system, process } = bootProcess({ ram: 1024 * PAGE });
    makeFile(system, 'file', size);
    const { uvmexp } = system.uvm;
    const pagesIn: number[] = [];
    for (let round = 0; round < 2; round++) {
      const before = uvmexp.pgpgin;
      act(system, process, function* (user) {
        const fd = yield* open(user, 'file', O_RDONLY);
        const map = yield* mapFile(user, fd, size, PROT_READ, MAP_SHARED);
        for (let page = 0; page < 481; page++) expectAll(yield* bytesAt(user, map + page * PAGE, PAGE), 1 + (page % 255));
        expect(yield* user.munmap(map, size)).toBe(0);
        expect(yield* user.close(fd)).toBe(0);
      });
      pagesIn.push(uvmexp.pgpgin - before);
    }
    expect(pagesIn).toEqual([481, 0]);
    expect(uvmexp.filepages).toBe(481);
    expectNoLeak(system);
  });
});
