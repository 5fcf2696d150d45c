import { describe, expect, it } from 'vitest';
import { atOnce, panicOf, runThreads, startThread, thrownBy } from '../../test/threads.js';
import { EINTR, EWOULDBLOCK } from './errno.js';
import { Kern } from './kern.js';
import type { Lwp } from './lwp.js';
import { Mutex } from './mutex.js';
import { RwLock, type RwMode } from './rwlock.js';
import { Deadlock } from './scheduler.js';
import { CondVar, pause, sleepOn, WaitChannel, wakeup, wakeupOne } from './sleepq.js';
import { RandomPreemption, RunToBlock, type SchedulingPoint } from './strategy.js';
import { BUILD, type Step } from './switch.js';

const stepped = BUILD !== 'direct';

/** A kernel with a mutex and a condition variable. */
function condition(options: ConstructorParameters<typeof Kern>[0] = {}): { kern: Kern; mutex: Mutex; cv: CondVar } {
  const kern = new Kern(options);
  return { kern, mutex: new Mutex(kern, kern.lockClass('m')), cv: new CondVar(kern.scheduler, 'work') };
}

/** Which of the threads sleep. */
function sleeping(lwps: readonly Lwp[]): boolean[] {
  return lwps.map(({ channel }) => channel !== null);
}

describe('sleeping on a channel', () => {
  it('lasts until a wakeup, and says meanwhile on what and why', () => {
    const kern = new Kern();
    const channel = new WaitChannel('page 23');
    const seen: unknown[] = [];
    const sleeper = startThread(kern, function* () {
      seen.push(yield* sleepOn(kern.scheduler, channel, { message: 'uvn_fp2' }));
      seen.push(sleeper.channel);
    });
    runThreads(kern, function* () {
      seen.push(sleeper.channel, sleeper.waitMessage, [...channel.waiters]);
      yield* wakeup(kern.scheduler, channel);
      seen.push(channel.waiters.length);
    });
    expect(seen).toEqual([channel, 'uvn_fp2', [sleeper], 0, 0, null]);
  });

  it('ends for all sleepers at one wakeup', () => {
    const kern = new Kern();
    const channel = new WaitChannel('it');
    const sleep = (): Step<unknown> => sleepOn(kern.scheduler, channel, { message: 'wait' });
    const sleepers = [1, 2, 3].map(() =>
      startThread(kern, function* () {
        yield* sleep();
      }),
    );
    const seen: boolean[][] = [];
    startThread(kern, function* () {
      seen.push(sleeping(sleepers));
      yield* wakeup(kern.scheduler, channel);
      seen.push(sleeping(sleepers));
    });
    kern.scheduler.run();
    expect(seen).toEqual([
      [true, true, true],
      [false, false, false],
    ]);
  });

  it('is not ended by a wakeup of another channel', () => {
    const kern = new Kern();
    const log: string[] = [];
    const deaf = function* (): Step<void> {
      yield* sleepOn(kern.scheduler, new WaitChannel('one'), { message: 'one', timeout: 9 });
      log.push(`at ${kern.scheduler.tick}`);
    };
    runThreads(kern, deaf, () => wakeup(kern.scheduler, new WaitChannel('other')));
    expect(log).toEqual(['at 9']);
  });

  it('gives the interlock up at once with falling asleep, and does not take it again', () => {
    const { kern, mutex } = condition();
    const channel = new WaitChannel('it');
    const seen: boolean[] = [];
    runThreads(
      kern,
      function* () {
        yield* mutex.enter();
        yield* sleepOn(kern.scheduler, channel, { message: 'wait', interlock: mutex });
        seen.push(mutex.held);
      },
      function* () {
        seen.push(mutex.held);
        yield* wakeup(kern.scheduler, channel);
      },
    );
    expect(seen).toEqual([false, false]);
  });

  it('panics when the interlock is not held', () => {
    const { kern, mutex } = condition();
    const sleep = function* (): Step<void> {
      yield* sleepOn(kern.scheduler, new WaitChannel('it'), { message: 'wait', interlock: mutex });
    };
    expect(panicOf(kern, sleep)).toBe('Mutex error: sleep: interlock not owned by current LWP: m');
  });
});

