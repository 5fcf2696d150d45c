import { describe, expect, it } from 'vitest';
import { makeFile } from '../../../test/cases/support.js';
import { act, bootProcess, expectNoLeak } from '../../../test/harness.js';
import {
  E2BIG,
  EACCES,
  EAGAIN,
  EBADF,
  EBUSY,
  EFAULT,
  EFBIG,
  EINVAL,
  ENODEV,
  ENOMEM,
  EOVERFLOW,
  errnoName,
} from '../../kern/errno.js';
import { RLIMIT_AS, RLIMIT_DATA, RLIMIT_MEMLOCK } from '../../kern/limits.js';
import type { Step } from '../../kern/switch.js';
import { PROT_EXEC, PROT_NONE, PROT_READ, PROT_WRITE } from '../../machine/protection.js';
import {
  MADV_DONTNEED,
  MADV_FREE,
  MADV_NORMAL,
  MADV_SPACEAVAIL,
  MADV_WILLNEED,
  MAP_ANON,
  MAP_COPY,
  MAP_FIXED,
  MAP_INHERIT_ZERO,
  MAP_PRIVATE,
  MAP_SHARED,
  MAP_TRYFIXED,
  MAP_WIRED,
  MCL_CURRENT,
  MCL_FUTURE,
  MS_ASYNC,
  MS_INVALIDATE,
  MS_SYNC,
  mapAligned,
} from '../../vm/mman.js';
import { O_RDONLY, O_RDWR, O_WRONLY } from '../file.js';
import type { User } from '../user.js';

const PAGE = 4096;
const RW = PROT_READ | PROT_WRITE;
const PRIVATE = MAP_ANON | MAP_PRIVATE;

/** First and last address of a process here. */
const MIN = 0x1000;
const MAX = 0x7f7ffffff000;

/**
 * What each row finds mapped; all private and anonymous but for the file.
 *
 *     AT            +2           +3            +4        +5          +6         +7
 *     [ rw      rw ][ none      )[   hole     )[ wired  )[ file, r  )[  hole …
 *
 * Descriptors: 0 the file for reading, 1 for writing, 2 for both, 3 and 4 a pipe.
 */
const AT = 0x10000000;
const NONE = AT + 2 * PAGE;
const HOLE = AT + 3 * PAGE;
const WIRED = AT + 4 * PAGE;
const FILE = AT + 5 * PAGE;

function* setUp(user: User): Step<void> {
  for (const flags of [O_RDONLY, O_WRONLY, O_RDWR]) expect(yield* user.open('/file', flags)).toBeGreaterThanOrEqual(0);
  yield* user.pipe();
  const map = function* (at: number, pages: number, protection: number): Step<void> {
    expect(yield* user.mmap(at, pages * PAGE, protection, PRIVATE | MAP_FIXED)).toBe(at);
  };
  yield* map(AT, 2, RW);
  yield* map(NONE, 1, PROT_NONE);
  yield* map(WIRED, 1, RW);
  expect(yield* user.mlock(WIRED, PAGE)).toBe(0);
  expect(yield* user.mmap(FILE, PAGE, PROT_READ, MAP_SHARED | MAP_FIXED, 0, 0)).toBe(FILE);
}

type Row = [what: string, call: (user: User) => Step<number>, answer: number];

/** Makes each call in a process of its own, and compares its answer; nothing may be broken or leaked by it. */
function table(name: string, rows: readonly Row[]): void {
  describe(name, () => {
    for (const [what, call, answer] of rows) {
      it(`${what}: ${answer < 0 ? errnoName(-answer) : answer === 0 ? '0' : `0x${answer.toString(16)}`}`, () => {
        const { system, process } = bootProcess();
        makeFile(system, '/file', 2 * PAGE);
        act(system, process, setUp);
        const got = act(system, process, call);
        expect(got < 0 ? errnoName(-got) : got).toBe(answer < 0 ? errnoName(-answer) : answer);
        expectNoLeak(system);
      });
    }
  });
}

/** A call with a limit set before. */
function limited(which: number, current: number, call: (user: User) => Step<number>): (user: User) => Step<number> {
  return function* (user) {
    const old = yield* user.getrlimit(which);
    expect(yield* user.setrlimit(which, { current, maximum: typeof old === 'number' ? 0 : old.maximum })).toBe(0);
    return yield* call(user);
  };
}

