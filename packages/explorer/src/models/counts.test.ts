import { describe, expect, it } from 'vitest';
import { exploreBruteForce } from '../brute-force.js';
import { exploreOptimalDpor } from '../dpor/optimal-dpor.js';
import { exploreSourceDpor } from '../dpor/source-dpor.js';
import type { Model } from '../model.js';
import { lockedCounter, racyCounter } from './counters.js';
import { flagWaiter, twoLocks } from './locking.js';
import { miniVm } from './mini-vm.js';
import { fileSystem, indexer, lastZero, readers } from './sharing.js';

/** Executions of optimal DPOR, and of those that were in vain. */
function optimal(model: Model): readonly [classes: number, sleepBlocked: number] {
  const { executions, sleepBlocked, exhausted } = exploreOptimalDpor(model, { finalStates: false });
  expect(exhausted).toBe(true);
  return [executions, sleepBlocked];
}

describe('optimal DPOR has one execution for each class', () => {
  it.each([
    [4, 70],
    [6, 924],
    [8, 12_870],
  ])('of %i critical sections of two threads', (n, classes) => {
    expect(optimal(lockedCounter(n))).toEqual([classes, 0]);
  });

  it.each([
    [1, 6, 4],
    [2, 70, 34],
    [3, 924, 328],
  ])('of two threads that count to %i without a lock', (n, interleavings, classes) => {
    expect(exploreBruteForce(racyCounter(n))).toMatchObject({ executions: interleavings, classes });
    expect(optimal(racyCounter(n))).toEqual([classes, 0]);
  });

  it.each<readonly [Model, number]>([
    [readers(12), 4096],
    [lastZero(10), 3328],
    [fileSystem(18), 32],
    [indexer(13), 64],
  ])('of $name', (model, classes) => {
    expect(optimal(model)).toEqual([classes, 0]);
  });
});

it('source-DPOR begins 16,867 executions of lastzero(10) in vain', () => {
  const { executions, sleepBlocked } = exploreSourceDpor(lastZero(10), { finalStates: false });
  expect([executions, sleepBlocked]).toEqual([3328, 16_867]);
});

describe('two locks', () => {
  it('in opposite orders deadlock in one class of three', () => {
    const { executions, outcomes, finalStates } = exploreOptimalDpor(twoLocks('opposite'));
    expect([executions, [...outcomes.keys()]]).toEqual([3, ['deadlock: acquire a, acquire b']]);
    expect(finalStates.size).toBe(2);
  });

  it.each([
    ['gated', 2],
    ['backing-off', 4],
  ] as const)('never deadlock when %s', (how, classes) => {
    const { executions, outcomes, exhausted } = exploreOptimalDpor(twoLocks(how));
    expect([executions, outcomes.size, exhausted]).toEqual([classes, 0, true]);
  });
});

describe('a thread that waits for a flag', () => {
  it('sleeps for ever in one class when it looks before it has the lock', () => {
    const { executions, outcomes } = exploreOptimalDpor(flagWaiter('late'));
    expect([executions, [...outcomes.keys()]]).toEqual([3, ['sleeps-for-ever: resume flag changes']]);
  });

  it('always comes to its end when it looks under the lock', () => {
    const { executions, outcomes, exhausted } = exploreOptimalDpor(flagWaiter('locked'));
    expect([executions, outcomes.size, exhausted]).toEqual([2, 0, true]);
  });
});

describe('the mini-VM', () => {
  it.each<readonly [Parameters<typeof miniVm>[0], number, number]>([
    [{ threads: 1, faults: 1 }, 29, 2],
    [{ threads: 2, faults: 1, daemon: false }, 86, 12],
    [{ threads: 2, faults: 1 }, 6030, 52],
    [{ threads: 2, faults: 1, pages: 1 }, 1530, 32],
  ])('%o has %i interleavings in %i classes', (size, interleavings, classes) => {
    const brute = exploreBruteForce(miniVm(size));
    expect([brute.executions, brute.classes, brute.outcomes.size]).toEqual([interleavings, classes, 0]);
    expect(optimal(miniVm(size))).toEqual([classes, 0]);
    expect(exploreOptimalDpor(miniVm(size)).finalStates).toEqual(brute.finalStates);
  });

  it.each<readonly [Parameters<typeof miniVm>[0], number]>([
    [{ threads: 2, faults: 2 }, 3132],
    [{ threads: 3, faults: 1 }, 2428],
    [{ threads: 3, faults: 1, pages: 1 }, 1260],
  ])('%o has %i classes', (size, classes) => {
    expect(optimal(miniVm(size))).toEqual([classes, 0]);
  });
});
