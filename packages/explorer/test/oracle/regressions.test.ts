/** Programs on which an engine was wrong once. Each was found by the random programs beside this file. */
import { expect, it } from 'vitest';
import { compare } from './compare.js';
import type { RandomProgram } from './program.js';

const PROGRAMS: Readonly<Record<string, RandomProgram>> = {
  'a choice before the first step that others can notice': [[['choose', 2]], [['store', 'x', 1]]],
  'two choices within one step': [
    [
      ['load', 'x'],
      ['choose', 2],
      ['choose', 2],
    ],
    [['store', 'x', 1]],
  ],
  'a lock that a second thread only waits for': [
    [
      ['enter', 'm1'],
      ['rw-sleep', 'channel'],
    ],
    [
      ['enter', 'm0'],
      ['enter', 'm1'],
    ],
    [
      ['enter', 'm1'],
      ['enter', 'm0'],
    ],
  ],
  'a panic right behind a step on what others have not come to yet': [
    [
      ['cas', 'y', 0, 2],
      ['panic-if', 0],
    ],
    [
      ['enter', 'm0'],
      ['exit', 'm0'],
      ['try-enter', 'm0'],
      ['copy', 'y'],
    ],
  ],
};

it.each(Object.entries(PROGRAMS))('all engines agree on %s', (_, program) => {
  const { differences, interleavings } = compare(program, 100_000);
  expect(differences).toEqual([]);
  expect(interleavings).toBeGreaterThan(0);
});
