/** Replacement policies on traces whose misses are known, and the files that traces are kept in. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { alone } from './alone.mjs';
import { runOnKernel } from './kernel.mjs';
import { Reducer } from './reduce.mjs';
import { lruMisses, optMisses } from './reference.mjs';
import { decodeTrace, encodeTrace, numberPages, readTraces } from './trace.mjs';

/** Belady's own example, on which FIFO is worse with four frames than with three. */
const BELADY = Uint32Array.of(1, 2, 3, 4, 1, 2, 5, 1, 2, 3, 4, 5);
/** The reference string of Silberschatz, Galvin and Gagne, Operating System Concepts. */
const TEXTBOOK = Uint32Array.of(7, 0, 1, 2, 0, 3, 0, 4, 2, 3, 0, 3, 2, 1, 2, 0, 1, 7, 0, 1);
/** Five pages again and again. */
const LOOP = Uint32Array.from({ length: 50 }, (_, i) => i % 5);

describe('the reference policies', () => {
  it('miss as often as by hand', () => {
    expect([3, 4].map((frames) => lruMisses(BELADY, frames))).toEqual([10, 8]);
    expect([3, 4].map((frames) => optMisses(BELADY, frames))).toEqual([7, 6]);
    expect(lruMisses(TEXTBOOK, 3)).toBe(12);
    expect(optMisses(TEXTBOOK, 3)).toBe(9);
  });

  it('differ most on a loop that is a page too long', () => {
    expect(lruMisses(LOOP, 4)).toBe(50);
    // The first five; then, of each four references, the one to the page that was given up.
    expect(optMisses(LOOP, 4)).toBe(5 + Math.floor(45 / 4));
    expect(lruMisses(LOOP, 5)).toBe(5);
    expect(optMisses(LOOP, 5)).toBe(5);
  });

  it('OPT is never worse than any choice of victims', () => {
    fc.assert(
      fc.property(fc.array(fc.nat(5), { maxLength: 14 }), fc.integer({ min: 1, max: 4 }), (trace, frames) => {
        expect(optMisses(Uint32Array.from(trace), frames)).toBe(fewestMisses(trace, frames));
      }),
      { numRuns: 200 },
    );
  });
});

describe.each(['clock', 'clockpro'] as const)("the kernel's %s", (name) => {
  it('is never better than OPT, and no worse than missing at each reference', () => {
    fc.assert(
      fc.property(fc.array(fc.nat(12), { maxLength: 80 }), fc.integer({ min: 2, max: 8 }), (trace, frames) => {
        const pages = Uint32Array.from(trace);
        const misses = alone(name)(pages, frames);
        expect(misses).toBeGreaterThanOrEqual(optMisses(pages, frames));
        expect(misses).toBeLessThanOrEqual(pages.length);
      }),
      { numRuns: 100 },
    );
    expect(alone(name)(BELADY, 5)).toBe(5);
  });

  it('has a machine bring pages back from swap, as often as it misses beyond their first use', () => {
    // Ten pages that are used all the time, and others that come by.
    const references = Uint32Array.from(
      { length: 4000 },
      (_, i) => (i % 2 === 0 ? (i >> 1) % 10 : 10 + ((i >> 1) % 140)) * 2 + 1,
    );
    const pages = references.map((reference) => reference >>> 1);
    const facts = { what: '', command: '', version: '', recorded: '', accesses: 4000, depth: 1, length: 4000, pages: 150 };
    const run = runOnKernel({ name: 'test', facts, references }, 100, name);
    expect(run.misses).toBe(150 + run.pageins);
    expect(run.misses).toBeGreaterThanOrEqual(optMisses(pages, 100));
    expect(run.misses).toBeLessThanOrEqual(references.length / 2 + 200);
    expect(run.pageouts).toBeGreaterThan(150 - 100);
    expect(runOnKernel({ name: 'test', facts, references }, 200, name)).toMatchObject({ misses: 150, pageins: 0, pageouts: 0 });
  });
});