describe('a signal', () => {
  /** What a sleep answers when the thread is interrupted, and what it leaves behind. */
  function interrupted(interruptible: boolean): unknown[] {
    const kern = new Kern();
    const channel = new WaitChannel('it');
    const seen: unknown[] = [];
    const sleeper = startThread(kern, function* () {
      seen.push(yield* sleepOn(kern.scheduler, channel, { message: 'wait', timeout: 7, interruptible }));
      seen.push(kern.scheduler.tick, channel.waiters.length);
    });
    runThreads(
      kern,
      atOnce(() => kern.scheduler.interrupt(sleeper)),
    );
    return seen;
  }

  it('does not begin where a signal has come already; it is asked only where one may end the sleep', () => {
    const kern = new Kern();
    const mutex = new Mutex(kern, kern.lockClass('m'));
    kern.scheduler.isSignaled = () => true;
    const results: unknown[] = [];
    runThreads(kern, function* () {
      const channel = new WaitChannel('it');
      yield* mutex.enter();
      results.push(yield* sleepOn(kern.scheduler, channel, { message: 'wait', interlock: mutex, interruptible: true }));
      results.push(mutex.held, kern.scheduler.current.channel, kern.scheduler.tick);
      results.push(yield* sleepOn(kern.scheduler, channel, { message: 'wait', timeout: 3 }));
      results.push(kern.scheduler.tick);
    });
    expect(results).toEqual([EINTR, false, null, 0, EWOULDBLOCK, 3]);
  });

  it('ends an interruptible sleep with EINTR', () => {
    expect(interrupted(true)).toEqual([EINTR, 0, 0]);
  });

  it('does not end another', () => {
    expect(interrupted(false)).toEqual([EWOULDBLOCK, 7, 0]);
  });

  it('does nothing to a thread that is awake, and nothing to its next sleep', () => {
    const kern = new Kern();
    const results: number[] = [];
    runThreads(kern, function* () {
      kern.scheduler.interrupt(kern.scheduler.current);
      results.push(yield* sleepOn(kern.scheduler, new WaitChannel('it'), { message: 'wait', timeout: 1, interruptible: true }));
    });
    expect(results).toEqual([EWOULDBLOCK]);
  });
});

describe('wakeup_one', () => {
  it('wakes the one who has slept longest, and leaves the others', () => {
    const kern = new Kern();
    const { scheduler } = kern;
    const channel = new WaitChannel('it');
    const results: string[] = [];
    const sleeper = (name: string) =>
      function* (): Step<void> {
        const errno = yield* sleepOn(scheduler, channel, { message: 'wait', timeout: 5 });
        results.push(`${name} ${errno} @ ${scheduler.tick}`);
      };
    startThread(kern, sleeper('a'));
    startThread(kern, sleeper('b'));
    runThreads(kern, () => wakeupOne(scheduler, channel));
    // The direct build comes back to the sleeper that lies on top first.
    expect(results.sort()).toEqual([`a 0 @ ${stepped ? 0 : 5}`, `b ${EWOULDBLOCK} @ 5`]);
  });

  it('wakes whom the environment chooses where several sleep, and asks nobody where one does', () => {
    const asked: string[] = [];
    class Latest extends RunToBlock {
      override choose(site: string, alternatives: number): number {
        asked.push(`${site} ${alternatives}`);
        return alternatives - 1;
      }
    }
    const kern = new Kern({ strategy: new Latest() });
    const { scheduler } = kern;
    const channel = new WaitChannel('it');
    const order: string[] = [];
    const sleeper = (name: string) =>
      function* (): Step<void> {
        yield* sleepOn(scheduler, channel, { message: 'wait' });
        order.push(name);
        yield* wakeupOne(scheduler, channel);
      };
    for (const name of ['a', 'b', 'c']) startThread(kern, sleeper(name));
    runThreads(kern, () => wakeupOne(scheduler, channel));
    expect(order).toEqual(['c', 'b', 'a']);
    expect(asked).toEqual(['sleepq.wakeup_one 3', 'sleepq.wakeup_one 2']);
  });
});

