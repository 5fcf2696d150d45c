import { Kern, Mutex, pause, Replay, type Step, type Strategy } from '@faultline/kernel';
import { describe, expect, it } from 'vitest';
import { analyse, counterexamples, execute, exploreExhaustively, type Model, sample } from './index.js';

/** A model of threads that run `bodies`; `told` is what they share besides locks. */
function modelOf(
  make: (kern: Kern) => {
    readonly bodies: readonly (() => Step<void>)[];
    readonly told: () => readonly number[];
    readonly locks: readonly Mutex[];
  },
): Model {
  return {
    name: 'test',
    boot(strategy: Strategy) {
      const kern = new Kern({ strategy, witness: false });
      const { bodies, told, locks } = make(kern);
      for (const [index, body] of bodies.entries()) {
        const lwp = kern.scheduler.create({ pid: 1, name: 'test' }, index + 1);
        kern.scheduler.start(lwp, body);
      }
      return {
        kern,
        run: () => kern.scheduler.run(),
        writeState(writer) {
          for (const lock of locks) writer.thing('lock', lock);
          for (const value of told()) writer.field('value', value);
          kern.writeState(writer);
        },
      };
    },
  };
}

/** B1: two threads, each n times { lock; x++; unlock }. */
function counting(n: number): Model {
  return modelOf((kern) => {
    const lock = new Mutex(kern, kern.lockClass('lock'));
    let x = 0;
    function* body(): Step<void> {
      for (let i = 0; i < n; i++) {
        kern.announce('loop', i);
        yield* lock.enter();
        kern.announce('inside', i);
        x++;
        yield* lock.exit();
      }
      kern.announce('over');
    }
    return { bodies: [body, body], told: () => [x], locks: [lock] };
  });
}

/** Two threads that take two locks in opposite order. */
function reversed(): Model {
  return modelOf((kern) => {
    const a = new Mutex(kern, kern.lockClass('a'));
    const b = new Mutex(kern, kern.lockClass('b'));
    const both = (first: Mutex, second: Mutex) =>
      function* (): Step<void> {
        kern.announce('first');
        yield* first.enter();
        kern.announce('second');
        yield* second.enter();
        kern.announce('third');
        yield* second.exit();
        kern.announce('fourth');
        yield* first.exit();
        kern.announce('over');
      };
    return { bodies: [both(a, b), both(b, a)], told: () => [], locks: [a, b] };
  });
}

describe('exploring all interleavings', () => {
  it.each([
    [1, 8, 2n],
    [2, 21, 6n],
    [4, 65, 70n],
    [8, 225, 12_870n],
  ])('finds the %i critical sections of two threads to be %i states', (n, states, interleavings) => {
    const result = exploreExhaustively(counting(n), { allSteps: true, validateOneIn: 1 });
    expect([result.exhausted, result.failures]).toEqual([true, 0]);
    expect(result.states).toBe(states);
    expect(analyse(result.graph).interleavings).toBe(interleavings);
  });

  it('counts each order of critical sections once when releases are not steps of their own', () => {
    const result = exploreExhaustively(counting(8));
    expect(analyse(result.graph).interleavings).toBe(12_870n);
  });

  it('finds the deadlock of two locks in opposite order, with one preemption and no fewer', () => {
    const result = exploreExhaustively(reversed());
    expect(result.failuresFound.map(({ kind }) => kind)).toEqual(['deadlock']);
    expect(result.levelsDone).toBe(2);
    const [found] = counterexamples(result);
    expect(found).toMatchObject({ preemptions: 1, fewestPreemptions: true });
    const again = execute(reversed(), new Replay(found?.schedule ?? { switches: [], choices: [], expiries: [] }));
    expect(again.failure?.signature).toBe(found?.failure.signature);
  });

  it('tells from which step on all is lost, and a way that leaves before and ends well', () => {
    const result = exploreExhaustively(reversed(), { stopAfter: 'everything' });
    const [found] = counterexamples(result);
    expect(found?.pointOfNoReturn).toBeGreaterThan(0);
    expect(found?.nearestGood?.leavesAt).toBe(found?.pointOfNoReturn);
    const good = execute(reversed(), new Replay(found?.nearestGood?.schedule ?? { switches: [], choices: [], expiries: [] }));
    expect([good.failure, good.abandoned]).toEqual([null, false]);
  });

  it('lets timeouts fire early as faults, where threads could run, and has the schedule with the one that does harm', () => {
    const model = modelOf((kern) => {
      let late = false;
      function* slow(): Step<void> {
        yield* pause(kern.scheduler, 'slow', 20);
        late = true;
      }
      function* quick(): Step<void> {
        for (let i = 0; i < 3; i++) {
          kern.announce('loop', i);
          yield* pause(kern.scheduler, 'quick', 1);
          if (late) kern.panic('the slow one was quicker');
        }
      }
      return { bodies: [slow, quick], told: () => [late ? 1 : 0], locks: [] };
    });
    expect(exploreExhaustively(model, { timeouts: true }).failures).toBe(0);
    const [found] = counterexamples(exploreExhaustively(model, { timeouts: true, maxFaults: 1, stopAfter: 'everything' }));
    expect(found?.failure.message).toBe('panic: the slow one was quicker');
    expect(found?.schedule.expiries).toHaveLength(1);
    const again = execute(model, new Replay(found?.schedule ?? { switches: [], choices: [], expiries: [] }));
    expect(again.failure?.signature).toBe(found?.failure.signature);
  });

  it('says with a bound of preemptions what it has not seen', () => {
    const result = exploreExhaustively(reversed(), { maxPreemptions: 0 });
    expect([result.failures, result.exhausted, result.levelsDone]).toEqual([0, false, 1]);
  });
});

describe('executions that nobody looks at any more', () => {
  it('are given back, one by one, before the next begins', () => {
    const model = counting(2);
    const events: string[] = [];
    const watched: Model = {
      name: 'watched',
      boot(strategy) {
        events.push('boot');
        return { ...model.boot(strategy), discard: () => events.push('discard') };
      },
    };
    const { executions } = exploreExhaustively(watched, { allSteps: true, stopAfter: 'everything' });
    expect(executions).toBeGreaterThan(1);
    expect(events).toEqual(Array.from({ length: executions }, () => ['boot', 'discard']).flat());
    events.length = 0;
    const sampled = sample(watched, { seed: 1, budget: { executions: 5 } });
    expect(events).toEqual(Array.from({ length: sampled.executions }, () => ['boot', 'discard']).flat());
  });
});
