import { expect, it } from 'vitest';
import { compareMany } from './agree.js';
import { programCount, programSeed, timeFor } from './settings.js';

const count = programCount(6500);

it(
  'brute force, source-DPOR, optimal DPOR and the state graph agree on random programs of two threads',
  () => {
    const agreement = compareMany(programSeed() + 2, count, 2);
    expect(agreement.programs).toBe(count);
    // Programs in which nothing meets and nothing goes wrong would prove nothing.
    expect(agreement.interleavings).toBeGreaterThan(10 * count);
    expect(agreement.classes).toBeGreaterThan(3 * count);
    expect(agreement.failing).toBeGreaterThan(count / 10);
    // Optimal DPOR begins in vain only where it cannot know whether a reversed step will be granted.
    expect(agreement.sleepBlocked.optimal).toBeLessThan(count / 100);
    expect(agreement.fallbacks).toBeLessThan(count / 100);
  },
  timeFor(count),
);
