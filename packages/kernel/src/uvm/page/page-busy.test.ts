import { describe, expect, it } from 'vitest';
import { faultAt, freePages, leaveFree } from '../../../test/faults.js';
import { Bench } from '../../../test/maps.js';
import { startThread, thrownBy } from '../../../test/threads.js';
import { ENOMEM } from '../../kern/errno.js';
import { Deadlock } from '../../kern/scheduler.js';
import type { Step } from '../../kern/switch.js';
import { asOffset, type Pfn } from '../../machine/address.js';
import { PROT_READ, PROT_WRITE } from '../../machine/protection.js';
import type { Uvm } from '../uvm.js';
import { NO_PAGE, PG_BUSY, PG_FAKE, PG_PAGEOUT, PG_RELEASED, PG_WANTED } from './page-array.js';

const failed = (expression: string): string => `kernel diagnostic assertion "${expression}" failed`;

/** A page that belongs to nobody. */
function* nobodysPage(uvm: Uvm, flags = 0): Step<Pfn> {
  return yield* uvm.uvmPagealloc(null, asOffset(0), null, flags);
}

describe('a busy page', () => {
  it('is given up to who waits for it, by name', () => {
    const bench = new Bench();
    const { uvm, kern } = bench;
    const file = bench.newFile(1);
    const order: string[] = [];
    const page = bench.run(function* () {
      yield* bench.putFile(0, 1, file, 0);
      yield* bench.read(0);
      return bench.pageOf(0);
    });
    uvm.pages.setFlags(page, PG_BUSY);
    startThread(kern, function* () {
      yield* file.lock.enter();
      order.push('waits');
      yield* uvm.uvmPageWait(page, file.lock, 'test');
      expect(file.lock.owned, 'the lock is not taken again').toBe(false);
      order.push('woken');
    });
    startThread(kern, function* () {
      expect(uvm.pages.flags(page) & PG_WANTED).toBe(PG_WANTED);
      yield* file.lock.enter();
      order.push('gives up');
      yield* uvm.uvmPageUnbusyOne(page);
      yield* file.lock.exit();
    });
    kern.scheduler.run();
    expect(order).toEqual(['waits', 'gives up', 'woken']);
    expect(uvm.pages.flags(page) & (PG_BUSY | PG_WANTED)).toBe(0);
    expect(uvm.pageChannels.size).toBe(0);
    bench.expectSound();
  });

  it('is freed as it is given up when somebody wants it gone', () => {
    const bench = new Bench();
    const { uvm } = bench;
    const file = bench.newFile(1);
    bench.run(function* () {
      yield* file.lock.enter();
      const page = yield* uvm.uvmPagealloc(file, asOffset(0), null, 0);
      uvm.pages.setFlags(page, PG_RELEASED);
      yield* uvm.uvmPageUnbusy([page, NO_PAGE]);
      yield* file.lock.exit();
    });
    expect(uvm.uvmexp.free).toBe(64);
    bench.expectSound();
  });

  const wrong: [what: string, expression: string, flags: number][] = [
    ['is not busy', 'pg->flags & PG_BUSY', 0],
    ['is being paged out', '(pg->flags & PG_PAGEOUT) == 0', PG_BUSY | PG_PAGEOUT],
    ['has no content yet', '(pg->flags & PG_FAKE) == 0', PG_BUSY | PG_FAKE],
  ];
  for (const [what, expression, flags] of wrong) {
    it(`cannot be given up when it ${what}`, () => {
      const bench = new Bench();
      const job = function* (): Step<void> {
        const page = yield* nobodysPage(bench.uvm);
        bench.uvm.pages.putFlags(page, flags);
        yield* bench.uvm.uvmPageUnbusyOne(page);
      };
      expect(bench.panicOf(job)).toBe(failed(expression));
    });
  }

  it('cannot be made busy twice: the panic names who has it, and where it was taken', () => {
    const bench = new Bench();
    const job = function* (): Step<void> {
      const page = yield* nobodysPage(bench.uvm);
      bench.uvm.uvmPageOwn(page, 'test');
    };
    expect(bench.panicOf(job)).toBe('uvm_page_own: page 0 already owned by 1.1 [uvmPagealloc]');
    const lax = new Bench({ diagnostic: false });
    lax.run(function* () {
      const page = yield* nobodysPage(lax.uvm);
      lax.uvm.uvmPageOwn(page, 'test');
    });
    expect(lax.uvm.busyOwners.size, 'nobody notes it without DIAGNOSTIC').toBe(0);
  });
});

describe('waiting for memory', () => {
  it('ends as soon as a page is freed, and does not begin while there are some', () => {
    const bench = new Bench();
    const taken = leaveFree(bench, 0);
    expect(bench.uvm.uvmReclaimable()).toBe(false);
    const order: string[] = [];
    startThread(bench.kern, function* () {
      yield* bench.uvm.uvmWait('test');
      order.push('woken');
      yield* bench.uvm.uvmWait('test');
      order.push('not asleep');
    });
    startThread(bench.kern, function* () {
      order.push('frees');
      yield* freePages(bench.uvm, taken);
    });
    bench.kern.scheduler.run();
    expect(order).toEqual(['frees', 'woken', 'not asleep']);
    bench.expectSound();
  });

  it('ends also when the page daemon has found nothing: who waits looks for himself', () => {
    const bench = new Bench();
    leaveFree(bench, 0);
    bench.run(() => bench.uvm.uvmWait('test'));
    expect(bench.uvm.pagedaemon).toMatchObject({ lwp: null, waiters: 0, fruitless: 1 });
  });

  it('is for ever when there is no hope: the scheduler says who waits, and for what', () => {
    const bench = new Bench();
    leaveFree(bench, 0);
    const wait = (): unknown =>
      bench.run(function* () {
        while (!bench.uvm.uvmpdHopeless()) yield* bench.uvm.uvmWait('test');
        yield* bench.uvm.uvmWait('forever');
      });
    expect(thrownBy(Deadlock, wait).message).toMatch(/sleeps on "forever" \(free pages\)/);
  });

  it('has no hope only as long as nobody frees anything: who waited in vain is woken then', () => {
    const bench = new Bench();
    const taken = leaveFree(bench, 0);
    const order: string[] = [];
    startThread(bench.kern, function* () {
      while (!bench.uvm.uvmpdHopeless()) yield* bench.uvm.uvmWait('test');
      order.push('no hope');
      startThread(bench.kern, function* () {
        order.push('frees');
        yield* freePages(bench.uvm, taken);
      });
      yield* bench.uvm.uvmWait('forever');
      order.push('woken');
    });
    bench.kern.scheduler.run();
    expect(order).toEqual(['no hope', 'frees', 'woken']);
    bench.expectSound();
  });

  it('ends with ENOMEM for whoever reads a file when there is no hope', () => {
    const bench = new Bench();
    const taken = leaveFree(bench, 0);
    const file = bench.newFile(1);
    const read = () => bench.run(() => bench.uvm.uvmVnodeRead(file, 0, new Uint8Array(1)));
    expect(read()).toBe(-ENOMEM);
    bench.run(() => freePages(bench.uvm, taken));
    expect(read()).toBe(1);
    bench.expectSound();
  });

  it('is told apart from what a fault can do: load what is there', () => {
    const bench = new Bench();
    bench.run(() => bench.put(0, 1));
    faultAt(bench, 0, PROT_WRITE);
    leaveFree(bench, 0);
    expect(faultAt(bench, 0, PROT_READ)).toBe(0);
  });
});
