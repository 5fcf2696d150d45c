/**
 * The examples in the README of each package, and in docs/embedding.md, are run, and must print what the page says.
 *
 * => needs the packages to be built, as `npm test` does.
 */
import { existsSync, readdirSync, readFileSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { runToEnd } from './child-process.js';
import { PlantedTree, workspace } from './planted-tree.js';

/**
 * Code that is complete, and what it prints in the next block. What stands behind a shell's commands depends on the host, and is
 * not run.
 */
interface Example {
  readonly line: number;
  readonly code: string;
  readonly output: string;
}

function examplesIn(text: string): Example[] {
  const blocks = [...text.matchAll(/^```(\w*)\n([\s\S]*?)^```$/gm)].map(({ 1: language = '', 2: body = '', index }) => ({
    language,
    body,
    line: text.slice(0, index).split('\n').length,
  }));
  return blocks.flatMap(({ language, body, line }, at) => {
    const output = blocks[at + 1];
    if (language !== 'js' || !body.startsWith('import ') || output?.language !== '' || blocks[at - 1]?.language === 'sh')
      return [];
    return [{ line, code: body, output: output.body }];
  });
}

const tree = new PlantedTree();
const packages = readdirSync(join(workspace, 'packages')).map((name) => `packages/${name}/README.md`);
const READMES = ['README.md', 'docs/embedding.md', ...packages]
  .filter((file) => existsSync(join(workspace, file)))
  .map((file) => ({ file, examples: examplesIn(readFileSync(join(workspace, file), 'utf8')) }))
  .filter(({ examples }) => examples.length > 0);

beforeAll(() => symlinkSync(join(workspace, 'node_modules'), join(tree.path, 'node_modules')));
afterAll(() => tree.remove());

describe.each(READMES)('$file', ({ file, examples }) => {
  it.each(examples)('prints at line $line what it says', ({ line, code, output }) => {
    const example = `${file.replaceAll('/', '-')}-${line}.mjs`;
    tree.write(example, code);
    const { FORCE_COLOR: _, ...env } = process.env;
    const { stdout, stderr } = runToEnd(process.execPath, [example], { cwd: tree.path, env });
    expect(`${stdout}${stderr}`.trimEnd()).toBe(output.trimEnd());
  });
});

it('the packages that are used as libraries have examples', () => {
  const documented = READMES.map(({ file }) => file);
  for (const name of ['kernel', 'program', 'explorer', 'catalogue', 'formats', 'host-node']) {
    expect(documented).toContain(`packages/${name}/README.md`);
  }
});
