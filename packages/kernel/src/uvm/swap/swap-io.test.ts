/** Pages go out to swap and come back, or do not. */
import { describe, expect, it } from 'vitest';
import { faultAt } from '../../../test/faults.js';
import { SwapBench, startPageout } from '../../../test/swap.js';
import { EFBIG, EIO, ENOMEM, ENOSPC } from '../../kern/errno.js';
import { waitForIo } from '../../machine/io.js';
import { PROT_READ, PROT_WRITE } from '../../machine/protection.js';
import { NO_PAGE, PG_CLEAN } from '../page/page-array.js';
import { SWSLOT_BAD } from './swap.js';

/** Pages 0 to 3 of a map, stored to, of which [from, to) are written out. */
function written(from: number, to: number, prepare: (bench: SwapBench) => void = () => {}): SwapBench {
  const bench = new SwapBench([8]);
  bench.run(function* () {
    yield* bench.put(0, 4);
    for (let page = 0; page < 4; page++) yield* bench.write(page, 10 + page);
    prepare(bench);
    yield* bench.pageOut(from, to);
  });
  return bench;
}

function stateOf(bench: SwapBench, page: number): { page: boolean; slot: number } {
  const anon = bench.anonAt(page);
  return { page: anon.page !== NO_PAGE, slot: anon.swapSlot };
}

describe('a page that was written out', () => {
  it('is in its slot and nowhere else', () => {
    const bench = written(1, 3);
    expect([0, 1, 2, 3].map((page) => stateOf(bench, page))).toEqual([
      { page: true, slot: 0 },
      { page: false, slot: 2 },
      { page: false, slot: 3 },
      { page: true, slot: 0 },
    ]);
    expect(bench.counts).toEqual({ inUse: 2, only: 2, bad: 0 });
    const { free, anonpages, pgswapout, paging } = bench.uvm.uvmexp;
    expect({ free, anonpages, pgswapout, paging }).toEqual({ free: 62, anonpages: 2, pgswapout: 2, paging: 0 });
    bench.expectSound();
  });

  it('comes back with what was in it when it is used, and keeps its slot until it is stored to anew and written', () => {
    const bench = written(1, 3);
    bench.run(function* () {
      expect([yield* bench.read(1), yield* bench.read(2)]).toEqual([11, 12]);
      expect([stateOf(bench, 1), bench.counts]).toEqual([
        { page: true, slot: 2 },
        { inUse: 2, only: 0, bad: 0 },
      ]);
      yield* bench.write(1, 21);
      yield* bench.pageOut(1);
      expect([stateOf(bench, 1), bench.counts]).toEqual([
        { page: false, slot: 4 },
        { inUse: 2, only: 1, bad: 0 },
      ]);
      expect(yield* bench.read(1)).toBe(21);
    });
    const { nswget, pgswapin, pageins, fltanget, fltanretry } = bench.uvm.uvmexp;
    expect({ nswget, pgswapin, pageins, fltanget, fltanretry }).toEqual({
      nswget: 3,
      pgswapin: 3,
      pageins: 3,
      fltanget: 4,
      fltanretry: 3,
    });
    bench.expectSound();
  });

  it('gives its slot back when it is unmapped, whether it is in memory too or not', () => {
    const bench = written(0, 4);
    bench.run(function* () {
      yield* bench.read(0);
      yield* bench.remove(0, 1);
      yield* bench.remove(2, 3);
    });
    expect(bench.counts).toEqual({ inUse: 2, only: 2, bad: 0 });
    bench.expectSound();
    bench.run(() => bench.uvm.uvmspaceFree(bench.space));
    expect([bench.counts, bench.uvm.anonCount]).toEqual([{ inUse: 0, only: 0, bad: 0 }, 0]);
    bench.expectSound();
  });

  it('is not in memory to mincore, and of no concern to madvise', () => {
    const bench = written(1, 3);
    const resident = bench.run(() => bench.uvm.uvmMapResidency(bench.map, bench.at(0), bench.at(4)));
    expect(resident).toEqual(new Uint8Array([1, 0, 0, 1]));
    bench.run(function* () {
      expect(yield* bench.uvm.uvmMapClean(bench.map, bench.at(0), bench.at(4), 8)).toBe(0);
      expect([yield* bench.read(0), yield* bench.read(1), yield* bench.read(3)]).toEqual([0, 11, 0]);
    });
    bench.expectSound();
  });

  it('is the child’s as well after a fork, and copied for whoever stores to it', () => {
    const bench = written(1, 3);
    const child = bench.run(() => bench.uvm.uvmspaceFork(bench.space));
    expect(bench.anonAt(1, child.map)).toBe(bench.anonAt(1));
    bench.run(function* () {
      yield* bench.write(1, 31, child.map);
      expect([yield* bench.read(1), yield* bench.read(1, child.map), yield* bench.read(2, child.map)]).toEqual([11, 31, 12]);
    });
    expect(stateOf(bench, 1)).toEqual({ page: true, slot: 2 });
    bench.expectSound();
  });

  it('comes back when it is wired, and its slot is free for others', () => {
    const bench = written(0, 4);
    bench.run(function* () {
      expect(yield* bench.wire(1, 3)).toBe(0);
    });
    expect([stateOf(bench, 1), stateOf(bench, 2), bench.counts]).toEqual([
      { page: true, slot: 0 },
      { page: true, slot: 0 },
      { inUse: 2, only: 2, bad: 0 },
    ]);
    expect(bench.uvm.pages.flags(bench.anonAt(1).page) & PG_CLEAN).toBe(0);
    bench.expectSound();
  });
});

