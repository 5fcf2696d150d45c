/** Anonymous objects: making them, bringing pages in, and giving them up. */
import { describe, expect, it } from 'vitest';
import { AobjBench } from '../../../test/aobj.js';
import { counted, faultAt, leaveFree, rightsAt, SwitchOnce } from '../../../test/faults.js';
import { startThread, thrownBy } from '../../../test/threads.js';
import { BUILD } from '../../kern/build.js';
import { EBUSY, EINVAL, EIO, ENOMEM } from '../../kern/errno.js';
import { Deadlock } from '../../kern/scheduler.js';
import { asOffset, PAGE_SIZE } from '../../machine/address.js';
import { PROT_READ, PROT_WRITE } from '../../machine/protection.js';
import { MADV_RANDOM } from '../../vm/mman.js';
import { NO_PAGE, PG_BUSY, PG_CLEAN, PG_FAKE, PQ_AOBJ } from '../page/page-array.js';
import { SWSLOT_BAD } from '../swap/swap.js';
import type { UvmAobj } from './aobj.js';
import { isPage, PGO_CLEANIT, PGO_DEACTIVATE, PGO_DONTCARE, PGO_FREE, PGO_LOCKED } from './object.js';

/** A bench with an object that is mapped at its beginning, each page of which holds its number, from 1 on. */
function mapped(pages: number, options: ConstructorParameters<typeof AobjBench>[1] = {}): { bench: AobjBench; aobj: UvmAobj } {
  const bench = new AobjBench([32], options);
  const aobj = bench.newAobj(pages);
  bench.run(function* () {
    yield* bench.putAobj(0, pages, aobj, 0, { advice: MADV_RANDOM });
    for (let page = 0; page < pages; page++) yield* bench.write(page, page + 1);
  });
  return { bench, aobj };
}

/** What is in the pages of a map, as a program reads it. */
function contents(bench: AobjBench, pages: number): number[] {
  return Array.from({ length: pages }, (_, page) => bench.run(() => bench.read(page)));
}

describe('an anonymous object', () => {
  it('goes with its last reference, and with it all that it has', () => {
    const { bench, aobj } = mapped(4);
    const { uvm } = bench;
    bench.pageOutOf(aobj, 1, 3);
    expect([uvm.uvmexp.anonpages, bench.counts.inUse, aobj.references]).toEqual([2, 2, 2]);
    bench.giveUp(aobj);
    expect(uvm.aobjs.has(aobj), 'it is still mapped').toBe(true);
    expect(contents(bench, 4)).toEqual([1, 2, 3, 4]);
    bench.run(() => bench.remove(0, 4));
    expect([uvm.aobjs.size, uvm.objects.size, uvm.uvmexp.anonpages]).toEqual([0, 0, 0]);
    expect(bench.counts).toEqual({ inUse: 0, only: 0, bad: 0 });
    bench.expectSound();
  });

  it('is as large as asked for, in whole pages, and refuses what lies behind its end', () => {
    const bench = new AobjBench();
    const aobj = bench.run(() => bench.uvm.uaoCreate(PAGE_SIZE + 1, 'object'));
    bench.giveUp();
    bench.uvm.vnodeReferrers.push({ heldReferences: (held) => (held === aobj ? 1 : 0) });
    expect(aobj.size).toBe(2 * PAGE_SIZE);
    bench.run(() => bench.putAobj(0, 4, aobj));
    expect(faultAt(bench, 1, PROT_WRITE)).toBe(0);
    expect(faultAt(bench, 2, PROT_WRITE)).toBe(EINVAL);
    expect(bench.ask(aobj, 2, 3).errno).toBe(EINVAL);
    bench.expectSound();
  });

  it('cannot be given up more often than it was taken', () => {
    const failed = 'kernel diagnostic assertion "uobj->uo_refs > 0" failed';
    for (const call of ['detach', 'reference'] as const) {
      const bench = new AobjBench();
      const aobj = bench.newAobj(1);
      aobj.references = 0;
      expect(bench.panicOf(() => aobj[call](bench.uvm))).toBe(failed);
    }
  });

  it('is locked by who asks for pages, or frees them', () => {
    const bench = new AobjBench();
    const aobj = bench.newAobj(1);
    const failed = 'kernel diagnostic assertion "mutex_owned(uobj->vmobjlock)" failed';
    const request = { offset: asOffset(0), slots: [], center: 0, access: PROT_READ, advice: 0, flags: 0 };
    expect(bench.panicOf(() => bench.uvm.uaoGet(aobj, request))).toBe(failed);
    expect(bench.panicOf(() => bench.uvm.uaoPut(aobj, asOffset(0), asOffset(0), PGO_FREE))).toBe(failed);
    bench.kern.scheduler.current = bench.kern.scheduler.lwps[0] ?? bench.kern.scheduler.current;
    expect(() => bench.uvm.uaoDropswapRange(aobj, 0, 1)).toThrow(failed);
    expect(() => bench.uvm.uaoSetSwslot(aobj, 0, 1)).toThrow('"mutex_owned(uobj->vmobjlock) || uobj->uo_refs == 0"');
  });
});

