/** Lending pages to the kernel, and giving them back: who may have what, and what is counted. */
import { describe, expect, it } from 'vitest';
import { FailAt, faultAt, leaveFree, logged, rightsAt } from '../../../test/faults.js';
import { giveBack, lend, lentBytes, loanCounts, refusal } from '../../../test/loans.js';
import { Bench, RW, SHARED } from '../../../test/maps.js';
import { startThread } from '../../../test/threads.js';
import { EBUSY, EINVAL, EIO, ENOENT, ENOMEM } from '../../kern/errno.js';
import { pause } from '../../kern/sleepq.js';
import { BUILD } from '../../kern/switch.js';
import { asOffset, asVa, PAGE_SIZE, type Pfn } from '../../machine/address.js';
import { PROT_READ, PROT_WRITE } from '../../machine/protection.js';
import { NO_PAGE, PQ_ANON, PQ_FREE } from '../page/page-array.js';
import type { UvmKernelLoan } from './kernel-loan.js';
import { LoanOutput } from './loan-output.js';

describe('lending to the kernel', () => {
  it('A -> K: an anon’s pages are the kernel’s to read, and read-only for everybody, until they are given back', () => {
    const bench = new Bench({ ramPages: 64 });
    bench.run(function* () {
      yield* bench.put(0, 4);
      for (const page of [0, 1, 2, 3]) yield* bench.write(page, 10 + page);
    });
    const loan = lend(bench, 1, 3);
    expect(loan.pages).toEqual([bench.pageOf(1), bench.pageOf(2)]);
    expect([rightsAt(bench, 0), rightsAt(bench, 1), rightsAt(bench, 2), rightsAt(bench, 3)]).toEqual([
      RW,
      PROT_READ,
      PROT_READ,
      RW,
    ]);
    expect(loanCounts(bench, loan.pages)).toEqual([1, 1]);
    expect(lentBytes(bench, loan)).toEqual([11, 12]);
    bench.expectSound();
    giveBack(bench, loan);
    expect(loanCounts(bench, loan.pages)).toEqual([0, 0]);
    expect(bench.uvm.kernelAddresses.size).toBe(0);
    // The rights come back with the next store, and nothing is copied for it.
    bench.run(() => bench.write(1, 20));
    expect([rightsAt(bench, 1), bench.pageOf(1)]).toEqual([RW, loan.pages[0]]);
    bench.expectSound();
  });

  it('O -> K: a file’s pages are read in to be lent', () => {
    const bench = new Bench();
    const file = bench.newFile(4);
    bench.run(() => bench.putFile(0, 4, file, 0, { protection: RW }));
    const loan = lend(bench, 1, 3);
    expect(lentBytes(bench, loan)).toEqual([2, 3]);
    expect(loan.pages).toEqual([file.lookup(asOffset(PAGE_SIZE)), file.lookup(asOffset(2 * PAGE_SIZE))]);
    expect(loanCounts(bench, loan.pages)).toEqual([1, 1]);
    bench.expectSound();
    giveBack(bench, loan);
    bench.expectSound();
  });

  it('zero -> K: what nobody has stored to is lent as one page of zeros, which nobody maps and which stays', () => {
    const bench = new Bench();
    bench.run(() => bench.put(0, 3));
    const { free } = bench.uvm.uvmexp;
    const loan = lend(bench, 0, 3);
    const { page } = bench.uvm.loanzero;
    expect(loan.pages).toEqual([page, page, page]);
    expect([bench.uvm.pages.loanCount(page), bench.uvm.uvmexp.free]).toEqual([3, free - 1]);
    expect(lentBytes(bench, loan)).toEqual([0, 0, 0]);
    bench.expectSound();
    bench.run(() => bench.write(0, 7));
    expect(lentBytes(bench, loan)).toEqual([0, 0, 0]);
    giveBack(bench, loan);
    expect([bench.uvm.loanzero.page, bench.uvm.pages.loanCount(page)]).toEqual([page, 0]);
    bench.expectSound();
  });

  it('lends over several entries of all kinds at once', () => {
    const bench = new Bench();
    const file = bench.newFile(2);
    bench.run(function* () {
      yield* bench.put(0, 2);
      yield* bench.write(1, 77);
      yield* bench.putFile(2, 4, file, 0);
    });
    const loan = lend(bench, 0, 4);
    expect(lentBytes(bench, loan)).toEqual([0, 77, 1, 2]);
    giveBack(bench, loan);
    bench.expectSound();
  });

  it('lends a page as often as it is asked to', () => {
    const bench = new Bench();
    bench.run(function* () {
      yield* bench.put(0, 1);
      yield* bench.write(0, 1);
    });
    const [first, second] = [lend(bench, 0, 1), lend(bench, 0, 1)];
    expect(loanCounts(bench, first.pages)).toEqual([2]);
    expect(first.start).not.toBe(second.start);
    giveBack(bench, first);
    expect([loanCounts(bench, second.pages), lentBytes(bench, second)]).toEqual([[1], [1]]);
    bench.expectSound();
    giveBack(bench, second);
    bench.expectSound();
  });

  it('refuses what is not mapped, what is wired, and shared memory that nobody has stored to; then nothing is on loan', () => {
    const bench = new Bench();
    bench.run(function* () {
      yield* bench.put(0, 2);
      for (const page of [0, 1]) yield* bench.write(page, page);
      yield* bench.put(2, 3);
      yield* bench.wire(2, 3);
      yield* bench.put(3, 4, { flags: SHARED });
      yield* bench.put(5, 6);
    });
    expect(refusal(bench, 4, 6)).toBe(ENOENT);
    expect(refusal(bench, 0, 3)).toBe(EINVAL);
    expect(refusal(bench, 0, 4)).toBe(EINVAL);
    expect(refusal(bench, 3, 4)).toBe(EINVAL);
    expect(loanCounts(bench, [bench.pageOf(0), bench.pageOf(1)])).toEqual([0, 0]);
    expect([bench.uvm.kernelLoans.size, bench.uvm.kernelAddresses.size]).toEqual([0, 0]);
    bench.expectSound();
  });

  it('refuses a wired page of a file, and pages that cannot be read', () => {
    const bench = new Bench();
    const file = bench.newFile(8);
    bench.run(function* () {
      yield* bench.putFile(0, 4, file, 0);
      yield* bench.wire(1, 2);
    });
    expect(refusal(bench, 0, 2)).toBe(EINVAL);
    expect(bench.uvm.pages.loanCount(bench.pageOf(0))).toBe(0);
    bench.expectSound();

    const strategy = new FailAt();
    strategy.left.set('io.read', 1);
    const failing = new Bench({ strategy });
    const lost = failing.newFile(4);
    failing.run(() => failing.putFile(0, 4, lost, 0));
    expect(refusal(failing, 0, 1)).toBe(EINVAL);
    failing.expectSound();
  });

  it('lends an eighth of RAM at most', () => {
    const bench = new Bench({ ramPages: 64 });
    bench.run(function* () {
      yield* bench.put(0, 12);
      for (let page = 0; page < 12; page++) yield* bench.write(page, page);
    });
    const loan = lend(bench, 0, 6);
    expect(refusal(bench, 6, 9)).toBe(ENOMEM);
    const more = lend(bench, 6, 8);
    giveBack(bench, loan);
    giveBack(bench, more);
    bench.expectSound();
  });

  it('logs each loan and its end', () => {
    const bench = new Bench();
    bench.run(function* () {
      yield* bench.put(0, 1);
      yield* bench.write(0, 1);
    });
    const page = bench.pageOf(0);
    let loan: UvmKernelLoan | null = null;
    const lending = logged(bench.kern, 'loan', () => {
      loan = lend(bench, 0, 1);
    });
    expect(lending).toEqual([{ kind: 'loan', page, count: 1 }]);
    const ending = logged(bench.kern, 'unloan', () => {
      if (loan !== null) giveBack(bench, loan);
    });
    expect(ending).toEqual([{ kind: 'unloan', page, count: 0 }]);
  });
});

