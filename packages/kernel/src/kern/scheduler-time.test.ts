import { describe, expect, it } from 'vitest';
import { atOnce, runThreads, startThread, stepper } from '../../test/threads.js';
import { EWOULDBLOCK } from './errno.js';
import { Kern } from './kern.js';
import type { Lwp } from './lwp.js';
import { pause, sleepOn, WaitChannel, wakeup } from './sleepq.js';
import { RunToBlock } from './strategy.js';
import { BUILD, type Step } from './switch.js';

const stepped = BUILD !== 'direct';

/** Has the timeout of a thread fire early, at the first decision after the thread fell asleep. */
class Impatient extends RunToBlock {
  readonly #id: number;

  constructor(id: number) {
    super();
    this.#id = id;
  }

  expire(sleepers: readonly Lwp[]): Lwp | null {
    return sleepers.find((lwp) => lwp.id === this.#id) ?? null;
  }
}

describe('virtual time', () => {
  it('stands still while a thread can run, whatever the number of its steps', () => {
    const log: string[] = [];
    const kern = new Kern();
    runThreads(
      kern,
      function* () {
        yield* pause(kern.scheduler, 'a while', 3);
        log.push(`awake at tick ${kern.scheduler.tick}`);
      },
      function* () {
        yield* stepper(kern, [], 'b', 1000)();
        log.push(`busy at tick ${kern.scheduler.tick}`);
      },
    );
    expect(log).toEqual(['busy at tick 0', 'awake at tick 3']);
  });

  it('passes when the only thread sleeps', () => {
    const kern = new Kern();
    runThreads(kern, () => pause(kern.scheduler, 'a while', 25));
    expect(kern.scheduler.tick).toBe(25);
  });

  it('goes on from where it was: a timeout counts from the moment of falling asleep', () => {
    const kern = new Kern();
    runThreads(kern, function* () {
      yield* pause(kern.scheduler, 'one', 10);
      yield* pause(kern.scheduler, 'two', 5);
    });
    expect(kern.scheduler.tick).toBe(15);
  });

  it('gives at least one tick to a sleep of none', () => {
    const kern = new Kern();
    runThreads(kern, () => pause(kern.scheduler, 'a moment', 0));
    expect(kern.scheduler.tick).toBe(1);
  });
});

describe('timeouts', () => {
  /** Three threads that sleep for 30, 10 and 20 ticks. */
  function sleepers(): string[] {
    const log: string[] = [];
    const kern = new Kern();
    const sleeper = (ticks: number) =>
      function* (): Step<void> {
        yield* pause(kern.scheduler, 'a while', ticks);
        log.push(`${ticks} at ${kern.scheduler.tick}`);
      };
    runThreads(kern, sleeper(30), sleeper(10), sleeper(20));
    return log;
  }

  it('fire in the order of their times', () => {
    // In the direct build the third lies on top of the second, which lies on the first: each goes on when those above are done.
    expect(sleepers()).toEqual(stepped ? ['10 at 10', '20 at 20', '30 at 30'] : ['20 at 20', '10 at 20', '30 at 30']);
  });

  it('answer EWOULDBLOCK', () => {
    const kern = new Kern();
    const results: number[] = [];
    runThreads(kern, function* () {
      results.push(yield* sleepOn(kern.scheduler, new WaitChannel('it'), { message: 'wait', timeout: 4 }));
    });
    expect(results).toEqual([EWOULDBLOCK]);
  });

  it('do not fire when the thread was woken in time', () => {
    const kern = new Kern();
    const channel = new WaitChannel('it');
    const results: number[] = [];
    const [sleeper] = runThreads(
      kern,
      function* () {
        results.push(yield* sleepOn(kern.scheduler, channel, { message: 'wait', timeout: 4 }));
        yield* pause(kern.scheduler, 'longer', 10);
      },
      () => wakeup(kern.scheduler, channel),
    );
    expect(results).toEqual([0]);
    expect(kern.scheduler.tick).toBe(10);
    expect(sleeper?.deadline).toBe(0);
  });

  it('take the sleeper off its channel, so that a later wakeup is for others', () => {
    const kern = new Kern();
    const channel = new WaitChannel('it');
    runThreads(kern, function* () {
      yield* sleepOn(kern.scheduler, channel, { message: 'wait', timeout: 4 });
    });
    expect(channel.waiters).toEqual([]);
  });
});

describe('a timeout that the strategy has fire early', () => {
  /** The first thread sleeps with a timeout, the second has something to do. */
  function run(): { log: string[]; kern: Kern } {
    const log: string[] = [];
    const kern = new Kern({ strategy: new Impatient(1) });
    startThread(kern, function* () {
      const errno = yield* sleepOn(kern.scheduler, new WaitChannel('it'), { message: 'wait', timeout: 50 });
      log.push(`${errno === EWOULDBLOCK ? 'timed out' : errno} at ${kern.scheduler.tick}`);
    });
    startThread(
      kern,
      atOnce(() => log.push('other')),
    );
    kern.scheduler.run();
    return { log, kern };
  }

  it('ends the sleep although others can run, and brings the time with it', () => {
    expect(run().log).toEqual(['timed out at 50', 'other']);
  });

  it('is recorded with its step', () => {
    const { schedule } = run().kern.scheduler.recorder;
    expect(schedule).toEqual({ switches: [], choices: [], expiries: [{ step: 2, lwp: 1 }] });
  });

  it('leaves the time where it is when one that was due before fires after it', () => {
    const log: string[] = [];
    const kern = new Kern({ strategy: new Impatient(2) });
    const sleeper = (ticks: number) =>
      function* (): Step<void> {
        yield* pause(kern.scheduler, 'a while', ticks);
        log.push(`${ticks} at ${kern.scheduler.tick}`);
      };
    runThreads(kern, sleeper(10), sleeper(50));
    expect(log).toEqual(['50 at 50', '10 at 50']);
  });
});
