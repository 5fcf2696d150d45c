import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { deadlockOf, panicOf, runThreads, startThread, stepper } from '../../test/threads.js';
import { Kern } from './kern.js';
import { Mutex } from './mutex.js';
import { RwLock, type RwMode } from './rwlock.js';
import { Deadlock } from './scheduler.js';
import { pause } from './sleepq.js';
import { RandomPreemption } from './strategy.js';
import { BUILD, type Step } from './switch.js';

const stepped = BUILD !== 'direct';

function lockOn(kern: Kern, name = ''): RwLock {
  return new RwLock(kern, kern.lockClass('vmobjlock'), name);
}

/** The first line of the deadlock that a kernel runs into, empty when it runs into none. */
function endOf(kern: Kern): string {
  try {
    kern.scheduler.run();
    return '';
  } catch (error) {
    if (error instanceof Deadlock) return error.message.split('\n')[0] ?? '';
    throw error;
  }
}

/** Holds a lock for some ticks. */
function holder(kern: Kern, lock: RwLock, mode: RwMode, ticks: number): () => Step<void> {
  return function* () {
    yield* lock.enter(mode);
    yield* pause(kern.scheduler, 'holding', ticks);
    yield* lock.exit();
  };
}

describe('a reader-writer lock', () => {
  it('is held by one writer, which owns it', () => {
    const kern = new Kern();
    const lock = lockOn(kern);
    const seen: unknown[] = [];
    const [lwp] = runThreads(kern, function* () {
      seen.push(lock.state);
      yield* lock.enter('write');
      seen.push(lock.state, lock.writeOwned, lock.readOwned, [...lock.holders()], [...kern.scheduler.current.held]);
      yield* lock.exit();
      seen.push(lock.state, lock.writeOwned, kern.scheduler.current.held.length);
    });
    expect(seen).toEqual(['free', 'write', true, false, [lwp], [lock], 'free', false, 0]);
  });

  it('is shared by readers', () => {
    const kern = new Kern();
    const lock = lockOn(kern);
    const seen: unknown[] = [];
    const [first, second] = runThreads(kern, holder(kern, lock, 'read', 5), function* () {
      yield* lock.enter('read');
      seen.push(lock.state, lock.readOwned, lock.writeOwned, [...lock.holders()]);
      yield* lock.exit();
      seen.push(lock.state, lock.readOwned);
    });
    expect(seen).toEqual(['read', true, false, [first, second], 'read', false]);
    expect(lock.state).toBe('free');
  });

  it('may be held for reading more than once by one thread, which then has to let go as often', () => {
    const kern = new Kern({ witness: false });
    const lock = lockOn(kern);
    const seen: string[] = [];
    runThreads(kern, function* () {
      yield* lock.enter('read');
      yield* lock.enter('read');
      yield* lock.exit();
      seen.push(lock.state);
      yield* lock.exit();
      seen.push(lock.state);
    });
    expect(seen).toEqual(['read', 'free']);
  });

  it('is named after its class and what it is the lock of', () => {
    const kern = new Kern();
    expect(lockOn(kern).label).toBe('vmobjlock');
    expect(lockOn(kern, 'object 9').label).toBe('vmobjlock object 9');
  });
});

describe('a writer that waits', () => {
  /** A reader holds the lock, a writer asks for it, and then someone else does. */
  function withWriterWaiting(late: (lock: RwLock, log: string[]) => Step<void>): string[] {
    const kern = new Kern();
    const lock = lockOn(kern);
    const log: string[] = [];
    const writer = function* (): Step<void> {
      yield* lock.enter('write');
      log.push('writer');
      yield* lock.exit();
    };
    const threads = [holder(kern, lock, 'read', 5), writer, () => late(lock, log)];
    if (stepped) runThreads(kern, ...threads);
    // The writer lies on top of the reader here, and so can never have the lock.
    else expect(deadlockOf(kern, ...threads).message).toContain('lwp 2.1 waits to acquire vmobjlock, held by 1.1');
    return log;
  }

  it('goes before readers that came later', () => {
    const log = withWriterWaiting(function* (lock, log) {
      yield* lock.enter('read');
      log.push('late reader');
      yield* lock.exit();
    });
    expect(log).toEqual(stepped ? ['writer', 'late reader'] : []);
  });

  it('makes a try for reading fail', () => {
    const log = withWriterWaiting(function* (lock, log) {
      log.push(`try: ${yield* lock.tryEnter('read')}`);
    });
    expect(log).toEqual(stepped ? ['try: false', 'writer'] : ['try: false']);
  });
});

