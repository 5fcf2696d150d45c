import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { PartialReferences } from './partial-references.js';

/** The counts slot by slot. */
function counts(partial: PartialReferences): number[] {
  return Array.from({ length: partial.slots }, (_, slot) => partial.at(slot));
}

describe('reference counts of slots', () => {
  it('are kept as runs, and neighbours with equal counts are one run', () => {
    const partial = new PartialReferences([
      { slots: 2, references: 1 },
      { slots: 0, references: 9 },
      { slots: 3, references: 1 },
      { slots: 1, references: 2 },
    ]);
    expect(partial.runs).toEqual([
      { slots: 5, references: 1 },
      { slots: 1, references: 2 },
    ]);
    expect([partial.slots, partial.at(4), partial.at(5), partial.at(6)]).toEqual([6, 1, 2, 0]);
  });

  //   before   1 1 1 1 1 1
  //   + [2,4)      1 1
  //   after    1 1 2 2 1 1
  it('are fragmented where a part is counted, and become one run again when it is not any more', () => {
    const partial = new PartialReferences([{ slots: 6, references: 1 }]);
    expect(partial.adjust(2, 2, 1)).toEqual([]);
    expect(counts(partial)).toEqual([1, 1, 2, 2, 1, 1]);
    expect(partial.runs).toHaveLength(3);
    expect(partial.adjust(2, 2, -1)).toEqual([]);
    expect(partial.runs).toEqual([{ slots: 6, references: 1 }]);
  });

  it('tell which slots nobody refers to any more, and only those that were referred to before', () => {
    const partial = new PartialReferences([
      { slots: 2, references: 1 },
      { slots: 2, references: 2 },
      { slots: 2, references: 1 },
    ]);
    expect(partial.adjust(1, 4, -1)).toEqual([
      [1, 2],
      [4, 5],
    ]);
    expect(counts(partial)).toEqual([1, 0, 1, 1, 0, 1]);
  });

  it('can be added at both ends', () => {
    const partial = new PartialReferences([{ slots: 2, references: 1 }]);
    partial.append(2, 1);
    partial.prepend(1, 0);
    partial.append(0, 5);
    expect(partial.runs).toEqual([
      { slots: 1, references: 0 },
      { slots: 4, references: 1 },
    ]);
  });

  it('are what counting each slot by itself gives', () => {
    const change = fc.oneof(
      fc.record({ do: fc.constant('adjust' as const), from: fc.nat(19), slots: fc.nat(8), amount: fc.constantFrom(1, 1, -1) }),
      fc.record({ do: fc.constantFrom('append' as const, 'prepend' as const), slots: fc.nat(3), references: fc.nat(2) }),
    );
    fc.assert(
      fc.property(fc.array(change, { maxLength: 20 }), (changes) => {
        const partial = new PartialReferences([{ slots: 8, references: 1 }]);
        let plain: number[] = new Array<number>(8).fill(1);
        for (const each of changes) {
          if (each.do === 'adjust') {
            const range = plain.map((_, slot) => slot >= each.from && slot < each.from + each.slots);
            // A count is never taken below zero.
            if (each.amount < 0 && plain.some((count, slot) => range[slot] && count === 0)) continue;
            plain = plain.map((count, slot) => (range[slot] ? count + each.amount : count));
            const emptied = partial.adjust(each.from, each.slots, each.amount).flatMap(([from, to]) => {
              return Array.from({ length: to - from }, (_, i) => from + i);
            });
            expect(emptied).toEqual(plain.flatMap((count, slot) => (range[slot] && count === 0 ? [slot] : [])));
          } else {
            const added = new Array<number>(each.slots).fill(each.references);
            partial[each.do](each.slots, each.references);
            plain = each.do === 'append' ? [...plain, ...added] : [...added, ...plain];
          }
          expect(counts(partial)).toEqual(plain);
          const { runs } = partial;
          expect(runs.every((run, i) => run.slots > 0 && run.references !== runs[i + 1]?.references)).toBe(true);
        }
      }),
    );
  });
});
