import { describe, expect, it } from 'vitest';
import { runThreads } from '../../test/threads.js';
import { Kern, type KernOptions } from './kern.js';
import type { Lock, LockClass } from './lock.js';
import { Mutex } from './mutex.js';
import { RwLock } from './rwlock.js';
import { CondVar } from './sleepq.js';
import { registerKernelFunctions } from './stack.js';
import type { Step } from './switch.js';
import type { LockOrderReversal } from './witness.js';

/** Kernel functions that take a lock inside another, each under names of its own. */
const functions = {
  *witnessLockPair(outer: Mutex, inner: Mutex): Step<void> {
    yield* outer.enter();
    yield* functions.witnessLockInner(inner);
    yield* outer.exit();
  },

  *witnessLockInner(inner: Mutex): Step<void> {
    yield* inner.enter();
    yield* inner.exit();
  },

  *witnessReversePair(outer: Mutex, inner: Mutex): Step<void> {
    yield* outer.enter();
    yield* functions.witnessReverseInner(inner);
    yield* outer.exit();
  },

  *witnessReverseInner(inner: Mutex): Step<void> {
    yield* inner.enter();
    yield* inner.exit();
  },
};
registerKernelFunctions(functions);

interface Scene {
  readonly kern: Kern;
  /** A mutex of a class. */
  readonly mutex: (name: string, options?: { nests?: boolean }) => Mutex;
}

/** The reversals that are found while one thread does something with locks. */
function reversals(job: (scene: Scene) => Step<void>, options: KernOptions = {}): readonly LockOrderReversal[] {
  const kern = new Kern(options);
  const mutex: Scene['mutex'] = (name, nesting = {}) => new Mutex(kern, kern.lockClass(name, nesting));
  runThreads(kern, () => job({ kern, mutex }));
  return kern.witness.reversals;
}

function* nest(...locks: readonly Mutex[]): Step<void> {
  for (const lock of locks) yield* lock.enter();
  for (const lock of locks.toReversed()) yield* lock.exit();
}

/** Without the stacks. */
function classes(found: readonly LockOrderReversal[]): (readonly string[])[] {
  return found.map((each) => each.classes);
}

describe('the order of two classes', () => {
  it('is sound as long as it is always the same', () => {
    const found = reversals(function* ({ mutex }) {
      const [a, b] = [mutex('a'), mutex('b')];
      yield* nest(a, b);
      yield* nest(a, b);
      yield* nest(b);
    });
    expect(found).toEqual([]);
  });

  it('is reported when it is reversed, with the kernel functions of both places', () => {
    const found = reversals(function* ({ mutex }) {
      const [a, b] = [mutex('vmmaplk'), mutex('vmobjlock')];
      yield* functions.witnessLockPair(a, b);
      yield* functions.witnessReversePair(b, a);
    });
    expect(found).toEqual([
      {
        classes: ['vmmaplk', 'vmobjlock'],
        firstStack: ['witness_lock_inner', 'witness_lock_pair'],
        reverseStack: ['witness_reverse_inner', 'witness_reverse_pair'],
      },
    ]);
  });

  it('is reported once, however often it is reversed', () => {
    const found = reversals(function* ({ mutex }) {
      const [a, b] = [mutex('a'), mutex('b')];
      for (let i = 0; i < 3; i++) {
        yield* nest(a, b);
        yield* nest(b, a);
      }
    });
    expect(classes(found)).toEqual([['a', 'b']]);
  });

  it('is that of the classes, whichever locks of them are taken, by whichever thread', () => {
    const kern = new Kern();
    const mutex = (name: string): Mutex => new Mutex(kern, kern.lockClass(name));
    runThreads(
      kern,
      () => nest(mutex('a'), mutex('b')),
      () => nest(mutex('b'), mutex('a')),
    );
    expect(classes(kern.witness.reversals)).toEqual([['a', 'b']]);
  });

  it('counts reader-writer locks, held for reading or for writing, as it does mutexes', () => {
    const found = reversals(function* ({ kern, mutex }) {
      const a = mutex('a');
      const map = new RwLock(kern, kern.lockClass('map'));
      yield* map.enter('read');
      yield* nest(a);
      yield* map.exit();
      yield* a.enter();
      yield* map.enter('write');
      yield* map.exit();
      yield* a.exit();
    });
    expect(classes(found)).toEqual([['map', 'a']]);
  });

  it('is reversed by waiting on a condition with a lock held that was taken inside', () => {
    const found = reversals(function* ({ kern, mutex }) {
      const [a, b] = [mutex('a'), mutex('b')];
      const cv = new CondVar(kern.scheduler, 'work');
      yield* a.enter();
      yield* b.enter();
      kern.scheduler.spawn(() => cv.signal());
      // Gives a up and takes it again, inside b.
      yield* cv.wait(a);
    });
    expect(classes(found)).toEqual([['a', 'b']]);
  });
});

