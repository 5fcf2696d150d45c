import { describe, expect, it } from 'vitest';
import { anonAt, counted, faultAt, logged, mappedAt, mappedPages, readIn, rightsAt, unmapPages } from '../../../test/faults.js';
import { Bench, PRIVATE, RW, SHARED } from '../../../test/maps.js';
import { queueOf } from '../../../test/queues.js';
import { EACCES, EFAULT, EINVAL } from '../../kern/errno.js';
import { asVa } from '../../machine/address.js';
import { PROT_EXEC, PROT_NONE, PROT_READ, PROT_WRITE } from '../../machine/protection.js';
import type { FaultCase } from '../events.js';
import type { VmMap } from '../map/vm-map.js';

/** The cases by which a job's faults are resolved. */
function casesOf(bench: Bench, job: () => void): FaultCase[] {
  return logged(bench.kern, 'fault-resolved', job).map((event) => event.case);
}

/** A parent with one page of private memory that it has written, and the map of a child that has it too. */
function forked(): { bench: Bench; child: VmMap } {
  const bench = new Bench();
  const child = bench.run(function* () {
    yield* bench.put(0, 1);
    yield* bench.write(0, 7);
    return yield* bench.uvm.uvmspaceFork(bench.space);
  });
  return { bench, child: child.map };
}

describe('case 2B, zero fill', () => {
  it('gives fresh private memory an amap, an anon and a page of zeros, and tries twice for that', () => {
    const bench = new Bench();
    bench.run(() => bench.put(0, 1));
    bench.machine.ram.bytes.fill(0xff);
    let cases: FaultCase[] = [];
    const effects = counted(bench.uvm, () => {
      cases = casesOf(bench, () => expect(faultAt(bench, 0, PROT_WRITE)).toBe(0));
    });
    expect(cases).toEqual(['2B']);
    expect(effects).toEqual({ faults: 1, fltamcopy: 1, flt_przero: 1 });
    expect(bench.machine.ram.page(bench.pageOf(0)).every((byte) => byte === 0)).toBe(true);
    expect(bench.entryAt(0).needsCopy).toBe(false);
    bench.expectSound();
  });

  it('maps the page as the entry allows, so that a store after the first load faults no more', () => {
    const bench = new Bench();
    bench.run(() => bench.put(0, 1));
    expect(faultAt(bench, 0, PROT_READ)).toBe(0);
    expect(rightsAt(bench, 0)).toBe(RW);
    expect(bench.uvm.uvmexp.anonpages).toBe(1);
  });

  it('needs no copy of the amap in shared memory, which has it from the start', () => {
    const bench = new Bench();
    bench.run(() => bench.put(0, 1, { flags: SHARED }));
    const effects = counted(bench.uvm, () => expect(faultAt(bench, 0, PROT_READ)).toBe(0));
    expect(effects).toEqual({ faults: 1, flt_przero: 1 });
  });
});

describe('case 1A', () => {
  it('maps an anon that nobody else has, writable, whatever the access', () => {
    for (const access of [PROT_READ, PROT_WRITE]) {
      const bench = new Bench();
      bench.run(() => bench.put(0, 1));
      expect(faultAt(bench, 0, PROT_WRITE)).toBe(0);
      const page = bench.pageOf(0);
      unmapPages(bench, 0, 1);
      let cases: FaultCase[] = [];
      const effects = counted(bench.uvm, () => {
        cases = casesOf(bench, () => expect(faultAt(bench, 0, access)).toBe(0));
      });
      expect(cases).toEqual(['1A']);
      expect(effects).toEqual({ faults: 1, fltanget: 1, flt_anon: 1 });
      expect(mappedAt(bench, bench.at(0))).toBe(page);
      expect(rightsAt(bench, 0)).toBe(RW);
    }
  });

  it('maps an anon that others have too without write', () => {
    const { bench, child } = forked();
    const effects = counted(bench.uvm, () => expect(faultAt(bench, 0, PROT_READ, child)).toBe(0));
    expect(effects).toEqual({ faults: 1, fltamcopy: 1, fltanget: 1, flt_anon: 1 });
    expect(rightsAt(bench, 0, child)).toBe(PROT_READ);
    expect(mappedAt(bench, bench.at(0), child)).toBe(bench.pageOf(0));
    bench.expectSound();
  });

  it('puts the page at the end of the active queue', () => {
    const bench = new Bench();
    bench.run(function* () {
      yield* bench.put(0, 2);
      yield* bench.write(0, 1);
      yield* bench.write(1, 2);
    });
    unmapPages(bench, 0, 1);
    faultAt(bench, 0, PROT_READ);
    expect(queueOf(bench.uvm, 'active').toArray()).toEqual([bench.pageOf(1), bench.pageOf(0)]);
  });
});

