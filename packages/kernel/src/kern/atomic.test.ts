import { expect, it } from 'vitest';
import { runThreads } from '../../test/threads.js';
import { AtomicCell } from './atomic.js';
import { Kern } from './kern.js';
import { RandomPreemption } from './strategy.js';
import { BUILD, type Step } from './switch.js';

it('an atomic add answers the new value, and is one step', () => {
  const kern = new Kern();
  const cell = new AtomicCell('references', 5);
  const seen: number[] = [];
  runThreads(kern, function* () {
    const before = kern.scheduler.steps;
    seen.push(yield* cell.add(kern.scheduler, 3));
    seen.push(yield* cell.add(kern.scheduler, -1), kern.scheduler.steps - before);
  });
  expect(seen).toEqual([8, 7, 2]);
});

it('loads, stores and compare-and-swap are one step each, and only an expected value is swapped', () => {
  const kern = new Kern();
  const cell = new AtomicCell('word', 5);
  const { scheduler } = kern;
  const seen: number[] = [];
  runThreads(kern, function* () {
    seen.push(yield* cell.load(scheduler));
    yield* cell.store(scheduler, 6);
    seen.push(yield* cell.cas(scheduler, 5, 7), cell.value);
    seen.push(yield* cell.cas(scheduler, 6, 8), cell.value, scheduler.steps);
  });
  expect(seen).toEqual([5, 6, 6, 6, 8, 4]);
});

it('no atomic add is lost under any schedule, and one made of a load and a store is under some', () => {
  const sums = { atomic: new Set<number>(), plain: new Set<number>() };
  for (let seed = 0; seed < 100; seed++) {
    const kern = new Kern({ strategy: new RandomPreemption(seed) });
    const atomic = new AtomicCell('atomic', 0);
    const plain = new AtomicCell('plain', 0);
    const add = function* (): Step<void> {
      yield* atomic.add(kern.scheduler, 1);
      // The step is between the load and the store.
      const loaded = plain.value;
      yield* atomic.add(kern.scheduler, 0);
      plain.value = loaded + 1;
    };
    runThreads(kern, add, add, add);
    sums.atomic.add(atomic.value);
    sums.plain.add(plain.value);
  }
  expect([...sums.atomic]).toEqual([3]);
  expect([...sums.plain].sort()).toEqual(BUILD !== 'direct' ? [1, 2, 3] : [3]);
});
