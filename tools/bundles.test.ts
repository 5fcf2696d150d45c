/** What Node loads of a package is what a bundler for browsers finds in it. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { runToEnd } from './child-process.js';
import { workspace } from './planted-tree.js';

type Entries = Record<string, Record<string, string>>;

const packages = join(workspace, 'packages');
const entries = readdirSync(packages).flatMap((name) => {
  const { exports = {} } = JSON.parse(readFileSync(join(packages, name, 'package.json'), 'utf8')) as { exports?: Entries };
  return Object.entries(exports).flatMap(([entry, { node, default: modules = '' }]) =>
    node === undefined
      ? []
      : [{ entry: join(name, entry), node: join(packages, name, node), modules: join(packages, name, modules) }],
  );
});

/**
 * What modules export: of functions and classes the names that they know themselves by, of all else the kind. Asked of a process of its
 * own, which loads them as Node does.
 */
const SCRIPT = `
  const kindOf = (value) => (typeof value === 'function' ? 'function ' + value.name : typeof value);
  const exportsOf = async (file) => Object.entries(await import(file)).map(([name, value]) => name + ': ' + kindOf(value));
  console.log(JSON.stringify(await Promise.all(process.argv.slice(1).map(exportsOf))));
`;
const files = entries.flatMap(({ node, modules }) => [node, modules]);
const answer = runToEnd(process.execPath, ['--input-type=module', '--eval', SCRIPT, ...files]);
const told = JSON.parse(answer.stdout) as string[][];
const exported = new Map(files.map((file, i) => [file, told[i]]));

describe('the bundle', () => {
  it('is there for each build of the packages with many modules', () => {
    const builds = ['', '/direct', '/watched'].flatMap((build) => ['catalogue', 'kernel', 'program'].map((name) => name + build));
    expect(entries.map(({ entry }) => entry).sort()).toEqual([...builds, 'explorer', 'formats', 'kernel/watched/frames'].sort());
  });

  it.each(entries)(
    'of $entry exports what the modules export, by the names that functions and classes had',
    ({ node, modules }) => {
      expect(exported.get(node)?.length).toBeGreaterThan(5);
      expect(exported.get(node)).toEqual(exported.get(modules));
    },
  );
});
