/** The options that say how to explore, and for how long. */
import { availableParallelism } from 'node:os';
import { type Command, InvalidArgumentError, Option } from 'commander';
import { parseWhole } from '../machine-options.js';
import type { ConductOptions } from './conduct.js';

/** What they were set to. */
export interface ExploreFlags {
  readonly bound?: number;
  readonly faults?: number;
  readonly timeouts?: boolean;
  /** Milliseconds. */
  readonly budget: number;
  readonly workers?: number;
  readonly seed?: number;
  readonly maxStates?: number;
  readonly wide?: boolean;
  readonly progress?: boolean;
}

const UNITS: Readonly<Record<string, number>> = { ms: 1, s: 1000, '': 1000, m: 60_000, min: 60_000, h: 3_600_000 };
/** More threads than this share nothing well. */
const MOST_WORKERS = 64;

/** Adds the options to a command. */
export function addExploreOptions(command: Command): Command {
  return command
    .addOption(
      new Option('--bound <n>', 'preemptions that a schedule may have (default: any number)').argParser(parseWhole(0, 1000)),
    )
    .addOption(
      new Option('--faults <n>', 'allocations that fail and I/O errors that a schedule may have (default: 0)').argParser(
        parseWhole(0, 100),
      ),
    )
    .option('--timeouts', 'let timeouts fire early, too; each counts as a fault')
    .addOption(new Option('--budget <time>', 'time for it: 500ms, 60s, 10m, 1h').argParser(parseTime).default(60_000, '60s'))
    .addOption(
      new Option('--workers <n>', 'threads that explore (default: one a processor)').argParser(parseWhole(1, MOST_WORKERS)),
    )
    .addOption(new Option('--seed <n>', 'decides which schedules are sampled first (default: 1)').argParser(parseWhole(0)))
    .addOption(
      new Option('--max-states <n>', 'states for which there is room, about 250 bytes each (default: 1048576)').argParser(
        parseWhole(64, 2 ** 24),
      ),
    )
    .option('--wide', 'tell states apart by 128 bits instead of 64')
    .option('--progress', 'say how far it is on standard error, also where that is no terminal');
}

/** How to conduct an exploration with these options. */
export function conductOptions(flags: ExploreFlags): ConductOptions {
  const faults = faultsOf(flags);
  return {
    workers: flags.workers ?? availableParallelism(),
    budget: flags.budget,
    ...(flags.bound !== undefined && { maxPreemptions: flags.bound }),
    ...(faults > 0 && { maxFaults: faults }),
    ...(flags.timeouts === true && { timeouts: true }),
    ...(flags.seed !== undefined && { seed: flags.seed }),
    ...(flags.maxStates !== undefined && { maxStates: flags.maxStates }),
    ...(flags.wide === true && { wide: true }),
  };
}

/** Faults that a schedule may have: if timeouts may fire early, then at least one. */
export function faultsOf({ faults, timeouts }: ExploreFlags): number {
  return faults ?? (timeouts === true ? 1 : 0);
}

function parseTime(text: string): number {
  const [, amount = '', unit = ''] = /^(\d+(?:\.\d+)?)([a-z]*)$/.exec(text) ?? [];
  const time = Number(amount) * (UNITS[unit] ?? Number.NaN);
  if (amount === '' || !(time > 0)) throw new InvalidArgumentError('Give a time such as 500ms, 60s, 10m or 1h.');
  return time;
}
