import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ForkScanner, scanForks } from './forks.js';
import { readStrace } from './reader.js';

const scan = (...lines: string[]) => scanForks(lines.map((line) => `${line}\n`));

describe('scanForks', () => {
  it('finds whose child is whose, also where the child is first in the log', () => {
    const log = [
      '3548       0.000027 clone3({flags=CLONE_VM|CLONE_THREAD, tls=0x7f6aa6d186c0} <unfinished ...>',
      '3549       0.000063 rseq(0x7f6aa6d18fe0, 0x20, 0, 0x53053053) = 0',
      '3548       0.000031 <... clone3 resumed> => {parent_tid=[3549]}, 88) = 3549',
      '3548       0.000061 clone(child_stack=NULL, flags=SIGCHLD, child_tidptr=0x7f6aa6d19a10) = 3550 <0.000144>',
      '3550       0.000219 vfork( <unfinished ...>',
      '3551       0.000219 execve("/bin/true", ["true"], 0x7ffda9ab8fc8 /* 35 vars */) = 0',
      '3550       0.000219 <... vfork resumed>)              = 3551',
      '3550       0.000219 fork()                          = -1 EAGAIN (Resource temporarily unavailable)',
      '3550       0.000219 getpid()                        = 3550',
      '3551       0.000219 write(1, "fork() = 99", 11)     = 11',
    ];
    expect(scan(...log)).toEqual({
      forks: [
        { parent: 3548, child: 3549, name: 'clone3', startLine: 1, endLine: 3 },
        { parent: 3548, child: 3550, name: 'clone', startLine: 4, endLine: 4 },
        { parent: 3550, child: 3551, name: 'vfork', startLine: 5, endLine: 7 },
      ],
      firstPid: undefined,
      complete: true,
    });
  });

  it('learns the number of the first process from a log as on a terminal', () => {
    const log = [
      'clone(child_stack=NULL, flags=SIGCHLDstrace: Process 3544 attached',
      ', child_tidptr=0x7f76190eba10) = 3544',
      '[pid  3542] vfork(strace: Process 3545 attached',
      ' <unfinished ...>',
      '[pid  3545] +++ exited with 0 +++',
      '[pid  3542] <... vfork resumed>) = 3545',
    ];
    expect(scan(...log)).toMatchObject({
      forks: [
        { parent: 0, child: 3544, startLine: 1, endLine: 2 },
        { parent: 0, child: 3545, startLine: 3, endLine: 6 },
      ],
      firstPid: 3542,
    });
    const again = scanForks([`${log.join('\n')}\n`], { firstPid: 3542 });
    expect(again.forks.map(({ parent }) => parent)).toEqual([3542, 3542]);
  });

  it('agrees with the records that a reader gives for the same log', () => {
    const pid = fc.integer({ min: 2, max: 5 });
    const line = fc.oneof(
      fc.tuple(pid, fc.integer({ min: -1, max: 9 })).map(([parent, child]) => `${parent} fork() = ${child}`),
      pid.map((parent) => `${parent} clone(flags=SIGCHLD <unfinished ...>`),
      fc.tuple(pid, fc.integer({ min: -1, max: 9 })).map(([parent, child]) => `${parent} <... clone resumed>) = ${child}`),
      pid.map((process) => `${process} +++ exited with 0 +++`),
      fc.tuple(pid, pid).map(([process, by]) => `${process} +++ superseded by execve in pid ${by} +++`),
    );
    const prefix = fc.constantFrom(
      (text: string) => text,
      (text: string) => text.replace(/^(\d)/, '[pid $1]'),
      (text: string) => text.slice(2),
    );
    fc.assert(
      fc.property(
        fc.array(
          fc.tuple(line, prefix).map(([text, write]) => `${write(text)}\n`),
          { maxLength: 25 },
        ),
        (log) => {
          const forks = [...readStrace(log)].flatMap((record) => {
            if (record.kind !== 'call' && record.kind !== 'callEnd') return [];
            const child = Number(record.result.value);
            const { pid: parent, startLine, endLine, name } = record;
            return child > 0 ? [{ parent, child, name, startLine, endLine }] : [];
          });
          expect(scanForks(log).forks).toEqual(forks);
        },
      ),
      { numRuns: 1000 },
    );
  });

  it('leaves complaints to the reader', () => {
    expect(scan('hello', '\0', 'fork(', 'fork() = ', 'fork() = x', 'fork() = 99999999999').forks).toEqual([]);
    expect(scanForks([])).toEqual({ forks: [], firstPid: undefined, complete: true });
  });

  it('takes a log piece by piece', () => {
    const scanner = new ForkScanner();
    for (const character of '7 fork() = 8\n7 fork() = 9\n') scanner.push(character);
    expect(scanner.end().forks.map(({ child }) => child)).toEqual([8, 9]);
  });
});
