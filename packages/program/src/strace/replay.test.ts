import { describe, expect, it } from 'vitest';
import { actorOf, mapsOf, processOf, replayLines, runLog } from '../../test/strace-log.js';

const EXECVE = '7 execve("/bin/sh", ["sh"], 0x7ffe00001000 /* 0 vars */) = 0';
const MMAP = '7 mmap(NULL, 8192, PROT_READ|PROT_WRITE, MAP_PRIVATE|MAP_ANONYMOUS, -1, 0) = 0x7f0000000000';

describe('a log', () => {
  const LINES = [
    'execve("/bin/x", ["x"], 0x7ffe00001000 /* 0 vars */) = 0',
    'mmap(NULL, 8192, PROT_READ, MAP_PRIVATE|MAP_ANONYMOUS, -1, 0) = 0x7f0000000000',
    'mprotect(0x7f0000000000, 4096, PROT_READ|PROT_WRITE) = 0',
    'exit_group(0) = ?',
    '+++ exited with 0 +++',
  ];

  it.each<[string, (line: string) => string]>([
    ['without anything', (line) => line],
    ['-f', (line) => `7 ${line}`],
    ['-f on a terminal', (line) => `[pid     7] ${line}`],
    ['-t', (line) => `7 05:17:35 ${line}`],
    ['-tt', (line) => `7 05:17:35.414833 ${line}`],
    ['-ttt', (line) => `1700000000.414833 ${line}`],
    ['-r', (line) => `7      0.000027 ${line}`],
    ['-T', (line) => (line.startsWith('+') ? line : `${line} <0.000012>`)],
    ['-i', (line) => (line.startsWith('+') ? `7 [????????????????] ${line}` : `7 [00007f6aa6e5d05a] ${line}`)],
  ])('with the prefixes of %s means the same', (_, write) => {
    const result = runLog(LINES.map(write));
    expect([...result.counts.keys()].filter((name) => name !== 'exit')).toEqual(['execve', 'mmap', 'mprotect']);
    expect(result.calls.filter(({ differs }) => differs !== undefined)).toEqual([]);
    expect(result.remarks).toEqual([]);
  });
});

describe('a call that others interrupted', () => {
  it('takes effect when it comes back, with the arguments with which it began', () => {
    const lines = [EXECVE, MMAP, '7 mprotect(0x7f0000000000, 4096, PROT_READ <unfinished ...>', '9 close(3) = 0'];
    expect(mapsOf(replayLines(lines), 7)).toEqual(['0x7f0000000000+2 rw-']);
    const back = replayLines([...lines, '7 <... mprotect resumed>) = 0']);
    expect(mapsOf(back, 7)).toEqual(['0x7f0000000000+1 r--', '0x7f0000001000+1 rw-']);
  });

  it('belongs to the thread that began it, whatever the others begin meanwhile', () => {
    const replayed = replayLines([
      EXECVE,
      '7 fork() = 8',
      '7 mmap(NULL, 4096, PROT_READ, MAP_PRIVATE|MAP_ANONYMOUS, -1, 0 <unfinished ...>',
      '8 mmap(NULL, 8192, PROT_READ, MAP_PRIVATE|MAP_ANONYMOUS, -1, 0 <unfinished ...>',
      '7 <... mmap resumed>) = 0x7f0000000000',
      '8 <... mmap resumed>) = 0x7f1000000000',
    ]);
    expect(mapsOf(replayed, 7)).toEqual(['0x7f0000000000+1 r--']);
    expect(mapsOf(replayed, 8)).toEqual(['0x7f1000000000+2 r--']);
  });

  it('is passed over when the log never says how it ended', () => {
    const { remarks, counts } = runLog([EXECVE, MMAP, '7 munmap(0x7f0000000000, 8192 <unfinished ...>'], { cut: true });
    expect(counts.get('munmap')).toBeUndefined();
    expect(remarks.join('\n')).toContain('never come back in the log, and were passed over: 1');
  });
});

