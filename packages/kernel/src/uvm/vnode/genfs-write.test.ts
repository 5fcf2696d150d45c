import { describe, expect, it } from 'vitest';
import { faultAt, logged, readIn, rightsAt, UnreliableFile, vnodeOver } from '../../../test/faults.js';
import { Bench, RW } from '../../../test/maps.js';
import { startThread } from '../../../test/threads.js';
import { EDEADLK, EIO, type Errno } from '../../kern/errno.js';
import { asOffset, PAGE_SIZE, pfnToPa } from '../../machine/address.js';
import { PMAP_WIRED } from '../../machine/pmap.js';
import { PROT_READ, PROT_WRITE } from '../../machine/protection.js';
import { PGO_BUSYFAIL, PGO_CLEANIT, PGO_DEACTIVATE, PGO_FREE, PGO_SYNCIO } from '../object/object.js';
import { PG_BUSY, PG_CLEAN, PG_RELEASED } from '../page/page-array.js';
import type { UvmVnode } from './vnode.js';

/** A file of so many pages of 1, mapped shared and writable at page 0, some of whose pages were stored to. */
function dirtyFile(pages: number, stored: readonly number[]): { bench: Bench; store: UnreliableFile; file: UvmVnode } {
  const bench = new Bench();
  const store = new UnreliableFile('file', new Uint8Array(pages * PAGE_SIZE).fill(1));
  const file = vnodeOver(bench, store);
  bench.run(function* () {
    yield* bench.putFile(0, pages, file, 0);
    for (const page of stored) {
      yield* bench.write(page, 100 + page);
    }
  });
  return { bench, store, file };
}

/** Writes back, frees or deactivates pages [from, to), or all from `from` on when `to` is 0. */
function put(bench: Bench, file: UvmVnode, flags: number, from = 0, to = 0): Errno {
  return bench.run(function* () {
    yield* file.lock.enter();
    return yield* file.put(bench.uvm, asOffset(from * PAGE_SIZE), asOffset(to * PAGE_SIZE), flags);
  });
}

/** The first byte of each page of a file, at rest. */
function atRest(store: UnreliableFile): number[] {
  const byte = new Uint8Array(1);
  return Array.from({ length: Math.ceil(store.size / PAGE_SIZE) }, (_, page) => {
    store.read(page * PAGE_SIZE, byte);
    return byte[0] ?? -1;
  });
}

