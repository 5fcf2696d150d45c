import { describe, expect, it } from 'vitest';
import { replayLines } from '../../test/strace-log.js';
import { agrees, answerKind, outcomeKind, outcomeText, whyDifferent } from './differences.js';

const NOTHING_SPECIAL = { locksFuture: false, outOfMemory: false, fromStart: true };

/** What a log of one process starts with: four pages, of which the last cannot be accessed, and a file opened for reading. */
const BEGINNING = [
  '7 execve("/bin/x", ["x"], 0x7ffe00001000 /* 0 vars */) = 0',
  '7 mmap(NULL, 12288, PROT_READ|PROT_WRITE, MAP_PRIVATE|MAP_ANONYMOUS, -1, 0) = 0x7f0000000000',
  '7 mmap(NULL, 4096, PROT_NONE, MAP_PRIVATE|MAP_ANONYMOUS, -1, 0) = 0x7f0000003000',
  '7 open("/etc/x", O_RDONLY) = 3',
  '7 fstat(3, {st_mode=S_IFREG|0644, st_size=4096, ...}) = 0',
];

//      0x7f0000000000                  +3       +4        +8
//      |─────── rw- ───────────────────|── --- ─|  hole   |
describe('NetBSD, where Linux answered otherwise,', () => {
  it.each<[line: string, result: string, why: RegExp]>([
    // The first page, and what lies outside.
    ['munmap(NULL, 4096) = 0', '-22', /the first page/],
    ['mprotect(NULL, 4096, PROT_READ) = -1 ENOMEM', '-22', /the first page/],
    ['mmap(NULL, 4096, PROT_READ, MAP_PRIVATE|MAP_FIXED|MAP_ANONYMOUS, -1, 0) = 0', '-22', /the first page/],
    ['mlock(NULL, 0) = 0', '-12', /the first page/],
    ['mprotect(0x7fffffffe000, 16384, PROT_READ) = -1 ENOMEM', '-22', /outside of the user space NetBSD answers EINVAL/],
    ['mlock(0xfffffffffffff000, 8192) = -1 EINVAL', '-12', /outside of the user space NetBSD answers ENOMEM/],
    ['madvise(0xfffffffffffff000, 0, MADV_NORMAL) = 0', '-22', /outside .* also for an empty one/],
    [
      'mmap(0xfffffffffffff000, 8192, PROT_READ, MAP_PRIVATE|MAP_FIXED|MAP_ANONYMOUS, -1, 0) = -1 ENOMEM',
      '-84',
      /errors of its own/,
    ],
    // Lengths of 0, also after rounding, and addresses within a page.
    ['mmap(NULL, 0, PROT_READ, MAP_PRIVATE|MAP_ANONYMOUS, -1, 0) = -1 EINVAL', '0x7ffff7fff000', /length of 0/],
    ['munmap(0x7f0000000000, 18446744073709551615) = -1 EINVAL', '0', /length of 0/],
    ['mprotect(0x7f0000000000, 18446744073709551615, PROT_READ) = -1 EINVAL', '0', /rounded to 0/],
    ['mprotect(0x7f0000000010, 4096, PROT_READ) = -1 EINVAL', '0', /whole pages around an address/],
    ['msync(0x7f0000000010, 4096, MS_SYNC) = -1 EINVAL', '0', /whole pages around an address/],
    ['mlock(0x7f0000009000, 0) = 0', '-12', /wants a mapping at its address/],
    ['mincore(0x7f0000000000, 0, NULL) = 0', '-22', /empty range/],
    ['msync(0x7f0000009000, 0, MS_SYNC) = 0', '-22', /empty range/],
    // Holes.
    ['mprotect(0x7f0000000000, 32768, PROT_READ) = -1 ENOMEM', '0', /passes over holes/],
    ['madvise(0x7f0000000000, 32768, MADV_DONTFORK) = -1 ENOMEM', '0', /passes over holes/],
    ['madvise(0x7f0000000000, 32768, MADV_DONTNEED) = -1 ENOMEM', '-14', /EFAULT/],
    ['msync(0x7f0000000000, 32768, MS_SYNC) = -1 ENOMEM', '-14', /EFAULT/],
    ['mlock(0x7f0000002000, 8192) = -1 ENOMEM', '-22', /cannot be accessed/],
    ['mremap(0x7f0000000000, 16384, 20480, MREMAP_MAYMOVE) = -1 EFAULT', '0x7f0000000000', /several mappings/],
    ['mincore(0x7f0000008000, 4096, NULL) = -1 ENOMEM', '-14', /the vector before/],
    // Flags, and what a file was opened for.
    ['mmap(NULL, 4096, PROT_READ, MAP_ANONYMOUS, -1, 0) = -1 EINVAL', '0x7ffff7ffe000', /neither shared nor private/],
    ['mmap(NULL, 4096, PROT_READ, MAP_PRIVATE, 3, 0x10) = -1 EINVAL', '0x7ffff7ffd010', /offset within a page/],
    ['mmap(NULL, 0, PROT_WRITE, MAP_SHARED, 3, 0) = -1 EINVAL', '-13', /what the file was opened for/],
    ['msync(0x7f0000000000, 4096, 0) = 0', '-22', /wants one of MS_ASYNC/],
    // Locks. The machine has 1024 pages.
    ['mlock(0x7f0000000000, 4294967296) = -1 ENOMEM', '-35', /beyond the limit/],
    ['munlock(0x7f0000000000, 4096) = 0', '-12', /memory that is not locked/],
    ['mlock(0x7f0000000000, 4096) = -1 EPERM', '0', /locks what Linux does not/],
  ])('%s', (line, result, why) => {
    const { differences } = replayLines([...BEGINNING, `7 ${line}`]);
    expect(differences).toHaveLength(1);
    const [answer, , reason] = (differences[0] ?? '').split(' | ');
    expect(answer?.replace(/^.* = /, '')).toBe(result);
    expect(reason).toMatch(why);
  });

  it('does not throw away locked memory', () => {
    const { differences } = replayLines([
      ...BEGINNING,
      '7 mlock(0x7f0000000000, 4096) = 0',
      '7 madvise(0x7f0000000000, 4096, MADV_FREE) = -1 EINVAL',
      '7 msync(0x7f0000000000, 4096, MS_INVALIDATE) = 0',
    ]);
    expect(differences).toHaveLength(2);
    for (const difference of differences) expect(difference).toMatch(/= -16 .*does not throw away wired pages/);
  });

  it('finds no pages to lock behind the end of a file', () => {
    const { differences } = replayLines([
      ...BEGINNING,
      '7 mmap(NULL, 8192, PROT_READ, MAP_PRIVATE, 3, 0) = 0x7f1000000000',
      '7 mlock2(0x7f1000000000, 8192, MLOCK_ONFAULT) = 0',
      '7 mlockall(MCL_CURRENT) = 0',
    ]);
    expect(differences).toHaveLength(2);
    for (const difference of differences) expect(difference).toMatch(/= -22 .*behind the end of a file/);
  });
});

