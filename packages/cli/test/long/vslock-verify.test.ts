/** What docs/vslock.md shows of `verify` is what it says. It explores all programs of the catalogue that the fix could break: minutes. */
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { faultlineIn } from '../command.js';

const ROOT = fileURLToPath(new URL('../../../..', import.meta.url));
const PAGE = readFileSync(`${ROOT}/docs/vslock.md`, 'utf8');
const BUDGET_MINUTES = 10;

/** The counts of an exploration to the end: `all 9 interleavings (1,634 states)`. */
function counts(line: string): string {
  return /all .* interleavings \([\d,]+ states\)|the only interleaving \([\d,]+ states\)/.exec(line)?.[0] ?? '';
}

describe('the page on vslock', () => {
  it('shows what verify says of the fix', { timeout: 2 * BUDGET_MINUTES * 60_000 }, () => {
    const entry = 'catalogue:netbsd-2003-vslock-truncate';
    const options = ['--fix', 'netbsd-vslock-holds-pages', '--budget', `${BUDGET_MINUTES}m`];
    const { stdout, status } = faultlineIn(ROOT, 'verify', entry, ...options);
    expect(status).toBe(0);
    const lines = stdout.split('\n');
    expect(PAGE).toContain(lines.find((line) => line.startsWith('CURES ')));
    const others = lines.filter((line) => line.startsWith('    catalogue:'));
    expect(others.length).toBeGreaterThan(0);
    for (const other of others) {
      expect(counts(other)).not.toBe('');
      expect(PAGE).toContain(counts(other));
    }
  });
});
