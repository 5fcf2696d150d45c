/** What happens to pages on loan when somebody stores to them, frees them, wires them or forks. */
import { describe, expect, it } from 'vitest';
import { counted, faultAt, leaveFree, logged, mappedAt, rightsAt } from '../../../test/faults.js';
import { giveBack, lend, lentBytes, loanCounts, refusal } from '../../../test/loans.js';
import { Bench, PRIVATE, RW, SHARED } from '../../../test/maps.js';
import { startThread } from '../../../test/threads.js';
import { EINVAL, ENOMEM } from '../../kern/errno.js';
import { asOffset, PAGE_SIZE } from '../../machine/address.js';
import { PROT_NONE, PROT_READ, PROT_WRITE } from '../../machine/protection.js';
import { MAP_INHERIT_SHARE } from '../../vm/mman.js';
import { NO_PAGE, PG_BUSY, PG_CLEAN, PG_TABLED, PQ_ANON, PQ_FREE } from '../page/page-array.js';
import type { UvmVnode } from '../vnode/vnode.js';

/** A bench whose page 0 is an anon's, with 9 in it. */
function anonBench(options: ConstructorParameters<typeof Bench>[0] = {}): Bench {
  const bench = new Bench(options);
  bench.run(function* () {
    yield* bench.put(0, 1);
    yield* bench.write(0, 9);
  });
  return bench;
}

/** A bench with a file of two pages, mapped shared at pages 0 and 1 in two spaces; both may write. */
function fileBench(): { bench: Bench; file: UvmVnode; other: Bench['map'] } {
  const bench = new Bench();
  const file = bench.newFile(2);
  const other = bench.newSpace().map;
  bench.run(function* () {
    yield* bench.putFile(0, 2, file, 0, { protection: RW });
    yield* bench.put(0, 2, { flags: 0, object: file, offset: asOffset(0) }, other);
    yield* file.reference(bench.uvm);
    for (const map of [bench.map, other]) yield* bench.read(0, map);
  });
  return { bench, file, other };
}

