import { AtomicCell, type Kern, Mutex, Replay, type Step, step, WaitChannel } from '@faultline/kernel';
import { describe, expect, it } from 'vitest';
import { execute } from '../execution.js';
import type { Model } from '../model.js';
import { bluetoothDriver, reorder, twoLocks, workStealingQueue, wrongLock } from '../models/index.js';
import { type Program, programModel, times } from '../models/program.js';
import type { EngineName } from './engine.js';
import { sample } from './sample.js';

const SAMPLING: readonly EngineName[] = ['random', 'pct', 'pos', 'surw', 'mutation'];

/** Two mistakes: one in a window of one step, one in every execution that comes to its end. */
function twoMistakes(kern: Kern): Program {
  const flag = new AtomicCell('flag', 0);
  return {
    bodies: [() => raise(kern, flag), () => look(kern, flag)],
    writeState: (writer) => flag.writeState(writer),
    atEnd: () => [{ kind: 'check', message: 'it never ends well' }],
  };
}

function* raise({ scheduler }: Kern, flag: AtomicCell): Step<void> {
  yield* flag.store(scheduler, 1);
  yield* flag.store(scheduler, 0);
}

function* look(kern: Kern, flag: AtomicCell): Step<void> {
  kern.kassert((yield* flag.load(kern.scheduler)) === 0, 'flag == 0');
}

/** Three threads go round in circles until a fourth one has done its work. */
function waiting(kern: Kern, forLock: boolean): Program {
  const lock = new Mutex(kern, kern.lockClass('lock'));
  const word = new AtomicCell('word', 0);
  const waiters = times(3, () => () => (forLock ? tryUntilTaken(lock) : waitFor(kern, word)));
  return { bodies: [...waiters, () => hold(kern, lock, word)], writeState: () => undefined };
}

function* tryUntilTaken(lock: Mutex): Step<void> {
  while (!(yield* lock.tryEnter()));
  yield* lock.exit();
}

function* waitFor({ scheduler }: Kern, word: AtomicCell): Step<void> {
  while ((yield* word.load(scheduler)) < 3);
}

function* hold({ scheduler }: Kern, lock: Mutex, word: AtomicCell): Step<void> {
  yield* lock.enter();
  for (let i = 0; i < 3; i++) yield* word.add(scheduler, 1);
  yield* lock.exit();
}

function* forEver(kern: Kern): Step<void> {
  const channel = new WaitChannel('round');
  for (;;) yield* step(kern.scheduler, 'user', channel);
}

const endless = programModel('endless', (kern) => ({ bodies: [() => forEver(kern)], writeState: () => undefined }));

