import { AtomicCell, CondVar, type Kern, Mutex, RunToBlock, type Schedule, type Step } from '@faultline/kernel';
import { describe, expect, it } from 'vitest';
import { counterexamples } from '../counterexample.js';
import { execute } from '../execution.js';
import { exploreExhaustively } from '../exhaustive.js';
import type { Model } from '../model.js';
import { flagWaiter, twoLocks } from '../models/index.js';
import { programModel } from '../models/program.js';
import { endlessSleeps, findRace, LockOrderWatch, livelocks, lockOrderVerdicts, traceOf } from './index.js';

const NOTHING_DECIDED: Schedule = { switches: [], choices: [], expiries: [] };

function lockOrderOf(model: Model, options: Parameters<typeof exploreExhaustively>[1]) {
  const watch = new LockOrderWatch();
  const result = exploreExhaustively(watch.watching(model), options);
  return lockOrderVerdicts(watch.orders, { found: counterexamples(result), exhausted: result.exhausted });
}

describe('lock-order reversals', () => {
  it('are confirmed by a schedule that deadlocks at just these locks', () => {
    const [verdict, ...others] = lockOrderOf(twoLocks('opposite'), { stopAfter: 'everything' });
    expect(others).toEqual([]);
    expect(verdict).toMatchObject({ verdict: 'confirmed', because: 'deadlock', deadlock: { preemptions: 1 } });
    expect([...(verdict?.classes ?? [])].sort()).toEqual(['a', 'b']);
    const trace = traceOf(twoLocks('opposite'), verdict?.deadlock?.schedule ?? NOTHING_DECIDED);
    expect(trace.ring.map(({ object }) => object).sort()).toEqual(['a', 'b']);
  });

  it('are refuted when a lock around both keeps the threads apart, once everything is explored', () => {
    const verdicts = lockOrderOf(twoLocks('gated'), { stopAfter: 'everything' });
    expect(verdicts).toMatchObject([{ verdict: 'refuted', because: 'explored' }]);
  });

  it('are refuted when one side only tries', () => {
    const verdicts = lockOrderOf(twoLocks('backing-off'), { stopAfter: 'everything' });
    expect(verdicts).toMatchObject([{ verdict: 'refuted', because: 'never-waits' }]);
  });

  it('are open as long as there are schedules that were not explored', () => {
    const verdicts = lockOrderOf(twoLocks('opposite'), { maxPreemptions: 0 });
    expect(verdicts).toMatchObject([{ verdict: 'open', because: 'unexplored' }]);
  });
});

describe('a thread that sleeps for ever', () => {
  it('has lost its wakeup: where it looked, what woke nobody, where it slept, and how it would have gone well', () => {
    const model = flagWaiter('late');
    const [found] = counterexamples(exploreExhaustively(model, { stopAfter: 'everything' }));
    expect(found?.failure.kind).toBe('sleeps-for-ever');
    const bad = traceOf(model, found?.schedule ?? NOTHING_DECIDED);
    const [sleep] = endlessSleeps(bad);
    expect(sleep).toMatchObject({
      kind: 'lost',
      channel: 'flag changes',
      sleeper: { name: '1.1' },
      check: { object: 'flag', thread: { name: '1.1' } },
      wakeup: { op: 'wakeup', woke: [], thread: { name: '2.1' } },
      sleep: { op: 'sleep', interlock: 'lock' },
    });
    const { check, wakeup } = sleep ?? {};
    expect(check?.number).toBeLessThan(wakeup?.number ?? 0);
    expect(wakeup?.number).toBeLessThan(sleep?.sleep.number ?? 0);
    const good = traceOf(model, found?.nearestGood?.schedule ?? NOTHING_DECIDED);
    expect(good.outcome.failure).toBeNull();
    const race = findRace(bad, good, found?.nearestGood?.leavesAt ?? 0);
    expect(race?.first.object).toBe(race?.second.object);
    expect(race?.first.thread).not.toBe(race?.second.thread);
    expect(race?.first.number).toBeLessThan(race?.second.number ?? 0);
  });

  it('is not there when the look and the sleep are one hold of the lock', () => {
    const result = exploreExhaustively(flagWaiter('locked'), { stopAfter: 'everything' });
    expect([result.failures, result.exhausted]).toEqual([0, true]);
  });

  it('was never going to be woken when there is no wakeup', () => {
    const model = programModel('alone', (kern) => {
      const lock = new Mutex(kern, kern.lockClass('lock'));
      const cv = new CondVar(kern.scheduler, 'alone');
      function* sleep() {
        yield* lock.enter();
        yield* cv.wait(lock);
      }
      return { bodies: [sleep], writeState: (writer) => writer.thing('lock', lock) };
    });
    expect(endlessSleeps(traceOf(model, NOTHING_DECIDED))).toMatchObject([{ kind: 'never', wakeup: null, message: 'alone' }]);
  });
});

