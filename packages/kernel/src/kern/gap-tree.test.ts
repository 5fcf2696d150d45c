import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { GapNodes } from './gap-nodes.js';
import { GapTree, NO_LEAF, type Ranged } from './gap-tree.js';

class Entry implements Ranged {
  start: number;
  end: number;
  leaf = NO_LEAF;

  constructor(start: number, end: number) {
    this.start = start;
    this.end = end;
  }
}

/** The same as the tree, as slow and plain as can be: a sorted array, and gaps that are listed anew for every question. */
class Model {
  readonly min: number;
  readonly max: number;
  entries: Entry[] = [];

  constructor(min: number, max: number) {
    this.min = min;
    this.max = max;
  }

  isFree(start: number, end: number, except?: Entry): boolean {
    if (!(start < end && start >= this.min && end <= this.max)) return false;
    return this.entries.every((entry) => entry === except || entry.end <= start || entry.start >= end);
  }

  insert(entry: Entry): void {
    this.entries.push(entry);
    this.entries.sort((a, b) => a.start - b.start);
  }

  remove(entry: Entry): void {
    this.entries = this.entries.filter((other) => other !== entry);
  }

  floor(addr: number): Entry | null {
    return this.entries.filter((entry) => entry.start <= addr).at(-1) ?? null;
  }

  gaps(): { start: number; end: number }[] {
    const starts = [this.min, ...this.entries.map((entry) => entry.end)];
    const ends = [...this.entries.map((entry) => entry.start), this.max];
    return starts.map((start, i) => ({ start, end: ends[i] ?? this.max }));
  }

  highestGap(length: number, ceiling: number): number {
    const places = this.gaps().map(({ start, end }) => ({ start, at: Math.min(end, ceiling) - length }));
    return places.filter(({ start, at }) => at >= start).at(-1)?.at ?? -1;
  }

  lowestGap(length: number, floor: number): number {
    const places = this.gaps().map(({ start, end }) => ({ at: Math.max(start, floor), end }));
    return places.find(({ at, end }) => at + length <= end)?.at ?? -1;
  }
}

const SPAN = 400;

type Step =
  | { readonly do: 'insert'; readonly at: number; readonly length: number }
  | { readonly do: 'remove'; readonly which: number }
  | { readonly do: 'resize'; readonly which: number; readonly front: number; readonly back: number }
  | { readonly do: 'clip'; readonly which: number; readonly side: 'start' | 'end'; readonly by: number }
  | { readonly do: 'absorb'; readonly which: number; readonly side: 'next' | 'previous' }
  | { readonly do: 'ask'; readonly at: number; readonly length: number };

const which = fc.nat();
const at = fc.integer({ min: -3, max: SPAN + 3 });
const insertion = fc.record({ do: fc.constant('insert' as const), at, length: fc.integer({ min: 0, max: 6 }) });
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 10, arbitrary: insertion },
  { weight: 3, arbitrary: fc.record({ do: fc.constant('remove' as const), which }) },
  {
    weight: 3,
    arbitrary: fc.record({
      do: fc.constant('resize' as const),
      which,
      front: fc.integer({ min: -4, max: 4 }),
      back: fc.integer({ min: -4, max: 4 }),
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      do: fc.constant('clip' as const),
      which,
      side: fc.constantFrom('start' as const, 'end' as const),
      by: fc.integer({ min: 0, max: 5 }),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      do: fc.constant('absorb' as const),
      which,
      side: fc.constantFrom('next' as const, 'previous' as const),
    }),
  },
  { weight: 4, arbitrary: fc.record({ do: fc.constant('ask' as const), at, length: fc.integer({ min: 1, max: 12 }) }) },
);

/** A tree and its model, driven side by side. */
class Pair {
  readonly tree: GapTree<Entry>;
  readonly model: Model;
  readonly base: number;

  constructor(base: number, fanOut: number | undefined) {
    this.base = base;
    this.tree = fanOut === undefined ? new GapTree<Entry>(base, base + SPAN) : new GapTree<Entry>(base, base + SPAN, { fanOut });
    this.model = new Model(base, base + SPAN);
  }

