import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { asPfn, asVa, type Pfn } from './address.js';
import { Pmap } from './pmap.js';
import { ATTR_MODIFIED, ATTR_REFERENCED, ReverseMap } from './reverse-map.js';

const FRAMES = 4;

/** The mappings of a frame, newest first: id of the pmap, address. */
function listed(map: ReverseMap, pfn: Pfn): [number, number][] {
  const found: [number, number][] = [];
  for (let entry = map.first(pfn); entry >= 0; entry = map.next(entry)) found.push([map.pmap(entry).id, map.va(entry)]);
  return found;
}

describe('the reverse map', () => {
  it('covers all of RAM, with no mapping at first', () => {
    const map = new ReverseMap(FRAMES);
    expect(map.frames).toBe(FRAMES);
    for (let frame = 0; frame < FRAMES; frame++) expect(listed(map, asPfn(frame))).toEqual([]);
  });

  it('tells the same address in two spaces apart, and forgets the one that is meant', () => {
    const map = new ReverseMap(FRAMES);
    const [one, two] = [new Pmap(1), new Pmap(2)];
    map.add(asPfn(3), one, asVa(4096));
    map.add(asPfn(3), two, asVa(4096));
    expect(map.remove(asPfn(3), one, asVa(4096))).toBe(true);
    expect(listed(map, asPfn(3))).toEqual([[2, 4096]]);
  });

  it('says so when it is to forget what it does not know, and changes nothing', () => {
    const map = new ReverseMap(FRAMES);
    const pmap = new Pmap(1);
    map.add(asPfn(3), pmap, asVa(4096));
    expect(map.remove(asPfn(3), pmap, asVa(8192))).toBe(false);
    expect(map.remove(asPfn(2), pmap, asVa(4096))).toBe(false);
    expect(map.remove(asPfn(3), new Pmap(1), asVa(4096))).toBe(false);
    expect(listed(map, asPfn(3))).toEqual([[1, 4096]]);
  });

  it('keeps addresses above 2^32 whole', () => {
    const map = new ReverseMap(FRAMES);
    map.add(asPfn(0), new Pmap(1), asVa(0x7f7fffffe000));
    expect(listed(map, asPfn(0))).toEqual([[1, 0x7f7fffffe000]]);
  });

  it('keeps the attributes of frames apart from their mappings and from each other', () => {
    const map = new ReverseMap(FRAMES);
    const pmap = new Pmap(1);
    map.add(asPfn(1), pmap, asVa(0));
    map.setAttrs(asPfn(1), ATTR_MODIFIED);
    map.setAttrs(asPfn(2), ATTR_REFERENCED | ATTR_MODIFIED);
    map.remove(asPfn(1), pmap, asVa(0));
    expect([0, 1, 2, 3].map((frame) => map.attrs(asPfn(frame)))).toEqual([0, ATTR_MODIFIED, ATTR_REFERENCED | ATTR_MODIFIED, 0]);
  });

  it('agrees with plain lists over random additions and removals, however many', () => {
    const change = fc.record({ frame: fc.nat(FRAMES - 1), space: fc.nat(2), page: fc.nat(40), add: fc.boolean() });
    fc.assert(
      fc.property(fc.array(change, { maxLength: 400 }), (changes) => {
        const map = new ReverseMap(FRAMES);
        const pmaps = [new Pmap(0), new Pmap(1), new Pmap(2)];
        const model: [number, number][][] = Array.from({ length: FRAMES }, () => []);
        for (const { frame, space, page, add } of changes) {
          const [pfn, pmap, va] = [asPfn(frame), pmaps[space] as Pmap, asVa(page * 4096)];
          const list = model[frame] as [number, number][];
          const at = list.findIndex(([id, address]) => id === space && address === va);
          if (add && at < 0) {
            map.add(pfn, pmap, va);
            list.unshift([space, va]);
          } else if (!add) {
            expect(map.remove(pfn, pmap, va)).toBe(at >= 0);
            if (at >= 0) list.splice(at, 1);
          }
        }
        expect(model.map((_, frame) => listed(map, asPfn(frame)))).toEqual(model);
      }),
    );
  });

  it('grows as mappings come, and uses the room of those that went', () => {
    const map = new ReverseMap(1);
    const pmap = new Pmap(1);
    for (let round = 0; round < 3; round++) {
      for (let page = 0; page < 1000; page++) map.add(asPfn(0), pmap, asVa(page * 4096));
      expect(listed(map, asPfn(0))).toHaveLength(1000);
      expect(map.first(asPfn(0))).toBeLessThan(1000);
      for (let page = 0; page < 1000; page++) expect(map.remove(asPfn(0), pmap, asVa(page * 4096))).toBe(true);
      expect(listed(map, asPfn(0))).toEqual([]);
    }
  });
});
