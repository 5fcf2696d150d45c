/** A finding as a test for vitest, which needs nothing but the packages of Faultline. */
import { basename, dirname, relative, resolve, sep } from 'node:path';
import { decisionText } from '@faultline/explorer';
import { type FindingFile, type FindingProgram, mostSteps } from '@faultline/program';
import { fill } from './terminal.js';

/** The variable of the environment that has a test run on the kernel that the finding was made on. */
export const DEFECT_VARIABLE = 'FAULTLINE_DEFECT';

/** A patch, and where the test has it from. */
export interface ExportedPatch {
  readonly id: string;
  /** The module, and the name that it exports the patch by; null for a patch of the catalogue. */
  readonly from: { readonly path: string; readonly name: string } | null;
}

/** What a test is written of. */
export interface RegressionTest {
  readonly finding: FindingFile;
  /** The finding's file. */
  readonly path: string;
  /** The program, shrunk if it could be. */
  readonly program: FindingProgram;
  /** Where the program's module is; null when it is none. */
  readonly modulePath: string | null;
  /** The patches that the finding was made with. */
  readonly defects: readonly ExportedPatch[];
  /** Patches that are to cure it, on top. */
  readonly fixes: readonly ExportedPatch[];
  /** The file that the test is written to: modules are imported as seen from there. */
  readonly out: string;
}

/** The test as text. */
export function regressionTest(test: RegressionTest): string {
  const { finding, program } = test;
  const patches = new PatchNames([...test.defects, ...test.fixes], test.out);
  const list = (ids: readonly ExportedPatch[]): string => `[${ids.map((patch) => patches.of(patch)).join(', ')}]`;
  const kernel =
    test.defects.length === 0
      ? `const patches = ${list(test.fixes)};`
      : test.fixes.length === 0
        ? `const patches = process.env['${DEFECT_VARIABLE}'] === '1' ? ${list(test.defects)} : [];`
        : `const patches = process.env['${DEFECT_VARIABLE}'] === '1' ? ${list(test.defects)} : ${list([...test.defects, ...test.fixes])};`;
  const blocks = [
    [comment(test), ...imports(test, patches)],
    programLines(program),
    patches.lookup,
    [
      '/** The kernel that is tested. */',
      kernel,
      `const machine: MachineSettings = ${literal(finding.machine)};`,
      '',
      '/** Each thread runs until it blocks, but for these decisions. */',
      `const decisions: readonly LabelledDecision[] = [${finding.decisions.map((d) => `\n  ${literal(d)},`).join('')}${finding.decisions.length > 0 ? '\n' : ''}];`,
    ],
    [
      `it(${quoted(finding.title)}, () => {`,
      `  const { outcome } = followLabels(programModel(program, { machine, patches }), decisions, { maxSteps: ${mostSteps(finding)} });`,
      '  expect(outcome.failure).toBeNull();',
      '  expect(outcome.abandoned).toBe(false);',
      '});',
    ],
  ];
  return `${blocks
    .filter((lines) => lines.length > 0)
    .map((lines) => lines.join('\n'))
    .join('\n\n')}\n`;
}

function comment({ finding, path, defects, fixes }: RegressionTest): string {
  const { decisions, title, summary, foundBy, preemptions } = finding;
  const tested = fixes.length === 0 ? 'the kernel of today' : `the kernel with ${fixes.map(({ id }) => id).join(' and ')}`;
  const how =
    defects.length === 0
      ? `It tests ${tested}: it fails as long as the defect is there.`
      : `It tests ${tested}; with ${DEFECT_VARIABLE}=1 in the environment it tests the kernel that the finding was made on, and fails.`;
  const switches = `${preemptions} preemption${preemptions === 1 ? '' : 's'}`;
  const lines = [
    ...fill(title),
    ...(summary.length === 0 ? [] : ['', ...summary.flatMap((line) => fill(line))]),
    '',
    ...fill(`Written by faultline export from ${basename(path)}, found by Faultline ${foundBy} with ${switches}. ${how}`),
    ...(decisions.length === 0 ? [] : ['', ...decisions.flatMap((decision) => fill(decisionText(decision), '  ', '    '))]),
  ];
  return ['/**', ...lines.map((line) => ` * ${line.replaceAll('*/', '* /')}`.trimEnd()), ' */'].join('\n');
}

