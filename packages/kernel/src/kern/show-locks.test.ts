import { expect, it } from 'vitest';
import { deadlockOf, runThreads } from '../../test/threads.js';
import { Kern } from './kern.js';
import { Mutex } from './mutex.js';
import { RwLock } from './rwlock.js';
import { describeLocks, locksText } from './show-locks.js';
import { pause } from './sleepq.js';
import { BUILD } from './switch.js';

it('says so when nobody holds a lock', () => {
  const kern = new Kern();
  expect(describeLocks(kern)).toEqual([]);
  expect(locksText([])).toBe('[no LWP holds or wants a lock]');
});

it('shows the locks of a thread in the order in which it took them, shared and exclusive', () => {
  const kern = new Kern();
  const map = new RwLock(kern, kern.lockClass('vmmaplk'), '3');
  const object = new Mutex(kern, kern.lockClass('vmobjlock'), '4');
  let text = '';
  runThreads(kern, function* () {
    yield* map.enter('read');
    yield* object.enter();
    text = locksText(describeLocks(kern));
    yield* object.exit();
    yield* map.exit();
  });
  expect(text.split('\n')).toEqual([
    '****** LWP 1.1 (thread1) @ lwp 1.1, l_stat=7',
    '',
    '*** Locks held:',
    '',
    '* Lock 0 (initialized as vmmaplk)',
    'lock address :          vmmaplk 3 type     :     sleep/adaptive',
    'shared holds :                  1 exclusive:                  0',
    'shares wanted:                  0 exclusive:                  0',
    'current lwp  :            lwp 1.1 last held:            lwp 1.1',
    '',
    '* Lock 1 (initialized as vmobjlock)',
    'lock address :        vmobjlock 4 type     :     sleep/adaptive',
    'shared holds :                  0 exclusive:                  1',
    'shares wanted:                  0 exclusive:                  0',
    'current lwp  :            lwp 1.1 last held:            lwp 1.1',
    '',
    '*** Locks wanted: none',
  ]);
});

it('shows after a deadlock who holds what the other wants', () => {
  //   1.1  takes A, rests, wants B       stepped: both wait for the other
  //   2.1  takes B, wants A              direct: 2.1 runs on the stack of 1.1 as that rests, and can never get A
  const kern = new Kern();
  const a = new Mutex(kern, kern.lockClass('A'));
  const b = new RwLock(kern, kern.lockClass('B'));
  deadlockOf(
    kern,
    function* () {
      yield* a.enter();
      yield* pause(kern.scheduler, 'rest', 1);
      yield* b.enter('read');
    },
    function* () {
      yield* b.enter('write');
      yield* a.enter();
    },
  );
  const [first, second] = describeLocks(kern);
  const free = { sharedHolds: 0, exclusiveHolds: 0, sharedWanted: 0, exclusiveWanted: 0 };
  const lockA = { ...free, name: 'A', lockClass: 'A', exclusiveHolds: 1, exclusiveWanted: 1, holders: ['1.1'] };
  const lockB = { ...free, name: 'B', lockClass: 'B', exclusiveHolds: 1, holders: ['2.1'] };
  const wantedB = BUILD !== 'direct' ? { ...lockB, sharedWanted: 1 } : null;
  expect(first).toMatchObject({ lwp: '1.1', process: 'thread1', held: [lockA], wanted: wantedB });
  expect(second).toMatchObject({ lwp: '2.1', held: [wantedB ?? lockB], wanted: lockA });
  expect(second === undefined ? [] : locksText([second]).split('\n').slice(9)).toEqual([
    '',
    '*** Locks wanted:',
    '',
    '* Lock 0 (initialized as A)',
    'lock address :                  A type     :     sleep/adaptive',
    'shared holds :                  0 exclusive:                  1',
    'shares wanted:                  0 exclusive:                  1',
    'current lwp  :            lwp 2.1 last held:            lwp 1.1',
  ]);
});
