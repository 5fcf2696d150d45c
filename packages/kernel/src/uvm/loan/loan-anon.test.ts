/** Loans to anons: from other anons, from objects, of zeros; adoption; what becomes of them when either side goes. */
import { describe, expect, it } from 'vitest';
import { FailAt, faultAt, logged, mappedAt, rightsAt } from '../../../test/faults.js';
import { giveBack, lend, lendToAnons, loanCounts, onlyAnon } from '../../../test/loans.js';
import { Bench, RW } from '../../../test/maps.js';
import { EINVAL } from '../../kern/errno.js';
import type { Step } from '../../kern/switch.js';
import { asOffset, PAGE_SIZE } from '../../machine/address.js';
import { PROT_READ, PROT_WRITE } from '../../machine/protection.js';
import { Amap } from '../anon/amap.js';
import type { Anon } from '../anon/anon.js';
import { NO_PAGE, PG_CLEAN, PQ_ANON, PQ_FREE } from '../page/page-array.js';
import type { UvmVnode } from '../vnode/vnode.js';
import { LoanOutput } from './loan-output.js';

/**
 * Maps an anon at a page, as a transfer of pages would (what a loan to an anon is for): an entry with an amap of one slot, which takes
 * over the borrower's reference.
 */
function* place(bench: Bench, page: number, anon: Anon): Step<void> {
  const { uvm } = bench;
  yield* bench.put(page, page + 1);
  const entry = bench.entryAt(page);
  const lock = anon.lock;
  if (lock === null) throw new Error('an anon on loan has a lock');
  const amap = new Amap(uvm.nextAmapId++, lock, { slots: 1, padding: 0 });
  uvm.amaps.add(amap);
  entry.amap = amap;
  entry.amapOffset = 0;
  entry.needsCopy = false;
  yield* lock.enter();
  amap.put(0, anon);
  uvm.anonLoans.splice(uvm.anonLoans.indexOf(anon), 1);
  yield* lock.exit();
}

/** A bench with a file of two pages, mapped shared and writable at pages 0 and 1. */
function fileBench(options: ConstructorParameters<typeof Bench>[0] = {}): { bench: Bench; file: UvmVnode } {
  const bench = new Bench(options);
  const file = bench.newFile(2);
  bench.run(function* () {
    yield* bench.putFile(0, 2, file, 0, { protection: RW });
    yield* bench.read(0);
  });
  return { bench, file };
}

describe('A -> A', () => {
  it('is one more reference: both read the page, and who stores first gets a copy', () => {
    const bench = new Bench();
    bench.run(function* () {
      yield* bench.put(0, 1);
      yield* bench.write(0, 9);
    });
    const anon = onlyAnon(lendToAnons(bench, 0, 1));
    const page = bench.pageOf(0);
    expect([anon.references, anon.page, rightsAt(bench, 0), bench.uvm.pages.loanCount(page)]).toEqual([2, page, PROT_READ, 0]);
    bench.expectSound();
    bench.run(() => place(bench, 4, anon));
    expect(bench.run(() => bench.read(4))).toBe(9);
    bench.run(() => bench.write(0, 10));
    expect([bench.run(() => bench.read(4)), bench.run(() => bench.read(0)), anon.references]).toEqual([9, 10, 1]);
    bench.expectSound();
    bench.run(() => bench.write(4, 11));
    expect(bench.pageOf(4)).toBe(page);
    bench.expectSound();
  });

  it('is refused where the page is wired for one owner alone, and undone when a later page cannot be lent', () => {
    const bench = new Bench();
    bench.run(function* () {
      yield* bench.put(0, 2);
      for (const page of [0, 1]) yield* bench.write(page, page);
      yield* bench.wire(1, 2);
    });
    const output = new LoanOutput('anon');
    expect(bench.run(() => bench.uvm.uvmLoan(bench.map, bench.at(0), 2 * PAGE_SIZE, output))).toBe(EINVAL);
    expect([output.count, bench.amapAt(0).at(0)?.references, bench.uvm.anonLoans]).toEqual([0, 1, []]);
    bench.expectSound();
  });

  it('ends with the anon when its lender has gone', () => {
    const bench = new Bench();
    bench.run(function* () {
      yield* bench.put(0, 1);
      yield* bench.write(0, 9);
    });
    const output = lendToAnons(bench, 0, 1);
    const page = bench.pageOf(0);
    bench.run(() => bench.remove(0, 1));
    expect([onlyAnon(output).references, bench.uvm.anonCount]).toEqual([1, 1]);
    bench.expectSound();
    bench.run(() => bench.uvm.uvmUnloan(output));
    expect([bench.uvm.anonCount, bench.uvm.pages.pqflags(page) & PQ_FREE]).toEqual([0, PQ_FREE]);
    bench.expectSound();
  });
});

