import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { RangeSet } from './range-set.js';

const SIZE = 24;

/** A set of numbers, as dots and equals signs. */
function picture(set: RangeSet): string {
  let text = '';
  for (let at = 0; at < SIZE; at++) text += set.meets(at, at + 1) ? '=' : '.';
  return text;
}

describe('RangeSet', () => {
  //      01234567890123456789
  it('joins ranges that meet, and cuts them', () => {
    const set = new RangeSet();
    set.add(2, 5);
    set.add(7, 9);
    expect(picture(set).slice(0, 12)).toBe('..===..==...');
    set.add(5, 7);
    expect([picture(set).slice(0, 12), set.count]).toEqual(['..=======...', 1]);
    set.remove(3, 4);
    expect([picture(set).slice(0, 12), set.count]).toEqual(['..=.=====...', 2]);
    expect([set.endAt(2), set.endAt(3), set.endAt(4), set.endAt(9)]).toEqual([3, null, 9, null]);
  });

  it('holds what a plain set of numbers holds, whatever is added and removed', () => {
    const change = fc.record({ add: fc.boolean(), from: fc.nat(SIZE), length: fc.nat(8) });
    fc.assert(
      fc.property(fc.array(change, { maxLength: 30 }), (changes) => {
        const set = new RangeSet();
        const model = new Set<number>();
        for (const { add, from, length } of changes) {
          if (add) set.add(from, from + length);
          else set.remove(from, from + length);
          for (let at = from; at < from + length; at++) {
            if (add) model.add(at);
            else model.delete(at);
          }
          expect(picture(set)).toBe(Array.from({ length: SIZE }, (_, at) => (model.has(at) ? '=' : '.')).join(''));
          expect(set.meets(4, 12)).toBe([4, 5, 6, 7, 8, 9, 10, 11].some((at) => model.has(at)));
        }
        const runs = [...model].filter((at) => !model.has(at - 1)).length;
        expect(set.count).toBe(runs);
      }),
    );
  });

  it('is a copy of its own', () => {
    const set = new RangeSet();
    set.add(1, 3);
    const copy = new RangeSet(set);
    copy.remove(1, 2);
    expect([picture(set).slice(0, 4), picture(copy).slice(0, 4)]).toEqual(['.==.', '..=.']);
  });

  it('takes no more ranges than Linux has mappings', () => {
    const set = new RangeSet();
    for (let at = 0; at < 70_000; at++) set.add(2 * at, 2 * at + 1);
    expect(set.count).toBe(65_530);
    set.add(0, 65_530 * 2);
    expect(set.count).toBe(1);
    for (let at = 0; at < 140_000; at += 2) set.remove(at, at + 1);
    expect(set.count).toBe(65_530);
  });
});
