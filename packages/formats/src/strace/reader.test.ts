import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { readStrace, type StraceOptions, StraceReader } from './reader.js';
import type { StraceRecord } from './records.js';
import { namedValue } from './value.js';

/** Recorded with `strace -f -o log`: two threads in each other's way, a child that crashes. */
const FORKING = `3524  rt_sigprocmask(SIG_BLOCK, ~[], [], 8) = 0
3524  clone3({flags=CLONE_VM|CLONE_THREAD, child_tid=0x7f59ace3d990, exit_signal=0, stack=0x7f59ac63d000, stack_size=0x7fff80} <unfinished ...>
3525  rseq(0x7f59ace3dfe0, 0x20, 0, 0x53053053 <unfinished ...>
3524  <... clone3 resumed> => {parent_tid=[3525]}, 88) = 3525
3524  rt_sigprocmask(SIG_SETMASK, [],  <unfinished ...>
3525  <... rseq resumed>)               = 0
3524  <... rt_sigprocmask resumed>NULL, 8) = 0
3524  mmap(NULL, 16384, PROT_READ|PROT_WRITE, MAP_PRIVATE|MAP_ANONYMOUS, -1, 0 <unfinished ...>
3525  mlock(0x7f59ad028000, 4096)       = 0
3524  <... mmap resumed>)               = 0x7f59ad028000
3524  mincore(0x7f59ad028000, 16384, [1, 0, 0, 0]) = 0
3525  exit(0)                           = ?
3525  +++ exited with 0 +++
3524  clone(child_stack=NULL, flags=CLONE_CHILD_CLEARTID|CLONE_CHILD_SETTID|SIGCHLD, child_tidptr=0x7f59ace3ea10) = 3526
3524  wait4(3526,  <unfinished ...>
3526  --- SIGSEGV {si_signo=SIGSEGV, si_code=SEGV_MAPERR, si_addr=NULL} ---
3526  +++ killed by SIGSEGV (core dumped) +++
3524  <... wait4 resumed>[{WIFSIGNALED(s) && WTERMSIG(s) == SIGSEGV}], 0, NULL) = 3526
3524  read(-1, NULL, 10)                = -1 EBADF (Bad file descriptor)
3524  exit_group(3)                     = ?
3524  +++ exited with 3 +++
`;

/** Recorded with `strace -f 2> log`: the first process has a number only while it is not alone. */
const TERMINAL = `brk(NULL)                               = 0x5651043f0000
clone3({flags=CLONE_VM|CLONE_THREAD, child_tid=0x7f76190ea990, stack_size=0x7fff80}strace: Process 3543 attached
 => {parent_tid=[3543]}, 88) = 3543
[pid  3543] rseq(0x7f76190eafe0, 0x20, 0, 0x53053053 <unfinished ...>
[pid  3542] rt_sigprocmask(SIG_SETMASK, [],  <unfinished ...>
[pid  3543] <... rseq resumed>)         = 0
[pid  3542] <... rt_sigprocmask resumed>NULL, 8) = 0
[pid  3542] futex(0x7f76190ea990, FUTEX_WAIT, 3543, NULL <unfinished ...>
[pid  3543] munmap(0x7f76192d7000, 8192) = 0
[pid  3543] exit(0)                     = ?
[pid  3543] +++ exited with 0 +++
<... futex resumed>)                    = 0
vfork(strace: Process 3544 attached
 <unfinished ...>
[pid  3544] execve("/bin/true", ["true"], 0x7ffcac60db58 /* 35 vars */ <unfinished ...>
[pid  3542] <... vfork resumed>)        = 3544
[pid  3542] wait4(-1,  <unfinished ...>
[pid  3544] <... execve resumed>)       = 0
[pid  3544] +++ exited with 0 +++
<... wait4 resumed>[{WIFEXITED(s) && WEXITSTATUS(s) == 0}], 0, NULL) = 3544
--- SIGCHLD {si_signo=SIGCHLD, si_code=CLD_EXITED, si_pid=3544, si_uid=0, si_status=0, si_utime=0, si_stime=0} ---
exit_group(3)                           = ?
+++ exited with 3 +++
`;