function imports({ program, modulePath, out }: RegressionTest, patches: PatchNames): string[] {
  const catalogue = [
    ...(patches.ofCatalogue ? ['CATALOGUE'] : []),
    ...(program.kind === 'catalogue' ? ['findEntry'] : []),
    ...(patches.ofCatalogue ? ['patchesOf'] : []),
  ];
  const programs = ['type MachineSettings', 'programModel', ...(program.kind === 'syz' ? ['syzProgram'] : [])];
  return [
    ...(catalogue.length === 0 ? [] : [`import { ${catalogue.join(', ')} } from '@faultline/catalogue';`]),
    "import { followLabels, type LabelledDecision } from '@faultline/explorer';",
    ...(program.kind === 'syz' ? ["import { parseSyz } from '@faultline/formats';"] : []),
    ...(patches.ofCatalogue ? ["import type { NetbsdPatch } from '@faultline/kernel';"] : []),
    `import { ${programs.join(', ')} } from '@faultline/program';`,
    "import { expect, it } from 'vitest';",
    ...(modulePath === null ? [] : [`import program from ${quoted(importPath(modulePath, out))};`]),
    ...patches.imports,
  ];
}

function programLines(program: FindingProgram): string[] {
  switch (program.kind) {
    case 'module':
      return [];
    case 'catalogue':
      return [
        `const entry = findEntry(${quoted(program.id)});`,
        `if (entry === null) throw new Error(${quoted(`the catalogue has no entry ${program.id}`)});`,
        'const { program } = entry;',
      ];
    case 'syz': {
      const lines = program.text.trimEnd().split('\n');
      return [
        `const text = [${lines.map((line) => `\n  ${quoted(line)},`).join('')}\n].join('\\n');`,
        `const program = syzProgram(parseSyz(text), { name: ${quoted(program.name)}, os: '${program.os}' });`,
      ];
    }
  }
}

/** What the patches are called in a test. */
class PatchNames {
  readonly imports: string[] = [];
  /** Whether any is of the catalogue. */
  readonly ofCatalogue: boolean;
  readonly #names = new Map<ExportedPatch, string>();

  constructor(patches: readonly ExportedPatch[], out: string) {
    this.ofCatalogue = patches.some(({ from }) => from === null);
    for (const patch of patches) {
      const { from, id } = patch;
      if (from === null) {
        this.#names.set(patch, `patchNamed(${quoted(id)})`);
        continue;
      }
      const name = `patch${this.imports.length + 1}`;
      this.imports.push(`import { ${from.name} as ${name} } from ${quoted(importPath(from.path, out))};`);
      this.#names.set(patch, name);
    }
  }

  of(patch: ExportedPatch): string {
    return this.#names.get(patch) ?? '';
  }

  get lookup(): string[] {
    if (!this.ofCatalogue) return [];
    return [
      'function patchNamed(id: string): NetbsdPatch {',
      '  const found = CATALOGUE.flatMap(patchesOf).find((patch) => patch.id === id);',
      // biome-ignore lint/suspicious/noTemplateCurlyInString: this is the text of a program
      '  if (found === undefined) throw new Error(`the catalogue has no patch ${id}`);',
      '  return found;',
      '}',
    ];
  }
}

/** A module as seen from the file that imports it. */
function importPath(path: string, out: string): string {
  const from = relative(dirname(resolve(out)), resolve(path))
    .split(sep)
    .join('/');
  return from.startsWith('.') ? from : `./${from}`;
}

/** Plain data as the text of a program. */
function literal(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(literal).join(', ')}]`;
  if (typeof value === 'string') return quoted(value);
  if (typeof value !== 'object' || value === null) return String(value);
  const fields = Object.entries(value).map(([name, field]) => `${name}: ${literal(field)}`);
  return fields.length === 0 ? '{}' : `{ ${fields.join(', ')} }`;
}

function quoted(text: string): string {
  const json = JSON.stringify(text).slice(1, -1).replaceAll('\\"', '"');
  return `'${json.replaceAll("'", "\\'")}'`;
}
