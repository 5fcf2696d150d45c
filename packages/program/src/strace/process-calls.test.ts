import { describe, expect, it } from 'vitest';
import { mapsOf, processOf, replayLines, runLog } from '../../test/strace-log.js';

const EXECVE = '7 execve("/bin/sh", ["sh"], 0x7ffe00001000 /* 0 vars */) = 0';
const MMAP = '7 mmap(NULL, 8192, PROT_READ|PROT_WRITE, MAP_PRIVATE|MAP_ANONYMOUS, -1, 0) = 0x7f0000000000';
const TOUCH = '7 read(3, 0x7f0000000000, 8192) = 8192';
const THREAD = 'clone(child_stack=0x7f1000000000, flags=CLONE_VM|CLONE_FS|CLONE_FILES|CLONE_SIGHAND|CLONE_THREAD)';

describe('fork', () => {
  //     7  [page][page]           8 stores into the first page: a page of its own
  //          |     |
  //     8  [copy][page]
  it('gives the child a copy of the memory', () => {
    const replayed = replayLines([
      EXECVE,
      MMAP,
      TOUCH,
      '7 fork() = 8',
      '8 read(3, 0x7f0000000000, 100) = 100',
      '8 munmap(0x7f0000001000, 4096) = 0',
    ]);
    expect(mapsOf(replayed, 7)).toEqual(['0x7f0000000000+2 rw-']);
    expect(mapsOf(replayed, 8)).toEqual(['0x7f0000000000+1 rw-']);
    expect(replayed.system.uvm.uvmexp.anonpages).toBe(3);
    expect(processOf(replayed, 8).parent).toBe(processOf(replayed, 7));
  });

  it('makes a child that the log shows before its fork has come back, at its first line', () => {
    const replayed = replayLines([
      EXECVE,
      MMAP,
      '7 clone(child_stack=NULL, flags=CLONE_CHILD_CLEARTID|SIGCHLD <unfinished ...>',
      '8 munmap(0x7f0000000000, 4096) = 0',
      '7 <... clone resumed>) = 8',
      '7 munmap(0x7f0000001000, 4096) = 0',
    ]);
    expect(replayed.calls.slice(2)).toEqual([
      'fork() = 2',
      'munmap(0x7f0000000000, 4096) = 0',
      'munmap(0x7f0000001000, 4096) = 0',
    ]);
    expect(mapsOf(replayed, 8)).toEqual(['0x7f0000001000+1 rw-']);
    expect(replayed.replay.tally.of('strangers')).toBe(0);
  });

  it('stores the child’s number in the child’s memory, where the child wants it', () => {
    const replayed = replayLines([
      EXECVE,
      MMAP,
      TOUCH,
      '7 clone(child_stack=NULL, flags=CLONE_CHILD_SETTID|SIGCHLD, child_tidptr=0x7f0000000010) = 8',
    ]);
    expect(replayed.system.uvm.uvmexp.anonpages).toBe(3);
  });

  it('makes no child of a fork that failed', () => {
    const replayed = replayLines([EXECVE, '7 fork() = -1 EAGAIN (Resource temporarily unavailable)']);
    expect(replayed.system.sys.processes.size).toBe(1);
  });

  it('follows a number that is used again although its end is not in the log', () => {
    const replayed = replayLines([
      EXECVE,
      '7 fork() = 8',
      '7 wait4(8, NULL, 0, NULL) = 8',
      MMAP,
      '7 fork() = 8',
      '8 munmap(0x7f0000000000, 4096) = 0',
    ]);
    expect(mapsOf(replayed, 8)).toEqual(['0x7f0000001000+1 rw-']);
    expect(replayed.system.sys.processes.size).toBe(2);
  });
});

