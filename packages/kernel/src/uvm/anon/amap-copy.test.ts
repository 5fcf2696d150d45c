/** Making an entry's part of an amap its own: `amap_copy()` and `amap_cow_now()`. */
import { describe, expect, it } from 'vitest';
import { Bench, PRIVATE } from '../../../test/maps.js';
import { startThread } from '../../../test/threads.js';
import { PAGE_SIZE } from '../../machine/address.js';
import type { VmMap } from '../map/vm-map.js';
import { NO_PAGE } from '../page/page-array.js';
import { AMAP_COPY_NOCHUNK, AMAP_COPY_NOMERGE, AMAP_COPY_NOWAIT } from './amap.js';
import type { Anon } from './anon.js';

/** Makes the layer of the entry at a page its own, as far as pages [from, to) matter. */
function copy(bench: Bench, page: number, flags: number, from = page, to = page + 1, map: VmMap = bench.map): void {
  bench.run(function* () {
    const { uvm } = bench;
    yield* uvm.vmMapLock(map);
    yield* uvm.amapCopy(map, bench.entryAt(page, map), flags, bench.at(from), bench.at(to));
    yield* uvm.vmMapUnlock(map);
  });
}

/** Sizes of the entries in pages, with a star where there is an amap. */
function layers(bench: Bench): string[] {
  return bench.map.entries().map(({ size, amap }) => `${size / PAGE_SIZE}${amap === null ? '' : '*'}`);
}

describe('an entry without an amap', () => {
  it('gets one of its size', () => {
    const bench = new Bench();
    bench.run(() => bench.put(2, 7));
    copy(bench, 2, 0);
    expect([bench.amapAt(2).slots, bench.entryAt(2).needsCopy, bench.entryAt(2).copyOnWrite]).toEqual([5, false, true]);
    bench.expectSound();
  });

  it('gets one for a chunk of 16 pages around what matters when it is large', () => {
    const bench = new Bench({ pages: 600 });
    //   0        32  48               300     page 0 is at a multiple of a chunk
    //   [ a      )[ b*)[ c            )
    bench.run(() => bench.put(0, 300));
    copy(bench, 0, 0, 37, 38);
    expect(layers(bench)).toEqual(['32', '16*', '252']);
    bench.expectSound();
  });

  it('gets one however large, unless it must not wait: then there may be none, and it still needs a copy', () => {
    const bench = new Bench({ pages: 2 ** 20 });
    bench.run(() => bench.put(0, 2 ** 20));
    copy(bench, 0, AMAP_COPY_NOCHUNK | AMAP_COPY_NOWAIT);
    expect([layers(bench), bench.entryAt(0).needsCopy]).toEqual([[`${2 ** 20}`], true]);
    copy(bench, 0, AMAP_COPY_NOCHUNK);
    expect([layers(bench), bench.entryAt(0).needsCopy]).toEqual([[`${2 ** 20}*`], false]);
    bench.expectSound();
  });

  it('gets one for all of it when that is asked, or when it has fewer than 256 pages', () => {
    const bench = new Bench({ pages: 900 });
    bench.run(function* () {
      yield* bench.put(0, 300);
      yield* bench.put(400, 655);
    });
    copy(bench, 0, AMAP_COPY_NOCHUNK, 37, 38);
    copy(bench, 400, 0, 410, 411);
    expect(layers(bench)).toEqual(['300*', '255*']);
    bench.expectSound();
  });

  it('takes over that of a neighbour, unless that is unwanted', () => {
    for (const flags of [0, AMAP_COPY_NOMERGE]) {
      const bench = new Bench();
      bench.run(function* () {
        yield* bench.put(0, 2);
        yield* bench.write(0, 9);
        yield* bench.put(2, 4);
      });
      copy(bench, 2, flags);
      expect(layers(bench)).toEqual(flags === 0 ? ['4*'] : ['2*', '2*']);
      bench.expectSound();
    }
  });

  it('still needs a copy when the environment has no memory, and nobody is to wait', () => {
    const bench = new Bench();
    bench.run(function* () {
      yield* bench.put(0, 2);
      const { kern, uvm } = bench;
      kern.faults.arm(uvm.curlwp, 1);
      yield* uvm.amapCopy(bench.map, bench.entryAt(0), AMAP_COPY_NOWAIT, bench.at(0), bench.at(1));
    });
    expect([bench.entryAt(0).needsCopy, bench.entryAt(0).amap]).toEqual([true, null]);
    bench.expectSound();
  });
});

/** A parent with pages 0 to 4 of which 0 and 2 were stored to, and its child; both need a copy of the same amap. */
function family(): { bench: Bench; child: VmMap } {
  const bench = new Bench();
  const child = bench.run(function* () {
    yield* bench.put(0, 4);
    yield* bench.write(0, 50);
    yield* bench.write(2, 52);
    return yield* bench.uvm.uvmspaceFork(bench.space);
  });
  return { bench, child: child.map };
}

