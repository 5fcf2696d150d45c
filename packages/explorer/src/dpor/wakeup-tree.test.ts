import { describe, expect, it } from 'vitest';
import { CHANGE, SHARED } from './access.js';
import { type Footprint, Frame, footprintOf, NONE } from './frame.js';
import { initials, insert, startsWith, type WakeupNode } from './wakeup-tree.js';

/** A sequence of steps, as `1x` for thread 1 changing thing x, `1x?` for reading it; each comes after those of its thread. */
function sequence(text: string): Frame[] {
  const frames: Frame[] = [];
  for (const [index, word] of text.split(' ').entries()) {
    const frame = new Frame(index);
    frame.lwp = Number(word[0]);
    frame.thing = (word[1] as string).charCodeAt(0);
    frame.access = word.endsWith('?') ? SHARED : CHANGE;
    for (const before of frames) if (before.lwp === frame.lwp) frame.clock[before.lwp] = before.index + 1;
    frame.clock[frame.lwp] = index + 1;
    frames.push(frame);
  }
  return frames;
}

/** A step that is asleep. */
function asleep(word: string): Footprint {
  return footprintOf(sequence(word)[0] as Frame);
}

/** What is being explored, before anything is planned. */
function exploring(): WakeupNode[] {
  return [{ ...asleep('9z'), way: NONE, children: [] }];
}

/** The tree as text: `1(2 3)` is thread 1 and after it 2 or 3. */
function shape(nodes: readonly WakeupNode[]): string {
  return nodes.map(({ lwp, children }) => `${lwp}${children.length > 0 ? `(${shape(children)})` : ''}`).join(' ');
}

/** The tree that comes of inserting sequences. */
function treeOf(...texts: string[]): string {
  const tree = exploring();
  for (const text of texts) insert(tree, sequence(text));
  return shape(tree.slice(1));
}

describe('a wakeup tree', () => {
  it('keeps sequences that begin differently apart', () => {
    expect(treeOf('1x 2x', '2x 1x')).toBe('1(2) 2(1)');
  });

  it('shares what sequences begin with, in whatever order independent steps come', () => {
    expect(treeOf('1x 2x', '1x 3x')).toBe('1(2 3)');
    expect(treeOf('1x 2y 3x', '2y 1x 2x')).toBe('1(2(3 2))');
  });

  it('takes nothing up that is planned already, or follows where all is left open', () => {
    expect(treeOf('1x', '1x 2x')).toBe('1');
    expect(treeOf('1x 2y', '2y 1x')).toBe('1(2)');
    // Thread 3 has nothing to do with thread 1: it will be seen after it.
    expect(treeOf('1x', '3y')).toBe('1');
  });

  it('never puts anything below what is being explored', () => {
    const tree = exploring();
    insert(tree, sequence('1x'));
    expect(shape(tree)).toBe('9 1');
  });
});

describe('a sequence', () => {
  it('can begin with the first step of any thread that depends on none before it', () => {
    expect(initials(sequence('1x 2x 3y 1y'))).toBe((1 << 1) | (1 << 3));
    expect(initials(sequence('1x? 2x? 3x'))).toBe((1 << 1) | (1 << 2));
  });

  it('is covered by a sleeping step that it could begin with, or that has nothing to do with it', () => {
    expect(startsWith(sequence('1x 2y'), asleep('2y'))).toBe(true);
    expect(startsWith(sequence('1x 2x'), asleep('2x'))).toBe(false);
    expect(startsWith(sequence('1x 2y'), asleep('3z'))).toBe(true);
    expect(startsWith(sequence('1x 2y'), asleep('3y'))).toBe(false);
  });

  it('is not covered by a step that ends the run, unless it begins with it', () => {
    expect(startsWith(sequence('1x 2y'), { ...asleep('3z'), fails: true })).toBe(false);
    expect(startsWith(sequence('1x 2y'), { ...asleep('2y'), fails: true })).toBe(false);
    expect(startsWith(sequence('2y 1x'), { ...asleep('2y'), fails: true })).toBe(true);
  });
});
