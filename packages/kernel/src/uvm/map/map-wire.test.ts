/** Wiring and unwiring ranges: `uvm_map_pageable()`. Capital letters are wired entries. */
import { describe, expect, it } from 'vitest';
import { Bench, PRIVATE, RW } from '../../../test/maps.js';
import { EACCES, EFAULT, EINVAL, ENOMEM } from '../../kern/errno.js';
import { PAGE_SIZE } from '../../machine/address.js';
import { PROT_NONE, PROT_READ } from '../../machine/protection.js';
import { NO_PAGE } from '../page/page-array.js';
import { UVM_FLAG_NOMERGE } from './map-arguments.js';

/** Pages 0 to 4, then 4 to 8 as another entry, a hole, 10 to 12: `aaaabbbb..cc`. Nobody has touched them. */
function fresh(): Bench {
  const bench = new Bench();
  bench.run(function* () {
    yield* bench.put(0, 4);
    yield* bench.put(4, 8, { flags: PRIVATE | UVM_FLAG_NOMERGE });
    yield* bench.put(10, 12);
  });
  expect(bench.picture()).toBe('aaaabbbb..cc');
  return bench;
}

function counts(bench: Bench): number[] {
  return bench.map.entries().map(({ wiredCount }) => wiredCount);
}

describe('wiring a range', () => {
  it('clips it out, gives it its upper layer, faults it in and wires each page once', () => {
    const bench = fresh();
    expect(bench.run(() => bench.wire(2, 6))).toBe(0);
    expect(bench.picture()).toBe('aaBBCCdd..ee');
    expect(counts(bench)).toEqual([0, 1, 1, 0, 0]);
    expect([2, 3, 4, 5].map((page) => bench.uvm.pages.wireCount(bench.pageOf(page)))).toEqual([1, 1, 1, 1]);
    expect([bench.uvm.uvmexp.wired, bench.map.pmap.wiredCount, bench.uvm.uvmexp.fltwire]).toEqual([4, 4, 4]);
    expect(bench.map.busy).toBeNull();
    bench.expectSound();
  });

  it('again counts the entries and leaves the pages, and one unwiring undoes it all', () => {
    const bench = fresh();
    bench.run(function* () {
      for (let i = 0; i < 5; i++) expect(yield* bench.wire(2, 6)).toBe(0);
    });
    expect(counts(bench)).toEqual([0, 5, 5, 0, 0]);
    expect(bench.uvm.pages.wireCount(bench.pageOf(2))).toBe(1);
    expect(bench.run(() => bench.unwire(2, 6))).toBe(0);
    expect([bench.picture(), bench.uvm.uvmexp.wired]).toEqual(['aabbccdd..ee', 0]);
    bench.expectSound();
  });

  it('wires what was not wired yet of a range that partly was', () => {
    const bench = fresh();
    bench.run(function* () {
      yield* bench.wire(1, 2);
      yield* bench.wire(0, 4);
    });
    expect([bench.picture(), counts(bench), bench.uvm.uvmexp.wired]).toEqual(['ABCCdddd..ee', [1, 2, 1, 0, 0], 4]);
    bench.expectSound();
  });

  it('counts a page twice that two entries wire', () => {
    const bench = new Bench();
    const file = bench.newFile(2);
    bench.run(function* () {
      yield* bench.putFile(0, 1, file, 0);
      yield* bench.putFile(2, 3, file, 0);
      yield* bench.wire(0, 1);
      yield* bench.wire(2, 3);
      expect(bench.uvm.pages.wireCount(bench.pageOf(0))).toBe(2);
      expect(bench.uvm.uvmexp.wired).toBe(1);
      yield* bench.unwire(0, 1);
    });
    expect([bench.uvm.pages.wireCount(bench.pageOf(0)), bench.uvm.uvmexp.wired]).toEqual([1, 1]);
    bench.expectSound();
  });

  it('copies a private page of a file that may ever be written to, and shares one that never may', () => {
    const bench = new Bench();
    const file = bench.newFile(4);
    bench.run(function* () {
      yield* bench.putFile(0, 1, file, 0, { flags: PRIVATE, protection: PROT_READ });
      yield* bench.putFile(2, 3, file, 2, { flags: PRIVATE, protection: PROT_READ, maxProtection: PROT_READ });
      expect([yield* bench.wire(0, 1), yield* bench.wire(2, 3)]).toEqual([0, 0]);
    });
    expect([
      bench.pageOf(0) === file.lookup(bench.entryAt(0).offset),
      bench.pageOf(2) === file.lookup(bench.entryAt(2).offset),
    ]).toEqual([false, true]);
    bench.expectSound();
  });

  it('takes a last page at the very end of the map', () => {
    const bench = new Bench({ pages: 4 });
    bench.run(function* () {
      yield* bench.put(3, 4);
      expect(yield* bench.wire(3, 4)).toBe(0);
      // What lies beyond the map is cut off.
      expect(yield* bench.wire(3, 9)).toBe(0);
    });
    expect(bench.picture()).toBe('...A');
    bench.expectSound();
  });
});