describe('vfork', () => {
  const VFORK = [EXECVE, '7 brk(NULL) = 0x600000', MMAP, '7 vfork( <unfinished ...>'];

  it('shares the memory until the child execs', () => {
    const shared = [...VFORK, '8 munmap(0x7f0000000000, 4096) = 0'];
    const before = replayLines(shared);
    expect(before.replay.tally.of('strangers')).toBe(0);
    expect(processOf(before, 8).space).toBe(processOf(before, 7).space);
    expect(mapsOf(before, 7)).toEqual(['0x7f0000001000+1 rw-']);

    const after = replayLines([
      ...shared,
      '8 execve("/bin/ls", ["ls"], 0x7ffe00001000 /* 0 vars */ <unfinished ...>',
      '7 <... vfork resumed>) = 8',
      '8 <... execve resumed>) = 0',
      '8 brk(NULL) = 0x800000',
      '8 brk(0x801000) = 0x801000',
      '7 brk(0x601000) = 0x601000',
    ]);
    expect(mapsOf(after, 7)).toEqual(['0x600000+1 rw-', '0x7f0000001000+1 rw-']);
    expect(mapsOf(after, 8)).toEqual(['0x800000+1 rw-']);
    expect(processOf(after, 8).name).toBe('ls');
  });

  it('does not make a parent wait for a child that is not in the log', () => {
    const { remarks } = runLog([
      EXECVE,
      '7 vfork() = 8',
      MMAP,
      '7 wait4(8, NULL, 0, NULL) = 8',
      '7 exit_group(0) = ?',
      '7 +++ exited with 0 +++',
    ]);
    expect(remarks).toContainEqual(expect.stringMatching(/^children that share the memory .*: 1$/));
    expect(remarks.join()).not.toContain('alive');
  });

  it('takes CLONE_VM without CLONE_THREAD as sharing, too', () => {
    const replayed = replayLines([
      EXECVE,
      '7 clone3({flags=CLONE_VM|CLONE_VFORK, exit_signal=SIGCHLD, stack=0x7f1000000000, stack_size=0x9000}, 88) = 8',
    ]);
    expect(processOf(replayed, 8).space).toBe(processOf(replayed, 7).space);
    expect(replayed.calls.at(-1)).toBe('__clone(256) = 2');
  });
});

describe('a fork whose arguments have no names', () => {
  it('is what its flags say', () => {
    const replayed = replayLines([
      EXECVE,
      '7 clone(0x1200011, 0, 0, 0x7f0000000a10) = 8',
      '7 clone(0x3d0f00, 0x7f0000fffef0, 0x7f0000000910, 0x7f0000000910) = 9',
    ]);
    expect(processOf(replayed, 8).space).not.toBe(processOf(replayed, 7).space);
    expect(processOf(replayed, 9)).toBe(processOf(replayed, 7));
  });

  it('is a process that shares the memory when the flags are hidden in a struct', () => {
    const replayed = replayLines([EXECVE, MMAP, '7 clone3(0x7ffe00001000, 0x58) = 8', '8 munmap(0x7f0000000000, 4096) = 0']);
    expect(mapsOf(replayed, 7)).toEqual(['0x7f0000001000+1 rw-']);
  });
});

describe('threads', () => {
  it('are threads of one process here, and end one by one', () => {
    const lines = [EXECVE, `7 ${THREAD} = 8`, '8 mmap(NULL, 4096, PROT_READ, MAP_PRIVATE|MAP_ANONYMOUS, -1, 0) = 0x7f0000000000'];
    const both = replayLines(lines);
    expect(processOf(both, 8)).toBe(processOf(both, 7));
    expect(processOf(both, 7).lwps.map((lwp) => lwp.lid)).toEqual([1, 2]);
    expect(mapsOf(both, 7)).toEqual(['0x7f0000000000+1 r--']);

    const one = replayLines([...lines, '8 exit(0) = ?', '8 +++ exited with 0 +++']);
    expect(processOf(one, 7).lwps.map((lwp) => lwp.lid)).toEqual([1]);
    expect(one.replay.tasks.get(8)).toBeUndefined();
  });

  it('all end with exit_group, whatever the log still says of them', () => {
    const { counts, remarks } = runLog([
      EXECVE,
      `7 ${THREAD} = 8`,
      '8 futex(0x7f0000000000, FUTEX_WAIT_PRIVATE, 0, NULL <unfinished ...>',
      '7 exit_group(3 <unfinished ...>',
      '8 <... futex resumed>) = ?',
      '7 <... exit_group resumed>) = ?',
      '8 +++ exited with 3 +++',
      '7 +++ exited with 3 +++',
    ]);
    expect(counts.get('mmap')).toBeUndefined();
    expect(remarks.join()).not.toContain('alive');
    expect(remarks.join()).not.toContain('nowhere');
  });

  // 8 calls execve: 7, the first thread, is gone, and 8 goes on as 7.
  it('goes on under the number of the process after an execve in another thread', () => {
    const replayed = replayLines([
      EXECVE,
      MMAP,
      `7 ${THREAD} = 8`,
      '7 pause( <unfinished ...>',
      '8 execve("/bin/ls", ["ls"], 0x7ffe00001000 /* 0 vars */ <unfinished ...>',
      '7 <... pause resumed>) = ?',
      '7 +++ superseded by execve in pid 8 +++',
      '7 <... execve resumed>) = 0',
      MMAP,
    ]);
    expect(processOf(replayed, 7).lwps.map((lwp) => lwp.lid)).toEqual([2]);
    expect(processOf(replayed, 7).name).toBe('ls');
    expect(mapsOf(replayed, 7)).toEqual(['0x7f0000000000+2 rw-']);
    expect(replayed.replay.tasks.get(8)).toBeUndefined();
  });
});

