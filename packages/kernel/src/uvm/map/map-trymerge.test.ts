/** Merging an entry that is in the map already with its neighbours: `uvm_mapent_trymerge()`. */
import { describe, expect, it } from 'vitest';
import { Bench, PRIVATE, SHARED } from '../../../test/maps.js';
import { UVM_FLAG_NOMERGE } from './map-arguments.js';

/** Tries to merge the entry at a page; answers whether it did. */
function merge(bench: Bench, page: number, options = { copying: false }): boolean {
  return bench.run(function* () {
    yield* bench.uvm.vmMapLock(bench.map);
    const merged = yield* bench.uvm.uvmMapentTrymerge(bench.map, bench.entryAt(page), options);
    yield* bench.uvm.vmMapUnlock(bench.map);
    return merged;
  });
}

/** Three entries of a file that could be one, `aabbcc`; the middle one was made last. */
function threeOfAFile(offset = 2): Bench {
  const bench = new Bench();
  const file = bench.newFile(16);
  bench.run(function* () {
    yield* bench.putFile(0, 2, file, 0, { flags: UVM_FLAG_NOMERGE });
    yield* bench.putFile(4, 6, file, 4, { flags: UVM_FLAG_NOMERGE });
    yield* bench.putFile(2, 4, file, offset, { flags: UVM_FLAG_NOMERGE });
  });
  for (const entry of bench.map.entries()) entry.flags = 0;
  expect(bench.picture()).toBe('aabbcc');
  return bench;
}

describe('an entry', () => {
  it('takes over both neighbours that are like it, and drops a reference for each', () => {
    const bench = threeOfAFile();
    const { object } = bench.entryAt(2);
    const middle = bench.entryAt(2);
    expect(merge(bench, 2)).toBe(true);
    expect(bench.picture()).toBe('aaaaaa');
    expect(bench.entryAt(0)).toBe(middle);
    expect([middle.offset, object?.references]).toEqual([0, 2]);
    bench.expectSound();
  });

  it('moves the hints off the neighbours that vanish', () => {
    const bench = threeOfAFile();
    bench.map.hint = bench.entryAt(4);
    bench.map.firstFree = bench.entryAt(0);
    expect(merge(bench, 2)).toBe(true);
    bench.expectSound();
  });

  it('leaves a neighbour whose offset does not go on', () => {
    const bench = threeOfAFile(3);
    expect(merge(bench, 2)).toBe(false);
    expect(bench.picture()).toBe('aabbcc');
  });

  it('leaves a neighbour that differs, or has an amap, or is wired otherwise, or is not adjacent', () => {
    const bench = threeOfAFile();
    bench.entryAt(0).inheritance = 2;
    bench.run(() => bench.wire(4, 6));
    expect(merge(bench, 2)).toBe(false);
    const apart = new Bench();
    apart.run(function* () {
      yield* apart.put(0, 2);
      yield* apart.put(3, 4);
    });
    expect(merge(apart, 0)).toBe(false);
    const anonymous = new Bench();
    anonymous.run(function* () {
      yield* anonymous.put(0, 2, { flags: SHARED });
      yield* anonymous.put(2, 3, { flags: UVM_FLAG_NOMERGE });
      anonymous.entryAt(2).flags = 0;
    });
    expect(merge(anonymous, 2)).toBe(false);
    expect(anonymous.picture()).toBe('aab');
  });

  it('is left alone when it has an amap itself, or leads to a submap', () => {
    const bench = new Bench();
    bench.run(function* () {
      yield* bench.put(0, 2, { flags: SHARED | UVM_FLAG_NOMERGE });
      yield* bench.put(4, 5, { flags: 0 });
      yield* bench.put(5, 6, { flags: UVM_FLAG_NOMERGE });
      expect(yield* bench.uvm.uvmMapSubmap(bench.map, bench.at(4), bench.at(5), bench.newSpace().map)).toBe(0);
    });
    bench.entryAt(5).flags = 0;
    expect([merge(bench, 0), merge(bench, 4), merge(bench, 5)]).toEqual([false, false, false]);
  });
});

describe('an entry that needs a copy', () => {
  it('extends the amap of the entry before it instead of getting one of its own', () => {
    //  a has its amap; b needs a copy, which the store is to make
    const bench = new Bench();
    bench.run(function* () {
      yield* bench.put(0, 2);
      yield* bench.write(1, 7);
      yield* bench.put(2, 4);
      expect(bench.picture()).toBe('aabb');
      yield* bench.write(2, 8);
    });
    expect(bench.picture()).toBe('aaaa');
    expect([bench.uvm.amaps.size, bench.amapAt(0).slots, bench.entryAt(0).amapOffset]).toEqual([1, 4, 0]);
    expect(bench.run(() => bench.read(1))).toBe(7);
    bench.expectSound();
  });

  it('begins in that amap where the neighbour did', () => {
    const bench = new Bench();
    bench.run(function* () {
      yield* bench.put(0, 4);
      yield* bench.write(2, 7);
      yield* bench.remove(0, 2);
      yield* bench.put(4, 6);
      yield* bench.write(5, 8);
      expect([yield* bench.read(2), yield* bench.read(5)]).toEqual([7, 8]);
    });
    expect([bench.picture(), bench.entryAt(2).amapOffset, bench.amapAt(2).slots]).toEqual(['..aaaa', 2, 6]);
    bench.expectSound();
  });

  it('extends the amap of the entry behind it, in which all slots move up', () => {
    const bench = new Bench();
    bench.run(function* () {
      yield* bench.put(2, 4);
      yield* bench.write(3, 7);
      yield* bench.put(0, 2);
      yield* bench.write(1, 8);
    });
    expect(bench.picture()).toBe('aaaa');
    expect([bench.uvm.amaps.size, bench.amapAt(0).slots, bench.amapAt(0).used.toSorted()]).toEqual([1, 4, [1, 3]]);
    expect(bench.run(() => bench.read(3))).toBe(7);
    bench.expectSound();
  });

  it('takes one amap, from behind, when both neighbours have one', () => {
    const bench = new Bench();
    bench.run(function* () {
      yield* bench.put(0, 2);
      yield* bench.put(4, 6);
      yield* bench.write(0, 5);
      yield* bench.write(5, 6);
      yield* bench.put(2, 4);
      yield* bench.write(3, 7);
      expect([yield* bench.read(0), yield* bench.read(5)]).toEqual([5, 6]);
    });
    expect(bench.picture()).toBe('aabbbb');
    expect(bench.uvm.amaps.size).toBe(2);
    bench.expectSound();
  });

  it('gets its own when that of the neighbour is shared with somebody, or would grow too large', () => {
    const bench = new Bench();
    bench.run(function* () {
      yield* bench.put(0, 2);
      yield* bench.write(0, 5);
      // The child refers to the amap of pages 0 to 2 as well, and to none for the rest.
      yield* bench.uvm.uvmMapInherit(bench.map, bench.at(0), bench.at(2), 0);
      yield* bench.uvm.uvmspaceFork(bench.space);
      yield* bench.put(2, 4, { inheritance: 0 });
      yield* bench.write(2, 6);
    });
    expect(bench.picture()).toBe('aabb');
    expect(bench.amapAt(2)).not.toBe(bench.amapAt(0));
    bench.expectSound();

    const large = new Bench({ pages: 600 });
    large.run(function* () {
      yield* large.put(0, 200, { flags: PRIVATE });
      yield* large.write(0, 5);
      yield* large.put(200, 280);
      yield* large.write(200, 6);
    });
    expect(large.map.entries().map(({ size }) => size / 4096)).toEqual([200, 80]);
    large.expectSound();
  });
});