describe('cleaning', () => {
  it('writes what is dirty, in runs, and nothing the next time', () => {
    //     page    0  1  2  3  4  5
    //     dirty   x  x        x
    const { bench, store, file } = dirtyFile(6, [0, 1, 4]);
    const runs = (): [number, number][] =>
      logged(bench.kern, 'pageout', () => expect(put(bench, file, PGO_CLEANIT | PGO_SYNCIO)).toBe(0)).map(({ offset, pages }) => [
        offset / PAGE_SIZE,
        pages,
      ]);
    expect(runs()).toEqual([
      [0, 2],
      [4, 1],
    ]);
    expect(atRest(store)).toEqual([100, 101, 1, 1, 104, 1]);
    expect(bench.uvm.uvmexp.pgpgout).toBe(3);
    expect(runs()).toEqual([]);
    bench.expectSound();
  });

  it('writes no more than 16 pages at once', () => {
    const { bench, file } = dirtyFile(
      20,
      Array.from({ length: 20 }, (_, page) => page),
    );
    const events = logged(bench.kern, 'pageout', () => put(bench, file, PGO_CLEANIT | PGO_SYNCIO));
    expect(events.map(({ pages }) => pages)).toEqual([16, 4]);
  });

  it('of a range stops where the range does', () => {
    const { bench, store, file } = dirtyFile(4, [0, 1, 2, 3]);
    expect(put(bench, file, PGO_CLEANIT | PGO_SYNCIO, 1, 3)).toBe(0);
    expect(atRest(store)).toEqual([1, 101, 102, 1]);
    expect(file.dirty).toBe(true);
  });

  it('of the whole file takes the right to store away, so that the next store tells that the file is dirty again', () => {
    const { bench, file } = dirtyFile(2, [0, 1]);
    expect(rightsAt(bench, 0)).toBe(RW);
    put(bench, file, PGO_CLEANIT | PGO_SYNCIO);
    expect([rightsAt(bench, 0), rightsAt(bench, 1)]).toEqual([PROT_READ, PROT_READ]);
    expect(file.dirty).toBe(false);
    expect(faultAt(bench, 1, PROT_WRITE)).toBe(0);
    expect(file.dirty).toBe(true);
    bench.expectSound();
  });

  it('leaves a wired page writable, which must not fault; so the file stays dirty', () => {
    const { bench, store, file } = dirtyFile(2, [0]);
    expect(bench.run(() => bench.wire(0, 1))).toBe(0);
    put(bench, file, PGO_CLEANIT | PGO_SYNCIO);
    expect(rightsAt(bench, 0)).toBe(RW);
    expect(file.dirty).toBe(true);
    // A store without a fault: the processor sets the modified bit, and nobody else learns of it.
    bench.machine.pmapEnter(bench.map.pmap, bench.at(0), pfnToPa(bench.pageOf(0)), RW, PROT_WRITE | PMAP_WIRED);
    bench.machine.ram.page(bench.pageOf(0))[0] = 55;
    put(bench, file, PGO_CLEANIT | PGO_SYNCIO);
    expect(atRest(store)[0]).toBe(55);
  });

  it('does not write what lies behind the end of the file', () => {
    const bench = new Bench();
    const store = new UnreliableFile('short', new Uint8Array(100).fill(1));
    const file = vnodeOver(bench, store);
    bench.run(() => bench.putFile(0, 1, file, 0));
    bench.run(() => bench.write(0, 9));
    bench.machine.ram.page(bench.pageOf(0))[200] = 9;
    put(bench, file, PGO_CLEANIT | PGO_SYNCIO);
    expect(store.size).toBe(100);
    expect(atRest(store)).toEqual([9]);
  });

  it('makes what it has written durable when it waits for it, and not when it does not', () => {
    const { bench, store, file } = dirtyFile(1, [0]);
    put(bench, file, PGO_CLEANIT);
    expect([atRest(store), store.synced]).toEqual([[100], 0]);
    bench.run(() => bench.write(0, 5));
    put(bench, file, PGO_CLEANIT | PGO_SYNCIO);
    expect([atRest(store), store.synced]).toEqual([[5], 1]);
  });

  it('without waiting is back before the bytes are written; who does wait, waits for those as well', () => {
    const { bench, store, file } = dirtyFile(4, [0, 1, 3]);
    bench.run(function* () {
      yield* file.lock.enter();
      expect(yield* file.put(bench.uvm, asOffset(0), asOffset(0), PGO_CLEANIT)).toBe(0);
      expect([file.outputs, atRest(store)]).toEqual([2, [1, 1, 1, 1]]);
      expect(yield* bench.uvm.uvmVnodeSync(file)).toBe(0);
      expect([file.outputs, atRest(store)]).toEqual([0, [100, 101, 1, 103]]);
    });
    bench.expectSound();
  });
});

describe('a write that fails', () => {
  it('leaves the page dirty, answers the error, and is tried again the next time', () => {
    const { bench, store, file } = dirtyFile(3, [0, 2]);
    store.writes.push(EIO);
    expect(put(bench, file, PGO_CLEANIT | PGO_SYNCIO)).toBe(EIO);
    expect(atRest(store), 'the other run was written').toEqual([1, 1, 102]);
    expect(bench.uvm.pages.flags(bench.pageOf(0)) & (PG_CLEAN | PG_BUSY)).toBe(0);
    expect(file.dirty).toBe(true);
    bench.expectSound();
    expect(put(bench, file, PGO_CLEANIT | PGO_SYNCIO)).toBe(0);
    expect(atRest(store)).toEqual([100, 1, 102]);
  });

  it('keeps a page that was to be freed', () => {
    const { bench, store, file } = dirtyFile(1, [0]);
    store.writes.push(EIO);
    expect(put(bench, file, PGO_CLEANIT | PGO_FREE | PGO_SYNCIO)).toBe(EIO);
    expect(bench.uvm.pages.flags(file.lookup(asOffset(0))) & (PG_RELEASED | PG_CLEAN)).toBe(0);
    expect(bench.run(() => bench.read(0))).toBe(100);
    bench.expectSound();
  });

  it('is told by who makes it durable: the error of that counts too', () => {
    const { bench, store, file } = dirtyFile(1, [0]);
    store.syncs.push(EIO);
    expect(put(bench, file, PGO_CLEANIT | PGO_SYNCIO)).toBe(EIO);
  });
});

