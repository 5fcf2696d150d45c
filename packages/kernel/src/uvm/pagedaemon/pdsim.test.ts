/** The replacement policies, driven with nothing but references. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { runJob } from '../../../test/threads.js';
import { Kern } from '../../kern/kern.js';
import type { PolicyName } from './pdpolicy.js';
import { simulatePolicy } from './pdsim.js';

const POLICIES: readonly PolicyName[] = ['clock', 'clockpro'];

function misses(policy: PolicyName, frames: number, references: readonly number[]): number {
  const kern = new Kern();
  return runJob(kern, () => simulatePolicy(kern, policy, { frames, references })).misses;
}

/** Belady's policy: gives up the page that is used again last of all. No policy has fewer misses. */
function optimum(frames: number, references: readonly number[]): number {
  const present = new Set<number>();
  let count = 0;
  references.forEach((page, now) => {
    if (present.has(page)) return;
    count++;
    if (present.size === frames) {
      const next = (other: number): number => {
        const at = references.indexOf(other, now + 1);
        return at < 0 ? Number.POSITIVE_INFINITY : at;
      };
      present.delete([...present].reduce((latest, other) => (next(other) > next(latest) ? other : latest)));
    }
    present.add(page);
  });
  return count;
}

const range = (from: number, to: number): number[] => Array.from({ length: to - from }, (_, i) => from + i);
const repeat = (times: number, list: readonly number[]): number[] => range(0, times).flatMap(() => list);

describe.each(POLICIES)('%s', (policy) => {
  it('misses each page once when there is room for all', () => {
    expect(misses(policy, 10, repeat(5, range(0, 10)))).toBe(10);
  });

  it('keeps a page that is used all the time while others pass', () => {
    const references = range(100, 300).flatMap((page) => [7, page]);
    expect(misses(policy, 10, references)).toBeLessThanOrEqual(200 + 6);
  });

  it('is never better than the best, and never misses a page that nobody could have given up', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 12 }),
        fc.array(fc.oneof(fc.nat({ max: 5 }), fc.nat({ max: 20 })), { maxLength: 300 }),
        (frames, references) => {
          const missed = misses(policy, frames, references);
          expect(missed).toBeGreaterThanOrEqual(optimum(frames, references));
          expect(missed).toBeLessThanOrEqual(references.filter((page, i) => page !== references[i - 1]).length);
          if (new Set(references).size <= frames) expect(missed).toBe(new Set(references).size);
        },
      ),
      { numRuns: 200 },
    );
  });
});

describe('clockpro against clock', () => {
  it('holds on to a part of a loop that is larger than memory, where the clock misses every time', () => {
    const loop = repeat(30, range(0, 60));
    const [clock, clockpro] = [misses('clock', 50, loop), misses('clockpro', 50, loop)];
    expect(clock).toBe(loop.length);
    expect(clockpro).toBeLessThan(loop.length / 2);
  });

  it('is not impressed by a scan of pages that are used once', () => {
    const working = repeat(20, range(0, 30));
    const references = range(0, 10).flatMap((i) => [...working, ...range(1000 + i * 100, 1100 + i * 100)]);
    const [clock, clockpro] = [misses('clock', 40, references), misses('clockpro', 40, references)];
    expect(clockpro).toBeLessThan(clock);
  });
});
