/** Wiring by address, and what comes of it when somebody changes what lies there: the races of 2003, one after the other. */
import { describe, expect, it } from 'vitest';
import { Bench, PRIVATE, RW } from '../../../test/maps.js';
import { EACCES, EFAULT } from '../../kern/errno.js';
import type { Step } from '../../kern/switch.js';
import { asPa, PAGE_SIZE, type Pfn, paToPfn } from '../../machine/address.js';
import { PROT_READ, PROT_WRITE } from '../../machine/protection.js';
import { NO_PAGE, PQ_FREE } from '../page/page-array.js';

const UNWIRED_TWICE = 'kernel diagnostic assertion "pg->wire_count != 0" failed';

function* vslock(bench: Bench, page: number, pages = 1, access = PROT_WRITE): Step<number> {
  return yield* bench.uvm.uvmVslock(bench.space, bench.at(page), pages * PAGE_SIZE, access);
}

function* vsunlock(bench: Bench, page: number, pages = 1): Step<void> {
  yield* bench.uvm.uvmVsunlock(bench.space, bench.at(page), pages * PAGE_SIZE);
}

/** A map with a page of private memory that was stored to, wired for a device. */
function withBuffer(options: ConstructorParameters<typeof Bench>[0] = {}): { bench: Bench; page: Pfn } {
  const bench = new Bench(options);
  bench.run(function* () {
    yield* bench.put(0, 1);
    yield* bench.write(0, 7);
    expect(yield* vslock(bench, 0)).toBe(0);
  });
  return { bench, page: bench.pageOf(0) };
}

describe('uvm_vslock()', () => {
  it('wires whole pages, by faults, and leaves the entry as it is', () => {
    const bench = new Bench();
    bench.run(function* () {
      yield* bench.put(0, 4);
      expect(yield* bench.uvm.uvmVslock(bench.space, bench.at(1) - 1, PAGE_SIZE + 2, PROT_WRITE)).toBe(0);
    });
    expect([0, 1, 2].map((page) => bench.uvm.pages.wireCount(bench.pageOf(page)))).toEqual([1, 1, 1]);
    expect(bench.pageOf(3)).toBe(NO_PAGE);
    expect(bench.entryAt(0).wiredCount).toBe(0);
    const [wiring] = bench.uvm.vslocks;
    expect(wiring?.pages).toEqual([0, 1, 2].map((page) => bench.pageOf(page)));
    bench.expectSound();
    bench.run(() => bench.uvm.uvmVsunlock(bench.space, bench.at(1) - 1, PAGE_SIZE + 2));
    expect(bench.uvm.uvmexp.wired).toBe(0);
    expect(bench.uvm.vslocks.size).toBe(0);
    bench.expectSound();
  });

  it('answers the error of the fault that failed, with nothing wired', () => {
    const bench = new Bench();
    bench.run(function* () {
      yield* bench.put(0, 2);
      yield* bench.put(3, 4, { protection: PROT_READ });
      expect(yield* vslock(bench, 0, 3)).toBe(EFAULT);
      expect(yield* vslock(bench, 3)).toBe(EACCES);
      expect(yield* bench.uvm.uvmVslock(bench.space, -1, 1, PROT_READ)).toBe(EFAULT);
    });
    expect(bench.uvm.uvmexp.wired).toBe(0);
    expect(bench.uvm.vslocks.size).toBe(0);
    bench.expectSound();
  });

  it('counts for each: two of one page, and mlock besides, in any order', () => {
    const orders = [
      ['vslock', 'vslock', 'mlock', 'vsunlock', 'munlock', 'vsunlock'],
      ['vslock', 'mlock', 'vsunlock', 'munlock'],
      ['mlock', 'vslock', 'vsunlock', 'munlock'],
      ['mlock', 'vslock', 'munlock', 'vsunlock'],
      ['vslock', 'mlock', 'munlock', 'vsunlock'],
    ];
    for (const order of orders) {
      const bench = new Bench();
      bench.run(() => bench.put(0, 1));
      let counted = 0;
      for (const what of order) {
        const errno = bench.run(function* () {
          if (what === 'vslock') return yield* vslock(bench, 0);
          if (what === 'mlock') return yield* bench.wire(0, 1);
          if (what === 'munlock') return yield* bench.unwire(0, 1);
          yield* vsunlock(bench, 0);
          return 0;
        });
        expect(errno).toBe(0);
        counted += what.includes('un') ? -1 : 1;
        expect(bench.uvm.pages.wireCount(bench.pageOf(0)), `${what} of ${order}`).toBe(counted);
      }
      bench.expectSound();
    }
  });

  it('has its complaint printed when an entry was wired and unwired meanwhile', () => {
    const { bench, page } = withBuffer();
    bench.run(function* () {
      expect(yield* bench.wire(0, 1)).toBe(0);
      expect(yield* bench.unwire(0, 1)).toBe(0);
      expect(bench.uvm.pages.wireCount(page)).toBe(1);
      expect(bench.kern.console).toEqual([]);
      yield* vsunlock(bench, 0);
    });
    expect(bench.kern.console).toEqual([`pmap_unwire: wiring for pmap 1 va 0x10000 did not change!`]);
    expect(bench.uvm.pages.wireCount(page)).toBe(0);
    bench.expectSound();
  });
});

