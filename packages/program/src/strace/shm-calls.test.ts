import { describe, expect, it } from 'vitest';
import { mapsOf, replayLines, runLog } from '../../test/strace-log.js';

const EXECVE = '7 execve("/bin/x", ["x"], 0x7ffe00001000 /* 0 vars */) = 0';
const GET = '7 shmget(IPC_PRIVATE, 8192, IPC_CREAT|0600) = 32770';
const AT = '7 shmat(32770, NULL, 0) = 0x7f0000000000';

describe('shmget and shmat', () => {
  it('make a segment, and attach it where the log says, under another id', () => {
    const replayed = replayLines([EXECVE, GET, AT]);
    expect(mapsOf(replayed, 7)).toEqual(['0x7f0000000000+2 rw- SYSV00000000+0']);
    expect(replayed.differences).toEqual([]);
    expect(replayed.replay.segments.get(32770)?.size).toBe(8192);
  });

  it('share it with a child, and find it by its key', () => {
    const replayed = replayLines([
      EXECVE,
      '7 shmget(0x2a, 4096, IPC_CREAT|0600) = 5',
      '7 shmat(5, NULL, 0) = 0x7f0000000000',
      '7 clone(child_stack=NULL, flags=CLONE_CHILD_SETTID|SIGCHLD) = 8',
      '8 shmget(0x2a, 4096, 0) = 5',
      '8 shmat(5, NULL, SHM_RDONLY) = 0x7f0000100000',
    ]);
    expect(mapsOf(replayed, 8)).toEqual(['0x7f0000000000+1 rw- SYSV0000002a+0', '0x7f0000100000+1 r-- SYSV0000002a+0']);
    expect(replayed.differences).toEqual([]);
    expect(replayed.system.sys.shm.used).toBe(1);
  });

  it('presume that a segment which the log finds was there before', () => {
    const replayed = replayLines([EXECVE, '7 shmget(0x2a, 4096, 0) = 5', '7 shmat(5, NULL, 0) = 0x7f0000000000']);
    expect(mapsOf(replayed, 7)).toEqual(['0x7f0000000000+1 rw- SYSV0000002a+0']);
    expect(replayed.differences).toEqual([]);
  });

  it('pass over a segment that the log does not show, and flags that NetBSD does not have', () => {
    const { remarks } = runLog([
      EXECVE,
      '7 shmat(9, NULL, 0) = 0x7f0000000000',
      '7 shmget(IPC_PRIVATE, 4096, IPC_CREAT|SHM_HUGETLB|0600) = 5',
      '7 shmget(IPC_PRIVATE, 4096, IPC_WHAT) = 6',
      '7 shmat(5, NULL, SHM_REMAP) = -1 EINVAL (Invalid argument)',
      '7 exit_group(0) = ?',
      '7 +++ exited with 0 +++',
    ]);
    const said = remarks.join('\n');
    expect(said).toContain('shmat of a segment that the log does not show');
    expect(said).toContain('SHM_HUGETLB');
    expect(said).toMatch(/could not be understood.*shmget/);
    expect(said).toMatch(/failed there.*shmat/);
  });

  it('keep what follows possible when a removed segment is attached, which NetBSD does not do', () => {
    const replayed = replayLines([EXECVE, GET, '7 shmctl(32770, IPC_RMID, NULL) = 0', AT]);
    expect(mapsOf(replayed, 7)).toEqual(['0x7f0000000000+2 rw-']);
    expect(replayed.differences).toHaveLength(1);
    expect(replayed.differences[0]).toContain('removed already');
  });
});

describe('shmdt and shmctl', () => {
  it('detach and remove', () => {
    const replayed = replayLines([EXECVE, GET, AT, '7 shmctl(32770, IPC_RMID, NULL) = 0', '7 shmdt(0x7f0000000000) = 0']);
    expect(mapsOf(replayed, 7)).toEqual([]);
    expect([replayed.differences, replayed.system.sys.shm.used, replayed.system.uvm.aobjs.size]).toEqual([[], 0, 0]);
  });

  it('explain who may lock shared memory', () => {
    const { differences } = replayLines([
      EXECVE,
      GET,
      '7 shmctl(32770, SHM_LOCK, NULL) = 0',
      '7 shmctl(32770, IPC_STAT, {}) = 0',
    ]);
    expect(differences).toHaveLength(1);
    expect(differences[0]).toContain('superuser');
  });

  it('fail as there', () => {
    const { differences } = replayLines([EXECVE, '7 shmdt(0x7f0000000000) = -1 EINVAL (Invalid argument)']);
    expect(differences).toEqual([]);
  });
});
