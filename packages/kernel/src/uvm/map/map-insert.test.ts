/** How a new mapping meets its neighbours. In the pictures each entry has its letter, a character a page. */
import { describe, expect, it } from 'vitest';
import { Bench, PRIVATE, SHARED } from '../../../test/maps.js';
import type { Step } from '../../kern/switch.js';
import { asOffset } from '../../machine/address.js';
import { PROT_READ } from '../../machine/protection.js';
import { MADV_RANDOM, MAP_INHERIT_NONE } from '../../vm/mman.js';
import { type MapArguments, UVM_FLAG_NOMERGE } from './map-arguments.js';
import type { MapEntry } from './map-entry.js';

/** How often insertions merged: back, forward, both, not at all. */
function merges({ uvm: { uvmexp } }: Bench): number[] {
  return [uvmexp.backmerge, uvmexp.forwmerge, uvmexp.bimerge, uvmexp.nomerge];
}

/** What a bench looks like when mappings were put there, one after the other. */
function putting(...ranges: readonly [from: number, to: number, what?: Partial<MapArguments>][]): Bench {
  const bench = new Bench();
  bench.run(function* () {
    for (const [from, to, what] of ranges) yield* bench.put(from, to, what);
  });
  bench.expectSound();
  return bench;
}

/** Stores a byte of its own into each of these pages. */
function* storeInto(bench: Bench, pages: readonly number[]): Step<void> {
  for (const page of pages) yield* bench.write(page, 100 + page);
}

/** Expects what `storeInto` stored. */
function* expectStored(bench: Bench, pages: readonly number[]): Step<void> {
  for (const page of pages) expect(yield* bench.read(page), `page ${page}`).toBe(100 + page);
}

describe('a mapping between two like it', () => {
  it('extends the entry before it', () => {
    const bench = putting([0, 2], [2, 4]);
    expect(bench.picture()).toBe('aaaa');
    expect(merges(bench)).toEqual([1, 0, 0, 1]);
  });

  it('extends the entry behind it', () => {
    const bench = putting([2, 4], [0, 2]);
    expect(bench.picture()).toBe('aaaa');
    expect(merges(bench)).toEqual([0, 1, 0, 1]);
  });

  it('makes one entry of both, which is the one before', () => {
    const bench = putting([0, 2], [4, 6]);
    expect(bench.picture()).toBe('aa..bb');
    const before = bench.entryAt(0);
    bench.run(() => bench.put(2, 4));
    expect(bench.picture()).toBe('aaaaaa');
    expect(bench.entryAt(5)).toBe(before);
    expect(merges(bench)).toEqual([0, 0, 1, 2]);
    expect(bench.map.size).toBe(6 * 4096);
    bench.expectSound();
  });

  it('stays alone when it touches neither', () => {
    const bench = putting([0, 2], [6, 8], [3, 5]);
    expect(bench.picture()).toBe('aa.bb.cc');
    expect(merges(bench)).toEqual([0, 0, 0, 3]);
  });
});