describe('lending pages of an object without a map', () => {
  it('lends them in chunks, reading in what is missing', () => {
    const bench = new Bench({ ramPages: 128 });
    const file = bench.newFile(20);
    const lent = bench.run(() => bench.uvm.uvmLoanuobjpages(file, 0, 20)) as Pfn[];
    expect(lent).toHaveLength(20);
    expect(lent.map((page) => bench.machine.ram.page(page)[0])).toEqual(Array.from({ length: 20 }, (_, i) => i + 1));
    expect(new Set(loanCounts(bench, lent))).toEqual(new Set([1]));
    bench.run(() => bench.uvm.uvmUnloanpage(lent));
    expect(new Set(loanCounts(bench, lent))).toEqual(new Set([0]));
    bench.expectSound();
  });

  it('lends nothing when one of them is wired, or cannot be read', () => {
    const bench = new Bench({ ramPages: 128 });
    const file = bench.newFile(20);
    bench.run(function* () {
      yield* bench.putFile(0, 1, file, 18);
      yield* bench.wire(0, 1);
    });
    expect(bench.run(() => bench.uvm.uvmLoanuobjpages(file, 0, 20))).toBe(EBUSY);
    for (let page = 0; page < 20; page++) {
      const pfn = file.lookup(asOffset(page * PAGE_SIZE));
      if (pfn !== NO_PAGE) expect(bench.uvm.pages.loanCount(pfn)).toBe(0);
    }
    bench.expectSound();
    const strategy = new FailAt();
    strategy.left.set('io.read', 1);
    const failing = new Bench({ strategy });
    expect(failing.run(() => failing.uvm.uvmLoanuobjpages(failing.newFile(2), 0, 2))).toBe(EIO);
    failing.expectSound();
  });
});

