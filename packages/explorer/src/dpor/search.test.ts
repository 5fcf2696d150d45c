import {
  AtomicCell,
  type Kern,
  Mutex,
  Replay,
  RwLock,
  type Step,
  sleepOn,
  WaitChannel,
  wakeup,
  wakeupOne,
} from '@faultline/kernel';
import { describe, expect, it } from 'vitest';
import { exploreBruteForce } from '../brute-force.js';
import { execute } from '../execution.js';
import type { Model } from '../model.js';
import { lockedCounter } from '../models/counters.js';
import { twoLocks } from '../models/locking.js';
import { programModel } from '../models/program.js';
import { exploreOptimalDpor } from './optimal-dpor.js';
import type { SearchOptions, SearchResult } from './search.js';
import { exploreSourceDpor } from './source-dpor.js';

const ENGINES: readonly (readonly [string, (model: Model, options?: SearchOptions) => SearchResult])[] = [
  ['brute force', exploreBruteForce],
  ['source-DPOR', exploreSourceDpor],
  ['optimal DPOR', exploreOptimalDpor],
];

/** A model of threads whose shared words are told. */
function modelOf(make: (kern: Kern) => { readonly bodies: readonly (() => Step<void>)[]; readonly told?: () => string }): Model {
  return programModel('test', (kern) => {
    const { bodies, told } = make(kern);
    return { bodies, writeState: (writer) => writer.field('told', told?.() ?? '') };
  });
}

/** What two threads see that each load one word and store another. */
const storeBuffer = modelOf((kern) => {
  const [x, y] = [new AtomicCell('x', 0), new AtomicCell('y', 0)];
  const seen = ['', ''];
  const body = (mine: AtomicCell, other: AtomicCell, who: number) =>
    function* (): Step<void> {
      yield* mine.store(kern.scheduler, 1);
      seen[who] = `${yield* other.load(kern.scheduler)}`;
    };
  return { bodies: [body(x, y, 0), body(y, x, 1)], told: () => seen.join() };
});

