/**
 * Programs with a mistake in them, of the kind of the SCTBench collection, by which tools that test schedules are compared (benchmark B7).
 * Each begins with one thread, which starts the others; that is a step like the others.
 */
import { AtomicCell, type Kern, Mutex, type StateWriter, type Step } from '@faultline/kernel';
import type { Model } from '../model.js';
import { Bare, type Body } from './bare.js';
import { type Program, programModel, times } from './program.js';

/** A program that one thread begins, and what the threads share. */
function begunBy(body: Body, shared: Readonly<Record<string, AtomicCell | Mutex>>): Program {
  const writeState = (writer: StateWriter): void => {
    for (const [name, thing] of Object.entries(shared)) writer.thing(name, thing);
  };
  return { bodies: [body], writeState };
}

function mutex(kern: Kern, name: string): Mutex {
  return new Mutex(kern, kern.lockClass(name));
}

/** Setters write two words one after the other; a checker that comes between sees a pair that must not be. */
export function reorder(setters: number, checkers: number): Model {
  return programModel(`reorder_${setters + checkers}`, (kern) => {
    const bare = new Bare(kern);
    const a = new AtomicCell('a', 0);
    const b = new AtomicCell('b', 0);
    const bodies = [...times(setters, () => () => setPair(bare, a, b)), ...times(checkers, () => () => checkPair(bare, a, b))];
    return begunBy(() => bare.startAndJoin(bodies), { a, b });
  });
}

function* setPair(bare: Bare, a: AtomicCell, b: AtomicCell): Step<void> {
  yield* bare.store(a, 1);
  yield* bare.store(b, -1);
}

function* checkPair(bare: Bare, a: AtomicCell, b: AtomicCell): Step<void> {
  const first = yield* bare.load(a);
  const second = yield* bare.load(b);
  bare.assert((first === 0 && second === 0) || (first === 1 && second === -1), 'a == -b');
}

/** Two words, each under a lock of its own. */
interface Stages {
  readonly lock1: Mutex;
  readonly word1: AtomicCell;
  readonly lock2: Mutex;
  readonly word2: AtomicCell;
}

/** Two words are set in two stages, each under a lock of its own; a reader does not expect to come between. */
export function twoStage(setters: number, readers: number): Model {
  return programModel(`twostage_${setters + readers}`, (kern) => {
    const bare = new Bare(kern);
    const stages = {
      lock1: mutex(kern, 'lock1'),
      word1: new AtomicCell('word1', 0),
      lock2: mutex(kern, 'lock2'),
      word2: new AtomicCell('word2', 0),
    };
    const bodies = [
      ...times(setters, () => () => setStages(bare, stages)),
      ...times(readers, () => () => readStages(bare, stages)),
    ];
    return begunBy(() => bare.startAndJoin(bodies), stages);
  });
}

function* setStages(bare: Bare, { lock1, word1, lock2, word2 }: Stages): Step<void> {
  yield* bare.enter(lock1);
  yield* bare.store(word1, 1);
  yield* bare.exit(lock1);
  yield* bare.enter(lock2);
  yield* bare.store(word2, (yield* bare.load(word1)) + 1);
  yield* bare.exit(lock2);
}

function* readStages(bare: Bare, { lock1, word1, lock2, word2 }: Stages): Step<void> {
  const first = yield* readUnder(bare, lock1, word1);
  if (first === 0) return;
  const second = yield* readUnder(bare, lock2, word2);
  bare.assert(second === first + 1, 'word2 == word1 + 1');
}

function* readUnder(bare: Bare, lock: Mutex, word: AtomicCell): Step<number> {
  yield* bare.enter(lock);
  const value = yield* bare.load(word);
  yield* bare.exit(lock);
  return value;
}

/** What a driver knows of itself. */
interface Driver {
  readonly pendingIo: AtomicCell;
  readonly stoppingFlag: AtomicCell;
  readonly stoppingEvent: AtomicCell;
  readonly stopped: AtomicCell;
}