describe('a merge is forbidden by', () => {
  const differences: [what: string, Partial<MapArguments>][] = [
    ['another protection', { protection: PROT_READ }],
    ['another highest protection', { maxProtection: 3 }],
    ['another inheritance', { inheritance: MAP_INHERIT_NONE }],
    ['another advice', { advice: MADV_RANDOM }],
    ['memory that is shared, not private', { flags: SHARED }],
    ['the wish to be alone', { flags: PRIVATE | UVM_FLAG_NOMERGE }],
  ];
  it.each(differences)('%s, to both sides', (_, what) => {
    const bench = putting([0, 2], [4, 6], [2, 4, what]);
    expect(bench.picture()).toBe('aabbcc');
    expect(merges(bench)).toEqual([0, 0, 0, 3]);
  });

  it('the wish of a neighbour to be alone', () => {
    const alone = { flags: PRIVATE | UVM_FLAG_NOMERGE };
    expect(putting([0, 2, alone], [4, 6, alone], [2, 4]).picture()).toBe('aabbcc');
  });

  it('a neighbour that is wired', () => {
    const bench = new Bench();
    bench.run(function* () {
      yield* bench.put(0, 2);
      yield* bench.put(4, 6);
      yield* bench.wire(0, 2);
      yield* bench.wire(4, 6);
      yield* bench.put(2, 4);
    });
    expect(bench.picture()).toBe('AAbbCC');
    bench.expectSound();
  });

  it('a neighbour whose amap somebody else refers to', () => {
    const bench = new Bench();
    bench.run(function* () {
      yield* bench.put(0, 2, { flags: SHARED, inheritance: 0 });
      yield* bench.put(4, 6, { flags: SHARED, inheritance: 0 });
      const child = yield* bench.uvm.uvmspaceFork(bench.space);
      yield* bench.put(2, 4, { flags: SHARED, inheritance: 0 });
      expect(bench.picture()).toBe('aabbcc');
      yield* bench.uvm.uvmspaceFree(child);
      yield* bench.remove(2, 4);
      yield* bench.put(2, 3, { flags: SHARED, inheritance: 0 });
    });
    expect(bench.picture()).toBe('aaa.bb');
    bench.expectSound();
  });

  it('a neighbour that has got an amap, while private memory that is new needs a copy', () => {
    const bench = new Bench();
    bench.run(function* () {
      yield* bench.put(0, 2);
      yield* bench.write(1, 1);
      yield* bench.put(2, 4);
    });
    expect(bench.picture()).toBe('aabb');
    bench.expectSound();
  });
});

describe('mappings of a file merge', () => {
  /** Pages 0 to 2 map pages 0 to 2 of a file, pages 4 to 6 its pages 4 to 6; then pages 2 to 4 map it from a page on. */
  function withFile(page: number): { bench: Bench; references: number } {
    const bench = new Bench();
    const file = bench.newFile(16);
    bench.run(function* () {
      yield* bench.putFile(0, 2, file, 0);
      yield* bench.putFile(4, 6, file, 4);
      yield* bench.putFile(2, 4, file, page);
    });
    bench.expectSound();
    return { bench, references: file.references };
  }

  it('when the offsets go on, and one reference is left of three', () => {
    const { bench, references } = withFile(2);
    expect(bench.picture()).toBe('aaaaaa');
    expect([bench.entryAt(0).offset, references]).toEqual([0, 2]);
    expect(bench.run(() => bench.read(5))).toBe(6);
  });

  it('not when the offset does not follow that of the entry before, nor precede that behind', () => {
    const { bench, references } = withFile(3);
    expect(bench.picture()).toBe('aabbcc');
    expect(references).toBe(4);
  });

  it('forwards, with the offset of the new mapping', () => {
    const bench = new Bench();
    const file = bench.newFile(16);
    bench.run(function* () {
      yield* bench.putFile(4, 6, file, 9);
      yield* bench.putFile(2, 4, file, 7);
    });
    expect(bench.picture()).toBe('..aaaa');
    expect([bench.entryAt(2).offset, file.references]).toEqual([7 * 4096, 2]);
    expect(bench.run(() => bench.read(2))).toBe(8);
    bench.expectSound();
  });

  it('not with those of another file', () => {
    const bench = new Bench();
    const [one, other] = [bench.newFile(4), bench.newFile(4)];
    bench.run(function* () {
      yield* bench.putFile(0, 2, one, 0);
      yield* bench.putFile(2, 4, other, 2);
    });
    expect(bench.picture()).toBe('aabb');
    bench.expectSound();
  });
});

