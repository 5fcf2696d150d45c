/** What must be true of an anon that is freed, and of a page whose write to swap is over. */
import { describe, expect, it } from 'vitest';
import { SwapBench, startPageout } from '../../../test/swap.js';
import { startThread } from '../../../test/threads.js';
import { EACCES, EFAULT, EIO, ENOMEM } from '../../kern/errno.js';
import { BUILD } from '../../kern/switch.js';
import { PAGE_SIZE } from '../../machine/address.js';
import { waitForIo } from '../../machine/io.js';
import { PROT_READ, PROT_WRITE } from '../../machine/protection.js';
import { NO_PAGE, PG_BUSY, PG_FAKE, PG_PAGEOUT, PG_RELEASED } from '../page/page-array.js';
import { Swapcluster } from '../pagedaemon/swapcluster.js';
import { SWSLOT_BAD } from '../swap/swap.js';

/** A page that is stored to, at page 0. */
function stored(): SwapBench {
  const bench = new SwapBench([4]);
  bench.run(function* () {
    yield* bench.put(0, 2);
    yield* bench.write(0, 7);
  });
  return bench;
}

describe('an anon that is released', () => {
  const harms: [string, (bench: SwapBench) => void, string][] = [
    [
      'must have a page',
      (bench) => {
        bench.anonAt(0).page = NO_PAGE;
      },
      'pg != NULL',
    ],
    ['must have been given up meanwhile', () => {}, '(pg->flags & PG_RELEASED) != 0'],
    [
      'must have a page that is busy',
      (bench) => bench.uvm.pages.putFlags(bench.anonAt(0).page, PG_RELEASED),
      '(pg->flags & PG_BUSY) != 0',
    ],
    [
      'must have lent nothing',
      (bench) => {
        bench.uvm.pages.putFlags(bench.anonAt(0).page, PG_RELEASED | PG_BUSY);
        bench.uvm.pages.setLoanCount(bench.anonAt(0).page, 1);
      },
      'pg->loan_count == 0',
    ],
    [
      'must be one that nobody refers to',
      (bench) => bench.uvm.pages.putFlags(bench.anonAt(0).page, PG_RELEASED | PG_BUSY),
      'anon->an_ref == 0',
    ],
  ];
  it.each(harms)('%s', (_, harm, expected) => {
    const bench = stored();
    const panic = bench.panicOf(function* () {
      const anon = bench.anonAt(0);
      yield* bench.amapAt(0).lock.enter();
      harm(bench);
      yield* bench.uvm.uvmAnonRelease(anon);
    });
    expect(panic).toContain(`"${expected}"`);
  });

  it('must be locked', () => {
    const bench = stored();
    expect(bench.panicOf(() => bench.uvm.uvmAnonRelease(bench.anonAt(0)))).toContain('"mutex_owned(anon->an_lock)"');
  });
});

describe('an anon that is disposed of', () => {
  it('must be one that nobody refers to', () => {
    const bench = stored();
    expect(bench.panicOf(() => bench.uvm.uvmAnonDispose(bench.anonAt(0)))).toContain('"anon->an_ref == 0"');
  });

  it('must not have been given up before', () => {
    const bench = stored();
    const panic = bench.panicOf(function* () {
      const anon = bench.anonAt(0);
      anon.references = 0;
      bench.uvm.pages.setFlags(anon.page, PG_BUSY | PG_RELEASED);
      yield* bench.uvm.uvmAnonDispose(anon);
    });
    expect(panic).toContain('"(pg->flags & PG_RELEASED) == 0"');
  });

  it('must have given its slot back before it is freed', () => {
    const bench = stored();
    bench.anonAt(0).page = NO_PAGE;
    bench.anonAt(0).swapSlot = 2;
    const panic = bench.panicOf(function* () {
      yield* bench.uvm.pageqLock.enter();
      bench.uvm.uvmAnonFree(bench.anonAt(0));
    });
    expect(panic).toContain('"anon->an_swslot == 0"');
  });
});