describe('storing to a page that an anon has lent', () => {
  it('gives the anon a page of its own; the old one, with the old bytes, is an orphan on no queue, mapped by nobody', () => {
    const bench = anonBench();
    const loan = lend(bench, 0, 1);
    const [old = NO_PAGE] = loan.pages;
    const { pages, policy, uvmexp } = bench.uvm;
    const { anonpages, free } = uvmexp;
    const events = logged(bench.kern, 'loan-break', () => bench.run(() => bench.write(0, 10)));
    const fresh = bench.pageOf(0);
    expect(events).toEqual([{ kind: 'loan-break', page: old, by: fresh, loans: 1, wirings: 0 }]);
    expect([fresh === old, rightsAt(bench, 0), mappedAt(bench, bench.at(0))]).toEqual([false, RW, fresh]);
    expect([pages.uanon(old), pages.pqflags(old) & PQ_ANON, policy.isQueued(old)]).toEqual([null, 0, false]);
    expect([pages.flags(fresh) & (PG_BUSY | PG_CLEAN), pages.pqflags(fresh) & PQ_ANON, policy.isQueued(fresh)]).toEqual([
      0,
      PQ_ANON,
      true,
    ]);
    expect([uvmexp.anonpages - anonpages, uvmexp.free - free]).toEqual([0, -1]);
    expect([lentBytes(bench, loan), loanCounts(bench, [old, fresh])]).toEqual([[9], [1, 0]]);
    bench.expectSound();
    giveBack(bench, loan);
    expect([pages.pqflags(old) & PQ_FREE, uvmexp.free]).toEqual([PQ_FREE, free]);
    bench.expectSound();
  });

  it('is no break but a copy where others have the anon as well: they keep the page, and the loan', () => {
    const bench = anonBench();
    const loan = lend(bench, 0, 1);
    const [old = NO_PAGE] = loan.pages;
    const child = bench.run(() => bench.uvm.uvmspaceFork(bench.space)).map;
    let breaks = 0;
    const effects = counted(bench.uvm, () => {
      breaks = logged(bench.kern, 'loan-break', () => bench.run(() => bench.write(0, 10))).length;
    });
    expect([breaks, effects.flt_acow]).toEqual([0, 1]);
    expect([bench.pageOf(0) === old, bench.pageOf(0, child)]).toEqual([false, old]);
    expect([lentBytes(bench, loan), loanCounts(bench, [old])]).toEqual([[9], [1]]);
    // Now it is the child's alone, and its store breaks the loan.
    expect(logged(bench.kern, 'loan-break', () => bench.run(() => bench.write(0, 11, child)))).toHaveLength(1);
    expect(lentBytes(bench, loan)).toEqual([9]);
    giveBack(bench, loan);
    bench.expectSound();
  });

  it('answers ENOMEM when there is no memory to copy it to, and never will be', () => {
    const bench = anonBench();
    const loan = lend(bench, 0, 1);
    leaveFree(bench, 0);
    const effects = counted(bench.uvm, () => expect(faultAt(bench, 0, PROT_WRITE)).toBe(ENOMEM));
    expect(effects.fltnoram).toBe(1);
    expect([bench.pageOf(0), rightsAt(bench, 0)]).toEqual([loan.pages[0], PROT_READ]);
    expect(loanCounts(bench, loan.pages)).toEqual([1]);
  });

  it('panics when the anon’s page is not on loan, or the anon not locked', () => {
    const bench = anonBench();
    const anon = bench.amapAt(0).at(0);
    if (anon === null) throw new Error('there is an anon');
    const loose = anonBench();
    const unlocked = loose.amapAt(0).at(0);
    if (unlocked === null) throw new Error('there is an anon');
    expect(
      bench.panicOf(function* () {
        yield* bench.amapAt(0).lock.enter();
        yield* bench.uvm.uvmLoanbreakAnon(anon, null);
      }),
    ).toContain('"anon->an_page->loan_count > 0" failed');
    expect(loose.panicOf(() => loose.uvm.uvmLoanbreakAnon(unlocked, null))).toContain('"mutex_owned(anon->an_lock)" failed');
  });
});

