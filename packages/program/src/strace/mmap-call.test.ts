import { describe, expect, it } from 'vitest';
import { mapsOf, replayLines, runLog } from '../../test/strace-log.js';

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

  it('makes what NetBSD cannot lock all the same, unlocked', () => {
    const locks = replayLines([
      EXECVE,
      '7 mlockall(MCL_FUTURE) = 0',
      '7 mmap(NULL, 8388608, PROT_READ|PROT_WRITE, MAP_PRIVATE|MAP_ANONYMOUS, -1, 0) = 0x7f0000000000',
      '7 mmap(NULL, 8388608, PROT_READ, MAP_PRIVATE|MAP_ANONYMOUS|MAP_LOCKED, -1, 0) = 0x7f1000000000',
    ]);
    expect(mapsOf(locks, 7)).toEqual(['0x7f0000000000+2048 rw-', '0x7f1000000000+2048 r--']);
    expect(locks.differences).toHaveLength(2);
    for (const difference of locks.differences) expect(difference).toContain('NetBSD locks such a mapping at once');
  });

  it('does not compare what failed over flags that NetBSD does not have, or is not so strict about', () => {
    const replayed = replayLines([
      EXECVE,
      MMAP('0x7f0000000000', 1),
      '7 mmap(NULL, 4096, PROT_READ, MAP_SHARED_VALIDATE|MAP_ANONYMOUS, -1, 0) = -1 EINVAL (Invalid argument)',
      '7 mmap(NULL, 2097152, PROT_READ, MAP_PRIVATE|MAP_ANONYMOUS|MAP_HUGETLB, -1, 0) = -1 ENOMEM (Cannot allocate memory)',
      '7 mmap(0x7f0000000000, 4096, PROT_READ, MAP_PRIVATE|MAP_ANONYMOUS|MAP_FIXED_NOREPLACE, -1, 0) = -1 EEXIST (File exists)',
    ]);
    expect(replayed.differences).toEqual([]);
    expect(replayed.replay.tally.remarks()).toContainEqual(expect.stringMatching(/failed there.*: mmap 3$/));
  });

  it('takes a descriptor without its sign for what it is', () => {
    const replayed = replayLines([EXECVE, '7 mmap(0, 0x2000, 0x3, 0x22, 0xffffffff, 0) = 0x7f0000000000']);
    expect(replayed.differences).toEqual([]);
    expect(mapsOf(replayed, 7)).toEqual(['0x7f0000000000+2 rw-']);
  });

  it('is of zeros where the file of this machine cannot be so large', () => {
    const replayed = replayLines([
      EXECVE,
      '7 open("/tmp/f", O_RDONLY) = 3',
      '7 mmap(NULL, 4096, PROT_READ, MAP_PRIVATE, 3, 0x4000000000000000) = 0x7f0000000000',
    ]);
    expect(mapsOf(replayed, 7)).toEqual(['0x7f0000000000+1 r--']);
    expect(replayed.differences[0]).toContain('beyond what a file of this machine can have');
  });

  it('keeps a file alive that was unlinked, and gives a new one of that name pages of its own', () => {
    const replayed = replayLines([
      EXECVE,
      '7 open("/tmp/f", O_RDWR|O_CREAT, 0666) = 3',
      '7 ftruncate(3, 4096) = 0',
      '7 mmap(NULL, 4096, PROT_READ, MAP_SHARED, 3, 0) = 0x7f0000000000',
      '7 unlink("/tmp/f") = 0',
      '7 open("/tmp/f", O_RDWR|O_CREAT, 0666) = 4',
      '7 mmap(NULL, 4096, PROT_READ, MAP_SHARED, 4, 0) = 0x7f0000001000',
    ]);
    expect(mapsOf(replayed, 7)).toEqual(['0x7f0000000000+1 r-- /tmp/f+0', '0x7f0000001000+1 r-- /tmp/f+0']);
    expect(replayed.differences).toEqual([]);
  });
});
