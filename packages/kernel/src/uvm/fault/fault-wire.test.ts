import { describe, expect, it } from 'vitest';
import { anonAt, counted, faultAt, mappedAt, mappedPages, rightsAt } from '../../../test/faults.js';
import { Bench, PRIVATE, RW } from '../../../test/maps.js';
import { queueOf } from '../../../test/queues.js';
import { EACCES, EFAULT, EINVAL } from '../../kern/errno.js';
import type { Step } from '../../kern/switch.js';
import { asPfn } from '../../machine/address.js';
import { PROT_READ, PROT_WRITE } from '../../machine/protection.js';
import { PG_CLEAN, PQ_ACTIVE } from '../page/page-array.js';

/** The wire counts of the pages that are mapped in [from, to). */
function wireCounts(bench: Bench, from: number, to: number): number[] {
  return mappedPages(bench, from, to).map((page) => bench.uvm.pages.wireCount(asPfn(mappedAt(bench, bench.at(page)))));
}

/** Wires pages [from, to) for a while, as a device would. */
function* wireFor(bench: Bench, from: number, to: number, access = PROT_READ): Step<number> {
  return yield* bench.uvm.uvmFaultWire(bench.map, bench.at(from), bench.at(to), access, { maxProtection: false });
}

describe('a wire fault', () => {
  it('brings each page in by itself, without neighbours, and wires it', () => {
    const bench = new Bench();
    bench.run(() => bench.put(0, 6));
    const effects = counted(bench.uvm, () => expect(bench.run(() => wireFor(bench, 1, 4))).toBe(0));
    expect(effects).toEqual({ faults: 3, fltwire: 3, fltamcopy: 1, flt_przero: 3 });
    expect(mappedPages(bench, 0, 6)).toEqual([1, 2, 3]);
    expect(wireCounts(bench, 0, 6)).toEqual([1, 1, 1]);
    expect(bench.uvm.uvmexp.wired).toBe(3);
    expect(bench.map.pmap.wiredCount).toBe(3);
    expect(queueOf(bench.uvm, 'active').toArray(), 'wired pages are on no queue').toEqual([]);
    expect(bench.entryAt(1).wiredCount, 'the entry does not know').toBe(0);
  });

  it('copies at once whatever the entry may ever be stored to, and measures by what it allows now', () => {
    const bench = new Bench();
    const file = bench.newFile(1);
    bench.run(() => bench.putFile(0, 1, file, 0, { flags: PRIVATE }));
    expect(bench.run(() => wireFor(bench, 0, 1))).toBe(0);
    const own = anonAt(bench, 0).page;
    expect(mappedAt(bench, bench.at(0))).toBe(own);
    expect(bench.uvm.pages.wireCount(own)).toBe(1);
    expect(bench.uvm.pages.flags(own) & PG_CLEAN).toBe(0);
  });

  it('asks for what the entries may ever allow only when told so', () => {
    const bench = new Bench();
    const file = bench.newFile(1);
    bench.run(() => bench.putFile(0, 1, file, 0, { protection: PROT_READ }));
    expect(bench.run(() => wireFor(bench, 0, 1, PROT_WRITE))).toBe(EACCES);
    const all = bench.run(() => bench.uvm.uvmFaultWire(bench.map, bench.at(0), bench.at(1), PROT_WRITE, { maxProtection: true }));
    expect(all).toBe(0);
    expect(rightsAt(bench, 0), 'the mapping allows what the entry does now').toBe(PROT_READ);
  });

  it('counts: a page that is wired twice is unwired by the second unwiring', () => {
    const bench = new Bench();
    bench.run(function* () {
      yield* bench.put(0, 1);
      expect(yield* bench.wire(0, 1)).toBe(0);
      expect(yield* wireFor(bench, 0, 1)).toBe(0);
    });
    expect(wireCounts(bench, 0, 1)).toEqual([2]);
    bench.run(() => bench.uvm.uvmFaultUnwire(bench.map, bench.at(0), bench.at(1)));
    expect(wireCounts(bench, 0, 1)).toEqual([1]);
    expect(bench.uvm.uvmexp.wired).toBe(1);
    bench.expectSound();
    expect(bench.run(() => bench.unwire(0, 1))).toBe(0);
    expect(wireCounts(bench, 0, 1)).toEqual([0]);
    expect(bench.uvm.pages.pqflags(bench.pageOf(0)) & PQ_ACTIVE).toBe(PQ_ACTIVE);
    bench.expectSound();
  });

  it('refuses a range that ends before it begins', () => {
    const bench = new Bench();
    bench.run(() => bench.put(0, 2));
    expect(bench.run(() => wireFor(bench, 1, 0))).toBe(EFAULT);
  });

  it('that fails in the middle unwires what it has wired, on the page and in the page table', () => {
    //     file     [0][1]          the range goes on beyond its end
    //     wired     x  x  EINVAL
    const bench = new Bench();
    const file = bench.newFile(2);
    bench.run(() => bench.putFile(0, 4, file, 0));
    expect(bench.run(() => wireFor(bench, 0, 4))).toBe(EINVAL);
    expect(wireCounts(bench, 0, 4)).toEqual([0, 0]);
    expect(bench.uvm.uvmexp.wired).toBe(0);
    expect(bench.map.pmap.wiredCount).toBe(0);
    bench.expectSound();
  });
});

