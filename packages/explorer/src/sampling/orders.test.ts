import { AtomicCell, type Kern, StateText, type Step } from '@faultline/kernel';
import { describe, expect, it } from 'vitest';
import type { Model } from '../model.js';
import { programModel, times } from '../models/program.js';
import { sample } from './sample.js';

/** Threads that each put their name to a word; the word must not become `forbidden`. */
function spelling(threads: number, forbidden: number): Model {
  return programModel('spelling', (kern) => {
    const word = new AtomicCell('word', 0);
    return {
      bodies: times(threads, (name) => () => append(kern, word, name + 1)),
      writeState: (writer) => word.writeState(writer),
      atEnd: () => (word.value === forbidden ? [{ kind: 'check', message: 'that word' }] : []),
    };
  });
}

function* append({ scheduler }: Kern, word: AtomicCell, name: number): Step<void> {
  const before = yield* word.load(scheduler);
  yield* word.store(scheduler, before * 10 + name);
}

function* waitFor({ scheduler }: Kern, word: AtomicCell): Step<void> {
  while ((yield* word.load(scheduler)) === 0);
}

function* set({ scheduler }: Kern, word: AtomicCell): Step<void> {
  yield* word.store(scheduler, 1);
}

const only = { seed: 1, budget: { executions: 1000 }, engines: [] };

describe('orders without preemption', () => {
  it.each([1234, 4321, 3142, 2413])('are all tried for four threads: %i comes up, and without a preemption', (word) => {
    const { found } = sample(spelling(4, word), only);
    expect(found).toMatchObject([{ engine: 'orders', preemptions: 0 }]);
  });

  it.each([
    [1, 1],
    [2, 2],
    [3, 6],
    [4, 24],
    [5, 2],
  ])('of %i threads take %i executions, each another word', (threads, executions) => {
    const words = new Set<string>();
    const model = spelling(threads, 0);
    const watched: Model = {
      ...model,
      boot: (strategy) => {
        const instance = model.boot(strategy);
        return {
          ...instance,
          atEnd: () => {
            const text = new StateText();
            instance.writeState(text);
            words.add(text.lines.find((line) => line.startsWith('value =')) ?? '');
            return [];
          },
        };
      },
    };
    expect(sample(watched, only).executions).toBe(executions);
    expect(words.size).toBe(executions);
  });

  it('come to an end although a thread waits in circles for another one', () => {
    const model = programModel('waiting', (kern) => {
      const word = new AtomicCell('word', 0);
      return { bodies: [() => waitFor(kern, word), () => set(kern, word)], writeState: (writer) => word.writeState(writer) };
    });
    expect(sample(model, { ...only, maxSteps: 1000 })).toMatchObject({ givenUp: 0, found: [] });
  });
});
