/** `faultline run`: what it prints, and how it ends. */
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { runToEnd } from '../../../tools/child-process.js';
import { example, faultline, fixture } from './command.js';

const DEFECT = 'catalogue:netbsd-2019-mlock-zero';

describe('faultline run', () => {
  it('lists the calls of a module and what they answered, the maps and the counters', () => {
    const { status, stdout } = faultline('run', fixture('two-threads.ts'));
    expect(stdout).toMatch(/^two-threads\.ts on NetBSD UVM · RAM 16384 pages · DIAGNOSTIC on · run-to-block$/m);
    expect(stdout).toMatch(/^ +1 {2}1\.1 +_lwp_create\(\) = 2$/m);
    expect(stdout).toMatch(/^ +3 {2}1\.1 +mlock\(0x[0-9a-f]+, 4096\) = 0$/m);
    expect(stdout).toMatch(/^OK {3}9 calls\. \d+ invariants hold; nothing left over\.$/m);
    expect(stdout).toContain('Memory of process 1 (main) when it ended');
    expect(stdout).toMatch(/^ +2 total faults taken$/m);
    expect(status).toBe(0);
  });

  it('says the same as data with --json', () => {
    const { status, stdout } = faultline('run', fixture('two-threads.ts'), '--json');
    const result = JSON.parse(stdout);
    expect(result).toMatchObject({ clean: true, end: { kind: 'done' }, callCount: 9, leaks: [], explanation: null });
    expect(result.calls[2]).toMatchObject({ number: 3, name: 'mlock', result: 0 });
    expect(status).toBe(0);
  });

  it('decides by the seed who runs next, the same each time', () => {
    const runs = ['1', '1', '2'].map((seed) => faultline('run', fixture('two-threads.ts'), '--seed', seed, '--json').stdout);
    expect(runs[1]).toBe(runs[0]);
    expect(JSON.parse(runs[2] ?? '').schedule).not.toEqual(JSON.parse(runs[0] ?? '').schedule);
  });

  it('explains a panic, names the first broken call, and exits with 1', () => {
    const { status, stdout } = faultline('run', DEFECT);
    expect(stdout).toMatch(/^FOUND +assertion "pg->wire_count != 0" in uvm_pageunwire/m);
    expect(stdout).toMatch(/What went wrong first: call 1 of 4, mlock\(0x[0-9a-f]+, 0\) = 0, 3 calls before the panic/);
    expect(stdout).toMatch(/pass 2 +no round: entry\.start < end is (\w+) < \1 /);
    expect(stdout).toMatch(/panic: kernel diagnostic assertion "pg->wire_count != 0" failed/);
    expect(stdout).toMatch(/faultline show map catalogue:netbsd-2019-mlock-zero --after 1 --full/);
    expect(status).toBe(1);
  });

  it('has I/O go wrong as it is told to', () => {
    const { status, stdout } = faultline('run', fixture('file-writer.mjs'), '--io-fault', '/data:write:2:ENOSPC');
    expect(stdout).toMatch(/ · faults on \/data$/m);
    const answers = [...stdout.matchAll(/ fsync\(\d+\) = (.*?)\s*$/gm)].map(([, answer]) => answer);
    expect(answers).toEqual(['0', '-1 ENOSPC', '0']);
    expect(status).toBe(0);
    const slow = faultline(
      'run',
      fixture('file-writer.mjs'),
      '--io-fault',
      '/data:write:1+:delay=100',
      '--io-fault',
      '/data:sync:1+:short=1',
    );
    expect(slow.stderr).toContain('Give PATH:KIND');
  });

  it('runs an entry of the catalogue on the kernel of today with --no-defect', () => {
    const { status, stdout } = faultline('run', DEFECT, '--no-defect');
    expect(stdout).toMatch(/^OK {3}4 calls/m);
    expect(status).toBe(0);
  });

  it.each([
    ['netbsd-empty-range-returns', 0],
    ['netbsd-wrapped-range-is-refused', 1],
  ])('tries a remedy on top of the defect: %s', (remedy, status) => {
    expect(faultline('run', DEFECT, '--patch', remedy).status).toBe(status);
  });

  it('shows the damage when the kernel has no assertions', () => {
    const { status, stdout } = faultline('run', DEFECT, '--no-diagnostic');
    expect(stdout).toContain('wire_count is 65535 now');
    expect(stdout).not.toContain('panic:');
    expect(status).toBe(1);
  });

  it('takes patches from modules, and reports what they leave behind', () => {
    const { status, stdout } = faultline('run', fixture('two-threads.ts'), '--patch', fixture('lost-page.mjs'));
    expect(stdout).toContain('patch lost-page');
    expect(stdout).toMatch(/^FOUND/m);
    expect(status).toBe(1);
  });

  it('says which signal killed a process, where and when', () => {
    const { stdout } = faultline('run', fixture('wild-load.mjs'));
    expect(stdout).toContain('process 1 (main) was killed by SIGSEGV (SEGV_MAPERR) at 0x123000, after call 1');
  });

  it('writes what a program changed in a file of the host back to it', () => {
    const folder = mkdtempSync(join(tmpdir(), 'faultline-cli-'));
    const data = join(folder, 'data');
    writeFileSync(data, 'hello world\n');
    const { status, stdout } = faultline('run', fixture('host-file.mjs'), '--file', `${data}:/data`);
    expect([status, readFileSync(data, 'latin1')]).toEqual([0, 'HELLO world\n']);
    expect(stdout).not.toContain('(sync)');
    rmSync(folder, { recursive: true });
  });

  it('makes a run that is explained, and so made three times, touch the files of the host only once', () => {
    const folder = mkdtempSync(join(tmpdir(), 'faultline-cli-'));
    const data = join(folder, 'data');
    writeFileSync(data, Buffer.alloc(8192, 'a'));
    const program = ['run', fixture('host-file-wired.mjs'), '--file', `${data}:/data`, '--audit', 'end'];
    const { status, stdout } = faultline(...program, '--patch', 'netbsd-2019-mlock-zero');
    expect(stdout).toMatch(/What went wrong first: call 4 of \d+, mlock\(0x[0-9a-f]+, 0\) = 0/);
    expect(status).toBe(1);
    const bytes = readFileSync(data, 'latin1');
    expect([bytes.slice(0, 2), bytes.slice(4096, 4098), bytes.length]).toEqual(['ba', 'ca', 8192]);
    rmSync(folder, { recursive: true });
  });

  it.each(['mlock-zero', 'fork-pipe', 'truncate-mapping', 'async-munmap', 'fault-injection'])(
    'runs the example %s.syz',
    (name) => {
      const { status, stdout } = faultline('run', example(`syz/${name}.syz`));
      expect(stdout).toMatch(/^OK {3}\d+ calls\./m);
      expect(status).toBe(0);
    },
  );

  it.each(['pipeline', 'allocate', 'compile'])(
    'replays the example %s.strace without a panic, a broken rule or a leak',
    (name) => {
      const { status, stdout } = faultline('run', example(`strace/${name}.strace`));
      expect(stdout).toMatch(/^OK {3}[\d,]+ calls\. \d+ invariants hold; nothing left over\.$/m);
      expect(stdout).not.toContain('not explained');
      expect(status).toBe(0);
    },
  );

  it('colours nothing that is not for a terminal, in CI neither', () => {
    const main = fileURLToPath(new URL('../bin/faultline.js', import.meta.url));
    const run = (environment: NodeJS.ProcessEnv) =>
      runToEnd(process.execPath, [main, 'run', DEFECT], { env: { ...process.env, ...environment } });
    expect(run({ CI: 'true', FORCE_COLOR: undefined }).stdout).not.toContain('\u001b[');
    expect(run({ FORCE_COLOR: '1' }).stdout).toContain('\u001b[');
  });

  it('ends quietly when its reader goes away', () => {
    const main = fileURLToPath(new URL('../bin/faultline.js', import.meta.url));
    const { stdout, stderr } = runToEnd('sh', ['-c', `"${process.execPath}" "${main}" run ${DEFECT} --json | head -1`]);
    expect([stdout, stderr]).toEqual(['{\n', '']);
  });

  it.runIf(existsSync('/dev/full'))('says so when what it found cannot be written', () => {
    const main = fileURLToPath(new URL('../bin/faultline.js', import.meta.url));
    const { stderr, status } = runToEnd('sh', ['-c', `"${process.execPath}" "${main}" run ${DEFECT} > /dev/full`]);
    expect(stderr).toMatch(/^faultline: what was found cannot be written: ENOSPC[^\n]*\n$/);
    expect(status).toBe(2);
  });
});
