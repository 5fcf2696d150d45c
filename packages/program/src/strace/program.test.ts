import { FormatError } from '@faultline/formats';
import { describe, expect, it } from 'vitest';
import { runProgram, straceProgram } from '../index.js';

const EXECVE = '7 execve("/bin/x", ["x"], 0x7ffe00001000 /* 0 vars */) = 0';
const MMAP = '7 mmap(NULL, 8192, PROT_READ|PROT_WRITE, MAP_PRIVATE|MAP_ANONYMOUS, -1, 0) = 0x7f0000000000';

const fromText = (text: string) => ({ name: 'x.strace', pieces: () => [text] });

/** Pieces of a log that are made when they are asked for: the first, then as many as there are, then the last. */
function made(first: string, count: number, piece: (index: number) => string, last = ''): Iterable<string> {
  return {
    [Symbol.iterator]() {
      let index = -1;
      return {
        next: () => {
          if (index > count) return { done: true, value: undefined };
          const value = index < 0 ? first : index < count ? piece(index) : last;
          index++;
          return { done: false, value };
        },
      };
    },
  };
}

/** What a process does over and over: it maps, touches and unmaps, opens files, forks and waits. Thirty lines. */
function round(index: number): string {
  const child = 10 + (index % 30_000);
  return [
    MMAP,
    '7 read(3, 0x7f0000000000, 8192) = 8192',
    ...Array.from({ length: 11 }, (_, i) => `7 openat(AT_FDCWD, "/tmp/${index}-${i}", O_RDONLY|O_CLOEXEC) = ${i + 3}`),
    ...Array.from({ length: 12 }, (_, i) => `7 close(${i + 3}) = 0`),
    `7 fork() = ${child}`,
    `${child} +++ exited with 0 +++`,
    `7 wait4(${child}, NULL, 0, NULL) = ${child}`,
    `7 futex_${index}() = 0`,
    '7 munmap(0x7f0000000000, 8192) = 0\n',
  ].join('\n');
}

/** mmap, fork, exit, wait4 and munmap. Before them there is execve, and behind them an exit. */
const CALLS_IN_A_ROUND = 5;

describe('a log of any length', () => {
  it('is read as it is replayed, and as much is kept of it as of a short one', () => {
    const ROUNDS = 10_000;
    let readings = 0;
    let begun = 0;
    let ahead = 0;
    const pieces = () => {
      readings++;
      return made(`${EXECVE}\n`, ROUNDS, (index) => {
        begun = index;
        return round(index);
      });
    };
    const result = runProgram(straceProgram({ name: 'long.strace', pieces }), {
      audit: 'end',
      keepCalls: 100,
      machine: { ramPages: 1024 },
      onProgress: (calls) => {
        ahead = Math.max(ahead, begun - calls / CALLS_IN_A_ROUND);
      },
    });
    expect(result.end).toEqual({ kind: 'done' });
    expect(result.leaks).toEqual([]);
    expect(result.callCount).toBe(2 + CALLS_IN_A_ROUND * ROUNDS);
    expect(readings).toBe(2);
    expect(ahead).toBeLessThan(2);
    expect(result.calls).toHaveLength(100);
    expect(result.remarks.join('\n').length).toBeLessThan(10_000);
    expect(result.session.finalMemory.length).toBeLessThan(1000);
    expect(result.session.events.size).toBe(0);
    expect(result.system.sys.processes.size).toBe(0);
  });

  it('may consist of differences: a thousand of them are listed, the others counted', () => {
    const text = `${EXECVE}\n${'7 munmap(NULL, 4096) = 0\n'.repeat(1500)}`;
    const { calls, remarks } = runProgram(straceProgram(fromText(text)), { audit: 'end', keepCalls: 10 });
    expect(calls.filter(({ differs }) => differs !== undefined)).toHaveLength(1000);
    expect(remarks).toContain('results that differ and are not listed: 500');
  });

  it('may have a line of 200 MB, of which the middle is not kept', () => {
    const piece = 'x'.repeat(1 << 20);
    const last = `", 209715200) = 209715200\n7 munmap(0x7f0000000000, 8192) = 0\n`;
    const pieces = () => made(`${EXECVE}\n${MMAP}\n7 write(1, "`, 200, () => piece, last);
    const result = runProgram(straceProgram({ name: 'wide.strace', pieces }));
    expect(result.end).toEqual({ kind: 'done' });
    expect(result.counts.get('munmap')).toEqual({ made: 1, failed: 0 });
    expect(result.remarks.join('\n')).toContain('write 1');
  });

  it('is refused with a sentence when more calls are unfinished than memory should hold', () => {
    const text = 'x'.repeat(1 << 19);
    const pieces = () => made('', 1000, (index) => `${index + 1} write(1, "${text}" <unfinished ...>\n`);
    expect(() => runProgram(straceProgram({ name: 'deep.strace', pieces }))).toThrow(
      /^deep\.strace:\d+:\d+: expected fewer or shorter calls that are unfinished/,
    );
  });
});

describe('a line that is no strace line', () => {
  const TEXT = `${EXECVE}\n${MMAP}\nhello, world\n7 munmap(0x7f0000000000, 8192) = 0\nbye\n`;

  it('is refused, with its place and what was expected', () => {
    const program = straceProgram(fromText(TEXT));
    expect(() => runProgram(program)).toThrow(FormatError);
    expect(() => runProgram(program)).toThrow(/^x\.strace:3:1: expected a system call/);
  });

  it('is skipped when that was asked for, and remarked', () => {
    const result = runProgram(straceProgram(fromText(TEXT), { badLines: 'skip' }));
    expect(result.counts.get('munmap')).toEqual({ made: 1, failed: 0 });
    expect(result.leaks).toEqual([]);
    expect(result.remarks).toContainEqual(expect.stringMatching(/no strace lines.*: 2, the first x\.strace:3:1: expected/));
  });

  it('is no more than a remark when it is all there is', () => {
    const result = runProgram(straceProgram(fromText('\0\u0001\u0002\n'), { badLines: 'skip' }));
    expect(result.callCount).toBe(0);
    expect(result.leaks).toEqual([]);
  });
});

describe('an empty log', () => {
  it('is a program that does nothing', () => {
    const result = runProgram(straceProgram(fromText('')));
    expect(result).toMatchObject({ end: { kind: 'done' }, callCount: 0, remarks: [], leaks: [] });
  });
});
