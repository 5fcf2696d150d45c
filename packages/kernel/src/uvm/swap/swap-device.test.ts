import { describe, expect, it } from 'vitest';
import { diskOf } from '../../../test/swap.js';
import { EIO, ENOSPC } from '../../kern/errno.js';
import { PAGE_SIZE } from '../../machine/address.js';
import { MemoryDisk } from '../../machine/disk.js';
import { RamFile } from '../../machine/file-store.js';
import { DiskMedium, FileMedium, SwapDevice } from './swap-device.js';

const page = (byte: number): Uint8Array => new Uint8Array(PAGE_SIZE).fill(byte);

/** A device with room for so many slots, whose page 0 stands behind 9 pages of others. */
function device(slots: number): SwapDevice {
  const disk = new MemoryDisk('wd0', { blockCount: (slots + 1) * 8 });
  return new SwapDevice({ path: '/dev/wd0', vnode: null, disk }, new DiskMedium(disk), { priority: 0, drumOffset: 10 });
}

describe('a disk that is swapped to', () => {
  it('leaves its first page to the label, and is used from there to its last whole page', () => {
    const disk = new MemoryDisk('wd0', { blockCount: 3 * 8 + 7 });
    const medium = new DiskMedium(disk);
    expect([medium.firstPage, medium.pages, medium.writable, medium.inMemory]).toEqual([1, 3, true, true]);
    expect(medium.write(2, page(5))).toBe(0);
    const block = new Uint8Array(512);
    expect([disk.read(16, block), block[0], disk.read(24, block), block[0]]).toEqual([0, 5, 0, 0]);
    expect([medium.read(2, block.fill(9)), block[0]]).toEqual([0, 5]);
  });
});

describe('a file that is swapped to', () => {
  it('is used from its first byte to its last whole page, holes and all', () => {
    const file = new RamFile('swap', { size: 3 * PAGE_SIZE - 1 });
    const medium = new FileMedium(file);
    expect([medium.firstPage, medium.pages, medium.writable, medium.inMemory]).toEqual([0, 2, true, true]);
    expect([medium.write(1, page(5)), file.isHole(0), file.isHole(PAGE_SIZE)]).toEqual([0, true, false]);
    const bytes = new Uint8Array(PAGE_SIZE);
    expect([medium.read(1, bytes), bytes]).toEqual([0, page(5)]);
  });

  it('has lost what was there once somebody has cut it', () => {
    const file = new RamFile('swap', { size: 2 * PAGE_SIZE });
    const medium = new FileMedium(file);
    medium.write(1, page(5));
    file.truncate(2 * PAGE_SIZE - 1);
    expect([medium.read(1, new Uint8Array(PAGE_SIZE)), medium.write(1, page(5)), file.size]).toEqual([
      EIO,
      EIO,
      2 * PAGE_SIZE - 1,
    ]);
    expect(medium.read(0, new Uint8Array(PAGE_SIZE))).toBe(0);
  });

  it('says what its file system says when there is no room', () => {
    expect(new FileMedium(new RamFile('swap', { size: PAGE_SIZE }, { capacity: 0 })).write(0, page(1))).toBe(ENOSPC);
  });
});

describe('the slots of a device', () => {
  it('are taken from the lowest up, and never the label', () => {
    const swap = device(4);
    expect([swap.slots, swap.drumEnd, swap.has(10), swap.has(14), swap.has(15)]).toEqual([4, 15, true, true, false]);
    expect([swap.take(1), swap.take(2), swap.take(1), swap.take(1)]).toEqual([11, 12, 14, 0]);
    expect([swap.inUse, swap.takenSlots()]).toEqual([4, [11, 12, 13, 14]]);
  });

  it('are taken together only where they lie one behind the other', () => {
    const swap = device(6);
    swap.take(6);
    expect([swap.give(11, 1), swap.give(13, 2), swap.give(16, 1)]).toEqual([true, true, true]);
    expect([swap.take(3), swap.take(2), swap.take(2), swap.take(1), swap.take(1), swap.take(1)]).toEqual([0, 13, 0, 11, 16, 0]);
  });

  it('can be taken again once they are given back, the lowest first', () => {
    const swap = device(4);
    swap.take(4);
    swap.give(13, 1);
    swap.give(11, 1);
    expect([swap.isTaken(11), swap.isTaken(12), swap.take(1), swap.take(1)]).toEqual([false, true, 11, 13]);
  });

  it('are not given back when one of them is free, or no slot at all', () => {
    const swap = device(4);
    swap.take(2);
    expect([swap.give(12, 2), swap.give(14, 2), swap.give(13, 1)]).toEqual([false, false, false]);
    expect([swap.inUse, swap.takenSlots()]).toEqual([2, [11, 12]]);
  });

  it('are read and written by their number among those of all devices', () => {
    const target = diskOf(2);
    const swap = new SwapDevice(target, new DiskMedium(target.disk as MemoryDisk), { priority: 0, drumOffset: 10 });
    const bytes = new Uint8Array(PAGE_SIZE);
    expect([swap.write(11, page(7)), swap.read(11, bytes), bytes[0]]).toEqual([0, 0, 7]);
    expect([target.disk?.read(8, bytes.fill(0, 0, 512).subarray(0, 512)), bytes[0]]).toEqual([0, 7]);
  });
});