describe('falling asleep', () => {
  it('is a step on the channel that touches the interlock besides, and the wakeup is one on the channel', () => {
    const touched: string[] = [];
    class Watching extends RunToBlock {
      override readonly preemptive = true;
      override preempts({ current }: SchedulingPoint): boolean {
        touched.push([current.op, current.object?.label, current.interlock?.label ?? '-'].join(' '));
        return false;
      }
    }
    const kern = new Kern({ strategy: new Watching() });
    const { scheduler } = kern;
    const channel = new WaitChannel('it');
    const mutex = new Mutex(kern, kern.lockClass('m'));
    runThreads(
      kern,
      function* () {
        yield* mutex.enter();
        yield* sleepOn(scheduler, channel, { message: 'wait', interlock: mutex });
      },
      () => wakeup(scheduler, channel),
    );
    // Nobody asks a strategy in the direct build.
    expect(touched).toEqual(stepped ? ['acquire m -', 'sleep it m', 'wakeup it -'] : []);
  });

  it.each<RwMode>(['read', 'write'])('may release a reader-writer lock that is held for %s', (mode) => {
    const kern = new Kern();
    const lock = new RwLock(kern, kern.lockClass('vmobject'));
    const seen: unknown[] = [];
    runThreads(kern, function* () {
      yield* lock.enter(mode);
      const options = { message: 'vmpfw', interlock: lock, timeout: 1 };
      seen.push(yield* sleepOn(kern.scheduler, new WaitChannel('page'), options), lock.state, kern.scheduler.current.held.length);
    });
    expect(seen).toEqual([EWOULDBLOCK, 'free', 0]);
  });

  it('panics when the lock that it is to release is not held', () => {
    const kern = new Kern();
    const lock = new RwLock(kern, kern.lockClass('vmobject'));
    const sleep = () => sleepOn(kern.scheduler, new WaitChannel('page'), { message: 'vmpfw', interlock: lock });
    expect(
      panicOf(kern, function* () {
        yield* sleep();
      }),
    ).toContain('sleep: interlock: not held by current LWP: vmobject');
  });
});

describe('kpause', () => {
  it('sleeps for its ticks under its message', () => {
    const kern = new Kern();
    const seen: string[] = [];
    const sleeper = startThread(kern, () => pause(kern.scheduler, 'uvmwait', 3));
    runThreads(
      kern,
      atOnce(() => seen.push(sleeper.waitMessage)),
    );
    expect([seen, kern.scheduler.tick]).toEqual([['uvmwait'], 3]);
  });
});