describe('unwiring', () => {
  it('passes over what is not mapped in silence', () => {
    const bench = new Bench();
    bench.run(function* () {
      yield* bench.put(0, 4);
      yield* wireFor(bench, 0, 2);
      yield* bench.uvm.uvmFaultUnwire(bench.map, bench.at(0), bench.at(4));
    });
    expect(bench.uvm.uvmexp.wired).toBe(0);
    bench.expectSound();
  });

  it('panics when the start is in no entry', () => {
    const bench = new Bench();
    bench.run(() => bench.put(1, 2));
    expect(bench.panicOf(() => bench.uvm.uvmFaultUnwire(bench.map, bench.at(0), bench.at(2)))).toBe(
      'uvm_fault_unwire_locked: address not in map',
    );
  });

  it('panics when it comes to a page behind a gap between entries', () => {
    //     [ entry )   gap   [ entry )
    const bench = new Bench();
    bench.run(function* () {
      yield* bench.put(0, 1);
      yield* bench.put(2, 3);
      yield* wireFor(bench, 0, 1);
      yield* wireFor(bench, 2, 3);
    });
    expect(bench.panicOf(() => bench.uvm.uvmFaultUnwire(bench.map, bench.at(0), bench.at(3)))).toBe(
      'kernel diagnostic assertion "entry->next->start <= entry->end" failed',
    );
  });

  it('panics outside of the map', () => {
    const bench = new Bench();
    const end = bench.map.max;
    expect(bench.panicOf(() => bench.uvm.uvmFaultUnwire(bench.map, end, (end + 4096) as typeof end))).toBe(
      'kernel diagnostic assertion "start >= vm_map_min(map) && end <= vm_map_max(map)" failed',
    );
  });

  it('of a page that is not wired panics; without DIAGNOSTIC its count of 16 bits wraps, and it is on no queue for good', () => {
    const job = (bench: Bench): Step<void> => bench.uvm.uvmFaultUnwire(bench.map, bench.at(0), bench.at(1));
    const strict = new Bench();
    strict.run(() => strict.put(0, 1));
    faultAt(strict, 0, PROT_WRITE);
    expect(strict.panicOf(() => job(strict))).toBe('kernel diagnostic assertion "pg->wire_count != 0" failed');

    const lax = new Bench({ diagnostic: false, counterWidth: 16 });
    lax.run(() => lax.put(0, 1));
    faultAt(lax, 0, PROT_WRITE);
    lax.run(() => job(lax));
    expect(wireCounts(lax, 0, 1)).toEqual([65_535]);
    expect(lax.kern.console).toEqual([`pmap_unwire: wiring for ${lax.map.pmap.label} va 0x10000 did not change!`]);
    expect(lax.audit().map(({ invariant }) => invariant)).toContain('wire-count');
  });
});

describe('an ordinary fault in a wired entry', () => {
  it('wires the page that it brings in: munlock after truncation and regrowth is even', () => {
    const bench = new Bench();
    const file = bench.newFile(2);
    bench.run(function* () {
      yield* bench.putFile(0, 2, file, 0);
      expect(yield* bench.wire(0, 2)).toBe(0);
      yield* bench.uvm.uvmVnodeTruncate(file, 4096);
      yield* bench.uvm.uvmVnodeTruncate(file, 8192);
    });
    expect(bench.uvm.uvmexp.wired).toBe(1);
    bench.expectSound();
    expect(faultAt(bench, 1, PROT_READ)).toBe(0);
    expect(wireCounts(bench, 0, 2)).toEqual([1, 1]);
    bench.expectSound();
    expect(bench.run(() => bench.unwire(0, 2))).toBe(0);
    expect(bench.uvm.uvmexp.wired).toBe(0);
    bench.expectSound();
  });

  it('unwires the page whose place another takes', () => {
    //     wired while it could not be stored to: the file's page; then it could, and was: a page of its own
    const bench = new Bench();
    const file = bench.newFile(1);
    bench.run(function* () {
      yield* bench.putFile(0, 1, file, 0, { flags: PRIVATE, protection: PROT_READ, maxProtection: PROT_READ });
      expect(yield* bench.wire(0, 1)).toBe(0);
    });
    const shared = bench.pageOf(0);
    expect(bench.uvm.pages.wireCount(shared)).toBe(1);
    bench.entryAt(0).maxProtection = RW;
    bench.entryAt(0).protection = RW;
    expect(faultAt(bench, 0, PROT_WRITE)).toBe(0);
    expect(bench.pageOf(0)).not.toBe(shared);
    expect(bench.uvm.pages.wireCount(shared)).toBe(0);
    expect(wireCounts(bench, 0, 1)).toEqual([1]);
    bench.expectSound();
  });
});
