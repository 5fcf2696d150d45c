import { describe, expect, it } from 'vitest';
import { counted, faultAt, mappedPages, rightsAt, UnreliableFile, vnodeOver } from '../../../test/faults.js';
import { Bench } from '../../../test/maps.js';
import { startThread } from '../../../test/threads.js';
import { EINVAL, EIO, ENOSPC } from '../../kern/errno.js';
import { RandomPreemption } from '../../kern/strategy.js';
import { asOffset, PAGE_SIZE } from '../../machine/address.js';
import { RamFile } from '../../machine/file-store.js';
import { PROT_READ, PROT_WRITE } from '../../machine/protection.js';
import type { UvmVnode } from './vnode.js';

function read(bench: Bench, file: UvmVnode, offset: number, length: number): { count: number; bytes: number[] } {
  const into = new Uint8Array(length).fill(0xee);
  const count = bench.run(() => bench.uvm.uvmVnodeRead(file, offset, into));
  return { count, bytes: [...into] };
}

function write(bench: Bench, file: UvmVnode, offset: number | 'append', bytes: Uint8Array): number {
  return bench.run(() => bench.uvm.uvmVnodeWrite(file, offset, bytes));
}

/** A bench with a file of these bytes, and its store. */
function withFile(
  content: Uint8Array | { size: number },
  options: { capacity?: number } = {},
): {
  bench: Bench;
  store: RamFile;
  file: UvmVnode;
} {
  const bench = new Bench({ blockSize: PAGE_SIZE });
  const store = new RamFile('file', content, options);
  return { bench, store, file: vnodeOver(bench, store) };
}

describe('reading a file', () => {
  it('gives the bytes asked for, across pages, and stops at the end', () => {
    const content = Uint8Array.from({ length: PAGE_SIZE + 10 }, (_, i) => i % 251);
    const { bench, file } = withFile(content);
    const got = read(bench, file, PAGE_SIZE - 2, 100);
    expect(got.count).toBe(12);
    expect(got.bytes.slice(0, 12)).toEqual([...content.subarray(PAGE_SIZE - 2)]);
    expect(got.bytes[12], 'nothing behind').toBe(0xee);
    for (const beyond of [PAGE_SIZE + 10, 2 ** 40]) expect(read(bench, file, beyond, 10).count).toBe(0);
    bench.expectSound();
  });

  it('takes pages in as many goes as need be', () => {
    const bench = new Bench();
    const file = bench.newFile(40);
    const got = read(bench, file, 10, 39 * PAGE_SIZE);
    expect(got.count).toBe(39 * PAGE_SIZE);
    expect([got.bytes[0], got.bytes[17 * PAGE_SIZE], got.bytes.at(-1)]).toEqual([1, 18, 40]);
  });

  it('answers an error even when it has come some way, and leaves the file open where it has come to', () => {
    const bench = new Bench({ blockSize: PAGE_SIZE });
    const store = new UnreliableFile('bad', new Uint8Array(20 * PAGE_SIZE).fill(1));
    const file = vnodeOver(bench, store);
    const position = { offset: 0, append: false };
    const into = new Uint8Array(20 * PAGE_SIZE);
    store.reads.push(...Array<number>(5).fill(0), EIO);
    expect(bench.run(() => bench.uvm.uvmVnodeRead(file, position, into))).toBe(-EIO);
    // Windows have two pages: the third one could not be read through to its end.
    expect(position.offset).toBe(4 * PAGE_SIZE);
    store.reads.push(EIO);
    expect(read(bench, file, 17 * PAGE_SIZE, 1).count).toBe(-EIO);
    bench.expectSound();
  });

  it('sees what was stored through a mapping, and a mapping what was written', () => {
    const { bench, file } = withFile(new Uint8Array(PAGE_SIZE).fill(1));
    bench.run(() => bench.putFile(0, 1, file, 0));
    bench.run(() => bench.write(0, 42));
    expect(read(bench, file, 0, 1).bytes).toEqual([42]);
    write(bench, file, 0, Uint8Array.of(43));
    expect(bench.run(() => bench.read(0))).toBe(43);
  });
});

