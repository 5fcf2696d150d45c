import { AtomicCell, Kern, type Step, type Strategy } from '@faultline/kernel';
import { describe, expect, it } from 'vitest';
import { explore, type Model } from './index.js';

/** Two threads add one to a word by loading and storing it; a third thing looks whether both counted. */
function counters(told: boolean): Model {
  return {
    name: 'counters',
    boot(strategy: Strategy) {
      const kern = new Kern({ strategy, witness: false });
      const word = new AtomicCell('word', 0);
      function* body(): Step<void> {
        const seen = yield* word.load(kern.scheduler);
        kern.scheduler.current.observe(seen);
        yield* word.store(kern.scheduler, seen + 1);
      }
      for (const lid of [1, 2]) kern.scheduler.start(kern.scheduler.create({ pid: 1, name: 'test' }, lid), body);
      return {
        kern,
        run: () => kern.scheduler.run(),
        writeState(writer) {
          if (told) {
            writer.thing('word', word);
            kern.writeState(writer);
          } else {
            for (const lwp of kern.scheduler.lwps) writer.reference('lwp', lwp);
            writer.field('steps', kern.scheduler.steps);
          }
        },
        atEnd: () => (word.value === 2 ? [] : [{ kind: 'check', message: 'a count is lost' }]),
      };
    },
  };
}

const now = () => 0;

describe('exploring', () => {
  it('finds what sampling finds, with the simplest schedule', async () => {
    const { found, coverage, schedulesToFirst } = await explore(counters(true), { now });
    expect([found.length, coverage]).toEqual([1, 'exhausted']);
    expect(found[0]).toMatchObject({ preemptions: 1, fewestPreemptions: true });
    expect(schedulesToFirst).toBeGreaterThan(0);
  });

  it('does not call a program sound of which a sampled schedule fails: its state is not told whole', async () => {
    await expect(explore(counters(false), { now, validateOneIn: 0 })).rejects.toThrow(
      /a sampled schedule ends with "a count is lost", and the state graph.*has none that fails/,
    );
  });
});
