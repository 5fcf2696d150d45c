/**
 * A snapshot goes from one build to another, and from one process to another: what ran fast in the direct build is explored in the stepped one.
 *
 * => needs the packages to be built, as `npm test` does.
 */
import { readFileSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { boot, Snapshot, StateText, type System } from '@faultline/kernel';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { runToEnd } from './child-process.js';
import { PlantedTree, workspace } from './planted-tree.js';

const OPTIONS = { ram: 64 * 4096, swap: [{ name: 'wd0', pages: 256 }] };
const PAGES = 100;

/** Runs in the direct build, in a process of its own. */
const DIRECT = `
import { writeFileSync } from 'node:fs';
import { boot, MAP_ANON, MAP_PRIVATE, StateText } from '@faultline/kernel/direct';
const system = boot(${JSON.stringify(OPTIONS)});
const user = system.spawn('direct');
const at = user.mmap(0, ${PAGES} * 4096, 3, MAP_ANON | MAP_PRIVATE);
for (let i = 0; i < ${PAGES}; i++) user.store32(at + i * 4096, i);
user.fork();
user.pipe();
writeFileSync('machine.snapshot', system.snapshot().toBytes());
const text = new StateText();
system.kernel.writeState(text);
console.log(JSON.stringify({ at, lines: text.lines }));
`;

const tree = new PlantedTree();
beforeAll(() => symlinkSync(join(workspace, 'node_modules'), join(tree.path, 'node_modules')));
afterAll(() => tree.remove());

function linesOf(system: System): string[] {
  const text = new StateText();
  system.kernel.writeState(text);
  return text.lines;
}

it('is saved by the direct build, and goes on in the stepped one', () => {
  tree.write('direct.mjs', DIRECT);
  const { stdout, stderr } = runToEnd(process.execPath, ['direct.mjs'], { cwd: tree.path });
  expect(stderr).toBe('');
  const { at, lines } = JSON.parse(stdout) as { at: number; lines: string[] };

  const system = boot(OPTIONS);
  system.restore(Snapshot.fromBytes(readFileSync(join(tree.path, 'machine.snapshot'))));
  expect(linesOf(system)).toEqual(lines);
  const loaded = system.perform(system.thread(2), function* (child) {
    const found: number[] = [];
    for (let i = 0; i < PAGES; i++) found.push(yield* child.load32(at + i * 4096));
    return found;
  });
  expect(loaded).toEqual(Array.from({ length: PAGES }, (_, i) => i));
  expect(system.audit()).toEqual([]);
});
