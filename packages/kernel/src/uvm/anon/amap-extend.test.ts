/** Making an amap cover more: `amap_extend()`. */
import { describe, expect, it } from 'vitest';
import { Bench, SHARED } from '../../../test/maps.js';
import { E2BIG } from '../../kern/errno.js';
import { PAGE_SIZE } from '../../machine/address.js';
import type { MapEntry } from '../map/map-entry.js';
import type { Amap } from './amap.js';

describe('extending an amap', () => {
  /** Extends the amap of an entry that covers some slots of six, as the only reference; answers how it went. */
  function extended(
    from: number,
    to: number,
    pages: number,
    direction: 'forwards' | 'backwards',
  ): { errno: number; entry: MapEntry; amap: Amap; bench: Bench } {
    const bench = new Bench();
    bench.run(function* () {
      yield* bench.put(0, 6, { flags: SHARED });
      for (let page = 0; page < 6; page++) yield* bench.write(page, 50 + page);
      if (from > 0) yield* bench.remove(0, from);
      if (to < 6) yield* bench.remove(to, 6);
    });
    const entry = bench.entryAt(from);
    const amap = bench.amapAt(from);
    const errno = bench.run(() => bench.uvm.amapExtend(entry, pages * PAGE_SIZE, direction));
    return { errno, entry, amap, bench };
  }

  it('forwards first uses the slots that are there, then adds some', () => {
    const within = extended(0, 4, 2, 'forwards');
    expect([within.amap.slots, within.entry.amapOffset, within.amap.partial?.runs]).toEqual([
      6,
      0,
      [{ slots: 6, references: 1 }],
    ]);
    const beyond = extended(0, 4, 5, 'forwards');
    expect([beyond.amap.slots, beyond.amap.maxSlots, beyond.amap.partial?.runs]).toEqual([9, 12, [{ slots: 9, references: 1 }]]);
  });

  it('backwards first uses the slots in front, then moves all up', () => {
    const within = extended(2, 6, 2, 'backwards');
    expect([within.amap.slots, within.entry.amapOffset]).toEqual([6, 0]);
    expect(within.amap.partial?.runs).toEqual([{ slots: 6, references: 1 }]);
    const beyond = extended(2, 6, 5, 'backwards');
    expect([beyond.amap.slots, beyond.entry.amapOffset, beyond.amap.used.toSorted()]).toEqual([9, 0, [5, 6, 7, 8]]);
    expect(beyond.amap.used.every((slot, place) => beyond.amap.backPointer[slot] === place)).toBe(true);
    expect(beyond.amap.partial?.runs).toEqual([{ slots: 9, references: 1 }]);
  });

  it('is refused with E2BIG when it would need 256 slots, but not while there is room', () => {
    expect(extended(0, 6, 249, 'forwards').errno).toBe(0);
    expect(extended(0, 6, 250, 'forwards').errno).toBe(E2BIG);
    expect(extended(0, 6, 250, 'backwards').errno).toBe(E2BIG);
    const bench = new Bench({ pages: 600 });
    bench.run(function* () {
      yield* bench.put(0, 300, { flags: SHARED });
      yield* bench.remove(290, 300);
      expect(yield* bench.uvm.amapExtend(bench.entryAt(0), 10 * PAGE_SIZE, 'forwards')).toBe(0);
      expect(yield* bench.uvm.amapExtend(bench.entryAt(0), 11 * PAGE_SIZE, 'forwards')).toBe(E2BIG);
    });
  });

  it('is for an amap that only one entry refers to', () => {
    const bench = new Bench();
    bench.run(() => bench.put(0, 6, { flags: SHARED }));
    bench.amapAt(0).references = 2;
    expect(bench.panicOf(() => bench.uvm.amapExtend(bench.entryAt(0), PAGE_SIZE, 'forwards'))).toContain(
      '"amap_refs(amap) == 1"',
    );
  });
});
