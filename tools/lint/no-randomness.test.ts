import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { PlantedTree, workspace } from '../planted-tree.js';

const SOURCES = ['Math.random()', '[Math.random]', 'Date.now()', 'new Date()', 'performance.now()'];
const PURE = ['kernel', 'program', 'catalogue', 'formats'];

const tree = new PlantedTree();
/** Where the linter refused something: file and line. */
let refused: string[] = [];

interface Lint {
  readonly diagnostics: readonly {
    readonly message: string;
    readonly location: { readonly path: string; readonly start: { readonly line: number } };
  }[];
}

beforeAll(() => {
  for (const file of ['biome.json', 'tools/lint/no-randomness.grit']) {
    tree.write(file, readFileSync(join(workspace, file), 'utf8'));
  }
  const lines = SOURCES.map((source, line) => `export const a${line} = ${source};\n`).join('');
  for (const name of [...PURE, 'host-node', 'cli']) {
    tree.write(`packages/${name}/src/inner/clock.ts`, lines);
    tree.write(`packages/${name}/src/clock.test.ts`, lines);
  }
  tree.write('packages/kernel/src/seeded.ts', "import { random } from './strategy.js';\nexport const a = random(1);\n");
  const { diagnostics } = JSON.parse(tree.run('@biomejs/biome/bin/biome', 'lint', '--reporter=json', '.')) as Lint;
  refused = diagnostics
    .filter(({ message }) => message.startsWith('Nothing here may depend on time or chance'))
    .map(({ location }) => `${location.path}:${location.start.line}`);
});

afterAll(() => tree.remove());

describe('time and chance', () => {
  const everyLine = (file: string) => SOURCES.map((_, line) => `${file}:${line + 1}`);

  it.each(PURE)('are refused in %s, each way of asking for them', (name) => {
    expect(refused).toEqual(expect.arrayContaining(everyLine(`packages/${name}/src/inner/clock.ts`)));
  });

  it('are refused nowhere else: not in tests, host-node and the command, and not for a seeded sequence', () => {
    expect(refused).toHaveLength(PURE.length * SOURCES.length);
  });
});