describe('storing to a page that an object has lent', () => {
  it('puts a new page in its place for everybody; all mappings of the old one go', () => {
    const { bench, file, other } = fileBench();
    const loan = lend(bench, 0, 1);
    const [old = NO_PAGE] = loan.pages;
    const { pages, policy } = bench.uvm;
    bench.run(() => bench.write(0, 50));
    const fresh = file.lookup(asOffset(0));
    expect(fresh).not.toBe(old);
    expect([mappedAt(bench, bench.at(0)), mappedAt(bench, bench.at(0), other)]).toEqual([fresh, -1]);
    expect(bench.run(() => bench.read(0, other))).toBe(50);
    expect([pages.uobject(old), pages.flags(old) & (PG_TABLED | PG_BUSY), policy.isQueued(old)]).toEqual([null, 0, false]);
    expect([pages.flags(fresh) & (PG_CLEAN | PG_BUSY), policy.isQueued(fresh)]).toEqual([0, true]);
    expect(lentBytes(bench, loan)).toEqual([1]);
    bench.expectSound();
    giveBack(bench, loan);
    expect(pages.pqflags(old) & PQ_FREE).toBe(PQ_FREE);
    bench.expectSound();
  });

  it('happens in write(2) as well: the kernel breaks the loan before it stores', () => {
    const { bench, file } = fileBench();
    const loan = lend(bench, 0, 1);
    expect(bench.run(() => bench.uvm.uvmVnodeWrite(file, 0, Uint8Array.of(99)))).toBe(1);
    expect([lentBytes(bench, loan), bench.run(() => bench.read(0))]).toEqual([[1], 99]);
    bench.expectSound();
    giveBack(bench, loan);
    bench.expectSound();
  });

  it('leaves a private mapping alone, whose store copies the page in any case', () => {
    const { bench, file } = fileBench();
    bench.run(() => bench.putFile(4, 5, file, 0, { flags: PRIVATE, protection: RW }));
    const loan = lend(bench, 0, 1);
    expect(logged(bench.kern, 'loan-break', () => bench.run(() => bench.write(4, 3)))).toEqual([]);
    expect(file.lookup(asOffset(0))).toBe(loan.pages[0]);
    giveBack(bench, loan);
    bench.expectSound();
  });

  it('answers ENOMEM when there is no memory for the new page; the old one stays, and is not busy', () => {
    const { bench, file } = fileBench();
    const loan = lend(bench, 0, 1);
    const [old = NO_PAGE] = loan.pages;
    leaveFree(bench, 0);
    bench.uvm.uvmReclaimable = () => false;
    expect(faultAt(bench, 0, PROT_WRITE)).toBe(ENOMEM);
    expect([file.lookup(asOffset(0)), bench.uvm.pages.flags(old) & PG_BUSY]).toEqual([old, 0]);
    expect(lentBytes(bench, loan)).toEqual([1]);
  });

  it('maps neighbours on loan read-only, and anons on loan not at all', () => {
    const { bench } = fileBench();
    bench.run(function* () {
      // The first store tells the pager that the file is dirty; from then on its pages are mapped writable.
      yield* bench.write(0, 50);
      yield* bench.read(1);
    });
    const loan = lend(bench, 1, 2);
    bench.machine.pmapRemove(bench.map.pmap, bench.at(0), bench.at(2));
    expect(faultAt(bench, 0, PROT_WRITE)).toBe(0);
    expect([rightsAt(bench, 0), rightsAt(bench, 1)]).toEqual([RW, PROT_READ]);
    giveBack(bench, loan);
    bench.expectSound();

    const anons = new Bench();
    anons.run(function* () {
      yield* anons.put(0, 2);
      for (const page of [0, 1]) yield* anons.write(page, page);
    });
    const lent = lend(anons, 1, 2);
    anons.machine.pmapRemove(anons.map.pmap, anons.at(0), anons.at(2));
    expect(faultAt(anons, 0, PROT_WRITE)).toBe(0);
    expect([rightsAt(anons, 0), rightsAt(anons, 1)]).toEqual([RW, null]);
    giveBack(anons, lent);
    anons.expectSound();
  });

  it('panics when the object is not locked', () => {
    const { bench, file } = fileBench();
    expect(bench.panicOf(() => bench.uvm.uvmLoanbreak(file.lookup(asOffset(0))))).toContain(
      '"mutex_owned(uobj->vmobjlock)" failed',
    );
  });
});

describe('uvm_pagereplace', () => {
  it('panics when the old page is in no table, or the new one is in one', () => {
    const { bench, file } = fileBench();
    const [old, second] = [file.lookup(asOffset(0)), file.lookup(asOffset(PAGE_SIZE))];
    expect(
      bench.panicOf(function* () {
        yield* file.lock.enter();
        bench.uvm.uvmPagereplace(old, second);
      }),
    ).toContain('"(newpg->flags & PG_TABLED) == 0" failed');
    const next = fileBench();
    const lost = next.file.lookup(asOffset(0));
    next.bench.uvm.pages.clearFlags(lost, PG_TABLED);
    expect(
      next.bench.panicOf(function* () {
        yield* next.file.lock.enter();
        next.bench.uvm.uvmPagereplace(lost, next.bench.uvm.freeList.head);
      }),
    ).toContain('"(oldpg->flags & PG_TABLED) != 0" failed');
  });

  it('panics when the old page has no object, or its object is not locked', () => {
    const { bench, file } = fileBench();
    const { freeList } = bench.uvm;
    expect(() => bench.uvm.uvmPagereplace(freeList.head, freeList.head)).toThrow('"oldpg->uobject != NULL" failed');
    const next = fileBench();
    expect(() => next.bench.uvm.uvmPagereplace(next.file.lookup(asOffset(0)), next.bench.uvm.freeList.head)).toThrow(
      '"mutex_owned(oldpg->uobject->vmobjlock)" failed',
    );
    expect(file.references).toBeGreaterThan(0);
  });
});