/** Recorded with `strace -f -tt -T -y -i -v -xx -o log`, in /usr/lib. */
const VERBOSE = String.raw`7381  03:24:14.663863 [00007fde5883cb1d] openat(AT_FDCWD<\x2f\x75\x73\x72\x2f\x6c\x69\x62>, "\x2f\x65\x74\x63\x2f\x6c\x64\x2e\x73\x6f\x2e\x63\x61\x63\x68\x65", O_RDONLY|O_CLOEXEC) = 3<\x2f\x65\x74\x63\x2f\x6c\x64\x2e\x73\x6f\x2e\x63\x61\x63\x68\x65> <0.000014>
7381  03:24:14.664052 [00007fde5883cca3] mmap(NULL, 34547, PROT_READ, MAP_PRIVATE, 3<\x2f\x65\x74\x63\x2f\x6c\x64\x2e\x73\x6f\x2e\x63\x61\x63\x68\x65>, 0) = 0x7fde58809000 <0.000013>
7381  03:24:14.664158 [00007fde5883cb74] read(3<\x2f\x75\x73\x72\x2f\x6c\x69\x62\x2f\x6c\x69\x62\x63\x2e\x73\x6f\x2e\x36>, "\x7f\x45\x4c\x46\x02\x01\x01\x03"..., 832) = 832 <0.000008>
7381  03:24:14.664874 [00007fde586fb409] exit_group(0) = ?
7381  03:24:14.664999 [????????????????] +++ exited with 0 +++
`;

/** Recorded with `strace -f -o log`: a thread that is not the first one calls execve. */
const SUPERSEDED = `3922  pause( <unfinished ...>
3923  execve("/bin/true", ["true"], 0x7ffd79cd8c88 /* 35 vars */ <unfinished ...>
3922  <... pause resumed>)              = ?
3922  +++ superseded by execve in pid 3923 +++
3922  <... execve resumed>)             = 0
3922  brk(NULL)                         = 0x56387f733000
`;

const read = (text: string, options: StraceOptions = {}) => [...readStrace([text], options)];

/** A record in a few words, for tests that look at order and process. */
function sketch(record: StraceRecord): string {
  const name = 'name' in record ? ` ${record.name}` : '';
  const result = 'result' in record ? ` = ${record.result.value?.toString(record.result.radix) ?? '?'}` : '';
  return `${record.pid} ${record.kind}${name}${result}`;
}

describe('a log with numbers in front', () => {
  const records = read(FORKING);

  it('gives each thing that happened, in order', () => {
    expect(records.map(sketch)).toEqual([
      '3524 call rt_sigprocmask = 0',
      '3524 callStart clone3',
      '3525 callStart rseq',
      '3524 callEnd clone3 = 3525',
      '3524 callStart rt_sigprocmask',
      '3525 callEnd rseq = 0',
      '3524 callEnd rt_sigprocmask = 0',
      '3524 callStart mmap',
      '3525 call mlock = 0',
      '3524 callEnd mmap = 7f59ad028000',
      '3524 call mincore = 0',
      '3525 call exit = ?',
      '3525 exit',
      '3524 call clone = 3526',
      '3524 callStart wait4',
      '3526 signal',
      '3526 killed',
      '3524 callEnd wait4 = 3526',
      '3524 call read = -1',
      '3524 call exit_group = ?',
      '3524 exit',
    ]);
  });

  it('joins a call with its beginning', () => {
    const end = records[3];
    if (end?.kind !== 'callEnd') throw new Error('expected the end of clone3');
    expect(end.start).toBe(records[1]);
    expect(end).toMatchObject({ startLine: 2, endLine: 4 });
    expect(end.args.map(({ kind }) => kind)).toEqual(['change', 'number']);
    expect(end.start?.args.map(({ kind }) => kind)).toEqual(['struct']);
    expect(records[17]).toMatchObject({
      kind: 'callEnd',
      args: [{ value: 3526 }, { kind: 'array' }, { value: 0 }, { kind: 'null' }],
    });
  });

  it('tells of signals and ends', () => {
    expect(records[15]).toMatchObject({ kind: 'signal', signal: 'SIGSEGV', stopped: false, info: { kind: 'struct' } });
    expect(records[16]).toMatchObject({ kind: 'killed', signal: 'SIGSEGV', coreDumped: true, unfinished: undefined });
    expect(records.at(-1)).toMatchObject({ kind: 'exit', status: 3, startLine: 21, endLine: 21 });
  });
});

