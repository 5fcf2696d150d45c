/** `faultline verify`: whether a fix cures, and what speaks against it. */
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Outcome } from '../../../tools/child-process.js';
import { faultline, fixture } from './command.js';

const RACE = 'catalogue:netbsd-2017-fixed-race';
const CURE = 'netbsd-fixed-replaces-in-one-hold';
let folder = '';
const verify = (...args: readonly string[]): Outcome => faultline('verify', ...args, '--out', join(folder, 'findings'));

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'faultline-cli-'));
});
afterAll(() => rmSync(folder, { recursive: true }));

describe('faultline verify', () => {
  it('says that a fix cures, how much of the program that covers, and what else was tried', () => {
    const { status, stdout } = verify(RACE, '--fix', CURE, '--budget', '90s');
    expect(stdout).toMatch(/^(CURES|OPEN) +netbsd-fixed-replaces-in-one-hold: /m);
    expect(stdout).toMatch(/^ +without the fix +FOUND: check: mmap\(MAP_FIXED\) over a mapping of its own fails \(1 preemption/m);
    expect(stdout).toMatch(/^ +with the fix +OK: all \d+ interleavings/m);
    expect(stdout).toMatch(/^ +catalogue:netbsd-2019-mlock-zero +OK/m);
    expect([0, 3]).toContain(status);
  });

  it('shows the schedule that refutes one that does not, and writes a finding', () => {
    const { status, stdout } = verify('catalogue:netbsd-2019-mlock-zero', '--fix', 'netbsd-wrapped-range-is-refused');
    expect(stdout).toMatch(/^FAILS +netbsd-wrapped-range-is-refused: something goes wrong with it, too\.$/m);
    expect(stdout).toMatch(/^FOUND/m);
    expect(readdirSync(join(folder, 'findings'))).toHaveLength(1);
    expect(status).toBe(1);
  });

  it('says so when a fix breaks what was sound', () => {
    const args = [RACE, '--fix', CURE, '--fix', fixture('lost-page.mjs'), '--json', '--budget', '20s'];
    const { status, stdout } = verify(...args);
    expect(['breaks', 'refuted']).toContain(JSON.parse(stdout).verdict);
    expect(status).toBe(1);
  });

  it('says so when there is no defect to cure', () => {
    const { status, stdout } = verify(
      fixture('unmap-wire.ts'),
      '--defect',
      CURE,
      '--fix',
      'netbsd-empty-range-returns',
      '--bound',
      '1',
    );
    expect(stdout).toMatch(/the defect does not show in this program/);
    expect(status).toBe(3);
  });

  it.each<[what: string, args: readonly string[], message: RegExp]>([
    ['no fix', [RACE], /name the patch that is said to cure: --fix PATCH/],
    ['no defect', [fixture('unmap-wire.ts'), '--fix', CURE], /what brings the defect about\? Name the patch: --defect PATCH/],
    ['an unknown fix', [RACE, '--fix', 'no-such'], /there is no patch named "no-such"/],
  ])('refuses %s with a sentence', (_what, args, message) => {
    const { status, stdout, stderr } = verify(...args);
    expect(stderr).toMatch(message);
    expect([status, stdout]).toEqual([2, '']);
  });
});
