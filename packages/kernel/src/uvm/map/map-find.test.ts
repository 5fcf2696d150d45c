import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Bench } from '../../../test/maps.js';
import type { Step } from '../../kern/switch.js';
import { asVa, PAGE_SIZE } from '../../machine/address.js';
import { DEFAULT_ARGUMENTS, UVM_FLAG_FIXED, UVM_FLAG_UNMAP } from './map-arguments.js';
import type { VmMap } from './vm-map.js';

/** The page where room is found in a map, null for none. */
function room(bench: Bench, hint: number, pages: number, options: { align?: number; fixed?: boolean } = {}): number | null {
  const align = (options.align ?? 0) * PAGE_SIZE;
  const found = bench.uvm.uvmMapFindspace(
    bench.map,
    bench.at(hint),
    pages * PAGE_SIZE,
    align,
    options.fixed === true ? UVM_FLAG_FIXED : 0,
  );
  if (found === null) return null;
  expect(bench.map.hint, 'what is before the room is the hint').toBe(found.previous);
  expect(found.previous.next === bench.map.header || found.previous.next.start > found.start).toBe(true);
  return (found.start - bench.map.min) / PAGE_SIZE;
}

/** A map of 16 pages in which those are mapped that have an x in the picture. */
function mapped(picture: string, options: { topdown: boolean }): Bench {
  const bench = new Bench({ pages: 16, ...options });
  bench.run(function* () {
    for (const { index } of picture.matchAll(/x/g)) yield* bench.put(index, index + 1);
  });
  return bench;
}

//                 0123456789abcdef
const PICTURE = '.xx...x.xxxx...x';

describe('finding room from below', () => {
  const bench = mapped(PICTURE, { topdown: false });

  it('takes the lowest place at or above the hint', () => {
    expect([room(bench, 0, 1), room(bench, 1, 1), room(bench, 4, 1), room(bench, 6, 1)]).toEqual([0, 3, 4, 7]);
    expect([room(bench, 0, 2), room(bench, 4, 2), room(bench, 5, 2)]).toEqual([3, 4, 12]);
    expect([room(bench, 4, 3), room(bench, 12, 3)]).toEqual([12, 12]);
  });

  it('never goes below the hint', () => {
    expect(room(bench, 13, 3)).toBeNull();
    expect(room(bench, 15, 1)).toBeNull();
  });
});

describe('finding room from the top', () => {
  const bench = mapped(PICTURE, { topdown: true });

  it('takes the highest place at or below the hint', () => {
    expect([room(bench, 16, 1), room(bench, 13, 1), room(bench, 11, 1), room(bench, 6, 1), room(bench, 2, 1)]).toEqual([
      14, 13, 7, 5, 0,
    ]);
    expect([room(bench, 16, 2), room(bench, 12, 2), room(bench, 11, 2)]).toEqual([13, 12, 4]);
    expect([room(bench, 16, 3), room(bench, 11, 3)]).toEqual([12, 3]);
  });

  it('never goes above the hint', () => {
    expect(room(bench, 2, 2)).toBeNull();
    expect(room(bench, 16, 4)).toBeNull();
  });
});

describe('finding room at an address', () => {
  it.each([true, false])('succeeds there or not at all (from the top: %s)', (topdown) => {
    const bench = mapped(PICTURE, { topdown });
    const fixed = { fixed: true };
    expect([room(bench, 3, 3, fixed), room(bench, 4, 2, fixed), room(bench, 0, 1, fixed)]).toEqual([3, 4, 0]);
    expect([room(bench, 3, 4, fixed), room(bench, 1, 1, fixed), room(bench, 0, 2, fixed)]).toEqual([null, null, null]);
  });

  it('fails outside of the map, and where it would reach out of it', () => {
    const bench = mapped('................', { topdown: false });
    const fixed = { fixed: true };
    expect([room(bench, -1, 1, fixed), room(bench, 16, 1, fixed), room(bench, 15, 2, fixed)]).toEqual([null, null, null]);
    expect(room(bench, 15, 1, fixed)).toBe(15);
  });
});

describe('a hint', () => {
  it('below the map counts as its lowest address', () => {
    expect(room(mapped(PICTURE, { topdown: false }), -5, 2)).toBe(3);
    expect(room(mapped(PICTURE, { topdown: true }), -5, 1)).toBe(0);
  });

  it('above the map finds nothing, from above as from below', () => {
    expect(room(mapped(PICTURE, { topdown: false }), 17, 1)).toBeNull();
    expect(room(mapped(PICTURE, { topdown: true }), 17, 1)).toBeNull();
  });

  it('below zero stands for an address above any map', () => {
    for (const topdown of [true, false]) {
      const { uvm, map } = mapped('', { topdown });
      expect(uvm.uvmMapFindspace(map, asVa(-PAGE_SIZE), PAGE_SIZE, 0, 0)).toBeNull();
    }
  });
});

