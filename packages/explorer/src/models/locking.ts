/** Two locks in both orders (B3), and a wakeup that comes too early (B4). */
import { AtomicCell, type Kern, Mutex, type Step, sleepOn, WaitChannel, wakeup } from '@faultline/kernel';
import type { Model } from '../model.js';
import { programModel } from './program.js';

/** How two threads take two locks: in opposite orders, the same behind a third lock, or with an attempt in one of the orders. */
export type TwoLocks = 'opposite' | 'gated' | 'backing-off';

/** B3: two threads and two locks. Only `opposite` can deadlock; the order of locks looks reversed in all of them. */
export function twoLocks(how: TwoLocks): Model {
  return programModel(
    `two locks, ${how}`,
    (kern) => {
      const [a, b, gate] = ['a', 'b', 'gate'].map((name) => new Mutex(kern, kern.lockClass(name))) as [Mutex, Mutex, Mutex];
      const bodies = {
        opposite: [() => nested(kern, [a, b]), () => nested(kern, [b, a])],
        gated: [() => nested(kern, [gate, a, b]), () => nested(kern, [gate, b, a])],
        'backing-off': [() => nested(kern, [a, b]), () => backingOff(kern, b, a)],
      };
      return {
        bodies: bodies[how],
        writeState(writer) {
          for (const lock of [a, b, gate]) writer.thing('lock', lock);
        },
      };
    },
    { witness: true },
  );
}

function* nested(kern: Kern, locks: readonly Mutex[]): Step<void> {
  for (const [i, lock] of locks.entries()) {
    kern.announce('enter', i);
    yield* lock.enter();
  }
  for (const [i, lock] of locks.toReversed().entries()) {
    kern.announce('exit', i);
    yield* lock.exit();
  }
  kern.announce('over');
}

/** Takes the first lock, then tries the second; when that is taken, gives the first back and takes both in the other order. */
function* backingOff(kern: Kern, first: Mutex, second: Mutex): Step<void> {
  kern.announce('first');
  yield* first.enter();
  kern.announce('try');
  if (yield* second.tryEnter()) {
    kern.announce('second out');
    yield* second.exit();
    kern.announce('first out');
    yield* first.exit();
    kern.announce('over');
    return;
  }
  kern.announce('back off');
  yield* first.exit();
  yield* nested(kern, [second, first]);
}

/** B4: one thread waits until another has set a flag. With `late`, it looks at the flag before it has the lock, and may sleep for ever. */
export function flagWaiter(check: 'late' | 'locked'): Model {
  return programModel(`a flag waited for, ${check === 'late' ? 'looked at outside of' : 'looked at under'} the lock`, (kern) => {
    const lock = new Mutex(kern, kern.lockClass('lock'));
    const flag = new AtomicCell('flag', 0);
    const channel = new WaitChannel('flag changes');
    const wait = check === 'late' ? waitUnlocked : waitLocked;
    return {
      bodies: [() => wait(kern, lock, flag, channel), () => setFlag(kern, lock, flag, channel)],
      writeState(writer) {
        writer.thing('lock', lock);
        writer.thing('flag', flag);
        writer.thing('channel', channel);
      },
    };
  });
}

function* waitUnlocked(kern: Kern, lock: Mutex, flag: AtomicCell, channel: WaitChannel): Step<void> {
  kern.announce('check');
  if ((yield* flag.load(kern.scheduler)) === 0) {
    kern.announce('lock');
    yield* lock.enter();
    kern.announce('sleep');
    yield* sleepOn(kern.scheduler, channel, { message: 'flag', interlock: lock });
  }
  kern.announce('over');
}

function* waitLocked(kern: Kern, lock: Mutex, flag: AtomicCell, channel: WaitChannel): Step<void> {
  for (;;) {
    kern.announce('lock');
    yield* lock.enter();
    kern.announce('check');
    if ((yield* flag.load(kern.scheduler)) !== 0) break;
    kern.announce('sleep');
    yield* sleepOn(kern.scheduler, channel, { message: 'flag', interlock: lock });
  }
  kern.announce('unlock');
  yield* lock.exit();
  kern.announce('over');
}

function* setFlag(kern: Kern, lock: Mutex, flag: AtomicCell, channel: WaitChannel): Step<void> {
  kern.announce('lock');
  yield* lock.enter();
  kern.announce('set');
  yield* flag.store(kern.scheduler, 1);
  kern.announce('wakeup');
  yield* wakeup(kern.scheduler, channel);
  kern.announce('unlock');
  yield* lock.exit();
  kern.announce('over');
}
