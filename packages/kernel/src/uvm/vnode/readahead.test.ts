import { describe, expect, it } from 'vitest';
import { vnodeOver } from '../../../test/faults.js';
import { Bench } from '../../../test/maps.js';
import { asOffset, PAGE_SIZE } from '../../machine/address.js';
import { RamFile } from '../../machine/file-store.js';
import { MADV_NORMAL, MADV_RANDOM, MADV_SEQUENTIAL } from '../../vm/mman.js';
import type { UvmVnode } from './vnode.js';

/** 16 pages: what one I/O moves at most. */
const MAXPHYS = 16 * PAGE_SIZE;

/** A bench with a file of so many pages, none of which is in memory. */
function withFile(pages: number): { bench: Bench; file: UvmVnode } {
  const bench = new Bench({ ramPages: 512, blockSize: PAGE_SIZE });
  return { bench, file: vnodeOver(bench, new RamFile('file', new Uint8Array(pages * PAGE_SIZE))) };
}

/** Reads pages one after the other, and tells after each how many are in memory. */
function readPages(bench: Bench, file: UvmVnode, pages: readonly number[], advice: number): number[] {
  return pages.map((page) => {
    const read = (): ReturnType<typeof bench.uvm.uvmVnodeRead> =>
      bench.uvm.uvmVnodeRead(file, page * PAGE_SIZE, new Uint8Array(PAGE_SIZE), { advice });
    expect(bench.run(read)).toBe(PAGE_SIZE);
    return file.pages.count;
  });
}

function upTo(count: number, from = 0): number[] {
  return Array.from({ length: count }, (_, i) => from + i);
}

describe('reading a file ahead', () => {
  it('begins when a reader has gone on for so long that it is worth it, and reads more and more', () => {
    const { bench, file } = withFile(256);
    const counts = readPages(bench, file, upTo(40), MADV_NORMAL);
    // The kernel's window has two pages. At first it reads no more; the window ahead, 16 pages at first, grows by these two with each
    // hit, until it is worth an I/O: 32. That is from page 18 to page 50, and on to the end of the I/O.
    expect(counts.slice(0, 20)).toEqual([2, 2, 4, 4, 6, 6, 8, 8, 10, 10, 12, 12, 14, 14, 16, 16, 18, 18, 64, 64]);
    expect(counts.at(-1)).toBe(64);
    expect(bench.uvm.uvmexp.pgpgin, 'each page came in once').toBe(counts.at(-1));
    bench.expectSound();
  });

  it('is not done for who reads here and there, nor for who says so', () => {
    const { bench, file } = withFile(256);
    expect(readPages(bench, file, [0, 100, 50, 200, 150], MADV_NORMAL)).toEqual([2, 4, 6, 8, 10]);
    const other = withFile(256);
    expect(readPages(other.bench, other.file, upTo(40), MADV_RANDOM).at(-1)).toBe(40);
  });

  it('begins at once, with the largest window, for who says that he reads in order', () => {
    const { bench, file } = withFile(256);
    expect(readPages(bench, file, [0], MADV_SEQUENTIAL)).toEqual([128]);
    expect(file.raContext).toMatchObject({ windowSize: 8 * MAXPHYS, next: 8 * MAXPHYS });
    bench.expectSound();
  });

  it('goes back with a sequential reader that does', () => {
    const { bench, file } = withFile(256);
    readPages(bench, file, [120], MADV_SEQUENTIAL);
    expect(file.pages.count, 'to the end of the file').toBe(136);
    readPages(bench, file, [0], MADV_SEQUENTIAL);
    expect(file.pages.count).toBe(256);
  });

  it('takes who reads the same again for one who goes on from there', () => {
    const { bench, file } = withFile(64);
    const request = (page: number): void => bench.uvm.uvmRaRequest(file, MADV_NORMAL, page * PAGE_SIZE, 2 * PAGE_SIZE);
    request(0);
    request(0);
    expect(file.raContext).toMatchObject({ windowStart: 2 * PAGE_SIZE, windowSize: MAXPHYS });
    request(2);
    expect(file.raContext).toMatchObject({ windowStart: 4 * PAGE_SIZE, windowSize: MAXPHYS + 2 * PAGE_SIZE });
    request(60);
    expect(file.raContext).toMatchObject({ windowStart: 62 * PAGE_SIZE, windowSize: MAXPHYS });
  });

  it('never makes the window larger than eight I/Os', () => {
    const { bench, file } = withFile(2);
    for (let at = 0; at < 20 * MAXPHYS; at += MAXPHYS) bench.uvm.uvmRaRequest(file, MADV_NORMAL, at, MAXPHYS);
    expect(file.raContext.windowSize).toBe(8 * MAXPHYS);
  });

  it('stops at the end of the file', () => {
    const { bench, file } = withFile(20);
    readPages(bench, file, [0], MADV_SEQUENTIAL);
    expect(file.pages.count).toBe(20);
    expect(file.raContext.next).toBe(20 * PAGE_SIZE);
    bench.expectSound();
  });

  it('is begun by page faults as well', () => {
    const { bench, file } = withFile(256);
    bench.run(() => bench.putFile(0, 32, file, 0));
    bench.run(function* () {
      for (let page = 0; page < 32; page++) yield* bench.read(page);
    });
    expect(file.pages.count).toBeGreaterThan(40);
    bench.expectSound();
  });

  it('reads in pieces that end at multiples of what an I/O moves', () => {
    const { bench, file } = withFile(64);
    const before = bench.uvm.uvmexp.pageins;
    bench.run(function* () {
      bench.uvm.uvmReadahead(file, asOffset(8 * PAGE_SIZE), 24 * PAGE_SIZE);
      yield* bench.uvm.uvnReference(file);
      yield* bench.uvm.uvnDetach(file);
    });
    expect(file.pages.count).toBe(24);
    expect(bench.uvm.uvmexp.pageins - before).toBe(2);
  });
});