describe('wiring is refused', () => {
  it('with EFAULT when the start is not mapped', () => {
    const bench = fresh();
    expect(bench.run(() => bench.wire(8, 11))).toBe(EFAULT);
    expect(bench.picture()).toBe('aaaabbbb..cc');
    expect(bench.map.lock.state).toBe('free');
  });

  it('with EINVAL when there is a hole, at the end too: the counts go back, the clips stay', () => {
    const bench = fresh();
    expect(bench.run(() => bench.wire(2, 11))).toBe(EINVAL);
    expect(bench.picture()).toBe('aabbcccc..dd');
    expect(bench.run(() => bench.wire(11, 14))).toBe(EINVAL);
    expect(bench.picture()).toBe('aabbcccc..de');
    expect(bench.map.entries().some(({ wiredCount }) => wiredCount > 0)).toBe(false);
    bench.expectSound();
  });

  it('with EINVAL when part of it is inaccessible, and leaves what was wired before', () => {
    const bench = fresh();
    bench.run(function* () {
      yield* bench.wire(2, 4);
      yield* bench.uvm.uvmMapProtect(bench.map, bench.at(5), bench.at(6), PROT_NONE, { setMax: false });
      expect(yield* bench.wire(0, 8)).toBe(EINVAL);
    });
    expect([bench.picture(), counts(bench)]).toEqual(['aaBBcdee..ff', [0, 1, 0, 0, 0, 0]]);
    bench.expectSound();
  });

  it('with the error of the fault when a page cannot be had, and what was wired is unwired again', () => {
    const bench = fresh();
    bench.run(() => bench.wire(1, 2));
    // Pages 0, 2 and 3 can be had, page 4 as well, and then there is nothing left.
    bench.uvm.uvmexp.reserve_kernel = bench.uvm.uvmexp.free - 4;
    expect(bench.run(() => bench.wire(0, 8))).toBe(ENOMEM);
    expect([bench.picture(), counts(bench), bench.uvm.uvmexp.wired]).toEqual(['aBccdddd..ee', [0, 1, 0, 0, 0], 1]);
    expect([bench.pageOf(4) === NO_PAGE, bench.pageOf(5) === NO_PAGE]).toEqual([false, true]);
    expect([bench.map.busy, bench.map.lock.state]).toEqual([null, 'free']);
    bench.expectSound();
    bench.uvm.uvmexp.reserve_kernel = 5;
    expect(bench.run(() => bench.wire(0, 8))).toBe(0);
    bench.expectSound();
  });

  it('with an error of reading the file, in the middle of an entry', () => {
    const bench = new Bench();
    const file = bench.newFile(2);
    bench.run(function* () {
      yield* bench.put(0, 2);
      yield* bench.putFile(2, 6, file, 0);
      // The file has two pages only.
      expect(yield* bench.wire(0, 6)).toBe(EINVAL);
    });
    expect([bench.picture(), bench.uvm.uvmexp.wired, bench.map.pmap.wiredCount]).toEqual(['aabbbb', 0, 0]);
    bench.expectSound();
  });
});

describe('unwiring', () => {
  it('clips the range out of what is wired', () => {
    const bench = fresh();
    bench.run(function* () {
      yield* bench.wire(0, 8);
      expect(yield* bench.unwire(2, 5)).toBe(0);
    });
    expect([bench.picture(), bench.uvm.uvmexp.wired]).toEqual(['AAbbcDDD..ee', 5]);
    bench.expectSound();
  });

  it('is refused with EFAULT when the start is not mapped, with EINVAL when there is a hole or memory that is not wired', () => {
    const bench = fresh();
    bench.run(function* () {
      yield* bench.wire(0, 4);
      yield* bench.wire(6, 8);
      yield* bench.wire(10, 12);
      expect(yield* bench.unwire(9, 12)).toBe(EFAULT);
      expect(yield* bench.unwire(1, 5)).toBe(EINVAL);
      expect(yield* bench.unwire(6, 11)).toBe(EINVAL);
      expect(yield* bench.unwire(10, 13)).toBe(EINVAL);
    });
    // What was clipped at the start of the range stays so.
    expect(bench.picture()).toBe('ABBBccDD..EE');
    expect(bench.uvm.uvmexp.wired).toBe(8);
    bench.expectSound();
  });
});