/** A driver is stopped while a request is about to begin, which has looked already whether it may. */
export function bluetoothDriver(): Model {
  return programModel('bluetooth_driver', (kern) => {
    const bare = new Bare(kern);
    const driver = {
      pendingIo: new AtomicCell('pendingIo', 1),
      stoppingFlag: new AtomicCell('stoppingFlag', 0),
      stoppingEvent: new AtomicCell('stoppingEvent', 0),
      stopped: new AtomicCell('stopped', 0),
    };
    return begunBy(() => request(bare, driver), driver);
  });
}

function* request(bare: Bare, driver: Driver): Step<void> {
  const stopper = yield* bare.spawn(() => stop(bare, driver));
  if ((yield* bare.load(driver.stoppingFlag)) === 0) {
    yield* bare.add(driver.pendingIo, 1);
    bare.assert((yield* bare.load(driver.stopped)) === 0, '!stopped');
  }
  yield* finish(bare, driver);
  yield* bare.join([stopper]);
}

function* finish(bare: Bare, { pendingIo, stoppingEvent }: Driver): Step<void> {
  if ((yield* bare.add(pendingIo, -1)) === 0) yield* bare.store(stoppingEvent, 1);
}

function* stop(bare: Bare, driver: Driver): Step<void> {
  yield* bare.store(driver.stoppingFlag, 1);
  yield* finish(bare, driver);
  if ((yield* bare.load(driver.stoppingEvent)) === 1) yield* bare.store(driver.stopped, 1);
}

/** Two buffers, of which the lengths matter. */
interface Buffers {
  readonly sourceLock: Mutex;
  readonly sourceLength: AtomicCell;
  readonly targetLock: Mutex;
  readonly targetLength: AtomicCell;
}

/** A buffer is appended to another, its length read first and its characters later, while somebody empties it. */
export function stringBuffer(): Model {
  return programModel('stringbuffer', (kern) => {
    const bare = new Bare(kern);
    const buffers = {
      sourceLock: mutex(kern, 'source'),
      sourceLength: new AtomicCell('source length', 3),
      targetLock: mutex(kern, 'target'),
      targetLength: new AtomicCell('target length', 0),
    };
    return begunBy(() => append(bare, buffers), buffers);
  });
}

function* append(bare: Bare, { sourceLock, sourceLength, targetLock, targetLength }: Buffers): Step<void> {
  const other = yield* bare.spawn(() => eraseAndRefill(bare, sourceLock, sourceLength));
  yield* bare.enter(targetLock);
  const length = yield* readUnder(bare, sourceLock, sourceLength);
  const before = yield* bare.load(targetLength);
  bare.assert(length <= (yield* readUnder(bare, sourceLock, sourceLength)), 'end <= length');
  yield* bare.store(targetLength, before + length);
  yield* bare.exit(targetLock);
  yield* bare.join([other]);
}

function* eraseAndRefill(bare: Bare, lock: Mutex, length: AtomicCell): Step<void> {
  for (const amount of [-3, 3]) {
    yield* bare.enter(lock);
    yield* bare.store(length, (yield* bare.load(length)) + amount);
    yield* bare.exit(lock);
  }
}

/** Some threads count under one lock, others count the same word under another. */
export function wrongLock(right: number, wrong: number): Model {
  return programModel(`wronglock_${wrong}`, (kern) => {
    const bare = new Bare(kern);
    const rightLock = mutex(kern, 'right');
    const wrongLock = mutex(kern, 'wrong');
    const word = new AtomicCell('word', 0);
    const bodies = [
      ...times(right, () => () => countChecked(bare, rightLock, word)),
      ...times(wrong, () => () => count(bare, wrongLock, word)),
    ];
    return begunBy(() => bare.startAndJoin(bodies), { rightLock, wrongLock, word });
  });
}

function* count(bare: Bare, lock: Mutex, word: AtomicCell): Step<void> {
  yield* bare.enter(lock);
  yield* bare.store(word, (yield* bare.load(word)) + 1);
  yield* bare.exit(lock);
}

function* countChecked(bare: Bare, lock: Mutex, word: AtomicCell): Step<void> {
  yield* bare.enter(lock);
  const before = yield* bare.load(word);
  yield* bare.store(word, (yield* bare.load(word)) + 1);
  bare.assert((yield* bare.load(word)) === before + 1, 'word == before + 1');
  yield* bare.exit(lock);
}