table('mmap, in the order of its checks', [
  ['shared and private at once', (u) => u.mmap(0, PAGE, RW, MAP_SHARED | MAP_PRIVATE, 99), -EINVAL],
  ['shared and a copy at once', (u) => u.mmap(0, PAGE, RW, MAP_SHARED | MAP_COPY | MAP_ANON), -EINVAL],
  ['a length that wraps, with a bad descriptor', (u) => u.mmap(0, -1, RW, MAP_PRIVATE, 99), -ENOMEM],
  ['fixed at half a page, with a bad descriptor', (u) => u.mmap(AT + 1, PAGE, RW, MAP_PRIVATE | MAP_FIXED, 99), -EINVAL],
  [
    'fixed where the offset in the page is the same',
    (u) => u.mmap(HOLE + 8, 8, PROT_READ, MAP_PRIVATE | MAP_FIXED, 0, 8),
    HOLE + 8,
  ],
  ['fixed below the space', (u) => u.mmap(0, PAGE, RW, PRIVATE | MAP_FIXED), -EINVAL],
  ['fixed beyond the space', (u) => u.mmap(MAX, PAGE, RW, PRIVATE | MAP_FIXED), -EFBIG],
  ['fixed across the end of the space', (u) => u.mmap(MAX - PAGE, 2 * PAGE, RW, PRIVATE | MAP_FIXED), -EFBIG],
  ['fixed so that it wraps', (u) => u.mmap(AT, -PAGE, RW, PRIVATE | MAP_FIXED), -EOVERFLOW],
  ['fixed at the last page of all', (u) => u.mmap(-PAGE, PAGE, RW, PRIVATE | MAP_FIXED), -EOVERFLOW],
  ['a bad range and a bad descriptor', (u) => u.mmap(MAX, PAGE, RW, MAP_PRIVATE | MAP_FIXED, 99), -EFBIG],
  ['a file without a descriptor', (u) => u.mmap(0, PAGE, RW, MAP_PRIVATE), -EBADF],
  ['a descriptor that is not open, for nothing', (u) => u.mmap(0, 0, RW, MAP_PRIVATE, 99), -EBADF],
  ['a pipe', (u) => u.mmap(0, PAGE, RW, MAP_PRIVATE, 3), -ENODEV],
  ['an offset below zero', (u) => u.mmap(0, PAGE, RW, MAP_PRIVATE, 0, -PAGE), -EINVAL],
  [
    'an offset that overflows with the length',
    (u) => u.mmap(0, PAGE, RW, MAP_PRIVATE, 0, Number.MAX_SAFE_INTEGER - 4095),
    -EOVERFLOW,
  ],
  ['reading a file that is open for writing', (u) => u.mmap(0, PAGE, PROT_READ, MAP_PRIVATE, 1), -EACCES],
  ['writing a shared file that is open for reading', (u) => u.mmap(0, PAGE, RW, MAP_SHARED, 0), -EACCES],
  ['anonymous memory of a file', (u) => u.mmap(0, PAGE, RW, PRIVATE, 0), -EINVAL],
  ['anonymous memory of a bad descriptor', (u) => u.mmap(0, PAGE, RW, PRIVATE, 99), -EINVAL],
  ['nothing', (u) => u.mmap(AT, 0, RW, PRIVATE | MAP_TRYFIXED), AT],
  ['aligned to less than a page', (u) => u.mmap(0, PAGE, RW, PRIVATE | mapAligned(11)), -EINVAL],
  ['aligned to more than an address has bits', (u) => u.mmap(0, PAGE, RW, PRIVATE | mapAligned(64)), -EINVAL],
  ['aligned to more than the space', (u) => u.mmap(0, PAGE, RW, PRIVATE | mapAligned(47)), -ENOMEM],
  ['fixed where it is not aligned', (u) => u.mmap(AT + PAGE, PAGE, RW, PRIVATE | MAP_FIXED | mapAligned(13)), -EINVAL],
  ['fixed where it is', (u) => u.mmap(AT, PAGE, RW, PRIVATE | MAP_FIXED | mapAligned(13)), AT],
  ['more than the space', (u) => u.mmap(0, 2 ** 47, RW, PRIVATE), -ENOMEM],
  ['a length above 2^63', (u) => u.mmap(0, -PAGE, RW, PRIVATE), -ENOMEM],
  ['more than the limit allows', limited(RLIMIT_AS, 8 * PAGE, (u) => u.mmap(0, 4 * PAGE, RW, PRIVATE)), -ENOMEM],
  ['as much as it allows', limited(RLIMIT_AS, 8 * PAGE, (u) => u.mmap(HOLE, PAGE, RW, PRIVATE | MAP_FIXED)), HOLE],
  [
    'wired, more than the limit allows',
    limited(RLIMIT_MEMLOCK, 2 * PAGE, (u) => u.mmap(HOLE, 2 * PAGE, RW, PRIVATE | MAP_WIRED)),
    -ENOMEM,
  ],
  ['wired, but of no access', (u) => u.mmap(HOLE, PAGE, PROT_NONE, PRIVATE | MAP_FIXED | MAP_WIRED), HOLE],
  [
    'wired, beyond the end of the file',
    (u) => u.mmap(HOLE, PAGE, PROT_READ, MAP_SHARED | MAP_FIXED | MAP_WIRED, 0, 2 * PAGE),
    -EINVAL,
  ],
  ['rights that there are not', (u) => u.mmap(HOLE, PAGE, RW | 0x40, PRIVATE | MAP_FIXED), HOLE],
]);

