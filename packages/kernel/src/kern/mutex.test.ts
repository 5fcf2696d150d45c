import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { atOnce, panicOf, runThreads, startThread, stepper } from '../../test/threads.js';
import { Kern } from './kern.js';
import type { Lwp } from './lwp.js';
import { Mutex } from './mutex.js';
import { pause } from './sleepq.js';
import { RandomPreemption } from './strategy.js';
import { BUILD, type Step } from './switch.js';

function mutexOn(kern: Kern, name = ''): Mutex {
  return new Mutex(kern, kern.lockClass('vmmaplk'), name);
}

describe('a mutex', () => {
  it('belongs to the thread that entered it, until it exits', () => {
    const kern = new Kern();
    const mutex = mutexOn(kern);
    const seen: unknown[] = [];
    const [lwp] = runThreads(kern, function* () {
      seen.push([mutex.held, mutex.owned, mutex.holders().length, kern.scheduler.current.held.length]);
      yield* mutex.enter();
      seen.push([mutex.held, mutex.owned, mutex.holders(), [...kern.scheduler.current.held]]);
      yield* mutex.exit();
      seen.push([mutex.held, mutex.owned, mutex.holders().length, kern.scheduler.current.held.length]);
    });
    expect(seen).toEqual([
      [false, false, 0, 0],
      [true, true, [lwp], [mutex]],
      [false, false, 0, 0],
    ]);
  });

  it('is not owned by another thread, which its owner can tell', () => {
    const kern = new Kern();
    const mutex = mutexOn(kern);
    const seen: boolean[] = [];
    runThreads(
      kern,
      function* () {
        yield* mutex.enter();
        yield* pause(kern.scheduler, 'a while', 1);
        seen.push(mutex.owned);
        yield* mutex.exit();
      },
      atOnce(() => seen.push(mutex.owned, mutex.held)),
    );
    expect(seen).toEqual([false, true, true]);
  });

  it('is named after its class and what it is the lock of', () => {
    const kern = new Kern();
    expect(mutexOn(kern).label).toBe('vmmaplk');
    expect(mutexOn(kern, 'map 3').label).toBe('vmmaplk map 3');
  });

  it('comes off the list of locks held, wherever it stands there', () => {
    const kern = new Kern({ witness: false });
    const [a, b, c] = ['a', 'b', 'c'].map((name) => mutexOn(kern, name)) as [Mutex, Mutex, Mutex];
    const seen: string[] = [];
    runThreads(kern, function* () {
      for (const mutex of [a, b, c]) yield* mutex.enter();
      for (const mutex of [b, c, a]) {
        yield* mutex.exit();
        seen.push(kern.scheduler.current.held.map(({ label }) => label).join());
      }
    });
    expect(seen).toEqual(['vmmaplk a,vmmaplk c', 'vmmaplk a', '']);
  });
});

describe('a mutex panics with the words of the kernel', () => {
  it('when its owner enters it again', () => {
    const kern = new Kern();
    const mutex = mutexOn(kern, 'map 3');
    const message = panicOf(kern, function* () {
      yield* mutex.enter();
      yield* mutex.enter();
    });
    expect(message).toBe('Mutex error: mutex_enter: locking against myself: vmmaplk map 3');
  });

  it('when a thread exits it that does not own it', () => {
    const kern = new Kern();
    const mutex = mutexOn(kern);
    startThread(kern, () => mutex.enter());
    expect(panicOf(kern, () => mutex.exit())).toBe('Mutex error: mutex_exit: not owned by current LWP: vmmaplk');
  });

  it('when nobody owns it and a thread exits it', () => {
    const kern = new Kern();
    expect(panicOf(kern, () => mutexOn(kern).exit())).toContain('not owned by current LWP');
  });

  it('whether or not DIAGNOSTIC is on', () => {
    const kern = new Kern({ diagnostic: false });
    expect(panicOf(kern, () => mutexOn(kern).exit())).toContain('not owned by current LWP');
  });
});

describe('mutex_tryenter', () => {
  it('takes a free mutex and never waits for one that is held', () => {
    const kern = new Kern();
    const mutex = mutexOn(kern);
    const answers: boolean[] = [];
    runThreads(
      kern,
      function* () {
        answers.push(yield* mutex.tryEnter());
        yield* pause(kern.scheduler, 'a while', 1);
        yield* mutex.exit();
      },
      function* () {
        answers.push(yield* mutex.tryEnter());
      },
    );
    expect(answers).toEqual([true, false]);
    expect(mutex.held).toBe(false);
  });

  it('answers no to the owner, who has it already', () => {
    const kern = new Kern();
    const mutex = mutexOn(kern);
    const answers: boolean[] = [];
    runThreads(kern, function* () {
      yield* mutex.enter();
      answers.push(yield* mutex.tryEnter(), kern.scheduler.current.held.length === 1);
    });
    expect(answers).toEqual([false, true]);
  });
});

describe('under random schedules', () => {
  /** What a thread does with the mutex, once for each element: enter or try, then some steps inside, then exit. */
  type Visit = { readonly how: 'enter' | 'try'; readonly inside: number };
  const visit: fc.Arbitrary<Visit> = fc.record({ how: fc.constantFrom('enter', 'try'), inside: fc.nat(2) });

  it('never lets two threads in, and always agrees with a model of who is in', () => {
    let refused = 0;
    fc.assert(
      fc.property(fc.array(fc.array(visit, { maxLength: 5 }), { minLength: 2, maxLength: 4 }), fc.nat(), (threads, seed) => {
        const kern = new Kern({ strategy: new RandomPreemption(seed) });
        const mutex = mutexOn(kern);
        const model: { owner: Lwp | null } = { owner: null };
        const agree = () => expect(mutex.holders()).toEqual(model.owner === null ? [] : [model.owner]);
        const perform = function* (visits: readonly Visit[]): Step<void> {
          for (const { how, inside } of visits) {
            let entered = true;
            if (how === 'enter') yield* mutex.enter();
            else entered = yield* mutex.tryEnter();
            expect(entered).toBe(model.owner === null);
            if (!entered) {
              refused++;
              continue;
            }
            model.owner = kern.scheduler.current;
            for (let i = 0; i < inside; i++) {
              yield* stepper(kern, [], 'inside', 1)();
              agree();
              expect(mutex.owned).toBe(true);
            }
            yield* mutex.exit();
            model.owner = null;
            agree();
          }
        };
        runThreads(kern, ...threads.map((visits) => () => perform(visits)));
        expect(mutex.held).toBe(false);
      }),
      { numRuns: 500 },
    );
    // In the direct build nobody meets a mutex that is held, since nobody sleeps with it.
    if (BUILD !== 'direct') expect(refused).toBeGreaterThan(20);
    else expect(refused).toBe(0);
  });
});
