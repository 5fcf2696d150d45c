import { FormatError, parseSyz } from '@faultline/formats';
import { describe, expect, it } from 'vitest';
import { callsOf, runSyz } from '../../test/syz-run.js';
import { syzProgram } from './program.js';

const FILE = "r0 = open(&(0x7f0000000000)='./f\\x00', 0x202, 0x1ff)";

describe('calls that Faultline does not have', () => {
  const lines = ['r0 = socket(0x2, 0x1, 0x0)', 'munlockall()', 'ioctl$FIONBIO(r0, 0x8004667e, 0x0)', 'close(r0)'];

  it('are left out, and said', () => {
    const result = runSyz(lines);
    expect(callsOf(result)).toEqual(['munlockall() = 0', 'close(-1) = -1 EBADF']);
    expect(result.remarks).toEqual(['skipped 2 calls that Faultline does not have: socket (line 1), ioctl$FIONBIO (line 3)']);
  });

  it('are refused when strict, with their place and what to do', () => {
    expect(() => syzProgram(parseSyz(lines.join('\n')), { name: 'x.syz', strict: true })).toThrow(
      new FormatError({
        file: 'x.syz',
        line: 1,
        column: 6,
        expected: 'a call that Faultline has (take this one out, or have such calls skipped by not being strict)',
        found: '"socket"',
      }),
    );
  });

  it('of which there are many, are listed up to a bound', () => {
    const { remarks } = runSyz(Array.from({ length: 25 }, () => 'socket()'));
    expect(remarks[0]).toMatch(/^skipped 25 calls .* socket \(line 20\), and 5 more$/);
  });
});

it('compressed data that is none is a format error before anything runs', () => {
  const parsed = parseSyz('getpid()\nwrite(0x1, &(0x7f0000000000)="$AAAA", 0x3)');
  expect(() => syzProgram(parsed, { name: 'x.syz' })).toThrow(/^x\.syz:2:1: expected compressed data in write/);
});