describe('giving back', () => {
  it('frees an orphan with its last loan, and not before', () => {
    const bench = new Bench();
    bench.run(function* () {
      yield* bench.put(0, 1);
      yield* bench.write(0, 9);
    });
    const [first, second] = [lend(bench, 0, 1), lend(bench, 0, 1)];
    const [page = NO_PAGE] = first.pages;
    bench.run(() => bench.remove(0, 1));
    expect([bench.uvm.pages.uanon(page), bench.uvm.pages.pqflags(page) & (PQ_ANON | PQ_FREE)]).toEqual([null, 0]);
    bench.expectSound();
    giveBack(bench, first);
    expect([lentBytes(bench, second), bench.uvm.pages.pqflags(page) & PQ_FREE]).toEqual([[9], 0]);
    bench.expectSound();
    giveBack(bench, second);
    expect(bench.uvm.pages.pqflags(page) & PQ_FREE).toBe(PQ_FREE);
    bench.expectSound();
  });

  // In the direct build nobody who sleeps with a lock could go on below one who waits for it.
  it.skipIf(BUILD === 'direct')('waits, in pauses, for an owner whose lock is taken', () => {
    const bench = new Bench();
    bench.run(function* () {
      yield* bench.put(0, 1);
      yield* bench.write(0, 9);
    });
    const loan = lend(bench, 0, 1);
    const { lock } = bench.amapAt(0);
    const { scheduler } = bench.kern;
    const told: [what: string, tick: number][] = [];
    startThread(bench.kern, function* () {
      yield* lock.enter();
      yield* pause(scheduler, 'holder', 3);
      told.push(['unlocked', scheduler.tick]);
      yield* lock.exit();
    });
    const borrower = startThread(bench.kern, function* () {
      yield* bench.uvm.uvmKernelReturn(loan);
      told.push(['given back', scheduler.tick]);
    });
    scheduler.run();
    expect(told.map(([what]) => what)).toEqual(['unlocked', 'given back']);
    expect([told[1]?.[1], borrower.waitMessage]).toEqual([3, 'livelock']);
    expect(loanCounts(bench, loan.pages)).toEqual([0]);
    bench.expectSound();
  });

  it('panics when a page is given back that is not on loan', () => {
    const bench = new Bench();
    bench.run(function* () {
      yield* bench.put(0, 1);
      yield* bench.write(0, 9);
    });
    const page = bench.pageOf(0);
    expect(bench.panicOf(() => bench.uvm.uvmUnloanpage([page]))).toContain('"pg->loan_count > 0" failed');
  });

  it('panics when the last loan ends of an orphan that is busy', () => {
    const bench = new Bench();
    bench.run(function* () {
      yield* bench.put(0, 1);
      yield* bench.write(0, 9);
    });
    const loan = lend(bench, 0, 1);
    bench.run(() => bench.remove(0, 1));
    bench.uvm.pages.setFlags(loan.pages[0] ?? NO_PAGE, 1);
    expect(bench.panicOf(() => bench.uvm.uvmKernelReturn(loan))).toContain('"(pg->flags & PG_BUSY) == 0" failed');
  });

  it('panics when the loan count wraps', () => {
    const bench = new Bench({ counterWidth: 16 });
    bench.run(function* () {
      yield* bench.put(0, 1);
      yield* bench.write(0, 9);
    });
    bench.uvm.pages.setLoanCount(bench.pageOf(0), 65_535);
    expect(bench.panicOf(() => bench.uvm.uvmLoan(bench.map, bench.at(0), PAGE_SIZE, new LoanOutput('page')))).toContain(
      '"pg->loan_count > 0" failed',
    );
  });

  it('panics when the kernel reads where it has nothing on loan any more', () => {
    const bench = new Bench();
    bench.run(() => bench.put(0, 1));
    const loan = lend(bench, 0, 1);
    giveBack(bench, loan);
    expect(() => bench.uvm.uvmKernelLoanRead(loan, 0, new Uint8Array(1))).toThrow('the kernel has nothing mapped');
  });
});

