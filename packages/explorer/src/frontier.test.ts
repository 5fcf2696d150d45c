import { describe, expect, it } from 'vitest';
import { Frontier } from './frontier.js';

const takeAll = (frontier: Frontier): number[] => {
  const taken: number[] = [];
  for (let edge = frontier.take(); edge !== null; edge = frontier.take()) taken.push(edge);
  return taken;
};
const finishAll = (frontier: Frontier, count: number): void => {
  for (let i = 0; i < count; i++) frontier.finish();
};

describe('the frontier', () => {
  it('gives edges in the order in which they came, and those of the next level only after it has advanced', () => {
    const frontier = new Frontier(16);
    for (const edge of [0, 1]) frontier.push(edge, 'now');
    for (const edge of [7, 8]) frontier.push(edge, 'later');
    expect(takeAll(frontier)).toEqual([0, 1]);
    expect(frontier.waiting).toEqual({ now: 2, later: 2 });
    finishAll(frontier, 2);
    frontier.advance();
    expect([frontier.level, frontier.waiting]).toEqual([1, { now: 2, later: 0 }]);
    expect(takeAll(frontier)).toEqual([7, 8]);
  });

  it('does not advance while somebody works on the level', () => {
    const frontier = new Frontier(16);
    frontier.push(0, 'now');
    frontier.take();
    expect(() => frontier.advance()).toThrow('1 edges of level 0 are not finished');
  });

  it('is the same for all who share its memory', () => {
    const frontier = new Frontier(16);
    const other = new Frontier(16, frontier.memory);
    frontier.push(3, 'now');
    other.push(4, 'now');
    expect([other.take(), frontier.take(), other.take()]).toEqual([3, 4, null]);
    other.stop();
    expect(frontier.stopped).toBe(true);
  });

  it('goes on where it stood, also in the middle of a level', () => {
    const frontier = new Frontier(16);
    frontier.push(0, 'later');
    frontier.advance();
    for (const edge of [1, 2]) frontier.push(edge, 'now');
    frontier.push(9, 'later');
    frontier.take();
    frontier.finish();
    const again = new Frontier(16);
    again.restore(frontier.state);
    expect([again.level, again.waiting]).toEqual([1, { now: 2, later: 1 }]);
    expect(takeAll(again)).toEqual([1, 2]);
    finishAll(again, 2);
    again.advance();
    expect(takeAll(again)).toEqual([9]);
  });
});
