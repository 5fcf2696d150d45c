import { describe, expect, it } from 'vitest';
import { Bench, PRIVATE } from '../../../test/maps.js';
import { NO_PAGE } from '../page/page-array.js';
import { UVM_FLAG_NOMERGE } from './map-arguments.js';

/** Pages 0 to 4 anonymous, a hole, 6 to 10 of a file; all stored to: `aaaa..bbbb`. */
function stored(): Bench {
  const bench = new Bench();
  const file = bench.newFile(8);
  bench.run(function* () {
    yield* bench.put(0, 4);
    yield* bench.putFile(6, 10, file, 2);
    for (const page of [0, 1, 2, 3, 6, 7, 8, 9]) yield* bench.write(page, page);
  });
  expect(bench.picture()).toBe('aaaa..bbbb');
  return bench;
}

describe('unmapping', () => {
  const ranges: [what: string, from: number, to: number, left: string][] = [
    ['an entry', 0, 4, '......aaaa'],
    ['its front', 0, 1, '.aaa..bbbb'],
    ['its tail', 3, 4, 'aaa...bbbb'],
    ['its middle, which leaves two', 1, 3, 'a..b..cccc'],
    ['a range across a hole', 2, 8, 'aa......bb'],
    ['a hole', 4, 6, 'aaaa..bbbb'],
    ['a range that begins in a hole', 5, 7, 'aaaa...bbb'],
    ['everything, and beyond the map on both sides', -3, 99, ''],
  ];
  it.each(ranges)('%s', (_, from, to, left) => {
    const bench = stored();
    bench.run(() => bench.remove(from, to));
    expect(bench.picture()).toBe(left);
    expect(bench.map.size).toBe(left.replaceAll('.', '').length * 4096);
    bench.expectSound();
  });

  it('takes the mappings out of the page table, for all processors', () => {
    const bench = stored();
    bench.machine.cpus[0]?.activate(bench.map.pmap);
    bench.machine.cpus[0]?.tlb.fill(bench.at(1), bench.pageOf(1), { writable: true });
    bench.run(() => bench.remove(0, 4));
    expect(bench.machine.pmapExtract(bench.map.pmap, bench.at(1))).toBe(-1);
    expect(bench.machine.cpus[0]?.tlb.translations()).toEqual([]);
    bench.expectSound();
  });

  it('frees anonymous pages, also of a part, and leaves pages of files in memory', () => {
    const bench = stored();
    const { free } = bench.uvm.uvmexp;
    bench.run(() => bench.remove(1, 3));
    expect([bench.uvm.uvmexp.free, bench.uvm.anonCount]).toEqual([free + 2, 2]);
    bench.run(() => bench.remove(6, 10));
    expect([bench.uvm.uvmexp.free, bench.uvm.uvmexp.filepages]).toEqual([free + 2, 8]);
    bench.expectSound();
  });

  it('drops the reference to the object', () => {
    const bench = stored();
    const file = bench.entryAt(6).object;
    bench.run(() => bench.remove(7, 8));
    expect(file?.references).toBe(3);
    bench.run(() => bench.remove(6, 10));
    expect(file?.references).toBe(1);
    bench.expectSound();
  });

  it('unwires what is wired first', () => {
    const bench = stored();
    bench.run(function* () {
      yield* bench.wire(1, 3);
      yield* bench.wire(6, 8);
      yield* bench.remove(2, 7);
    });
    expect(bench.picture()).toBe('aB.....Cdd');
    expect(bench.uvm.uvmexp.wired).toBe(2);
    bench.expectSound();
    bench.run(() => bench.remove(0, 10));
    expect(bench.uvm.uvmexp.wired).toBe(0);
    bench.expectSound();
  });

  it('moves the hints off what goes', () => {
    const bench = new Bench();
    bench.run(function* () {
      yield* bench.put(0, 2);
      yield* bench.put(2, 4, { flags: PRIVATE | UVM_FLAG_NOMERGE });
    });
    const [first, second] = bench.map.entries();
    expect(bench.map.firstFree).toBe(second);
    bench.uvm.uvmMapLookupEntry(bench.map, bench.at(3));
    bench.run(() => bench.remove(2, 4));
    expect([bench.map.hint, bench.map.firstFree]).toEqual([first, first]);
    bench.expectSound();
  });

  it('has an event with the range', () => {
    const bench = stored();
    bench.kern.log.on = true;
    bench.run(() => bench.remove(2, 8));
    expect(bench.events('unmap')).toEqual([{ kind: 'unmap', map: 1, range: { start: bench.at(2), end: bench.at(8) } }]);
  });

  it('wants a range that is not empty', () => {
    const bench = stored();
    expect(bench.panicOf(() => bench.remove(2, 2))).toContain('"start < end"');
  });
});

describe('dropping references', () => {
  it('is refused for an entry that is still wired', () => {
    const bench = stored();
    const entry = bench.entryAt(0);
    entry.wiredCount = 1;
    expect(bench.panicOf(() => bench.uvm.uvmUnmapDetach([entry]))).toContain('"VM_MAPENT_ISWIRED(first_entry) == 0"');
  });

  it('happens once the map is unlocked', () => {
    const bench = stored();
    bench.run(function* () {
      yield* bench.uvm.vmMapLock(bench.map);
      const dead = yield* bench.uvm.uvmUnmapRemove(bench.map, bench.at(0), bench.at(4));
      expect(bench.map.entries()).toHaveLength(1);
      yield* bench.uvm.vmMapUnlock(bench.map);
      expect(dead.map((entry) => entry.amap?.references)).toEqual([1]);
      expect(bench.uvm.anonCount).toBe(4);
      yield* bench.uvm.uvmUnmapDetach(dead);
    });
    expect([bench.uvm.anonCount, bench.uvm.amaps.size]).toEqual([0, 0]);
    bench.expectSound();
  });
});

describe('the layers of an entry', () => {
  it('are locked the upper before the lower, and unlocked again', () => {
    const bench = new Bench();
    const file = bench.newFile(1);
    bench.run(function* () {
      yield* bench.putFile(0, 1, file, 0, { flags: PRIVATE });
      yield* bench.write(0, 3);
      const entry = bench.entryAt(0);
      yield* bench.uvm.uvmMapLockEntry(entry);
      expect(bench.uvm.curlwp.held).toEqual([entry.amap?.lock, file.lock]);
      yield* bench.uvm.uvmMapUnlockEntry(entry);
      expect(bench.uvm.curlwp.held).toEqual([]);
    });
    expect(file.lookup(bench.entryAt(0).offset)).not.toBe(NO_PAGE);
  });
});