describe('what is unmapped while it is wired by address', () => {
  it('is freed, wired or not, and nothing is there to be unwired', () => {
    const { bench, page } = withBuffer();
    bench.run(() => bench.put(1, 2));
    bench.run(() => bench.remove(0, 1));
    expect(bench.uvm.pages.pqflags(page) & PQ_FREE).toBe(PQ_FREE);
    expect(bench.uvm.pages.wireCount(page)).toBe(0);
    expect(bench.uvm.uvmexp.wired).toBe(0);
    expect([...bench.uvm.vslocks].map(({ pages }) => pages)).toEqual([[NO_PAGE]]);
    expect(bench.panicOf(() => vsunlock(bench, 0))).toBe('uvm_fault_unwire_locked: address not in map');
  });

  it('has another page unwired in its place, when something was mapped there since', () => {
    const { bench } = withBuffer();
    bench.run(function* () {
      yield* bench.remove(0, 1);
      yield* bench.put(0, 1);
      // Nothing is mapped there yet: so far all is quiet.
      yield* vsunlock(bench, 0);
      expect(yield* vslock(bench, 0)).toBe(0);
      yield* bench.remove(0, 1);
      yield* bench.put(0, 1);
      yield* bench.write(0, 8);
    });
    expect(bench.panicOf(() => vsunlock(bench, 0))).toBe(UNWIRED_TWICE);
  });

  it('without DIAGNOSTIC makes the count of that page the largest there is', () => {
    const { bench } = withBuffer({ diagnostic: false, counterWidth: 16 });
    bench.run(function* () {
      yield* bench.remove(0, 1);
      yield* bench.put(0, 1);
      yield* bench.write(0, 8);
      yield* vsunlock(bench, 0);
    });
    expect(bench.uvm.pages.wireCount(bench.pageOf(0))).toBe(65_535);
    expect(bench.audit().map(({ invariant }) => invariant)).toContain('wire-count');
  });

  it('stays wired for ever when the page lives on without it', () => {
    const bench = new Bench();
    const file = bench.newFile(1);
    bench.run(function* () {
      yield* bench.putFile(0, 1, file, 0);
      yield* bench.put(1, 2);
      expect(yield* vslock(bench, 0)).toBe(0);
      const page = bench.pageOf(0);
      yield* bench.remove(0, 1);
      yield* bench.put(0, 1);
      yield* vsunlock(bench, 0);
      expect(bench.uvm.pages.wireCount(page)).toBe(1);
    });
    expect(bench.audit().map(({ invariant, finding }) => `${invariant}: ${finding}`)).toEqual([
      expect.stringMatching(/^wire-count: page \d+ has wire_count 1; 0 wired entries map it$/),
    ]);
  });
});

