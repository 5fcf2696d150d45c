/** Protection, inheritance and advice of ranges. */
import { describe, expect, it } from 'vitest';
import { Bench, PRIVATE, RW, SHARED } from '../../../test/maps.js';
import { EACCES, EINVAL, ENOMEM } from '../../kern/errno.js';
import { PAGE_SIZE } from '../../machine/address.js';
import { PROT_EXEC, PROT_NONE, PROT_READ, PROT_WRITE } from '../../machine/protection.js';
import { PTE_PROT } from '../../machine/pte.js';
import {
  MADV_NORMAL,
  MADV_RANDOM,
  MADV_SEQUENTIAL,
  MADV_WILLNEED,
  MAP_INHERIT_COPY,
  MAP_INHERIT_NONE,
  MAP_INHERIT_SHARE,
  MAP_INHERIT_ZERO,
  MCL_FUTURE,
} from '../../vm/mman.js';
import { UVM_FLAG_NOMERGE } from './map-arguments.js';

/** What the page table allows at a page, -1 when it maps nothing there. */
function allowed(bench: Bench, page: number): number {
  const pte = bench.map.pmap.table.get(bench.at(page) / PAGE_SIZE);
  return pte === 0 ? -1 : pte & PTE_PROT;
}

/** Pages 0 to 6 private and stored to, 8 to 10 as well: `aaaaaa..bb`. */
function stored(): Bench {
  const bench = new Bench();
  bench.run(function* () {
    yield* bench.put(0, 6);
    yield* bench.put(8, 10);
    for (const page of [0, 1, 2, 3, 4, 5, 8, 9]) yield* bench.write(page, page);
  });
  return bench;
}

function protect(bench: Bench, from: number, to: number, protection: number, options = { setMax: false }): number {
  return bench.run(() => bench.uvm.uvmMapProtect(bench.map, bench.at(from), bench.at(to), protection, options));
}

describe('changing the protection', () => {
  it('clips at both ends and passes over holes', () => {
    const bench = stored();
    expect(protect(bench, 4, 9, PROT_READ)).toBe(0);
    expect(bench.picture()).toBe('aaaabb..cd');
    expect(bench.map.entries().map(({ protection }) => protection)).toEqual([RW, PROT_READ, PROT_READ, RW]);
    bench.expectSound();
  });

  it('takes rights out of the page table at once, and adds them with the next fault only', () => {
    const bench = stored();
    expect(allowed(bench, 1)).toBe(RW);
    protect(bench, 1, 2, PROT_READ);
    expect(allowed(bench, 1)).toBe(PROT_READ);
    protect(bench, 1, 2, RW);
    expect(allowed(bench, 1)).toBe(PROT_READ);
    bench.run(() => bench.write(1, 9));
    expect(allowed(bench, 1)).toBe(RW);
    protect(bench, 1, 2, PROT_NONE);
    expect(allowed(bench, 1)).toBe(-1);
    bench.expectSound();
  });

  it('keeps the mappings of wired memory, which allow nothing then', () => {
    const bench = stored();
    bench.run(() => bench.wire(1, 2));
    protect(bench, 0, 3, PROT_NONE);
    expect([allowed(bench, 0), allowed(bench, 1), allowed(bench, 2)]).toEqual([-1, 0, -1]);
    bench.expectSound();
    expect(bench.run(() => bench.unwire(1, 2))).toBe(0);
    bench.expectSound();
  });

  it('is refused with EACCES beyond the highest protection of any entry, and then changes none', () => {
    const bench = stored();
    bench.run(() => bench.put(10, 12, { protection: PROT_READ, maxProtection: PROT_READ }));
    expect(protect(bench, 3, 12, RW | PROT_EXEC)).toBe(EACCES);
    expect(bench.map.entries().every(({ protection }) => (protection & PROT_EXEC) === 0)).toBe(true);
    // The clip at the start has happened, the one at the end has not.
    expect(bench.picture()).toBe('aaabbb..ccdd');
    bench.expectSound();
  });

  it('can lower the highest protection, and what is allowed with it', () => {
    const bench = stored();
    expect(protect(bench, 2, 4, PROT_READ, { setMax: true })).toBe(0);
    expect(bench.entryAt(2)).toMatchObject({ maxProtection: PROT_READ, protection: PROT_READ });
    expect(allowed(bench, 2)).toBe(PROT_READ);
    expect(protect(bench, 2, 4, RW)).toBe(EACCES);
    expect(protect(bench, 2, 4, RW, { setMax: true })).toBe(EACCES);
    bench.expectSound();
  });

  it('is refused with EINVAL for a submap', () => {
    const bench = new Bench();
    bench.run(function* () {
      yield* bench.put(0, 1);
      yield* bench.put(1, 2, { flags: UVM_FLAG_NOMERGE });
      yield* bench.uvm.uvmMapSubmap(bench.map, bench.at(1), bench.at(2), bench.newSpace().map);
    });
    expect(protect(bench, 0, 2, PROT_READ)).toBe(EINVAL);
    expect(bench.entryAt(0).protection).toBe(RW);
  });

  it('has an event, unless it was refused', () => {
    const bench = stored();
    bench.kern.log.on = true;
    protect(bench, 0, 2, PROT_READ);
    protect(bench, 0, 2, 0x10);
    expect(bench.events('protect')).toEqual([
      { kind: 'protect', map: 1, range: { start: bench.at(0), end: bench.at(2) }, protection: PROT_READ },
    ]);
  });
});

