/** Trying an entry out: its program under one schedule after the other. */
import type { NetbsdPatch } from '@faultline/kernel';
import { isClean, type MachineSettings, type RunOptions, type RunResult, runProgram } from '@faultline/program';
import type { CatalogueEntry } from './entry.js';

/** What was tried, and what came of it. */
export interface Trial {
  /** The first run that showed something; the last one when none did. */
  readonly result: RunResult;
  /** How to have that run once more. */
  readonly options: RunOptions;
  /** How many schedules were tried. */
  readonly schedules: number;
}

/** How an entry is tried. */
export interface TrialOptions {
  readonly patches: readonly NetbsdPatch[];
  /** Schedules that are tried at most: first each thread runs until it blocks, then they are switched at random. */
  readonly schedules: number;
  /** What the machine is like, over what the program wants. */
  readonly machine?: MachineSettings;
  /** Where the random schedules begin. Default 0. */
  readonly firstSeed?: number;
}

/** Runs an entry's program under one schedule after the other, until a run shows that something is wrong. */
export function tryEntry({ program }: CatalogueEntry, options: TrialOptions): Trial {
  const { patches, schedules, machine = {}, firstSeed = 0 } = options;
  const base = { patches, machine };
  let result = runProgram(program, base);
  let tried = 1;
  for (; tried < schedules && isClean(result); tried++) {
    result = runProgram(program, { ...base, strategy: { kind: 'random', seed: firstSeed + tried - 1 } });
  }
  const { schedule } = result;
  const plain = schedule.switches.length + schedule.choices.length + schedule.expiries.length === 0;
  return { result, schedules: tried, options: plain ? base : { ...base, strategy: { kind: 'replay', schedule } } };
}
