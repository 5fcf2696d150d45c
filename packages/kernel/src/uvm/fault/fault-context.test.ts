import { describe, expect, it } from 'vitest';
import { anonAt, counted, faultAt, mappedPages, readIn, rightsAt, unmapPages } from '../../../test/faults.js';
import { Bench, PRIVATE, RW } from '../../../test/maps.js';
import { queueOf } from '../../../test/queues.js';
import { startThread } from '../../../test/threads.js';
import { asOffset } from '../../machine/address.js';
import { PROT_READ, PROT_WRITE } from '../../machine/protection.js';
import { MADV_NORMAL, MADV_RANDOM, MADV_SEQUENTIAL } from '../../vm/mman.js';
import type { Advice } from '../map/map-entry.js';
import { PGO_DEACTIVATE } from '../object/object.js';
import { PG_BUSY, PQ_ACTIVE, PQ_INACTIVE } from '../page/page-array.js';
import { UVM_MAXRANGE, WINDOWS } from './fault-context.js';

const PAGES = 32;

/** All of a map, mapped and in memory, but not in the page table. */
function resident(what: 'anonymous' | 'file', advice: Advice): Bench {
  const bench = new Bench({ ramPages: 128 });
  bench.run(function* () {
    if (what === 'anonymous') {
      yield* bench.put(0, PAGES);
      for (let page = 0; page < PAGES; page++) yield* bench.write(page, page);
    } else {
      const file = bench.newFile(PAGES);
      yield* bench.putFile(0, PAGES, file, 0);
      yield* readIn(bench, file);
    }
    yield* bench.uvm.uvmMapAdvice(bench.map, bench.at(0), bench.at(PAGES), advice);
  });
  unmapPages(bench, 0, PAGES);
  return bench;
}

function range(from: number, to: number): number[] {
  return Array.from({ length: to - from + 1 }, (_, i) => from + i);
}

describe('the window of a fault', () => {
  it('is never larger than a fault may look at', () => {
    for (const { back, ahead } of WINDOWS) expect(back + 1 + ahead).toBeLessThanOrEqual(UVM_MAXRANGE);
  });

  const windows: [name: string, advice: Advice, from: number, to: number][] = [
    //     13  14  15 [16] 17  18  19  20
    ['normal', MADV_NORMAL, 13, 20],
    ['random', MADV_RANDOM, 16, 16],
    // The 8 pages behind are looked at only to be deactivated.
    ['sequential', MADV_SEQUENTIAL, 16, 23],
  ];
  for (const [name, advice, from, to] of windows) {
    it(`with advice ${name} maps pages ${from} to ${to} for a fault on page 16, of anonymous memory`, () => {
      const bench = resident('anonymous', advice);
      const effects = counted(bench.uvm, () => faultAt(bench, 16, PROT_READ));
      expect(effects.fltnamap ?? 0).toBe(to - from);
      expect(mappedPages(bench, 0, PAGES)).toEqual(range(from, to));
      bench.expectSound();
    });

    it(`with advice ${name} maps pages ${from} to ${to} for a fault on page 16, of a file`, () => {
      const bench = resident('file', advice);
      const effects = counted(bench.uvm, () => faultAt(bench, 16, PROT_READ));
      expect(effects.fltnomap ?? 0).toBe(to - from);
      expect(mappedPages(bench, 0, PAGES)).toEqual(range(from, to));
      bench.expectSound();
    });
  }

  it('ends where the entry ends, on both sides', () => {
    //     page   0 … 9      10   11   12   13      14 … 31
    //            [ rw )     [       r         )    [ rw )
    const bench = resident('anonymous', MADV_NORMAL);
    bench.run(() => bench.uvm.uvmMapProtect(bench.map, bench.at(10), bench.at(14), PROT_READ, { setMax: false }));
    faultAt(bench, 12, PROT_READ);
    expect(mappedPages(bench, 0, PAGES)).toEqual(range(10, 13));
    faultAt(bench, 0, PROT_READ);
    expect(mappedPages(bench, 0, 10)).toEqual(range(0, 4));
    faultAt(bench, 31, PROT_READ);
    expect(mappedPages(bench, 14, PAGES)).toEqual(range(28, 31));
    bench.expectSound();
  });

  it('leaves alone what is mapped already', () => {
    const bench = resident('anonymous', MADV_NORMAL);
    faultAt(bench, 16, PROT_READ);
    // 18 to 20 are mapped: 21 [22] 23 24 25 26, less 19 and 20 behind.
    expect(counted(bench.uvm, () => faultAt(bench, 22, PROT_READ)).fltnamap).toBe(5);
  });

  it('passes over neighbours that are busy', () => {
    for (const what of ['anonymous', 'file'] as const) {
      const bench = resident(what, MADV_NORMAL);
      bench.uvm.pages.setFlags(bench.pageOf(17), PG_BUSY);
      expect(faultAt(bench, 16, PROT_READ)).toBe(0);
      expect(mappedPages(bench, 0, PAGES)).toEqual([13, 14, 15, 16, 18, 19, 20]);
    }
  });

  it('brings no neighbour in that is not in memory', () => {
    const bench = new Bench({ blockSize: 4096 });
    const file = bench.newFile(8);
    bench.run(() => bench.putFile(0, 8, file, 0));
    expect(counted(bench.uvm, () => faultAt(bench, 4, PROT_READ))).toMatchObject({ pgpgin: 1 });
    expect(mappedPages(bench, 0, 8)).toEqual([4]);
  });

  it('maps anons that others have too without write', () => {
    const bench = resident('anonymous', MADV_NORMAL);
    bench.run(() => bench.uvm.uvmspaceFork(bench.space));
    expect(faultAt(bench, 16, PROT_WRITE)).toBe(0);
    expect(range(13, 20).map((page) => rightsAt(bench, page))).toEqual([1, 1, 1, RW, 1, 1, 1, 1]);
    bench.expectSound();
  });

  it('maps the pages of a file without write, unless the mapping is shared and the file dirty', () => {
    const bench = resident('file', MADV_NORMAL);
    faultAt(bench, 16, PROT_READ);
    expect(rightsAt(bench, 17), 'clean').toBe(PROT_READ);
    faultAt(bench, 16, PROT_WRITE);
    unmapPages(bench, 0, PAGES);
    faultAt(bench, 16, PROT_READ);
    expect(rightsAt(bench, 17), 'dirty').toBe(RW);
    bench.expectSound();
  });
});

