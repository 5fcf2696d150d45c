/** Finding files on disk: writing them, and loading all that a finding was made with. */
import { readFileSync, statSync, writeFileSync } from 'node:fs';
import { basename, dirname, isAbsolute, join, relative, resolve, sep } from 'node:path';
import { findEntry } from '@faultline/catalogue';
import { parseSyz } from '@faultline/formats';
import { errorsOf } from '@faultline/host-node';
import type { NetbsdPatch } from '@faultline/kernel';
import {
  digestOf,
  FindingError,
  type FindingFile,
  type FindingPatch,
  type FindingProgram,
  findingFileName,
  findingText,
  type Program,
  parseFinding,
  type SyzOs,
  syzProgram,
} from '@faultline/program';
import { makeFolder } from './folders.js';
import { loadInput } from './input.js';
import { isModule } from './modules.js';
import { loadPatches, patchModule } from './patches.js';
import { UsageError } from './usage.js';

/** The most that a finding file may be, in bytes. */
const MOST_BYTES = 2 ** 20;
const CATALOGUE_SCHEME = 'catalogue:';

/** A finding, with everything that it takes to have it again. */
export interface LoadedFinding {
  readonly path: string;
  readonly finding: FindingFile;
  readonly program: Program;
  /** The patches that the finding was made with, in order. */
  readonly patches: readonly NetbsdPatch[];
  /** Sentences about what is not as it was when the finding was made. */
  readonly warnings: readonly string[];
}

/** Writes a finding to a folder, which is made if need be; answers its path. */
export function saveFinding(folder: string, finding: FindingFile): string {
  const path = join(folder, findingFileName(finding));
  errorsOf(path, () => {
    makeFolder(folder);
    writeFileSync(path, findingText(finding));
  });
  return path;
}

/** How a finding in a folder names what was run. @throws {UsageError} for what cannot be had again from a file */
export function findingProgram(input: string, folder: string, options: { readonly os?: SyzOs | undefined } = {}): FindingProgram {
  if (input.startsWith(CATALOGUE_SCHEME)) return { kind: 'catalogue', id: input.slice(CATALOGUE_SCHEME.length) };
  const text = errorsOf(input, () => readFileSync(input, 'utf8'));
  if (isModule(input)) return { kind: 'module', path: pathFrom(folder, input), digest: digestOf(text) };
  if (/\.syz$/.test(input)) return { kind: 'syz', name: basename(input), os: options.os ?? 'netbsd', text };
  throw new UsageError(
    `${input}: a finding is of a module, a .syz program or an entry of the catalogue, and this is none of them.`,
  );
}

/** How a finding in a folder names the patches that `loadPatches` gives for these names. */
export async function findingPatches(names: readonly string[], folder: string): Promise<FindingPatch[]> {
  const patches: FindingPatch[] = [];
  for (const name of names) {
    const ids = (await loadPatches([name])).map(({ id }) => id);
    const from = patchModule(name)?.path ?? null;
    if (from === null) {
      patches.push(...ids.map((id) => ({ id })));
      continue;
    }
    const module = { path: pathFrom(folder, from), digest: digestOf(errorsOf(from, () => readFileSync(from, 'utf8'))) };
    patches.push(...ids.map((id) => ({ id, module })));
  }
  return patches;
}

/**
 * Loads a finding, its program and its patches.
 *
 * @throws {UsageError} with a sentence when the file, or something that it names, is not there or is broken
 */
export async function loadFinding(path: string): Promise<LoadedFinding> {
  const finding = readFinding(path);
  const folder = dirname(path);
  const warnings: string[] = [];
  const program = await loadProgram(path, finding.program, folder, warnings);
  const patches: NetbsdPatch[] = [];
  for (const patch of finding.patches) patches.push(await loadPatch(path, patch, folder, warnings));
  return { path, finding, program, patches, warnings };
}

/** Where something is that a finding names. */
export function pathOf(folder: string, path: string): string {
  return isAbsolute(path) ? path : join(folder, ...path.split('/'));
}

function pathFrom(folder: string, path: string): string {
  return relative(resolve(folder), resolve(path)).split(sep).join('/');
}

function readFinding(path: string): FindingFile {
  const stats = errorsOf(path, () => statSync(path, { throwIfNoEntry: false }));
  if (stats === undefined) throw new UsageError(`${path}: there is no such file.`);
  if (!stats.isFile())
    throw new UsageError(`${path}: this is not a regular file; name a finding, which "faultline explore" writes.`);
  if (stats.size > MOST_BYTES)
    throw new UsageError(`${path}: this is no finding: it has ${stats.size} bytes, and a finding has a few thousand.`);
  const text = errorsOf(path, () => readFileSync(path, 'utf8'));
  return sentencesOf(path, () => parseFinding(text));
}

/** Does something; what is wrong with a finding is said with the name of its file. */
function sentencesOf<T>(path: string, job: () => T): T {
  try {
    return job();
  } catch (error) {
    if (error instanceof FindingError) throw new UsageError(`${path}: ${error.message}.`);
    throw error;
  }
}

async function loadProgram(path: string, program: FindingProgram, folder: string, warnings: string[]): Promise<Program> {
  switch (program.kind) {
    case 'catalogue': {
      const entry = findEntry(program.id);
      if (entry !== null) return entry.program;
      throw new UsageError(`${path}: its program is entry "${program.id}" of the catalogue, which has none of that name.`);
    }
    case 'syz':
      return syzProgram(parseSyz(program.text, { file: `${program.name} in ${path}` }), { name: program.name, os: program.os });
    case 'module': {
      const module = pathOf(folder, program.path);
      checkModule(path, module, program.digest, warnings);
      return (await loadInput(module, { format: 'module', defect: true, file: [] })).program;
    }
  }
}

async function loadPatch(path: string, { id, module }: FindingPatch, folder: string, warnings: string[]): Promise<NetbsdPatch> {
  if (module === undefined) {
    const [known] = await loadPatches([id]).catch(() => []);
    if (known !== undefined) return known;
    throw new UsageError(`${path}: it was made with patch "${id}" of the catalogue, which has none of that name.`);
  }
  const from = pathOf(folder, module.path);
  checkModule(path, from, module.digest, warnings);
  const [found] = (await loadPatches([from])).filter((patch) => patch.id === id);
  if (found !== undefined) return found;
  throw new UsageError(`${path}: it was made with patch "${id}" of ${from}, which exports none of that name.`);
}

/** A module has to be there; when it has changed since, that is worth a word. */
function checkModule(path: string, module: string, digest: string, warnings: string[]): void {
  if (statSync(module, { throwIfNoEntry: false }) === undefined)
    throw new UsageError(`${path}: it needs ${module}, and there is no such file.`);
  const warning = `${module} has changed since the finding was made`;
  if (digestOf(errorsOf(module, () => readFileSync(module, 'utf8'))) !== digest && !warnings.includes(warning))
    warnings.push(warning);
}