describe('an entry that shares its amap', () => {
  it('gets a copy with the same anons, each of which counts one more reference', () => {
    const { bench, child } = family();
    const source = bench.amapAt(0);
    copy(bench, 0, 0, 0, 1, child);
    const copied = bench.amapAt(0, child);
    expect(copied).not.toBe(source);
    expect([source.references, copied.references, copied.used]).toEqual([1, 1, [0, 2]]);
    expect([copied.at(0), copied.at(2)]).toEqual([source.at(0), source.at(2)]);
    expect(source.at(0)?.references).toBe(2);
    bench.expectSound();
  });

  it('has the lock of the other amap from then on if they have an anon in common, else its own', () => {
    const { bench, child } = family();
    copy(bench, 0, 0, 0, 1, child);
    expect(bench.amapAt(0, child).lock).toBe(bench.amapAt(0).lock);

    const untouched = new Bench();
    const other = untouched.run(function* () {
      yield* untouched.put(0, 4);
      yield* untouched.write(0, 1);
      yield* untouched.uvm.uvmMapInherit(untouched.map, untouched.at(1), untouched.at(4), 1);
      return yield* untouched.uvm.uvmspaceFork(untouched.space);
    });
    copy(untouched, 1, 0, 1, 2, other.map);
    expect(untouched.amapAt(1, other.map).lock).not.toBe(untouched.amapAt(1).lock);
    untouched.expectSound();
  });

  it('gets the slots of its part only, which begin at 0 there', () => {
    const { bench, child } = family();
    bench.run(() => bench.remove(0, 1, child));
    copy(bench, 1, 0, 1, 2, child);
    expect([bench.entryAt(1, child).amapOffset, bench.amapAt(1, child).slots, bench.amapAt(1, child).used]).toEqual([0, 3, [1]]);
    bench.expectSound();
  });

  it('takes the amap over when nobody else is left, without a copy', () => {
    const { bench, child } = family();
    const amap = bench.amapAt(0);
    copy(bench, 0, 0, 0, 1, child);
    copy(bench, 0, 0);
    expect([bench.amapAt(0), bench.entryAt(0).needsCopy]).toEqual([amap, false]);
    bench.expectSound();
  });

  it('takes it over also when the others leave while it waits for the lock', () => {
    const { bench, child } = family();
    const { uvm, kern } = bench;
    const amap = bench.amapAt(0);
    startThread(kern, function* () {
      yield* amap.lock.enter();
      startThread(kern, function* () {
        yield* uvm.vmMapLock(child);
        yield* uvm.amapCopy(child, bench.entryAt(0, child), 0, bench.at(0), bench.at(1));
        yield* uvm.vmMapUnlock(child);
      });
      // What the parent does when it unmaps its part.
      bench.machine.pmapRemove(bench.map.pmap, bench.at(0), bench.at(4));
      bench.entryAt(0).amap = null;
      amap.references--;
      yield* amap.lock.exit();
    });
    kern.scheduler.run();
    expect([bench.amapAt(0, child), bench.entryAt(0, child).needsCopy]).toEqual([amap, false]);
    bench.expectSound();
  });

  it('still needs a copy when the environment has no memory, and nobody is to wait', () => {
    const { bench, child } = family();
    bench.run(function* () {
      bench.kern.faults.arm(bench.uvm.curlwp, 1);
      yield* bench.uvm.amapCopy(child, bench.entryAt(0, child), AMAP_COPY_NOWAIT, bench.at(0), bench.at(1));
    });
    expect([bench.entryAt(0, child).needsCopy, bench.amapAt(0).references]).toEqual([true, 2]);
    bench.expectSound();
  });

  it('finds an anon that is not under the lock of its amap', () => {
    const { bench, child } = family();
    (bench.amapAt(0).at(0) as Anon).lock = null;
    const panic = bench.panicOf(() => bench.uvm.amapCopy(child, bench.entryAt(0, child), 0, bench.at(0), bench.at(1)));
    expect(panic).toContain('"anon->an_lock == srcamap->am_lock && anon->an_ref > 0"');
  });
});

describe('copying at once what the parent has wired', () => {
  it('gives the child a page of its own for each page, and leaves the parent its own', () => {
    const bench = new Bench();
    const child = bench.run(function* () {
      yield* bench.put(0, 3);
      yield* bench.wire(0, 3);
      yield* bench.write(1, 51);
      return (yield* bench.uvm.uvmspaceFork(bench.space)).map;
    });
    const anons = [0, 1, 2].flatMap((slot) => [bench.amapAt(0).at(slot), bench.amapAt(0, child).at(slot)]);
    expect(new Set(anons).size).toBe(6);
    expect(anons.map((anon) => anon?.references)).toEqual([1, 1, 1, 1, 1, 1]);
    expect(bench.run(() => bench.read(1, child))).toBe(51);
    bench.expectSound();
  });

  it('waits for memory, and looks at every slot once more then', () => {
    const bench = new Bench();
    const { uvm, kern } = bench;
    const sleeper = bench.newSpace();
    bench.run(function* () {
      yield* bench.put(0, 3);
      yield* bench.wire(0, 3);
      yield* bench.put(0, 4, {}, sleeper.map);
      for (const page of [0, 1, 2, 3]) yield* bench.write(page, 1, sleeper.map);
    });
    // Two of three pages can be had; the other space gives its own back then.
    uvm.uvmexp.reserve_kernel = uvm.uvmexp.free - 2;
    const made: VmMap[] = [];
    startThread(kern, function* () {
      made.push((yield* uvm.uvmspaceFork(bench.space)).map);
    });
    startThread(kern, () => uvm.uvmspaceFree(sleeper));
    kern.scheduler.run();
    expect(made.map((map) => bench.picture(map))).toEqual(['aaa']);
    bench.expectSound();
  });

  it('finds a page that the parent does not have in memory', () => {
    const bench = new Bench();
    bench.run(function* () {
      yield* bench.put(0, 1, { flags: PRIVATE });
      yield* bench.wire(0, 1);
    });
    const anon = bench.amapAt(0).at(0) as Anon;
    anon.page = NO_PAGE;
    expect(bench.panicOf(() => bench.uvm.uvmspaceFork(bench.space))).toContain('"pg != NULL"');
  });
});