describe('what becomes accessible while everything is to be wired', () => {
  /** A map that is to be wired from now on, with inaccessible pages 0 to 4. */
  function wiredFuture(): Bench {
    const bench = new Bench();
    bench.run(function* () {
      yield* bench.uvm.uvmMapPageableAll(bench.map, MCL_FUTURE, 0);
      yield* bench.put(0, 4, { protection: PROT_NONE });
    });
    return bench;
  }

  it('is wired, and the map locked again afterwards', () => {
    const bench = wiredFuture();
    expect(protect(bench, 1, 3, RW)).toBe(0);
    expect(bench.picture()).toBe('aBBc');
    expect(bench.uvm.uvmexp.wired).toBe(2);
    bench.expectSound();
  });

  it('answers ENOMEM when it cannot be, and is changed all the same', () => {
    const bench = wiredFuture();
    // So little memory that not all four pages can be had.
    bench.uvm.uvmexp.reserve_kernel = bench.uvm.uvmexp.free - 2;
    expect(protect(bench, 0, 4, RW)).toBe(ENOMEM);
    expect(bench.picture()).toBe('aaaa');
    expect(bench.entryAt(0).protection).toBe(RW);
    bench.expectSound();
  });
});

describe('changing the inheritance', () => {
  it('clips at both ends and passes over holes', () => {
    const bench = stored();
    for (const inheritance of [MAP_INHERIT_NONE, MAP_INHERIT_ZERO, MAP_INHERIT_COPY, MAP_INHERIT_SHARE]) {
      expect(bench.run(() => bench.uvm.uvmMapInherit(bench.map, bench.at(5), bench.at(9), inheritance))).toBe(0);
      expect(bench.map.entries().map((entry) => entry.inheritance)).toEqual([1, inheritance, inheritance, 1]);
    }
    expect(bench.picture()).toBe('aaaaab..cd');
    bench.expectSound();
  });

  it('is refused with EINVAL for a code that there is not, before anything is clipped', () => {
    const bench = stored();
    expect(bench.run(() => bench.uvm.uvmMapInherit(bench.map, bench.at(1), bench.at(2), 3))).toBe(EINVAL);
    expect(bench.picture()).toBe('aaaaaa..bb');
  });
});

describe('changing the advice', () => {
  const advise = (bench: Bench, from: number, to: number, advice: number): number =>
    bench.run(() => bench.uvm.uvmMapAdvice(bench.map, bench.at(from), bench.at(to), advice));

  it('clips at both ends and passes over holes', () => {
    const bench = stored();
    for (const advice of [MADV_RANDOM, MADV_SEQUENTIAL, MADV_NORMAL]) {
      expect(advise(bench, 5, 9, advice)).toBe(0);
      expect(bench.map.entries().map((entry) => entry.advice)).toEqual([0, advice, advice, 0]);
    }
    expect(bench.picture()).toBe('aaaaab..cd');
    bench.expectSound();
  });

  it('is refused with EINVAL for a code that there is not, once an entry has been clipped for it', () => {
    const bench = stored();
    expect(advise(bench, 1, 2, MADV_WILLNEED)).toBe(EINVAL);
    expect(bench.picture()).toBe('abcccc..dd');
    bench.expectSound();
  });

  it('is not refused where nothing is mapped', () => {
    expect(advise(stored(), 6, 8, 99)).toBe(0);
  });
});

describe('an empty or reversed range', () => {
  it('changes nothing but a clip', () => {
    const bench = stored();
    expect(protect(bench, 3, 3, PROT_NONE)).toBe(0);
    expect(protect(bench, 5, 1, PROT_NONE)).toBe(0);
    expect(bench.map.entries().every(({ protection }) => protection === (PROT_READ | PROT_WRITE))).toBe(true);
    expect(bench.picture()).toBe('abbccc..dd');
    bench.expectSound();
  });
});

describe('private memory', () => {
  it('is made read-only in the page table by any change, and shared memory is not', () => {
    const bench = new Bench();
    bench.run(function* () {
      yield* bench.put(0, 1);
      yield* bench.put(1, 2, { flags: SHARED });
      yield* bench.write(0, 1);
      yield* bench.write(1, 1);
    });
    protect(bench, 0, 2, RW | PROT_EXEC);
    expect([allowed(bench, 0), allowed(bench, 1)]).toEqual([PROT_READ, RW]);
    bench.expectSound();
  });

  it('does not become writable by a change alone, since it may have to be copied first', () => {
    const bench = new Bench();
    const file = bench.newFile(2);
    bench.run(function* () {
      yield* bench.putFile(0, 2, file, 0, { flags: PRIVATE, protection: PROT_READ });
      expect(yield* bench.read(0)).toBe(1);
    });
    protect(bench, 0, 2, RW);
    expect(allowed(bench, 0)).toBe(PROT_READ);
    bench.run(() => bench.write(0, 9));
    bench.expectSound();
    expect(bench.machine.ram.page(file.lookup(bench.entryAt(0).offset))[0]).toBe(1);
  });
});
