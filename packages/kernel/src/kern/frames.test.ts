import { describe, expect, it } from 'vitest';
import { depth, FrameStack, frame, runOn, tail, walk } from './frames.js';
import { StateText } from './state.js';

/** What a loop that waits tells of where it is. */
function toldOf(loop: { writeState(writer: StateText): void }): string[] {
  const text = new StateText();
  loop.writeState(text);
  return text.lines;
}

describe('the frames of a thread', () => {
  it('are those of the generators that wait for each other', () => {
    const stack = new FrameStack();
    const outside = runOn(stack);
    try {
      const outer = depth();
      expect(frame(outer, 'callee', () => ['outer'])).toBe('callee');
      const inner = depth();
      frame(inner, null, () => ['inner']);
      expect([outer, inner, stack.depth]).toEqual([0, 1, 2]);
      // The inner one has returned, and the outer one waits elsewhere.
      frame(outer, null, () => ['outer, again']);
      expect(stack.tellers.slice(0, stack.depth).map((teller) => teller())).toEqual([['outer, again']]);
      // The outer one answers what another one will answer.
      expect(tail(outer, 'callee')).toBe('callee');
      expect(stack.depth).toBe(0);
    } finally {
      expect(runOn(outside)).toBe(stack);
    }
  });
});

describe('a loop that waits', () => {
  it('goes over what a loop that does not would go over, also when that grows meanwhile', () => {
    const list = [1, 2];
    const seen: number[] = [];
    for (const loop = walk(list); loop.next(); ) {
      seen.push(loop.value);
      if (loop.value === 1) list.push(3);
    }
    expect(seen).toEqual([1, 2, 3]);
    const keys: string[] = [];
    for (const loop = walk(new Map([['a', 1]])); loop.next(); ) keys.push(loop.value[0]);
    expect(keys).toEqual(['a']);
  });

  it('tells which items are to come, and not which have been', () => {
    const [one, other] = [walk([1, 2, 3]), walk([9, 2, 3])];
    expect(toldOf(one)).not.toEqual(toldOf(other));
    one.next();
    other.next();
    expect(toldOf(one)).toEqual(['item = 2', 'item = 3']);
    expect(toldOf(other)).toEqual(toldOf(one));
  });

  it('tells of a set where in it it is', () => {
    const set = new Set(['a', 'b', 'c']);
    const [one, other] = [walk(set), walk(set)];
    one.next();
    expect(toldOf(one)).not.toEqual(toldOf(other));
    other.next();
    expect(toldOf(one)).toEqual(toldOf(other));
  });

  it('cannot go over an iterator, which keeps to itself what is to come', () => {
    const list = [1, 2];
    const iterators: Iterable<unknown>[] = [list.entries(), list.values(), new Map([[1, 2]]).keys(), new Set(list).values()];
    for (const iterator of iterators) {
      expect(() => walk(iterator)).toThrow('make an array of what it is to go over');
    }
  });

  it('cannot go over what has to be told when it is left, as generators have: nobody can tell what is to come', () => {
    const numbers = {
      [Symbol.iterator]: () => ({ next: () => ({ value: 1, done: false }), return: () => ({ value: 1, done: true }) }),
    };
    expect(() => walk(numbers)).toThrow('make an array of what it is to go over');
  });
});