describe('the order of three classes', () => {
  it('is reported when only all three together reverse it, in the order of their nesting', () => {
    const found = reversals(function* ({ mutex }) {
      const [a, b, c] = [mutex('a'), mutex('b'), mutex('c')];
      yield* functions.witnessLockPair(a, b);
      yield* nest(b, c);
      yield* functions.witnessReversePair(c, a);
    });
    expect(found).toEqual([
      {
        classes: ['a', 'b', 'c'],
        firstStack: ['witness_lock_inner', 'witness_lock_pair'],
        reverseStack: ['witness_reverse_inner', 'witness_reverse_pair'],
      },
    ]);
  });

  it('is learned from every lock that is held, not only from the last', () => {
    const found = reversals(function* ({ mutex }) {
      const [a, b, c] = [mutex('a'), mutex('b'), mutex('c')];
      yield* nest(a, b, c);
      yield* nest(c, a);
    });
    expect(classes(found)).toEqual([['a', 'c']]);
  });
});

describe('two locks of one class', () => {
  it('are reported when one is taken inside the other', () => {
    const found = reversals(function* ({ mutex }) {
      yield* functions.witnessLockPair(mutex('a'), mutex('a'));
    });
    const stack = ['witness_lock_inner', 'witness_lock_pair'];
    expect(found).toEqual([{ classes: ['a'], firstStack: stack, reverseStack: stack }]);
  });

  it('are no matter when the class says that they nest', () => {
    const found = reversals(function* ({ mutex }) {
      yield* nest(mutex('a', { nests: true }), mutex('a'));
    });
    expect(found).toEqual([]);
  });

  it('are reported when a thread holds one reader-writer lock twice', () => {
    const found = reversals(function* ({ kern }) {
      const map = new RwLock(kern, kern.lockClass('map'));
      yield* map.enter('read');
      yield* map.enter('read');
    });
    expect(classes(found)).toEqual([['map']]);
  });
});

describe('a lock that is only tried', () => {
  it('makes no order, since nobody waits for it', () => {
    const found = reversals(function* ({ mutex }) {
      const [a, b] = [mutex('a'), mutex('b')];
      yield* nest(a, b);
      yield* b.enter();
      expect(yield* a.tryEnter()).toBe(true);
      yield* a.exit();
      yield* b.exit();
    });
    expect(found).toEqual([]);
  });

  it('is one inside which others are taken in order, as inside any', () => {
    const found = reversals(function* ({ mutex }) {
      const [a, b] = [mutex('a'), mutex('b')];
      yield* a.tryEnter();
      yield* nest(b);
      yield* a.exit();
      yield* nest(b, a);
    });
    expect(classes(found)).toEqual([['a', 'b']]);
  });
});

describe('the witness', () => {
  const reverse = function* ({ mutex }: Scene): Step<void> {
    const [a, b] = [mutex('a'), mutex('b')];
    yield* nest(a, b);
    yield* nest(b, a);
  };

  it.each<[KernOptions, number]>([
    [{}, 1],
    [{ diagnostic: false }, 0],
    [{ diagnostic: false, witness: true }, 1],
    [{ diagnostic: true, witness: false }, 0],
  ])('with %o finds %i', (options, expected) => {
    expect(reversals(reverse, options)).toHaveLength(expected);
  });

  it('gives the same class for the same name, as it was made first', () => {
    const { witness } = new Kern();
    const made: LockClass = witness.lockClass('a', { nests: true });
    expect(witness.lockClass('a')).toBe(made);
    expect(witness.lockClass('b').id).not.toBe(made.id);
    expect(made).toMatchObject({ name: 'a', nests: true });
  });

  it('learns from a list of locks held, the new one last', () => {
    const { witness } = new Kern();
    const lock = (name: string): Lock => ({
      lockClass: witness.lockClass(name),
      label: name,
      holders: () => [],
      admits: () => true,
    });
    const [a, b] = [lock('a'), lock('b')];
    witness.acquired([a, b], b);
    expect(witness.reversals).toEqual([]);
    witness.acquired([b, a], a);
    expect(classes(witness.reversals)).toEqual([['a', 'b']]);
  });
});

describe('orders of locks', () => {
  it('are all kept, each once, those that came by a try apart from those that were waited for', () => {
    const kern = new Kern();
    const [a, b] = [new Mutex(kern, kern.lockClass('a')), new Mutex(kern, kern.lockClass('b'))];
    runThreads(kern, function* () {
      for (let i = 0; i < 2; i++) yield* nest(a, b);
      yield* b.enter();
      expect(yield* a.tryEnter()).toBe(true);
    });
    expect(kern.witness.orders).toEqual([
      { outer: 'a', inner: 'b', byTry: false },
      { outer: 'b', inner: 'a', byTry: true },
    ]);
    expect(kern.witness.reversals).toEqual([]);
  });

  it('come with the stack of the first time, unless nobody wants stacks', () => {
    const stackOf = (options: KernOptions): readonly string[] => {
      const kern = new Kern(options);
      const [a, b] = [new Mutex(kern, kern.lockClass('a')), new Mutex(kern, kern.lockClass('b'))];
      runThreads(kern, () => functions.witnessLockPair(a, b));
      return kern.witness.stackOf('a', 'b');
    };
    expect(stackOf({})).toEqual(['witness_lock_inner', 'witness_lock_pair']);
    expect(stackOf({ witnessStacks: false })).toEqual([]);
  });
});