describe('a page that cannot be read', () => {
  it('is lost: whoever wants it is told EIO, now and later, and the slot is not used again', () => {
    const bench = written(1, 3);
    bench.disk().readErrno = EFBIG;
    expect([faultAt(bench, 1, PROT_READ), stateOf(bench, 1)]).toEqual([EIO, { page: false, slot: SWSLOT_BAD }]);
    expect(bench.counts).toEqual({ inUse: 2, only: 1, bad: 1 });
    bench.disk().readErrno = 0;
    expect([faultAt(bench, 1, PROT_WRITE), faultAt(bench, 2, PROT_READ)]).toEqual([EIO, 0]);
    expect(bench.uvm.uvmexp.free).toBe(61);
    bench.expectSound();
    bench.run(() => bench.remove(0, 4));
    expect(bench.counts).toEqual({ inUse: 1, only: 0, bad: 1 });
    bench.expectSound();
  });
});

describe('a page that cannot be written', () => {
  it('is lost when the device is broken', () => {
    const bench = written(1, 3, (prepared) => {
      prepared.disk().writeErrno = EIO;
    });
    expect([stateOf(bench, 1), bench.counts]).toEqual([
      { page: false, slot: SWSLOT_BAD },
      { inUse: 2, only: 0, bad: 2 },
    ]);
    expect([faultAt(bench, 1, PROT_READ), faultAt(bench, 2, PROT_WRITE), faultAt(bench, 3, PROT_READ)]).toEqual([EIO, EIO, 0]);
    expect([bench.uvm.uvmexp.paging, bench.uvm.uvmexp.pgswapout]).toEqual([0, 0]);
    bench.expectSound();
  });

  it('stays in memory when there was no memory for it, and its slot is free', () => {
    const bench = written(1, 3, (prepared) => {
      prepared.disk().writeErrno = ENOMEM;
    });
    const anon = bench.anonAt(1);
    expect([stateOf(bench, 1), bench.counts]).toEqual([
      { page: true, slot: 0 },
      { inUse: 0, only: 0, bad: 0 },
    ]);
    expect(bench.uvm.pages.flags(anon.page)).toBe(0);
    expect(bench.run(() => bench.read(1))).toBe(11);
    bench.expectSound();
  });

  it('stays in memory when the host has no room for its slot, which is not used again; others are written', () => {
    const bench = written(0, 3, (prepared) => {
      const disk = prepared.disk();
      disk.writeErrno = ENOSPC;
      disk.writesLeft = 1;
    });
    expect([stateOf(bench, 0), stateOf(bench, 1), stateOf(bench, 2)]).toEqual([
      { page: false, slot: 2 },
      { page: true, slot: 0 },
      { page: true, slot: 0 },
    ]);
    expect(bench.counts).toEqual({ inUse: 3, only: 1, bad: 2 });
    bench.run(function* () {
      expect([yield* bench.read(0), yield* bench.read(1), yield* bench.read(2)]).toEqual([10, 11, 12]);
    });
    bench.expectSound();
  });
});

describe('an anon to which the last reference goes', () => {
  // The write is on its way; munmap does not wait for it.
  it.each([0, EIO, ENOMEM, ENOSPC])('while its page is being written lives until that is done (errno %i)', (errno) => {
    const bench = new SwapBench([8]);
    const { uvm } = bench;
    bench.run(function* () {
      yield* bench.put(0, 2);
      yield* bench.write(0, 1);
      yield* bench.write(1, 2);
      bench.disk().writeErrno = errno;
      const request = yield* startPageout(uvm, [bench.anonAt(0), bench.anonAt(1)]);
      yield* bench.remove(0, 1);
      expect([uvm.anonCount, uvm.amaps.size]).toEqual([2, 1]);
      yield* bench.remove(1, 2);
      expect([uvm.anonCount, uvm.amaps.size]).toEqual([2, 0]);
      yield* waitForIo(bench.kern, request);
    });
    const bad = errno === EIO || errno === ENOSPC ? 2 : 0;
    expect([uvm.anonCount, uvm.uvmexp.free, uvm.uvmexp.anonpages, uvm.uvmexp.paging]).toEqual([0, 64, 0, 0]);
    expect(bench.counts).toEqual({ inUse: bad, only: 0, bad });
    bench.expectSound();
  });
});
