/** Cleaning, deactivating and freeing the pages of ranges (`uvmMapClean`), and asking for them ahead of time. */
import { describe, expect, it } from 'vitest';
import { Bench, PRIVATE, SHARED } from '../../../test/maps.js';
import { EBUSY, EFAULT, EINVAL } from '../../kern/errno.js';
import { asOffset, PAGE_SIZE } from '../../machine/address.js';
import { PGO_CLEANIT, PGO_DEACTIVATE, PGO_FREE, PGO_SYNCIO } from '../object/object.js';
import { NO_PAGE, PQ_ACTIVE, PQ_ANON, PQ_INACTIVE } from '../page/page-array.js';
import { UVM_FLAG_NOMERGE } from './map-arguments.js';

function clean(bench: Bench, from: number, to: number, flags: number): number {
  return bench.run(() => bench.uvm.uvmMapClean(bench.map, bench.at(from), bench.at(to), flags));
}

/** Pages 0 to 4 private anonymous and 4 to 8 of a file, all stored to, then a hole: `aaaabbbb`. */
function stored(): { bench: Bench; onDisk: (page: number) => number } {
  const bench = new Bench();
  const file = bench.newFile(4);
  bench.run(function* () {
    yield* bench.put(0, 4);
    yield* bench.putFile(4, 8, file, 0);
    for (let page = 0; page < 8; page++) yield* bench.write(page, 50 + page);
  });
  const onDisk = (page: number): number => {
    const bytes = new Uint8Array(1);
    file.store.read(page * PAGE_SIZE, bytes);
    return bytes[0] as number;
  };
  return { bench, onDisk };
}

describe('cleaning', () => {
  it('writes the pages of files back, in the range and nowhere else', () => {
    const { bench, onDisk } = stored();
    expect(clean(bench, 5, 7, PGO_CLEANIT | PGO_SYNCIO)).toBe(0);
    expect([0, 1, 2, 3].map(onDisk)).toEqual([1, 55, 56, 4]);
    expect(bench.picture()).toBe('aaaabbbb');
    bench.expectSound();
  });

  it('answers EFAULT when the start is not mapped, or there is a hole', () => {
    const { bench } = stored();
    bench.run(() => bench.put(9, 10));
    expect([clean(bench, 8, 9, PGO_CLEANIT), clean(bench, 7, 10, PGO_CLEANIT), clean(bench, 9, 12, PGO_CLEANIT)]).toEqual([
      EFAULT,
      EFAULT,
      EFAULT,
    ]);
    expect(clean(bench, 0, 8, PGO_CLEANIT)).toBe(0);
    expect(bench.map.busy).toBeNull();
  });

  it('answers EINVAL for a submap', () => {
    const bench = new Bench();
    bench.run(function* () {
      yield* bench.put(0, 1);
      yield* bench.put(1, 2, { flags: UVM_FLAG_NOMERGE });
      yield* bench.uvm.uvmMapSubmap(bench.map, bench.at(1), bench.at(2), bench.newSpace().map);
    });
    // Told apart from ordinary memory only when the walk comes to it.
    expect([clean(bench, 0, 1, PGO_CLEANIT), clean(bench, 0, 2, PGO_CLEANIT)]).toEqual([0, EINVAL]);
  });

  it('answers EBUSY when wired memory is to be freed, which it tells by the first entry', () => {
    const bench = new Bench();
    bench.run(function* () {
      for (const page of [0, 1, 2]) {
        yield* bench.put(page, page + 1, { flags: PRIVATE | UVM_FLAG_NOMERGE });
        yield* bench.write(page, 50);
      }
      yield* bench.wire(1, 2);
    });
    expect(bench.picture()).toBe('aBc');
    expect([clean(bench, 1, 3, PGO_FREE), clean(bench, 1, 3, PGO_DEACTIVATE)]).toEqual([EBUSY, 0]);
    // Behind the first entry wired pages are passed over.
    expect(clean(bench, 0, 3, PGO_FREE)).toBe(0);
    expect([0, 1, 2].map((page) => bench.pageOf(page) === NO_PAGE)).toEqual([true, false, true]);
    bench.expectSound();
  });
});

