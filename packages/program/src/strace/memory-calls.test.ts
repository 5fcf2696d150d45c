import { describe, expect, it } from 'vitest';
import { mapsOf, processOf, replayLines } from '../../test/strace-log.js';

const EXECVE = '7 execve("/bin/x", ["x"], 0x7ffe00001000 /* 0 vars */) = 0';
const MMAP = (place: string, pages: number, protection = 'PROT_READ|PROT_WRITE') =>
  `7 mmap(NULL, ${pages * 4096}, ${protection}, MAP_PRIVATE|MAP_ANONYMOUS, -1, 0) = ${place}`;

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
