/** Whatever is wrong with the command line or an input gets a sentence, and exit status 2. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { faultline, fixture } from './command.js';

let folder = '';
const file = (name: string, content: string | Uint8Array): string => {
  const path = join(folder, name);
  writeFileSync(path, content);
  return path;
};

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'faultline-cli-'));
});
afterAll(() => rmSync(folder, { recursive: true }));

const MODULE = fixture('two-threads.ts');

describe('bad input', () => {
  it.each<[what: string, args: () => string[], message: RegExp]>([
    ['an unknown command', () => ['frobnicate'], /unknown command 'frobnicate'/],
    ['a missing input', () => ['run'], /missing required argument 'input'/],
    ['an unknown option', () => ['run', MODULE, '--loud'], /unknown option '--loud'/],
    ['a file that is not there', () => ['run', 'no-such.syz'], /no-such\.syz: there is no such file/],
    ['a folder', () => ['run', folder], /not a regular file; name a program, a \.syz file or an strace log/],
    ['something else', () => ['run', file('x.dat', Uint8Array.of(0, 1, 2, 255))], /cannot tell what this is; say --format/],
    ['a module without a program', () => ['run', fixture('not-a-program.mjs')], /has no program as its default export; write/],
    [
      'a module that cannot be loaded',
      () => ['run', file('x.mjs', "import 'no-such-module';")],
      /x\.mjs:1: Cannot find .*no-such-module/,
    ],
    ['a broken program', () => ['run', file('x.syz', 'munmap(0x0,\n')], /x\.syz:1:12: expected .*found the end of the line/],
    ['unknown calls under --strict', () => ['run', file('y.syz', 'socket(0x2, 0x1, 0x0)\n'), '--strict'], /y\.syz:1.*socket/],
    ['a broken log', () => ['run', file('x.strace', 'mmap(NULL, 4096, = 5\n')], /x\.strace:1:\d+: expected/],
    ['too little RAM', () => ['run', MODULE, '--ram', '3'], /Give whole pages from 16 to 1048576, or bytes such as 64M/],
    ['a seed that is no number', () => ['run', MODULE, '--seed', 'x'], /Give a whole number from 0 to/],
    ['more processors than there can be', () => ['run', MODULE, '--cpus', '1000000000'], /Give a whole number from 1 to 256/],
    [
      'a disk of no size',
      () => ['run', MODULE, '--swap', '0'],
      /Give whole pages from 1 to 1048576, or bytes such as 64M, and a priority/,
    ],
    ['a disk with two priorities', () => ['run', MODULE, '--swap', '1M:1:2'], /and a priority if you like: 64M:1/],
    ['a kernel in which all fails for ever', () => ['run', MODULE, '--faults-in', '1'], /Give a whole number from 2 to/],
    [
      'a seed for what is not random',
      () => ['run', MODULE, '--seed', '1', '--strategy', 'round-robin'],
      /--seed is for the strategy random, not for round-robin; leave one of them out/,
    ],
    ['too many parts of a strategy', () => ['run', MODULE, '--strategy', 'round-robin:1:2'], /Give round-robin:STEPS/],
    ['an option of another input', () => ['run', MODULE, '--strict'], /--strict is for a syzkaller program, and this is none/],
    ['no defect to leave out', () => ['run', MODULE, '--no-defect'], /--no-defect is for an entry of the catalogue/],
    ['an empty file', () => ['run', file('empty.strace', '')], /empty\.strace: this file is empty; name a program,/],
    ['a packed program', () => ['run', file('z.syz', Uint8Array.of(0x1f, 0x8b, 8))], /z\.syz: it is compressed; unpack it first/],
    ['a fault of nothing', () => ['run', MODULE, '--io-fault', 'data:write:EIO'], /Give PATH:KIND\[:N\[\+\]\]:FAULT/],
    ['a fault that there is not', () => ['run', MODULE, '--io-fault', '/data:write:2:EWHAT'], /as in \/data:write:3:EIO/],
    ['a flush that moves bytes', () => ['run', MODULE, '--io-fault', '/data:sync:short=3'], /as in \/data:write:3:EIO/],
    ['an unknown strategy', () => ['run', MODULE, '--strategy', 'fifo'], /Give run-to-block, round-robin/],
    ['a width that no counter has', () => ['run', MODULE, '--counter-width', '8'], /Give 16 or 32/],
    ['an unknown patch', () => ['run', MODULE, '--patch', 'nope'], /no patch named "nope"; there are .*netbsd-2019-mlock-zero,/],
    ['a module without a patch', () => ['run', MODULE, '--patch', fixture('not-a-program.mjs')], /exports no patch; export what/],
    [
      'a patch of a function that is not there',
      () => [
        'run',
        MODULE,
        '--patch',
        file('p.mjs', "export default { id: 'p', summary: 'x', replace: { uvm: { uvmNothing: (f) => f } } };"),
      ],
      /patch "p" replaces uvm_nothing.*no function "uvmNothing"/,
    ],
    ['a host file that is not there', () => ['run', MODULE, '--file', join(folder, 'none')], /none: there is no such file/],
    [
      'two host files of one name',
      () => ['run', MODULE, '--file', `${MODULE}:/x:ro`, '--file', `${MODULE}:/./x:ro`],
      /two-threads\.ts: two files would be \/\.\/x in the system; name this one otherwise/,
    ],
    ['a host file that is a folder', () => ['run', MODULE, '--file', folder], /this is a directory; name a file/],
    ['an unknown view', () => ['show', 'everything', MODULE], /Allowed choices are map, object/],
    [
      'a call that is never made',
      () => ['show', 'map', MODULE, '--after', '99'],
      /there is no call 99 to stop after; the run has/,
    ],
    ['a call before the first', () => ['show', 'map', MODULE, '--after', '0'], /Give a whole number from 1 to/],
    ['a page that no machine has', () => ['show', 'page', MODULE, '--page', '99999'], /numbered from 0 to 16383\.$/m],
    ['a map that is gone', () => ['show', 'map', MODULE, '--id', '99'], /no map 99.*--after CALL shows the system as it was/],
    ['an unknown entry', () => ['catalogue', 'nope'], /no entry "nope"; it has .*netbsd-2019-mlock-zero/],
    ['an unknown entry as input', () => ['run', 'catalogue:nope'], /no entry "nope"; "faultline catalogue" lists/],
  ])('%s is told in a sentence', (_what, args, message) => {
    const { status, stdout, stderr } = faultline(...args());
    expect(stderr).toMatch(message);
    expect(stderr).not.toMatch(/^ {4}at /m);
    expect(stdout).toBe('');
    expect(status).toBe(2);
  });

  it('a file of the host that may only be read is not written', () => {
    const data = file('data', 'hello');
    const { stdout, status } = faultline('run', fixture('host-file.mjs'), '--file', `${data}:/data:ro`);
    expect(stdout).toContain('open("/data", 2) = -1 EROFS');
    expect(stdout).toContain('process 1 (main) was killed by SIGSEGV (SEGV_MAPERR)');
    expect(status).toBe(0);
  });
});
