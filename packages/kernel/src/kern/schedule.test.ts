import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { programs, RandomWithTimeouts, runProgram } from '../../test/random-program.js';
import { runThreads, stepper, thrownBy } from '../../test/threads.js';
import { Kern } from './kern.js';
import { Replay, type Schedule, ScheduleMismatch } from './schedule.js';
import { pause } from './sleepq.js';
import { RandomPreemption, RoundRobin, RunToBlock } from './strategy.js';
import { BUILD } from './switch.js';

const EMPTY: Schedule = { switches: [], choices: [], expiries: [] };
const ELSEWHERE = ': it was recorded on another program, kernel or configuration';

/** What a replay says against a schedule when thread 1 sleeps at step 2, thread 2 chooses at step 4, and two more have a step each. */
function mismatch(schedule: Partial<Schedule>): string {
  const kern = new Kern({ strategy: new Replay({ ...EMPTY, ...schedule }) });
  const sleeper = () => pause(kern.scheduler, 'a while', 10);
  const chooser = function* () {
    yield* stepper(kern, [], 'b', 1)();
    kern.choose('test.choice', 2);
    yield* stepper(kern, [], 'b', 1)();
  };
  const { message } = thrownBy(ScheduleMismatch, () =>
    runThreads(kern, sleeper, chooser, stepper(kern, [], 'c', 1), stepper(kern, [], 'd', 1)),
  );
  expect(message).toContain(ELSEWHERE);
  return message.replace(ELSEWHERE, '');
}

describe('what is recorded', () => {
  it('is nothing when each thread runs until it blocks', () => {
    const kern = new Kern({ strategy: new RunToBlock() });
    runThreads(kern, stepper(kern, [], 'a', 2), stepper(kern, [], 'b', 2));
    expect(kern.scheduler.recorder.schedule).toEqual(EMPTY);
  });

  it('is each switch away from what run-to-block would have done, with its step', () => {
    const kern = new Kern({ strategy: new RoundRobin() });
    runThreads(kern, stepper(kern, [], 'a', 2), stepper(kern, [], 'b', 2));
    const stepped = [
      { step: 1, to: 2 },
      { step: 2, to: 1 },
      { step: 3, to: 2 },
      { step: 4, to: 1 },
    ];
    // The direct build never takes a thread off the processor that could go on.
    expect(kern.scheduler.recorder.schedule.switches).toEqual(BUILD !== 'direct' ? stepped : []);
  });

  it('is each choice of the environment but the ordinary one', () => {
    const kern = new Kern({ strategy: new RandomPreemption(1, { faultsIn: 2 }) });
    const taken = Array.from({ length: 20 }, () => kern.choose('test.choice', 3));
    const expected = taken.flatMap((way, i) => (way === 0 ? [] : [{ step: i + 1, site: 'test.choice', taken: way }]));
    expect(kern.scheduler.recorder.schedule.choices).toEqual(expected);
    expect(new Set(taken)).toEqual(new Set([0, 1, 2]));
  });

  it('is a copy that later decisions do not change', () => {
    const kern = new Kern({ strategy: new RandomPreemption(1, { faultsIn: 1 }) });
    const { schedule } = kern.scheduler.recorder;
    kern.choose('test.choice', 2);
    expect(schedule).toEqual(EMPTY);
    expect(kern.scheduler.recorder.schedule.choices).toHaveLength(1);
  });
});

describe('a replay', () => {
  it('repeats a run step for step, event for event, with its faults and early timeouts, to the same state', () => {
    const seen = { switches: 0, choices: 0, expiries: 0 };
    fc.assert(
      fc.property(programs, fc.nat(), (program, seed) => {
        const recorded = runProgram(program, new RandomWithTimeouts(seed));
        seen.switches += recorded.schedule.switches.length;
        seen.choices += recorded.schedule.choices.length;
        seen.expiries += recorded.schedule.expiries.length;
        const schedule = JSON.parse(JSON.stringify(recorded.schedule)) as Schedule;
        expect(runProgram(program, new Replay(schedule))).toEqual(recorded);
      }),
      { numRuns: 400 },
    );
    // Otherwise the property would say little.
    for (const [what, count] of Object.entries(seen)) expect(count, what).toBeGreaterThan(50);
  });

  it('of nothing is run-to-block', () => {
    fc.assert(
      fc.property(programs, (program) => {
        expect(runProgram(program, new Replay(EMPTY))).toEqual(runProgram(program, new RunToBlock()));
      }),
    );
  });
});

describe('a schedule of another program', () => {
  it('is refused where it wants a thread that cannot run', () => {
    expect(mismatch({ switches: [{ step: 2, to: 1 }] })).toBe(
      'the schedule wants thread 1 to run at step 2, but only 2, 3, 4 can',
    );
  });

  it('is refused where the kernel asks for another choice', () => {
    expect(mismatch({ choices: [{ step: 4, site: 'io.read', taken: 1 }] })).toBe(
      'the schedule has choice 1 of "io.read" at step 4, but the kernel asks for "test.choice" with 2 ways',
    );
  });

  it('is refused where a choice has fewer ways than it had', () => {
    expect(mismatch({ choices: [{ step: 4, site: 'test.choice', taken: 2 }] })).toBe(
      'the schedule has choice 2 of "test.choice" at step 4, but the kernel asks for "test.choice" with 2 ways',
    );
  });

  it('is refused where it has a timeout fire that no thread waits for', () => {
    expect(mismatch({ expiries: [{ step: 2, lwp: 2 }] })).toBe(
      'the schedule has a timeout of thread 2 fire at step 2, but it waits for none',
    );
  });

  it.each<[string, number, Partial<Schedule>]>([
    ['a switch', 4, { switches: [{ step: 4, to: 1 }] }],
    ['a choice', 3, { choices: [{ step: 3, site: 'test.choice', taken: 1 }] }],
    ['an early timeout', 4, { expiries: [{ step: 4, lwp: 1 }] }],
  ])('is refused once the step of %s has passed without anything to decide', (_, step, schedule) => {
    expect(mismatch(schedule)).toBe(`the schedule decides something at step ${step}, where nothing was to be decided`);
  });
});