/** The ranges that no call takes, each with what makes it so. */
const BAD_RANGES: [what: string, address: number, length: number][] = [
  ['a range below the space', 0, PAGE],
  ['nothing below the space', 0, 0],
  ['a range beyond the space', MAX, PAGE],
  ['a range across the end of the space', MAX - PAGE, 2 * PAGE],
  ['a range above 2^63', -PAGE, PAGE],
  ['a length above 2^63', AT, -2 * PAGE],
];

function badRanges(call: (user: User, address: number, length: number) => Step<number>, answer: number): Row[] {
  return BAD_RANGES.map(([what, address, length]) => [what, (user) => call(user, address, length), answer]);
}

table('munmap', [
  ...badRanges((u, at, length) => u.munmap(at, length), -EINVAL),
  ['nothing', (u) => u.munmap(AT, 0), 0],
  ['a length that wraps to nothing when it is rounded', (u) => u.munmap(AT, -1), 0],
  ['a hole', (u) => u.munmap(HOLE, PAGE), 0],
  ['all there is, holes and wired pages too', (u) => u.munmap(MIN, MAX - MIN), 0],
  ['a byte in the middle of a page', (u) => u.munmap(AT + 100, 1), 0],
]);

table('mprotect', [
  ...badRanges((u, at, length) => u.mprotect(at, length, PROT_READ), -EINVAL),
  ['nothing', (u) => u.mprotect(AT, 0, PROT_READ), 0],
  ['a hole', (u) => u.mprotect(HOLE, PAGE, PROT_READ), 0],
  ['more than the mapping may ever allow', (u) => u.mprotect(FILE, PAGE, RW), -EACCES],
  ['the same as part of a range', (u) => u.mprotect(AT, 6 * PAGE, RW), -EACCES],
  ['rights that there are not', (u) => u.mprotect(AT, PAGE, 0x40 | PROT_READ), 0],
]);

table('minherit', [
  ...badRanges((u, at, length) => u.minherit(at, length, 99), -EINVAL),
  ['a code that there is not', (u) => u.minherit(AT, PAGE, 3), -EINVAL],
  ['a code below zero', (u) => u.minherit(AT, PAGE, -1), -EINVAL],
  ['a hole', (u) => u.minherit(HOLE, PAGE, MAP_INHERIT_ZERO), 0],
  ['everything', (u) => u.minherit(AT, 6 * PAGE, MAP_INHERIT_ZERO), 0],
]);

