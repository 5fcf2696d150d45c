/** `faultline export`: a finding as a regression test. */
import { existsSync, writeFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { type Failure, followLabels } from '@faultline/explorer';
import { formatSyz, parseSyz } from '@faultline/formats';
import { errorsOf } from '@faultline/host-node';
import type { NetbsdPatch } from '@faultline/kernel';
import { type FindingProgram, mostSteps, type Program, programModel, shrinkSyz, syzProgram } from '@faultline/program';
import { Command, Option } from 'commander';
import { type LoadedFinding, loadFinding, pathOf } from '../findings.js';
import { collect } from '../machine-options.js';
import { loadModule } from '../modules.js';
import { loadPatches, patchModule } from '../patches.js';
import { DEFECT_VARIABLE, type ExportedPatch, regressionTest } from '../regression-test.js';
import { fill, print } from '../terminal.js';
import { EXIT_CLEAN, UsageError } from '../usage.js';

interface ExportFlags {
  readonly out?: string;
  readonly fix: readonly string[];
  readonly force?: boolean;
}

/** The command. */
export function exportCommand(): Command {
  return new Command('export')
    .description(
      'Write a finding as a regression test for vitest, and a syzkaller program as small as it still fails: the test passes once the defect is gone.',
    )
    .argument('<file>', 'a finding, as "faultline explore" writes it')
    .option('--out <file>', 'where to write the test (default: next to the finding, as FINDING.test.ts)')
    .addOption(
      new Option('--fix <patch>', 'what cures the defect: the test is of the kernel with this patch (may be repeated)')
        .argParser(collect)
        .default([], 'none'),
    )
    .option('--force', 'overwrite files that are there')
    .action(async (file: string, flags: ExportFlags) => {
      process.exitCode = await exportFinding(file, flags);
    });
}

async function exportFinding(file: string, flags: ExportFlags): Promise<number> {
  const loaded = await loadFinding(file);
  const { finding } = loaded;
  const shrunk = shrink(loaded);
  const out = flags.out ?? join(dirname(file), `${basename(file).replace(/\.json$/, '')}.test.ts`);
  const written: [path: string, text: string][] = [
    [
      out,
      regressionTest({
        finding,
        path: file,
        program: shrunk.source,
        modulePath: finding.program.kind === 'module' ? pathOf(dirname(file), finding.program.path) : null,
        defects: await exportedDefects(loaded),
        fixes: await exportedFixes(flags.fix),
        out,
      }),
    ],
  ];
  if (shrunk.source.kind === 'syz') written.push([`${out.replace(/(\.test)?\.[cm]?[jt]s$/, '')}.syz`, shrunk.source.text]);
  for (const [path] of written) {
    if (flags.force !== true && existsSync(path))
      throw new UsageError(`${path} is there already; name another file with --out, or have it overwritten with --force.`);
  }
  for (const [path, text] of written) errorsOf(path, () => writeFileSync(path, text));
  const fixes = await loadPatches(flags.fix);
  const before = failureOn(loaded, shrunk.program, loaded.patches);
  const after = failureOn(loaded, shrunk.program, fixes.length === 0 ? [] : [...loaded.patches, ...fixes]);
  print([
    ...written.map(([path]) => `Written: ${path}`),
    '',
    ...verdictLines(loaded, before, after, flags),
    '',
    'Next',
    `  npx vitest run ${out}`,
    ...(loaded.patches.length === 0 ? [] : [`  ${DEFECT_VARIABLE}=1 npx vitest run ${out}     with the defect: it must fail`]),
  ]);
  return EXIT_CLEAN;
}

/** What the test will say, tried out. */
function verdictLines({ patches }: LoadedFinding, before: Failure | null, after: Failure | null, { fix }: ExportFlags): string[] {
  const tell = (failure: Failure | null): string => (failure === null ? 'passes' : `fails: ${failure.signature}`);
  const sound = fix.length === 0 ? 'on the kernel of today' : `with ${fix.join(' and ')}`;
  const lines = [
    ...(patches.length === 0 ? [] : fill(`With the patches of the finding the test ${tell(before)}.`)),
    ...fill(`${sound.charAt(0).toUpperCase()}${sound.slice(1)} the test ${tell(after)}.`),
  ];
  if (patches.length > 0 && before === null)
    lines.push(...fill('So it tests nothing: program or kernel have changed since the finding was made. Explore again.'));
  if (after !== null && fix.length === 0)
    lines.push(...fill('So the defect is there still. What cures it can be named with --fix.'));
  return lines;
}

function failureOn({ finding }: LoadedFinding, program: Program, patches: readonly NetbsdPatch[]): Failure | null {
  const model = programModel(program, { machine: finding.machine, patches });
  return followLabels(model, finding.decisions, { maxSteps: mostSteps(finding) }).outcome.failure;
}

/** The program, as small as it shows the same failure under the finding's schedule, when it can be made smaller. */
function shrink(loaded: LoadedFinding): { source: FindingProgram; program: Program } {
  const { finding, patches, program } = loaded;
  const { program: source, failure } = finding;
  if (source.kind !== 'syz' || failureOn(loaded, program, patches)?.signature !== failure.signature) return { source, program };
  const { name, os, text } = source;
  const make = (parsed: ReturnType<typeof parseSyz>): Program => syzProgram(parsed, { name, os });
  const smallest = shrinkSyz(
    parseSyz(text, { file: name }),
    (parsed) => failureOn(loaded, make(parsed), patches)?.signature === failure.signature,
  ).program;
  return { source: { ...source, text: formatSyz(smallest) }, program: make(smallest) };
}

async function exportedDefects({ finding, path }: LoadedFinding): Promise<ExportedPatch[]> {
  const exported: ExportedPatch[] = [];
  for (const { id, module } of finding.patches) {
    exported.push({ id, from: module === undefined ? null : await placeOf(id, pathOf(dirname(path), module.path)) });
  }
  return exported;
}

async function exportedFixes(names: readonly string[]): Promise<ExportedPatch[]> {
  const exported: ExportedPatch[] = [];
  for (const name of names) {
    const path = patchModule(name)?.path ?? null;
    for (const { id } of await loadPatches([name])) exported.push({ id, from: path === null ? null : await placeOf(id, path) });
  }
  return exported;
}

/** The name by which a module exports a patch. */
async function placeOf(id: string, path: string): Promise<NonNullable<ExportedPatch['from']>> {
  const found = Object.entries(await loadModule(path)).find(([, value]) => {
    return typeof value === 'object' && value !== null && 'id' in value && value.id === id && 'replace' in value;
  });
  if (found === undefined) throw new UsageError(`${path}: the module exports no patch "${id}".`);
  return { path, name: found[0] };
}