describe('freeing', () => {
  it('takes pages away from under their mappings, wired or not, and throws away what was stored to them', () => {
    const { bench, store, file } = dirtyFile(3, [0, 1, 2]);
    bench.run(() => bench.wire(1, 2));
    expect(put(bench, file, PGO_FREE)).toBe(0);
    expect(bench.uvm.uvmexp).toMatchObject({ filepages: 0, wired: 0, free: 64 });
    expect(rightsAt(bench, 0)).toBeNull();
    expect(atRest(store)).toEqual([1, 1, 1]);
    bench.expectSound();
  });

  it('after cleaning loses nothing', () => {
    const { bench, store, file } = dirtyFile(2, [0]);
    expect(put(bench, file, PGO_CLEANIT | PGO_FREE | PGO_SYNCIO)).toBe(0);
    expect(bench.uvm.uvmexp.filepages).toBe(0);
    expect(atRest(store)).toEqual([100, 1]);
    bench.expectSound();
  });
});

describe('deactivating', () => {
  it('moves pages to the inactive queue, written or not', () => {
    const { bench, file } = dirtyFile(2, [0]);
    bench.run(() => readIn(bench, file));
    expect(put(bench, file, PGO_DEACTIVATE | PGO_CLEANIT | PGO_SYNCIO)).toBe(0);
    expect(bench.uvm.uvmexp).toMatchObject({ inactive: 2, active: 0 });
    bench.expectSound();
  });
});

describe('a page that is busy', () => {
  /** A file one of whose pages another thread has busy until the first one sleeps. */
  function whileBusy(flags: number): { bench: Bench; file: UvmVnode; order: string[]; errno: Errno } {
    const { bench, file } = dirtyFile(2, [0, 1]);
    const page = bench.pageOf(0);
    bench.uvm.pages.setFlags(page, PG_BUSY);
    const order: string[] = [];
    let errno: Errno = -1;
    startThread(bench.kern, function* () {
      yield* file.lock.enter();
      errno = yield* file.put(bench.uvm, asOffset(0), asOffset(0), flags);
      order.push('put');
    });
    startThread(bench.kern, function* () {
      yield* file.lock.enter();
      yield* bench.uvm.uvmPageUnbusyOne(page);
      order.push('given up');
      yield* file.lock.exit();
    });
    bench.kern.scheduler.run();
    return { bench, file, order, errno };
  }

  it('is waited for, and then treated as the others', () => {
    const { bench, file, order, errno } = whileBusy(PGO_FREE);
    expect([order, errno]).toEqual([['given up', 'put'], 0]);
    expect(file.pages.next(0, 10)).toBe(-1);
    bench.expectSound();
  });

  it('is EDEADLK for who must not wait', () => {
    const { order, errno } = whileBusy(PGO_FREE | PGO_BUSYFAIL);
    expect([order, errno]).toEqual([['put', 'given up'], EDEADLK]);
  });

  it('is left out by who only deactivates', () => {
    const { bench, order, errno } = whileBusy(PGO_DEACTIVATE);
    expect([order, errno]).toEqual([['put', 'given up'], 0]);
    expect(bench.uvm.uvmexp.inactive).toBe(1);
  });

  it('and about to be freed is left out by all: whoever is done with it frees it', () => {
    const { bench, file } = dirtyFile(1, [0]);
    bench.uvm.pages.setFlags(bench.pageOf(0), PG_BUSY | PG_RELEASED);
    expect(put(bench, file, PGO_CLEANIT)).toBe(0);
    expect(file.dirty, 'nobody knows what will be written').toBe(true);
  });

  it('must be busy to be about to be freed', () => {
    const { bench, file } = dirtyFile(1, [0]);
    bench.uvm.pages.setFlags(bench.pageOf(0), PG_RELEASED);
    const job = function* () {
      yield* file.lock.enter();
      yield* file.put(bench.uvm, asOffset(0), asOffset(0), PGO_CLEANIT);
    };
    expect(bench.panicOf(job)).toBe(
      'kernel diagnostic assertion "(pg->flags & (PG_RELEASED|PG_PAGEOUT)) == 0 || (pg->flags & PG_BUSY) != 0" failed',
    );
  });
});
