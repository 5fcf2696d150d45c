/** Wiring the pages of an object for the object itself. */
import { describe, expect, it } from 'vitest';
import { AobjBench } from '../../../test/aobj.js';
import { leaveFree } from '../../../test/faults.js';
import { EIO, ENOMEM } from '../../kern/errno.js';
import { asOffset, PAGE_SIZE } from '../../machine/address.js';
import { PROT_WRITE } from '../../machine/protection.js';
import { PG_BUSY, PG_CLEAN, PG_RELEASED } from '../page/page-array.js';
import type { UvmAobj } from './aobj.js';

function wire(bench: AobjBench, aobj: UvmAobj, from: number, to: number): number {
  return bench.run(() => bench.uvm.uvmObjWirepages(aobj, asOffset(from * PAGE_SIZE), asOffset(to * PAGE_SIZE)));
}

function* unwire(bench: AobjBench, aobj: UvmAobj, from: number, to: number) {
  yield* bench.uvm.uvmObjUnwirepages(aobj, asOffset(from * PAGE_SIZE), asOffset(to * PAGE_SIZE));
}

describe('uvm_obj_wirepages and uvm_obj_unwirepages', () => {
  it('bring all pages in and keep them, from wherever they are', () => {
    const bench = new AobjBench([32]);
    const aobj = bench.newAobj(20);
    bench.unbusy(aobj, bench.ask(aobj, 16, 20, { access: PROT_WRITE }));
    bench.pageOutOf(aobj, 16, 20);
    expect(wire(bench, aobj, 0, 20)).toBe(0);
    const { pages, uvmexp } = bench.uvm;
    expect([uvmexp.wired, aobj.pages.count]).toEqual([20, 20]);
    expect([aobj.slotCount, bench.counts.inUse], 'what was on swap has no slot any more').toEqual([0, 0]);
    expect(pages.flags(bench.pageIn(aobj, 17)) & PG_CLEAN).toBe(0);
    bench.expectSound();
    expect(wire(bench, aobj, 0, 2), 'some of them once more').toBe(0);
    bench.run(() => unwire(bench, aobj, 0, 20));
    expect(uvmexp.wired).toBe(2);
    bench.expectSound();
    bench.run(() => unwire(bench, aobj, 0, 2));
    expect(uvmexp.wired).toBe(0);
    bench.expectSound();
  });

  it('go together with mlock', () => {
    const bench = new AobjBench([]);
    const aobj = bench.newAobj(2);
    bench.run(() => bench.putAobj(0, 2, aobj));
    expect(wire(bench, aobj, 0, 2)).toBe(0);
    expect(bench.run(() => bench.wire(0, 1))).toBe(0);
    expect(bench.uvm.pages.wireCount(bench.pageIn(aobj, 0))).toBe(2);
    bench.expectSound();
    bench.run(() => bench.remove(0, 2));
    bench.expectSound();
    expect(bench.uvm.uvmexp.wired).toBe(2);
    bench.giveUp(aobj);
    expect(bench.uvm.uvmexp.wired, 'it goes with its pages').toBe(0);
    bench.expectSound();
  });

  it('undo what they did when a page cannot be had', () => {
    const bench = new AobjBench([32]);
    const aobj = bench.newAobj(20);
    bench.unbusy(aobj, bench.ask(aobj, 18, 19, { access: PROT_WRITE }));
    bench.pageOutOf(aobj, 18);
    bench.disk().readErrno = EIO;
    expect(wire(bench, aobj, 0, 20)).toBe(EIO);
    expect(bench.uvm.uvmexp.wired).toBe(0);
    bench.expectSound();
  });

  it('answer ENOMEM when there is no memory and never will be', () => {
    const bench = new AobjBench([]);
    const aobj = bench.newAobj(8);
    leaveFree(bench, 4);
    expect(wire(bench, aobj, 0, 8)).toBe(ENOMEM);
    expect(bench.uvm.uvmexp.wired).toBe(0);
  });

  it('must find what they unwire', () => {
    const bench = new AobjBench([]);
    const aobj = bench.newAobj(2);
    expect(bench.panicOf(() => unwire(bench, aobj, 0, 1))).toBe('kernel diagnostic assertion "pg != NULL" failed');
    const other = new AobjBench([]);
    const released = other.newAobj(1);
    expect(wire(other, released, 0, 1)).toBe(0);
    other.uvm.pages.setFlags(other.pageIn(released, 0), PG_BUSY | PG_RELEASED);
    expect(other.panicOf(() => unwire(other, released, 0, 1))).toContain('!(pg->flags & PG_RELEASED)');
  });
});
