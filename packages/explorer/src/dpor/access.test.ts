import { Kern, type Lwp, Mutex, type Op, RwLock, type Step, type StepObject } from '@faultline/kernel';
import { describe, expect, it } from 'vitest';
import {
  accessesDepend,
  accessOf,
  CHANGE,
  holdAfter,
  isGranted,
  obstructs,
  PROBE,
  READS,
  SHARED,
  WAITS,
  WRITES,
} from './access.js';

/** Runs one thread up to a point, and looks from another thread's eyes. */
function held(prepare: (kern: Kern, rw: RwLock, mutex: Mutex) => Step<void>): {
  readonly look: (op: Op, which: 'rw' | 'mutex') => number;
} {
  const kern = new Kern();
  const { scheduler } = kern;
  const [rw, mutex] = [new RwLock(kern, kern.lockClass('rw')), new Mutex(kern, kern.lockClass('m'))];
  const holder = scheduler.create({ pid: 1, name: 'holder' }, 1);
  const other: Lwp = scheduler.create({ pid: 2, name: 'other' }, 1);
  scheduler.start(holder, () => prepare(kern, rw, mutex));
  scheduler.run();
  const look = (op: Op, which: 'rw' | 'mutex') => {
    const object: StepObject = which === 'rw' ? rw : mutex;
    return accessOf(op, object, isGranted(op, object, other));
  };
  return { look };
}

describe('accesses', () => {
  it('depend unless both are reads, or both fail', () => {
    const all = [0, SHARED, PROBE, CHANGE] as const;
    const dependent = all.flatMap((a) => all.filter((b) => accessesDepend(a, b)).map((b) => `${a}${b}`));
    expect(dependent).toEqual(['12', '13', '21', '23', '31', '32', '33']);
  });

  it('of an attempt on a lock are a change when it succeeds, and a probe when it fails', () => {
    const free = held(function* () {});
    const taken = held(function* (_kern, rw, mutex) {
      yield* rw.enter('read');
      yield* mutex.enter();
    });
    expect([free.look('try', 'mutex'), taken.look('try', 'mutex')]).toEqual([CHANGE, PROBE]);
    expect([free.look('try', 'rw'), taken.look('try', 'rw')]).toEqual([CHANGE, PROBE]);
    // Whether it waits or not, it is known to the others.
    expect(taken.look('attempt', 'rw')).toBe(CHANGE);
  });

  it('of readers are shared, also when they leave', () => {
    const read = held(function* (_kern, rw) {
      yield* rw.enter('read');
    });
    const written = held(function* (_kern, rw) {
      yield* rw.enter('write');
    });
    expect(['acquire-read', 'try-read', 'release'].map((op) => read.look(op as Op, 'rw'))).toEqual([SHARED, SHARED, SHARED]);
    expect(written.look('release', 'rw')).toBe(CHANGE);
    // With one reader, an upgrade succeeds.
    expect([read.look('upgrade', 'rw'), read.look('downgrade', 'rw')]).toEqual([CHANGE, CHANGE]);
  });
});

describe('what a thread has to do with a lock', () => {
  it.each<readonly [Op, boolean, number, number]>([
    ['acquire', true, WAITS, WRITES],
    ['attempt', true, 0, WRITES],
    ['attempt', false, 0, WAITS],
    ['acquire-read', true, READS, 2 * READS],
    ['try', false, 0, 0],
    ['try-read', true, 0, READS],
    ['upgrade', true, READS, WRITES],
    ['upgrade', false, READS, READS],
    ['downgrade', true, WRITES, READS],
    ['release', true, 2 * READS, READS],
    ['release', true, WRITES, 0],
    ['sleep', true, READS, 0],
    ['load', true, 0, 0],
  ])('%s, granted: %s, changes from %i to %i', (op, granted, before, after) => {
    expect(holdAfter(before, op, granted)).toBe(after);
  });

  it('keeps writers out when it reads or writes, and readers when it writes or waits to', () => {
    expect([READS, WRITES, WAITS, 0].map((hold) => obstructs(hold, 'acquire'))).toEqual([true, true, false, false]);
    expect([READS, WRITES, WAITS, 0].map((hold) => obstructs(hold, 'acquire-read'))).toEqual([false, true, true, false]);
  });
});