describe('a call that failed in the log', () => {
  it('changes nothing here either', () => {
    const replayed = replayLines([
      EXECVE,
      MMAP,
      '7 munmap(0x7f0000000001, 8192) = -1 EINVAL (Invalid argument)',
      '7 mprotect(0x7f0000000000, 8192, PROT_READ) = -1 EACCES (Permission denied)',
      '7 clone(child_stack=NULL, flags=SIGCHLD) = -1 EAGAIN (Resource temporarily unavailable)',
      '7 execve("/none", ["none"], 0x7ffe00001000) = -1 ENOENT (No such file or directory)',
      '7 read(3, 0x7f0000000000, 8192) = -1 EBADF (Bad file descriptor)',
    ]);
    expect(processOf(replayed, 7).name).toBe('sh');
    expect(replayed.system.sys.processes.size).toBe(1);
    expect(replayed.replay.tally.of('touchedBuffers')).toBe(0);
  });
});

describe('a log that begins in the middle', () => {
  it('has processes of which nothing is known: what they use is presumed to be there', () => {
    const replayed = replayLines([
      '7 <... futex resumed>) = 0',
      '7 mprotect(0x7f0000000000, 8192, PROT_READ) = 0',
      '7 munmap(0x7f0000000000, 4096) = 0',
      '8 restart_syscall(<... resuming interrupted poll ...>) = 1',
    ]);
    expect(mapsOf(replayed, 7)).toEqual(['0x7f0000001000+1 r--']);
    expect(mapsOf(replayed, 8)).toEqual([]);
    expect(replayed.replay.tally.of('strangers')).toBe(2);
    expect(replayed.differences).toEqual([]);
  });

  // 7 and 8 are threads, which the log does not tell: what 8 unmaps stays in the space that 7 has here.
  it('explains by that why what was free there is not free here', () => {
    const replayed = replayLines([MMAP, '8 munmap(0x7f0000000000, 8192) = 0', MMAP]);
    expect(replayed.differences).toEqual([expect.stringContaining('the log begins after this process')]);
    expect(mapsOf(replayed, 7)).toEqual(['0x7f0000000000+2 rw-']);
  });

  it('does not explain so what comes after an execve, or from a child that is known', () => {
    const replayed = replayLines([MMAP, EXECVE, MMAP, MMAP, '7 fork() = 8']);
    expect(replayed.differences).toEqual([expect.stringMatching(/ \| $/)]);
    expect(actorOf(replayed, 8).task.space.fromStart).toBe(true);
  });
});

describe('more processes than can be followed', () => {
  it('are counted, and what the log says of them is passed over', () => {
    const lines = [EXECVE];
    for (let pid = 10; pid < 4110; pid++) lines.push(`7 clone(flags=CLONE_VM|CLONE_THREAD) = ${pid}`);
    lines.push('4109 munmap(0x7f0000000000, 4096) = 0', '7 exit_group(0) = ?');
    const { remarks, counts } = runLog(lines, { audit: 'end' });
    expect(remarks).toContainEqual(expect.stringMatching(/not followed.*: 5$/));
    expect(counts.get('munmap')).toBeUndefined();
  });
});

describe('what a log does not show', () => {
  it('is a process that appears from nowhere: it begins empty', () => {
    const replayed = replayLines([
      '9 munmap(0x7f0000000000, 4096) = 0',
      '9 mmap(NULL, 4096, PROT_READ, MAP_PRIVATE|MAP_ANONYMOUS, -1, 0) = 0x7f0000000000',
    ]);
    expect(mapsOf(replayed, 9)).toEqual(['0x7f0000000000+1 r--']);
    expect(replayed.replay.tally.of('strangers')).toBe(1);
  });

  it('is the beginning of a call, whose end is passed over', () => {
    const replayed = replayLines([EXECVE, MMAP, '7 <... munmap resumed>) = 0']);
    expect(mapsOf(replayed, 7)).toEqual(['0x7f0000000000+2 rw-']);
  });

  it('is the end of a call, which is passed over', () => {
    const { remarks, counts } = runLog([
      EXECVE,
      MMAP,
      '7 munmap(0x7f0000000000, 8192 <unfinished ...>',
      '7 +++ killed by SIGKILL +++',
    ]);
    expect(counts.get('munmap')).toBeUndefined();
    expect(remarks.join()).not.toContain('alive');
  });

  it('reads logs without numbers', () => {
    const { counts } = runLog([
      'execve("/bin/x", ["x"], 0x7ffe00001000 /* 0 vars */) = 0',
      'brk(NULL) = 0x600000',
      'brk(0x601000) = 0x601000',
      'exit_group(0) = ?',
      '+++ exited with 0 +++',
    ]);
    expect(counts.get('brk')).toEqual({ made: 1, failed: 0 });
  });
});