describe('uao_get', () => {
  it('makes pages of zeros on the spot when it must not sleep, for the whole window', () => {
    const bench = new AobjBench();
    const aobj = bench.newAobj(8);
    bench.machine.ram.bytes.fill(0xaa);
    bench.run(() => bench.putAobj(0, 8, aobj));
    expect(counted(bench.uvm, () => expect(faultAt(bench, 3, PROT_READ)).toBe(0))).toEqual({
      faults: 1,
      fltlget: 1,
      fltnomap: 7,
      flt_obj: 1,
    });
    expect(bench.uvm.uvmexp.anonpages).toBe(8);
    expect(contents(bench, 8)).toEqual([0, 0, 0, 0, 0, 0, 0, 0]);
    expect(rightsAt(bench, 0), 'a store to it needs no second fault').toBe(PROT_READ | PROT_WRITE);
    const { pages } = bench.uvm;
    const page = bench.pageIn(aobj, 0);
    expect(pages.pqflags(page) & PQ_AOBJ).toBe(PQ_AOBJ);
    expect(pages.flags(page) & (PG_BUSY | PG_FAKE | PG_CLEAN), 'what it has is nowhere else').toBe(0);
    bench.expectSound();
  });

  it('asks for more time when a page is on swap, or busy', () => {
    const { bench, aobj } = mapped(3);
    bench.pageOutOf(aobj, 1);
    const first = bench.ask(aobj, 0, 3, { flags: PGO_LOCKED });
    expect([first.errno, first.slots.map(isPage)]).toEqual([0, [true, false, true]]);
    const again = bench.ask(aobj, 0, 3, { flags: PGO_LOCKED });
    expect([again.errno, again.slots.some(isPage)], 'all that is left is busy, or on swap').toEqual([EBUSY, false]);
    const other = bench.ask(aobj, 0, 3, { flags: PGO_LOCKED, slots: [PGO_DONTCARE, PGO_DONTCARE, PGO_DONTCARE], center: 1 });
    expect(other.errno).toBe(EBUSY);
    bench.unbusy(aobj, first);
    bench.expectSound();
  });

  it('leaves out pages that there is no memory for when it must not sleep', () => {
    const bench = new AobjBench();
    const aobj = bench.newAobj(4);
    leaveFree(bench, 2);
    const got = bench.ask(aobj, 0, 4, { flags: PGO_LOCKED });
    expect([got.errno, got.slots.map(isPage)]).toEqual([0, [true, true, false, false]]);
  });

  it('reads what was written to swap; what is only read stays the same as in its slot', () => {
    const { bench, aobj } = mapped(3);
    const { uvm } = bench;
    expect(bench.pageOutOf(aobj, 0, 3)).toBe(0);
    expect([uvm.uvmexp.anonpages, bench.counts.only]).toEqual([0, 3]);
    bench.expectSound();
    expect(counted(uvm, () => expect(contents(bench, 3)).toEqual([1, 2, 3]))).toMatchObject({
      pgswapin: 3,
      nswget: 3,
      pageins: 3,
    });
    expect(bench.counts).toEqual({ inUse: 3, only: 0, bad: 0 });
    expect(uvm.pages.flags(bench.pageIn(aobj, 0)) & PG_CLEAN).toBe(PG_CLEAN);
    bench.expectSound();
    bench.run(() => bench.write(0, 9));
    expect(bench.pageOutOf(aobj, 0)).toBe(0);
    expect(contents(bench, 1)).toEqual([9]);
    expect(bench.counts.inUse, 'the old slot is free again').toBe(3);
    bench.expectSound();
  });

  it('brings in all that is asked for, in one go', () => {
    const { bench, aobj } = mapped(4);
    bench.pageOutOf(aobj, 1, 3);
    const got = bench.ask(aobj, 0, 4, { access: PROT_READ | PROT_WRITE });
    expect([got.errno, got.slots.map(isPage)]).toEqual([0, [true, true, true, true]]);
    expect(got.slots.map((page) => bench.machine.ram.page(page)[0])).toEqual([1, 2, 3, 4]);
    bench.unbusy(aobj, got);
    bench.expectSound();
  });

  it('tells when a page was lost on swap, now and later, and frees what it has for it', () => {
    const { bench, aobj } = mapped(3);
    bench.pageOutOf(aobj, 0, 3);
    bench.disk().readErrno = EIO;
    expect(faultAt(bench, 1, PROT_READ)).toBe(EIO);
    expect(bench.slotOf(aobj, 1)).toBe(SWSLOT_BAD);
    expect(bench.counts).toEqual({ inUse: 3, only: 2, bad: 1 });
    bench.expectSound();
    bench.disk().readErrno = 0;
    expect(faultAt(bench, 1, PROT_WRITE)).toBe(EIO);
    expect(bench.ask(aobj, 0, 3).errno, 'what was had is given up').toBe(EIO);
    expect(contents(bench, 1)).toEqual([1]);
    bench.expectSound();
    bench.run(() => bench.remove(0, 3));
    bench.giveUp(aobj);
    expect(bench.counts, 'a bad slot is never used again').toEqual({ inUse: 1, only: 0, bad: 1 });
  });

  it('answers ENOMEM when there is no memory and never will be', () => {
    const bench = new AobjBench([]);
    const aobj = bench.newAobj(4);
    bench.run(() => bench.putAobj(0, 4, aobj, 0, { advice: MADV_RANDOM }));
    leaveFree(bench, 1);
    expect(faultAt(bench, 0, PROT_WRITE)).toBe(0);
    expect(faultAt(bench, 1, PROT_WRITE)).toBe(ENOMEM);
    expect(faultAt(bench, 0, PROT_READ)).toBe(0);
  });

  it('of two who want the same page from swap has one wait for the other', () => {
    const strategy = new SwitchOnce();
    const { bench, aobj } = mapped(1, { strategy });
    const { kern, uvm } = bench;
    bench.pageOutOf(aobj, 0);
    const messages = new Set<string>();
    strategy.when = () => {
      for (const lwp of kern.scheduler.lwps) messages.add(lwp.waitMessage);
      return false;
    };
    const read = function* () {
      expect(yield* bench.read(0)).toBe(1);
    };
    startThread(kern, read);
    startThread(kern, read);
    if (BUILD === 'direct') {
      expect(thrownBy(Deadlock, () => kern.scheduler.run()).message).toContain('sleeps on "uao_get"');
      return;
    }
    kern.scheduler.run();
    expect(uvm.uvmexp.nswget).toBe(1);
    expect([...messages]).toContain('uao_get');
    bench.expectSound();
  });
});

