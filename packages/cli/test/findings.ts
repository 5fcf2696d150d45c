/** Findings for the tests of the commands that read them: made as the explorer makes them, by looking for something that goes wrong. */
import { copyFileSync, mkdtempSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { defectsOf, findEntry } from '@faultline/catalogue';
import { sample } from '@faultline/explorer';
import { parseSyz } from '@faultline/formats';
import type { NetbsdPatch } from '@faultline/kernel';
import {
  digestOf,
  type FindingPatch,
  type FindingProgram,
  findingFileName,
  findingText,
  makeFinding,
  type Program,
  programModel,
  syzProgram,
} from '@faultline/program';
import { fixture } from './command.js';
import race, { neverBusy } from './fixtures/race.js';

/** What to look for something wrong in. */
interface Sought {
  readonly program: Program;
  readonly source: FindingProgram;
  readonly patches: readonly NetbsdPatch[];
  readonly patchSources: readonly FindingPatch[];
}

/** A folder in which tests find the packages, as in a project of a user's. */
export function userFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'faultline-cli-'));
  symlinkSync(fileURLToPath(new URL('../../../node_modules', import.meta.url)), join(folder, 'node_modules'));
  return folder;
}

function writeFinding(folder: string, { program, source, patches, patchSources }: Sought): string {
  const machine = { ramPages: 64 };
  const model = programModel(program, { machine, patches });
  const [found] = sample(model, { seed: 1, budget: { executions: 500 } }).found;
  if (found === undefined) throw new Error(`nothing goes wrong in ${program.name}`);
  const summary = ['Something goes wrong.'];
  const finding = makeFinding({ model, found, program: source, patches: patchSources, machine, summary, version: '0.1.0' });
  const path = join(folder, findingFileName(finding));
  writeFileSync(path, findingText(finding));
  return path;
}

/** Writes a finding of an entry of the catalogue to a folder; answers its path. */
export function writeCatalogueFinding(folder: string, id: string): string {
  const entry = findEntry(id);
  if (entry === null) throw new Error(`there is no entry ${id}`);
  const { program } = entry;
  const patches = defectsOf(entry);
  const source = { kind: 'catalogue', id } as const;
  return writeFinding(folder, { program, source, patches, patchSources: patches.map(({ id }) => ({ id })) });
}

/** Copies a module with a program and a patch to a folder, and writes a finding of it next to it. */
export function writeModuleFinding(folder: string): string {
  copyFileSync(fixture('race.ts'), join(folder, 'race.ts'));
  const module = { path: 'race.ts', digest: digestOf(readFileSync(fixture('race.ts'), 'utf8')) };
  return writeFinding(folder, {
    program: race,
    source: { kind: 'module', ...module },
    patches: [neverBusy],
    patchSources: [{ id: neverBusy.id, module }],
  });
}

/** Writes a finding of a syzkaller program to a folder. */
export function writeSyzFinding(folder: string, text: string, patchOf: string): string {
  const name = 'wire.syz';
  const entry = findEntry(patchOf);
  if (entry === null) throw new Error(`there is no entry ${patchOf}`);
  return writeFinding(folder, {
    program: syzProgram(parseSyz(text), { name }),
    source: { kind: 'syz', name, os: 'netbsd', text },
    patches: defectsOf(entry),
    patchSources: defectsOf(entry).map(({ id }) => ({ id })),
  });
}

/** Changes the text of a file. */
export function edit(path: string, change: (text: string) => string): void {
  const text = readFileSync(path, 'utf8');
  const changed = change(text);
  if (changed === text) throw new Error(`${path} is as it was`);
  writeFileSync(path, changed);
}