table('msync, in the order of its checks', [
  ['no flags, of a bad range', (u) => u.msync(0, PAGE, 0), -EINVAL],
  ['flags that there are not', (u) => u.msync(AT, PAGE, 8 | MS_SYNC), -EINVAL],
  ['now and later at once', (u) => u.msync(AT, PAGE, MS_SYNC | MS_ASYNC), -EINVAL],
  ...badRanges((u, at, length) => u.msync(at, length, MS_SYNC), -ENOMEM),
  ['nothing, where nothing is mapped', (u) => u.msync(HOLE, 0, MS_SYNC), -EINVAL],
  ['nothing, which is the mapping there', (u) => u.msync(FILE, 0, MS_SYNC), 0],
  ['a hole', (u) => u.msync(HOLE, PAGE, MS_SYNC), -EFAULT],
  ['a range with a hole', (u) => u.msync(AT, 5 * PAGE, MS_ASYNC), -EFAULT],
  ['throwing wired pages away', (u) => u.msync(WIRED, PAGE, MS_INVALIDATE), -EBUSY],
  ['throwing wired pages away behind a hole', (u) => u.msync(HOLE, 2 * PAGE, MS_INVALIDATE), -EFAULT],
  ['writing wired pages', (u) => u.msync(WIRED, PAGE, MS_SYNC), 0],
]);

table('madvise, in the order of its checks', [
  ...badRanges((u, at, length) => u.madvise(at, length, 99), -EINVAL),
  ['advice that there is not', (u) => u.madvise(AT, PAGE, 99), -EINVAL],
  ['advice below zero', (u) => u.madvise(AT, PAGE, -1), -EINVAL],
  ['advice that nobody implements', (u) => u.madvise(AT, PAGE, MADV_SPACEAVAIL), -EINVAL],
  ['how a hole will be used', (u) => u.madvise(HOLE, PAGE, MADV_NORMAL), 0],
  ['that a hole will be needed', (u) => u.madvise(HOLE, PAGE, MADV_WILLNEED), 0],
  ['that a hole will not be needed', (u) => u.madvise(HOLE, PAGE, MADV_DONTNEED), -EFAULT],
  ['freeing a range with a hole', (u) => u.madvise(AT, 4 * PAGE, MADV_FREE), -EFAULT],
  ['freeing wired pages', (u) => u.madvise(WIRED, PAGE, MADV_FREE), -EBUSY],
  ['that wired pages will not be needed', (u) => u.madvise(WIRED, PAGE, MADV_DONTNEED), 0],
]);

table('mincore, in the order of its checks', [
  ['a misaligned address, of nothing', (u) => u.mincore(AT + 1, 0, 0), -EINVAL],
  ['nothing', (u) => u.mincore(AT, 0, AT), -EINVAL],
  ['a length that wraps', (u) => u.mincore(AT, -1, AT), -EINVAL],
  ['a range that wraps', (u) => u.mincore(-PAGE, 2 * PAGE, AT), -EINVAL],
  ['a hole, to a vector that cannot be written', (u) => u.mincore(HOLE, PAGE, NONE), -EFAULT],
  ['a vector in a hole', (u) => u.mincore(AT, PAGE, HOLE), -EFAULT],
  ['a vector in a file that cannot be written', (u) => u.mincore(AT, PAGE, FILE), -EFAULT],
  ['a vector below the space', (u) => u.mincore(AT, PAGE, 0), -EFAULT],
  ['a vector above 2^63', (u) => u.mincore(AT, PAGE, -1), -EFAULT],
  ['a vector that ends in a hole', (u) => u.mincore(AT, 3 * PAGE, HOLE - 1), -EFAULT],
  ['a hole', (u) => u.mincore(HOLE, PAGE, AT), -ENOMEM],
  ['a range with a hole', (u) => u.mincore(AT, 5 * PAGE, AT), -ENOMEM],
  ['a range below the space', (u) => u.mincore(0, PAGE, AT), -ENOMEM],
  ['a range beyond the space', (u) => u.mincore(MAX, PAGE, AT), -ENOMEM],
  ['what is mapped', (u) => u.mincore(AT, 3 * PAGE, AT), 0],
]);