describe('a log as on a terminal', () => {
  it('has one number for the first process from beginning to end', () => {
    const records = read(TERMINAL);
    expect(records.map(sketch)).toEqual([
      '0 call brk = 5651043f0000',
      '3543 attached',
      '0 call clone3 = 3543',
      '3543 callStart rseq',
      '0 callStart rt_sigprocmask',
      '3543 callEnd rseq = 0',
      '0 callEnd rt_sigprocmask = 0',
      '0 callStart futex',
      '3543 call munmap = 0',
      '3543 call exit = ?',
      '3543 exit',
      '0 callEnd futex = 0',
      '3544 attached',
      '0 callStart vfork',
      '3544 callStart execve',
      '0 callEnd vfork = 3544',
      '0 callStart wait4',
      '3544 callEnd execve = 0',
      '3544 exit',
      '0 callEnd wait4 = 3544',
      '0 signal',
      '0 call exit_group = ?',
      '0 exit',
    ]);
    expect(records[2]).toMatchObject({ startLine: 2, endLine: 3, args: [{ kind: 'change' }, { value: 88 }] });
    expect(new Set(read(TERMINAL, { firstPid: 3542 }).map(({ pid }) => pid))).toEqual(new Set([3542, 3543, 3544]));
  });

  it('knows the first process even when -q keeps strace from telling of new ones', () => {
    const quiet = [
      'clone(flags=SIGCHLD <unfinished ...>',
      '[pid 11] brk(NULL) = 0x1000',
      '[pid 10] <... clone resumed>) = 11',
      '[pid 10] close(3) = 0',
    ];
    expect(read(`${quiet.join('\n')}\n`).map(({ pid }) => pid)).toEqual([0, 11, 0, 0]);
  });

  it('gives unnumbered lines to whoever is left', () => {
    const log = [
      'clone(flags=SIGCHLD) = 11',
      '[pid 10] exit_group(0) = ?',
      '[pid 10] +++ exited with 0 +++',
      'close(3) = 0',
      '+++ exited with 0 +++',
    ];
    expect(read(`${log.join('\n')}\n`).map(({ pid }) => pid)).toEqual([0, 0, 0, 11, 11]);
  });

  it('does not bring back a child that was gone before its fork had a result', () => {
    const log = [
      'clone(flags=SIGCHLDstrace: Process 11 attached',
      ' <unfinished ...>',
      '[pid 11] +++ exited with 0 +++',
      '<... clone resumed>) = 11',
      'close(3) = 0',
    ];
    expect(read(`${log.join('\n')}\n`).map(({ pid }) => pid)).toEqual([11, 0, 11, 0, 0]);
  });

  it('does not take children for tracees that strace does not follow', () => {
    expect(read('clone(flags=SIGCHLD) = 11\nclose(3) = 0\n').map(({ pid }) => pid)).toEqual([0, 0]);
    expect(read('strace: Process 7 attached\nfork() = 8\nclose(3) = 0\n').map(({ pid }) => pid)).toEqual([7, 7, 7]);
  });
});

