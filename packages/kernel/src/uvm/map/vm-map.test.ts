import { describe, expect, it } from 'vitest';
import { Bench } from '../../../test/maps.js';
import { vmMapRangeCheck } from './vm-map.js';

describe('a map', () => {
  it('lists its entries by address, whatever the order they came in', () => {
    const bench = new Bench();
    //  0 1 2 3 4 5 6
    //  b . a . . c c
    bench.run(function* () {
      yield* bench.put(2, 3);
      yield* bench.put(0, 1);
      yield* bench.put(5, 7);
    });
    expect(bench.picture()).toBe('a.b..cc');
    expect(bench.map.entries().map((entry) => entry.start)).toEqual([bench.at(0), bench.at(2), bench.at(5)]);
    expect(bench.map.entryCount).toBe(3);
    expect(bench.map.size).toBe(4 * 4096);
  });

  it('begins and ends where its header says', () => {
    const { map } = new Bench({ pages: 4 });
    expect([map.min, map.max]).toEqual([0x10000, 0x14000]);
    expect([map.hint, map.firstFree, map.entries()]).toEqual([map.header, map.header, []]);
  });

  it('is seen from above as a space with its bounds, its size and its direction', () => {
    const { space } = new Bench({ pages: 4, topdown: true });
    expect([space.min, space.max, space.size, space.topdown]).toEqual([0x10000, 0x14000, 0, true]);
    expect(space.pmap).toBe(space.map.pmap);
    expect(space.label).toBe('vmspace 1');
    expect(new Bench().space.topdown).toBe(false);
  });
});

describe('the range check', () => {
  const bench = new Bench({ pages: 8 });
  const ranges: [what: string, from: number, to: number, start: number, end: number][] = [
    ['leaves a range inside the map as it is', 1, 3, 1, 3],
    ['raises the start to the lowest address', -2, 3, 0, 3],
    ['lowers the end to the highest address', 5, 12, 5, 8],
    ['makes a reversed range empty, at its end', 5, 2, 2, 2],
    ['makes a range above the map empty, at the highest address', 9, 12, 8, 8],
    ['makes a range below the map empty, at its own end', -4, -2, -2, -2],
  ];
  it.each(ranges)('%s', (_, from, to, start, end) => {
    expect(vmMapRangeCheck(bench.map, bench.at(from), bench.at(to))).toEqual({ start: bench.at(start), end: bench.at(end) });
  });
});
