/** Threads that count: with a lock (B1), and without (B2). */
import { AtomicCell, type Kern, Mutex, type Step } from '@faultline/kernel';
import type { Model } from '../model.js';
import { complain, programModel } from './program.js';

interface Counter {
  x: number;
}

/** B1, L(n): two threads, each n times { lock; x++; unlock }. There are C(2n, n) classes. */
export function lockedCounter(n: number): Model {
  return programModel(`L(${n})`, (kern) => {
    const lock = new Mutex(kern, kern.lockClass('lock'));
    const counter: Counter = { x: 0 };
    const body = () => countLocked(kern, lock, counter, n);
    return {
      bodies: [body, body],
      writeState(writer) {
        writer.thing('lock', lock);
        writer.field('x', counter.x);
      },
      atEnd: () => (counter.x === 2 * n ? [] : complain(`the counter is ${counter.x}, not ${2 * n}`)),
    };
  });
}

function* countLocked(kern: Kern, lock: Mutex, counter: Counter, n: number): Step<void> {
  for (let i = 0; i < n; i++) {
    kern.announce('loop', i);
    yield* lock.enter();
    kern.announce('inside', i);
    counter.x++;
    yield* lock.exit();
  }
  kern.announce('over');
}

/** B2, R(n): two threads, each n times { r = x; x = r + 1 }, and the claim that x is more than 2 at the end. */
export function racyCounter(n: number): Model {
  return programModel(`R(${n})`, (kern) => {
    const x = new AtomicCell('x', 0);
    const body = () => countRacily(kern, x, n);
    return {
      bodies: [body, body],
      writeState: (writer) => x.writeState(writer),
      atEnd: () => (x.value > 2 ? [] : complain(`x is ${x.value}, and so not more than 2`)),
    };
  });
}

function* countRacily(kern: Kern, x: AtomicCell, n: number): Step<void> {
  const { scheduler } = kern;
  for (let i = 0; i < n; i++) {
    kern.announce('load', i);
    const r = yield* x.load(scheduler);
    kern.announce('store', i, r);
    yield* x.store(scheduler, r + 1);
  }
  kern.announce('over');
}