describe('freeing a page that is on loan', () => {
  it('leaves it to the kernel: an anon’s by munmap, an object’s by truncation', () => {
    const bench = anonBench();
    const loan = lend(bench, 0, 1);
    const [page = NO_PAGE] = loan.pages;
    expect(logged(bench.kern, 'page-orphan', () => bench.run(() => bench.remove(0, 1)))).toEqual([
      { kind: 'page-orphan', page, loans: 1 },
    ]);
    expect([lentBytes(bench, loan), bench.uvm.anonCount, bench.uvm.uvmexp.anonpages]).toEqual([[9], 0, 0]);
    bench.expectSound();
    giveBack(bench, loan);
    bench.expectSound();

    const { bench: files, file } = fileBench();
    const lent = lend(files, 0, 2);
    expect(files.run(() => files.uvm.uvmVnodeTruncate(file, 0))).toBe(0);
    expect([file.lookup(asOffset(0)), lentBytes(files, lent)]).toEqual([NO_PAGE, [1, 2]]);
    files.expectSound();
    giveBack(files, lent);
    files.expectSound();
  });

  it('panics when it is wired besides: the panic of 2003', () => {
    const { bench, file } = fileBench();
    lend(bench, 0, 1);
    expect(
      bench.panicOf(function* () {
        // A mapping that cannot be written to: wiring it breaks no loan.
        expect(yield* bench.uvm.uvmMapProtect(bench.map, bench.at(0), bench.at(1), PROT_READ, { setMax: false })).toBe(0);
        expect(yield* bench.uvm.uvmVslock(bench.space, bench.at(0), PAGE_SIZE, PROT_READ)).toBe(0);
        yield* bench.uvm.uvmVnodeTruncate(file, 0);
      }),
    ).toContain('"pg->wire_count == 0" failed');
  });

  it('wakes those who wait for it while it is busy', () => {
    const bench = anonBench();
    lend(bench, 0, 1);
    const page = bench.pageOf(0);
    bench.uvm.pages.setFlags(page, PG_BUSY);
    const { lock } = bench.amapAt(0);
    const told: string[] = [];
    startThread(bench.kern, function* () {
      yield* lock.enter();
      yield* bench.uvm.uvmPageWait(page, lock, 'test');
      told.push('woken');
    });
    startThread(bench.kern, function* () {
      yield* lock.enter();
      yield* bench.uvm.pageqLock.enter();
      yield* bench.uvm.uvmPagefree(page);
      yield* bench.uvm.pageqLock.exit();
      yield* lock.exit();
    });
    bench.kern.scheduler.run();
    expect([told, bench.uvm.pages.flags(page), bench.uvm.pages.loanCount(page)]).toEqual([['woken'], 0, 1]);
  });
});