describe('memory', () => {
  it('data is stored before the call and read by it, and results are loaded after it', () => {
    const result = runSyz([
      'pipe2(&(0x7f0000000000)={<r0=>0xffffffffffffffff, <r1=>0xffffffffffffffff}, 0x0)',
      "write(r1, &(0x7f0000000040)='./g\\x00', 0x4)",
      'read(r0, &(0x7f0000000080)=""/4, 0x4)',
      'r2 = open(&(0x7f0000000080), 0x202, 0x0)',
      'close(r2)',
    ]);
    expect(callsOf(result)).toEqual([
      'pipe2(0) = 0',
      'write(1, 0x20000040, 4) = 4',
      'read(0, 0x20000080, 4) = 4',
      'open("./g", 514) = 2',
      'close(2) = 0',
    ]);
  });

  it('a path that cannot be read is EFAULT, one that does not end ENAMETOOLONG, and the call has no effect', () => {
    const long = `"${'61'.repeat(1024)}"`;
    const result = runSyz([
      'r0 = open(0x0, 0x202, 0x0)',
      `r1 = open(&(0x7f0000000000)=${long}, 0x202, 0x0)`,
      'close(r0)',
      'close(r1)',
    ]);
    expect(callsOf(result)).toEqual(['close(-1) = -1 EBADF', 'close(-1) = -1 EBADF']);
  });

  it('data for a place that takes none is passed over, and said', () => {
    const { remarks } = runSyz([
      'mprotect(&(0x7f0000001000/0x1000)=nil, 0x1000, 0x1)',
      'write(0x5, &(0x7f0000001000)="01", 0x1)',
      'munmap(&(0x7f0000001000/0x1000)=nil, 0x1000)',
      'pipe2(&(0x7f0000001000)={<r0=>0x0}, 0x0)',
    ]);
    expect(remarks).toEqual([
      'passed over a fault while the data of 2 calls was being stored, as syz-executor does: write (line 2), pipe2 (line 4)',
    ]);
  });

  it('a call with a padding argument and one without are the same call', () => {
    const calls = callsOf(
      runSyz([FILE, 'ftruncate(r0, 0x2000)', 'ftruncate(r0, 0x0, 0x1000)', 'lseek(r0, 0x0, 0x2)', 'lseek(r0, 0x0, 0x1, 0x1)']),
    );
    expect(calls.slice(1)).toEqual([
      'ftruncate(0, 8192) = 0',
      'ftruncate(0, 4096) = 0',
      'lseek(0, 0, 2) = 4096',
      'lseek(0, 1, 1) = 4097',
    ]);
  });

  it('vectors are moved part by part', () => {
    const vector = '&(0x7f0000000100)=[{&(0x7f0000000200)="6161", 0x2}, {&(0x7f0000000300)="626262", 0x3}]';
    const result = runSyz([
      FILE,
      `writev(r0, ${vector}, 0x2)`,
      `preadv(r0, ${vector}, 0x2, 0x1)`,
      `readv(r0, ${vector}, 0xffffffffffffffff)`,
    ]);
    expect(callsOf(result).slice(1)).toEqual([
      'write(0, 0x20000200, 2) = 2',
      'write(0, 0x20000300, 3) = 3',
      'pread(0, 0x20000200, 2, 1) = 2',
      'pread(0, 0x20000300, 3, 3) = 2',
    ]);
  });

  it('limits are structs in memory, both ways', () => {
    const calls = callsOf(
      runSyz([
        'setrlimit(0x6, &(0x7f0000000000)={0x1000, 0x7fffffffffffffff})',
        'getrlimit(0x6, &(0x7f0000000000)={<r0=>0x0, <r1=>0x0})',
        'setrlimit(0x6, &(0x7f0000000000)={0x1000, 0x2000})',
        'getrlimit(0x6, &(0x7f0000000000)={<r2=>0x0, <r3=>0x0})',
        'munmap(r2, r3)',
      ]),
    );
    expect(calls).toEqual([
      'setrlimit(6, 4096, Infinity) = -1 EPERM',
      'getrlimit(6) = 0',
      'setrlimit(6, 4096, 8192) = 0',
      'getrlimit(6) = 0',
      'munmap(4096, 8192) = 0',
    ]);
  });
});

describe('numbers of flags', () => {
  it('of Linux are translated, and what means nothing here is said', () => {
    const result = runSyz(
      [
        'mmap(&(0x7f0000001000/0x1000)=nil, 0x1000, 0x3, 0x8032, 0x5, 0x0)',
        "r0 = open(&(0x7f0000000000)='./f\\x00', 0x42, 0x0)",
        'mremap(&(0x7f0000001000/0x1000)=nil, 0x1000, 0x1000, 0x3, &(0x7f0000001000/0x1000)=nil)',
        'madvise(&(0x7f0000001000/0x1000)=nil, 0x1000, 0xa)',
        'brk(0x0)',
      ],
      { os: 'linux' },
    );
    expect(callsOf(result)).toEqual([
      'mmap(0x20001000, 4096, 3, 4114, -1, 0) = 0x20001000',
      'open("./f", 514) = 0',
      'mremap(0x20001000, 4096, 0x20001000, 4096, 16) = 0x20001000',
      'minherit(0x20001000, 4096, 2) = 0',
    ]);
    expect(result.remarks).toEqual([
      'left out flags of Linux that mean nothing in NetBSD, in 1 call: MAP_POPULATE in mmap (line 1)',
    ]);
  });

  it('of NetBSD are as they are', () => {
    const lines = ['mmap(&(0x7f0000001000/0x1000)=nil, 0x1000, 0x3, 0x32, 0xffffffffffffffff, 0x0)'];
    expect(callsOf(runSyz(lines))).toEqual(['mmap(0x20001000, 4096, 3, 50, -1, 0) = -1 EBADF']);
  });
});
