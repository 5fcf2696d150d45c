import { describe, expect, it } from 'vitest';
import { Bench, PRIVATE, SHARED } from '../../../test/maps.js';
import { asVa } from '../../machine/address.js';
import { UVM_FLAG_NOMERGE } from './map-arguments.js';
import type { MapEntry } from './map-entry.js';

describe('looking up an address', () => {
  /**     0 1 2 3 4 5 6 7
   *      . a a . . b c .      */
  function looked(): Bench {
    const bench = new Bench({ pages: 8 });
    bench.run(function* () {
      yield* bench.put(1, 3);
      yield* bench.put(5, 6);
      yield* bench.put(6, 7, { flags: PRIVATE | UVM_FLAG_NOMERGE });
    });
    expect(bench.picture()).toBe('.aa..bc');
    return bench;
  }

  it('finds the entry that holds it, or else the one before it, or else the header', () => {
    const bench = looked();
    const [a, b, c] = bench.map.entries();
    const { header } = bench.map;
    const found = [0, 1, 2, 3, 4, 5, 6, 7].map((page) => bench.uvm.uvmMapLookupEntry(bench.map, bench.at(page)));
    expect(found.map((entry) => [header, a, b, c].indexOf(entry))).toEqual([0, 1, 1, 1, 1, 2, 3, 3]);
    expect(bench.uvm.uvmMapLookupEntry(bench.map, asVa(bench.at(3) - 1))).toBe(a);
  });

  it('remembers what it found as the hint, also when it is not what was looked for', () => {
    const bench = looked();
    const [a, b] = bench.map.entries();
    bench.uvm.uvmMapLookupEntry(bench.map, bench.at(5));
    expect(bench.map.hint).toBe(b);
    bench.uvm.uvmMapLookupEntry(bench.map, bench.at(4));
    expect(bench.map.hint).toBe(a);
    bench.uvm.uvmMapLookupEntry(bench.map, bench.at(0));
    expect(bench.map.hint).toBe(bench.map.header);
  });

  it('asks the tree only when the hint does not hold the address', () => {
    const bench = looked();
    const { uvmexp } = bench.uvm;
    bench.uvm.uvmMapLookupEntry(bench.map, bench.at(5));
    const before = { call: uvmexp.mlk_call, hint: uvmexp.mlk_hint, tree: uvmexp.mlk_tree };
    bench.uvm.uvmMapLookupEntry(bench.map, bench.at(5));
    bench.uvm.uvmMapLookupEntry(bench.map, bench.at(1));
    expect({ call: uvmexp.mlk_call, hint: uvmexp.mlk_hint, tree: uvmexp.mlk_tree }).toEqual({
      call: before.call + 2,
      hint: before.hint + 1,
      tree: before.tree + 1,
    });
  });
});

describe('clipping', () => {
  /** One entry of pages 2 to 8, clipped at a page; answers the entry that was clipped. */
  function clipped(bench: Bench, edge: 'start' | 'end', page: number): MapEntry {
    return bench.run(function* () {
      yield* bench.put(2, 8);
      const entry = bench.entryAt(2);
      yield* bench.uvm.vmMapLock(bench.map);
      if (edge === 'start') yield* bench.uvm.uvmMapClipStart(bench.map, entry, bench.at(page));
      else yield* bench.uvm.uvmMapClipEnd(bench.map, entry, bench.at(page));
      yield* bench.uvm.vmMapUnlock(bench.map);
      return entry;
    });
  }

  it('at the start leaves the entry the tail, at the end the front', () => {
    const front = new Bench();
    const entry = clipped(front, 'start', 5);
    expect(front.picture()).toBe('..aaabbb');
    expect(front.entryAt(5)).toBe(entry);
    front.expectSound();

    const back = new Bench();
    const other = clipped(back, 'end', 5);
    expect(back.picture()).toBe('..aaabbb');
    expect(back.entryAt(2)).toBe(other);
    back.expectSound();
  });

  it('does nothing at an edge of the entry or outside of it', () => {
    for (const edge of ['start', 'end'] as const) {
      for (const page of [0, 1, 2, 8, 9]) {
        const bench = new Bench();
        clipped(bench, edge, page);
        expect(bench.picture(), `${edge} at ${page}`).toBe('..aaaaaa');
      }
    }
  });

  it('gives each half its part of the object, which counts one more reference', () => {
    const bench = new Bench();
    const file = bench.newFile(8);
    bench.run(function* () {
      yield* bench.putFile(2, 8, file, 1);
      expect(file.references).toBe(2);
      yield* bench.uvm.uvmMapInherit(bench.map, bench.at(4), bench.at(6), 0);
    });
    expect(bench.picture()).toBe('..aabbcc');
    expect(bench.map.entries().map((entry) => entry.offset / 4096)).toEqual([1, 3, 5]);
    expect(file.references).toBe(4);
    bench.expectSound();
  });

  it('gives each half its part of the amap, of which the slots are counted from then on', () => {
    const bench = new Bench();
    bench.run(function* () {
      yield* bench.put(2, 8, { flags: SHARED });
      yield* bench.write(3, 1);
      yield* bench.write(6, 2);
      yield* bench.uvm.uvmMapInherit(bench.map, bench.at(4), bench.at(8), 2);
    });
    const [front, tail] = bench.map.entries();
    expect(bench.picture()).toBe('..aabbbb');
    expect([front?.amapOffset, tail?.amapOffset, tail?.amap === front?.amap]).toEqual([0, 2, true]);
    expect(bench.amapAt(2).references).toBe(2);
    expect(bench.amapAt(2).partial?.runs).toEqual([{ slots: 6, references: 1 }]);
    bench.run(function* () {
      expect([yield* bench.read(3), yield* bench.read(6)]).toEqual([1, 2]);
    });
    bench.expectSound();
  });

  it('copies the wired count to both halves, and no flag', () => {
    const bench = new Bench();
    bench.run(function* () {
      yield* bench.put(2, 8, { flags: PRIVATE | UVM_FLAG_NOMERGE });
      expect(yield* bench.wire(2, 8)).toBe(0);
      expect(yield* bench.unwire(4, 6)).toBe(0);
    });
    expect(bench.picture()).toBe('..AAbbCC');
    expect(bench.map.entries().map((entry) => entry.wiredCount)).toEqual([1, 0, 1]);
    expect(bench.map.entries().map((entry) => entry.flags)).toEqual([0, 8, 0]);
    bench.expectSound();
  });

  it('has an event that shows the entry before and the halves after, or that there was nothing to split', () => {
    const bench = new Bench();
    bench.kern.log.on = true;
    clipped(bench, 'start', 5);
    bench.run(function* () {
      yield* bench.uvm.vmMapLock(bench.map);
      yield* bench.uvm.uvmMapClipEnd(bench.map, bench.entryAt(2), bench.at(5));
      yield* bench.uvm.vmMapUnlock(bench.map);
    });
    const [a, b, d] = [bench.at(2), bench.at(5), bench.at(8)];
    const wiredCount = 0;
    expect(bench.events('clip')).toEqual([
      {
        kind: 'clip',
        map: 1,
        edge: 'start',
        at: b,
        entry: { start: a, end: d, wiredCount },
        split: [
          { start: a, end: b, wiredCount },
          { start: b, end: d, wiredCount },
        ],
      },
      { kind: 'clip', map: 1, edge: 'end', at: b, entry: { start: a, end: b, wiredCount }, split: null },
    ]);
  });
});

