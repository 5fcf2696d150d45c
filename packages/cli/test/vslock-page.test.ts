/** What docs/vslock.md shows is what the command says. What takes minutes, `verify` of the fix, is in `long/`. */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, describe, expect, it } from 'vitest';
import { faultlineIn } from './command.js';

const PAGE = readFileSync(fileURLToPath(new URL('../../../docs/vslock.md', import.meta.url)), 'utf8');
const ROOT = fileURLToPath(new URL('../../..', import.meta.url));
const OUT = mkdtempSync(join(tmpdir(), 'faultline-vslock-'));
afterAll(() => rmSync(OUT, { recursive: true }));

/** The lines that do not depend on how fast the host is. */
function verdict(stdout: string): string[] {
  return stdout.split('\n').filter((line) => /^(FOUND|FAILS|CURES) /.test(line));
}

describe('the page on vslock', () => {
  it.each(['truncate', 'threads-a', 'busy', 'busy-order'])('shows what explore says of %s', (name) => {
    const { stdout, status } = faultlineIn(ROOT, 'explore', `catalogue:netbsd-2003-vslock-${name}`, '--out', OUT);
    expect(status).toBe(1);
    const lines = verdict(stdout);
    expect(lines.length).toBeGreaterThan(0);
    expect(lines.some((line) => PAGE.includes(line))).toBe(true);
  });

  it('shows what explore says of the loan: the wiring as the first broken rule', () => {
    const { stdout } = faultlineIn(ROOT, 'explore', 'catalogue:netbsd-2003-vslock-loan', '--out', OUT);
    const first = stdout.split('\n').find((line) => line.startsWith('What went wrong first')) ?? '';
    expect(first).not.toBe('');
    expect(PAGE).toContain(first);
  });

  it('shows how far the fix was explored', () => {
    const { stdout, status } = faultlineIn(
      ROOT,
      'explore',
      'catalogue:netbsd-2003-vslock-truncate',
      '--patch',
      'netbsd-vslock-holds-pages',
    );
    expect(status).toBe(0);
    const [states = ''] = /[\d,]+ states/.exec(stdout) ?? [];
    expect(states).not.toBe('');
    expect(PAGE).toContain(states);
  });
});