describe('a verbose log', () => {
  it('has times, durations, places and paths', () => {
    const [open, mmap, readCall, , exit] = read(VERBOSE);
    expect(open).toMatchObject({
      time: { since: 'midnight', seconds: 12254, nanoseconds: 663_863_000 },
      instructionPointer: 0x7fde5883cb1d,
      durationSeconds: 0.000014,
      args: [{ annotation: '/usr/lib' }, { kind: 'string' }, { names: ['O_RDONLY', 'O_CLOEXEC'] }],
      result: { value: 3, annotation: '/etc/ld.so.cache' },
    });
    expect(mmap).toMatchObject({ args: [{}, {}, {}, {}, { value: 3, annotation: '/etc/ld.so.cache' }, {}] });
    expect(readCall).toMatchObject({
      args: [{}, { abbreviated: true, bytes: Uint8Array.of(0x7f, 0x45, 0x4c, 0x46, 2, 1, 1, 3) }, {}],
    });
    expect(exit).toMatchObject({ kind: 'exit', instructionPointer: undefined });
  });
});

describe('unusual events', () => {
  it('an execve in another thread ends under the number of the process', () => {
    expect(read(SUPERSEDED).map(sketch)).toEqual([
      '3922 callStart pause',
      '3923 callStart execve',
      '3922 callEnd pause = ?',
      '3922 superseded',
      '3922 callEnd execve = 0',
      '3922 call brk = 56387f733000',
    ]);
  });

  it('a process that dies within a call says in which', () => {
    const [, exit] = read('7 futex(0x1000, FUTEX_WAIT, 3, NULL <unfinished ...>\n7 +++ exited with 0 +++\n');
    expect(exit).toMatchObject({ kind: 'exit', unfinished: { name: 'futex', startLine: 1 } });
  });

  it('strace lets go in the middle of a call', () => {
    const log =
      'strace: Process 3954 attached\nrestart_syscall(<... resuming interrupted read ...>strace: Process 3954 detached\n <detached ...>\n';
    expect(read(log)).toMatchObject([
      { kind: 'attached', pid: 3954 },
      { kind: 'note', text: 'strace: Process 3954 detached' },
      { kind: 'callStart', pid: 3954, name: 'restart_syscall', startLine: 2, endLine: 3 },
      { kind: 'truncated', what: 'call', start: { name: 'restart_syscall' } },
    ]);
  });

  it('stops, stack frames and hex dumps are read too', () => {
    const log = [
      '--- stopped by SIGSTOP ---',
      'getpid() = 1',
      ' > /usr/lib/libc.so.6(__getpid+0x7) [0xd54e7]',
      ' | 00000  7f 45 4c 46  .ELF |',
    ];
    expect(read(`${log.join('\n')}\n`)).toMatchObject([
      { kind: 'signal', signal: 'SIGSTOP', stopped: true, info: undefined },
      { kind: 'call' },
      { kind: 'note', text: '> /usr/lib/libc.so.6(__getpid+0x7) [0xd54e7]' },
      { kind: 'note' },
    ]);
  });

  it('a log that begins in the middle has ends without beginnings', () => {
    const [end] = read('7 <... rt_sigprocmask resumed>, NULL, 8) = 0\n');
    expect(end).toMatchObject({
      kind: 'callEnd',
      start: undefined,
      args: [{ kind: 'null' }, { value: 8 }],
      result: { value: 0 },
    });
  });

  it('a call that is interrupted twice is joined from all its parts', () => {
    const log =
      '7 readv(3,  <unfinished ...>\n7 <... readv resumed>[{iov_base="a", <unfinished ...>\n7 <... readv resumed>iov_len=1}], 1) = 1\n';
    expect(read(log).map(sketch)).toEqual(['7 callStart readv', '7 callEnd readv = 1']);
    expect(read(log)[1]).toMatchObject({ startLine: 1, endLine: 3, args: [{ value: 3 }, { kind: 'array' }, { value: 1 }] });
  });
});

