import { describe, expect, it } from 'vitest';
import { deadlockOf, runThreads, startThread, stepper } from '../../test/threads.js';
import { Kern } from './kern.js';
import { Mutex } from './mutex.js';
import { RwLock } from './rwlock.js';
import type { Deadlock } from './scheduler.js';
import { CondVar, pause, sleepOn, WaitChannel } from './sleepq.js';
import { RandomPreemption, RoundRobin, type Strategy } from './strategy.js';
import { BUILD, type Step } from './switch.js';

const stepped = BUILD !== 'direct';

/** Takes two locks, one inside the other, and counts a step between. */
function nest(kern: Kern, outer: Mutex, inner: Mutex): () => Step<void> {
  return function* () {
    yield* outer.enter();
    yield* stepper(kern, [], 'between', 1)();
    yield* inner.enter();
    yield* inner.exit();
    yield* outer.exit();
  };
}

function locks(kern: Kern, ...names: readonly string[]): Mutex[] {
  return names.map((name) => new Mutex(kern, kern.lockClass(name)));
}

describe('locks taken in opposite order', () => {
  function abba(strategy: Strategy): { deadlock: Deadlock | null; kern: Kern } {
    const kern = new Kern({ strategy });
    const [a, b] = locks(kern, 'a', 'b') as [Mutex, Mutex];
    try {
      runThreads(kern, nest(kern, a, b), nest(kern, b, a));
      return { deadlock: null, kern };
    } catch (error) {
      return { deadlock: error as Deadlock, kern };
    }
  }

  it('are a deadlock under a strategy that switches between them, and none when each thread runs through', () => {
    // The direct build runs each thread through whatever the strategy.
    expect(abba(new RoundRobin()).deadlock?.name).toBe(stepped ? 'Deadlock' : undefined);
    expect(abba(new RoundRobin(100)).deadlock).toBeNull();
  });

  it('are reported as a cycle that names who waits for what held by whom', () => {
    const { deadlock } = abba(new RoundRobin());
    if (!stepped) {
      expect(deadlock).toBeNull();
      return;
    }
    expect(deadlock?.message.split('\n')).toEqual([
      'deadlock: 2 threads wait for each other',
      '  lwp 2.1 waits to acquire a, held by 1.1',
      '  lwp 1.1 waits to acquire b, held by 2.1',
    ]);
    expect(deadlock?.cycle.map(({ lwp, op, object, holders }) => [lwp.name, op, object.label, holders[0]?.name])).toEqual([
      ['2.1', 'acquire', 'a', '1.1'],
      ['1.1', 'acquire', 'b', '2.1'],
    ]);
  });

  it('are reached by some seeds of random preemption, and not by others', () => {
    const found = new Set<boolean>();
    for (let seed = 0; seed < 100; seed++) found.add(abba(new RandomPreemption(seed)).deadlock !== null);
    expect(found).toEqual(new Set(stepped ? [true, false] : [false]));
  });

  it('are reported at the moment at which the cycle closes, although another thread could run', () => {
    const kern = new Kern({ strategy: new RoundRobin() });
    const [a, b] = locks(kern, 'a', 'b') as [Mutex, Mutex];
    const log: string[] = [];
    startThread(kern, nest(kern, a, b));
    startThread(kern, nest(kern, b, a));
    startThread(kern, stepper(kern, log, 'busy', 100));
    if (!stepped) {
      kern.scheduler.run();
      expect(log).toHaveLength(100);
      return;
    }
    expect(() => kern.scheduler.run()).toThrow('2 threads wait for each other');
    expect(log.length).toBeLessThan(10);
  });

  it('are reported when nobody else can go on, to a strategy that wants it so', () => {
    class ToTheEnd extends RoundRobin {
      readonly endsAtRings = false;
    }
    const kern = new Kern({ strategy: new ToTheEnd() });
    const [a, b] = locks(kern, 'a', 'b') as [Mutex, Mutex];
    const log: string[] = [];
    startThread(kern, nest(kern, a, b));
    startThread(kern, nest(kern, b, a));
    startThread(kern, stepper(kern, log, 'busy', 100));
    if (stepped) expect(() => kern.scheduler.run()).toThrow('2 threads wait for each other');
    else kern.scheduler.run();
    expect(log).toHaveLength(100);
  });

  it('are found through any number of threads', () => {
    const kern = new Kern({ strategy: new RoundRobin() });
    const ring = locks(kern, 'a', 'b', 'c', 'd');
    const bodies = ring.map((lock, i) => nest(kern, lock, ring[(i + 1) % ring.length] as Mutex));
    if (!stepped) {
      expect(runThreads(kern, ...bodies)).toHaveLength(4);
      return;
    }
    const { cycle } = deadlockOf(kern, ...bodies);
    expect(cycle.map(({ lwp }) => lwp.name)).toEqual(['4.1', '1.1', '2.1', '3.1']);
  });
});