describe('a condition variable', () => {
  it('gives the mutex up while a thread waits, and has it back for the thread on return', () => {
    const { kern, mutex, cv } = condition();
    const seen: boolean[] = [];
    runThreads(
      kern,
      function* () {
        yield* mutex.enter();
        yield* cv.wait(mutex);
        seen.push(mutex.owned);
        yield* mutex.exit();
      },
      function* () {
        yield* mutex.enter();
        seen.push(cv.hasWaiters);
        yield* cv.signal();
        seen.push(cv.hasWaiters);
        yield* mutex.exit();
      },
    );
    expect(seen).toEqual([true, false, true]);
  });

  it('wakes the longest waiter at a signal, and all at a broadcast', () => {
    const { kern, mutex, cv } = condition();
    const waiters = [1, 2, 3].map(() =>
      startThread(kern, function* () {
        yield* mutex.enter();
        yield* cv.wait(mutex);
        yield* mutex.exit();
      }),
    );
    const seen: boolean[][] = [];
    runThreads(kern, function* () {
      seen.push(sleeping(waiters));
      yield* cv.signal();
      seen.push(sleeping(waiters));
      yield* cv.broadcast();
      seen.push(sleeping(waiters));
    });
    expect(seen).toEqual([
      [true, true, true],
      [false, true, true],
      [false, false, false],
    ]);
  });

  it('forgets a signal that nobody waits for', () => {
    const { kern, mutex, cv } = condition();
    const results: number[] = [];
    runThreads(kern, function* () {
      yield* cv.signal();
      yield* mutex.enter();
      results.push(yield* cv.timedWait(mutex, 2));
    });
    expect(results).toEqual([EWOULDBLOCK]);
  });

  it('answers EWOULDBLOCK when the time is over, 0 when signalled in time, with the mutex held either way', () => {
    const { kern, mutex, cv } = condition();
    const seen: unknown[] = [];
    runThreads(
      kern,
      function* () {
        yield* mutex.enter();
        seen.push(yield* cv.timedWait(mutex, 5), mutex.owned, kern.scheduler.tick);
        seen.push(yield* cv.timedWait(mutex, 5), mutex.owned, kern.scheduler.tick);
        yield* mutex.exit();
      },
      () => cv.signal(),
    );
    expect(seen).toEqual([0, true, 0, EWOULDBLOCK, true, 5]);
  });

  it('can be waited for so that a signal of the process ends it with EINTR, with the mutex held', () => {
    const { kern, mutex, cv } = condition();
    const seen: unknown[] = [];
    const waiter = startThread(kern, function* () {
      yield* mutex.enter();
      seen.push(yield* cv.waitInterruptibly(mutex), mutex.owned, cv.hasWaiters);
      yield* mutex.exit();
    });
    runThreads(
      kern,
      atOnce(() => kern.scheduler.interrupt(waiter)),
    );
    expect(seen).toEqual([EINTR, true, false]);
  });

  it('is waited for under its message', () => {
    const { kern, mutex, cv } = condition();
    const wait = function* (): Step<void> {
      yield* mutex.enter();
      yield* cv.wait(mutex);
    };
    const { message } = thrownBy(Deadlock, () => runThreads(kern, wait));
    expect(message).toContain('lwp 1.1 sleeps on "work" (work)');
  });
});

describe('no wakeup is lost', () => {
  /** A consumer waits for a producer's word; how often it deadlocks over many seeds, and what is reported. */
  function deadlocks(consume: (mutex: Mutex, cv: CondVar, word: { given: boolean }) => Step<void>): string[] {
    const reports: string[] = [];
    for (let seed = 0; seed < 300; seed++) {
      const { kern, mutex, cv } = condition({ strategy: new RandomPreemption(seed) });
      const word = { given: false };
      const produce = function* (): Step<void> {
        yield* mutex.enter();
        word.given = true;
        yield* cv.signal();
        yield* mutex.exit();
      };
      try {
        runThreads(kern, () => consume(mutex, cv, word), produce);
        expect(word.given).toBe(true);
      } catch (error) {
        if (!(error instanceof Deadlock)) throw error;
        reports.push(error.message);
      }
    }
    return reports;
  }

  it('by code that checks under the lock, under any seed', () => {
    const reports = deadlocks(function* (mutex, cv, word) {
      yield* mutex.enter();
      while (!word.given) yield* cv.wait(mutex);
      yield* mutex.exit();
    });
    expect(reports).toEqual([]);
  });

  it('but by code that checks outside the lock, under some seed, which is reported with its wait message', () => {
    const reports = deadlocks(function* (mutex, cv, word) {
      if (word.given) return;
      yield* mutex.enter();
      yield* cv.wait(mutex);
      yield* mutex.exit();
    });
    const report = 'nothing can run: 1 thread waits and nothing will wake it\n  lwp 1.1 sleeps on "work" (work)';
    // In the direct build nothing comes between the check and the sleep.
    expect(new Set(reports)).toEqual(new Set(stepped ? [report] : []));
    expect(reports.length).toBeLessThan(300);
  });
});
