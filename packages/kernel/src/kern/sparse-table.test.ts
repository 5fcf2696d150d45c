import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { SPARSE_TABLE_LIMIT, SparseTable } from './sparse-table.js';

type Step =
  | { readonly do: 'set'; readonly index: number; readonly value: number }
  | { readonly do: 'next'; readonly index: number; readonly end: number }
  | { readonly do: 'wipe'; readonly index: number; readonly end: number }
  | { readonly do: 'clear' };

/** Near 0, near the powers of two where 32-bit arithmetic would go wrong, near the end; often enough the same ones. */
const index = fc
  .record({ from: fc.constantFrom(0, 2 ** 31, 2 ** 32, 2 ** 41, SPARSE_TABLE_LIMIT - 40), by: fc.nat(39) })
  .map(({ from, by }) => from + by);
const value = fc.oneof(fc.constant(0), fc.constantFrom(1, 2 ** 31, 2 ** 32 - 1), fc.integer({ min: 1, max: 2 ** 32 - 1 }));
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 20, arbitrary: fc.record({ do: fc.constant('set' as const), index, value }) },
  { weight: 8, arbitrary: fc.record({ do: fc.constant('next' as const), index, end: index }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('wipe' as const), index, end: index }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('clear' as const) }) },
);

/** What a Map says is in [start, end), in ascending order. */
function within(model: ReadonlyMap<number, number>, start: number, end: number): [number, number][] {
  return [...model].filter(([at]) => at >= start && at < end).sort(([a], [b]) => a - b);
}

function listed(table: SparseTable, start = 0, end = Number.MAX_SAFE_INTEGER): [number, number][] {
  const found: [number, number][] = [];
  table.forEachIn(start, end, (at, held) => found.push([at, held]));
  return found;
}

function run(table: SparseTable, model: Map<number, number>, todo: Step): void {
  if (todo.do === 'clear') {
    table.clear();
    model.clear();
  } else if (todo.do === 'next') {
    expect(table.next(todo.index, todo.end)).toBe(within(model, todo.index, todo.end)[0]?.[0] ?? -1);
  } else if (todo.do === 'wipe') {
    // Every other value goes, and the rest changes, while the table is walked over.
    const expected = within(model, todo.index, todo.end);
    const seen: [number, number][] = [];
    table.forEachIn(todo.index, todo.end, (at, held) => {
      seen.push([at, held]);
      table.set(at, seen.length % 2 === 0 ? 7 : 0);
    });
    expect(seen).toEqual(expected);
    expected.forEach(([at], i) => {
      if (i % 2 === 0) model.delete(at);
      else model.set(at, 7);
    });
  } else {
    expect(table.get(todo.index)).toBe(model.get(todo.index) ?? 0);
    table.set(todo.index, todo.value);
    if (todo.value === 0) model.delete(todo.index);
    else model.set(todo.index, todo.value);
    expect(table.get(todo.index)).toBe(todo.value);
  }
}

describe('against a Map', () => {
  it.each([0, 2, 4, undefined])('agrees after every step, slot bits %s', (slotBits) => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 120, size: 'max' }), (todo) => {
        const table = slotBits === undefined ? new SparseTable() : new SparseTable({ slotBits });
        const model = new Map<number, number>();
        const slots = 2 ** (slotBits ?? 9);
        for (const one of todo) {
          run(table, model, one);
          expect(table.count).toBe(model.size);
          expect(table.check()).toEqual([]);
        }
        expect(listed(table)).toEqual(within(model, 0, Infinity));
        for (const at of [0, 2 ** 31 + 5, 2 ** 41 + 20, SPARSE_TABLE_LIMIT - 1]) {
          expect(table.hasLeaf(at)).toBe([...model.keys()].some((other) => Math.floor(other / slots) === Math.floor(at / slots)));
        }
      }),
      { numRuns: 60 },
    );
  });
});

describe('large indexes', () => {
  it('does not confuse indexes that are equal in 32 bits', () => {
    const table = new SparseTable();
    for (const [i, at] of [5, 5 + 2 ** 32, 5 + 2 ** 41, 5 + 2 ** 44].entries()) table.set(at, i + 1);
    expect(listed(table)).toEqual([
      [5, 1],
      [5 + 2 ** 32, 2],
      [5 + 2 ** 41, 3],
      [5 + 2 ** 44, 4],
    ]);
  });

  it('walks an enormous range at the cost of what is in it', () => {
    const table = new SparseTable();
    const there = [3, 2 ** 34, 2 ** 35 - 1];
    for (const at of there) table.set(at, 9);
    const seen: number[] = [];
    // Ten thousand walks over 2^35 slots: a walk that touched absent ones would not end.
    for (let round = 0; round < 10_000; round++) {
      seen.length = 0;
      for (let at = table.next(0, 2 ** 35); at >= 0; at = table.next(at + 1, 2 ** 35)) seen.push(at);
    }
    expect(seen).toEqual(there);
  });
});