describe('a log that ends too early', () => {
  it('says what was cut', () => {
    expect(read('7 close(3) = 0\n7 mmap(NULL, 4096, PROT_RE').at(-1)).toEqual({
      kind: 'truncated',
      pid: 7,
      startLine: 2,
      endLine: 2,
      time: undefined,
      instructionPointer: undefined,
      what: 'line',
      text: '7 mmap(NULL, 4096, PROT_RE',
      expected: 'a closing parenthesis and a result, as in ") = 0"',
      start: undefined,
    });
  });

  it('says which calls never ended', () => {
    const records = read('7 wait4(-1,  <unfinished ...>\n8 read(0,  <unfinished ...>\n7 <... wait4 resumed>NULL, 0, NULL) = 9\n');
    expect(records.map(sketch)).toEqual(['7 callStart wait4', '8 callStart read', '7 callEnd wait4 = 9', '8 truncated']);
    expect(records[3]).toMatchObject({ what: 'call', text: 'read(0, ', expected: 'the end of read', startLine: 2, endLine: 3 });
  });

  it('says so of a call, too, after which its process does something else', () => {
    const records = read('7 wait4(-1,  <unfinished ...>\n7 close(3) = 0\n');
    expect(records.map(sketch)).toEqual(['7 callStart wait4', '7 truncated', '7 call close = 0']);
  });

  it('keeps the beginning of a call whose end is cut', () => {
    expect(read('7 read(0,  <unfinished ...>\n7 <... read resumed>"ab').at(-1)).toMatchObject({
      what: 'line',
      start: { name: 'read' },
    });
  });

  it('may have lost only the end of its last line', () => {
    expect(read('close(3) = 0').map(sketch)).toEqual(['0 call close = 0']);
  });

  it.each([
    ['FORKING', FORKING],
    ['TERMINAL', TERMINAL],
    ['VERBOSE', VERBOSE],
    ['SUPERSEDED', SUPERSEDED],
  ])('is never an error, wherever %s is cut', (_, log) => {
    for (let length = log.indexOf('\n') + 1; length < log.length; length++) {
      const records = read(log.slice(0, length));
      expect(
        records.filter(({ kind, ...record }) => kind === 'truncated' && 'what' in record && record.what === 'line').length,
      ).toBeLessThanOrEqual(1);
    }
  });
});

describe('text that comes in pieces', () => {
  it('gives the same records as the whole', () => {
    for (const log of [FORKING, TERMINAL, VERBOSE]) {
      const whole = read(log);
      fc.assert(
        fc.property(fc.array(fc.nat(log.length)), (cuts) => {
          const places = [0, ...cuts.sort((a, b) => a - b), log.length];
          const pieces = places.slice(1).map((end, index) => log.slice(places[index], end));
          expect([...readStrace(pieces)]).toEqual(whole);
        }),
        { numRuns: 50 },
      );
    }
  });

  it('may have CRLF line ends, a byte order mark and blank lines', () => {
    const strip = (records: StraceRecord[]) => records.map(sketch);
    expect(strip(read(`\ufeff${TERMINAL.replaceAll('\n', '\r\n')}`))).toEqual(strip(read(TERMINAL)));
    expect(read(`\n\n  \nclose(3) = 0\n`)).toMatchObject([{ startLine: 4 }]);
    expect(read('')).toEqual([]);
    expect([...readStrace([])]).toEqual([]);
  });

  it('gives a record as soon as its line is there', () => {
    const seen: string[] = [];
    const reader = new StraceReader({ onRecord: (record) => seen.push(sketch(record)) });
    reader.push('close(3) = 0\nclose(');
    expect(seen).toEqual(['0 call close = 0']);
    reader.push('4) = 0\n');
    expect(seen).toHaveLength(2);
    reader.end();
    expect(seen).toHaveLength(2);
  });
});

describe('arguments', () => {
  it('with names are found by them', () => {
    const [call] = read('clone(child_stack=NULL, flags=CLONE_VM|SIGCHLD) = 9\n');
    expect(call?.kind === 'call' && namedValue(call.args, 'flags')).toEqual({
      kind: 'flags',
      names: ['CLONE_VM', 'SIGCHLD'],
      rest: [],
    });
  });
});
