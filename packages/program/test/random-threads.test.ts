/**
 * Threads and processes that do random things to one map and one file, switched at every step: nothing panics, no invariant is ever
 * false at a quiet point, no locks are taken in two orders, and nothing is left over.
 */
import { BUILD } from '@faultline/kernel';
import { expect, it } from 'vitest';
import { explain, explanationText, type RunOptions, remainsText, runProgram } from '../src/index.js';
import { type ThreadsSize, threadsProgram } from './random-threads.js';

const SEEDS = BUILD === 'watched' ? 100 : 700;
const SIZE: ThreadsSize = { pages: 16, calls: [5, 25], threads: 3, ramPages: 400 };

it(`${SEEDS} random programs of threads and processes break no rule, however they are switched`, () => {
  for (let seed = 1; seed <= SEEDS; seed++) {
    const options: RunOptions = { strategy: { kind: 'random', seed, ...(seed % 3 === 0 && { faultsIn: 50 }) } };
    const result = runProgram(threadsProgram(seed, SIZE), options);
    // In the direct build a lock that is held by a thread further down the stack is a deadlock (docs/decisions/0001-two-builds.md).
    if (BUILD === 'direct' && result.end.kind === 'deadlock') continue;
    const explanation = explain(threadsProgram(seed, SIZE), options, result);
    const told = explanation === null ? remainsText(result) : explanationText(result, explanation);
    expect(told, `seed ${seed}`).toEqual([]);
    expect(result.reversals, `seed ${seed}`).toEqual([]);
  }
});
