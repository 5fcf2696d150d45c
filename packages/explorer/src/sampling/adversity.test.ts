import { AtomicCell, type Kern, Replay, type Step, sleepOn, WaitChannel } from '@faultline/kernel';
import { describe, expect, it } from 'vitest';
import { execute } from '../execution.js';
import type { Model } from '../model.js';
import { programModel } from '../models/program.js';
import type { EngineName } from './engine.js';
import { sample } from './sample.js';

const ENGINES: readonly EngineName[] = ['random', 'pct', 'pos', 'surw', 'mutation'];

/** Asks the environment ten times, with two other ways each time; fails if it goes wrong as often as `bad`. */
function asking(bad: number): Model {
  return programModel('asking', (kern) => {
    const word = new AtomicCell('faults', 0);
    return {
      bodies: [() => ask(kern, word)],
      writeState: (writer) => word.writeState(writer),
      atEnd: () => (word.value >= bad ? [{ kind: 'check', message: 'too much went wrong' }] : []),
    };
  });
}

function* ask(kern: Kern, word: AtomicCell): Step<void> {
  for (let i = 0; i < 10; i++) if (kern.choose('test.fails', 3) > 0) yield* word.add(kern.scheduler, 1);
}

/** A thread sleeps for a long time; the other one is done by then, unless the timeout comes early. */
const napping: Model = programModel('napping', (kern) => {
  const done = new AtomicCell('done', 0);
  return { bodies: [() => nap(kern, done), () => work(kern, done)], writeState: (writer) => done.writeState(writer) };
});

function* nap(kern: Kern, done: AtomicCell): Step<void> {
  yield* sleepOn(kern.scheduler, new WaitChannel('nap'), { message: 'nap', timeout: 1000 });
  kern.kassert((yield* done.load(kern.scheduler)) === 1, 'done');
}

function* work({ scheduler }: Kern, done: AtomicCell): Step<void> {
  for (let i = 0; i < 5; i++) yield* done.store(scheduler, 0);
  yield* done.store(scheduler, 1);
}

describe('faults of the environment', () => {
  it('do not come up unless asked for', () => {
    expect(sample(asking(1), { seed: 1, budget: { executions: 200 } }).found).toEqual([]);
    expect(sample(napping, { seed: 1, budget: { executions: 200 } }).found).toEqual([]);
  });

  it.each(ENGINES)('are tried by %s, and their schedules replay', (engine) => {
    for (const model of [asking(1), napping]) {
      const { found } = sample(model, { seed: 1, budget: { executions: 300 }, faults: 1, engines: [engine] });
      expect(found).toHaveLength(1);
      const schedule = found[0]?.schedule ?? { switches: [], choices: [], expiries: [] };
      expect(schedule.choices.length + schedule.expiries.length).toBe(1);
      expect(execute(model, new Replay(schedule)).failure).toEqual(found[0]?.failure);
    }
  });

  it('are no more than the budget in any execution', () => {
    expect(sample(asking(3), { seed: 1, budget: { executions: 500 }, faults: 2 }).found).toEqual([]);
    expect(sample(asking(3), { seed: 1, budget: { executions: 500 }, faults: 3 }).found).toHaveLength(1);
  });

  it('fall on each occasion, and go each other way, about as often', () => {
    const taken = new Map<string, number>();
    const model = asking(11);
    const noted: Model = {
      ...model,
      boot: (strategy) => {
        const choose: typeof strategy.choose = (site, alternatives, point) => {
          const way = strategy.choose(site, alternatives, point);
          if (way > 0) taken.set(`${point.steps} ${way}`, (taken.get(`${point.steps} ${way}`) ?? 0) + 1);
          return way;
        };
        const { preempts, pick } = strategy;
        return model.boot({
          name: strategy.name,
          preemptive: strategy.preemptive,
          everyStep: true,
          preempts: preempts.bind(strategy),
          pick: pick.bind(strategy),
          choose,
        });
      },
    };
    sample(noted, { seed: 1, budget: { executions: 4000 }, faults: 1 });
    // Half of the executions have a fault, on one of ten occasions, in one of two ways: 100 each. The first one has not, to see how many there are.
    expect(taken.size).toBe(20);
    for (const count of taken.values()) expect(Math.abs(count - 100)).toBeLessThan(45);
  });
});