describe('an empty range', () => {
  it('does nothing, but its start must be mapped', () => {
    const bench = fresh();
    bench.run(function* () {
      expect([yield* bench.wire(2, 2), yield* bench.unwire(2, 2)]).toEqual([0, 0]);
      expect([yield* bench.wire(9, 9), yield* bench.unwire(9, 9)]).toEqual([EFAULT, EFAULT]);
      // A reversed range is empty, at its end.
      expect([yield* bench.wire(6, 2), yield* bench.wire(6, 9)]).toEqual([0, EINVAL]);
    });
    expect(counts(bench).every((count) => count === 0)).toBe(true);
    bench.expectSound();
  });
});

describe('the lock of the map around wiring', () => {
  it('can be held on entry, and be wanted on return, whatever the outcome', () => {
    const ranges: [from: number, to: number, errno: number][] = [
      [0, 2, 0],
      [2, 2, 0],
      [8, 9, EFAULT],
      [2, 11, EINVAL],
    ];
    for (const [from, to, errno] of ranges) {
      for (const wire of [true, false]) {
        const bench = fresh();
        const { uvm, map } = bench;
        bench.run(function* () {
          if (!wire) yield* bench.wire(0, 2);
          yield* uvm.vmMapLock(map);
          const options = { wire, lockedOnEntry: true, lockedOnExit: true };
          expect(yield* uvm.uvmMapPageable(map, bench.at(from), bench.at(to), options)).toBe(errno);
          expect(map.lock.writeOwned).toBe(true);
          yield* uvm.vmMapUnlock(map);
        });
        bench.expectSound();
      }
    }
  });

  it('is wanted on return also when a page could not be had', () => {
    const bench = fresh();
    const { uvm, map } = bench;
    uvm.uvmexp.reserve_kernel = uvm.uvmexp.free - 2;
    bench.run(function* () {
      expect(yield* uvm.uvmMapPageable(map, bench.at(0), bench.at(4), { wire: true, lockedOnExit: true })).toBe(ENOMEM);
      expect(map.lock.writeOwned).toBe(true);
      yield* uvm.vmMapUnlock(map);
    });
    bench.expectSound();
  });
});

describe('assertions of wiring', () => {
  it('want a map whose memory may be wired', () => {
    const bench = fresh();
    bench.map.flags = 0;
    expect(bench.panicOf(() => bench.wire(0, 1))).toContain('"map->flags & VM_MAP_PAGEABLE"');
  });

  it('find a page that is unwired more often than it was wired', () => {
    const bench = fresh();
    bench.run(() => bench.write(0, 1));
    bench.entryAt(0).wiredCount = 1;
    expect(bench.panicOf(() => bench.unwire(0, 4))).toContain('"pg->wire_count != 0"');
  });

  it('want the start of what is unwired to be mapped, and no gap in it in front of a mapped page', () => {
    const nowhere = fresh();
    expect(nowhere.panicOf(() => nowhere.uvm.uvmFaultUnwire(nowhere.map, nowhere.at(8), nowhere.at(9)))).toBe(
      'uvm_fault_unwire_locked: address not in map',
    );
    const gap = fresh();
    gap.run(() => gap.wire(10, 11));
    expect(gap.panicOf(() => gap.uvm.uvmFaultUnwire(gap.map, gap.at(7), gap.at(11)))).toContain(
      '"entry->next->start <= entry->end"',
    );
  });
});

describe('the walk of wiring', () => {
  it('has an event for each step', () => {
    const bench = fresh();
    bench.run(() => bench.wire(0, 1));
    bench.kern.log.on = true;
    bench.run(function* () {
      yield* bench.wire(0, 2);
      yield* bench.unwire(0, 2);
    });
    const steps = bench.events('wire').map(({ direction, step }) => `${direction} ${step.name}`);
    expect(steps).toEqual([
      'wire lookup',
      'wire count',
      'wire count',
      'wire pass-end',
      'wire skip',
      'wire fault-in',
      'wire pass-end',
      'wire return',
      'unwire lookup',
      'unwire unwire',
      'unwire unwire',
      'unwire pass-end',
      'unwire return',
    ]);
  });
});

describe('memory that is wired', () => {
  it('stays so however its protection is changed', () => {
    const bench = fresh();
    bench.run(function* () {
      yield* bench.wire(0, 2);
      for (const protection of [PROT_READ, PROT_NONE, RW]) {
        yield* bench.uvm.uvmMapProtect(bench.map, bench.at(0), bench.at(2), protection, { setMax: false });
        bench.expectSound();
      }
      expect(yield* bench.uvm.uvmFault(bench.map, bench.at(0), 4)).toBe(EACCES);
    });
    expect([bench.picture().startsWith('AA'), bench.uvm.uvmexp.wired, bench.map.size]).toEqual([true, 2, 10 * PAGE_SIZE]);
  });
});
