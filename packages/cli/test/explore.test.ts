/** `faultline explore`: what it says, how it ends, and that interrupting it loses nothing. */
import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Outcome } from '../../../tools/child-process.js';
import { example, faultline, fixture } from './command.js';

const RACE = 'catalogue:netbsd-2017-fixed-race';
const TWO = fixture('unmap-wire.ts');
let folder = '';
const path = (name: string): string => join(folder, name);
const explore = (...args: readonly string[]): Outcome => faultline('explore', ...args, '--out', path('findings'));

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'faultline-cli-'));
});
afterAll(() => rmSync(folder, { recursive: true }));

/** Explores in the background, and interrupts it as soon as it says on standard error what is wanted. */
function interrupted(when: RegExp, ...args: readonly string[]): Promise<Outcome> {
  const main = fileURLToPath(new URL('../bin/faultline.js', import.meta.url));
  const child = spawn(process.execPath, [main, 'explore', ...args, '--progress', '--out', path('findings')]);
  let stdout = '';
  let stderr = '';
  child.stdout.on('data', (data) => {
    stdout += data;
  });
  child.stderr.on('data', (data) => {
    const before = when.test(stderr);
    stderr += data;
    if (!before && when.test(stderr)) child.kill('SIGINT');
  });
  return new Promise((resolve) => child.on('close', (status, signal) => resolve({ status, signal, stdout, stderr })));
}

