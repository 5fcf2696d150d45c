import { AtomicCell, type Kern, SeededRandom, type Step } from '@faultline/kernel';
import { describe, expect, it } from 'vitest';
import { execute } from '../execution.js';
import { Bare } from '../models/bare.js';
import { programModel, times } from '../models/program.js';
import { Census, Tally } from './census.js';
import { OrderSampler } from './orders.js';
import { RandomSampler } from './random.js';
import type { Sampler } from './sampler.js';
import { SurwSampler } from './surw.js';

const OPTIONS = { maxSteps: 1000, adversity: null };

/** A thread that takes so many steps, and writes its name down at each. */
function* walk({ scheduler }: Kern, order: string[], name: string, word: AtomicCell, steps: number): Step<void> {
  for (let i = 0; i < steps; i++) {
    yield* word.add(scheduler, 1);
    order.push(name);
  }
}

/** As `walk`, and starts another thread in the middle. */
function* walkAndSpawn(kern: Kern, order: string[], word: AtomicCell): Step<void> {
  yield* walk(kern, order, 'a', word, 1);
  yield* new Bare(kern).spawn(() => walk(kern, order, 'c', word, 2));
  yield* walk(kern, order, 'a', word, 1);
}

/** Threads `a`, `b` … of so many steps each, on one word; `order` is where they write down their names. */
function walkers(order: string[], steps: readonly number[]) {
  return programModel('walkers', (kern) => {
    const word = new AtomicCell('word', 0);
    const bodies = times(steps.length, (i) => () => walk(kern, order, 'abc'[i] ?? '?', word, steps[i] ?? 0));
    return { bodies, writeState: () => undefined };
  });
}

/** How often each order of steps came up. */
function frequencies(
  model: (order: string[]) => ReturnType<typeof walkers>,
  samples: number,
  sampler: (census: Census) => Sampler,
): ReadonlyMap<string, number> {
  const census = new Census();
  const tally = new Tally(census.sites);
  execute(model([]), new OrderSampler([], tally, OPTIONS));
  census.add(tally);
  const counts = new Map<string, number>();
  for (let i = 0; i < samples; i++) {
    const order: string[] = [];
    execute(model(order), sampler(census));
    const key = order.join('');
    counts.set(key, (counts.get(key) ?? 0) + 1);
  }
  return counts;
}

/** How far frequencies are from those of a uniform choice among so many. */
function chiSquare(counts: ReadonlyMap<string, number>, orders: number, samples: number): number {
  const expected = samples / orders;
  const seen = [...counts.values()].reduce((sum, count) => sum + (count - expected) ** 2 / expected, 0);
  return seen + (orders - counts.size) * expected;
}

const everything = (census: Census): ReadonlySet<number> => new Set(census.shared);

describe('the selectively uniform random walk', () => {
  // The quantiles are those of 99.9 %, for one degree of freedom less than there are orders.
  it.each([
    [[3, 3], 20, 43.8],
    [[5, 1], 6, 20.5],
    [[2, 2, 1], 30, 58.3],
  ])('is uniform over the orders of threads of %j steps', (steps, orders, quantile) => {
    const random = new SeededRandom(1);
    const surw = (census: Census) => new SurwSampler(random, everything(census), census, OPTIONS);
    const counts = frequencies((order) => walkers(order, steps), 6000, surw);
    expect(counts.size).toBe(orders);
    expect(chiSquare(counts, orders, 6000)).toBeLessThan(quantile);
  });

  it('is more even than drawing at each step, which the same measure tells from a uniform choice', () => {
    const random = new SeededRandom(1);
    const counts = frequencies(
      (order) => walkers(order, [5, 1]),
      6000,
      () => new RandomSampler(random, OPTIONS),
    );
    expect(chiSquare(counts, 6, 6000)).toBeGreaterThan(1000);
  });

  it('counts threads that are still to be started with the one that starts them', () => {
    const model = (order: string[]) =>
      programModel('starting', (kern) => {
        const word = new AtomicCell('word', 0);
        const bodies = [() => walkAndSpawn(kern, order, word), () => walk(kern, order, 'b', word, 2)];
        return { bodies, writeState: () => undefined };
      });
    const random = new SeededRandom(1);
    const surw = (census: Census) => new SurwSampler(random, everything(census), census, OPTIONS);
    // After the first a, the other a and two c in any order: 3 ways, each of which is merged with two b in 15.
    expect(chiSquare(frequencies(model, 9000, surw), 45, 9000)).toBeLessThan(78.7);
  });

  it('keeps the steps at the sites that are not interesting out of the count', () => {
    const random = new SeededRandom(1);
    const nothing = (census: Census) => new SurwSampler(random, new Set(), census, OPTIONS);
    // Threads run by priority then: each of the two orders of threads, and no other.
    const counts = frequencies((order) => walkers(order, [3, 3]), 400, nothing);
    expect([...counts.keys()].sort()).toEqual(['aaabbb', 'bbbaaa']);
  });
});