  pick(number: number): Entry | undefined {
    return this.model.entries[number % Math.max(this.model.entries.length, 1)];
  }

  run(todo: Step): void {
    if (todo.do === 'insert') this.insert(new Entry(this.base + todo.at, this.base + todo.at + todo.length));
    else if (todo.do === 'ask') this.ask(this.base + todo.at, todo.length);
    else {
      const entry = this.pick(todo.which);
      if (entry === undefined) return;
      if (todo.do === 'remove') this.remove(entry);
      else if (todo.do === 'resize') this.resize(entry, entry.start + todo.front, entry.end + todo.back);
      else if (todo.do === 'clip') this.clip(entry, todo.side, todo.by);
      else this.absorb(entry, this.tree[todo.side](entry));
    }
  }

  insert(entry: Entry): void {
    if (!this.model.isFree(entry.start, entry.end)) {
      expect(() => this.tree.insert(entry)).toThrow(/^cannot insert .*: it (overlaps|leaves|is empty)/);
      expect(entry.leaf).toBe(NO_LEAF);
      return;
    }
    this.tree.insert(entry);
    this.model.insert(entry);
  }

  remove(entry: Entry): void {
    this.tree.remove(entry);
    this.model.remove(entry);
    expect(entry.leaf).toBe(NO_LEAF);
    expect(() => this.tree.remove(entry)).toThrow('not in this tree');
  }

  resize(entry: Entry, start: number, end: number): void {
    // A range that jumps over a neighbour overlaps it on the way: the order may not change.
    const low = Math.min(start, entry.start);
    const high = Math.max(end, entry.end);
    if (!this.model.isFree(start, end, entry) || !this.model.isFree(low, high, entry)) {
      expect(() => this.tree.resize(entry, start, end)).toThrow('cannot resize');
      return;
    }
    this.tree.resize(entry, start, end);
    expect([entry.start, entry.end]).toEqual([start, end]);
  }

  clip(entry: Entry, side: 'start' | 'end', by: number): void {
    const { start, end } = entry;
    const part = side === 'end' ? new Entry(end - by, end) : new Entry(start, start + by);
    const clip = (): void => (side === 'end' ? this.tree.clipEnd(entry, part) : this.tree.clipStart(entry, part));
    if (by === 0 || by >= end - start) {
      expect(clip).toThrow(`cannot clip the ${side}`);
      return;
    }
    clip();
    this.model.insert(part);
    expect([entry.start, entry.end]).toEqual(side === 'end' ? [start, end - by] : [start + by, end]);
  }

  absorb(entry: Entry, neighbour: Entry | null): void {
    if (neighbour === null) return;
    const start = Math.min(entry.start, neighbour.start);
    const end = Math.max(entry.end, neighbour.end);
    if (end - start > entry.end - entry.start + neighbour.end - neighbour.start) {
      expect(() => this.tree.absorb(entry, neighbour)).toThrow('they do not touch');
      return;
    }
    this.tree.absorb(entry, neighbour);
    this.model.remove(neighbour);
    expect([entry.start, entry.end, neighbour.leaf]).toEqual([start, end, NO_LEAF]);
  }

  ask(addr: number, length: number): void {
    const { tree, model } = this;
    const below = model.floor(addr);
    expect(tree.floor(addr)).toBe(below);
    expect(tree.containing(addr)).toBe(below !== null && addr < below.end ? below : null);
    expect(tree.highestGap(length, addr)).toBe(model.highestGap(length, addr));
    expect(tree.lowestGap(length, addr)).toBe(model.lowestGap(length, addr));
  }

  /** Compares everything that can be compared. */
  compare(): void {
    const { tree, model } = this;
    expect(tree.check()).toEqual([]);
    expect([...tree]).toEqual(model.entries);
    expect([tree.size, tree.first, tree.last]).toEqual([
      model.entries.length,
      model.entries[0] ?? null,
      model.entries.at(-1) ?? null,
    ]);
    model.entries.forEach((entry, i) => {
      expect(tree.next(entry)).toBe(model.entries[i + 1] ?? null);
      expect(tree.previous(entry)).toBe(model.entries[i - 1] ?? null);
      expect(tree.gapAfter(entry)).toBe((model.entries[i + 1]?.start ?? tree.max) - entry.end);
    });
  }
}