describe('a writer that has come to a lock that is held', () => {
  it('keeps a reader out who asks once more under some schedules, also when the lock was free as the writer set out for it', () => {
    const ends = new Set<string>();
    for (let seed = 0; seed < 60; seed++) {
      const kern = new Kern({ strategy: new RandomPreemption(seed), witness: false });
      const gate = new Mutex(kern, kern.lockClass('gate'));
      const lock = lockOn(kern);
      startThread(kern, function* () {
        yield* gate.enter();
        startThread(kern, function* () {
          yield* gate.enter();
          for (let i = 0; i < 2; i++) yield* lock.enter('read');
          for (let i = 0; i < 2; i++) yield* lock.exit();
        });
        // The reader comes to the lock only after this, by when the writer stands in front of it.
        yield* gate.exit();
        yield* lock.enter('write');
        yield* lock.exit();
      });
      ends.add(endOf(kern));
    }
    const deadlock = 'deadlock: a thread waits for itself';
    expect([...ends].sort()).toEqual(stepped ? ['', deadlock] : ['']);
  });
});

describe('rw_tryenter', () => {
  it.each<[RwMode, RwMode, boolean]>([
    ['read', 'read', true],
    ['read', 'write', false],
    ['write', 'read', false],
    ['write', 'write', false],
  ])('on a lock held for %s, asked for %s, answers %s', (held, asked, expected) => {
    const kern = new Kern();
    const lock = lockOn(kern);
    const answers: boolean[] = [];
    runThreads(kern, holder(kern, lock, held, 1), function* () {
      const entered = yield* lock.tryEnter(asked);
      answers.push(entered);
      if (entered) yield* lock.exit();
    });
    expect(answers).toEqual([expected]);
    expect(lock.state).toBe('free');
  });

  it.each<RwMode>(['read', 'write'])('takes a free lock for %s', (mode) => {
    const kern = new Kern();
    const lock = lockOn(kern);
    const seen: unknown[] = [];
    runThreads(kern, function* () {
      seen.push(yield* lock.tryEnter(mode), lock.state, kern.scheduler.current.held.length);
    });
    expect(seen).toEqual([true, mode, 1]);
  });
});

describe('rw_tryupgrade', () => {
  it('makes a writer of the only reader', () => {
    const kern = new Kern();
    const lock = lockOn(kern);
    const seen: unknown[] = [];
    runThreads(kern, function* () {
      yield* lock.enter('read');
      seen.push(yield* lock.tryUpgrade(), lock.writeOwned, lock.readOwned, kern.scheduler.current.held.length);
      yield* lock.exit();
    });
    expect(seen).toEqual([true, true, false, 1]);
    expect(lock.state).toBe('free');
  });

  it('fails while there is another reader, and leaves the lock as it was', () => {
    const kern = new Kern();
    const lock = lockOn(kern);
    const seen: unknown[] = [];
    runThreads(kern, holder(kern, lock, 'read', 1), function* () {
      yield* lock.enter('read');
      seen.push(yield* lock.tryUpgrade(), lock.readOwned, lock.holders().length);
      yield* lock.exit();
    });
    expect(seen).toEqual([false, true, 2]);
  });
});

describe('rw_downgrade', () => {
  it('makes a reader of the writer, and lets other readers in', () => {
    const kern = new Kern();
    const lock = lockOn(kern);
    const log: string[] = [];
    runThreads(
      kern,
      function* () {
        yield* lock.enter('write');
        yield* lock.downgrade();
        log.push(`${lock.state}, held ${kern.scheduler.current.held.length} time`);
        yield* pause(kern.scheduler, 'reading', 1);
        log.push('first is done');
        yield* lock.exit();
      },
      function* () {
        yield* lock.enter('read');
        log.push('second is in');
        yield* lock.exit();
      },
    );
    expect(log).toEqual(['read, held 1 time', 'second is in', 'first is done']);
    expect(lock.state).toBe('free');
  });
});

describe('a reader-writer lock panics with the words of the kernel', () => {
  const enter = (lock: RwLock, first: RwMode, second: RwMode) =>
    function* (): Step<void> {
      yield* lock.enter(first);
      yield* lock.enter(second);
    };

  it.each<[RwMode, RwMode]>([
    ['write', 'write'],
    ['write', 'read'],
    ['read', 'write'],
  ])('when a thread that holds it for %s asks for %s', (first, second) => {
    const kern = new Kern();
    const message = panicOf(kern, enter(lockOn(kern, 'object 9'), first, second));
    expect(message).toBe('Reader / writer lock error: rw_enter: locking against myself: vmobjlock object 9');
  });

  it.each<RwMode>(['read', 'write'])('when a thread lets go of it that another holds for %s', (mode) => {
    const kern = new Kern();
    const lock = lockOn(kern);
    startThread(kern, () => lock.enter(mode));
    expect(panicOf(kern, () => lock.exit())).toBe('Reader / writer lock error: rw_exit: not held by current LWP: vmobjlock');
  });

  it('when a thread upgrades it that does not read', () => {
    const kern = new Kern();
    const lock = lockOn(kern);
    const upgrade = function* (): Step<void> {
      yield* lock.enter('write');
      yield* lock.tryUpgrade();
    };
    expect(panicOf(kern, upgrade)).toContain('rw_tryupgrade: not read-held by current LWP');
  });

  it('when a thread downgrades it that does not write', () => {
    const kern = new Kern();
    const lock = lockOn(kern);
    const downgrade = function* (): Step<void> {
      yield* lock.enter('read');
      yield* lock.downgrade();
    };
    expect(panicOf(kern, downgrade)).toContain('rw_downgrade: not write-held by current LWP');
  });
});