describe('a sequential reader', () => {
  it('has the 8 pages behind it deactivated, of anonymous memory', () => {
    const bench = resident('anonymous', MADV_SEQUENTIAL);
    faultAt(bench, 16, PROT_READ);
    const queues = range(0, PAGES - 1).map((page) => bench.uvm.pages.pqflags(bench.pageOf(page)) & (PQ_ACTIVE | PQ_INACTIVE));
    expect(queues.flatMap((queue, page) => (queue === PQ_INACTIVE ? [page] : []))).toEqual(range(8, 15));
    bench.expectSound();
  });

  it('has the 8 pages behind it deactivated, of a file, even where anons lie over it', () => {
    const bench = new Bench({ ramPages: 128 });
    const file = bench.newFile(PAGES);
    bench.run(function* () {
      yield* bench.putFile(0, PAGES, file, 0, { flags: PRIVATE });
      yield* readIn(bench, file);
      yield* bench.write(12, 99);
      yield* bench.uvm.uvmMapAdvice(bench.map, bench.at(0), bench.at(PAGES), MADV_SEQUENTIAL);
    });
    unmapPages(bench, 0, PAGES);
    faultAt(bench, 16, PROT_READ);
    expect(queueOf(bench.uvm, 'inactive').toArray()).toHaveLength(9);
    expect(bench.uvm.pages.pqflags(anonAt(bench, 12).page) & PQ_INACTIVE).toBe(PQ_INACTIVE);
    bench.expectSound();
  });

  it('has no wired page deactivated', () => {
    for (const what of ['anonymous', 'file'] as const) {
      const bench = resident(what, MADV_SEQUENTIAL);
      expect(bench.run(() => bench.wire(10, 11))).toBe(0);
      //     page  … 9       10       11     12
      //           entry  )[ wired )[ entry
      //     Its entry ends the window, so the file is told to deactivate it by hand.
      faultAt(bench, 12, PROT_READ);
      expect(bench.uvm.uvmexp.inactive).toBe(1);
      const { object } = bench.entryAt(10);
      if (object !== null) {
        bench.run(function* () {
          yield* object.lock.enter();
          yield* object.put(bench.uvm, asOffset(9 * 4096), asOffset(11 * 4096), PGO_DEACTIVATE);
        });
        expect(bench.uvm.uvmexp.inactive).toBe(2);
      }
      bench.expectSound();
    }
  });

  it('does not wait for a page behind it that is being read by a thread which waits for the same amap', () => {
    //     T1 reads page 4 in: the page is busy, nothing locked     T2 faults on page 5 of the same private mapping
    //     T1 then wants the amap                               <-  T2 has the amap, and looks behind itself
    const bench = new Bench({ blockSize: 4096 });
    const file = bench.newFile(16);
    bench.run(function* () {
      yield* bench.putFile(0, 16, file, 0, { advice: MADV_SEQUENTIAL, flags: PRIVATE });
      yield* bench.write(10, 99);
    });
    const errnos: number[] = [];
    for (const page of [4, 5]) {
      startThread(bench.kern, function* () {
        errnos.push(yield* bench.uvm.uvmFault(bench.map, bench.at(page), PROT_READ));
      });
    }
    bench.kern.scheduler.run();
    expect(errnos).toEqual([0, 0]);
    bench.expectSound();
  });
});