describe('case 1B', () => {
  it('copies an anon that others have too, and leaves theirs alone', () => {
    //     parent ──> [anon 7] <── child          parent ──> [new 7]      child ──> [anon 7]
    const { bench, child } = forked();
    const shared = bench.pageOf(0);
    let cases: FaultCase[] = [];
    const effects = counted(bench.uvm, () => {
      cases = casesOf(bench, () => expect(faultAt(bench, 0, PROT_WRITE)).toBe(0));
    });
    expect(cases).toEqual(['1B']);
    // The parent's entry needs a copy of the amap first.
    expect(effects).toEqual({ faults: 1, fltamcopy: 1, fltanget: 1, flt_acow: 1 });
    expect(bench.pageOf(0)).not.toBe(shared);
    expect(bench.machine.ram.page(bench.pageOf(0))[0]).toBe(7);
    expect(bench.pageOf(0, child)).toBe(shared);
    expect(anonAt(bench, 0, child).references).toBe(1);
    expect(anonAt(bench, 0).references).toBe(1);
    expect(rightsAt(bench, 0)).toBe(RW);
    bench.expectSound();
  });

  it('is 1A again for who has the anon alone afterwards: the last one copies nothing', () => {
    const { bench, child } = forked();
    faultAt(bench, 0, PROT_WRITE);
    const { free } = bench.uvm.uvmexp;
    expect(casesOf(bench, () => expect(faultAt(bench, 0, PROT_WRITE, child)).toBe(0))).toEqual(['1A']);
    expect(bench.uvm.uvmexp.free).toBe(free);
    expect(rightsAt(bench, 0, child)).toBe(RW);
    bench.expectSound();
  });

  it('asserts that there is somebody to leave the old anon to', () => {
    const { bench, child } = forked();
    const original = bench.uvm.uvmfaultPromote;
    bench.uvm.uvmfaultPromote = function* (fault, old, page, object) {
      const promoted = yield* original.call(this, fault, old, page, object);
      if (old !== null) old.references = 1;
      return promoted;
    };
    expect(() => faultAt(bench, 0, PROT_WRITE, child)).toThrow('kernel diagnostic assertion "oanon->an_ref > 1" failed');
  });
});

describe('case 2A', () => {
  it('maps the page of a file as it is; a load of a clean file maps it without write', () => {
    const bench = new Bench();
    const file = bench.newFile(1);
    bench.run(() => bench.putFile(0, 1, file, 0));
    let cases: FaultCase[] = [];
    const effects = counted(bench.uvm, () => {
      cases = casesOf(bench, () => expect(faultAt(bench, 0, PROT_READ)).toBe(0));
    });
    expect(cases).toEqual(['2A']);
    expect(effects).toEqual({ faults: 1, fltlget: 1, fltget: 1, fltrelck: 1, fltrelckok: 1, flt_obj: 1, pageins: 1, pgpgin: 1 });
    expect(rightsAt(bench, 0)).toBe(PROT_READ);
    expect(bench.machine.ram.page(bench.pageOf(0))[0]).toBe(1);
    bench.expectSound();
  });

  it('says of a file that is stored to that it is dirty, and maps it writable from then on', () => {
    const bench = new Bench();
    const file = bench.newFile(1);
    bench.run(() => bench.putFile(0, 1, file, 0));
    faultAt(bench, 0, PROT_READ);
    expect(file.dirty).toBe(false);
    expect(counted(bench.uvm, () => faultAt(bench, 0, PROT_WRITE))).toEqual({ faults: 1, fltlget: 1, flt_obj: 1 });
    expect(file.dirty).toBe(true);
    expect(rightsAt(bench, 0)).toBe(RW);
    unmapPages(bench, 0, 1);
    faultAt(bench, 0, PROT_READ);
    expect(rightsAt(bench, 0), 'of a dirty file').toBe(RW);
    bench.expectSound();
  });

  it('maps a private file without write, and makes no amap for a load', () => {
    const bench = new Bench();
    const file = bench.newFile(1);
    bench.run(() => bench.putFile(0, 1, file, 0, { flags: PRIVATE }));
    expect(casesOf(bench, () => faultAt(bench, 0, PROT_READ))).toEqual(['2A']);
    expect(rightsAt(bench, 0)).toBe(PROT_READ);
    expect(bench.uvm.amaps.size).toBe(0);
    expect(file.dirty).toBe(false);
    bench.expectSound();
  });
});