describe('uao_put', () => {
  /** Calls it for pages [from, to), 0 for the end. */
  function put(bench: AobjBench, aobj: UvmAobj, flags: number, from = 0, to = 0): number {
    return bench.run(function* () {
      yield* aobj.lock.enter();
      return yield* aobj.put(bench.uvm, asOffset(from * PAGE_SIZE), asOffset(to * PAGE_SIZE), flags);
    });
  }

  it('frees the pages and slots of an object that nobody else has', () => {
    const bench = new AobjBench();
    const aobj = bench.newAobj(4);
    bench.unbusy(aobj, bench.ask(aobj, 0, 4));
    bench.pageOutOf(aobj, 1);
    bench.unbusy(aobj, bench.ask(aobj, 1, 2));
    expect(bench.counts.inUse).toBe(1);
    expect(put(bench, aobj, PGO_FREE, 1, 3)).toBe(0);
    expect([0, 1, 2, 3].map((i) => bench.pageIn(aobj, i) !== NO_PAGE)).toEqual([true, false, false, true]);
    expect(bench.counts.inUse).toBe(0);
    expect(put(bench, aobj, PGO_FREE)).toBe(0);
    expect(aobj.pages.count).toBe(0);
    bench.expectSound();
  });

  it('only deactivates what others have too, or what would have to be written', () => {
    const { bench, aobj } = mapped(3);
    const { uvmexp } = bench.uvm;
    bench.run(() => bench.wire(2, 3));
    for (const flags of [PGO_FREE, PGO_DEACTIVATE, PGO_CLEANIT | PGO_FREE, PGO_CLEANIT | PGO_DEACTIVATE]) {
      contents(bench, 3);
      bench.run(() => bench.write(0, 1));
      expect(put(bench, aobj, flags)).toBe(0);
      expect([aobj.pages.count, uvmexp.wired]).toEqual([3, 1]);
    }
    expect(uvmexp.inactive, 'the wired one is not').toBe(2);
    expect(contents(bench, 3)).toEqual([1, 2, 3]);
    expect(put(bench, aobj, PGO_CLEANIT)).toBe(0);
    bench.expectSound();
  });

  it('waits for a busy page to free it, and passes over it to deactivate it', () => {
    const bench = new AobjBench();
    const aobj = bench.newAobj(2);
    const got = bench.ask(aobj, 0, 1);
    expect(put(bench, aobj, PGO_DEACTIVATE)).toBe(0);
    startThread(bench.kern, function* () {
      yield* aobj.lock.enter();
      yield* aobj.put(bench.uvm, asOffset(0), asOffset(0), PGO_FREE);
    });
    expect(thrownBy(Deadlock, () => bench.kern.scheduler.run()).message).toContain('sleeps on "uao_put"');
    expect(got.errno).toBe(0);
  });
});