describe('memory for the page of zeros', () => {
  it('is waited for while there can be some, and else the loan refused', () => {
    const bench = new Bench();
    bench.run(() => bench.put(0, 1));
    leaveFree(bench, 0);
    expect(refusal(bench, 0, 1)).toBe(EINVAL);
    expect(bench.uvm.loanzero.page).toBe(NO_PAGE);
  });
});

describe('addresses of the kernel', () => {
  it('are given out from the bottom, in the first gap that is large enough', () => {
    const { kernelAddresses } = new Bench().uvm;
    const [a, b, c] = [
      kernelAddresses.allocate(PAGE_SIZE),
      kernelAddresses.allocate(2 * PAGE_SIZE),
      kernelAddresses.allocate(PAGE_SIZE),
    ];
    expect([b - a, c - b]).toEqual([PAGE_SIZE, 2 * PAGE_SIZE]);
    expect(kernelAddresses.free(b)).toBe(true);
    expect(kernelAddresses.free(b)).toBe(false);
    expect(kernelAddresses.allocate(3 * PAGE_SIZE)).toBe(asVa(c + PAGE_SIZE));
    expect(kernelAddresses.allocate(PAGE_SIZE)).toBe(b);
    expect(kernelAddresses.size).toBe(6 * PAGE_SIZE);
  });
});

describe('a fault on a page on loan', () => {
  it('that only reads maps it read-only', () => {
    const bench = new Bench();
    bench.run(function* () {
      yield* bench.put(0, 1);
      yield* bench.write(0, 9);
    });
    const loan = lend(bench, 0, 1);
    bench.machine.pmapRemove(bench.map.pmap, bench.at(0), bench.at(1));
    expect(faultAt(bench, 0, PROT_READ)).toBe(0);
    expect([bench.pageOf(0), rightsAt(bench, 0)]).toEqual([loan.pages[0], PROT_READ]);
    expect(faultAt(bench, 0, PROT_WRITE)).toBe(0);
    expect(bench.pageOf(0)).not.toBe(loan.pages[0]);
    giveBack(bench, loan);
    bench.expectSound();
  });
});