describe('writing a file', () => {
  it('keeps what lies around it in the page, which it reads for that', () => {
    const { bench, file } = withFile(new Uint8Array(PAGE_SIZE).fill(1));
    expect(counted(bench.uvm, () => expect(write(bench, file, 10, Uint8Array.of(2, 3))).toBe(2))).toMatchObject({ pgpgin: 1 });
    expect(read(bench, file, 9, 4).bytes).toEqual([1, 2, 3, 1]);
    expect(file.dirty).toBe(true);
  });

  it('reads nothing where it overwrites whole pages, or goes beyond the end', () => {
    const { bench, file } = withFile(new Uint8Array(PAGE_SIZE).fill(1));
    const effects = counted(bench.uvm, () => write(bench, file, 0, new Uint8Array(PAGE_SIZE + 5).fill(2)));
    expect(effects.pgpgin).toBeUndefined();
    expect(file.size).toBe(PAGE_SIZE + 5);
    expect(read(bench, file, PAGE_SIZE, 10)).toMatchObject({ count: 5 });
  });

  it('leaves zeros between the old end and where it begins, whatever was stored there through a mapping', () => {
    //     file   [1 … 1]│9            │                  [2]
    //            old end, and a byte that only the mapping has
    const { bench, file } = withFile(new Uint8Array(100).fill(1));
    bench.run(() => bench.putFile(0, 1, file, 0));
    bench.run(() => bench.write(0, 1));
    bench.machine.ram.page(bench.pageOf(0))[100] = 9;
    expect(write(bench, file, 2 * PAGE_SIZE + 1, Uint8Array.of(2))).toBe(1);
    expect(file.size).toBe(2 * PAGE_SIZE + 2);
    expect(read(bench, file, 99, 3).bytes).toEqual([1, 0, 0]);
    expect(read(bench, file, 2 * PAGE_SIZE, 2).bytes).toEqual([0, 2]);
    expect(read(bench, file, PAGE_SIZE, 1).bytes).toEqual([0]);
    bench.expectSound();
  });

  it('appends where the end is at that moment: no byte is lost when several do', () => {
    for (let seed = 1; seed <= 10; seed++) {
      const bench = new Bench({ strategy: new RandomPreemption(seed) });
      const file = vnodeOver(bench, new RamFile('log'));
      for (const byte of [1, 2, 3]) {
        startThread(bench.kern, function* () {
          for (let i = 0; i < 3; i++) {
            expect(yield* bench.uvm.uvmVnodeWrite(file, 'append', new Uint8Array(5).fill(byte))).toBe(5);
          }
        });
      }
      bench.kern.scheduler.run();
      expect(file.size, `seed ${seed}`).toBe(45);
      const records = read(bench, file, 0, 45).bytes;
      for (let at = 0; at < 45; at += 5) expect(new Set(records.slice(at, at + 5)).size, `record at ${at}`).toBe(1);
      bench.expectSound();
    }
  });

  it('that has no room is as long as before: what was to lie behind its end is gone, what lay before it may be new', () => {
    const { bench, store, file } = withFile(new Uint8Array(10).fill(1), { capacity: 17 });
    expect(write(bench, file, 0, new Uint8Array(20 * PAGE_SIZE).fill(5))).toBe(-ENOSPC);
    expect(file.size).toBe(10);
    expect(read(bench, file, 0, 11)).toEqual({ count: 10, bytes: [...new Array<number>(10).fill(5), 0xee] });
    expect(write(bench, file, 17 * PAGE_SIZE, new Uint8Array(2 * PAGE_SIZE)), 'a gap takes no room').toBe(2 * PAGE_SIZE);
    expect(read(bench, file, 10, 5 * PAGE_SIZE).bytes.every((byte) => byte === 0)).toBe(true);
    expect(bench.run(() => bench.uvm.uvmVnodeSync(file))).toBe(0);
    expect(store.size).toBe(19 * PAGE_SIZE);
    bench.expectSound();
  });

  it('answers the error of the page that it had to read', () => {
    const bench = new Bench();
    const store = new UnreliableFile('bad', new Uint8Array(PAGE_SIZE).fill(1));
    const file = vnodeOver(bench, store);
    store.reads.push(EIO);
    expect(write(bench, file, 10, Uint8Array.of(2))).toBe(-EIO);
    expect(file.size).toBe(PAGE_SIZE);
    bench.expectSound();
  });
});