table('mlock, in the order of its checks', [
  ...badRanges((u, at, length) => u.mlock(at, length), -ENOMEM),
  ['a range below the space, and beyond the limit', limited(RLIMIT_MEMLOCK, 0, (u) => u.mlock(0, PAGE)), -ENOMEM],
  ['more than may be wired of the machine', (u) => u.mlock(AT, 256 * PAGE), -EAGAIN],
  ['a hole, and beyond the limit', limited(RLIMIT_MEMLOCK, PAGE, (u) => u.mlock(HOLE, PAGE)), -EAGAIN],
  ['with what is wired more than the limit', limited(RLIMIT_MEMLOCK, 2 * PAGE, (u) => u.mlock(AT, 2 * PAGE)), -EAGAIN],
  ['with what is wired as much as the limit', limited(RLIMIT_MEMLOCK, 3 * PAGE, (u) => u.mlock(AT, 2 * PAGE)), 0],
  ['what is wired already, beyond the limit', limited(RLIMIT_MEMLOCK, PAGE, (u) => u.mlock(WIRED, PAGE)), -EAGAIN],
  ['nothing', (u) => u.mlock(AT + 1, 0), 0],
  ['nothing, where nothing is mapped', (u) => u.mlock(HOLE, 0), -ENOMEM],
  ['a hole', (u) => u.mlock(HOLE, PAGE), -ENOMEM],
  ['a range that ends in a hole', (u) => u.mlock(WIRED, 3 * PAGE), -EINVAL],
  ['memory of no access', (u) => u.mlock(NONE, PAGE), -EINVAL],
  ['a file', (u) => u.mlock(FILE, 1), 0],
]);

table('munlock', [
  ...badRanges((u, at, length) => u.munlock(at, length), -ENOMEM),
  ['a hole', (u) => u.munlock(HOLE, PAGE), -ENOMEM],
  ['what is not wired', (u) => u.munlock(AT, PAGE), -ENOMEM],
  ['what is wired and what is not', (u) => u.munlock(WIRED, 2 * PAGE), -ENOMEM],
  ['nothing, of what is not wired', (u) => u.munlock(AT, 0), 0],
  ['what is wired', (u) => u.munlock(WIRED, PAGE), 0],
]);

table('mlockall and munlockall', [
  ['no flags', (u) => u.mlockall(0), -EINVAL],
  ['flags that there are not', (u) => u.mlockall(4 | MCL_CURRENT), -EINVAL],
  ['more than the limit allows', limited(RLIMIT_MEMLOCK, 2 * PAGE, (u) => u.mlockall(MCL_CURRENT)), -ENOMEM],
  ['what will be mapped, whatever the limit', limited(RLIMIT_MEMLOCK, 2 * PAGE, (u) => u.mlockall(MCL_FUTURE)), 0],
  ['everything', (u) => u.mlockall(MCL_CURRENT | MCL_FUTURE), 0],
  ['unwiring everything', (u) => u.munlockall(), 0],
]);

/** Flags that say nothing: a mapping that goes wherever there is room. */
const ANYWHERE = 0;

table('mremap, in the order of its checks', [
  ['flags that there are not', (u) => u.mremap(AT, PAGE, 0, PAGE, MAP_PRIVATE), -EINVAL],
  ['from half a page', (u) => u.mremap(AT + 1, PAGE, 0, PAGE, ANYWHERE), -EINVAL],
  ['to half a page', (u) => u.mremap(AT, PAGE, HOLE + 1, PAGE, MAP_FIXED), -EINVAL],
  ['to half a page that nobody asked for', (u) => u.mremap(AT, PAGE, HOLE + 1, PAGE, ANYWHERE), AT],
  ['from nothing', (u) => u.mremap(AT, 0, 0, PAGE, ANYWHERE), -EINVAL],
  ['to nothing', (u) => u.mremap(AT, PAGE, 0, 0, ANYWHERE), -EINVAL],
  ['from a range that wraps', (u) => u.mremap(-PAGE, 2 * PAGE, 0, PAGE, ANYWHERE), -EINVAL],
  ['to a range that wraps', (u) => u.mremap(AT, PAGE, -PAGE, 2 * PAGE, MAP_FIXED), -EINVAL],
  ['from a length that wraps', (u) => u.mremap(AT, -1, 0, PAGE, ANYWHERE), -EINVAL],
  ['aligned to less than a page', (u) => u.mremap(AT, PAGE, 0, PAGE, mapAligned(11)), -EINVAL],
  ['aligned to more than an address has bits', (u) => u.mremap(AT, PAGE, 0, PAGE, mapAligned(64)), -EINVAL],
  ['aligned to more than the space', (u) => u.mremap(AT, PAGE, 0, PAGE, mapAligned(47)), -ENOMEM],
  ['to where it is not aligned', (u) => u.mremap(AT, PAGE, HOLE, PAGE, MAP_FIXED | mapAligned(13)), -EINVAL],
  ['to a length above 2^63', (u) => u.mremap(AT, PAGE, 0, -PAGE, ANYWHERE), -ENOMEM],
  ['to more than the space', (u) => u.mremap(AT, PAGE, 0, 2 ** 47, ANYWHERE), -ENOMEM],
  ['into what is mapped, in place', (u) => u.mremap(AT, 2 * PAGE, AT, 3 * PAGE, MAP_FIXED), -ENOMEM],
  ['to where something is mapped', (u) => u.mremap(AT, PAGE, WIRED, PAGE, MAP_FIXED), -ENOMEM],
  ['to less, in place', (u) => u.mremap(AT, 2 * PAGE, 0, PAGE, ANYWHERE), AT],
  ['to more, in place', (u) => u.mremap(NONE, PAGE, 0, 2 * PAGE, ANYWHERE), NONE],
]);