describe('a reason', () => {
  it('is not made up', () => {
    expect(whyDifferent({ name: 'munmap', args: [0x10000, 4096] }, 'ok', 'EINVAL', NOTHING_SPECIAL)).toBe('');
    expect(whyDifferent({ name: 'mprotect', args: [0x10000, 4096, 1] }, 'ok', 'ENOMEM', NOTHING_SPECIAL)).toBe('');
  });

  it('may be that the process locks what it maps', () => {
    const call = { name: 'mprotect', args: [0x10000, 4096, 1] };
    expect(whyDifferent(call, 'ok', 'ENOMEM', { ...NOTHING_SPECIAL, locksFuture: true })).toContain('MCL_FUTURE');
  });

  it('may be that the memory is used up, for errors that say so', () => {
    const call = { name: 'brk', args: [0x10000] };
    const outOfMemory = { ...NOTHING_SPECIAL, outOfMemory: true };
    expect(whyDifferent(call, 'ok', 'ENOMEM', outOfMemory)).toContain('less memory');
    expect(whyDifferent(call, 'ok', 'EINVAL', outOfMemory)).toBe('');
  });

  it('may be that the log does not show how the process began', () => {
    const call = { name: 'mmap', args: [0x10000, 4096, 1, 0x1002, -1, 0] };
    expect(whyDifferent(call, 'ok', 'ok', { ...NOTHING_SPECIAL, fromStart: false })).toContain('the log begins after');
  });
});

describe('outcomes', () => {
  it('are compared by value, and by the name of the error', () => {
    expect(agrees({ kind: 'success', value: 0x1000 }, 0x1000)).toBe(true);
    expect(agrees({ kind: 'success', value: 0x1000 }, 0x2000)).toBe(false);
    expect(agrees({ kind: 'success', value: 0 }, -22)).toBe(false);
    expect(agrees({ kind: 'failure', errno: 'EINVAL' }, -22)).toBe(true);
    expect(agrees({ kind: 'failure', errno: 'ENOMEM' }, -22)).toBe(false);
    expect(agrees({ kind: 'failure', errno: 'EINVAL' }, 0)).toBe(false);
    expect(agrees({ kind: 'unknown' }, -22)).toBe(true);
  });

  it('are written as people read them', () => {
    expect([0x7f0000000000, 0, 65_535].map((value) => outcomeText({ kind: 'success', value }))).toEqual([
      '0x7f0000000000',
      '0',
      '65535',
    ]);
    expect(outcomeText({ kind: 'failure', errno: 'EINVAL' })).toBe('-1 EINVAL');
    expect(outcomeText({ kind: 'unknown' })).toBe('?');
  });

  it('are of a kind', () => {
    expect([0, 4096, -22].map(answerKind)).toEqual(['ok', 'ok', 'EINVAL']);
    expect(outcomeKind({ kind: 'success', value: 0 })).toBe('ok');
    expect(outcomeKind({ kind: 'failure', errno: 'EPERM' })).toBe('EPERM');
    expect(outcomeKind({ kind: 'unknown' })).toBe('unknown');
  });
});
