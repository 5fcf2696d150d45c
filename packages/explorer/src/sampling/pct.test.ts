import { AtomicCell, type Kern, Mutex, SeededRandom, type Step } from '@faultline/kernel';
import { describe, expect, it } from 'vitest';
import { execute } from '../execution.js';
import type { Model } from '../model.js';
import { programModel } from '../models/program.js';
import { PctSampler } from './pct.js';
import { sample } from './sample.js';

const OPTIONS = { maxSteps: 10_000, adversity: null };

/** One thread counts to n; the other must not see half of it. Two orderings of steps make the mistake: a depth of 2. */
function window(n: number): Model {
  return programModel(`window(${n})`, (kern) => {
    const word = new AtomicCell('word', 0);
    return {
      bodies: [() => count(kern, word, n), () => look(kern, word, n / 2)],
      writeState: (writer) => word.writeState(writer),
    };
  });
}

function* count({ scheduler }: Kern, word: AtomicCell, n: number): Step<void> {
  for (let i = 1; i <= n; i++) yield* word.store(scheduler, i);
}

function* look(kern: Kern, word: AtomicCell, forbidden: number): Step<void> {
  kern.kassert((yield* word.load(kern.scheduler)) !== forbidden, 'word != half');
}

function* tryUntilTaken(lock: Mutex): Step<void> {
  while (!(yield* lock.tryEnter()));
  yield* lock.exit();
}

function* holdFor({ scheduler }: Kern, lock: Mutex, word: AtomicCell, steps: number): Step<void> {
  yield* lock.enter();
  for (let i = 0; i < steps; i++) yield* word.add(scheduler, 1);
  yield* lock.exit();
}

/** How many of so many executions fail, and how many decisions there are in one at most. */
function hits(model: Model, depth: number, executions: number): { readonly failed: number; readonly decisions: number } {
  const random = new SeededRandom(11);
  let decisions = 0;
  let failed = 0;
  for (let i = 0; i < executions; i++) {
    const sampler = new PctSampler(random, depth, decisions, OPTIONS);
    if (execute(model, sampler).failure !== null) failed++;
    decisions = Math.max(decisions, sampler.contended);
  }
  return { failed, decisions };
}

describe('probabilistic concurrency testing', () => {
  it('hits a mistake of depth 2 at least once in n · k executions', () => {
    const { failed, decisions } = hits(window(10), 2, 4000);
    // Both starts, and the first thread's steps until the other one is through.
    expect(decisions).toBe(12);
    // 4,000 / (2 · 12) are 166 at least; four standard deviations less.
    expect(failed).toBeGreaterThan(166 - 4 * Math.sqrt(166));
  });

  it('makes no more changes than the depth allows: a mistake of depth 2 is not hit with depth 1', () => {
    expect(hits(window(10), 1, 1000).failed).toBe(0);
  });

  it('preempts no thread twice for a depth of 2', () => {
    const random = new SeededRandom(5);
    for (let i = 0; i < 200; i++) {
      const sampler = new PctSampler(random, 2, 12, OPTIONS);
      execute(window(10), sampler);
      expect(sampler.preemptions).toBeLessThanOrEqual(1);
    }
  });

  it('lets the others go on when the thread of the highest priority tries a lock in vain', () => {
    const model = programModel('spinning', (kern) => {
      const lock = new Mutex(kern, kern.lockClass('lock'));
      const word = new AtomicCell('word', 0);
      return { bodies: [() => tryUntilTaken(lock), () => holdFor(kern, lock, word, 20)], writeState: () => undefined };
    });
    const { givenUp, steps } = sample(model, { seed: 1, budget: { executions: 400 }, engines: ['pct'], maxSteps: 500 });
    expect(givenUp).toBe(0);
    expect(steps / 400).toBeLessThan(100);
  });
});
