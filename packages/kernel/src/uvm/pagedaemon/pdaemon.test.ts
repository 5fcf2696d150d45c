/** When the page daemon works, who waits for it, and when there is no hope. */
import { describe, expect, it } from 'vitest';
import { freePages, leaveFree, logged } from '../../../test/faults.js';
import { Bench, PRIVATE } from '../../../test/maps.js';
import { SwapBench } from '../../../test/swap.js';
import { startThread } from '../../../test/threads.js';
import { EIO, ENOMEM } from '../../kern/errno.js';
import { PAGE_SIZE } from '../../machine/address.js';
import { PROT_WRITE } from '../../machine/protection.js';

const failed = (expression: string): string => `kernel diagnostic assertion "${expression}" failed`;

/** Stores to pages [from, to) of a map. */
function fill(bench: Bench, from: number, to: number): void {
  bench.run(function* () {
    yield* bench.put(from, to);
    for (let page = from; page < to; page++) yield* bench.write(page, page);
  });
}

describe('the page daemon', () => {
  it('is a thread only while it has work', () => {
    const bench = new SwapBench();
    const { uvm, kern } = bench;
    fill(bench, 0, 8);
    expect([uvm.uvmexp.pdwoke, uvm.pagedaemon.lwp, kern.scheduler.kernelThreads]).toEqual([0, null, 0]);
    leaveFree(bench, 0);
    fill(bench, 8, 9);
    expect(uvm.uvmexp.pdwoke).toBeGreaterThan(0);
    expect([uvm.pagedaemon.lwp, kern.scheduler.kernelThreads]).toEqual([null, 0]);
  });

  it('is woken once while it is at work', () => {
    const bench = new Bench();
    bench.run(function* () {
      yield* bench.uvm.freeLock.enter();
      bench.uvm.uvmpdWakeup();
      const { lwp } = bench.uvm.pagedaemon;
      bench.uvm.uvmpdWakeup();
      expect(bench.uvm.pagedaemon.lwp).toBe(lwp);
      yield* bench.uvm.freeLock.exit();
    });
    expect(bench.uvm.uvmexp.pdwoke).toBe(1);
  });

  it('keeps free what it should, so that threads seldom have to wait', () => {
    const bench = new SwapBench([256], { ramPages: 128, pages: 256 });
    const { uvmexp } = bench.uvm;
    fill(bench, 0, 200);
    expect(uvmexp.free).toBeGreaterThan(uvmexp.reserve_kernel);
    expect(uvmexp.inactive).toBeGreaterThan(uvmexp.freetarg);
    expect(uvmexp).toMatchObject({ paging: 0, freemin: 8, freetarg: 10 });
    bench.expectSound();
  });

  it('has what is above its targets paged out for a while when kernel memory was short', () => {
    const bench = new Bench();
    bench.uvm.pagedaemon.extraPages = 3;
    bench.uvm.uvmpdTune();
    expect(bench.uvm.uvmexp.freetarg).toBe(8 + 3);
    bench.uvm.uvmpdTune();
    expect(bench.uvm.uvmexp.freetarg).toBe(8);
  });

  it('must not wait for itself', () => {
    const bench = new Bench();
    leaveFree(bench, 0);
    const wait = () =>
      bench.run(function* () {
        bench.uvm.pagedaemon.lwp = bench.uvm.curlwp;
        yield* bench.uvm.uvmWait('daemon');
        bench.uvm.pagedaemon.lwp = null;
      });
    expect(wait).toThrow('pagedaemon deadlock');
    const lax = new Bench({ diagnostic: false });
    leaveFree(lax, 0);
    lax.run(function* () {
      lax.uvm.pagedaemon.lwp = lax.uvm.curlwp;
      yield* lax.uvm.uvmWait('daemon');
      lax.uvm.pagedaemon.lwp = null;
    });
    expect([lax.kern.console, lax.kern.scheduler.tick]).toEqual([['pagedaemon: deadlock detected!'], 12]);
  });

  it('counts what is being written: no more can be done than was begun', () => {
    const bench = new Bench();
    bench.uvm.uvmPageoutStart(1);
    bench.run(() => bench.uvm.uvmPageoutDone(1));
    expect(bench.panicOf(() => bench.uvm.uvmPageoutDone(1))).toBe(failed('uvmexp.paging >= npages'));
  });
});

describe('whether waiting can help', () => {
  it('yes, while swap has room', () => {
    const bench = new SwapBench([16]);
    leaveFree(bench, 0);
    expect(bench.uvm.uvmReclaimable()).toBe(true);
  });

  it('no, when swap is full, and there is nothing else', () => {
    const bench = new Bench();
    leaveFree(bench, 0);
    expect(bench.uvm.uvmReclaimable()).toBe(false);
  });

  it('yes, when a sixteenth of what could go is of files, though swap is full', () => {
    const bench = new Bench();
    const { uvmexp } = bench.uvm;
    leaveFree(bench, 0);
    uvmexp.active = 40;
    uvmexp.filepages = 1;
    expect(bench.uvm.uvmReclaimable()).toBe(false);
    uvmexp.filepages = 2;
    expect(bench.uvm.uvmReclaimable()).toBe(true);
    uvmexp.wired = 1;
    expect(bench.uvm.uvmReclaimable(), 'it may be those of files that are wired').toBe(false);
    uvmexp.execpages = 1;
    expect(bench.uvm.uvmReclaimable()).toBe(true);
  });

  it('no, when the page daemon has looked too often in vain; but again as soon as a page is freed', () => {
    const bench = new SwapBench([16]);
    const taken = leaveFree(bench, 0);
    let waits = 0;
    bench.run(function* () {
      for (; !bench.uvm.uvmpdHopeless(); waits++) yield* bench.uvm.uvmWait('test');
    });
    expect(waits).toBe(16);
    expect(bench.uvm.uvmReclaimable()).toBe(false);
    bench.run(() => freePages(bench.uvm, taken.slice(0, 1)));
    expect(bench.uvm.pagedaemon.fruitless).toBe(0);
    expect(bench.uvm.uvmReclaimable()).toBe(true);
  });

  it('yes again, when a page is unwired that was not to be had before', () => {
    const bench = new SwapBench([16]);
    bench.run(function* () {
      yield* bench.put(0, 1);
      expect(yield* bench.wire(0, 1)).toBe(0);
    });
    leaveFree(bench, 0);
    bench.run(function* () {
      while (!bench.uvm.uvmpdHopeless()) yield* bench.uvm.uvmWait('test');
      expect(yield* bench.unwire(0, 1)).toBe(0);
    });
    expect(bench.uvm.uvmpdHopeless()).toBe(false);
  });
});