describe('uao_detach', () => {
  it('waits for pages that are being written to swap', () => {
    const { bench, aobj } = mapped(2);
    bench.giveUp(aobj);
    bench.run(function* () {
      const done = yield* bench.sendOut(aobj, 0, 2);
      yield* bench.remove(0, 2);
      expect(yield* done()).toBe(0);
    });
    expect([bench.uvm.objects.size, bench.uvm.uvmexp.anonpages, bench.uvm.uvmexp.free]).toEqual([0, 0, 64]);
    expect(bench.counts).toEqual({ inUse: 0, only: 0, bad: 0 });
    bench.expectSound();
  });

  it('waits for who has a page busy', () => {
    const bench = new AobjBench();
    const aobj = bench.newAobj(1);
    bench.ask(aobj, 0, 1);
    startThread(bench.kern, () => bench.uvm.uaoDetach(aobj));
    expect(thrownBy(Deadlock, () => bench.kern.scheduler.run()).message).toContain('sleeps on "uao_det"');
  });
});

describe('swap slots of an object', () => {
  it('are given back one by one, or in ranges, large objects or small ones', () => {
    for (const pages of [8, 500]) {
      const bench = new AobjBench([32]);
      const aobj = bench.newAobj(pages);
      const far = pages - 1;
      for (const index of [0, 1, far]) {
        bench.unbusy(aobj, bench.ask(aobj, index, index + 1, { access: PROT_WRITE }));
        bench.pageOutOf(aobj, index);
      }
      expect([aobj.slotCount, bench.counts.only]).toEqual([3, 3]);
      const drop = (from: number, to: number): void =>
        bench.run(function* () {
          yield* aobj.lock.enter();
          bench.uvm.uaoDropswapRange(aobj, from, to);
          yield* aobj.lock.exit();
        });
      drop(1, 4);
      expect([bench.slotOf(aobj, 0) > 0, bench.slotOf(aobj, 1), bench.counts.only]).toEqual([true, 0, 2]);
      bench.expectSound();
      drop(0, pages);
      expect([aobj.slotCount, bench.counts.inUse]).toEqual([0, 0]);
      bench.expectSound();
    }
  });

  it('must not be dropped as if the page were nowhere else while it is in memory', () => {
    const { bench, aobj } = mapped(1);
    bench.pageOutOf(aobj, 0);
    contents(bench, 1);
    const job = function* () {
      yield* aobj.lock.enter();
      bench.uvm.uaoDropswapRange(aobj, 0, 1);
    };
    expect(bench.panicOf(job)).toContain('uvm_pagelookup(&aobj->u_obj, pageidx << PAGE_SHIFT) == NULL');
  });

  it('must be counted', () => {
    const { bench, aobj } = mapped(1);
    bench.pageOutOf(aobj, 0);
    bench.uvm.uvmexp.swpgonly = 0;
    const job = function* () {
      yield* aobj.lock.enter();
      bench.uvm.uaoDropswapRange(aobj, 0, 1);
    };
    expect(bench.panicOf(job)).toContain('uvmexp.swpgonly >= swpgonlydelta');
  });

  it('are dropped when a page is wired', () => {
    const { bench, aobj } = mapped(2);
    bench.pageOutOf(aobj, 0, 2);
    expect(bench.run(() => bench.wire(0, 2))).toBe(0);
    expect([aobj.slotCount, bench.counts.inUse]).toEqual([0, 0]);
    expect(bench.uvm.pages.flags(bench.pageIn(aobj, 0)) & PG_CLEAN, 'it is nowhere else').toBe(0);
    bench.expectSound();
  });
});

