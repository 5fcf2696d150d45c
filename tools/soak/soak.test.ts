/** The soak by itself: that it passes on a small machine, and that it would not if a byte were wrong or a page were not given back. */
import { mkdtempSync, readdirSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import * as kernel from '@faultline/kernel/direct';
import { describe, expect, it } from 'vitest';
import { findLeaks } from '../../packages/program/dist/direct/leaks.js';
import { type Outcome, runToEnd } from '../child-process.js';
import { Soak } from './soak.mjs';

const SOAK = fileURLToPath(new URL('../soak.mjs', import.meta.url));
const SMALL = ['--seed', '1', '--processes', '16', '--ram', '256'];

function run(...args: string[]): Outcome {
  return runToEnd(process.execPath, [SOAK, ...args]);
}

/** A soak on a small machine, after some rounds, with its files in a folder of the host. */
function soakFor(rounds: number): { soak: Soak; folder: string } {
  const folder = mkdtempSync(join(tmpdir(), 'faultline-soak-test-'));
  const soak = new Soak(
    { kernel, findLeaks },
    { build: 'direct', seed: 5, processes: 8, ramPages: 128, usedPages: 1280, policy: 'clock', folder },
  );
  for (let i = 0; i < rounds; i++) soak.round();
  return { soak, folder };
}

describe('the soak', () => {
  it.each([
    // So many rounds that swap is taken away once.
    ['direct', 3050, 9.5],
    ['stepped', 250, 5],
  ])('ends well on the %s build, with many times as many pages as there is RAM', (build, rounds, least) => {
    const { status, stdout, stderr } = run('--build', build, '--rounds', String(rounds), ...SMALL);
    expect(stderr).toBe('');
    expect(status).toBe(0);
    expect(stdout).toContain('All bytes were right, and all was given back');
    const [, times = ''] = /([\d.]+) times RAM/.exec(stdout) ?? [];
    expect(Number(times)).toBeGreaterThan(least);
  });

  it('does the same for the same seed', () => {
    const [first, second] = [soakFor(400).soak, soakFor(400).soak];
    expect(second.summary()).toEqual(first.summary());
    expect(first.summary().counters.pgswapout).toBeGreaterThan(0);
    first.close();
    second.close();
  });

  it('notices bytes that are not what was stored', () => {
    const { soak, folder } = soakFor(600);
    for (const name of readdirSync(folder).filter((name) => name.startsWith('swap'))) {
      writeFileSync(join(folder, name), new Uint8Array(2000 * 4096).fill(0xee));
    }
    expect(() => soak.finish()).toThrow(/is 0xeeeeeeee .*, not 0x/);
    soak.close();
  });

  it('notices what is not given back', () => {
    const { soak } = soakFor(50);
    const process = soak.system.spawn('late');
    soak.system.perform(process, (user) => user.open('/data0', kernel.O_RDWR));
    expect(() => soak.finish()).toThrow('some process has not ended');
    soak.close();
  });

  it('refuses what makes no sense', () => {
    const { status, stderr } = run('--ram', '0');
    expect(status).toBe(2);
    expect(stderr).toBe('--ram is a number of pages from 64 up, not "0".\n');
    expect(run('--build', 'watched').stderr).toBe('--build is one of direct, stepped, both, not "watched".\n');
  });
});