describe('a write to swap that is over', () => {
  it('must be one of a page that is busy', () => {
    const bench = stored();
    const { page } = bench.anonAt(0);
    const panic = bench.panicOf(() => bench.uvm.uvmAioAiodonePages(2, [page], { errno: 0, moved: 1 }));
    expect(panic).toContain('"pg->flags & PG_BUSY"');
  });

  it('must be to the slot that the page has', () => {
    const bench = stored();
    const panic = bench.panicOf(function* () {
      bench.disk().writeErrno = EIO;
      yield* startPageout(bench.uvm, [bench.anonAt(0)]);
      bench.anonAt(0).swapSlot = 3;
    });
    expect(panic).toContain('"pg->uanon->an_swslot == swslot + i"');
  });

  it('must not be of an anon that was given up, and has references all the same', () => {
    const bench = stored();
    const panic = bench.panicOf(function* () {
      yield* startPageout(bench.uvm, [bench.anonAt(0)]);
      bench.uvm.pages.setFlags(bench.anonAt(0).page, PG_RELEASED);
    });
    expect(panic).toContain('"pg->uanon->an_ref == 0"');
  });

  it('leaves a page in memory that is not to be freed, also when it could not be written', () => {
    for (const errno of [0, EIO]) {
      const bench = stored();
      bench.disk().writeErrno = errno;
      bench.run(function* () {
        const request = yield* startPageout(bench.uvm, [bench.anonAt(0)]);
        bench.uvm.pages.clearFlags(bench.anonAt(0).page, PG_PAGEOUT);
        bench.uvm.uvmexp.paging--;
        yield* waitForIo(bench.kern, request);
        yield* bench.read(0);
      });
      expect([bench.anonAt(0).swapSlot, bench.counts]).toEqual([
        errno === 0 ? 2 : 0,
        { inUse: 1, only: 0, bad: errno === 0 ? 0 : 1 },
      ]);
      bench.expectSound();
    }
  });
});

describe('a page of an object', () => {
  it.each([
    [0, { slot: 2, resident: false, counts: { inUse: 1, only: 1, bad: 0 } }],
    [EIO, { slot: SWSLOT_BAD, resident: false, counts: { inUse: 1, only: 0, bad: 1 } }],
    [ENOMEM, { slot: 0, resident: true, counts: { inUse: 0, only: 0, bad: 0 } }],
  ])('goes out as that of an anon does (errno %i)', (errno, expected) => {
    const bench = new SwapBench([4]);
    bench.disk().writeErrno = errno;
    const aobj = bench.run(function* () {
      const object = yield* bench.uvm.uaoCreate(PAGE_SIZE, 'segment');
      yield* bench.put(0, 1, { object, flags: 0, protection: PROT_READ | PROT_WRITE });
      yield* bench.write(0, 5);
      yield* bench.pageOutObject(object, 0);
      return object;
    });
    const resident = aobj.pages.count === 1;
    expect({ slot: bench.uvm.uaoFindSwslot(aobj, 0), resident, counts: bench.counts }).toEqual(expected);
    bench.expectSound();
    if (errno !== EIO) expect(bench.run(() => bench.read(0))).toBe(5);
  });
});

describe('a page that is on loan', () => {
  it('is left in memory by the page daemon: its anon could not be released while it is written', () => {
    const bench = stored();
    const { uvm } = bench;
    const { page, lock } = bench.anonAt(0);
    const cluster = new Swapcluster();
    bench.run(function* () {
      uvm.pages.setLoanCount(page, 1);
      if (lock === null) return;
      yield* lock.enter();
      yield* uvm.pageqLock.enter();
      uvm.uvmPagedeactivate(page);
      expect(yield* uvm.uvmpdTakeVictim({ page, lock }, cluster)).toBe(true);
      yield* uvm.pageqLock.exit();
      expect([lock.held, uvm.policy.isInactive(page)]).toEqual([false, false]);
      uvm.pages.setLoanCount(page, 0);
    });
    expect([cluster.used, bench.counts.inUse, bench.anonAt(0).page]).toEqual([0, 0, page]);
    bench.expectSound();
  });
});

