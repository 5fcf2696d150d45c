import { Kern, Mutex, RandomPreemption, type Schedule, type Step, type Strategy, step, WaitChannel } from '@faultline/kernel';
import { describe, expect, it } from 'vitest';
import { execute } from '../execution.js';
import type { Model } from '../model.js';
import { decisionText } from './decisions.js';
import { followLabels } from './follow.js';
import { recordExecution, replayExactly } from './label.js';

/** How a model has been edited since its schedule was recorded. */
interface Edit {
  /** Steps that have nothing to do with the matter, in front of everything that a thread does. */
  readonly extraSteps?: number;
  /** A process that is started before the others. */
  readonly extraProcess?: boolean;
  /** Whether the second thread takes the locks in the order of the first: the failure is cured. */
  readonly cured?: boolean;
  /** Whether the first thread takes its second lock only after it has given back the first. */
  readonly oneAtATime?: boolean;
  /** What a thread does at last. */
  readonly last?: number;
}

/** Two processes that take two locks in opposite order. */
function reversed(edit: Edit = {}): Model {
  return {
    name: 'reversed',
    boot(strategy: Strategy) {
      const kern = new Kern({ strategy, witness: false });
      const { scheduler } = kern;
      const a = new Mutex(kern, kern.lockClass('a'));
      const b = new Mutex(kern, kern.lockClass('b'));
      const word = new WaitChannel('word');
      let value = 0;
      function* idle(steps: number): Step<void> {
        for (let i = 0; i < steps; i++) yield* step(scheduler, 'atomic', word);
      }
      const both = (first: Mutex, second: Mutex) =>
        function* (): Step<void> {
          yield* idle(edit.extraSteps ?? 0);
          yield* first.enter();
          if (edit.oneAtATime && first === a) yield* first.exit();
          yield* second.enter();
          value += edit.last ?? 1;
          yield* second.exit();
          if (!(edit.oneAtATime && first === a)) yield* first.exit();
        };
      const start = (pid: number, name: string, body: () => Step<void>): void => {
        scheduler.start(scheduler.create({ pid, name }, 1), body);
      };
      if (edit.extraProcess) start(7, 'other', () => idle(3));
      start(1, 'left', both(a, b));
      start(2, 'right', edit.cured ? both(a, b) : both(b, a));
      return {
        kern,
        run: () => scheduler.run(),
        writeState(writer) {
          writer.thing('a', a);
          writer.thing('b', b);
          writer.field('value', value);
          kern.writeState(writer);
        },
      };
    },
  };
}

/** The second thread runs when the first is about to take its second lock. */
const schedule: Schedule = { switches: [{ step: 2, to: 2 }], choices: [], expiries: [] };
const recorded = recordExecution(reversed(), schedule, 10);

describe('a labelled schedule', () => {
  it('says where a thread was switched, in words', () => {
    expect(recorded.outcome.failure?.kind).toBe('deadlock');
    expect(recorded.decisions.map(decisionText)).toEqual(['right.1 runs, with left.1 before any call, in front of "acquire b"']);
  });

  it('leads to the same failure as the schedule by steps', () => {
    const { outcome, deviations } = followLabels(reversed(), recorded.decisions);
    expect(outcome.failure?.signature).toBe(recorded.outcome.failure?.signature);
    expect(outcome.schedule).toEqual(recorded.outcome.schedule);
    expect(deviations).toEqual([]);
  });

  it.each<[what: string, edit: Edit]>([
    ['steps were inserted in front', { extraSteps: 5 }],
    ['another process is started first', { extraProcess: true }],
  ])('leads there as well when %s, where the schedule by steps does not', (_what, edit) => {
    const exact = replayExactly(reversed(edit), schedule, recorded.checks);
    expect(exact.differsAt).not.toBeNull();
    expect(exact.outcome.failure?.kind).not.toBe('deadlock');
    const { outcome, deviations } = followLabels(reversed(edit), recorded.decisions);
    expect(outcome.failure?.signature).toBe(recorded.outcome.failure?.signature);
    expect(deviations).toEqual([]);
  });

  it('comes to no failure where it is cured', () => {
    const { outcome } = followLabels(reversed({ cured: true }), recorded.decisions);
    expect(outcome.failure).toBeNull();
    expect(outcome.abandoned).toBe(false);
  });

  it('says which decision could not be taken because there is no such place any more', () => {
    const elsewhere = recorded.decisions.map((decision) => ({ ...decision, at: { ...decision.at, step: 'acquire c' } }));
    const { outcome, deviations } = followLabels(reversed(), elsewhere);
    expect(outcome.failure).toBeNull();
    expect(deviations).toEqual([
      'right.1 runs, with left.1 before any call, in front of "acquire c": the execution does not come there',
    ]);
  });

  it('says which decision could not be taken because the thread cannot run', () => {
    const nobody = recorded.decisions.map((decision) => ({ ...decision, to: 'nobody.1' }));
    const { outcome, deviations } = followLabels(reversed(), nobody);
    expect(outcome.failure).toBeNull();
    expect(deviations).toEqual([
      'nobody.1 runs, with left.1 before any call, in front of "acquire b": it cannot run there, and left.1 goes on',
    ]);
  });

  it('takes decisions in each place of schedules that are drawn at random', () => {
    for (let seed = 1; seed <= 50; seed++) {
      const model = reversed({ extraSteps: 4, cured: seed % 2 === 0 });
      const drawn = execute(model, new RandomPreemption(seed)).schedule;
      expect(drawn.switches.length).toBeGreaterThan(0);
      const { decisions } = recordExecution(model, drawn, 40);
      const { outcome, deviations } = followLabels(model, decisions);
      expect([outcome.schedule, deviations]).toEqual([drawn, []]);
    }
  });
});

describe('the checks of a recorded execution', () => {
  it('agree with a replay of it', () => {
    const { differsAt, mismatch, outcome } = replayExactly(reversed(), schedule, recorded.checks);
    expect([differsAt, mismatch]).toEqual([null, null]);
    expect(outcome.failure?.signature).toBe(recorded.outcome.failure?.signature);
  });

  it('name the first step that is another one', () => {
    const empty: Schedule = { switches: [], choices: [], expiries: [] };
    const before = recordExecution(reversed(), empty, 20);
    expect(replayExactly(reversed({ oneAtATime: true }), empty, before.checks).differsAt).toBe(2);
  });

  it('notice a state that differs although the steps are the same', () => {
    const empty: Schedule = { switches: [], choices: [], expiries: [] };
    const before = recordExecution(reversed(), empty, 20);
    const { differsAt, mismatch, outcome } = replayExactly(reversed({ last: 2 }), empty, before.checks);
    // The value is changed after step 2, in front of the first release.
    expect([differsAt, mismatch]).toEqual([3, null]);
    expect(outcome.steps).toBe(before.outcome.steps);
  });

  it('say why a schedule by steps cannot be followed', () => {
    const late: Schedule = { switches: [{ step: 3, to: 9 }], choices: [], expiries: [] };
    const { mismatch } = replayExactly(reversed(), late, recorded.checks);
    expect(mismatch).toMatch(/^the schedule wants thread 9 to run at step 3, but only 1, 2 can: /);
  });

  it('stay small however many steps there are', () => {
    const empty: Schedule = { switches: [], choices: [], expiries: [] };
    const { checks, outcome } = recordExecution(reversed({ extraSteps: 4000 }), empty, 8000);
    expect(outcome.steps).toBeGreaterThan(8000);
    expect(checks.marks.length).toBeLessThan(1200);
    expect(replayExactly(reversed({ extraSteps: 4000 }), empty, checks).differsAt).toBeNull();
  });
});
