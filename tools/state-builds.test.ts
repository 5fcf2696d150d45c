/** The explorer has the stepped build, and explores the watched one: what the one tells, the other must understand. */
import { expect, it } from 'vitest';
import { StateText } from '../packages/kernel/dist/stepped/index.js';
import { tag } from '../packages/kernel/dist/watched/kern/frames.js';

it('tells of a function of the watched build, by a writer of the stepped one, what it was made of', () => {
  const made = (request: number) =>
    tag(
      () => request,
      () => ['io.ts:58', request],
    );
  const told = (request: number): readonly string[] => {
    const text = new StateText();
    text.value('begin', made(request));
    return text.lines;
  };
  expect(told(7)).not.toEqual(told(8));
  expect(told(7)).toEqual(told(7));
});
