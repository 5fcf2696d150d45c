import { describe, expect, it } from 'vitest';
import { callsOf, runSyz } from '../../test/syz-run.js';

const GET = 'r0 = shmget$private(0x0, 0x2000, 0x380, &(0x7f0000ffc000/0x2000)=nil)';

describe('shared memory', () => {
  it('is made, attached, changed, detached and removed, in a program of NetBSD', () => {
    const lines = [
      GET,
      'r1 = shmat(r0, 0x0, 0x0)',
      'shmctl$IPC_STAT(r0, 0x2, &(0x7f0000000000)=""/88)',
      'shmctl$IPC_SET(r0, 0x1, &(0x7f0000000100)={{0x3e8, 0x64, 0x0, 0x0, 0x100}})',
      'shmat(r0, 0x0, 0x0)',
      'shmctl$IPC_RMID(r0, 0x0)',
      'shmdt(r1)',
    ];
    const calls = callsOf(runSyz(lines)).map((call) => call.replaceAll(/0x7[0-9a-f]{11}/g, 'X'));
    expect(calls).toEqual([
      'shmget(0, 8192, 896) = 0x10000',
      'shmat(0x10000, 0, 0) = X',
      'shmctl(0x10000, 2) = 0',
      'shmctl(0x10000, 1) = 0',
      'shmat(0x10000, 0, 0) = -1 EACCES',
      'shmctl(0x10000, 0) = 0',
      'shmdt(X) = 0',
    ]);
  });

  // The segment is set to what it is: were anything else there, it could not be attached.
  it.each(['netbsd', 'linux'] as const)('tells of a segment and takes it back where a program of %s has it', (os) => {
    const lines = [
      GET,
      'shmctl$IPC_STAT(r0, 0x2, &(0x7f0000000000)=""/112)',
      'shmctl$IPC_SET(r0, 0x1, &(0x7f0000000000))',
      'shmat(r0, 0x0, 0x0)',
      'shmctl$IPC_RMID(r0, 0x0)',
    ];
    const results = callsOf(runSyz(lines, { os })).map((call) => call.split(' = ').at(-1));
    expect(results.with(3, results[3]?.startsWith('0x7') ? 'X' : '')).toEqual(['0x10000', '0', '0', 'X', '0']);
  });

  it('translates what Linux says', () => {
    const result = runSyz(
      [
        'r0 = shmget$private(0x0, 0x2000, 0x1f80, &(0x7f0000ffc000/0x2000)=nil)',
        'shmat(r0, &(0x7f0000400000)=nil, 0x7000)',
        'shmctl$SHM_LOCK(r0, 0xb)',
        'shmctl$IPC_INFO(r0, 0x3, &(0x7f0000000000)=""/64)',
        'shmctl$IPC_RMID(r0, 0x0)',
        'shmctl$IPC_SET(r0, 0x1, 0x1000)',
      ],
      { os: 'linux' },
    );
    expect(callsOf(result)).toEqual([
      'shmget(0, 8192, 1920) = 0x10000',
      'shmat(0x10000, 0x20400000, 12288) = -1 ENOMEM',
      'shmctl(0x10000, 3) = -1 EPERM',
      'shmctl(0x10000, 0) = 0',
    ]);
    const remarks = result.remarks.join('\n');
    expect(remarks).toContain('SHM_HUGETLB');
    expect(remarks).toContain('SHM_REMAP');
  });
});
