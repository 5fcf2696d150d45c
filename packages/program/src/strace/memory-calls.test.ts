import { describe, expect, it } from 'vitest';
import { mapsOf, processOf, replayLines, residentPages, runLog } from '../../test/strace-log.js';

const EXECVE = '7 execve("/bin/x", ["x"], 0x7ffe00001000 /* 0 vars */) = 0';
const MMAP = (place: string, pages: number, protection = 'PROT_READ|PROT_WRITE') =>
  `7 mmap(NULL, ${pages * 4096}, ${protection}, MAP_PRIVATE|MAP_ANONYMOUS, -1, 0) = ${place}`;

describe('mmap', () => {
  //      0x7f0000000000          +4 pages           +6
  //      |──── rw- NULL ─────────|── r-- hint ──────|          both where Linux put them
  it('makes a mapping where the log says that Linux made it', () => {
    const replayed = replayLines([
      EXECVE,
      MMAP('0x7f0000000000', 4),
      '7 mmap(0x10000, 8192, PROT_READ, MAP_PRIVATE|MAP_ANONYMOUS, -1, 0) = 0x7f0000004000',
    ]);
    expect(mapsOf(replayed, 7)).toEqual(['0x7f0000000000+4 rw-', '0x7f0000004000+2 r--']);
    expect(replayed.differences).toEqual([]);
  });

  //      before  |── rw- ──────────────|
  //      after   |─rw-─|─ r-x ─|─ rw- ─|
  it('replaces what is there with MAP_FIXED', () => {
    const replayed = replayLines([
      EXECVE,
      MMAP('0x7f0000000000', 4),
      '7 mmap(0x7f0000001000, 4096, PROT_READ|PROT_EXEC, MAP_PRIVATE|MAP_FIXED|MAP_ANONYMOUS, -1, 0) = 0x7f0000001000',
    ]);
    expect(mapsOf(replayed, 7)).toEqual(['0x7f0000000000+1 rw-', '0x7f0000001000+1 r-x', '0x7f0000002000+2 rw-']);
  });

  it('says so when a place that Linux found free is not free here, and goes on with the mapping at that place', () => {
    const replayed = replayLines([EXECVE, MMAP('0x7f0000000000', 4), MMAP('0x7f0000001000', 1, 'PROT_READ')]);
    expect(replayed.differences).toHaveLength(1);
    expect(replayed.differences[0]).toMatch(/^mmap\(0x7f0000001000, 4096, .* \| 0x7f0000001000 \(test\.strace line 3\) \| $/);
    expect(mapsOf(replayed, 7)).toEqual(['0x7f0000000000+1 rw-', '0x7f0000001000+1 r--', '0x7f0000002000+2 rw-']);
  });

  it('explains a success for a length of 0, and agrees that a length of 2^64 - 1 is too much', () => {
    const replayed = replayLines([
      EXECVE,
      '7 mmap(NULL, 0, PROT_READ, MAP_PRIVATE|MAP_ANONYMOUS, -1, 0) = -1 EINVAL (Invalid argument)',
      '7 mmap(NULL, 18446744073709551615, PROT_READ, MAP_PRIVATE|MAP_ANONYMOUS, -1, 0) = -1 ENOMEM (Cannot allocate memory)',
    ]);
    expect(replayed.calls.slice(1).map((call) => call.replace(/^.*= /, ''))).toEqual(['0x7ffff7fff000', '-12']);
    expect(replayed.differences).toHaveLength(1);
    expect(replayed.differences[0]).toContain('NetBSD maps nothing for a length of 0');
  });

  it('undoes a mapping that Linux refused, and never lets it take the place of another', () => {
    const replayed = replayLines([
      EXECVE,
      MMAP('0x7f0000000000', 2),
      '7 mmap(NULL, 1099511627776, PROT_READ, MAP_PRIVATE|MAP_ANONYMOUS, -1, 0) = -1 ENOMEM (Cannot allocate memory)',
      '7 mmap(0x7f0000000000, 4096, PROT_READ, MAP_PRIVATE|MAP_FIXED|MAP_ANONYMOUS, -1, 0) = -1 ENOMEM (Cannot allocate memory)',
    ]);
    expect(mapsOf(replayed, 7)).toEqual(['0x7f0000000000+2 rw-']);
    expect(replayed.differences).toHaveLength(2);
    for (const difference of replayed.differences) expect(difference).toContain('reserves no memory');
  });

  it('tells NetBSD the descriptor of anonymous memory, which it refuses', () => {
    const replayed = replayLines([EXECVE, '7 mmap(NULL, 4096, PROT_READ, MAP_PRIVATE|MAP_ANONYMOUS, 0, 0) = 0x7f0000000000']);
    expect(replayed.differences[0]).toMatch(/= -22 \| .*descriptor -1 for anonymous memory/);
    expect(mapsOf(replayed, 7)).toEqual(['0x7f0000000000+1 r--']);
  });

  it('maps a file that the log opened, with as many pages as the log told, under the number that the log gives it', () => {
    const replayed = replayLines([
      EXECVE,
      '7 openat(AT_FDCWD, "/lib/libx.so", O_RDONLY|O_CLOEXEC) = 3',
      '7 fstat(3, {st_mode=S_IFREG|0755, st_size=8192, ...}) = 0',
      '7 mmap(NULL, 16384, PROT_READ, MAP_PRIVATE, 3, 0x1000) = 0x7f0000000000',
      '7 close(3) = 0',
      '7 write(1, 0x7f0000000000, 4096) = 4096',
      '7 write(1, 0x7f0000001000, 4096) = 4096',
    ]);
    expect(mapsOf(replayed, 7)).toEqual(['0x7f0000000000+4 r-- /lib/libx.so+1']);
    expect(replayed.calls[1]).toBe('mmap(0x7f0000000000, 16384, 1, 1026, 3, 4096) = 0x7f0000000000');
    // One page lies in the file, the other beyond its end.
    expect(replayed.replay.tally.of('touchedBuffers')).toBe(1);
    expect(replayed.replay.tally.of('failedTouches')).toBe(1);
    expect(replayed.system.sys.openFiles.size).toBe(0);
  });

  it('gives a file whose size the log never tells the pages that are mapped of it', () => {
    const replayed = replayLines([
      EXECVE,
      '7 open("/lib/libx.so", O_RDONLY) = 3',
      '7 mmap(NULL, 8192, PROT_READ, MAP_SHARED, 3, 0) = 0x7f0000000000',
      '7 write(1, 0x7f0000001000, 4096) = 4096',
    ]);
    expect(replayed.replay.tally.of('failedTouches')).toBe(0);
  });

  it('passes over a mapping of a file that failed for a reason that the log does not show', () => {
    const { remarks, callCount } = runLog([
      EXECVE,
      '7 mmap(NULL, 4096, PROT_READ, MAP_PRIVATE, 9, 0) = -1 EBADF (Bad file descriptor)',
    ]);
    expect(callCount).toBe(2);
    expect(remarks).toContainEqual(expect.stringMatching(/failed there .*: mmap 1$/));
  });

  it('names flags that NetBSD does not have', () => {
    const { remarks } = runLog([
      EXECVE,
      '7 mmap(NULL, 4096, PROT_READ, MAP_PRIVATE|MAP_ANONYMOUS|MAP_POPULATE|MAP_HUGETLB|21<<MAP_HUGE_SHIFT, -1, 0) = 0x7f0000000000',
    ]);
    expect(remarks).toContainEqual(expect.stringMatching(/flags .*: 21<<MAP_HUGE_SHIFT 1, MAP_HUGETLB 1, MAP_POPULATE 1$/));
  });
});

describe('munmap', () => {
  it('unmaps the middle of a mapping', () => {
    const replayed = replayLines([EXECVE, MMAP('0x7f0000000000', 3), '7 munmap(0x7f0000001000, 4096) = 0']);
    expect(mapsOf(replayed, 7)).toEqual(['0x7f0000000000+1 rw-', '0x7f0000002000+1 rw-']);
  });

  it('explains that NetBSD takes an empty range', () => {
    const { differences } = replayLines([EXECVE, '7 munmap(0x7f0000000000, 0) = -1 EINVAL (Invalid argument)']);
    expect(differences).toHaveLength(1);
    expect(differences[0]).toContain('unmaps nothing for a length of 0');
  });

  // Thread 8 is given the range before thread 7 is seen to have unmapped it.
  it('unmaps for one thread before the range is given to another', () => {
    const replayed = replayLines([
      EXECVE,
      '7 clone(child_stack=0x7f1000000000, flags=CLONE_VM|CLONE_THREAD|CLONE_SIGHAND) = 8',
      MMAP('0x7f0000000000', 2),
      '7 munmap(0x7f0000000000, 8192 <unfinished ...>',
      '8 mmap(NULL, 8192, PROT_READ, MAP_PRIVATE|MAP_ANONYMOUS, -1, 0) = 0x7f0000000000',
      '7 <... munmap resumed>) = 0',
    ]);
    expect(mapsOf(replayed, 7)).toEqual(['0x7f0000000000+2 r--']);
    expect(replayed.differences).toEqual([]);
    expect(replayed.replay.tally.of('earlyCalls')).toBe(1);
  });
});

describe('mprotect', () => {
  it('changes what memory allows', () => {
    const replayed = replayLines([EXECVE, MMAP('0x7f0000000000', 2), '7 mprotect(0x7f0000000000, 4096, PROT_READ) = 0']);
    expect(mapsOf(replayed, 7)).toEqual(['0x7f0000000000+1 r--', '0x7f0000001000+1 rw-']);
  });

  it('takes memory that the log never mapped for what execve mapped', () => {
    const replayed = replayLines([EXECVE, '7 mprotect(0x7f0000000000, 8192, PROT_READ) = 0']);
    expect(mapsOf(replayed, 7)).toEqual(['0x7f0000000000+2 r--']);
    expect(replayed.replay.tally.of('initialPages')).toBe(2);
  });

  it('does not bring back memory that the log has mapped, when it is missing here', () => {
    const replayed = replayLines([EXECVE, MMAP('0x7f0000000000', 2)]);
    replayed.system.perform(processOf(replayed, 7), (user) => user.munmap(0x7f0000000000, 8192));
    const actor = replayed.replay.tasks.get(7);
    expect(actor).toBeDefined();
    if (actor !== undefined) replayed.replay.presume(actor, 0x7f0000000000, 8192);
    expect(mapsOf(replayed, 7)).toEqual([]);
  });

  it('explains that NetBSD passes over holes', () => {
    const { differences } = replayLines([
      EXECVE,
      '7 mprotect(0x7f0000000000, 4096, PROT_READ) = -1 ENOMEM (Cannot allocate memory)',
    ]);
    expect(differences[0]).toContain('NetBSD passes over holes');
  });

  it('has no explanation for a failure that is not NetBSD’s way', () => {
    const { differences } = replayLines([
      EXECVE,
      MMAP('0x7f0000000000', 1),
      '7 mprotect(0x7f0000000000, 4096, PROT_READ) = -1 EIO',
    ]);
    expect(differences[0]).toMatch(/ \| $/);
  });
});

describe('brk', () => {
  //     0x600000      0x602000   0x603000
  //     |──── heap ───|          |           up by 3 pages, down by 1
  it('begins where the first brk of the program says, grows and shrinks', () => {
    const replayed = replayLines([
      EXECVE,
      '7 brk(NULL) = 0x600000',
      '7 brk(0x603000) = 0x603000',
      '7 brk(NULL) = 0x603000',
      '7 brk(0x601001) = 0x601001',
    ]);
    expect(mapsOf(replayed, 7)).toEqual(['0x600000+2 rw-']);
    expect(replayed.calls.slice(1)).toEqual(['brk(0x603000) = 0', 'brk(0x601001) = 0']);
    expect(replayed.differences).toEqual([]);
  });

  it('agrees when both refuse, and undoes what only Linux refused', () => {
    const replayed = replayLines([
      EXECVE,
      '7 brk(NULL) = 0x600000',
      '7 brk(0x1000) = 0x600000',
      '7 brk(0x40600000) = 0x600000',
      '7 brk(0x601000) = 0x601000',
    ]);
    expect(replayed.differences).toHaveLength(1);
    expect(replayed.differences[0]).toMatch(/^brk\(0x40600000\) = 0 \| 0x600000 .*RLIMIT_DATA/);
    expect(mapsOf(replayed, 7)).toEqual(['0x600000+1 rw-']);
  });

  it('says so when only this kernel refuses, and goes on with the heap that Linux gave', () => {
    const replayed = replayLines([
      EXECVE,
      '7 brk(NULL) = 0x600000',
      '7 mmap(0x601000, 4096, PROT_READ, MAP_PRIVATE|MAP_FIXED|MAP_ANONYMOUS, -1, 0) = 0x601000',
      '7 brk(0x602000) = 0x602000',
      '7 brk(0x603000) = 0x603000',
    ]);
    expect(replayed.differences).toEqual(['brk(0x602000) = -12 | 0x602000 (test.strace line 4) | ']);
    expect(mapsOf(replayed, 7)).toEqual(['0x600000+2 rw-', '0x602000+1 rw-']);
  });

  it('begins anew in a new program', () => {
    const replayed = replayLines([
      EXECVE,
      '7 brk(NULL) = 0x600000',
      '7 brk(0x601000) = 0x601000',
      EXECVE,
      '7 brk(NULL) = 0x800000',
      '7 brk(0x801000) = 0x801000',
    ]);
    expect(mapsOf(replayed, 7)).toEqual(['0x800000+1 rw-']);
  });
});

describe('mremap', () => {
  it('grows in place, moves to where Linux moved, and shrinks', () => {
    const replayed = replayLines([
      EXECVE,
      MMAP('0x7f0000000000', 1),
      '7 mremap(0x7f0000000000, 4096, 8192, MREMAP_MAYMOVE) = 0x7f0000000000',
      '7 mremap(0x7f0000000000, 8192, 16384, MREMAP_MAYMOVE) = 0x7f1000000000',
      '7 mremap(0x7f1000000000, 16384, 12288, MREMAP_MAYMOVE) = 0x7f1000000000',
    ]);
    expect(mapsOf(replayed, 7)).toEqual(['0x7f1000000000+2 rw-', '0x7f1000002000+1 rw-']);
    expect(replayed.differences).toEqual([]);
  });

  it('takes away what is at the place that MREMAP_FIXED names, as Linux does', () => {
    const replayed = replayLines([
      EXECVE,
      MMAP('0x7f0000000000', 1),
      MMAP('0x7f1000000000', 3, 'PROT_READ'),
      '7 mremap(0x7f0000000000, 4096, 4096, MREMAP_MAYMOVE|MREMAP_FIXED, 0x7f1000001000) = 0x7f1000001000',
    ]);
    expect(mapsOf(replayed, 7)).toEqual(['0x7f1000000000+1 r--', '0x7f1000001000+1 rw-', '0x7f1000002000+1 r--']);
    expect(replayed.differences).toEqual([]);
  });

  it('agrees that a mapping which may not move cannot grow into another', () => {
    const replayed = replayLines([
      EXECVE,
      MMAP('0x7f0000000000', 1),
      MMAP('0x7f0000001000', 1, 'PROT_READ'),
      '7 mremap(0x7f0000000000, 4096, 8192, 0) = -1 ENOMEM (Cannot allocate memory)',
    ]);
    expect(replayed.differences).toEqual([]);
    expect(mapsOf(replayed, 7)).toEqual(['0x7f0000000000+1 rw-', '0x7f0000001000+1 r--']);
  });

  it('undoes a move that Linux refused', () => {
    const replayed = replayLines([
      EXECVE,
      MMAP('0x7f0000000000', 1),
      '7 mremap(0x7f0000000000, 4096, 8192, MREMAP_MAYMOVE) = -1 ENOMEM (Cannot allocate memory)',
    ]);
    expect(replayed.differences).toHaveLength(1);
    expect(mapsOf(replayed, 7)).toEqual(['0x7f0000000000+1 rw-']);
  });

  it('leaves the old place mapped with MREMAP_DONTUNMAP, and says that NetBSD does not know it', () => {
    const replayed = replayLines([
      EXECVE,
      MMAP('0x7f0000000000', 1),
      '7 mremap(0x7f0000000000, 4096, 4096, MREMAP_MAYMOVE|MREMAP_DONTUNMAP, 0) = 0x7f1000000000',
    ]);
    expect(mapsOf(replayed, 7)).toEqual(['0x7f0000000000+1 rw-', '0x7f1000000000+1 rw-']);
    expect(replayed.replay.tally.remarks()).toContainEqual(expect.stringContaining('MREMAP_DONTUNMAP 1'));
  });

  it('explains that NetBSD does not copy a shared mapping', () => {
    const replayed = replayLines([
      EXECVE,
      '7 mmap(NULL, 4096, PROT_READ|PROT_WRITE, MAP_SHARED|MAP_ANONYMOUS, -1, 0) = 0x7f0000000000',
      '7 mremap(0x7f0000000000, 0, 4096, MREMAP_MAYMOVE) = 0x7f1000000000',
    ]);
    expect(replayed.differences[0]).toContain('does not copy a shared mapping');
    expect(mapsOf(replayed, 7)).toEqual(['0x7f0000000000+1 rw-', '0x7f1000000000+1 rw-']);
  });
});

describe('madvise', () => {
  it('performs what NetBSD knows, and remarks that MADV_DONTNEED is not the same there', () => {
    const replayed = replayLines([
      EXECVE,
      MMAP('0x7f0000000000', 2),
      '7 madvise(0x7f0000000000, 8192, MADV_DONTNEED) = 0',
      '7 madvise(0x7f0000000000, 8192, MADV_FREE) = 0',
    ]);
    expect(replayed.calls.slice(2)).toEqual(['madvise(0x7f0000000000, 8192, 4) = 0', 'madvise(0x7f0000000000, 8192, 6) = 0']);
    expect(replayed.replay.tally.of('dontNeed')).toBe(1);
  });

  it('says with minherit what children do not get', () => {
    const replayed = replayLines([
      EXECVE,
      MMAP('0x7f0000000000', 2),
      '7 madvise(0x7f0000001000, 4096, MADV_DONTFORK) = 0',
      '7 fork() = 8',
    ]);
    expect(mapsOf(replayed, 7)).toEqual(['0x7f0000000000+1 rw-', '0x7f0000001000+1 rw-']);
    expect(mapsOf(replayed, 8)).toEqual(['0x7f0000000000+1 rw-']);
  });

  it('lists advice that NetBSD does not know', () => {
    const replayed = replayLines([EXECVE, MMAP('0x7f0000000000', 2), '7 madvise(0x7f0000000000, 8192, MADV_HUGEPAGE) = 0']);
    expect(replayed.session.callCount).toBe(2);
    expect(replayed.replay.tally.remarks()).toContainEqual(expect.stringContaining('MADV_HUGEPAGE 1'));
  });
});

describe('msync', () => {
  it('writes a mapping of a file back', () => {
    const replayed = replayLines([
      EXECVE,
      '7 open("/tmp/f", O_RDWR|O_CREAT, 0666) = 3',
      '7 ftruncate(3, 8192) = 0',
      '7 mmap(NULL, 8192, PROT_READ|PROT_WRITE, MAP_SHARED, 3, 0) = 0x7f0000000000',
      '7 read(0, 0x7f0000000000, 100) = 100',
      '7 msync(0x7f0000000000, 8192, MS_SYNC) = 0',
    ]);
    expect(replayed.calls.at(-1)).toBe('msync(0x7f0000000000, 8192, 4) = 0');
    expect(replayed.replay.tally.of('failedTouches')).toBe(0);
  });

  it('explains that NetBSD wants a flag', () => {
    const replayed = replayLines([EXECVE, MMAP('0x7f0000000000', 1), '7 msync(0x7f0000000000, 4096, 0) = 0']);
    expect(replayed.differences[0]).toContain('NetBSD wants one of MS_ASYNC, MS_SYNC and MS_INVALIDATE');
  });
});

describe('mlock and its like', () => {
  it('wires memory and unwires it', () => {
    const replayed = replayLines([
      EXECVE,
      MMAP('0x7f0000000000', 4),
      '7 mlock(0x7f0000000000, 16384) = 0',
      '7 munlock(0x7f0000000000, 8192) = 0',
    ]);
    expect(replayed.system.uvm.uvmexp.wired).toBe(2);
  });

  it('explains the limit on locked memory, which NetBSD reports as EAGAIN', () => {
    const replayed = replayLines([
      EXECVE,
      '7 setrlimit(RLIMIT_MEMLOCK, {rlim_cur=4096, rlim_max=4096}) = 0',
      MMAP('0x7f0000000000', 4),
      '7 mlock(0x7f0000000000, 16384) = -1 ENOMEM (Cannot allocate memory)',
    ]);
    expect(replayed.differences).toHaveLength(1);
    expect(replayed.differences[0]).toMatch(/= -35 .*beyond the limit on locked memory NetBSD answers EAGAIN/);
  });

  it('undoes what Linux refused', () => {
    const replayed = replayLines([
      EXECVE,
      MMAP('0x7f0000000000', 4),
      '7 mlock2(0x7f0000000000, 16384, MLOCK_ONFAULT) = -1 EPERM (Operation not permitted)',
      '7 mlockall(MCL_CURRENT|MCL_ONFAULT) = -1 EPERM (Operation not permitted)',
    ]);
    expect(replayed.system.uvm.uvmexp.wired).toBe(0);
    expect(replayed.differences).toHaveLength(2);
    expect(replayed.replay.tally.remarks()).toContainEqual(expect.stringMatching(/MCL_ONFAULT 1, MLOCK_ONFAULT 1$/));
  });

  it('wires everything there is and will be, until it is told otherwise', () => {
    const lines = [EXECVE, MMAP('0x7f0000000000', 2), '7 mlockall(MCL_CURRENT|MCL_FUTURE) = 0', MMAP('0x7f1000000000', 1)];
    expect(replayLines(lines).system.uvm.uvmexp.wired).toBe(3);
    expect(replayLines([...lines, '7 munlockall() = 0']).system.uvm.uvmexp.wired).toBe(0);
  });
});

describe('mincore', () => {
  it('asks about a range, with a vector of its own where the log shows what was in it', () => {
    const replayed = replayLines([EXECVE, MMAP('0x7f0000000000', 2), '7 mincore(0x7f0000000000, 8192, [1, 0]) = 0']);
    expect(replayed.differences).toEqual([]);
    expect(mapsOf(replayed, 7)).toEqual(['0x7f0000000000+2 rw-']);
  });

  it('agrees that a hole is ENOMEM', () => {
    const { differences } = replayLines([EXECVE, '7 mincore(0x7f0000000000, 8192, 0x7ffe00001000) = -1 ENOMEM']);
    expect(differences).toEqual([]);
  });
});

describe('limits', () => {
  it('keeps the limit on the address space that the program sets itself', () => {
    const replayed = replayLines([
      EXECVE,
      '7 prlimit64(0, RLIMIT_AS, {rlim_cur=64*1024, rlim_max=RLIM64_INFINITY}, NULL) = 0',
      '7 mmap(NULL, 131072, PROT_READ, MAP_PRIVATE|MAP_ANONYMOUS, -1, 0) = -1 ENOMEM (Cannot allocate memory)',
    ]);
    expect(replayed.differences).toEqual([]);
  });
});

describe('buffers', () => {
  it('touches the pages of a buffer whose address the log shows, for as many bytes as the call moved', () => {
    const replayed = replayLines([
      EXECVE,
      MMAP('0x7f0000000000', 8),
      '7 read(3, 0x7f0000001000, 65536) = 8193',
      '7 read(3, 0x7f0000006000, 4096) = 0',
    ]);
    expect(residentPages(replayed, 7)).toBe(3);
    expect(replayed.replay.tally.of('touchedBuffers')).toBe(1);
  });

  it('takes a buffer on the stack for memory that was there from the start', () => {
    const replayed = replayLines([EXECVE, '7 read(0x3, 0x7ffcad154758, 0x340) = 0x340']);
    expect(mapsOf(replayed, 7)).toEqual(['0x7ffcad154000+1 rw-']);
    expect(replayed.replay.tally.of('initialPages')).toBe(1);
  });

  it('touches the parts of a vector, and counts those that the log does not place', () => {
    const replayed = replayLines([
      EXECVE,
      MMAP('0x7f0000000000', 8),
      '7 readv(3, [{iov_base=0x7f0000000000, iov_len=10}, {iov_base="abc", iov_len=3}, {iov_base=0x7f0000004000, iov_len=9000}], 3) = 5013',
      '7 write(1, "abc"..., 4096) = 4096',
    ]);
    expect(residentPages(replayed, 7)).toBe(3);
    expect(replayed.replay.tally.of('hiddenBuffers')).toBe(2);
  });

  it('counts a buffer that cannot be touched', () => {
    const replayed = replayLines([EXECVE, MMAP('0x7f0000000000', 1, 'PROT_NONE'), '7 read(3, 0x7f0000000000, 16) = 16']);
    expect(replayed.replay.tally.of('failedTouches')).toBe(1);
    expect(processOf(replayed, 7).ending).toBeNull();
  });
});