table('brk', [
  ['an address that rounds up to 0', (u) => u.brk(-1), -ENOMEM],
  ['the address 0', (u) => u.brk(0), -ENOMEM],
  ['an address above 2^63', (u) => u.brk(-PAGE), -ENOMEM],
  ['below the data', (u) => u.brk(0x600000 - PAGE), -EINVAL],
  ['at its beginning', (u) => u.brk(0x600000), 0],
  ['as far as the limit allows', limited(RLIMIT_DATA, 2 * PAGE, (u) => u.brk(0x600000 + 2 * PAGE)), 0],
  ['a byte further', limited(RLIMIT_DATA, 2 * PAGE, (u) => u.brk(0x600000 + 2 * PAGE + 1)), -ENOMEM],
  ['into a mapping', (u) => u.brk(AT + PAGE), -ENOMEM],
]);

describe('sums of offset and length', () => {
  it('beyond what a file can hold are E2BIG when a mapping grows', () => {
    const { system, process } = bootProcess();
    makeFile(system, '/file', PAGE);
    const last = Number.MAX_SAFE_INTEGER - 4095 - 2 * PAGE;
    const answer = act(system, process, function* (user) {
      yield* user.open('/file', O_RDWR);
      expect(yield* user.mmap(AT, PAGE, PROT_READ, MAP_SHARED | MAP_FIXED, 0, last)).toBe(AT);
      return yield* user.mremap(AT, PAGE, 0, 16 * PAGE, ANYWHERE);
    });
    expect(errnoName(-answer)).toBe(errnoName(E2BIG));
    expectNoLeak(system);
  });
});

describe('what a mapping of a file may ever allow', () => {
  const rights: [what: string, fd: number, flags: number, most: number][] = [
    ['shared, open for reading', 0, MAP_SHARED, PROT_READ | PROT_EXEC],
    ['shared, open for both', 2, MAP_SHARED, RW | PROT_EXEC],
    ['shared, open for writing', 1, MAP_SHARED, PROT_WRITE | PROT_EXEC],
    ['private, open for reading', 0, MAP_PRIVATE, RW | PROT_EXEC],
    ['neither, which is private', 0, 0, RW | PROT_EXEC],
    ['a copy, which is private', 0, MAP_COPY, RW | PROT_EXEC],
  ];
  for (const [what, fd, flags, most] of rights) {
    it(`is ${most.toString(2).padStart(3, '0')} for one that is ${what}`, () => {
      const { system, process } = bootProcess();
      makeFile(system, '/file', 2 * PAGE);
      act(system, process, setUp);
      expect(act(system, process, (user) => user.mmap(HOLE, PAGE, PROT_NONE, flags | MAP_FIXED, fd, 0))).toBe(HOLE);
      const mapping = process.space === null ? [] : system.vm.describeSpace(process.space);
      expect(mapping.find(({ start }) => start === HOLE)).toMatchObject({
        maxProtection: most,
        copyOnWrite: flags !== MAP_SHARED,
        protection: PROT_NONE,
      });
      expectNoLeak(system);
    });
  }
});