describe('a merge extends the amap of shared memory', () => {
  const shared = { flags: SHARED };

  it('at its end, when the entry before has it', () => {
    const bench = new Bench();
    bench.run(function* () {
      yield* bench.put(0, 2, shared);
      yield* storeInto(bench, [0, 1]);
      yield* bench.put(2, 4, shared);
      yield* storeInto(bench, [2, 3]);
      yield* expectStored(bench, [0, 1, 2, 3]);
    });
    expect([bench.picture(), bench.amapAt(0).slots, bench.uvm.amaps.size]).toEqual(['aaaa', 4, 1]);
    bench.expectSound();
  });

  it('at its start, when the entry behind has it: what is there moves up', () => {
    const bench = new Bench();
    bench.run(function* () {
      yield* bench.put(2, 4, shared);
      yield* storeInto(bench, [2, 3]);
      yield* bench.put(0, 2, shared);
      yield* storeInto(bench, [0, 1]);
      yield* expectStored(bench, [0, 1, 2, 3]);
    });
    expect([bench.picture(), bench.amapAt(0).slots, bench.entryAt(0).amapOffset]).toEqual(['aaaa', 4, 0]);
    bench.expectSound();
  });

  it('but not to both sides when both have one: two amaps cannot become one', () => {
    const bench = new Bench();
    bench.run(function* () {
      yield* bench.put(0, 2, shared);
      yield* bench.put(4, 6, shared);
      yield* storeInto(bench, [1, 4]);
      yield* bench.put(2, 4, shared);
      yield* expectStored(bench, [1, 4]);
    });
    expect(bench.picture()).toBe('aaaabb');
    expect(merges(bench)).toEqual([1, 0, 0, 2]);
    bench.expectSound();
  });

  /** Makes an entry what it would be with an amap and no need of a copy, but without the amap. */
  function withoutAmap(bench: Bench, entry: MapEntry): void {
    const { amap } = entry;
    if (amap === null) return;
    bench.uvm.amaps.delete(amap);
    entry.amap = null;
  }

  it('to both sides when only the one before has it', () => {
    const bench = new Bench();
    bench.run(function* () {
      yield* bench.put(0, 2, shared);
      yield* bench.put(4, 6, shared);
      yield* storeInto(bench, [0, 1]);
      withoutAmap(bench, bench.entryAt(4));
      yield* bench.put(2, 4, shared);
      yield* storeInto(bench, [2, 5]);
      yield* expectStored(bench, [0, 1, 2, 5]);
    });
    expect([bench.picture(), bench.amapAt(0).slots]).toEqual(['aaaaaa', 6]);
    expect(merges(bench)).toEqual([0, 0, 1, 2]);
    bench.expectSound();
  });

  it('to both sides when only the one behind has it', () => {
    const bench = new Bench();
    bench.run(function* () {
      yield* bench.put(0, 2, shared);
      yield* bench.put(4, 6, shared);
      yield* storeInto(bench, [4, 5]);
      withoutAmap(bench, bench.entryAt(0));
      yield* bench.put(2, 4, shared);
      yield* storeInto(bench, [0, 3]);
      yield* expectStored(bench, [0, 3, 4, 5]);
    });
    expect([bench.picture(), bench.amapAt(0).slots, bench.entryAt(0).amapOffset]).toEqual(['aaaaaa', 6, 0]);
    expect(merges(bench)).toEqual([0, 0, 1, 2]);
    bench.expectSound();
  });

  it('to both sides within the slots that the one behind has in front of its own', () => {
    //   before   a . . b b b b     b has slots 6 to 10 of its amap, since pages 0 to 6 of its mapping went
    const bench = new Bench();
    bench.run(function* () {
      yield* bench.put(0, 10, shared);
      yield* storeInto(bench, [6, 9]);
      yield* bench.remove(0, 6);
      yield* bench.put(3, 4, shared);
      withoutAmap(bench, bench.entryAt(3));
      yield* bench.put(4, 6, shared);
      yield* storeInto(bench, [3]);
      yield* expectStored(bench, [3, 6, 9]);
    });
    expect([bench.picture(), bench.amapAt(3).slots, bench.entryAt(3).amapOffset]).toEqual(['...aaaaaaa', 10, 3]);
    bench.expectSound();
  });

  it('not beyond 256 slots: then there is no merge, nor one with the entry behind', () => {
    const bench = new Bench({ pages: 600, ramPages: 64 });
    bench.run(function* () {
      yield* bench.put(0, 200, shared);
      yield* bench.put(300, 310, shared);
      yield* bench.put(200, 300, shared);
    });
    expect(bench.map.entries().map(({ size }) => size / 4096)).toEqual([200, 100, 10]);
    bench.expectSound();
  });
});

describe('offsets', () => {
  it('are kept for objects only', () => {
    const bench = putting([0, 1, { offset: asOffset(0x7000) }]);
    expect(bench.entryAt(0).offset).toBe(0);
  });
});