// In the direct build, who has the page busy lies below who waits for it on the stack.
describe.runIf(BUILD !== 'direct')('while a page is read from swap', () => {
  //   T1  reads it, sleeps .......... maps it
  //   T2                    waits for the page ..... maps it
  it('others wait for the same read', () => {
    const bench = stored();
    bench.run(() => bench.pageOut(0));
    const seen: number[] = [];
    for (let i = 0; i < 2; i++) {
      startThread(bench.kern, function* () {
        seen.push(yield* bench.read(0));
      });
    }
    bench.kern.scheduler.run();
    expect([seen, bench.uvm.uvmexp.nswget, bench.uvm.uvmexp.fltpgwait]).toEqual([[7, 7], 1, 1]);
    bench.expectSound();
  });

  //   T1  reads it, sleeps .......... finds that nobody wants it any more: frees it, and the anon
  //   T2                    unmaps it
  it.each([0, EIO])('it can be unmapped, and goes when the read is over (errno %i)', (errno) => {
    const bench = stored();
    bench.run(() => bench.pageOut(0));
    bench.disk().readErrno = errno;
    const { uvm } = bench;
    let answer = -1;
    startThread(bench.kern, function* () {
      answer = yield* uvm.uvmFault(bench.map, bench.at(0), PROT_READ);
    });
    startThread(bench.kern, function* () {
      const { page } = bench.anonAt(0);
      expect(uvm.pages.flags(page) & (PG_BUSY | PG_FAKE)).toBe(PG_BUSY | PG_FAKE);
      yield* bench.remove(0, 1);
      expect([uvm.anonCount, uvm.pages.flags(page) & PG_RELEASED]).toEqual([1, PG_RELEASED]);
    });
    bench.kern.scheduler.run();
    // The read failed before anybody looked whether the address is still mapped.
    expect(answer).toBe(errno === 0 ? EFAULT : EIO);
    expect([uvm.anonCount, uvm.uvmexp.free]).toEqual([0, 64]);
    expect(bench.counts).toEqual({ inUse: errno === 0 ? 0 : 1, only: 0, bad: errno === 0 ? 0 : 1 });
    bench.expectSound();
  });

  //   T1  stores: reads it, sleeps ................... starts again: the entry is another one
  //   T2                      protects the page
  it('the map can change, and the fault starts again', () => {
    const bench = stored();
    bench.run(() => bench.pageOut(0));
    let answer = -1;
    startThread(bench.kern, function* () {
      answer = yield* bench.uvm.uvmFault(bench.map, bench.at(0), PROT_WRITE);
    });
    startThread(bench.kern, function* () {
      expect(yield* bench.uvm.uvmMapProtect(bench.map, bench.at(0), bench.at(1), PROT_READ, { setMax: false })).toBe(0);
    });
    bench.kern.scheduler.run();
    expect([answer, bench.anonAt(0).page === NO_PAGE, bench.uvm.uvmexp.nswget]).toEqual([EACCES, false, 1]);
    bench.expectSound();
  });
});

describe('a page on swap for which there is no memory', () => {
  it('is waited for, or ENOMEM when there is no hope', () => {
    const bench = stored();
    const { uvm } = bench;
    bench.run(() => bench.pageOut(0));
    const { uvmPagealloc } = uvm;
    let refusals = 2;
    Object.assign(uvm, {
      *uvmPagealloc(...args: Parameters<typeof uvmPagealloc>) {
        return refusals-- > 0 ? NO_PAGE : yield* uvmPagealloc.apply(uvm, args);
      },
    });
    expect(bench.run(() => bench.read(0))).toBe(7);
    expect([uvm.uvmexp.fltnoram, uvm.uvmexp.fltanretry]).toEqual([2, 3]);
    bench.run(() => bench.pageOut(0));
    refusals = 1;
    uvm.uvmReclaimable = () => false;
    expect(bench.run(() => uvm.uvmFault(bench.map, bench.at(0), PROT_READ))).toBe(ENOMEM);
    bench.expectSound();
  });
});
