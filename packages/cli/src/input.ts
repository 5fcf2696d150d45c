/** What INPUT names, as a program. */
import { closeSync, existsSync, openSync, readFileSync, readSync, statSync } from 'node:fs';
import { basename } from 'node:path';
import { findEntry } from '@faultline/catalogue';
import { parseSyz } from '@faultline/formats';
import { textPieces } from '@faultline/host-node';
import type { NetbsdPatch } from '@faultline/kernel';
import { type Program, straceProgram, syzProgram } from '@faultline/program';
import { withHostFiles } from './host-files.js';
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

/** Loads what INPUT names, with the files of the host that it is to find. @throws {UsageError} when there is no such thing, or it is none of what can be run */
export async function loadInput(input: string, flags: InputFlags): Promise<LoadedInput> {
  const loaded = await loadProgram(input, flags);
  return { ...loaded, program: withHostFiles(loaded.program, flags.file) };
}

async function loadProgram(input: string, flags: InputFlags): Promise<LoadedInput> {
  if (input.startsWith(CATALOGUE_SCHEME)) {
    const id = input.slice(CATALOGUE_SCHEME.length);
    const entry = findEntry(id);
    if (entry === null) throw new UsageError(`the catalogue has no entry "${id}"; "faultline catalogue" lists what it has.`);
    return { program: entry.program, defects: [entry.defect], recorded: false };
  }
  if (!existsSync(input)) throw new UsageError(`${input}: there is no such file.`);
  if (!statSync(input).isFile())
    throw new UsageError(`${input}: this is not a regular file; name a program, a .syz file or an strace log.`);
  switch (flags.format ?? guessFormat(input)) {
    case 'module':
      return { program: await loadProgramModule(input), defects: [], recorded: false };
    case 'syz':
      return { program: loadSyz(input, flags), defects: [], recorded: false };
    default:
      return { program: straceProgram({ name: basename(input), pieces: () => textPieces(input) }), defects: [], recorded: true };
  }
}

function guessFormat(path: string): NonNullable<InputFlags['format']> {
  if (isModule(path)) return 'module';
  if (/\.syz$/.test(path)) return 'syz';
  if (/\.(strace|log|txt|out)$/.test(path) || looksLikeStrace(path)) return 'strace';
  throw new UsageError(`${path}: cannot tell what this is; say --format module, syz or strace.`);
}

function looksLikeStrace(path: string): boolean {
  const buffer = Buffer.alloc(4096);
  const file = openSync(path, 'r');
  const length = readSync(file, buffer, 0, buffer.length, 0);
  closeSync(file);
  const [first = ''] = buffer.toString('latin1', 0, length).split('\n');
  return /^(\[pid +)?\d*\]? *[\d:.]* *(execve|\w+)\(.*/.test(first);
}

async function loadProgramModule(path: string): Promise<Program> {
  const { default: exported } = await loadModule(path);
  if (typeof exported === 'object' && exported !== null && 'run' in exported && typeof exported.run === 'function') {
    return { ...(exported as Program), name: basename(path) };
  }
  throw new UsageError(
    `${path}: the module has no program as its default export; write export default defineProgram({ *main(user) { … } }).`,
  );
}

function loadSyz(path: string, flags: InputFlags): Program {
  const { size } = statSync(path);
  if (size > MAX_SYZ_BYTES)
    throw new UsageError(`${path}: ${size} bytes are too many for a syzkaller program; the most is ${MAX_SYZ_BYTES}.`);
  const parsed = parseSyz(readFileSync(path, 'utf8'), { file: path });
  return syzProgram(parsed, {
    name: basename(path),
    ...(flags.os !== undefined && { os: flags.os }),
    ...(flags.strict !== undefined && { strict: flags.strict }),
  });
}