/** Whole numbers that look random and are the same on every machine. */
class Dice {
  #state: number;

  constructor(seed: number) {
    this.#state = seed;
  }

  below(limit: number): number {
    this.#state = (Math.imul(this.#state, 1664525) + 1013904223) >>> 0;
    return Math.floor((this.#state / 2 ** 32) * limit);
  }
}

/** The tree of the picture in gap-tree.ts, in units of 1. */
function pictured() {
  //  0        10   14      20      26     32             45          60     66         80    88     96      106    116
  //  |........[=A=)[==B===)....[==C==)...[=D=)......[====E====)......[=F=)..[====G====)....[==H==)[===I===)..........|
  const tree = new GapTree<Entry>(0, 116, { fanOut: 8 });
  const entries = {
    A: new Entry(10, 14),
    B: new Entry(14, 20),
    C: new Entry(24, 29),
    D: new Entry(32, 35),
    E: new Entry(41, 47),
    F: new Entry(60, 64),
    G: new Entry(66, 80),
    H: new Entry(84, 90),
    I: new Entry(90, 106),
  };
  for (const entry of Object.values(entries)) tree.insert(entry);
  return { tree, entries };
}

describe('the picture', () => {
  const { tree, entries } = pictured();
  const { A, C, D, E, I } = entries;

  it('finds entries by address', () => {
    expect(tree.floor(9)).toBe(null);
    expect(tree.floor(10)).toBe(A);
    expect(tree.floor(31)).toBe(C);
    expect(tree.containing(31)).toBe(null);
    expect(tree.containing(28)).toBe(C);
    expect(tree.floor(1e9)).toBe(I);
    expect(tree.containing(1e9)).toBe(null);
    expect([tree.first, tree.last, tree.size]).toEqual([A, I, 9]);
  });

  it('finds the highest gap', () => {
    expect(tree.highestGap(10, 116)).toBe(106);
    expect(tree.highestGap(10, 115)).toBe(50);
    expect(tree.highestGap(13, 59)).toBe(-1);
    expect(tree.highestGap(12, 59)).toBe(47);
    expect(tree.highestGap(6, 50)).toBe(35);
    expect(tree.highestGap(10, 46)).toBe(0);
    expect(tree.highestGap(14, 1e9)).toBe(-1);
  });

  it('finds the lowest gap', () => {
    expect(tree.lowestGap(10, 0)).toBe(0);
    expect(tree.lowestGap(10, 1)).toBe(47);
    expect(tree.lowestGap(3, 0)).toBe(0);
    expect(tree.lowestGap(3, 8)).toBe(20);
    expect(tree.lowestGap(3, 22)).toBe(29);
    expect(tree.lowestGap(10, 51)).toBe(106);
    expect(tree.lowestGap(10, 107)).toBe(-1);
    expect(tree.lowestGap(1, 116)).toBe(-1);
  });

  it('says what follows an entry', () => {
    expect([tree.next(D), tree.previous(D)]).toEqual([E, C]);
    expect([tree.previous(A), tree.next(I)]).toEqual([null, null]);
    expect([tree.gapAfter(A), tree.gapAfter(E), tree.gapAfter(I)]).toEqual([0, 13, 10]);
  });
});

describe('against a sorted array', () => {
  const high = 2 ** 47;
  for (const { fanOut, base, steps } of [
    { fanOut: 8, base: 0, steps: 120 },
    { fanOut: 8, base: high, steps: 300 },
    { fanOut: 16, base: 0x1000, steps: 300 },
    { fanOut: undefined, base: high, steps: 400 },
  ]) {
    it(`agrees after every step, fan-out ${fanOut ?? 'as it comes'}, from ${base}`, () => {
      fc.assert(
        fc.property(fc.array(step, { maxLength: steps, size: 'max' }), (todo) => {
          const pair = new Pair(base, fanOut);
          for (const one of todo) {
            pair.run(one);
            expect(pair.tree.check()).toEqual([]);
          }
          pair.compare();
          for (let addr = -2; addr < SPAN + 2; addr += 7) pair.ask(base + addr, 1 + (Math.abs(addr) % 9));
        }),
        { numRuns: 60 },
      );
    });
  }

  it.each([8, undefined])('grows to thousands of entries and shrinks to none, fan-out %s', (fanOut) => {
    const dice = new Dice(7);
    const span = 2 ** 40;
    const tree = fanOut === undefined ? new GapTree<Entry>(0, span) : new GapTree<Entry>(0, span, { fanOut });
    const live: Entry[] = [];
    for (let i = 0; i < 12_000; i++) {
      // Two in three steps add at first, and then two in three take away.
      if (dice.below(3) < (i < 6_000 ? 2 : 1)) {
        const start = dice.below(span / 4096) * 4096;
        const entry = new Entry(start, start + 4096);
        if (tree.containing(start) === null) {
          tree.insert(entry);
          live.push(entry);
        }
      } else if (live.length > 0) {
        const [gone] = live.splice(dice.below(live.length), 1);
        if (gone !== undefined) tree.remove(gone);
      }
      if (i % 200 === 0) expect(tree.check()).toEqual([]);
      if (i === 6_000) expect(tree.size).toBeGreaterThan(1_500);
    }
    for (const entry of live) tree.remove(entry);
    expect([tree.size, tree.first, tree.last]).toEqual([0, null, null]);
    expect(tree.check()).toEqual([]);
    expect(tree.highestGap(span, span)).toBe(0);
  });
});

describe('shape', () => {
  const nodesOf = (tree: GapTree<Entry>): GapNodes<Entry> => (tree as unknown as { nodes: GapNodes<Entry> }).nodes;
  const filled = (order: (i: number) => number, fanOut = 8): GapTree<Entry> => {
    const tree = new GapTree<Entry>(0, 2 ** 40, { fanOut });
    for (let i = 0; i < 2_000; i++) tree.insert(new Entry(order(i) * 8, order(i) * 8 + 4));
    return tree;
  };

  it('keeps nodes well filled when a map grows at one end', () => {
    const random = nodesOf(filled((i) => (i * 787) % 2_000, 32)).nodeCount;
    expect(nodesOf(filled((i) => i, 32)).nodeCount).toBeLessThan(random * 1.05);
    expect(nodesOf(filled((i) => 2_000 - i, 32)).nodeCount).toBeLessThan(random * 1.05);
  });

  it('uses freed nodes again', () => {
    const tree = filled((i) => i);
    const { nodeCount } = nodesOf(tree);
    for (let round = 0; round < 3; round++) {
      const entries = [...tree];
      for (const entry of entries) tree.remove(entry);
      expect(nodesOf(tree).height).toBe(0);
      for (const entry of entries) tree.insert(entry);
    }
    expect(nodesOf(tree).nodeCount).toBe(nodeCount);
    expect(tree.check()).toEqual([]);
  });

  it('lets go of everything when it is cleared', () => {
    const tree = filled((i) => i);
    const entries = [...tree];
    tree.clear();
    expect([tree.size, tree.first, nodesOf(tree).nodeCount]).toEqual([0, null, 1]);
    expect(entries.every((entry) => entry.leaf === NO_LEAF)).toBe(true);
    for (const entry of entries) tree.insert(entry);
    expect([...tree]).toEqual(entries);
    expect(tree.check()).toEqual([]);
  });
});

describe('iteration', () => {
  it('may remove and clip the entry that it is at', () => {
    const { tree, entries } = pictured();
    const seen: Entry[] = [];
    for (const entry of tree) {
      seen.push(entry);
      if (entry === entries.G) tree.clipEnd(entry, new Entry(70, 80));
      else tree.remove(entry);
    }
    expect(seen).toEqual(Object.values(entries));
    expect([...tree].map(({ start, end }) => [start, end])).toEqual([
      [66, 70],
      [70, 80],
    ]);
    expect(tree.check()).toEqual([]);
  });
});

describe('refusals', () => {
  it('names both ranges', () => {
    const { tree, entries } = pictured();
    const say = (action: () => void) => expect(action);
    say(() => tree.insert(new Entry(28, 31))).toThrow('cannot insert [0x1c, 0x1f): it overlaps [0x18, 0x1d)');
    say(() => tree.insert(new Entry(30, 33))).toThrow('cannot insert [0x1e, 0x21): it overlaps [0x20, 0x23)');
    say(() => tree.insert(new Entry(5, 5))).toThrow('cannot insert [0x5, 0x5): it is empty');
    say(() => tree.insert(new Entry(110, 117))).toThrow('cannot insert [0x6e, 0x75): it leaves the bounds [0x0, 0x74)');
    say(() => tree.insert(entries.A)).toThrow('[0xa, 0xe) is in a tree already');
    say(() => tree.resize(entries.C, 19, 29)).toThrow('cannot resize [0x18, 0x1d) to [0x13, 0x1d): it overlaps [0xe, 0x14)');
    say(() => tree.resize(entries.C, 24, 33)).toThrow('cannot resize [0x18, 0x1d) to [0x18, 0x21): it overlaps [0x20, 0x23)');
    say(() => tree.absorb(entries.C, entries.D)).toThrow('[0x18, 0x1d) cannot absorb [0x20, 0x23): they do not touch');
    say(() => tree.clipEnd(entries.C, new Entry(26, 28))).toThrow('cannot clip the end [0x1a, 0x1c) off [0x18, 0x1d)');
    say(() => tree.clipStart(entries.C, new Entry(24, 29))).toThrow('cannot clip the start [0x18, 0x1d) off [0x18, 0x1d)');
    expect(tree.check()).toEqual([]);
  });

  it('knows its own entries from those of another tree', () => {
    const { tree } = pictured();
    const { entries } = pictured();
    expect(() => tree.remove(entries.A)).toThrow('[0xa, 0xe) is not in this tree');
    expect(() => tree.next(new Entry(10, 14))).toThrow('not in this tree');
  });

  it('wants sensible bounds, lengths and fan-outs', () => {
    expect(() => new GapTree(8, 8)).toThrow('cannot span [0x8, 0x8)');
    expect(() => new GapTree(0, 2 ** 54)).toThrow('cannot span');
    expect(() => new GapTree(0, 8, { fanOut: 6 })).toThrow('power of two');
    expect(() => new GapTree(0, 8).highestGap(0, 8)).toThrow('length above 0, not 0');
    expect(() => new GapTree(0, 8).lowestGap(Number.NaN, 0)).toThrow('length above 0, not NaN');
  });
});

describe('check', () => {
  /** The layout of gap-nodes.ts. */
  const FAN_OUT = 8;
  const VALUES = 6 + FAN_OUT;
  const STRIDE = VALUES + FAN_OUT;
  interface Insides {
    cells: number[];
    items: unknown[];
    lastLeaf: number;
    vacant: number;
  }
  interface Corruption {
    readonly what: string;
    readonly corrupt: (nodes: Insides, tree: GapTree<Entry>) => void;
    readonly says: RegExp;
  }
  const set = (column: 'cells' | 'items', at: number, to: unknown) => (nodes: Insides) => {
    nodes[column][at] = to as number;
  };
  /** Both what the entry says and what the tree says, so that only the rule about ranges is broken. */
  const setEnd = (start: number, cell: number, to: number) => (nodes: Insides, tree: GapTree<Entry>) => {
    const entry = tree.floor(start);
    if (entry !== null) entry.end = to;
    nodes.cells[cell] = to;
  };
  // Leaf 0 holds A to E, leaf 2 holds F to I, and node 1 is the root.
  const corruptions: Corruption[] = [
    {
      what: 'an entry moved behind its back',
      corrupt: ({ items }) => {
        (items[0] as Entry).start = 11;
      },
      says: /entry \[0xb, 0xe\) is in the tree as \[0xa, 0xe\)/,
    },
    {
      what: 'an entry that is somewhere else',
      corrupt: ({ items }) => {
        (items[0] as Entry).leaf = 1;
      },
      says: /entry \[0xa, 0xe\) is in leaf 0 and says 1/,
    },
    {
      what: 'an overlap',
      corrupt: setEnd(10, VALUES, 15),
      says: /entry \[0xe, 0x14\) starts before 0xf, where the range before it ends/,
    },
    { what: 'an empty entry', corrupt: setEnd(10, VALUES, 10), says: /entry \[0xa, 0xa\) is empty/ },
    {
      what: 'an entry beyond the end',
      corrupt: setEnd(90, 2 * STRIDE + VALUES + 3, 120),
      says: /\[0x5a, 0x78\) ends behind the map's end 0x74/,
    },
    { what: 'a lost entry', corrupt: set('items', 1, null), says: /slot 1 of leaf 0 holds no entry/ },
    { what: 'a lost node', corrupt: set('items', FAN_OUT, null), says: /slot 0 of branch 1 holds no node/ },
    {
      what: 'a node that is none',
      corrupt: set('items', FAN_OUT, 99),
      says: /node 99, reached from node 1 as one of level 0/,
    },
    {
      what: 'a cycle',
      corrupt: set('items', FAN_OUT + 1, 1),
      says: /node 1, reached from node 1 as one of level 0, is of level 1/,
    },
    { what: 'a wrong maximum', corrupt: set('cells', 4, 17), says: /node 0 says that its widest gap is 17, and it is 13/ },
    {
      what: 'a wrong maximum above',
      corrupt: set('cells', STRIDE + VALUES, 9),
      says: /branch 1 says that the widest gap of node 0 is 9/,
    },
    {
      what: 'a wrong key above',
      corrupt: set('cells', STRIDE + 6, 9),
      says: /branch 1 says that node 0 starts at 0x9, and it starts at 0xa/,
    },
    { what: 'a wrong fence', corrupt: set('cells', 6 + 5, 59), says: /the fence of leaf 0 is 0x3b and should be 0x3c/ },
    {
      what: 'a wrong last fence',
      corrupt: set('cells', 2 * STRIDE + 6 + 4, 117),
      says: /the fence of leaf 2 is 0x75 and should be 0x74/,
    },
    { what: 'a key that is not wiped', corrupt: set('cells', 6 + 7, 25), says: /the unused key 7 of node 0 is 0x19/ },
    { what: 'an item that is not wiped', corrupt: set('items', 6, 1), says: /the unused slot 6 of node 0 holds something/ },
    { what: 'a wrong parent', corrupt: set('cells', 1, 2), says: /node 0 is below node 1 and says that it is below 2/ },
    { what: 'a wrong link back', corrupt: set('cells', 2, 1), says: /node 0 follows node -1 and says that it follows 1/ },
    { what: 'a wrong link on', corrupt: set('cells', 3, -1), says: /node 2 follows node 0, whose next node is -1/ },
    {
      what: 'a link from the last leaf',
      corrupt: set('cells', 2 * STRIDE + 3, 0),
      says: /node 2 is the last of level 0 and has a next node 0/,
    },
    { what: 'a wrong level', corrupt: set('cells', 5, 1), says: /node 0, reached from node 1 as one of level 0, is of level 1/ },
    { what: 'a count that is too high', corrupt: set('cells', 0, 8), says: /node 0, reached .* counts 8 items/ },
    { what: 'a count that is too low', corrupt: set('cells', 0, 1), says: /node 0 counts 1 items and needs 2/ },
    {
      what: 'a wrong last leaf',
      corrupt: (nodes) => {
        nodes.lastLeaf = 0;
      },
      says: /the last leaf is 2, and the tree believes that it is 0/,
    },
    {
      what: 'a wrong size',
      corrupt: (_, tree) => {
        (tree as unknown as { entries: number }).entries = 8;
      },
      says: /the tree counts 8 entries and holds 9/,
    },
    {
      what: 'a node that is in use and free',
      corrupt: (nodes) => {
        nodes.vacant = 2;
      },
      says: /of 3 nodes 3 are in the tree and 1 are free/,
    },
  ];

  it.each(corruptions)('finds $what', ({ corrupt, says }) => {
    const { tree } = pictured();
    expect(tree.check()).toEqual([]);
    corrupt((tree as unknown as { nodes: Insides }).nodes, tree);
    expect(tree.check().join('\n')).toMatch(says);
  });
});