describe('faultline explore', () => {
  it('finds a race of the catalogue, shows it, writes a finding, and exits with 1', () => {
    const { status, stdout } = explore(RACE);
    expect(stdout).toMatch(/^NetBSD UVM · RAM 32 pages · DIAGNOSTIC on · patch netbsd-2017-fixed-race$/m);
    expect(stdout).toMatch(/^FOUND +mmap\(MAP_FIXED\) over a mapping of its own fails/m);
    expect(stdout).toMatch(/Simplest schedule: 1 preemption \(0 is impossible\), \d+ steps\./);
    const [, file = ''] = /faultline replay (\S+)/.exec(stdout) ?? [];
    expect(JSON.parse(readFileSync(file, 'utf8'))).toMatchObject({ preemptions: 1 });
    expect(faultline('replay', file).status).toBe(1);
    expect(status).toBe(1);
  });

  it('proves that the kernel of today has not got it, in one sentence, and exits with 0', () => {
    const { status, stdout } = explore(RACE, '--no-defect');
    expect(stdout).toMatch(/^OK {3}All \d+ interleavings of 2 threads \(\d+ states\) explored in .*\. Nothing found\.$/m);
    expect(status).toBe(0);
  });

  it.each([
    [TWO, 0],
    [RACE, 1],
  ])('finds the same in %s with any number of workers', (input, status) => {
    const runs = ['1', '2', '4'].map((workers) => {
      const { stdout } = explore(input, '--json', '--workers', workers);
      const { interleavings, states, found, coverage, exitStatus } = JSON.parse(stdout);
      return { interleavings, states, found, coverage, exitStatus };
    });
    expect(runs[0]).toMatchObject({ coverage: 'exhausted', exitStatus: status });
    expect(runs[0]?.found.length > 0).toBe(status === 1);
    expect(runs[0]?.states).toBeGreaterThan(50);
    expect(runs[1]).toEqual(runs[0]);
    expect(runs[2]).toEqual(runs[0]);
  });

  it('says with a bound what it has not seen, and exits with 3', () => {
    const { status, stdout } = explore(TWO, '--bound', '1');
    expect(stdout).toMatch(/at most 1 preemption \(\d+ states\).*Nothing found/);
    expect(status).toBe(3);
  });

  it('writes a report for servers of continuous integration', () => {
    explore(RACE, '--junit', path('found.xml'));
    expect(readFileSync(path('found.xml'), 'utf8')).toMatch(/<failure message="mmap\(MAP_FIXED\) over .*" type="check">/);
    explore(RACE, '--no-defect', '--junit', path('clean.xml'));
    expect(readFileSync(path('clean.xml'), 'utf8')).toMatch(/tests="1" failures="0" skipped="0"/);
  });

  it('tells while it runs how far it is', () => {
    const { stderr } = explore(TWO, '--progress');
    expect(stderr).toMatch(/unmap-wire\.ts: exhaustive$/m);
  });

  it('goes on from its journal after an interruption, and comes to the same', async () => {
    // It takes some seconds, so that the interruption comes before the end, on a busy machine too.
    const long = example('explore/mlock-mprotect-munmap.ts');
    const whole = JSON.parse(explore(long, '--json').stdout);
    const journal = path('race.journal');
    const { status, stdout } = await interrupted(/: exhaustive/, long, '--journal', journal, '--workers', '1');
    expect(stdout).toMatch(/^OPEN .*Nothing found so far\.$/ms);
    expect(stdout).toContain(`--journal ${journal}`);
    expect(status).toBe(3);
    const { status: after, stdout: text } = explore(long, '--json', '--journal', journal);
    const { interleavings, states } = JSON.parse(text);
    expect({ interleavings, states }).toEqual({ interleavings: whole.interleavings, states: whole.states });
    expect(after).toBe(0);
  });

  it('keeps what was explored in the usual place when nobody named one, and says how to go on', () => {
    const before = process.env['XDG_CACHE_HOME'];
    process.env['XDG_CACHE_HOME'] = path('cache');
    const { status, stdout } = explore(TWO, '--budget', '1ms');
    if (before === undefined) delete process.env['XDG_CACHE_HOME'];
    else process.env['XDG_CACHE_HOME'] = before;
    expect(status).toBe(3);
    const [kept = ''] = readdirSync(path('cache/faultline'));
    expect(stdout).toContain(`--journal ${path(`cache/faultline/${kept}`)}`);
  });

  it('refuses a journal that is damaged, of something else, or none, and leaves it as it is', () => {
    const journal = path('kept.journal');
    explore(TWO, '--bound', '1', '--journal', journal);
    const bytes = readFileSync(journal);
    const refused = (file: string, message: RegExp, ...args: readonly string[]): void => {
      const kept = readFileSync(file);
      const { status, stdout, stderr } = explore(...args, '--journal', file);
      expect(stderr).toMatch(message);
      expect(stderr).not.toMatch(/\n +at /);
      expect([status, stdout]).toEqual([2, '']);
      expect(readFileSync(file)).toEqual(kept);
    };
    refused(journal, /of another exploration: the number of faults is 1 now, and was 0/, TWO, '--faults', '1');
    refused(journal, /of another exploration: the program is catalogue:/, RACE);
    writeFileSync(path('cut.journal'), bytes.subarray(0, bytes.length - 9));
    refused(path('cut.journal'), /this journal is damaged/, TWO);
    bytes[Math.floor(bytes.length / 2)] = (bytes[Math.floor(bytes.length / 2)] ?? 0) ^ 0x10;
    writeFileSync(path('flipped.journal'), bytes);
    refused(path('flipped.journal'), /this journal is damaged/, TWO);
    writeFileSync(path('note.txt'), 'hello');
    refused(path('note.txt'), /this is no journal/, TWO);
    expect(existsSync(`${journal}.new`)).toBe(false);
  });

  it('goes on from a journal with a higher bound', () => {
    const journal = path('bound.journal');
    expect(explore(TWO, '--bound', '0', '--journal', journal).status).toBe(3);
    expect(explore(TWO, '--journal', journal).status).toBe(0);
  });

  it('tells a program that depends on more than its schedule', () => {
    const { status, stderr } = explore(fixture('own-mind.ts'));
    expect(stderr).toMatch(/own-mind\.ts: two runs under one schedule went on differently .*no clock, no randomness/s);
    expect(status).toBe(2);
  });

  it.each<[what: string, args: readonly string[], message: RegExp]>([
    ['a log', [fixture('../../../../examples/strace/pipeline.strace')], /a log says in which order things happened/],
    ['a time that is none', [TWO, '--budget', 'soon'], /Give a time such as 500ms, 60s, 10m or 1h/],
    ['a design that is not there', [TWO, '--design', 'plan9'], /Allowed choices are netbsd/],
    ['no workers', [TWO, '--workers', '0'], /Give a whole number from 1 to 64/],
    ['an unknown patch', [TWO, '--patch', 'no-such'], /there is no patch named "no-such"/],
    ['a missing program', [path('missing.ts')], /there is no such file/],
  ])('refuses %s with a sentence', (_what, args, message) => {
    const { status, stdout, stderr } = explore(...args);
    expect(stderr).toMatch(message);
    expect(stderr).not.toMatch(/\n +at /);
    expect([status, stdout]).toEqual([2, '']);
  });
});