describe('case 2B, copy', () => {
  it("copies the file's page to the upper layer, for a store to a private mapping", () => {
    const bench = new Bench();
    const file = bench.newFile(1);
    bench.run(function* () {
      yield* bench.putFile(0, 1, file, 0, { flags: PRIVATE });
      yield* readIn(bench, file);
    });
    let cases: FaultCase[] = [];
    const effects = counted(bench.uvm, () => {
      cases = casesOf(bench, () => expect(faultAt(bench, 0, PROT_WRITE)).toBe(0));
    });
    expect(cases).toEqual(['2B']);
    expect(effects).toEqual({ faults: 1, fltamcopy: 1, fltlget: 1, flt_prcopy: 1 });
    expect(bench.machine.ram.page(anonAt(bench, 0).page)[0]).toBe(1);
    expect(mappedAt(bench, bench.at(0))).toBe(anonAt(bench, 0).page);
    expect(file.dirty, 'the file has not been stored to').toBe(false);
    bench.expectSound();
  });
});

describe('needs-copy', () => {
  it('is resolved for the page that faults only: a chunk of 16 of a large entry', () => {
    //     0              272  288   304           600           an entry of 600 pages
    //     [ no amap      )[ amap )[ no amap        )
    const bench = new Bench({ pages: 1024 });
    bench.run(() => bench.put(0, 600));
    faultAt(bench, 280, PROT_WRITE);
    expect(bench.picture().replace(/a{272}b{16}c{312}/, 'chunk')).toBe('chunk');
    expect(bench.map.entries().map(({ needsCopy }) => needsCopy)).toEqual([true, false, true]);
    bench.expectSound();
  });

  it('keeps loads of a shared upper layer from being mapped writable', () => {
    //     amap   [ 7 ][   ]  <── parent and child
    //     file   [ 1 ][ 2 ]
    const bench = new Bench();
    const file = bench.newFile(2);
    bench.run(function* () {
      yield* bench.putFile(0, 2, file, 0, { flags: PRIVATE });
      yield* bench.write(0, 7);
      yield* bench.uvm.uvmspaceFork(bench.space);
    });
    unmapPages(bench, 0, 2);
    for (const page of [0, 1]) {
      expect(faultAt(bench, page, PROT_READ)).toBe(0);
      expect(rightsAt(bench, page)).toBe(PROT_READ);
    }
    expect(bench.entryAt(0).needsCopy).toBe(true);
    bench.expectSound();
  });
});

describe('a fault is refused', () => {
  it('with EFAULT where nothing is mapped, and where nothing can be', () => {
    const bench = new Bench();
    bench.run(() => bench.put(4, 5));
    for (const page of [3, 5]) expect(faultAt(bench, page, PROT_READ)).toBe(EFAULT);
    expect(bench.run(() => bench.uvm.uvmFault(bench.map, asVa(0), PROT_READ))).toBe(EFAULT);
    expect(bench.run(() => bench.uvm.uvmFault(bench.map, asVa(2 ** 47), PROT_READ))).toBe(EFAULT);
    bench.expectSound();
  });

  it('with EACCES when the entry does not allow the access, whatever it may allow one day', () => {
    const refused: [protection: number, access: number][] = [
      [PROT_NONE, PROT_READ],
      [PROT_READ, PROT_WRITE],
      [RW, PROT_EXEC],
      [PROT_EXEC, PROT_READ],
    ];
    for (const [protection, access] of refused) {
      const bench = new Bench();
      bench.run(() => bench.put(0, 1, { protection }));
      expect(faultAt(bench, 0, access), `${access} of ${protection}`).toBe(EACCES);
      expect(mappedPages(bench, 0, 1)).toEqual([]);
      bench.expectSound();
    }
  });

  it('with EINVAL beyond the end of a file', () => {
    const bench = new Bench();
    const file = bench.newFile(1);
    bench.run(() => bench.putFile(0, 3, file, 0));
    expect(faultAt(bench, 1, PROT_READ)).toBe(EINVAL);
    expect(faultAt(bench, 0, PROT_READ)).toBe(0);
    bench.expectSound();
  });

  it('with a panic in a map that is not pageable, on a DIAGNOSTIC kernel', () => {
    const bench = new Bench();
    const lax = new Bench({ diagnostic: false });
    for (const each of [bench, lax]) {
      each.run(() => each.put(0, 1));
      each.map.flags = 0;
    }
    expect(bench.panicOf(() => bench.uvm.uvmFault(bench.map, bench.at(0), PROT_READ))).toBe(
      'uvm_fault: (ufi->map->flags & VM_MAP_PAGEABLE) == 0',
    );
    expect(faultAt(lax, 0, PROT_READ)).toBe(0);
  });

  it('and the log says so', () => {
    const bench = new Bench();
    expect(logged(bench.kern, 'fault-failed', () => faultAt(bench, 0, PROT_READ))).toEqual([
      { kind: 'fault-failed', va: bench.at(0), errno: EFAULT },
    ]);
  });
});