/** A thread that holds one lock tries another, and begins again when it cannot have it. */
function* triesAgain(kern: Kern, first: Mutex, second: Mutex): Step<void> {
  for (;;) {
    kern.announce('again');
    yield* first.enter();
    kern.announce('try');
    if (yield* second.tryEnter()) break;
    kern.announce('in vain');
    yield* first.exit();
  }
  kern.announce('got it');
  yield* second.exit();
  kern.announce('first out');
  yield* first.exit();
  kern.announce('over');
}

function* waitsFor(kern: Kern, first: Mutex, second: Mutex): Step<void> {
  kern.announce('first');
  yield* first.enter();
  kern.announce('second');
  yield* second.enter();
  kern.announce('second out');
  yield* second.exit();
  kern.announce('first out');
  yield* first.exit();
  kern.announce('over');
}

function trying(other: 'tries' | 'waits'): Model {
  return programModel('trying', (kern) => {
    const [a, b] = [new Mutex(kern, kern.lockClass('a')), new Mutex(kern, kern.lockClass('b'))];
    return {
      bodies: [() => triesAgain(kern, a, b), () => (other === 'tries' ? triesAgain : waitsFor)(kern, b, a)],
      writeState(writer) {
        writer.thing('a', a);
        writer.thing('b', b);
      },
    };
  });
}

/** A thread looks at a word until another thread has changed it. */
function spinning(): Model {
  return programModel('spinning', (kern) => {
    const flag = new AtomicCell('flag', 0);
    function* spin() {
      do kern.announce('again');
      while ((yield* flag.cas(kern.scheduler, 1, 2)) === 0);
    }
    return { bodies: [spin, () => flag.store(kern.scheduler, 1)], writeState: (writer) => writer.thing('flag', flag) };
  });
}

describe('livelock', () => {
  it('is a loop in which everybody has a turn, told with the way into it', () => {
    const [found] = livelocks(exploreExhaustively(trying('tries'), { stopAfter: 'everything' }));
    expect(found?.failure.kind).toBe('livelock');
    expect(found?.failure.message).toMatch(/lwp 1\.1 goes round: .*try b \(in vain\)/);
    expect(found?.failure.message).toMatch(/lwp 2\.1 goes round: .*try a \(in vain\)/);
    expect(found?.loop?.to).toBeGreaterThan(found?.loop?.from ?? Number.POSITIVE_INFINITY);
  });

  it('is not a loop in which somebody who could go on is only kept waiting', () => {
    const result = exploreExhaustively(trying('waits'), { stopAfter: 'everything' });
    expect([result.exhausted, result.failures, livelocks(result)]).toEqual([true, 0, []]);
  });

  it('is not to look at a word that somebody else is going to change', () => {
    const result = exploreExhaustively(spinning(), { stopAfter: 'everything' });
    expect([result.exhausted, result.failures, livelocks(result)]).toEqual([true, 0, []]);
  });
});

describe('an execution without an end', () => {
  it('is given up after so many steps and reported as that, neither as sound nor as anything else', () => {
    const { failure } = execute(spinning(), new RunToBlock(), { maxSteps: 1000 });
    expect(failure).toMatchObject({ kind: 'step-bound', message: 'after 1,000 steps there was no end in sight' });
  });
});
