/** The layer rules are themselves tested: on a small tree with imports that must be refused, and imports that must not. */
import { dirname, join, relative } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { PlantedTree, workspace } from './planted-tree.js';

const kernel = 'packages/kernel/src';

/** An import: the file that makes it, and the file or the package that it wants. */
type Import = readonly [from: string, to: string];

const REFUSED: readonly (readonly [rule: string, ...Import])[] = [
  ['kern', `${kernel}/kern/lock.ts`, `${kernel}/machine/ram.ts`],
  ['kern', `${kernel}/kern/mutex.ts`, `${kernel}/boot.ts`],
  ['machine', `${kernel}/machine/pmap.ts`, `${kernel}/uvm/map.ts`],
  ['machine', `${kernel}/machine/cpu.ts`, `${kernel}/sys/trap.ts`],
  ['machine', `${kernel}/machine/disk.ts`, `${kernel}/vm/system.ts`],
  ['vm', `${kernel}/vm/space.ts`, `${kernel}/uvm/map.ts`],
  ['uvm', `${kernel}/uvm/amap.ts`, `${kernel}/freebsd/object.ts`],
  ['uvm', `${kernel}/uvm/fault.ts`, `${kernel}/sys/trap.ts`],
  ['freebsd', `${kernel}/freebsd/map.ts`, `${kernel}/uvm/map.ts`],
  ['freebsd', `${kernel}/freebsd/fault.ts`, `${kernel}/sys/trap.ts`],
  ['sys', `${kernel}/sys/user.ts`, `${kernel}/uvm/map.ts`],
  ['sys', `${kernel}/sys/file.ts`, `${kernel}/freebsd/object.ts`],
  ['kernel', `${kernel}/views.ts`, 'fs'],
  ['kernel', `${kernel}/index.ts`, 'left-pad'],
  ['kernel', `${kernel}/ring.ts`, 'packages/formats/src/index.ts'],
  ['kernel-tests', `${kernel}/kern/lock.test.ts`, 'packages/program/src/index.ts'],
  ['formats', 'packages/formats/src/read.ts', `${kernel}/boot.ts`],
  ['formats', 'packages/formats/src/open.ts', 'fs'],
  ['program', 'packages/program/src/run.ts', 'packages/cli/src/main.ts'],
  ['program', 'packages/program/src/leaks.ts', 'packages/catalogue/src/index.ts'],
  ['program', 'packages/program/src/files.ts', 'packages/host-node/src/index.ts'],
  ['catalogue', 'packages/catalogue/src/entry.ts', 'packages/cli/src/main.ts'],
  ['host-node', 'packages/host-node/src/disk.ts', 'packages/program/src/index.ts'],
  ['circles', `${kernel}/kern/egg.ts`, `${kernel}/kern/hen.ts`],
];

const ALLOWED: readonly Import[] = [
  [`${kernel}/machine/io.ts`, `${kernel}/kern/log.ts`],
  [`${kernel}/uvm/page.ts`, `${kernel}/machine/ram.ts`],
  [`${kernel}/freebsd/page.ts`, `${kernel}/vm/system.ts`],
  [`${kernel}/sys/exec.ts`, `${kernel}/vm/system.ts`],
  [`${kernel}/boot.ts`, `${kernel}/uvm/map.ts`],
  [`${kernel}/uvm/map.test.ts`, `${kernel}/boot.ts`],
  ['packages/formats/src/inflate.ts', 'node_modules/fflate/index.js'],
  ['packages/program/src/strace.ts', 'packages/formats/src/index.ts'],
  ['packages/catalogue/src/index.ts', 'packages/program/src/index.ts'],
  ['packages/host-node/src/index.ts', 'fs'],
  ['packages/host-node/src/store.ts', `${kernel}/boot.ts`],
  ['packages/cli/src/main.ts', 'packages/catalogue/src/index.ts'],
];

const tree = new PlantedTree();
/** What broke which rule: `[rule, from, to]`. */
let broken: string[][] = [];

function plant([from, to]: Import): void {
  const isFile = to.includes('/');
  const path = relative(dirname(from), to).replace(/\.ts$/, '.js');
  tree.write(from, `import '${isFile ? (path.startsWith('.') ? path : `./${path}`) : to}';\n`);
  if (isFile) tree.write(to, '');
}

interface Cruise {
  readonly summary: {
    readonly violations: readonly { readonly rule: { name: string }; readonly from: string; readonly to: string }[];
  };
}

beforeAll(() => {
  tree.write('package.json', '{ "type": "module" }');
  tree.write('tsconfig.test.json', '{ "compilerOptions": { "module": "nodenext" } }');
  for (const [, ...planted] of REFUSED) plant(planted);
  for (const planted of ALLOWED) plant(planted);
  // The way back, which makes a circle; a circle is told once. Types alone may go round.
  plant([`${kernel}/kern/hen.ts`, `${kernel}/kern/egg.ts`]);
  tree.write(`${kernel}/kern/lwp.ts`, "import type { Queue } from './queue.js';\nexport interface Lwp { on: Queue }\n");
  tree.write(`${kernel}/kern/queue.ts`, "import type { Lwp } from './lwp.js';\nexport interface Queue { first: Lwp }\n");

  const config = join(workspace, '.dependency-cruiser.mjs');
  const depcruise = 'dependency-cruiser/bin/dependency-cruise.mjs';
  const { summary } = JSON.parse(tree.run(depcruise, '--config', config, '--output-type', 'json', 'packages')) as Cruise;
  broken = summary.violations.map(({ rule, from, to }) => [rule.name, from, to]);
});

afterAll(() => tree.remove());

describe('the layers', () => {
  it.each(REFUSED)('%s: %s may not import %s', (rule, from, to) => {
    expect(broken).toContainEqual([rule, from, to]);
  });

  it.each(ALLOWED)('%s may import %s', (from, to) => {
    expect(broken.filter(([, breaker, imported]) => breaker === from && imported === to)).toEqual([]);
  });

  it('are broken by nothing else', () => {
    const planted = REFUSED.map(([, from, to]) => `${from} -> ${to}`);
    expect(broken.map(([, from, to]) => `${from} -> ${to}`).filter((pair) => !planted.includes(pair))).toEqual([]);
  });
});
