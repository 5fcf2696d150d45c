import { expect, it } from 'vitest';
import { type Description, Descriptors, MAX_DESCRIPTORS } from './descriptors.js';

const description = (): Description => ({ file: null, flags: 0, offset: 0 });
const STAYS = { closeOnExec: false };

/** Descriptors, all of which lead to the same description. */
function opened(...fds: number[]): Descriptors {
  const descriptors = new Descriptors();
  for (const fd of fds) descriptors.set(fd, description(), STAYS);
  return descriptors;
}

it('leads from a number to what was opened under it last', () => {
  const descriptors = opened(3);
  const other = description();
  descriptors.set(3, other, STAYS);
  expect(descriptors.get(3)).toBe(other);
  expect(descriptors.get(4)).toBeUndefined();
});

it('closes one, or a range of any size', () => {
  const descriptors = opened(3, 4, 5, 9);
  descriptors.close(3);
  descriptors.close(5, 2 ** 32 - 1);
  expect([3, 4, 5, 9].map((fd) => descriptors.get(fd) !== undefined)).toEqual([false, true, false, false]);
});

it('closes at exec what was opened to be closed then', () => {
  const descriptors = opened(3);
  descriptors.set(4, description(), { closeOnExec: true });
  descriptors.exec();
  expect([3, 4].map((fd) => descriptors.get(fd) !== undefined)).toEqual([true, false]);
});

it('closes at exec a range that was marked for it', () => {
  const descriptors = opened(3, 4, 5);
  descriptors.closeAtExec(4, 2 ** 32 - 1);
  expect(descriptors.get(4)).toBeDefined();
  descriptors.exec();
  expect([3, 4, 5].map((fd) => descriptors.get(fd) !== undefined)).toEqual([true, false, false]);
});

it('gives a child descriptors of its own that lead to the same open files', () => {
  const parent = opened(3, 4);
  const child = new Descriptors(parent);
  child.close(4);
  expect(child.get(3)).toBe(parent.get(3));
  expect(parent.get(4)).toBeDefined();
});

it.each([-1, 0.5, MAX_DESCRIPTORS, 2 ** 60])('takes no descriptor %s', (fd) => {
  expect(opened(fd).get(fd)).toBeUndefined();
});