describe('truncating a file', () => {
  it('takes the pages behind the new end from all mappings, and zeros the rest of the last one', () => {
    const { bench, store, file } = withFile(new Uint8Array(3 * PAGE_SIZE).fill(1));
    bench.run(() => bench.putFile(0, 3, file, 0));
    for (const page of [0, 1, 2]) faultAt(bench, page, PROT_READ);
    expect(bench.run(() => bench.uvm.uvmVnodeTruncate(file, PAGE_SIZE + 10))).toBe(0);
    expect(mappedPages(bench, 0, 3)).toEqual([0, 1]);
    expect(faultAt(bench, 2, PROT_READ)).toBe(EINVAL);
    const page = bench.machine.ram.page(bench.pageOf(1));
    expect([page[9], page[10], page[4095]]).toEqual([1, 0, 0]);
    expect([file.size, store.size]).toEqual([PAGE_SIZE + 10, PAGE_SIZE + 10]);
    bench.expectSound();
  });

  it('to more extends it with zeros, also where a mapping had stored behind the old end', () => {
    const { bench, file } = withFile(new Uint8Array(10).fill(1));
    bench.run(() => bench.putFile(0, 3, file, 0));
    bench.run(() => bench.write(0, 1));
    bench.machine.ram.page(bench.pageOf(0)).fill(9, 10);
    expect(bench.run(() => bench.uvm.uvmVnodeTruncate(file, 3 * PAGE_SIZE))).toBe(0);
    expect(read(bench, file, 8, 4).bytes).toEqual([1, 1, 0, 0]);
    expect(bench.run(() => bench.read(2))).toBe(0);
    expect(rightsAt(bench, 2), 'a hole').toBe(PROT_READ);
    bench.expectSound();
  });

  it('brings back nothing of what was cut off', () => {
    const { bench, file } = withFile(new Uint8Array(2 * PAGE_SIZE).fill(7));
    for (const size of [PAGE_SIZE + 5, 2 * PAGE_SIZE]) bench.run(() => bench.uvm.uvmVnodeTruncate(file, size));
    expect(read(bench, file, PAGE_SIZE, 8).bytes).toEqual([7, 7, 7, 7, 7, 0, 0, 0]);
  });

  it('to the size that it has changes nothing, and below zero is EINVAL', () => {
    const { bench, file } = withFile(new Uint8Array(10).fill(1));
    expect(bench.run(() => bench.uvm.uvmVnodeTruncate(file, 10))).toBe(0);
    expect(bench.run(() => bench.uvm.uvmVnodeTruncate(file, -1))).toBe(EINVAL);
    expect(bench.uvm.uvmexp.filepages).toBe(0);
  });

  it('that fails leaves the file as large as it is at rest', () => {
    const bench = new Bench();
    const store = new UnreliableFile('bad', new Uint8Array(2 * PAGE_SIZE).fill(1));
    const file = vnodeOver(bench, store);
    store.truncations.push(EIO);
    expect(bench.run(() => bench.uvm.uvmVnodeTruncate(file, PAGE_SIZE))).toBe(EIO);
    expect([file.size, store.size]).toEqual([2 * PAGE_SIZE, 2 * PAGE_SIZE]);
    expect(read(bench, file, PAGE_SIZE, 1).bytes).toEqual([1]);
    bench.expectSound();
  });

  it('does not begin when the rest of the last page cannot be read', () => {
    const bench = new Bench();
    const store = new UnreliableFile('bad', new Uint8Array(PAGE_SIZE).fill(1));
    const file = vnodeOver(bench, store);
    store.reads.push(EIO);
    expect(bench.run(() => bench.uvm.uvmVnodeTruncate(file, 10))).toBe(EIO);
    expect(file.size).toBe(PAGE_SIZE);
    bench.expectSound();
  });
});

describe('syncing a file', () => {
  it('stores all that is dirty, and makes it durable: again and again, until that has worked', () => {
    const bench = new Bench();
    const store = new UnreliableFile('file', new Uint8Array(PAGE_SIZE).fill(1));
    const file = vnodeOver(bench, store);
    write(bench, file, 0, Uint8Array.of(5));
    store.syncs.push(EIO);
    expect(bench.run(() => bench.uvm.uvmVnodeSync(file))).toBe(EIO);
    const byte = new Uint8Array(1);
    store.read(0, byte);
    expect([byte[0], store.synced]).toEqual([5, 1]);
    expect(
      bench.run(() => bench.uvm.uvmVnodeSync(file)),
      'nothing is dirty',
    ).toBe(0);
    expect(store.synced).toBe(2);
  });

  it('answers the error of a write, and has it tried again the next time', () => {
    const bench = new Bench();
    const store = new UnreliableFile('file', new Uint8Array(PAGE_SIZE).fill(1));
    const file = vnodeOver(bench, store);
    write(bench, file, 0, Uint8Array.of(5));
    store.writes.push(EIO);
    expect(bench.run(() => bench.uvm.uvmVnodeSync(file))).toBe(EIO);
    expect(file.lookup(asOffset(0))).toBeGreaterThanOrEqual(0);
    expect(bench.run(() => bench.uvm.uvmVnodeSync(file))).toBe(0);
    const byte = new Uint8Array(1);
    store.read(0, byte);
    expect(byte[0]).toBe(5);
  });
});

describe('two mappings and a descriptor', () => {
  it('share one page, in whatever order they come to it', () => {
    const { bench, file } = withFile(new Uint8Array(PAGE_SIZE).fill(1));
    bench.run(function* () {
      yield* bench.putFile(0, 1, file, 0);
      yield* bench.putFile(4, 5, file, 0);
    });
    faultAt(bench, 0, PROT_WRITE);
    faultAt(bench, 4, PROT_READ);
    expect(bench.pageOf(4)).toBe(bench.pageOf(0));
    expect(bench.uvm.uvmexp.filepages).toBe(1);
  });
});