describe('sampling', () => {
  it.each(SAMPLING)('finds a window between two steps by %s, with a schedule that replays to the same failure', (engine) => {
    const model = reorder(2, 1);
    const { found, executions } = sample(model, { seed: 1, budget: { executions: 2000 }, engines: [engine] });
    const [first] = found;
    expect(first).toMatchObject({ engine, execution: executions, failure: { kind: 'panic' } });
    const again = execute(model, new Replay(first?.schedule ?? { switches: [], choices: [], expiries: [] }));
    expect(again.failure).toEqual(first?.failure);
    expect(again.steps).toBe(first?.steps);
  });

  it.each(SAMPLING)('finds the deadlock of two locks by %s, and none where a third lock guards them', (engine) => {
    const options = { seed: 2, budget: { executions: 500 }, engines: [engine] };
    expect(sample(twoLocks('opposite'), options).found.map(({ failure }) => failure.kind)).toEqual(['deadlock']);
    expect(sample(twoLocks('gated'), options).found).toEqual([]);
  });

  it('finds nothing in a queue that does nothing wrong, in as many executions as it may make', () => {
    const right = sample(workStealingQueue({ looksFirst: 'nobody' }), { seed: 3, budget: { executions: 700 } });
    expect([right.found, right.executions, right.givenUp]).toEqual([[], 700, 0]);
    expect(sample(workStealingQueue({ looksFirst: 'owner' }), { seed: 3, budget: { executions: 700 } }).found).toHaveLength(1);
  });

  it('gives equal results for equal seeds, and others for others', () => {
    const run = (seed: number) => JSON.stringify(sample(bluetoothDriver(), { seed, budget: { executions: 1000 } }));
    expect(run(4)).toBe(run(4));
    expect(new Set([run(4), run(5), run(6)]).size).toBe(3);
  });

  it('stops at the first failure, or goes on for others and keeps the simplest schedule of each', () => {
    const model = programModel('two mistakes', twoMistakes);
    const first = sample(model, { seed: 1, budget: { executions: 300 } });
    expect([first.found.length, first.executions]).toEqual([1, 1]);
    const all = sample(model, { seed: 1, budget: { executions: 300 }, lookFor: 'all' });
    expect(all.executions).toBe(300);
    expect(all.found.map(({ failure, preemptions }) => [failure.kind, preemptions])).toEqual([
      ['check', 0],
      ['panic', 1],
    ]);
    expect(all.engines.reduce((sum, { failures }) => sum + failures, 0)).toBe(300);
  });

  it.each(['a word to change', 'a lock to come free'])('starves nobody while others wait in circles for %s', (what) => {
    const model = programModel('waiting', (kern) => waiting(kern, what === 'a lock to come free'));
    const { engines, found } = sample(model, { seed: 7, budget: { executions: 400 }, maxSteps: 5000 });
    expect(found).toEqual([]);
    for (const { engine, givenUp } of engines) expect([engine, givenUp]).toEqual([engine, 0]);
  });

  it('counts the executions that it gives up, and does not take them for anything', () => {
    const given = sample(endless, { seed: 1, budget: { executions: 3 }, maxSteps: 50 });
    expect([given.executions, given.givenUp, given.found]).toEqual([3, 3, []]);
    expect(given.steps).toBeLessThan(3 * 60);
  });

  it('stops when told to, and tells how far it is', () => {
    let asked = 0;
    const told: number[] = [];
    const stopped = sample(twoLocks('gated'), {
      seed: 1,
      budget: { executions: 1000, shouldStop: () => ++asked > 20 },
      onProgress: ({ executions }) => told.push(executions),
    });
    // It was asked once more to learn that there are no more orders to try.
    expect(stopped.executions).toBe(19);
    expect(told).toEqual([2, 10, 18]);
  });

  it('says what each engine has done', () => {
    const { engines, executions, steps } = sample(wrongLock(1, 3), { seed: 9, budget: { executions: 1000 }, lookFor: 'all' });
    expect(engines.map(({ engine }) => engine)).toEqual(['orders', 'surw', 'pos', 'pct', 'random', 'mutation']);
    expect(engines.reduce((sum, each) => sum + each.executions, 0)).toBe(executions);
    expect(engines.reduce((sum, each) => sum + each.steps, 0)).toBe(steps);
    for (const { engine, firstFailure, failures } of engines) {
      if (engine === 'orders') expect([failures, firstFailure]).toEqual([0, null]);
      else expect(firstFailure).toBeLessThan(60);
    }
  });

  it('checks invariants at quiet points unless told not to', () => {
    const lock = (kern: Kern) => new Mutex(kern, kern.lockClass('lock'));
    const early = { invariant: 'late', sentence: 'It is late.', finding: 'it is early', subject: '' };
    const audited: Model = {
      ...twoLocks('gated'),
      boot: (strategy) => {
        const instance = programModel('quiet', (kern) => ({
          bodies: [() => enterAndLeave(kern, lock(kern))],
          writeState: () => undefined,
        })).boot(strategy);
        return {
          ...instance,
          audit: () => (instance.kern.scheduler.steps < 3 ? [early] : []),
        };
      },
    };
    expect(sample(audited, { seed: 1, budget: { executions: 1 } }).found).toMatchObject([{ failure: { kind: 'invariant' } }]);
    expect(sample(audited, { seed: 1, budget: { executions: 1 }, audit: false }).found).toEqual([]);
  });
});

/** Is in the kernel once, and takes a lock after that. */
function* enterAndLeave(kern: Kern, lock: Mutex): Step<void> {
  kern.enter();
  kern.leave();
  yield* lock.enter();
  yield* lock.exit();
}