describe('a file that is cut while a page of it is wired by address', () => {
  function withFile(): { bench: Bench; cut: () => void; grow: () => void; page: Pfn } {
    const bench = new Bench();
    const file = bench.newFile(1);
    const page = bench.run(function* () {
      yield* bench.putFile(0, 1, file, 0);
      expect(yield* vslock(bench, 0)).toBe(0);
      return bench.pageOf(0);
    });
    const resize = (size: number) => expect(bench.run(() => bench.uvm.uvmVnodeTruncate(file, size))).toBe(0);
    return { bench, cut: () => resize(0), grow: () => resize(PAGE_SIZE), page };
  }

  it('frees the page, and nobody notices', () => {
    const { bench, cut, page } = withFile();
    cut();
    expect(bench.uvm.pages.pqflags(page) & PQ_FREE).toBe(PQ_FREE);
    bench.run(() => vsunlock(bench, 0));
    expect(bench.kern.console).toEqual([]);
    bench.expectSound();
  });

  it('has another page unwired, when it has grown again and somebody has used it', () => {
    const { bench, cut, grow } = withFile();
    cut();
    grow();
    bench.run(() => bench.write(0, 3));
    expect(bench.panicOf(() => vsunlock(bench, 0))).toBe(UNWIRED_TWICE);
  });
});

describe('a page that is unmapped everywhere and lives on', () => {
  it('keeps the wirings that are for the time being, and loses those of entries', () => {
    const bench = new Bench();
    const file = bench.newFile(1);
    bench.run(function* () {
      yield* bench.putFile(0, 1, file, 0);
      yield* bench.putFile(1, 2, file, 0);
      expect(yield* vslock(bench, 0)).toBe(0);
      expect(yield* bench.wire(1, 2)).toBe(0);
    });
    const page = bench.pageOf(0);
    expect(bench.uvm.pages.wireCount(page)).toBe(2);
    bench.run(function* () {
      yield* file.lock.enter();
      yield* bench.uvm.uvmPageUnmap(page);
      yield* file.lock.exit();
    });
    expect(bench.uvm.pages.wireCount(page)).toBe(1);
    expect(bench.uvm.uvmTransientWirings(page)).toBe(1);
    bench.expectSound();
  });

  it('is wired by whoever faults it in again, for its entry, beside the wiring for the time being', () => {
    const bench = new Bench();
    const file = bench.newFile(1);
    bench.run(function* () {
      yield* bench.putFile(0, 1, file, 0);
      expect(yield* vslock(bench, 0)).toBe(0);
      expect(yield* bench.wire(0, 1)).toBe(0);
      yield* file.lock.enter();
      yield* bench.uvm.uvmPageUnmap(bench.pageOf(0));
      yield* file.lock.exit();
      yield* bench.read(0);
      expect(bench.uvm.pages.wireCount(bench.pageOf(0))).toBe(2);
      yield* vsunlock(bench, 0);
      expect(yield* bench.unwire(0, 1)).toBe(0);
    });
    expect(bench.uvm.uvmexp.wired).toBe(0);
    bench.expectSound();
  });

  it('is wired for both when a buffer is wired of which a page is missing in a wired entry', () => {
    const bench = new Bench();
    const file = bench.newFile(1);
    bench.run(function* () {
      yield* bench.putFile(0, 1, file, 0, { protection: RW });
      expect(yield* bench.wire(0, 1)).toBe(0);
      yield* file.lock.enter();
      yield* bench.uvm.uvmPageUnmap(bench.pageOf(0));
      yield* file.lock.exit();
      expect(yield* vslock(bench, 0)).toBe(0);
      expect(bench.uvm.pages.wireCount(bench.pageOf(0))).toBe(2);
      yield* vsunlock(bench, 0);
    });
    expect(bench.uvm.pages.wireCount(paToPfn(asPa(bench.machine.pmapExtract(bench.map.pmap, bench.at(0)))))).toBe(1);
    bench.expectSound();
  });
});

it('a page that is wired by a private mapping of which the entry allows no writing is the file’s own', () => {
  const bench = new Bench();
  const file = bench.newFile(1);
  bench.run(function* () {
    yield* bench.putFile(0, 1, file, 0, { flags: PRIVATE, protection: PROT_READ, maxProtection: PROT_READ });
    expect(yield* vslock(bench, 0, 1, PROT_READ)).toBe(0);
  });
  const page = bench.pageOf(0);
  expect(bench.uvm.pages.uobject(page)).toBe(file);
  expect(bench.uvm.pages.wireCount(page)).toBe(1);
  bench.run(() => vsunlock(bench, 0, 1));
  bench.expectSound();
});