describe('O -> A', () => {
  it('makes an anon that has the object’s page; the page stays the object’s', () => {
    const { bench, file } = fileBench();
    const { pages, uvmexp } = bench.uvm;
    const { anonpages } = uvmexp;
    const anon = onlyAnon(lendToAnons(bench, 0, 1));
    const page = file.lookup(asOffset(0));
    expect([anon.page, pages.uobject(page), pages.uanon(page)]).toEqual([page, file, anon]);
    expect([pages.pqflags(page) & PQ_ANON, pages.loanCount(page), uvmexp.anonpages]).toEqual([0, 1, anonpages]);
    expect(rightsAt(bench, 0)).toBe(PROT_READ);
    bench.expectSound();
    bench.run(() => place(bench, 4, anon));
    expect([bench.run(() => bench.read(4)), mappedAt(bench, bench.at(4))]).toEqual([1, page]);
    bench.expectSound();
  });

  it('is the same anon for the next who borrows', () => {
    const { bench } = fileBench();
    const [first, second] = [lendToAnons(bench, 0, 1), lendToAnons(bench, 0, 1)];
    expect(onlyAnon(second)).toBe(onlyAnon(first));
    expect([onlyAnon(first).references, loanCounts(bench, [bench.pageOf(0)])]).toEqual([2, [1]]);
    bench.expectSound();
    bench.run(() => bench.uvm.uvmUnloan(first));
    bench.run(() => bench.uvm.uvmUnloan(second));
    expect([loanCounts(bench, [bench.pageOf(0)]), bench.uvm.anonCount]).toEqual([[0], 0]);
    bench.expectSound();
  });

  it('a store by the borrower breaks the loan: it gets a page of its own, the object keeps the old one', () => {
    const { bench, file } = fileBench();
    const anon = onlyAnon(lendToAnons(bench, 0, 1));
    const page = file.lookup(asOffset(0));
    bench.run(() => place(bench, 4, anon));
    expect(logged(bench.kern, 'loan-break', () => bench.run(() => bench.write(4, 40)))).toHaveLength(1);
    expect([anon.page === page, file.lookup(asOffset(0)), loanCounts(bench, [page])]).toEqual([false, page, [0]]);
    expect([bench.run(() => bench.read(0)), bench.run(() => bench.read(4))]).toEqual([1, 40]);
    bench.expectSound();
  });

  it('a store by the lender breaks it too: the borrower keeps the old page, and adopts it when it next looks', () => {
    const { bench, file } = fileBench();
    const { pages } = bench.uvm;
    const anon = onlyAnon(lendToAnons(bench, 0, 1));
    const page = file.lookup(asOffset(0));
    bench.run(() => place(bench, 4, anon));
    bench.run(() => bench.write(0, 50));
    expect([file.lookup(asOffset(0)) === page, pages.uobject(page), pages.loanCount(page)]).toEqual([false, null, 1]);
    bench.expectSound();
    expect(bench.run(() => bench.read(4))).toBe(1);
    expect([pages.pqflags(page) & PQ_ANON, pages.loanCount(page), anon.page]).toEqual([PQ_ANON, 0, page]);
    // What no slot of swap has is not clean.
    expect(pages.flags(page) & PG_CLEAN).toBe(0);
    bench.expectSound();
    bench.run(() => bench.write(4, 41));
    expect(anon.page).toBe(page);
    bench.expectSound();
  });

  it('a page that its object frees is left to the borrower', () => {
    const { bench, file } = fileBench();
    const { pages, uvmexp } = bench.uvm;
    const anon = onlyAnon(lendToAnons(bench, 0, 1));
    const page = file.lookup(asOffset(0));
    bench.run(() => place(bench, 4, anon));
    bench.run(() => bench.uvm.uvmVnodeTruncate(file, 0));
    expect([pages.uobject(page), pages.uanon(page), pages.loanCount(page), bench.uvm.policy.isQueued(page)]).toEqual([
      null,
      anon,
      1,
      true,
    ]);
    bench.expectSound();
    const { free } = uvmexp;
    // The anon goes without having looked: the page is its own all the same.
    bench.run(() => bench.remove(4, 5));
    expect([pages.pqflags(page) & PQ_FREE, uvmexp.free]).toEqual([PQ_FREE, free + 1]);
    bench.expectSound();
  });

  it('a borrower that goes gives the page back', () => {
    const { bench, file } = fileBench();
    const anon = onlyAnon(lendToAnons(bench, 0, 1));
    const page = file.lookup(asOffset(0));
    bench.run(() => place(bench, 4, anon));
    bench.run(() => bench.read(4));
    bench.run(() => bench.remove(4, 5));
    expect([bench.uvm.pages.uanon(page), loanCounts(bench, [page]), file.lookup(asOffset(0))]).toEqual([null, [0], page]);
    bench.expectSound();
    bench.run(() => bench.write(0, 3));
    expect(file.lookup(asOffset(0))).toBe(page);
  });

  it('a page can be on loan to an anon and to the kernel at once; the last of them ends the orphan', () => {
    const { bench, file } = fileBench();
    const { pages } = bench.uvm;
    const anon = onlyAnon(lendToAnons(bench, 0, 1));
    const loan = lend(bench, 0, 1);
    const page = file.lookup(asOffset(0));
    bench.run(() => place(bench, 4, anon));
    expect(pages.loanCount(page)).toBe(2);
    bench.run(() => bench.uvm.uvmVnodeTruncate(file, 0));
    bench.expectSound();
    // The kernel's loan ends: the anon adopts the page then.
    giveBack(bench, loan);
    expect([pages.loanCount(page), pages.pqflags(page) & PQ_ANON, bench.run(() => bench.read(4))]).toEqual([0, PQ_ANON, 1]);
    bench.expectSound();
  });

  it('a borrowed page can be lent on to the kernel', () => {
    const { bench, file } = fileBench();
    const anon = onlyAnon(lendToAnons(bench, 0, 1));
    bench.run(() => place(bench, 4, anon));
    const loan = lend(bench, 4, 5);
    expect([loan.pages[0], loanCounts(bench, loan.pages)]).toEqual([file.lookup(asOffset(0)), [2]]);
    bench.run(() => bench.write(4, 44));
    expect([bench.run(() => bench.read(0)), loanCounts(bench, loan.pages)]).toEqual([1, [1]]);
    bench.expectSound();
    giveBack(bench, loan);
    bench.expectSound();
  });

  it('where two slots have the borrower, a store copies the object’s page', () => {
    const { bench, file } = fileBench();
    const anon = onlyAnon(lendToAnons(bench, 0, 1));
    bench.run(() => place(bench, 4, anon));
    bench.run(() => bench.read(4));
    const child = bench.run(() => bench.uvm.uvmspaceFork(bench.space)).map;
    bench.run(() => bench.write(4, 44));
    expect([bench.pageOf(4, child), bench.run(() => bench.read(4, child))]).toEqual([file.lookup(asOffset(0)), 1]);
    bench.expectSound();
  });

  it('is refused where the page is wired, or there is no anon', () => {
    const { bench } = fileBench();
    bench.run(() => bench.wire(0, 1));
    expect(bench.run(() => bench.uvm.uvmLoan(bench.map, bench.at(0), PAGE_SIZE, new LoanOutput('anon')))).toBe(EINVAL);
    bench.expectSound();
    const strategy = new FailAt();
    const poor = fileBench({ strategy });
    strategy.left.set('anon.alloc', 1);
    const refused = poor.bench.run(() =>
      poor.bench.uvm.uvmLoan(poor.bench.map, poor.bench.at(0), PAGE_SIZE, new LoanOutput('anon')),
    );
    expect(refused).toBe(EINVAL);
    poor.bench.expectSound();
  });

  it('a fault that finds no memory to break the loan leaves the borrower as it was', () => {
    const strategy = new FailAt();
    const { bench, file } = fileBench({ strategy });
    const anon = onlyAnon(lendToAnons(bench, 0, 1));
    bench.run(() => place(bench, 4, anon));
    strategy.left.set('page.alloc', 1);
    bench.uvm.uvmReclaimable = () => false;
    expect(faultAt(bench, 4, PROT_WRITE)).toBe(12);
    expect([anon.page, loanCounts(bench, [anon.page])]).toEqual([file.lookup(asOffset(0)), [1]]);
    bench.expectSound();
  });
});