describe('execve', () => {
  it('gives the program an empty space, and closes what is to be closed', () => {
    const replayed = replayLines([
      EXECVE,
      MMAP,
      '7 open("/lib/a", O_RDONLY|O_CLOEXEC) = 3',
      '7 open("/lib/b", O_RDONLY) = 4',
      EXECVE,
      '7 mmap(NULL, 4096, PROT_READ, MAP_SHARED, 3, 0) = 0x7f0000000000',
      '7 mmap(NULL, 4096, PROT_READ, MAP_SHARED, 4, 0) = 0x7f0000001000',
    ]);
    expect(mapsOf(replayed, 7)).toEqual(['0x7f0000000000+1 r-- descriptor 3 of 7+0', '0x7f0000001000+1 r-- /lib/b+0']);
  });

  it('changes nothing when it failed', () => {
    const replayed = replayLines([
      EXECVE,
      MMAP,
      '7 execve("/usr/bin/none", ["none"], 0x7ffe00001000) = -1 ENOENT (No such file or directory)',
    ]);
    expect(mapsOf(replayed, 7)).toEqual(['0x7f0000000000+2 rw-']);
  });
});

describe('the end of a process', () => {
  it('gives its memory back, and is waited for when the log says so', () => {
    const replayed = replayLines([EXECVE, MMAP, TOUCH, '7 fork() = 8', '8 exit_group(0) = ?', '8 +++ exited with 0 +++']);
    expect(replayed.system.sys.processes.size).toBe(2);
    expect(replayed.system.uvm.spaces.size).toBe(1);
    const waited = replayLines([
      EXECVE,
      '7 fork() = 8',
      '8 exit_group(0) = ?',
      '8 +++ exited with 0 +++',
      '7 wait4(-1, [{WIFEXITED(s) && WEXITSTATUS(s) == 0}], 0, NULL) = 8',
    ]);
    expect(waited.system.sys.processes.size).toBe(1);
    expect(waited.calls.at(-1)).toBe('wait4(2) = 2');
  });

  it('is the signal that the log says killed it', () => {
    const replayed = replayLines([
      EXECVE,
      '7 fork() = 8',
      '8 --- SIGSEGV {si_signo=SIGSEGV, si_code=SEGV_MAPERR, si_addr=NULL} ---',
      '8 +++ killed by SIGBUS (core dumped) +++',
    ]);
    expect(replayed.system.sys.processes.get(2)?.ending).toEqual({ kind: 'signaled', signal: 10 });
  });

  it('is not a child that has only stopped', () => {
    const replayed = replayLines([
      EXECVE,
      '7 fork() = 8',
      '7 wait4(8, [{WIFSTOPPED(s) && WSTOPSIG(s) == SIGSTOP}], WSTOPPED, NULL) = 8',
    ]);
    expect(processOf(replayed, 8).ending).toBeNull();
  });

  it('is noticed by waitid', () => {
    const { system } = replayLines([
      EXECVE,
      '7 fork() = 8',
      '8 +++ exited with 0 +++',
      '7 waitid(P_PID, 8, {si_signo=SIGCHLD, si_code=CLD_EXITED, si_pid=8, si_uid=0, si_status=0, si_utime=0, si_stime=0}, WEXITED, NULL) = 0',
    ]);
    expect(system.sys.processes.size).toBe(1);
  });

  it('comes with the end of the log, and is remarked', () => {
    const { remarks } = runLog([EXECVE, MMAP, '7 fork() = 8', '8 read(3, '], { cut: true });
    expect(remarks).toContain('processes that are alive where the log ends, and were made to exit: 2');
    expect(remarks.join()).toContain('cut off');
  });

  it('does not leave more processes waited for by nobody than a host can bear', () => {
    const lines = [EXECVE];
    for (let pid = 10; pid < 1300; pid++) lines.push(`7 fork() = ${pid}`, `${pid} +++ exited with 0 +++`);
    const { system } = runLog(lines, { audit: 'end' });
    expect(system.sys.processes.size).toBe(0);
    expect(system.sys.nextPid).toBeGreaterThan(1290);
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
