/** The options that say on which machine, with which kernel and in which order things run. */
import { type IoFaults, type NetbsdPatch, PAGE_SIZE } from '@faultline/kernel';
import type { MachineSettings, RunOptions, StrategySettings, SwapSettings } from '@faultline/program';
import { type Command, InvalidArgumentError, Option } from 'commander';
import { collectIoFault } from './io-fault.js';
import { loadPatches } from './patches.js';
import { UsageError } from './usage.js';

/** What the options were set to that say on which machine, and with which kernel. */
export interface SystemFlags {
  readonly ram?: number;
  readonly swap?: readonly Omit<SwapSettings, 'name'>[];
  readonly cpus?: number;
  readonly diagnostic: boolean;
  readonly counterWidth?: 16 | 32;
  readonly ioFault: IoFaults;
  readonly patch: readonly string[];
}

/** What all of the options were set to. */
export interface MachineFlags extends SystemFlags {
  readonly strategy?: StrategySettings;
  readonly seed?: number;
  readonly faultsIn?: number;
}

/** The most processors that a machine of NetBSD's has on amd64. */
const MOST_CPUS = 256;
const UNITS: Readonly<Record<string, number>> = { '': 1, K: 2 ** 10 / PAGE_SIZE, M: 2 ** 20 / PAGE_SIZE, G: 2 ** 30 / PAGE_SIZE };

/** Adds all of the options to a command. */
export function addMachineOptions(command: Command): Command {
  return addSystemOptions(command)
    .addOption(
      new Option('--strategy <name>', 'who runs next: run-to-block, round-robin[:STEPS] or random').argParser(parseStrategy),
    )
    .addOption(new Option('--seed <n>', 'random order, decided by this seed').argParser(parseWhole(0)))
    .addOption(new Option('--faults-in <n>', 'random order, and one allocation or I/O in n fails').argParser(parseWhole(2)));
}

/** Adds those that say on which machine and with which kernel. */
export function addSystemOptions(command: Command): Command {
  return command
    .addOption(
      new Option('--ram <size>', 'RAM, in pages or with K, M or G in bytes (default: 64M, or what the program wants)').argParser(
        parseRam,
      ),
    )
    .addOption(
      new Option(
        '--swap <size>',
        'a disk to swap to, in pages or with K, M or G in bytes, SIZE:PRIORITY; may be repeated (default: none, or what the program wants)',
      ).argParser(parseSwap),
    )
    .addOption(new Option('--cpus <n>', 'processors').argParser(parseWhole(1, MOST_CPUS)))
    .option('--no-diagnostic', 'boot a kernel without assertions')
    .addOption(new Option('--counter-width <bits>', 'bits of a page’s wire count: 16 until 2019, 32 since').argParser(parseWidth))
    .addOption(
      new Option('--io-fault <fault>', 'have I/O go wrong: PATH:KIND[:N[+]]:FAULT, as /data:write:3:EIO (may be repeated)')
        .argParser(collectIoFault)
        .default({}, 'none'),
    )
    .addOption(
      new Option('--patch <name>', 'change the kernel: a name from the catalogue, MODULE or MODULE#PATCH (may be repeated)')
        .argParser(collect)
        .default([], 'none'),
    );
}

/** What to run with. */
export async function toRunOptions(flags: MachineFlags, defects: readonly NetbsdPatch[]): Promise<RunOptions> {
  const patches = [...defects, ...(await loadPatches(flags.patch))];
  return { machine: machineOf(flags), patches, strategy: strategyOf(flags) };
}

/** What the machine is like, over what the program wants. */
export function machineOf(flags: SystemFlags): MachineSettings {
  return {
    ...(flags.ram !== undefined && { ramPages: flags.ram }),
    ...(flags.swap !== undefined && { swap: flags.swap.map((disk, i) => ({ name: `wd${i}`, ...disk })) }),
    ...(flags.cpus !== undefined && { cpus: flags.cpus }),
    ...(flags.counterWidth !== undefined && { counterWidth: flags.counterWidth }),
    ...(!flags.diagnostic && { diagnostic: false }),
    ...(Object.keys(flags.ioFault).length > 0 && { ioFaults: flags.ioFault }),
  };
}

function strategyOf(flags: MachineFlags): StrategySettings {
  const asked = flags.strategy?.kind ?? 'random';
  const flag = flags.seed !== undefined ? '--seed' : flags.faultsIn !== undefined ? '--faults-in' : null;
  if (flag !== null && asked !== 'random')
    throw new UsageError(`${flag} is for the strategy random, not for ${asked}; leave one of them out.`);
  if (flag === null && flags.strategy?.kind !== 'random') return flags.strategy ?? { kind: 'run-to-block' };
  return { kind: 'random', seed: flags.seed ?? 0, ...(flags.faultsIn !== undefined && { faultsIn: flags.faultsIn }) };
}

/** Pages of a size in pages or bytes; not a number when it is none. */
function pagesIn(text: string): number {
  const match = /^(\d+)([KMG]?)$/.exec(text);
  return match === null ? Number.NaN : Number(match[1]) * (UNITS[match[2] ?? ''] ?? Number.NaN);
}

function parseRam(text: string): number {
  const pages = pagesIn(text);
  if (!Number.isInteger(pages) || pages < 16 || pages > 2 ** 20) {
    throw new InvalidArgumentError('Give whole pages from 16 to 1048576, or bytes such as 64M; the most is 4G.');
  }
  return pages;
}

/** One more disk to swap to. */
function parseSwap(text: string, before: SystemFlags['swap'] = []): NonNullable<SystemFlags['swap']> {
  const [size = '', priority, ...more] = text.split(':');
  const pages = pagesIn(size);
  if (!Number.isInteger(pages) || pages < 1 || pages > 2 ** 20 || more.length > 0) {
    throw new InvalidArgumentError(
      'Give whole pages from 1 to 1048576, or bytes such as 64M, and a priority if you like: 64M:1.',
    );
  }
  return [...before, { pages, ...(priority !== undefined && { priority: parseWhole(0)(priority) }) }];
}

/** For an option that takes a whole number. */
export function parseWhole(least: number, most = Number.MAX_SAFE_INTEGER): (text: string) => number {
  return (text) => {
    const number = Number(text);
    if (!/^\d+$/.test(text) || number < least || number > most) {
      throw new InvalidArgumentError(`Give a whole number from ${least} to ${most}.`);
    }
    return number;
  };
}

function parseWidth(text: string): 16 | 32 {
  if (text === '16') return 16;
  if (text === '32') return 32;
  throw new InvalidArgumentError('Give 16 or 32.');
}

function parseStrategy(text: string): StrategySettings {
  const [name, steps, ...more] = text.split(':');
  if (more.length > 0) throw new InvalidArgumentError('Give round-robin:STEPS.');
  if (name === 'run-to-block' && steps === undefined) return { kind: 'run-to-block' };
  if (name === 'round-robin') return { kind: 'round-robin', ...(steps !== undefined && { quantum: parseWhole(1)(steps) }) };
  if (name === 'random' && steps === undefined) return { kind: 'random', seed: 0 };
  throw new InvalidArgumentError('Give run-to-block, round-robin, round-robin:STEPS or random.');
}

/** For an option that may be repeated: all its values. */
export function collect(text: string, before: readonly string[]): readonly string[] {
  return [...before, text];
}
