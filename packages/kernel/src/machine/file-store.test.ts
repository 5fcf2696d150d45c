import { describe, expect, it } from 'vitest';
import { ENOSPC } from '../kern/errno.js';
import { PAGE_SIZE } from './address.js';
import { RamFile } from './file-store.js';

function bytesOf(file: RamFile, offset: number, length: number): number[] {
  const bytes = new Uint8Array(length);
  expect(file.read(offset, bytes)).toBe(0);
  return [...bytes];
}

function full(pages: number): Uint8Array {
  return new Uint8Array(pages * PAGE_SIZE).fill(7);
}

// What every file store has to do is in file-store-conformance.test.ts.
describe('a file in memory', () => {
  it('starts with the content that it is given, of which it keeps a copy', () => {
    const content = Uint8Array.of(1, 2, 3);
    const file = new RamFile('f', content);
    content.fill(9);
    expect([file.name, file.size, bytesOf(file, 0, 4)]).toEqual(['f', 3, [1, 2, 3, 0]]);
  });

  it('starts with a size and no bytes, however large', () => {
    const file = new RamFile('f', { size: 2 ** 40 });
    expect([file.size, file.isHole(0), bytesOf(file, 2 ** 40 - 2, 2)]).toEqual([2 ** 40, true, [0, 0]]);
  });

  it('has holes where nothing was written, and where it was cut', () => {
    //   page   0    1    2    3
    //         [hole][####][hole][#   ]   cut to 3 pages, then longer again:  [hole][####][hole][hole]
    const file = new RamFile('f');
    file.write(PAGE_SIZE, full(1));
    file.write(3 * PAGE_SIZE, Uint8Array.of(1));
    const holes = () => [0, 1, 2, 3].map((page) => file.isHole(page * PAGE_SIZE));
    expect(holes()).toEqual([true, false, true, false]);
    file.truncate(3 * PAGE_SIZE);
    file.truncate(4 * PAGE_SIZE);
    expect(holes()).toEqual([true, false, true, true]);
  });
});

describe('a file system that is full', () => {
  it('answers ENOSPC to a write for which there is no room, of which then nothing is done', () => {
    const file = new RamFile('f', new Uint8Array(), { capacity: 2 });
    expect(file.write(0, full(3))).toBe(ENOSPC);
    expect(file.size).toBe(0);
    // Had a part been written, it would show once the file is extended.
    file.truncate(3 * PAGE_SIZE);
    expect([...new Set(bytesOf(file, 0, 3 * PAGE_SIZE))]).toEqual([0]);
    expect(file.write(0, full(2))).toBe(0);
  });

  it('still takes what goes into pages that are there', () => {
    const file = new RamFile('f', full(2), { capacity: 2 });
    expect(file.write(PAGE_SIZE, Uint8Array.of(1))).toBe(0);
    expect(file.write(2 * PAGE_SIZE, Uint8Array.of(1))).toBe(ENOSPC);
    expect(file.size).toBe(2 * PAGE_SIZE);
  });

  it('answers ENOSPC to allocate, which then makes no room at all', () => {
    const file = new RamFile('f', new Uint8Array(), { capacity: 2 });
    expect(file.allocate(0, 3 * PAGE_SIZE)).toBe(ENOSPC);
    file.truncate(3 * PAGE_SIZE);
    expect([0, 1, 2].map((page) => file.isHole(page * PAGE_SIZE))).toEqual([true, true, true]);
  });

  it('keeps the promise of allocate: a write there needs no more room', () => {
    const file = new RamFile('f', new Uint8Array(), { capacity: 2 });
    expect(file.allocate(PAGE_SIZE, PAGE_SIZE)).toBe(0);
    expect(file.write(0, full(1))).toBe(0);
    expect(file.write(2 * PAGE_SIZE, full(1))).toBe(ENOSPC);
    expect(file.write(PAGE_SIZE, full(1))).toBe(0);
  });

  it('has room again for what was cut off', () => {
    const file = new RamFile('f', full(2), { capacity: 2 });
    file.truncate(PAGE_SIZE);
    expect(file.write(5 * PAGE_SIZE, full(1))).toBe(0);
  });
});
