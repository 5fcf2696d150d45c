import { AtomicCell, type Kern, SeededRandom, type Step } from '@faultline/kernel';
import { describe, expect, it } from 'vitest';
import { execute } from '../execution.js';
import { programModel, times } from '../models/program.js';
import { PosSampler } from './pos.js';
import { sample } from './sample.js';

function* count({ scheduler }: Kern, word: AtomicCell, n: number): Step<void> {
  for (let i = 0; i < n; i++) yield* word.add(scheduler, 1);
}

function* waitFor({ scheduler }: Kern, word: AtomicCell): Step<void> {
  while ((yield* word.load(scheduler)) === 0);
}

/** In how many of 2,000 executions the second thread's only step comes first. */
function first(others: number): number {
  const random = new SeededRandom(3);
  let firsts = 0;
  for (let i = 0; i < 2000; i++) {
    const order: string[] = [];
    const model = programModel('two words', (kern) => {
      const [a, b] = [new AtomicCell('a', 0), new AtomicCell('b', 0)];
      const noted = (name: string, word: AtomicCell, n: number) => () => note(kern, order, name, word, n);
      return { bodies: [...times(others, () => noted('a', a, 4)), noted('b', b, 1)], writeState: () => undefined };
    });
    execute(model, new PosSampler(random, { maxSteps: 1000, adversity: null }));
    if (order[0] === 'b') firsts++;
  }
  return firsts;
}

function* note({ scheduler }: Kern, order: string[], name: string, word: AtomicCell, n: number): Step<void> {
  for (let i = 0; i < n; i++) {
    yield* word.add(scheduler, 1);
    order.push(name);
  }
}

describe('partial order sampling', () => {
  it('takes steps that have nothing to do with each other in either order', () => {
    // A start of luck, and then the step's own.
    expect(first(1)).toBeGreaterThan(400);
    expect(first(1)).toBeLessThan(1200);
  });

  it('gives each step its turn, however lucky the others are', () => {
    const model = programModel('waiting', (kern) => {
      const word = new AtomicCell('word', 0);
      return { bodies: [...times(3, () => () => waitFor(kern, word)), () => count(kern, word, 1)], writeState: () => undefined };
    });
    const result = sample(model, { seed: 7, budget: { executions: 1000 }, engines: ['pos'], maxSteps: 3000 });
    expect([result.executions, result.givenUp, result.found]).toEqual([1000, 0, []]);
  });
});
