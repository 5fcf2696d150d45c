import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Kern } from '../../kern/kern.js';
import { Mutex } from '../../kern/mutex.js';
import { Amap } from './amap.js';
import { Anon } from './anon.js';

function amapOf(slots: number, padding = 0): Amap {
  const kern = new Kern();
  return new Amap(1, new Mutex(kern, kern.lockClass('amap')), { slots, padding });
}

describe('an amap', () => {
  it('has room in fours, padding included', () => {
    expect([amapOf(4).maxSlots, amapOf(5).maxSlots, amapOf(5, 16).maxSlots]).toEqual([4, 8, 24]);
    expect(amapOf(5, 16).slots).toBe(5);
  });

  it('lists the slots in use in no order: the last takes the place of one that goes', () => {
    const amap = amapOf(8);
    for (const slot of [6, 1, 4]) amap.put(slot, new Anon(slot));
    expect(amap.used).toEqual([6, 1, 4]);
    amap.remove(6);
    expect([amap.used, amap.backPointer[4], amap.at(6)]).toEqual([[4, 1], 0, null]);
    amap.remove(1);
    amap.remove(4);
    expect(amap.used).toEqual([]);
  });

  it('finds the slots in use within a range, ascending, whether few or many are in use', () => {
    const amap = amapOf(40);
    for (const slot of [30, 2, 17, 3]) amap.put(slot, new Anon(slot));
    expect([amap.usedWithin(0, 40), amap.usedWithin(3, 30), amap.usedWithin(2, 4), amap.usedWithin(4, 4)]).toEqual([
      [2, 3, 17, 30],
      [3, 17],
      [2, 3],
      [],
    ]);
  });

  it('counts the slots one by one from the moment on at which a reference covers only a part', () => {
    const amap = amapOf(6);
    amap.references = 2;
    expect(amap.partial).toBeNull();
    //   the entry begins at slot 2: what is in front of it nobody refers to
    const partial = amap.establishPartial(2);
    expect(partial.runs).toEqual([
      { slots: 2, references: 0 },
      { slots: 4, references: 2 },
    ]);
    amap.references = 5;
    expect(amap.establishPartial(0)).toBe(partial);
  });

  it('is after any puts and removes what a plain table of slots is', () => {
    fc.assert(
      fc.property(fc.array(fc.nat(15), { maxLength: 60 }), (touched) => {
        const amap = amapOf(16);
        const plain = new Map<number, Anon>();
        for (const [id, slot] of touched.entries()) {
          if (plain.delete(slot)) {
            amap.remove(slot);
          } else {
            const anon = new Anon(id);
            plain.set(slot, anon);
            amap.put(slot, anon);
          }
          expect(amap.used.toSorted((a, b) => a - b)).toEqual([...plain.keys()].sort((a, b) => a - b));
          expect(amap.used.every((used, place) => amap.backPointer[used] === place)).toBe(true);
          for (let at = 0; at < 16; at++) expect(amap.at(at)).toBe(plain.get(at) ?? null);
        }
      }),
    );
  });
});
