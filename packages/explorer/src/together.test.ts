/** Several workers, and interruptions, change nothing in what an exploration comes to. */
import { describe, expect, it } from 'vitest';
import { analyse } from './analysis.js';
import { counterexamples } from './counterexample.js';
import { type Crew, type ExhaustiveOptions, type ExhaustiveResult, exploreExhaustively, exploreTogether } from './exhaustive.js';
import type { Model } from './model.js';
import { reorder, workStealingQueue } from './models/index.js';
import type { ExplorationSnapshot } from './snapshot.js';
import { ExplorationWorker } from './worker.js';

/** Workers that take turns on this thread, a few edges each: as if they were quicker or slower from one moment to the next. */
function crewOf(model: Model, size: number): Crew {
  let workers: ExplorationWorker[] = [];
  let turn = 0;
  return {
    begin(assignment) {
      if (assignment !== null) workers = Array.from({ length: size }, () => new ExplorationWorker(model, assignment));
    },
    async pause() {
      turn++;
      for (const [index, worker] of workers.entries()) worker.work((turn * 7 + index * 5) % 11);
    },
    async reports() {
      return workers.map((worker) => {
        while (worker.work(64) !== 'over');
        return worker.report();
      });
    },
  };
}

/** What must not depend on who explored, or how often it was interrupted. */
function essence(result: ExhaustiveResult): unknown {
  const found = counterexamples(result);
  return {
    states: result.states,
    interleavings: analyse(result.graph).interleavings,
    levelsDone: result.levelsDone,
    exhausted: result.exhausted,
    knowledge: result.knowledge,
    found: found.map(({ failure, schedule, preemptions, steps, pointOfNoReturn, nearestGood }) => ({
      failure,
      schedule,
      preemptions,
      steps,
      pointOfNoReturn,
      nearestGood,
    })),
  };
}

const CASES: readonly [what: string, model: () => Model, options: ExhaustiveOptions][] = [
  ['a program without a mistake', () => workStealingQueue({ looksFirst: 'nobody' }), {}],
  ['a program with one, up to the level on which it is', () => reorder(4, 1), {}],
  ['all of a program with one', () => workStealingQueue({ looksFirst: 'owner' }), { stopAfter: 'everything' }],
  ['a program of equal threads', () => reorder(2, 2), { stopAfter: 'everything' }],
  ['every step of a program', () => reorder(2, 2), { stopAfter: 'everything', allSteps: true }],
];

describe('exploring together', () => {
  it.each(CASES)('%s: any number of workers finds the same', async (_what, model, options) => {
    const alone = essence(exploreExhaustively(model(), options));
    for (const others of [0, 1, 3]) {
      expect(essence(await exploreTogether(model(), options, crewOf(model(), others)))).toEqual(alone);
    }
  });
});

describe('an interrupted exploration', () => {
  it.each(CASES)('%s: comes to the same in pieces', async (_what, model, options) => {
    const whole = exploreExhaustively(model(), options);
    let resume: ExplorationSnapshot | undefined;
    let pieces = 0;
    let result: ExhaustiveResult;
    do {
      const interrupted = { ...options, shouldStop: () => true, ...(resume && { resume: structuredClone(resume) }) };
      result = await exploreTogether(model(), interrupted, crewOf(model(), pieces % 3));
      resume = result.snapshot();
      pieces++;
    } while (result.interrupted);
    expect(pieces).toBeGreaterThan(1);
    expect(essence(result)).toEqual(essence(whole));
  });

  it('goes on with more room when there was not enough', () => {
    const model = workStealingQueue({ looksFirst: 'nobody' });
    const whole = exploreExhaustively(model);
    const cramped = exploreExhaustively(model, { maxStates: 50 });
    expect([cramped.full, cramped.exhausted]).toEqual([true, false]);
    const roomy = exploreExhaustively(model, { maxStates: 2 ** 16, resume: cramped.snapshot() });
    expect(essence(roomy)).toEqual(essence(whole));
  });
});