describe('a thread that waits for itself', () => {
  it('is one that holds a lock for reading and asks once more, while a writer waits', () => {
    const kern = new Kern();
    const lock = new RwLock(kern, kern.lockClass('map'));
    const reader = function* (): Step<void> {
      yield* lock.enter('read');
      yield* pause(kern.scheduler, 'a while', 1);
      yield* lock.enter('read');
    };
    const writer = (): Step<void> => lock.enter('write');
    // In the direct build the writer lies on top of the reader, which so can never let go.
    const expected = stepped
      ? ['deadlock: a thread waits for itself', '  lwp 1.1 waits to acquire-read map, held by 1.1']
      : ['nothing can run: 1 thread waits and nothing will wake it', '  lwp 2.1 waits to acquire map, held by 1.1'];
    expect(deadlockOf(kern, reader, writer).message.split('\n')).toEqual(expected);
  });
});

describe('sleeping for ever', () => {
  it('is reported with the wait messages, once nothing else can run', () => {
    const kern = new Kern();
    const log: string[] = [];
    const sleeper = (channel: string, message: string) => (): Step<unknown> =>
      sleepOn(kern.scheduler, new WaitChannel(channel), { message });
    const deadlock = deadlockOf(
      kern,
      function* () {
        yield* sleeper('page 7', 'uvn_get')();
      },
      stepper(kern, log, 'busy', 3),
      function* () {
        yield* sleeper('anon 3', 'anonget1')();
      },
    );
    expect(log).toHaveLength(3);
    expect(deadlock.cycle).toEqual([]);
    expect(deadlock.message.split('\n')).toEqual([
      'nothing can run: 2 threads wait and nothing will wake them',
      '  lwp 1.1 sleeps on "uvn_get" (page 7)',
      '  lwp 3.1 sleeps on "anonget1" (anon 3)',
    ]);
  });

  it('is no deadlock with a timeout', () => {
    const kern = new Kern();
    runThreads(kern, () => pause(kern.scheduler, 'a while', 1));
    expect(kern.scheduler.waiting()).toEqual([]);
  });

  it('takes those along that wait for a lock of the sleeper', () => {
    const kern = new Kern();
    const mutex = new Mutex(kern, kern.lockClass('uvm_pageqlock'));
    const { message } = deadlockOf(
      kern,
      function* () {
        yield* mutex.enter();
        yield* sleepOn(kern.scheduler, new WaitChannel('it'), { message: 'wait' });
      },
      () => mutex.enter(),
    );
    expect(message.split('\n')).toEqual([
      'nothing can run: 2 threads wait and nothing will wake them',
      '  lwp 1.1 sleeps on "wait" (it)',
      '  lwp 2.1 waits to acquire uvm_pageqlock, held by 1.1',
    ]);
  });
});

describe('a lock held by a thread that sleeps', () => {
  it('is waited for in the stepped build, and a deadlock in the direct build, where its owner lies further down the stack', () => {
    const kern = new Kern();
    const mutex = new Mutex(kern, kern.lockClass('m'));
    const log: string[] = [];
    const owner = function* (): Step<void> {
      yield* mutex.enter();
      yield* pause(kern.scheduler, 'a while', 5);
      yield* mutex.exit();
    };
    const waiter = function* (): Step<void> {
      yield* mutex.enter();
      log.push('has it');
      yield* mutex.exit();
    };
    if (stepped) {
      runThreads(kern, owner, waiter);
      expect(log).toEqual(['has it']);
      return;
    }
    expect(deadlockOf(kern, owner, waiter).message.split('\n')).toEqual([
      'nothing can run: 1 thread waits and nothing will wake it',
      '  lwp 2.1 waits to acquire m, held by 1.1',
    ]);
  });

  it('is no matter when a condition variable gives it up meanwhile', () => {
    const kern = new Kern();
    const mutex = new Mutex(kern, kern.lockClass('m'));
    const condition = new CondVar(kern.scheduler, 'work');
    const log: string[] = [];
    runThreads(
      kern,
      function* () {
        yield* mutex.enter();
        yield* condition.wait(mutex);
        log.push('signalled');
        yield* mutex.exit();
      },
      function* () {
        yield* mutex.enter();
        yield* condition.signal();
        yield* mutex.exit();
      },
    );
    expect(log).toEqual(['signalled']);
  });
});