describe('leaves', () => {
  it('come with the first value and go with the last', () => {
    const table = new SparseTable({ slotBits: 4 });
    expect(table.hasLeaf(20)).toBe(false);
    table.set(17, 0);
    expect(table.hasLeaf(20)).toBe(false);
    table.set(17, 1);
    table.set(18, 1);
    expect([table.hasLeaf(15), table.hasLeaf(16), table.hasLeaf(31), table.hasLeaf(32)]).toEqual([false, true, true, false]);
    table.set(17, 0);
    expect(table.hasLeaf(20)).toBe(true);
    table.set(18, 0);
    expect([table.hasLeaf(20), table.count]).toEqual([false, 0]);
  });

  it('start empty when they are used again elsewhere', () => {
    const table = new SparseTable({ slotBits: 2 });
    for (const at of [0, 1, 2, 3]) table.set(at, 8);
    for (const at of [0, 1, 2, 3]) table.set(at, 0);
    table.set(2 ** 40 + 1, 5);
    expect(listed(table)).toEqual([[2 ** 40 + 1, 5]]);
    expect(table.check()).toEqual([]);
  });
});

describe('refusals', () => {
  it('takes only indexes and values that it can hold', () => {
    const table = new SparseTable();
    for (const at of [-1, 0.5, SPARSE_TABLE_LIMIT, Number.NaN])
      expect(() => table.set(at, 1)).toThrow('is no index of a sparse table');
    for (const held of [-1, 0.5, 2 ** 32, Number.NaN]) expect(() => table.set(3, held)).toThrow('is no unsigned 32-bit value');
    expect([table.get(-1), table.get(SPARSE_TABLE_LIMIT), table.count]).toEqual([0, 0, 0]);
    expect(() => new SparseTable({ slotBits: 21 })).toThrow('from 0 to 20, not 21');
  });
});

describe('check', () => {
  interface Leaf {
    start: number;
    live: number;
    slots: Uint32Array;
  }
  interface Insides {
    recent: Leaf;
    recentKey: number;
    spare: Leaf;
    present: number;
  }
  interface Corruption {
    readonly what: string;
    readonly corrupt: (table: Insides) => void;
    readonly says: RegExp;
  }
  const corruptions: Corruption[] = [
    {
      what: 'a wrong count of a leaf',
      corrupt: ({ recent }) => {
        recent.live++;
      },
      says: /leaf 50 holds 1 values and counts 2/,
    },
    {
      what: 'a wrong count',
      corrupt: (table) => {
        table.present--;
      },
      says: /the table holds 3 values and counts 2/,
    },
    {
      what: 'an empty leaf',
      corrupt: ({ recent }) => {
        recent.slots.fill(0);
      },
      says: /leaf 50 is empty and still there/,
    },
    {
      what: 'a wrong key of the leaf used last',
      corrupt: (table) => {
        table.recentKey = 3;
      },
      says: /the leaf used last has key 50, and is remembered as 3/,
    },
    {
      what: 'a leaf that moved',
      corrupt: ({ recent }) => {
        recent.start = 49;
      },
      says: /entry \[0x31, 0x33\) is in the tree as \[0x32, 0x33\)/,
    },
    {
      what: 'a leaf used last that is gone',
      corrupt: (table) => {
        table.recent = table.spare;
        table.recentKey = table.spare.start;
      },
      says: /the leaf used last, with key 30, is not in the directory/,
    },
    {
      what: 'a spare leaf that is not empty',
      corrupt: ({ spare }) => {
        spare.slots[1] = 1;
      },
      says: /the spare leaf is not empty/,
    },
  ];

  it.each(corruptions)('finds $what', ({ corrupt, says }) => {
    const table = new SparseTable({ slotBits: 1 });
    for (const at of [4, 60, 5, 100]) table.set(at, 3);
    table.set(60, 0);
    expect(table.check()).toEqual([]);
    table.get(100);
    corrupt(table as unknown as Insides);
    expect(table.check().join('\n')).toMatch(says);
  });
});
