import { describe, expect, it } from 'vitest';
import {
  anonAt,
  counted,
  FailAt,
  faultAt,
  freePages,
  leaveFree,
  mappedAt,
  mappedPages,
  readIn,
  rightsAt,
} from '../../../test/faults.js';
import { Bench, PRIVATE, RW } from '../../../test/maps.js';
import { startThread } from '../../../test/threads.js';
import { EFAULT, ENOMEM } from '../../kern/errno.js';
import { asOffset } from '../../machine/address.js';
import { PROT_NONE, PROT_READ, PROT_WRITE } from '../../machine/protection.js';
import type { VmMap } from '../map/vm-map.js';

describe('a fault that is out of memory', () => {
  it('answers ENOMEM when no page is free, and none will be; nothing is left behind', () => {
    const bench = new Bench();
    bench.run(() => bench.put(0, 2));
    const taken = leaveFree(bench, 1);
    expect(faultAt(bench, 0, PROT_WRITE)).toBe(0);
    const { anonCount } = bench.uvm;
    const effects = counted(bench.uvm, () => expect(faultAt(bench, 1, PROT_WRITE)).toBe(ENOMEM));
    expect(effects, 'the page daemon has been kicked').toEqual({ faults: 1, fltnoanon: 1, pdwoke: 1, pdrevs: 1, pddeact: 1 });
    expect(bench.uvm.anonCount, 'the spare anon is gone').toBe(anonCount);
    bench.run(() => freePages(bench.uvm, taken));
    expect(faultAt(bench, 1, PROT_WRITE)).toBe(0);
    bench.expectSound();
  });

  it('answers ENOMEM to a copy of an anon as well, and both sides keep what they have', () => {
    const bench = new Bench();
    const child = bench.run(function* () {
      yield* bench.put(0, 1);
      yield* bench.write(0, 7);
      return yield* bench.uvm.uvmspaceFork(bench.space);
    });
    const taken = leaveFree(bench, 0);
    expect(faultAt(bench, 0, PROT_WRITE)).toBe(ENOMEM);
    expect(bench.run(() => bench.read(0, child.map))).toBe(7);
    expect(anonAt(bench, 0).references).toBe(2);
    bench.run(() => freePages(bench.uvm, taken));
    bench.expectSound();
  });

  it("answers ENOMEM to a copy of a file's page, which is not busy any more", () => {
    const bench = new Bench();
    const file = bench.newFile(1);
    bench.run(function* () {
      yield* bench.putFile(0, 1, file, 0, { flags: PRIVATE });
      yield* readIn(bench, file);
    });
    const taken = leaveFree(bench, 0);
    expect(faultAt(bench, 0, PROT_WRITE)).toBe(ENOMEM);
    expect(bench.run(() => bench.read(0))).toBe(1);
    bench.run(() => freePages(bench.uvm, taken));
    bench.expectSound();
  });

  const sites: [site: string, counter: Record<string, number>][] = [
    ['anon.alloc', { fltnoram: 1 }],
    ['page.alloc', { fltnoram: 1 }],
    ['amap.alloc', {}],
    ['pmap.page-table', {}],
  ];
  for (const [site, counter] of sites) {
    it(`tries again when ${site} fails although there is memory by then`, () => {
      const strategy = new FailAt();
      const bench = new Bench({ strategy });
      bench.run(() => bench.put(0, 1));
      strategy.left.set(site, 2);
      const effects = counted(bench.uvm, () => expect(faultAt(bench, 0, PROT_WRITE)).toBe(0));
      expect(strategy.left.get(site)).toBe(0);
      expect(effects).toMatchObject({ faults: 1, flt_przero: 1 });
      for (const [name, count] of Object.entries(counter)) expect(effects).toHaveProperty(name, 2 * count);
      expect(bench.uvm.anonCount, 'the anon of the first try was used in the next').toBe(1);
      bench.expectSound();
    });
  }

  it('keeps what it has promoted when there is no memory for a page table; the next fault finds it', () => {
    const strategy = new FailAt();
    const bench = new Bench({ strategy });
    bench.run(() => bench.put(0, 1));
    leaveFree(bench, 1);
    strategy.left.set('pmap.page-table', 1);
    expect(faultAt(bench, 0, PROT_WRITE)).toBe(ENOMEM);
    expect(mappedAt(bench, bench.at(0))).toBe(-1);
    const page = anonAt(bench, 0).page;
    expect(faultAt(bench, 0, PROT_WRITE)).toBe(0);
    expect(mappedAt(bench, bench.at(0))).toBe(page);
  });

  it('never fails over a neighbour', () => {
    const strategy = new FailAt();
    const bench = new Bench({ strategy });
    bench.run(function* () {
      yield* bench.put(0, 3);
      for (const page of [0, 1, 2]) yield* bench.write(page, page);
    });
    bench.machine.pmapRemove(bench.map.pmap, bench.at(0), bench.at(3));
    strategy.left.set('pmap.page-table', 1);
    expect(faultAt(bench, 1, PROT_READ)).toBe(0);
    expect(mappedPages(bench, 0, 3)).toEqual([1, 2]);
    bench.expectSound();
  });

  it('waits while somebody else is faster, and goes on when memory is freed', () => {
    const strategy = new FailAt();
    const bench = new Bench({ strategy });
    bench.run(() => bench.put(0, 1));
    const taken = leaveFree(bench, 1);
    // The page is there when the fault looks whether waiting can help, and gone when it starts to wait.
    strategy.left.set('page.alloc', 1);
    const wait = bench.uvm.uvmWait;
    const waited: string[] = [];
    bench.uvm.uvmWait = function* (message) {
      waited.push(message);
      if (waited.length === 1) taken.push(yield* this.uvmPagealloc(null, asOffset(0), null, 0));
      yield* wait.call(this, message);
    };
    let errno = -1;
    startThread(bench.kern, function* () {
      errno = yield* bench.uvm.uvmFault(bench.map, bench.at(0), PROT_WRITE);
    });
    startThread(bench.kern, function* () {
      yield* freePages(bench.uvm, taken);
    });
    bench.kern.scheduler.run();
    expect(errno).toBe(0);
    expect(waited).toEqual(['flt_noram5']);
    bench.expectSound();
  });
});

describe('a fault in a submap', () => {
  /** A map whose pages 4 to 8 are a submap's. */
  function divided(): { bench: Bench; submap: VmMap } {
    const bench = new Bench();
    const submap = bench.uvm.uvmMapCreate(bench.map.pmap, { min: bench.at(4), max: bench.at(8) }, bench.map.flags);
    bench.run(function* () {
      yield* bench.put(4, 8, { protection: PROT_NONE, flags: 0 });
      expect(yield* bench.uvm.uvmMapSubmap(bench.map, bench.at(4), bench.at(8), submap)).toBe(0);
      yield* bench.put(5, 6, {}, submap);
    });
    return { bench, submap };
  }

  it('finds the entry there, and enters the page in the page table of the map that was asked', () => {
    const { bench, submap } = divided();
    expect(faultAt(bench, 5, PROT_WRITE)).toBe(0);
    expect(rightsAt(bench, 5)).toBe(RW);
    expect(anonAt(bench, 5, submap).references).toBe(1);
  });

  it('is refused where the submap has nothing', () => {
    const { bench } = divided();
    for (const page of [4, 6]) expect(faultAt(bench, page, PROT_READ)).toBe(EFAULT);
    expect(bench.map.lock.holders()).toEqual([]);
  });
});
