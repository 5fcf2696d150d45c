/** What docs/tutorial.md says of its example is so. */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, describe, expect, it } from 'vitest';
import { faultlineIn } from './command.js';

const TUTORIAL = readFileSync(fileURLToPath(new URL('../../../docs/tutorial.md', import.meta.url)), 'utf8');
const ROOT = fileURLToPath(new URL('../../..', import.meta.url));
const FILE = 'examples/tutorial/quiet-munmap.ts';

/** The lines of a report that the page shows too. */
function verdict(stdout: string): string[] {
  return stdout
    .split('\n')
    .filter((line) => /^ *(FOUND|FAILS|CURES|Point of no return)|Simplest schedule|interleavings in/.test(line));
}

const folders: string[] = [];
afterAll(() => {
  for (const folder of folders) rmSync(folder, { recursive: true });
});

/** A place for finding files. */
function out(): string {
  const folder = mkdtempSync(join(tmpdir(), 'faultline-tutorial-'));
  folders.push(folder);
  return folder;
}

describe('the tutorial', () => {
  it('shows what explore says of the change', () => {
    const { stdout, status } = faultlineIn(ROOT, 'explore', FILE, '--patch', `${FILE}#quietMunmap`, '--out', out());
    expect(status).toBe(1);
    const lines = verdict(stdout);
    expect(lines).toHaveLength(4);
    for (const line of lines) expect(TUTORIAL).toContain(line);
  });

  it.each([
    ['waitOnce', 1],
    ['waitWithLock', 0],
  ])('shows what verify says of %s', (fix, expected) => {
    const { stdout, status } = faultlineIn(
      ROOT,
      'verify',
      FILE,
      '--defect',
      `${FILE}#quietMunmap`,
      '--fix',
      `${FILE}#${fix}`,
      '--out',
      out(),
    );
    expect(status).toBe(expected);
    const [line = ''] = verdict(stdout);
    expect(line).not.toBe('');
    expect(TUTORIAL).toContain(line);
  });

  it('is right in that the kernel of today is sound', () => {
    const { stdout, status } = faultlineIn(ROOT, 'explore', FILE);
    expect(status).toBe(0);
    const [counted = ''] = /All \d+ interleavings of 2 threads \(\d+ states\)/.exec(stdout) ?? [];
    expect(counted).not.toBe('');
    expect(TUTORIAL).toContain(counted);
  });
});