describe('reducing a trace', () => {
  it('leaves out the middle of three references with few others among them', () => {
    const reducer = new Reducer(2);
    for (const page of [1, 1, 2, 1, 2, 1, 2, 3, 4, 1]) reducer.reference(page, false);
    expect([...reducer.finish()].map((reference) => reference / 2)).toEqual([1, 2, 1, 2, 3, 4, 1]);
    expect(reducer.references).toBe(10);
  });

  it('keeps that a page was written to', () => {
    const reducer = new Reducer(4);
    for (const [page, written] of [
      [1, false],
      [2, false],
      [1, true],
      [2, false],
      [1, false],
    ] as const) {
      reducer.reference(page, written);
    }
    expect([...reducer.finish()]).toEqual([2, 4, 4, 3]);
  });

  it('changes no miss of LRU and OPT in a memory of the depth or more', () => {
    const trace = fc.array(fc.nat(9), { maxLength: 120 });
    fc.assert(
      fc.property(trace, fc.integer({ min: 1, max: 6 }), fc.nat(4), (pages, depth, more) => {
        const reducer = new Reducer(depth);
        for (const page of pages) reducer.reference(page, false);
        const whole = Uint32Array.from(pages);
        const reduced = Uint32Array.from(reducer.finish(), (reference) => reference / 2);
        expect(lruMisses(reduced, depth + more)).toBe(lruMisses(whole, depth + more));
        expect(optMisses(reduced, depth + more)).toBe(optMisses(whole, depth + more));
      }),
      { numRuns: 500 },
    );
  });
});

describe('the files of traces', () => {
  it('give back what went in', () => {
    const facts = { what: '', command: '', version: '', recorded: '', accesses: 9, depth: 1 };
    const numbered = numberPages(Float64Array.of(2 ** 37, 2 ** 37 + 5, 8, 2 ** 37, 9));
    expect(numbered.pages).toBe(3);
    const file = encodeTrace({ ...facts, length: 5, pages: 3 }, numbered.references);
    expect([...decodeTrace('x', file).references]).toEqual([2, 5, 0, 2, 1]);
    fc.assert(
      fc.property(fc.array(fc.nat(1_000_000)), (references) => {
        const file = encodeTrace({ ...facts, length: references.length, pages: 0 }, Uint32Array.from(references));
        expect([...decodeTrace('x', file).references]).toEqual(references);
      }),
    );
    expect(() => decodeTrace('x', encodeTrace({ ...facts, length: 4, pages: 3 }, numbered.references))).toThrow(
      /more than its 4/,
    );
  });

  it('say how long the committed traces are, and of how many pages', () => {
    const traces = readTraces();
    expect(traces.length).toBeGreaterThanOrEqual(4);
    for (const { facts, references } of traces) {
      expect(references.length).toBe(facts.length);
      expect(new Set(references.map((reference) => reference >>> 1)).size).toBe(facts.pages);
      expect(references.length).toBeLessThan(facts.accesses);
    }
  });
});

/** The fewest misses that any choice of victims gives, by trying all. */
function fewestMisses(trace: readonly number[], frames: number): number {
  let states = new Map<string, number>([['', 0]]);
  for (const page of trace) {
    const after = new Map<string, number>();
    const reach = (resident: readonly number[], misses: number): void => {
      const key = [...resident].sort().join();
      after.set(key, Math.min(misses, after.get(key) ?? Number.POSITIVE_INFINITY));
    };
    for (const [key, misses] of states) {
      const resident = key === '' ? [] : key.split(',').map(Number);
      if (resident.includes(page)) reach(resident, misses);
      else if (resident.length < frames) reach([...resident, page], misses + 1);
      else for (const victim of resident) reach([...resident.filter((other) => other !== victim), page], misses + 1);
    }
    states = after;
  }
  return Math.min(...states.values());
}