describe('the log', () => {
  it('tells what a scan has brought, and why there is nothing to wait for', () => {
    const bench = new SwapBench([8], { ramPages: 24 });
    const errno = { last: 0 };
    const store = () =>
      bench.run(function* () {
        yield* bench.put(0, 32);
        for (let page = 0; page < 32 && errno.last === 0; page++) {
          errno.last = yield* bench.uvm.uvmFault(bench.map, bench.at(page), PROT_WRITE);
        }
      });
    const reasons = logged(bench.kern, 'no-memory', store).map(({ why }) => why);
    expect([errno.last, reasons]).toEqual([ENOMEM, ['swap is full, and there are too few pages of files']]);
    const scans = bench.events('scan');
    expect(scans.length).toBe(bench.uvm.uvmexp.pdrevs);
    expect(scans.every(({ free, paging }) => free + paging <= 24)).toBe(true);
  });
});

describe('a machine that is out of memory', () => {
  it('lets a fault fail when all of it is wired, though there is swap', () => {
    const bench = new SwapBench([64], { ramPages: 24 });
    const taken = leaveFree(bench, 2);
    bench.run(function* () {
      yield* bench.put(0, 4);
      expect(yield* bench.wire(0, 2)).toBe(0);
      expect(yield* bench.uvm.uvmFault(bench.map, bench.at(2), PROT_WRITE)).toBe(ENOMEM);
      yield* freePages(bench.uvm, taken);
    });
    bench.expectSound();
  });

  it('lets a fault fail that needs two pages when there is but one, time and again', () => {
    const bench = new SwapBench([64], { blockSize: PAGE_SIZE });
    const file = bench.newFile(1);
    bench.run(() => bench.putFile(0, 1, file, 0, { flags: PRIVATE }));
    const taken = leaveFree(bench, 1);
    bench.run(function* () {
      expect(yield* bench.uvm.uvmFault(bench.map, bench.at(0), PROT_WRITE)).toBe(ENOMEM);
      yield* freePages(bench.uvm, taken);
      yield* bench.write(0, 5);
    });
    expect(bench.uvm.uvmexp.pdfreed, 'each time the page of the file had to go').toBeGreaterThan(4);
    bench.expectSound();
  });

  it('lets a fault fail when nothing can be written to swap', () => {
    const bench = new SwapBench([64], { ramPages: 24 });
    bench.disk().writeErrno = ENOMEM;
    bench.run(function* () {
      yield* bench.put(0, 32);
      let errno = 0;
      for (let page = 0; page < 32 && errno === 0; page++)
        errno = yield* bench.uvm.uvmFault(bench.map, bench.at(page), PROT_WRITE);
      expect(errno).toBe(ENOMEM);
    });
    expect(bench.uvm.uvmexp.paging).toBe(0);
    bench.expectSound();
  });

  it('lets a fault fail when files cannot be written, and keeps what they cannot take', () => {
    const bench = new Bench({ ramPages: 24, blockSize: PAGE_SIZE });
    const file = bench.newFile(12);
    bench.run(function* () {
      yield* bench.putFile(0, 12, file, 0, { protection: 3 });
      for (let page = 0; page < 12; page++) yield* bench.write(page, 100 + page);
      file.store.write = () => EIO;
      yield* bench.put(12, 32);
      let errno = 0;
      for (let page = 12; page < 32 && errno === 0; page++)
        errno = yield* bench.uvm.uvmFault(bench.map, bench.at(page), PROT_WRITE);
      expect(errno).toBe(ENOMEM);
      yield* bench.remove(12, 32);
      for (let page = 0; page < 12; page++) expect(yield* bench.read(page)).toBe(100 + page);
    });
    bench.expectSound();
  });

  it('makes all who wait wait no longer than it must', () => {
    const bench = new SwapBench([64], { ramPages: 24 });
    const spaces = [bench.space, bench.newSpace(), bench.newSpace()];
    for (const { map } of spaces) {
      startThread(bench.kern, function* () {
        yield* bench.put(0, 12, {}, map);
        for (let page = 0; page < 12; page++) yield* bench.write(page, 20 + page, map);
        for (let page = 0; page < 12; page++) expect(yield* bench.read(page, map)).toBe(20 + page);
      });
    }
    bench.kern.scheduler.run();
    expect(bench.uvm.pagedaemon).toMatchObject({ lwp: null, waiters: 0, freed: 0, notLocked: 0 });
    bench.expectSound();
  });
});
