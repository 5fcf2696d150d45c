/** How a machine is set up for a run, as plain data: it can be written to a file and read back. */
import {
  type BootOptions,
  type IoFaults,
  type NetbsdPatch,
  PAGE_SIZE,
  type PolicyName,
  RandomPreemption,
  Replay,
  RoundRobin,
  RunToBlock,
  type Schedule,
  type Strategy,
} from '@faultline/kernel';

/** What the machine and the kernel's options are. */
export interface MachineSettings {
  /** Pages of RAM, of 4 KiB. Default 16,384: 64 MiB. */
  readonly ramPages?: number;
  /** Whether the kernel checks its assertions. Default true. */
  readonly diagnostic?: boolean;
  /** Bits of a page's wire count. Default 32. */
  readonly counterWidth?: 16 | 32;
  /** Processors. Default 1. */
  readonly cpus?: number;
  /** Disks that can be swapped to. Default: none. */
  readonly swap?: readonly SwapSettings[];
  /** What goes wrong with files and disks, by path. Default: nothing. */
  readonly ioFaults?: IoFaults;
  /** Windows of 8 KiB through which the kernel reads and writes files. Default 1,024. */
  readonly ubcWindows?: number;
  /** Which pages go first when memory is short. Default `clock`. */
  readonly pagePolicy?: PolicyName;
  /** Bytes in a block of the file system. Default 16,384. */
  readonly blockSize?: number;
  /** First and last address of a process. Default: amd64's. */
  readonly userSpace?: { readonly min: number; readonly max: number };
  /** Whether each load and store is a step at which threads can be switched. Default false. */
  readonly userSteps?: boolean;
}

/** A disk in memory that can be swapped to. */
export interface SwapSettings {
  /** What it is called: `wd0`, whose path is `/dev/wd0`. */
  readonly name: string;
  /** Pages that fit. */
  readonly pages: number;
  /** The lower, the sooner it is used; those of one priority are used in turn. Default 0. */
  readonly priority?: number;
  /** Whether it is swapped to from boot on. Default true. */
  readonly on?: boolean;
}

/** Who decides what runs next. */
export type StrategySettings =
  | { readonly kind: 'run-to-block' }
  | { readonly kind: 'round-robin'; readonly quantum?: number }
  | { readonly kind: 'random'; readonly seed: number; readonly faultsIn?: number }
  | { readonly kind: 'replay'; readonly schedule: Schedule };

/** Pages of RAM unless told otherwise. */
export const DEFAULT_RAM_PAGES = 16_384;

/** The strategy that settings describe. */
export function makeStrategy(settings: StrategySettings): Strategy {
  switch (settings.kind) {
    case 'run-to-block':
      return new RunToBlock();
    case 'round-robin':
      return new RoundRobin(settings.quantum);
    case 'random':
      return new RandomPreemption(settings.seed, settings.faultsIn === undefined ? {} : { faultsIn: settings.faultsIn });
    case 'replay':
      return new Replay(settings.schedule);
  }
}

/** What to boot for these settings; later ones override earlier ones. */
export function bootOptions(
  settings: readonly (MachineSettings | undefined)[],
  strategy: Strategy,
  patches: readonly NetbsdPatch[],
): BootOptions {
  const { ramPages, ...rest }: MachineSettings = Object.assign({}, ...settings);
  return { ...rest, ram: (ramPages ?? DEFAULT_RAM_PAGES) * PAGE_SIZE, strategy, patches };
}

/** The settings in a line: `NetBSD UVM · RAM 64 pages · DIAGNOSTIC on · run-to-block · patch x`. */
export function describeSettings(options: BootOptions): string {
  const parts = [
    'NetBSD UVM',
    `RAM ${options.ram / PAGE_SIZE} pages`,
    `DIAGNOSTIC ${options.diagnostic === false ? 'off' : 'on'}`,
    options.strategy?.name ?? 'run-to-block',
  ];
  const swap = (options.swap ?? []).reduce((sum, { pages }) => sum + (pages ?? 0), 0);
  if (swap > 0) parts.push(`swap ${swap} pages`);
  if ((options.cpus ?? 1) > 1) parts.push(`${options.cpus} processors`);
  if (options.pagePolicy !== undefined) parts.push(`page policy ${options.pagePolicy}`);
  if (options.counterWidth === 16) parts.push('16-bit page counters');
  for (const path of Object.keys(options.ioFaults ?? {})) parts.push(`faults on ${path}`);
  for (const patch of options.patches ?? []) parts.push(`patch ${patch.id}`);
  return parts.join(' · ');
}
