/** What is explored: a program on a machine with patches, loaded from the names that the command line has for them. */
import { execute } from '@faultline/explorer';
import { type NetbsdPatch, RunToBlock } from '@faultline/kernel';
import {
  bootOptions,
  describeSettings,
  type MachineSettings,
  type Program,
  type ProgramModel,
  type Session,
} from '@faultline/program';
import type { Command } from 'commander';
import { Option } from 'commander';
import type { Build } from '../build.js';
import { type InputFlags, loadInput } from '../input.js';
import { addSystemOptions, machineOf, type SystemFlags } from '../machine-options.js';
import { loadPatches } from '../patches.js';
import { UsageError } from '../usage.js';

/** The names: plain data, for a thread that loads the same. */
export interface SubjectNames {
  readonly input: string;
  readonly flags: SubjectFlags;
}

/** What the options were set to. */
export interface SubjectFlags extends SystemFlags, Omit<InputFlags, 'file'> {
  /** Whose virtual memory system. */
  readonly design: 'netbsd';
}

/** A program with all that belongs to it. */
export interface Subject {
  readonly program: Program;
  /** The patches that belong to the program: those of an entry of the catalogue. */
  readonly defects: readonly NetbsdPatch[];
  /** These first, then those of the command line. */
  readonly patches: readonly NetbsdPatch[];
  readonly machine: MachineSettings;
  readonly model: ProgramModel;
}

/**
 * Adds the options that say what is explored.
 *
 * @param options.defect whether a catalogue entry can be had without its defect. Default true
 */
export function addSubjectOptions(command: Command, options: { readonly defect?: boolean } = {}): Command {
  addSystemOptions(command)
    .addOption(new Option('--design <system>', 'whose virtual memory system').choices(['netbsd']).default('netbsd'))
    .addOption(new Option('--format <format>', 'what INPUT is, when its name does not say').choices(['module', 'syz']))
    .addOption(new Option('--os <os>', 'whose numbers a syzkaller program uses (default: netbsd)').choices(['netbsd', 'linux']))
    .option('--strict', 'refuse a syzkaller program with unknown calls instead of leaving them out');
  if (options.defect === false) return command;
  return command.option('--no-defect', 'explore a catalogue entry without the patch that brings the defect back');
}

/** The part of a command's flags that names a subject. */
export function namesOf(input: string, flags: SubjectFlags): SubjectNames {
  const { ram, cpus, counterWidth, format, os, strict, diagnostic, ioFault, patch, defect, design } = flags;
  return {
    input,
    flags: {
      ...(ram !== undefined && { ram }),
      ...(cpus !== undefined && { cpus }),
      ...(counterWidth !== undefined && { counterWidth }),
      ...(format !== undefined && { format }),
      ...(os !== undefined && { os }),
      ...(strict !== undefined && { strict }),
      diagnostic,
      ioFault,
      patch,
      defect,
      design,
    },
  };
}

/** Loads what the names stand for, in a build. @throws {UsageError} when there is no such thing, or nothing to explore in it */
export async function loadSubject({ input, flags }: SubjectNames, build: Build): Promise<Subject> {
  const { program, defects, recorded } = await loadInput(input, { ...flags, file: [] }, build);
  if (recorded) {
    throw new UsageError(
      `${input}: a log says in which order things happened, so there is nothing to explore; "faultline run" replays it.`,
    );
  }
  const patches = [...defects, ...(await loadPatches(flags.patch, build))];
  const machine = machineOf(flags);
  const named = { ...program, run: (session: Session) => namingErrors(() => program.run(session)) };
  return { program, defects, patches, machine, model: build.program.programModel(named, { machine, patches }) };
}

/** What a program of a user's has thrown. Where it does so in some orders and not in others, that is a finding. */
class Thrown extends Error {
  override readonly name = 'thrown';
}

function namingErrors<T>(job: () => T): T {
  try {
    return job();
  } catch (error) {
    throw error instanceof UsageError ? new Thrown(error.message.replace(/\.$/, '')) : error;
  }
}

/** Runs a program once in the ordinary order: one that throws even there is broken. @throws {UsageError} with what it throws */
export function refuseBroken({ model }: Subject): void {
  const { failure } = execute(model, new RunToBlock(), { audit: false });
  if (failure?.kind === 'error') throw new UsageError(`${failure.message.replace(/^thrown: /, '')}.`);
}

/** The machine, the kernel and its patches in a line. */
export function settingsOf({ program, machine, patches }: Subject): string {
  const options = bootOptions([program.machine, machine], new RunToBlock(), patches);
  return describeSettings(options).replace(' · run-to-block', '');
}
