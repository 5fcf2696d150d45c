import { describe, expect, it } from 'vitest';
import { actorOf, mapsOf, replayLines, residentPages } from '../../test/strace-log.js';

const EXECVE = '7 execve("/bin/x", ["x"], 0x7ffe00001000 /* 0 vars */) = 0';
const MMAP = (place: string, pages: number, protection = 'PROT_READ') =>
  `7 mmap(NULL, ${pages * 4096}, ${protection}, MAP_PRIVATE|MAP_ANONYMOUS, -1, 0) = ${place}`;

describe('memory that the log shows to be there', () => {
  //      mapped           |r--|        |r--|
  //      shown       |───────────────────────────|
  //      given       |rw- |   |─ rw- ──|   | rw- |
  it('is mapped where nothing is, and where the log never mapped anything', () => {
    const replayed = replayLines([EXECVE, MMAP('0x7f0000001000', 1), MMAP('0x7f0000004000', 1)]);
    replayed.replay.presume(actorOf(replayed, 7), 0x7f0000000000, 6 * 4096);
    expect(mapsOf(replayed, 7)).toEqual([
      '0x7f0000000000+1 rw-',
      '0x7f0000001000+1 r--',
      '0x7f0000002000+2 rw-',
      '0x7f0000004000+1 r--',
      '0x7f0000005000+1 rw-',
    ]);
    expect(replayed.replay.tally.of('initialPages')).toBe(4);
  });

  it('is whole pages, in the user space', () => {
    const replayed = replayLines([EXECVE]);
    const actor = actorOf(replayed, 7);
    replayed.replay.presume(actor, 0x7f0000000fff, 2);
    replayed.replay.presume(actor, -4096, 8192);
    replayed.replay.presume(actor, 0x7fffffffe000, 2 ** 50);
    expect(mapsOf(replayed, 7)).toEqual(['0x7f0000000000+2 rw-', '0x7fffffffe000+1 rw-']);
  });

  it('is at most 64 MiB for a call', () => {
    const replayed = replayLines([EXECVE]);
    replayed.replay.presume(actorOf(replayed, 7), 0x7f0000000000, 2 ** 40);
    expect(replayed.replay.tally.of('initialPages')).toBe(16_384);
  });

  it('is there although the process locks what it maps, and cannot lock more', () => {
    const replayed = replayLines([EXECVE, '7 mlockall(MCL_FUTURE) = 0', '7 mprotect(0x7f0000000000, 8388608, PROT_READ) = 0']);
    expect(mapsOf(replayed, 7)).toEqual(['0x7f0000000000+2048 r--']);
  });
});

describe('touching', () => {
  const touched = (pages: number, length: number, access: 'load' | 'store') => {
    const replayed = replayLines([EXECVE, MMAP('0x7f0000000000', pages, 'PROT_READ|PROT_WRITE')]);
    replayed.replay.touch(actorOf(replayed, 7), { address: 0x7f0000000ffe, length, access });
    return replayed;
  };

  it('brings in the pages on which the bytes lie, and no others', () => {
    expect(residentPages(touched(8, 2, 'store'), 7)).toBe(1);
    expect(residentPages(touched(8, 3, 'store'), 7)).toBe(2);
    expect(residentPages(touched(64, 100_000, 'store'), 7)).toBe(26);
  });

  it('fails on memory that does not allow it', () => {
    const replayed = replayLines([EXECVE, MMAP('0x7f0000000000', 1)]);
    const actor = actorOf(replayed, 7);
    replayed.replay.touch(actor, { address: 0x7f0000000000, length: 1, access: 'load' });
    expect(replayed.replay.tally.of('failedTouches')).toBe(0);
    replayed.replay.touch(actor, { address: 0x7f0000000000, length: 1, access: 'store' });
    expect(replayed.replay.tally.of('failedTouches')).toBe(1);
  });

  // 1024 pages of RAM, of which a third is left for memory that is locked.
  it.each(['MAP_PRIVATE|MAP_ANONYMOUS, -1', 'MAP_SHARED, 3'])('stops before the memory is used up: %s', (kind) => {
    const replayed = replayLines([
      EXECVE,
      '7 open("/tmp/f", O_RDWR) = 3',
      `7 mmap(NULL, 67108864, PROT_READ|PROT_WRITE, ${kind}, 0) = 0x7f0000000000`,
      '7 read(4, 0x7f0000000000, 67108864) = 67108864',
      '7 mlock(0x7f0000000000, 1048576) = 0',
    ]);
    expect(replayed.replay.tally.of('failedTouches')).toBe(1);
    expect(residentPages(replayed, 7)).toBeGreaterThan(500);
    expect(replayed.differences).toEqual([]);
  });
});
