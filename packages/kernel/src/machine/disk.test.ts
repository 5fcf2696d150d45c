import { describe, expect, it } from 'vitest';
import { DEV_BSIZE, MemoryDisk, requestFits } from './disk.js';

// What every block device has to do is in disk-conformance.test.ts.
describe('a disk in memory', () => {
  it('has blocks of 512 bytes unless told otherwise', () => {
    expect(new MemoryDisk('wd0', { blockCount: 8 })).toMatchObject({ name: 'wd0', blockCount: 8, blockSize: DEV_BSIZE });
    expect(new MemoryDisk('wd0', { blockCount: 8, blockSize: 2048 }).blockSize).toBe(2048);
  });

  it('reads as zeros where nothing was written, into a buffer full of other bytes', () => {
    const disk = new MemoryDisk('wd0', { blockCount: 4 });
    disk.write(1, new Uint8Array(DEV_BSIZE).fill(7));
    const bytes = new Uint8Array(3 * DEV_BSIZE).fill(9);
    expect(disk.read(0, bytes)).toBe(0);
    expect([...new Set(bytes.subarray(0, DEV_BSIZE))]).toEqual([0]);
    expect([...new Set(bytes.subarray(DEV_BSIZE, 2 * DEV_BSIZE))]).toEqual([7]);
    expect([...new Set(bytes.subarray(2 * DEV_BSIZE))]).toEqual([0]);
  });

  it.each([
    [{ blockCount: 0 }, 'blockCount of a disk is a whole number from 1 up, not 0'],
    [{ blockCount: 1.5 }, 'blockCount of a disk is a whole number from 1 up, not 1.5'],
    [{ blockCount: 4, blockSize: -512 }, 'blockSize of a disk is a whole number from 1 up, not -512'],
    [{ blockCount: 4, blockSize: Number.NaN }, 'blockSize of a disk is a whole number from 1 up, not NaN'],
  ])('of %o is refused', (geometry, sentence) => {
    expect(() => new MemoryDisk('wd0', geometry)).toThrow(sentence);
  });
});

describe('a request fits', () => {
  const disk = new MemoryDisk('wd0', { blockCount: 10 });

  it.each<[number, number, boolean]>([
    [0, 512, true],
    [9, 512, true],
    [0, 5120, true],
    [10, 0, true],
    [10, 512, false],
    [9, 1024, false],
    [-1, 512, false],
    [0.5, 512, false],
    [0, 100, false],
  ])('from block %s on, of %s bytes: %s', (block, bytes, expected) => {
    expect(requestFits(disk, block, bytes)).toBe(expected);
  });
});