describe('uao_swap_off', () => {
  it('brings in the pages of all objects that are in the range, and no other', () => {
    const bench = new AobjBench([4, 16]);
    const small = bench.newAobj(4);
    const large = bench.newAobj(100);
    for (const aobj of [small, large]) {
      bench.unbusy(aobj, bench.ask(aobj, 0, 4, { access: PROT_WRITE }));
      bench.pageOutOf(aobj, 0, 4);
    }
    const { drumOffset, drumEnd } = bench.device(0);
    expect(bench.run(() => bench.uvm.uaoSwapOff(drumOffset, drumEnd))).toBe(false);
    expect([small.slotCount, large.slotCount]).toEqual([0, 4]);
    expect([small.pages.count, large.pages.count]).toEqual([4, 0]);
    bench.expectSound();
    expect(bench.run(() => bench.uvm.uaoSwapOff(0, 1000))).toBe(false);
    expect([large.slotCount, bench.counts.inUse, large.references]).toEqual([0, 0, 1]);
    bench.expectSound();
  });

  it('leaves what was lost, and says when there is no memory', () => {
    const bench = new AobjBench([16]);
    const [first, second] = [bench.newAobj(2), bench.newAobj(2)];
    for (const aobj of [first, second]) {
      bench.unbusy(aobj, bench.ask(aobj, 0, 2, { access: PROT_WRITE }));
      bench.pageOutOf(aobj, 0, 2);
    }
    bench.disk().readErrno = EIO;
    expect(bench.run(() => bench.uvm.uaoSwapOff(0, 1000))).toBe(false);
    expect(bench.counts).toEqual({ inUse: 4, only: 0, bad: 4 });
    bench.expectSound();
  });

  it('stops when there is no memory for all', () => {
    const bench = new AobjBench([16]);
    const [first, second] = [bench.newAobj(4), bench.newAobj(4)];
    for (const aobj of [first, second]) {
      bench.unbusy(aobj, bench.ask(aobj, 0, 4, { access: PROT_WRITE }));
      bench.pageOutOf(aobj, 0, 4);
    }
    // As `swap_off` does it first: nothing can go out any more.
    bench.device().enabled = false;
    bench.uvm.uvmexp.swpgavail = 0;
    leaveFree(bench, 2);
    expect(bench.run(() => bench.uvm.uaoSwapOff(0, 1000))).toBe(true);
    expect([first.references, second.references]).toEqual([1, 1]);
    expect([first.slotCount, second.slotCount]).toEqual([2, 4]);
  });
});