describe('wiring a page that is on loan', () => {
  it('breaks the loan where the entry may be written to, as mlock(2) asks for the most that it may ever be', () => {
    const bench = anonBench();
    const loan = lend(bench, 0, 1);
    expect(bench.run(() => bench.wire(0, 1))).toBe(0);
    expect(bench.pageOf(0)).not.toBe(loan.pages[0]);
    bench.expectSound();
    giveBack(bench, loan);
    expect(bench.run(() => bench.unwire(0, 1))).toBe(0);
    bench.expectSound();
  });

  it('does not where it may only be read: the page is on loan and wired, as in NetBSD to this day', () => {
    const { bench } = fileBench();
    const { pages } = bench.uvm;
    const loan = lend(bench, 0, 1);
    const [page = NO_PAGE] = loan.pages;
    bench.run(function* () {
      yield* bench.uvm.uvmMapProtect(bench.map, bench.at(0), bench.at(1), PROT_READ, { setMax: false });
      expect(yield* bench.uvm.uvmVslock(bench.space, bench.at(0), PAGE_SIZE, PROT_READ)).toBe(0);
    });
    expect([pages.loanCount(page), pages.wireCount(page), bench.pageOf(0)]).toEqual([1, 1, page]);
    bench.run(() => bench.uvm.uvmVsunlock(bench.space, bench.at(0), PAGE_SIZE));
    expect(pages.wireCount(page)).toBe(0);
    bench.expectSound();
    giveBack(bench, loan);
    bench.expectSound();
  });

  it('and a break leaves the transient wiring with the orphan, which goes free with its last loan although it is wired', () => {
    const { bench, other } = fileBench();
    const { pages, uvmexp } = bench.uvm;
    const loan = lend(bench, 0, 1);
    const [page = NO_PAGE] = loan.pages;
    bench.run(function* () {
      yield* bench.uvm.uvmMapProtect(bench.map, bench.at(0), bench.at(1), PROT_READ, { setMax: false });
      yield* bench.uvm.uvmVslock(bench.space, bench.at(0), PAGE_SIZE, PROT_READ);
      yield* bench.write(0, 77, other);
    });
    expect([pages.loanCount(page), pages.wireCount(page), uvmexp.wired]).toEqual([1, 1, 1]);
    expect([mappedAt(bench, bench.at(0)), lentBytes(bench, loan)]).toEqual([-1, [1]]);
    giveBack(bench, loan);
    expect([pages.pqflags(page) & PQ_FREE, pages.wireCount(page), uvmexp.wired]).toEqual([PQ_FREE, 0, 0]);
    // Nothing is mapped at the address: nobody is told.
    bench.run(() => bench.uvm.uvmVsunlock(bench.space, bench.at(0), PAGE_SIZE));
    bench.expectSound();
  });

  it('where a wired page is to be lent, it is refused', () => {
    const bench = anonBench();
    bench.run(() => bench.uvm.uvmVslock(bench.space, bench.at(0), PAGE_SIZE, PROT_READ));
    expect(refusal(bench, 0, 1)).toBe(EINVAL);
    bench.run(() => bench.uvm.uvmVsunlock(bench.space, bench.at(0), PAGE_SIZE));
    bench.expectSound();
  });
});

describe('page loans and shared memory', () => {
  it('a store by one who shares it breaks the loan for all, and all see the new page', () => {
    const bench = new Bench();
    bench.run(function* () {
      yield* bench.put(0, 1, { flags: SHARED, inheritance: MAP_INHERIT_SHARE });
      yield* bench.write(0, 9);
    });
    const child = bench.run(() => bench.uvm.uvmspaceFork(bench.space)).map;
    bench.run(() => bench.read(0, child));
    const loan = lend(bench, 0, 1);
    bench.run(() => bench.write(0, 10, child));
    expect([bench.run(() => bench.read(0)), lentBytes(bench, loan)]).toEqual([10, [9]]);
    bench.expectSound();
    giveBack(bench, loan);
    bench.expectSound();
  });

  it('memory that is told to allow nothing can be lent all the same: the kernel asks for no rights', () => {
    const bench = anonBench();
    bench.run(() => bench.uvm.uvmMapProtect(bench.map, bench.at(0), bench.at(1), PROT_NONE, { setMax: false }));
    const loan = lend(bench, 0, 1);
    expect([lentBytes(bench, loan), rightsAt(bench, 0)]).toEqual([[9], null]);
    giveBack(bench, loan);
    bench.expectSound();
  });
});
