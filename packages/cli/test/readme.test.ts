/** What the READMEs say that the command prints is what it prints. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { faultlineIn } from './command.js';

const root = fileURLToPath(new URL('../../..', import.meta.url));

/** A command, and the lines that it prints; `…` on a line of its own stands for any lines. */
interface Shown {
  readonly command: string;
  readonly lines: readonly string[];
}

/** The code blocks of a page, without their fences. */
function blocksIn(page: string): string[] {
  return [...readFileSync(join(root, page), 'utf8').matchAll(/^```\w*\n([\s\S]*?)^```$/gm)].map(([, body = '']) => body);
}

/** `$ npx faultline …`, and what stands below it. */
function shownIn(page: string): Shown[] {
  return blocksIn(page).flatMap((body) => {
    const [first = '', ...lines] = body.trimEnd().split('\n');
    return first.startsWith('$ npx faultline ') ? [{ command: first.replace('$ npx faultline ', ''), lines }] : [];
  });
}

/** A text without the time that something took. */
function timeless(text: string): string {
  return text.replace(/in \d+(\.\d+)? (ms|s|min)\b/g, 'in so much time');
}

/** Lines that were printed, cut down to what is shown of them. */
function asShown(printed: string, lines: readonly string[]): string[] {
  const all = printed.trimEnd().split('\n');
  const gap = lines.findIndex((line) => line.trim() === '…');
  return gap < 0 ? all : [...all.slice(0, gap), lines[gap] ?? ''];
}

let folder = '';
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'faultline-cli-'));
  const [program = ''] = blocksIn('README.md').filter((body) => body.startsWith('// wire.ts\n'));
  writeFileSync(join(folder, 'wire.ts'), program);
});
afterAll(() => rmSync(folder, { recursive: true }));

describe.each(['README.md', 'packages/cli/README.md'])('%s', (page) => {
  it.each(shownIn(page))('shows what faultline $command prints', ({ command, lines }) => {
    const args = command.split(' ').map((word) => (word.startsWith('examples/') ? join(root, word) : word));
    const { stdout } = faultlineIn(folder, ...args);
    expect(asShown(timeless(stdout), lines)).toEqual(lines.map(timeless));
  });
});

it.each(['README.md', 'packages/cli/README.md'])('%s shows commands', (page) => {
  expect(shownIn(page)).not.toEqual([]);
});

it('the explanations in README.md are in what npm start prints', () => {
  const blocks = blocksIn('README.md').filter((body) => /^(FOUND|What comes of it) /.test(body));
  expect(blocks).toHaveLength(3);
  const printed = ['netbsd-2019-mlock-zero', 'netbsd-2017-fixed-race'].map(
    (id) => faultlineIn(folder, 'explore', `catalogue:${id}`).stdout,
  );
  for (const block of blocks) expect(printed.join('')).toContain(block);
});

it('examples/README.md shows what the pipeline prints', () => {
  const { stdout } = faultlineIn(folder, 'run', join(root, 'examples/strace/pipeline.strace'));
  const shown = blocksIn('examples/README.md').filter((body) => /^(pipeline\.strace on|Memory of process)/.test(body));
  expect(shown).toHaveLength(2);
  for (const body of shown) expect(stdout).toContain(body);
});