describe('freeing', () => {
  it('gives the pages of anonymous memory back, which then is zero', () => {
    const { bench } = stored();
    const { free } = bench.uvm.uvmexp;
    expect(clean(bench, 1, 3, PGO_FREE)).toBe(0);
    expect([bench.uvm.uvmexp.free, bench.uvm.anonCount]).toEqual([free + 2, 2]);
    bench.run(function* () {
      expect([yield* bench.read(0), yield* bench.read(1), yield* bench.read(2), yield* bench.read(3)]).toEqual([50, 0, 0, 53]);
    });
    bench.expectSound();
  });

  it('writes pages of files before it frees them', () => {
    const { bench, onDisk } = stored();
    expect(clean(bench, 4, 6, PGO_FREE)).toBe(0);
    expect([onDisk(0), onDisk(1), onDisk(2)]).toEqual([54, 55, 3]);
    expect(bench.pageOf(4)).toBe(NO_PAGE);
    expect(bench.run(() => bench.read(4))).toBe(54);
    bench.expectSound();
  });

  it('only deactivates anonymous memory that others share', () => {
    const bench = new Bench();
    bench.run(function* () {
      yield* bench.put(0, 2, { flags: SHARED, inheritance: 0 });
      yield* bench.write(0, 9);
      yield* bench.uvm.uvmspaceFork(bench.space);
    });
    expect(clean(bench, 0, 2, PGO_FREE)).toBe(0);
    expect(bench.uvm.pages.pqflags(bench.pageOf(0))).toBe(PQ_ANON | PQ_INACTIVE);
    expect(bench.run(() => bench.read(0))).toBe(9);
    bench.expectSound();
  });

  it('only deactivates what lies in an amap to which a second entry refers, such as the other half of a clip', () => {
    const { bench } = stored();
    bench.run(() => bench.uvm.uvmMapInherit(bench.map, bench.at(2), bench.at(4), 2));
    expect(bench.picture()).toBe('aabbcccc');
    expect(clean(bench, 0, 1, PGO_FREE)).toBe(0);
    expect(bench.run(() => bench.read(0))).toBe(50);
    bench.expectSound();
  });

  it('leaves a page that a copy of the amap has too to that copy', () => {
    const bench = new Bench();
    const child = bench.run(function* () {
      yield* bench.put(0, 2);
      yield* bench.write(0, 9);
      yield* bench.write(1, 8);
      const forked = yield* bench.uvm.uvmspaceFork(bench.space);
      // Each writes, and so has an amap of its own; page 0 is still in both.
      yield* bench.write(1, 7);
      yield* bench.write(1, 6, forked.map);
      return forked;
    });
    expect(clean(bench, 0, 1, PGO_FREE)).toBe(0);
    bench.expectSound();
    bench.run(function* () {
      expect([yield* bench.read(0), yield* bench.read(0, child.map)]).toEqual([0, 9]);
    });
    bench.expectSound();
  });
});

describe('deactivating', () => {
  it('moves pages to the inactive queue, but none that is wired or was never there', () => {
    const { bench } = stored();
    bench.run(function* () {
      yield* bench.put(10, 14);
      yield* bench.write(10, 1);
      yield* bench.wire(11, 12);
    });
    expect(clean(bench, 10, 14, PGO_DEACTIVATE)).toBe(0);
    const queue = (page: number): number => bench.uvm.pages.pqflags(bench.pageOf(page)) & (PQ_ACTIVE | PQ_INACTIVE);
    expect([queue(10), queue(11), bench.pageOf(12)]).toEqual([PQ_INACTIVE, 0, NO_PAGE]);
    bench.expectSound();
  });
});

describe('asking for pages ahead of time', () => {
  it('starts to read what is mapped of files, where nothing was written over it', () => {
    const bench = new Bench();
    const file = bench.newFile(16);
    bench.run(function* () {
      yield* bench.put(0, 1);
      yield* bench.putFile(2, 6, file, 4);
      yield* bench.putFile(8, 10, file, 12, { flags: PRIVATE });
      yield* bench.write(8, 9);
      yield* bench.uvm.uvmMapClean(bench.map, bench.at(8), bench.at(10), PGO_FREE);
      expect(yield* bench.uvm.uvmMapWillneed(bench.map, bench.at(3), bench.at(10))).toBe(0);
    });
    const there = Array.from({ length: 16 }, (_, page) => file.lookup(asOffset(page * PAGE_SIZE)) !== NO_PAGE);
    expect(there.slice(5, 8)).toEqual([true, true, true]);
    expect(there.slice(12, 14)).toEqual([false, false]);
    bench.expectSound();
  });
});