describe('an alignment', () => {
  it('is kept by the address itself, wherever the map begins', () => {
    //       0123456789abcdef     page 0 is page 16 of the address space
    const picture = '.x...x..x.......';
    expect(room(mapped(picture, { topdown: false }), 0, 1, { align: 2 })).toBe(0);
    expect(room(mapped(picture, { topdown: false }), 1, 1, { align: 4 })).toBe(4);
    expect(room(mapped(picture, { topdown: false }), 5, 2, { align: 4 })).toBe(12);
    expect(room(mapped(picture, { topdown: true }), 16, 3, { align: 4 })).toBe(12);
    expect(room(mapped(picture, { topdown: true }), 16, 5, { align: 2 })).toBe(10);
    expect(room(mapped(picture, { topdown: true }), 11, 2, { align: 4 })).toBeNull();
  });

  it('must be a power of two', () => {
    const bench = new Bench();
    expect(
      bench.panicOf(function* () {
        yield* bench.uvm.vmMapLock(bench.map);
        room(bench, 0, 1, { align: 3 });
      }),
    ).toContain('"(align & (align - 1)) == 0"');
  });
});

describe('assertions of the search', () => {
  it('find a place on the wrong side of the hint, or one that is taken', () => {
    for (const topdown of [false, true]) {
      for (const [at, assertion] of [
        [topdown ? 9 : 1, 'topdown ? hint <= orig_hint : hint >= orig_hint'],
        [5, 'entry->end <= hint'],
        [4, 'hint + length <= entry->next->start'],
      ] as const) {
        const bench = mapped('.....x..........', { topdown });
        // A search that is wrong.
        const wrong = (): number => bench.at(at);
        Object.assign(bench.map.tree, { lowestGap: wrong, highestGap: wrong });
        const panic = bench.panicOf(function* () {
          yield* bench.uvm.vmMapLock(bench.map);
          room(bench, at === 1 || at === 9 ? 5 : at, 2);
        });
        expect(panic).toContain(`"${assertion}"`);
      }
    }
  });
});

/** Maps ranges; what overlaps an earlier one, or leaves the map, is replaced or cut off. */
function* layOut(bench: Bench, map: VmMap, first: number, ranges: readonly { at: number; pages: number }[]): Step<void> {
  for (const { at, pages } of ranges) {
    const hint = asVa((first + at) * PAGE_SIZE);
    const size = Math.min(pages * PAGE_SIZE, map.max - hint);
    const flags = UVM_FLAG_FIXED | UVM_FLAG_UNMAP;
    expect(yield* bench.uvm.uvmMap(map, { ...DEFAULT_ARGUMENTS, hint, size, flags })).toBe(hint);
  }
}

describe('room in any map', () => {
  const PAGES = 40;
  const layouts = fc.record({
    topdown: fc.boolean(),
    mapped: fc.array(fc.record({ at: fc.nat(PAGES - 1), pages: fc.integer({ min: 1, max: 5 }) }), { maxLength: 14 }),
    /** Maps that begin at odd places: the first page of the map. */
    first: fc.integer({ min: 3, max: 70 }),
    asked: fc.array(
      fc.record({
        hint: fc.integer({ min: -3, max: PAGES + 3 }),
        pages: fc.integer({ min: 1, max: 10 }),
        align: fc.constantFrom(0, 1, 2, 4, 8, 16, 32),
        fixed: fc.boolean(),
      }),
      { minLength: 1, maxLength: 10 },
    ),
  });

  it('is what trying every address finds', () => {
    fc.assert(
      fc.property(layouts, ({ topdown, mapped, first, asked }) => {
        const bench = new Bench();
        const range = { min: asVa(first * PAGE_SIZE), max: asVa((first + PAGES) * PAGE_SIZE) };
        const { map } = bench.uvm.uvmspaceAlloc(range, { topdown });
        bench.run(() => layOut(bench, map, first, mapped));
        const free = (page: number): boolean => map.entries().every((entry) => !entry.contains(asVa(page * PAGE_SIZE)));
        for (const { hint, pages, align, fixed } of asked) {
          const from = Math.max(0, hint) + first;
          const fitting: number[] = [];
          for (let at = first; at + pages <= first + PAGES; at++) {
            const inReach = fixed ? at === hint + first : topdown ? at <= from : at >= from;
            const aligned = fixed || at % Math.max(1, align) === 0;
            if (inReach && aligned && Array.from({ length: pages }, (_, i) => at + i).every(free)) fitting.push(at);
          }
          const expected = hint > PAGES ? undefined : topdown ? fitting.at(-1) : fitting[0];
          const found = bench.uvm.uvmMapFindspace(
            map,
            asVa((first + hint) * PAGE_SIZE),
            pages * PAGE_SIZE,
            align * PAGE_SIZE,
            fixed ? UVM_FLAG_FIXED : 0,
          );
          expect(found === null ? undefined : found.start / PAGE_SIZE).toBe(expected);
        }
      }),
      { numRuns: 300 },
    );
  });
});