describe('entering and leaving the list', () => {
  it('is refused for an entry that covers nothing, or half a page', () => {
    const link = (start: number, end: number): string => {
      const bench = new Bench();
      const { uvm, map } = bench;
      return bench.panicOf(function* () {
        yield* uvm.vmMapLock(map);
        uvm.uvmMapEntryLink(map, map.header, uvm.uvmMapentAlloc(asVa(start), asVa(end)));
      });
    };
    expect(link(0x12000, 0x12000)).toBe('_uvm_mapent_check: bad entry 1');
    expect(link(0x12000, 0x12100)).toContain('"entry is page aligned"');
  });

  it('is refused to an entry that a hint still points at', () => {
    for (const hint of ['hint', 'firstFree'] as const) {
      const bench = new Bench();
      bench.run(() => bench.put(1, 2));
      const { map } = bench;
      map.hint = map.header;
      map[hint] = bench.entryAt(1);
      const panic = bench.panicOf(function* () {
        yield* bench.uvm.vmMapLock(map);
        bench.uvm.uvmMapEntryUnlink(map, bench.entryAt(1));
      });
      expect(panic).toContain(hint === 'hint' ? '"entry != map->hint"' : '"entry != map->first_free"');
    }
  });

  it('leaves nothing behind by which an entry that is gone leads to others, so that all that ever were stay in memory', () => {
    const bench = new Bench();
    const gone: MapEntry[] = [];
    bench.run(function* () {
      for (let round = 0; round < 3; round++) {
        yield* bench.put(1, 2);
        gone.push(bench.entryAt(1));
        yield* bench.uvm.uvmUnmap(bench.map, bench.at(1), bench.at(2));
      }
    });
    for (const entry of gone) expect([entry.prev, entry.next]).toEqual([entry, entry]);
  });

  it('is prepared by moving both hints to the entry before', () => {
    const bench = new Bench();
    bench.run(function* () {
      yield* bench.put(0, 1);
      yield* bench.put(1, 2, { flags: PRIVATE | UVM_FLAG_NOMERGE });
    });
    const [a, b] = bench.map.entries();
    bench.map.hint = b as MapEntry;
    bench.map.firstFree = b as MapEntry;
    bench.uvm.uvmMapClearHints(bench.map, b as MapEntry);
    expect([bench.map.hint, bench.map.firstFree]).toEqual([a, a]);
    bench.uvm.uvmMapClearHints(bench.map, b as MapEntry);
    expect([bench.map.hint, bench.map.firstFree]).toEqual([a, a]);
  });
});

describe('first_free', () => {
  /** Pages up to which there is certainly no gap. */
  function full(bench: Bench): number {
    const { firstFree, header, min } = bench.map;
    return firstFree === header ? 0 : (firstFree.end - min) / 4096;
  }

  it('grows with what is mapped from the bottom, and falls back when that goes', () => {
    const bench = new Bench();
    bench.run(function* () {
      expect(full(bench)).toBe(0);
      yield* bench.put(2, 4);
      expect(full(bench)).toBe(0);
      yield* bench.put(0, 1);
      expect(full(bench)).toBe(1);
      yield* bench.put(1, 2, { flags: SHARED });
      expect(bench.picture()).toBe('abcc');
      expect(full(bench)).toBe(2);
      yield* bench.remove(1, 2);
      expect(full(bench)).toBe(1);
      yield* bench.remove(0, 1);
      expect(full(bench)).toBe(0);
    });
    bench.expectSound();
  });

  it('falls back as well when something goes that lies below it', () => {
    const bench = new Bench();
    bench.run(function* () {
      yield* bench.put(0, 1);
      yield* bench.put(1, 2, { flags: SHARED });
      yield* bench.put(2, 3);
      expect(full(bench)).toBe(3);
      yield* bench.remove(1, 2);
    });
    expect([bench.picture(), full(bench)]).toEqual(['a.b', 1]);
    bench.expectSound();
  });
});