describe('under random schedules', () => {
  const HOWS = ['read', 'write', 'try-read', 'try-write'] as const;
  /** How a thread visits the lock, and what it does inside: steps, and a change of mode between them. */
  interface Visit {
    readonly how: (typeof HOWS)[number];
    readonly change: boolean;
    readonly inside: number;
  }
  const visits = fc.array(fc.record<Visit>({ how: fc.constantFrom(...HOWS), change: fc.boolean(), inside: fc.nat(2) }), {
    maxLength: 5,
  });

  /** What a reader-writer lock is, in plain words. */
  class Model {
    readonly readers: string[] = [];
    writer = '';
    readonly #writersWaiting: () => number;

    constructor(writersWaiting: () => number) {
      this.#writersWaiting = writersWaiting;
    }

    admits(mode: RwMode): boolean {
      if (mode === 'write') return this.writer === '' && this.readers.length === 0;
      return this.writer === '' && this.#writersWaiting() === 0;
    }

    take(mode: RwMode, who: string): void {
      if (mode === 'write') this.writer = who;
      else this.readers.push(who);
    }

    release(who: string): void {
      if (this.writer === who) this.writer = '';
      else this.readers.splice(this.readers.indexOf(who), 1);
    }
  }

  class Visitor {
    readonly #kern: Kern;
    readonly #lock: RwLock;
    readonly #model: Model;

    constructor(kern: Kern, lock: RwLock, model: Model) {
      this.#kern = kern;
      this.#lock = lock;
      this.#model = model;
    }

    get #me(): string {
      return this.#kern.scheduler.current.name;
    }

    #agree(): void {
      const { readers, writer } = this.#model;
      const expected = writer === '' ? readers : [writer];
      expect(this.#lock.holders().map(({ name }) => name)).toEqual(expected);
      expect(this.#lock.writeOwned).toBe(writer === this.#me);
      expect(this.#lock.readOwned).toBe(readers.includes(this.#me));
    }

    *perform(todo: readonly Visit[]): Step<void> {
      for (const visit of todo) {
        const entered = yield* this.#enter(visit.how);
        if (!entered) continue;
        yield* this.#inside(visit);
        yield* this.#lock.exit();
        this.#model.release(this.#me);
        this.#agree();
      }
    }

    *#enter(how: Visit['how']): Step<boolean> {
      const model = this.#model;
      const mode = how === 'read' || how === 'try-read' ? 'read' : 'write';
      if (how !== mode) {
        const entered = yield* this.#lock.tryEnter(mode);
        expect(entered).toBe(model.admits(mode));
        if (entered) model.take(mode, this.#me);
        return entered;
      }
      yield* this.#lock.enter(mode);
      expect(model.admits(mode)).toBe(true);
      model.take(mode, this.#me);
      return true;
    }

    *#inside({ change, inside }: Visit): Step<void> {
      for (let i = 0; i < inside; i++) {
        yield* stepper(this.#kern, [], 'inside', 1)();
        this.#agree();
      }
      if (!change) return;
      const model = this.#model;
      if (this.#lock.writeOwned) {
        yield* this.#lock.downgrade();
        model.writer = '';
        model.readers.push(this.#me);
      } else {
        const upgraded = yield* this.#lock.tryUpgrade();
        expect(upgraded).toBe(model.readers.length === 1);
        if (upgraded) {
          model.readers.length = 0;
          model.writer = this.#me;
        }
      }
      this.#agree();
    }
  }

  it('always agrees with a plain model of readers, writer and waiting writers', () => {
    fc.assert(
      fc.property(fc.array(visits, { minLength: 2, maxLength: 4 }), fc.nat(), (threads, seed) => {
        const kern = new Kern({ strategy: new RandomPreemption(seed) });
        const lock = lockOn(kern);
        const { scheduler } = kern;
        // Those that have tried, and are parked until they can have it.
        const writersWaiting = (): number =>
          scheduler.lwps.filter((lwp) => lwp !== scheduler.current && lwp.op === 'acquire' && lwp.object === lock).length;
        const visitor = new Visitor(kern, lock, new Model(writersWaiting));
        runThreads(kern, ...threads.map((todo) => () => visitor.perform(todo)));
        expect(lock.state).toBe('free');
      }),
      { numRuns: 700 },
    );
  });
});
