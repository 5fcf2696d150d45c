/** Generate, run, shrink: random syzkaller programs until one fails, and the smallest that fails in the same way. */
import type { SyzProgram } from '@faultline/formats';
import { SeededRandom } from '@faultline/kernel';
import { type RunOptions, type RunResult, runProgram } from '../run.js';
import { type GenerateOptions, generateSyz } from './generate.js';
import { syzProgram } from './program.js';
import { type Shrunk, shrinkSyz } from './shrink.js';

/** What to look for, and where. */
export interface FuzzOptions {
  /** Programs that are tried at most. */
  readonly programs: number;
  /** Where the numbers begin of which the programs are made. Default 1. */
  readonly seed?: number;
  /** Whether a run has failed, in the way that matters. */
  readonly fails: (result: RunResult) => boolean;
  /** How the programs are run. */
  readonly run?: RunOptions;
  /** What the programs are like. */
  readonly generate?: GenerateOptions;
}

/** What came of it. */
export interface FuzzResult {
  /** How many programs were run, and how many calls they made, before anything was shrunk. */
  readonly programs: number;
  readonly calls: number;
  /** The program that failed, and what is left of it; null when none did. */
  readonly found: { readonly program: SyzProgram; readonly shrunk: Shrunk } | null;
}

/** Looks for a program that fails, and makes it small. */
export function fuzzSyz(options: FuzzOptions): FuzzResult {
  const { programs, seed = 1, fails, run = {}, generate = {} } = options;
  const runOne = (program: SyzProgram): RunResult => runProgram(syzProgram(program, { name: 'random.syz' }), run);
  let calls = 0;
  for (let tried = 1; tried <= programs; tried++) {
    const program = generateSyz(new SeededRandom(seed + tried - 1), generate);
    const result = runOne(program);
    calls += result.callCount;
    if (!fails(result)) continue;
    return { programs: tried, calls, found: { program, shrunk: shrinkSyz(program, (smaller) => fails(runOne(smaller))) } };
  }
  return { programs, calls, found: null };
}
