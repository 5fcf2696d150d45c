import { describe, expect, it } from 'vitest';
import { mapsOf, replayLines } from '../../test/strace-log.js';

const EXECVE = '7 execve("/bin/x", ["x"], 0x7ffe00001000 /* 0 vars */) = 0';

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