describe('zero -> A', () => {
  it('lends the page of zeros; a store copies it', () => {
    const bench = new Bench();
    bench.run(() => bench.put(0, 2));
    const output = lendToAnons(bench, 0, 2);
    const [anon] = output.anons;
    if (anon === undefined) throw new Error('there is an anon');
    const { page } = bench.uvm.loanzero;
    expect([output.anons[1], anon.references, anon.page, bench.uvm.pages.loanCount(page)]).toEqual([anon, 2, page, 1]);
    bench.expectSound();
    bench.run(() => place(bench, 4, anon));
    expect(bench.run(() => bench.read(4))).toBe(0);
    bench.run(() => bench.uvm.uvmUnloananon([anon]));
    bench.run(() => bench.write(4, 5));
    expect([bench.uvm.loanzero.page, bench.uvm.pages.loanCount(page), bench.machine.ram.page(page)[0]]).toEqual([page, 0, 0]);
    expect(anon.page).not.toBe(page);
    bench.expectSound();
  });

  it('is taken off its queue, and not freed, when somebody asks for that', () => {
    const bench = new Bench();
    bench.run(() => bench.put(0, 1));
    const loan = lend(bench, 0, 1);
    const { loanzero, policy } = bench.uvm;
    bench.run(function* () {
      yield* loanzero.lock.enter();
      expect(yield* loanzero.put(bench.uvm, asOffset(0), asOffset(0), 8)).toBe(0);
    });
    expect([loanzero.page === NO_PAGE, policy.isQueued(loanzero.page)]).toEqual([false, false]);
    bench.expectSound();
    giveBack(bench, loan);
    const output = lendToAnons(bench, 0, 1);
    bench.run(function* () {
      yield* loanzero.lock.enter();
      expect(yield* loanzero.put(bench.uvm, asOffset(0), asOffset(0), 8)).toBe(0);
    });
    expect(policy.isQueued(loanzero.page)).toBe(true);
    bench.run(() => bench.uvm.uvmUnloan(output));
    bench.expectSound();
  });
});
