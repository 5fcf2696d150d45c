/** What INPUT names, as a program. */
import { type Stats, statSync } from 'node:fs';
import { basename } from 'node:path';
import { parseSyz } from '@faultline/formats';
import { errorsOf, textPieces } from '@faultline/host-node';
import type { NetbsdPatch } from '@faultline/kernel';
import type { Program } from '@faultline/program';
import { type Build, STEPPED } from './build.js';
import { withHostFiles } from './host-files.js';
import { moduleError } from './module-errors.js';
import { isModule, loadModule } from './modules.js';
import { UsageError } from './usage.js';

/** How an input is to be understood. */
export interface InputFlags {
  /** What it is; told from its name and beginning when absent. */
  readonly format?: 'module' | 'syz' | 'strace';
  /** Refuse a program with calls that are not known, instead of leaving them out. */
  readonly strict?: boolean;
  /** Whose numbers a syzkaller program uses. */
  readonly os?: 'netbsd' | 'linux';
  /** False when a catalogue entry is to be run on the kernel as it is today. */
  readonly defect: boolean;
  /** Files of the host that the program is to find: `HOSTPATH[:/NAME][:ro]`. */
  readonly file: readonly string[];
}

/** A program, and the defects that belong to it. */
export interface LoadedInput {
  readonly program: Program;
  readonly defects: readonly NetbsdPatch[];
  /** Whether it says what calls answered elsewhere. A log does; and as it may be very long, nothing should be done at each call. */
  readonly recorded: boolean;
}

const CATALOGUE_SCHEME = 'catalogue:';
/** The most that a program of syzkaller's may be, in bytes. */
const MAX_SYZ_BYTES = 16 * 2 ** 20;

/**
 * Loads what INPUT names, with the files of the host that it is to find.
 *
 * @throws {UsageError} when there is no such thing, or it is none of what can be run
 */
export async function loadInput(input: string, flags: InputFlags, build: Build = STEPPED): Promise<LoadedInput> {
  const loaded = await loadProgram(input, flags, build);
  return { ...loaded, program: withHostFiles(loaded.program, flags.file) };
}

async function loadProgram(input: string, flags: InputFlags, build: Build): Promise<LoadedInput> {
  if (input.startsWith(CATALOGUE_SCHEME)) {
    refuseFlagsFor('syz', input, flags);
    const id = input.slice(CATALOGUE_SCHEME.length);
    const entry = build.catalogue.findEntry(id);
    if (entry === null) throw new UsageError(`the catalogue has no entry "${id}"; "faultline catalogue" lists what it has.`);
    return { program: entry.program, defects: flags.defect ? build.catalogue.defectsOf(entry) : [], recorded: false };
  }
  const stats = errorsOf(input, () => statSync(input, { throwIfNoEntry: false }));
  if (stats === undefined) throw new UsageError(`${input}: there is no such file.`);
  const kinds = 'a program, a .syz file or an strace log';
  if (!stats.isFile()) throw new UsageError(`${input}: this is not a regular file; name ${kinds}.`);
  if (stats.size === 0) throw new UsageError(`${input}: this file is empty; name ${kinds}.`);
  const format = flags.format ?? guessFormat(input);
  refuseFlagsFor('catalogue', input, flags);
  if (format !== 'syz') refuseFlagsFor('syz', input, flags);
  switch (format) {
    case 'module':
      return { program: await loadProgramModule(input, build), defects: [], recorded: false };
    case 'syz':
      return { program: loadSyz(input, stats, flags, build), defects: [], recorded: false };
    default:
      return {
        program: build.program.straceProgram({ name: basename(input), pieces: () => textPieces(input) }),
        defects: [],
        recorded: true,
      };
  }
}

function guessFormat(path: string): NonNullable<InputFlags['format']> {
  if (isModule(path)) return 'module';
  if (/\.syz$/.test(path)) return 'syz';
  if (/\.(strace|log|txt|out)$/.test(path) || looksLikeStrace(path)) return 'strace';
  throw new UsageError(`${path}: cannot tell what this is; say --format module, syz or strace.`);
}

function looksLikeStrace(path: string): boolean {
  const [beginning = ''] = textPieces(path);
  const [first = ''] = beginning.slice(0, 4096).split('\n');
  return /^(\[pid +)?\d*\]? *[\d:.]* *(execve|\w+)\(.*/.test(first);
}

async function loadProgramModule(path: string, build: Build): Promise<Program> {
  const { default: exported } = await loadModule(path, build);
  if (typeof exported === 'object' && exported !== null && 'run' in exported && typeof exported.run === 'function') {
    return guarded(path, exported as Program);
  }
  throw new UsageError(
    `${path}: the module has no program as its default export; write export default defineProgram({ *main(user) { … } }).`,
  );
}

/** How runs and explorations end, by the names of what is thrown: no errors of whoever wrote the program. */
const ENDINGS: ReadonlySet<string> = new Set([
  'Abandoned',
  'BrokenInvariant',
  'CheckFailed',
  'Deadlock',
  'KernelPanic',
  'RunStopped',
  'StateMismatch',
  'StepBound',
]);

/** A program of a user's, whose errors are told as the user's. */
function guarded(path: string, program: Program): Program {
  const guard = <T>(job: () => T): T => {
    try {
      return job();
    } catch (error) {
      if (error instanceof Error && ENDINGS.has(error.name)) throw error;
      throw moduleError(path, error);
    }
  };
  const { check } = program;
  return {
    ...program,
    name: basename(path),
    run: (session) => guard(() => program.run(session)),
    ...(check && {
      check: (session) => {
        const complaints: unknown = guard(() => check(session));
        if (Array.isArray(complaints)) return complaints.map(String);
        throw new UsageError(
          `${path}: check gives ${String(complaints)}; give an array of sentences, empty when nothing is wrong.`,
        );
      },
    }),
  };
}

/** An option for inputs of another kind would be without effect, and is likely to be a mistake. */
function refuseFlagsFor(kind: 'syz' | 'catalogue', input: string, { os, strict, defect }: InputFlags): void {
  const ofSyz = os !== undefined ? '--os' : strict === true ? '--strict' : null;
  const flag = kind === 'syz' ? ofSyz : defect ? null : '--no-defect';
  const whose = kind === 'syz' ? 'a syzkaller program' : 'an entry of the catalogue';
  if (flag !== null) throw new UsageError(`${input}: ${flag} is for ${whose}, and this is none; leave it out.`);
}

function loadSyz(path: string, { size }: Stats, flags: InputFlags, build: Build): Program {
  if (size > MAX_SYZ_BYTES)
    throw new UsageError(`${path}: ${size} bytes are too many for a syzkaller program; the most is ${MAX_SYZ_BYTES}.`);
  const parsed = parseSyz([...textPieces(path)].join(''), { file: path });
  return build.program.syzProgram(parsed, {
    name: basename(path),
    ...(flags.os !== undefined && { os: flags.os }),
    ...(flags.strict !== undefined && { strict: flags.strict }),
  });
}
