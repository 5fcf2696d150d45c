import { describe, expect, it } from 'vitest';
import { mapsOf, replayLines } from '../../test/strace-log.js';

const EXECVE = '7 execve("/bin/x", ["x"], 0x7ffe00001000 /* 0 vars */) = 0';
const MMAP = (place: string, pages: number, protection = 'PROT_READ|PROT_WRITE') =>
  `7 mmap(NULL, ${pages * 4096}, ${protection}, MAP_PRIVATE|MAP_ANONYMOUS, -1, 0) = ${place}`;

describe('mremap', () => {
  it('grows in place, moves to where Linux moved, and shrinks', () => {
    const replayed = replayLines([
      EXECVE,
      MMAP('0x7f0000000000', 1),
      '7 mremap(0x7f0000000000, 4096, 8192, MREMAP_MAYMOVE) = 0x7f0000000000',
      '7 mremap(0x7f0000000000, 8192, 16384, MREMAP_MAYMOVE) = 0x7f1000000000',
      '7 mremap(0x7f1000000000, 16384, 12288, MREMAP_MAYMOVE) = 0x7f1000000000',
    ]);
    expect(mapsOf(replayed, 7)).toEqual(['0x7f1000000000+2 rw-', '0x7f1000002000+1 rw-']);
    expect(replayed.differences).toEqual([]);
  });

  it('takes away what is at the place that MREMAP_FIXED names, as Linux does', () => {
    const replayed = replayLines([
      EXECVE,
      MMAP('0x7f0000000000', 1),
      MMAP('0x7f1000000000', 3, 'PROT_READ'),
      '7 mremap(0x7f0000000000, 4096, 4096, MREMAP_MAYMOVE|MREMAP_FIXED, 0x7f1000001000) = 0x7f1000001000',
    ]);
    expect(mapsOf(replayed, 7)).toEqual(['0x7f1000000000+1 r--', '0x7f1000001000+1 rw-', '0x7f1000002000+1 r--']);
    expect(replayed.differences).toEqual([]);
  });

  it('agrees that a mapping which may not move cannot grow into another', () => {
    const replayed = replayLines([
      EXECVE,
      MMAP('0x7f0000000000', 1),
      MMAP('0x7f0000001000', 1, 'PROT_READ'),
      '7 mremap(0x7f0000000000, 4096, 8192, 0) = -1 ENOMEM (Cannot allocate memory)',
    ]);
    expect(replayed.differences).toEqual([]);
    expect(mapsOf(replayed, 7)).toEqual(['0x7f0000000000+1 rw-', '0x7f0000001000+1 r--']);
  });

  it('undoes a move that Linux refused', () => {
    const replayed = replayLines([
      EXECVE,
      MMAP('0x7f0000000000', 1),
      '7 mremap(0x7f0000000000, 4096, 8192, MREMAP_MAYMOVE) = -1 ENOMEM (Cannot allocate memory)',
    ]);
    expect(replayed.differences).toHaveLength(1);
    expect(mapsOf(replayed, 7)).toEqual(['0x7f0000000000+1 rw-']);
  });

  it('leaves the old place mapped with MREMAP_DONTUNMAP, and says that NetBSD does not know it', () => {
    const replayed = replayLines([
      EXECVE,
      MMAP('0x7f0000000000', 1),
      '7 mremap(0x7f0000000000, 4096, 4096, MREMAP_MAYMOVE|MREMAP_DONTUNMAP, 0) = 0x7f1000000000',
    ]);
    expect(mapsOf(replayed, 7)).toEqual(['0x7f0000000000+1 rw-', '0x7f1000000000+1 rw-']);
    expect(replayed.replay.tally.remarks()).toContainEqual(expect.stringContaining('MREMAP_DONTUNMAP 1'));
  });

  it('explains that NetBSD does not copy a shared mapping', () => {
    const replayed = replayLines([
      EXECVE,
      '7 mmap(NULL, 4096, PROT_READ|PROT_WRITE, MAP_SHARED|MAP_ANONYMOUS, -1, 0) = 0x7f0000000000',
      '7 mremap(0x7f0000000000, 0, 4096, MREMAP_MAYMOVE) = 0x7f1000000000',
    ]);
    expect(replayed.differences[0]).toContain('does not copy a shared mapping');
    expect(mapsOf(replayed, 7)).toEqual(['0x7f0000000000+1 rw-', '0x7f1000000000+1 rw-']);
  });

  //      before   |── 0 ──|── 1 ──|  hole  |── 3 ──|
  //      after    |── 0 ──|                |── 3 ──|         asked to shrink from four pages to one
  it('shrinks a mapping whatever lies behind it', () => {
    const replayed = replayLines([
      EXECVE,
      MMAP('0x7f0000000000', 2),
      MMAP('0x7f0000003000', 1),
      '7 mremap(0x7f0000000000, 8192, 4096, MREMAP_MAYMOVE) = 0x7f0000000000',
    ]);
    expect(mapsOf(replayed, 7)).toEqual(['0x7f0000000000+1 rw-', '0x7f0000003000+1 rw-']);
  });

  it('does not take what lies behind a mapping for mapped when it stays where it is', () => {
    const replayed = replayLines([
      EXECVE,
      MMAP('0x7f0000000000', 1),
      '7 mremap(0x7f0000000000, 16384, 16384, MREMAP_MAYMOVE) = 0x7f0000000000',
    ]);
    expect(mapsOf(replayed, 7)).toEqual(['0x7f0000000000+1 rw-']);
  });

  it('is not tried when it failed there and could not be undone here', () => {
    const replayed = replayLines([
      EXECVE,
      MMAP('0x7f0000000000', 2),
      '7 mremap(0x7f0000000000, 8192, 4096, MREMAP_MAYMOVE) = -1 EFAULT (Bad address)',
      '7 mremap(0x7f0000000000, 4096, 4096, MREMAP_MAYMOVE|MREMAP_FIXED, 0x7f0000001000) = -1 EFAULT (Bad address)',
      '7 mremap(0x7f0000000000, 4096, 8192, MREMAP_DONTUNMAP) = -1 EINVAL (Invalid argument)',
    ]);
    expect(mapsOf(replayed, 7)).toEqual(['0x7f0000000000+2 rw-']);
    expect(replayed.calls).toHaveLength(2);
    expect(replayed.replay.tally.remarks()).toContainEqual(expect.stringMatching(/failed there.*: mremap 3$/));
  });

  it('passes over what cannot be understood', () => {
    const { replay } = replayLines([
      EXECVE,
      '7 mremap("x", 4096, 4096, 0) = 0x7f0000000000',
      '7 mremap(0x1000, 4096, 4096, 0) = ?',
    ]);
    expect(replay.tally.remarks()).toContainEqual(expect.stringMatching(/not be understood.*: mremap 2$/));
  });
});