describe.each(ENGINES)('%s', (name, explore) => {
  const isBrute = name === 'brute force';

  it('sees every outcome of a race', () => {
    const { finalStates, executions, exhausted } = explore(storeBuffer);
    // Both zero is not one of them: stores are seen by all at once.
    expect([finalStates.size, exhausted, executions]).toEqual([3, true, isBrute ? 6 : 3]);
  });

  it('has a schedule for what it finds that a replay repeats', () => {
    const model = twoLocks('opposite');
    const [found] = [...explore(model).outcomes.values()];
    const again = execute(model, new Replay(found?.schedule ?? { switches: [], choices: [], expiries: [] }));
    expect(again.failure?.signature).toBe('deadlock: acquire a, acquire b');
    expect(found?.preemptions).toBe(1);
  });

  it('lets the others go on where a ring has closed, and says so at the end', () => {
    const busy = modelOf((kern) => {
      const [a, b] = ['a', 'b'].map((each) => new Mutex(kern, kern.lockClass(each))) as [Mutex, Mutex];
      const word = new AtomicCell('word', 0);
      const both = (first: Mutex, second: Mutex) =>
        function* (): Step<void> {
          yield* first.enter();
          yield* second.enter();
          yield* second.exit();
          yield* first.exit();
        };
      const add = () => word.add(kern.scheduler, 1) as Step<unknown> as Step<void>;
      return { bodies: [both(a, b), both(b, a), add], told: () => `${word.value}` };
    });
    const { finalStates, outcomes } = explore(busy);
    expect([finalStates.size, outcomes.size]).toEqual([2, 1]);
  });

  it('tries every way the environment can go, also within one step, and before the first', () => {
    const asking = modelOf((kern) => {
      const word = new AtomicCell('word', 0);
      let seen = '';
      const body = function* (): Step<void> {
        seen += kern.choose('before', 2);
        yield* word.load(kern.scheduler);
        seen += kern.choose('one', 3);
        seen += kern.choose('two', 2);
      };
      return { bodies: [body], told: () => seen };
    });
    expect(explore(asking)).toMatchObject({ executions: 12, exhausted: true });
    expect(explore(asking).finalStates.size).toBe(12);
  });

  it('wakes each of several sleepers in some execution', () => {
    const model = modelOf((kern) => {
      const channel = new WaitChannel('channel');
      let order = '';
      const sleeper = (who: string) =>
        function* (): Step<void> {
          yield* sleepOn(kern.scheduler, channel, { message: 'wait' });
          order += who;
        };
      return { bodies: [sleeper('a'), sleeper('b'), () => wakeupOne(kern.scheduler, channel)], told: () => order };
    });
    // Nobody, or the only one who sleeps, or either of two. In every case somebody sleeps for ever.
    const { outcomes, finalStates } = explore(model);
    expect([...outcomes.keys()].sort()).toEqual([
      'sleeps-for-ever: resume channel',
      'sleeps-for-ever: resume channel, resume channel',
    ]);
    expect(finalStates.size).toBe(3);
  });

  it('knows that a step which ends the run comes before or after every other', () => {
    const model = modelOf((kern) => {
      const [x, y] = [new AtomicCell('x', 0), new AtomicCell('y', 0)];
      const failing = function* (): Step<void> {
        yield* x.store(kern.scheduler, 1);
        kern.panic('enough');
      };
      const other = function* (): Step<void> {
        yield* y.store(kern.scheduler, 1);
        yield* y.store(kern.scheduler, 2);
        if (x.value === 0) kern.panic('too early');
      };
      return { bodies: [failing, other] };
    });
    const { outcomes, executions } = explore(model);
    expect([...outcomes.keys()]).toHaveLength(2);
    expect(executions).toBe(3);
  });

  it('lets writers come between readers, before and after them', () => {
    const model = modelOf((kern) => {
      const lock = new RwLock(kern, kern.lockClass('rw'));
      let order = '';
      const body = (mode: 'read' | 'write', who: string) =>
        function* (): Step<void> {
          yield* lock.enter(mode);
          order += who;
          yield* lock.exit();
        };
      return { bodies: [body('read', 'a'), body('read', 'b'), body('write', 'w')], told: () => order };
    });
    expect(explore(model).finalStates.size).toBe(isBrute ? 6 : 4);
  });

  it('stops where it is told to', () => {
    expect(explore(lockedCounter(4), { maxExecutions: 10 })).toMatchObject({ executions: 10, exhausted: false });
    expect(explore(lockedCounter(6), { shouldStop: () => true })).toMatchObject({ executions: 64, exhausted: false });
  });

  it('says when executions were too long to be followed to their end', () => {
    const endless = modelOf((kern) => {
      const word = new AtomicCell('word', 0);
      const body = function* (): Step<void> {
        while ((yield* word.load(kern.scheduler)) === 0);
      };
      return { bodies: [body] };
    });
    expect(explore(endless, { maxSteps: 100 })).toMatchObject({ executions: 0, cutShort: 1, exhausted: false });
  });

  it('refuses what it knows nothing of', () => {
    const timeout = modelOf((kern) => ({
      bodies: [
        () => sleepOn(kern.scheduler, new WaitChannel('it'), { message: 'wait', timeout: 1 }) as Step<unknown> as Step<void>,
      ],
    }));
    expect(() => explore(timeout)).toThrow('knows nothing of a sleep that a timeout or a signal ends');
    const alike = modelOf((kern) => ({
      bodies: [1, 2].map(() => () => wakeup(kern.scheduler, new WaitChannel('twin'))),
    }));
    expect(() => explore(alike)).toThrow('two things are called "twin"');
  });
});

it('brute force has more executions than there are classes where steps are independent', () => {
  const independent = modelOf((kern) => ({
    bodies: ['x', 'y', 'z'].map((label) => {
      const word = new AtomicCell(label, 0);
      return () => word.store(kern.scheduler, 1);
    }),
  }));
  expect(exploreBruteForce(independent)).toMatchObject({ executions: 6, classes: 1 });
  expect(exploreOptimalDpor(independent).executions).toBe(1);
});
