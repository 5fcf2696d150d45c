import { describe, expect, it } from 'vitest';
import { counted, faultAt, freePages, leaveFree, mappedPages, readIn } from '../../../test/faults.js';
import { Bench } from '../../../test/maps.js';
import { startThread, thrownBy } from '../../../test/threads.js';
import { Deadlock } from '../../kern/scheduler.js';
import { BUILD } from '../../kern/switch.js';
import { asOffset, PAGE_SIZE } from '../../machine/address.js';
import { PROT_ALL, PROT_EXEC, PROT_READ, PROT_WRITE } from '../../machine/protection.js';
import { MADV_NORMAL, MAP_PRIVATE } from '../../vm/mman.js';
import { isPage, type PageSlot, PGO_DONTCARE, PGO_WANTED_PAGE } from '../object/object.js';
import { PG_BUSY, PG_CLEAN, PG_FAKE, PG_RDONLY } from '../page/page-array.js';
import type { UvmVnode } from './vnode.js';
import type { FindOptions } from './vnode-pager.js';

/** A file whose pages are in memory, mapped shared at page 0. */
function resident(pages: number): { bench: Bench; file: UvmVnode } {
  const bench = new Bench();
  const file = bench.newFile(pages);
  bench.run(function* () {
    yield* bench.putFile(0, pages, file, 0);
    yield* readIn(bench, file);
  });
  return { bench, file };
}

/** Which of the first pages of a file are found; those that are stay busy. */
function find(bench: Bench, file: UvmVnode, options: FindOptions, slots: PageSlot[] = Array(4).fill(PGO_WANTED_PAGE)): boolean[] {
  const count = bench.run(function* () {
    yield* file.lock.enter();
    const found = yield* bench.uvm.uvnFindpages(file, asOffset(0), slots, options);
    yield* file.lock.exit();
    return found;
  });
  expect(count).toBe(slots.filter(isPage).length);
  return slots.map(isPage);
}

describe('finding pages', () => {
  it('makes those that are there busy, and allocates the others, which hold nothing yet', () => {
    const { bench, file } = resident(2);
    bench.run(() => bench.uvm.uvmVnodeTruncate(file, 4 * PAGE_SIZE));
    expect(find(bench, file, {})).toEqual([true, true, true, true]);
    const flags = [0, 1, 2, 3].map(
      (page) => bench.uvm.pages.flags(file.lookup(asOffset(page * PAGE_SIZE))) & (PG_BUSY | PG_FAKE),
    );
    expect(flags).toEqual([PG_BUSY, PG_BUSY, PG_BUSY | PG_FAKE, PG_BUSY | PG_FAKE]);
    expect(bench.uvm.busyOwners.get(file.lookup(asOffset(0)))?.tag).toBe('uvn_findpage');
  });

  it('passes over slots that nobody cares for', () => {
    const { bench, file } = resident(4);
    expect(find(bench, file, {}, [PGO_WANTED_PAGE, PGO_DONTCARE, PGO_WANTED_PAGE])).toEqual([true, false, true]);
  });

  it('leaves out what is not in memory, when told not to allocate', () => {
    const { bench, file } = resident(2);
    expect(find(bench, file, { noAllocate: true })).toEqual([true, true, false, false]);
  });

  it('leaves out what is busy, or cannot be allocated, when told not to wait', () => {
    const { bench, file } = resident(3);
    bench.uvm.pages.setFlags(file.lookup(asOffset(PAGE_SIZE)), PG_BUSY);
    leaveFree(bench, 0);
    expect(find(bench, file, { nowait: true })).toEqual([true, false, true, false]);
  });

  it('leaves out what must not be stored to, when told so', () => {
    const { bench, file } = resident(2);
    bench.uvm.pages.setFlags(file.lookup(asOffset(0)), PG_RDONLY);
    expect(find(bench, file, { writable: true, noAllocate: true })).toEqual([false, true, false, false]);
  });

  it('stops at the first page that is clean, when only dirty ones are wanted, which count as clean from then on', () => {
    //     page   0        1                   2      3
    //            dirty    modified by a store clean  dirty
    const { bench, file } = resident(4);
    bench.uvm.pages.clearFlags(file.lookup(asOffset(0)), PG_CLEAN);
    bench.uvm.pages.clearFlags(file.lookup(asOffset(3 * PAGE_SIZE)), PG_CLEAN);
    faultAt(bench, 1, PROT_WRITE);
    expect(find(bench, file, { dirtyOnly: true, noAllocate: true })).toEqual([true, true, false, false]);
    const clean = [0, 1, 2, 3].map((page) => bench.uvm.pages.flags(file.lookup(asOffset(page * PAGE_SIZE))) & PG_CLEAN);
    expect(clean).toEqual([PG_CLEAN, PG_CLEAN, PG_CLEAN, 0]);
    expect(bench.machine.pmapIsModified(file.lookup(asOffset(PAGE_SIZE)))).toBe(false);
  });

  it('waits for a page that is busy, and finds the one that is there afterwards', () => {
    const { bench, file } = resident(1);
    const page = file.lookup(asOffset(0));
    bench.uvm.pages.setFlags(page, PG_BUSY);
    let slots: PageSlot[] = [];
    startThread(bench.kern, function* () {
      slots = [PGO_WANTED_PAGE];
      yield* file.lock.enter();
      yield* bench.uvm.uvnFindpages(file, asOffset(0), slots, {});
      yield* file.lock.exit();
    });
    startThread(bench.kern, function* () {
      yield* file.lock.enter();
      yield* bench.uvm.uvmPageUnbusyOne(page);
      yield* file.lock.exit();
    });
    expect(counted(bench.uvm, () => bench.kern.scheduler.run())).toEqual({ fltpgwait: 1 });
    expect(slots).toEqual([page]);
  });

  it('waits for memory with nothing locked', () => {
    const { bench, file } = resident(1);
    const taken = leaveFree(bench, 0);
    bench.run(() => bench.uvm.uvmVnodeTruncate(file, 2 * PAGE_SIZE));
    let found = 0;
    startThread(bench.kern, function* () {
      yield* file.lock.enter();
      found = yield* bench.uvm.uvnFindpages(file, asOffset(PAGE_SIZE), [PGO_WANTED_PAGE], {});
      yield* file.lock.exit();
    });
    startThread(bench.kern, function* () {
      expect(file.lock.owned).toBe(false);
      yield* freePages(bench.uvm, taken);
    });
    bench.kern.scheduler.run();
    expect(found).toBe(1);
  });
});

describe('references to a vnode', () => {
  it('keep it; its pages stay for the next user after the last one', () => {
    const { bench, file } = resident(2);
    bench.run(() => file.reference(bench.uvm));
    expect(file.references).toBe(3);
    bench.run(function* () {
      yield* bench.remove(0, 2);
      yield* file.detach(bench.uvm);
      yield* file.detach(bench.uvm);
    });
    expect([file.references, bench.uvm.uvmexp.filepages, bench.uvm.objects.has(file)]).toEqual([0, 2, true]);
  });

  it('count its pages as those of a program, from when it is mapped executable to the last one', () => {
    const { bench, file } = resident(3);
    const { uvm, map } = bench;
    const counts = (): number[] => [uvm.uvmexp.filepages, uvm.uvmexp.execpages];
    expect(counts()).toEqual([3, 0]);
    bench.run(() => uvm.uvmMapProtect(map, bench.at(0), bench.at(1), PROT_READ | PROT_EXEC, { setMax: false }));
    expect(counts(), 'all of them, not only what is executable').toEqual([0, 3]);
    bench.expectSound();
    bench.run(() => uvm.uvmVnodeTruncate(file, PAGE_SIZE));
    bench.run(() => bench.remove(0, 3));
    expect(counts()).toEqual([0, 1]);
    bench.run(() => file.detach(uvm));
    expect(counts()).toEqual([1, 0]);
  });

  it('count its pages as those of a program when it is mapped so by mmap', () => {
    const { bench, file } = resident(3);
    const { uvm } = bench;
    const request = {
      hint: bench.at(8),
      size: PAGE_SIZE,
      protection: PROT_READ | PROT_EXEC,
      maxProtection: PROT_ALL,
      flags: MAP_PRIVATE,
      vnode: file,
      offset: 0,
      advice: MADV_NORMAL,
      sizeLimit: Number.POSITIVE_INFINITY,
      wireLimit: 0,
    };
    expect(bench.run(() => uvm.uvmMmap(bench.map, request))).toBe(bench.at(8));
    expect([uvm.uvmexp.filepages, uvm.uvmexp.execpages]).toEqual([0, 3]);
    bench.expectSound();
  });

  it('are the last to hold a file that has lost its name: then it goes, with its pages', () => {
    const { bench, file } = resident(2);
    file.unlinked = true;
    bench.run(() => file.detach(bench.uvm));
    expect(bench.uvm.objects.has(file), 'it is still mapped').toBe(true);
    bench.run(() => bench.remove(0, 2));
    expect([bench.uvm.objects.has(file), bench.uvm.uvmexp.filepages]).toEqual([false, 0]);
    expect(bench.uvm.uvmexp.free).toBe(64);
  });

  it('cannot be dropped more often than they were taken', () => {
    const { bench, file } = resident(1);
    file.references = 0;
    expect(bench.panicOf(() => file.detach(bench.uvm))).toBe('kernel diagnostic assertion "vp->v_usecount > 0" failed');
  });

  it('of a file without a name go only when nobody brings pages in any more', () => {
    //     T1  fault: reads ──────────────────> gives up: nothing is mapped there any more
    //     T2         munmap, the last reference ──> waits for T1, frees its page
    const bench = new Bench();
    const file = bench.newFile(4);
    bench.run(() => bench.putFile(0, 4, file, 0));
    file.unlinked = true;
    bench.uvm.vnodeReferrers.length = 0;
    bench.run(() => file.detach(bench.uvm));
    startThread(bench.kern, function* () {
      expect(yield* bench.uvm.uvmFault(bench.map, bench.at(0), PROT_READ)).toBeGreaterThan(0);
    });
    startThread(bench.kern, () => bench.remove(0, 4));
    if (BUILD === 'direct') {
      expect(thrownBy(Deadlock, () => bench.kern.scheduler.run()).message).toContain('g_glock');
      return;
    }
    bench.kern.scheduler.run();
    expect(bench.uvm.uvmexp.free).toBe(64);
    expect(bench.uvm.objects.size).toBe(0);
    bench.expectSound();
  });

  it('of a file without a name wait even for who waits for memory, and would bring a page in afterwards', () => {
    const bench = new Bench();
    const file = bench.newFile(1);
    bench.run(() => bench.putFile(0, 1, file, 0));
    file.unlinked = true;
    bench.uvm.vnodeReferrers.length = 0;
    bench.run(() => file.detach(bench.uvm));
    const taken = leaveFree(bench, 0);
    startThread(bench.kern, function* () {
      expect(yield* bench.uvm.uvmFault(bench.map, bench.at(0), PROT_READ)).toBeGreaterThan(0);
    });
    startThread(bench.kern, () => bench.remove(0, 1));
    startThread(bench.kern, function* () {
      yield* freePages(bench.uvm, taken);
    });
    if (BUILD === 'direct') {
      expect(thrownBy(Deadlock, () => bench.kern.scheduler.run()).message).toContain('g_glock');
      return;
    }
    bench.kern.scheduler.run();
    expect([bench.uvm.uvmexp.free, bench.uvm.uvmexp.filepages, bench.uvm.objects.size]).toEqual([64, 0, 0]);
    bench.expectSound();
  });
});

describe('getting and putting', () => {
  it('want the object locked', () => {
    const { bench, file } = resident(1);
    const slots = [PGO_WANTED_PAGE];
    const request = { offset: asOffset(0), slots, center: 0, access: PROT_READ, advice: 0, flags: 0 };
    const owned = 'kernel diagnostic assertion "mutex_owned(uobj->vmobjlock)" failed';
    expect(bench.panicOf(() => file.get(bench.uvm, request))).toBe(owned);
    const other = resident(1);
    expect(other.bench.panicOf(() => other.file.put(other.bench.uvm, asOffset(0), asOffset(0), 0))).toBe(owned);
  });
});

describe('the size of a vnode', () => {
  it('that shrinks takes the pages behind the new end away first; the one in which it lies stays', () => {
    const { bench, file } = resident(4);
    for (const page of [0, 1, 2, 3]) faultAt(bench, page, PROT_READ);
    bench.run(function* () {
      yield* file.nodeLock.enter('write');
      yield* bench.uvm.uvmVnpSetsize(file, PAGE_SIZE + 1);
      yield* file.nodeLock.exit();
    });
    expect(file.size).toBe(PAGE_SIZE + 1);
    expect(mappedPages(bench, 0, 4)).toEqual([0, 1]);
    expect(bench.uvm.uvmexp.filepages).toBe(2);
  });

  it('that grows has no pages yet', () => {
    const { bench, file } = resident(1);
    bench.run(() => bench.uvm.uvmVnpSetsize(file, 8 * PAGE_SIZE));
    expect([file.size, file.writeSize, bench.uvm.uvmexp.filepages]).toEqual([8 * PAGE_SIZE, 8 * PAGE_SIZE, 1]);
  });

  it('is measured with the write in progress when it shrinks', () => {
    const bench = new Bench();
    const file = bench.newFile(1);
    bench.run(() => bench.uvm.uvmVnpSetwritesize(file, 3 * PAGE_SIZE));
    expect([file.size, file.writeSize]).toEqual([PAGE_SIZE, 3 * PAGE_SIZE]);
    bench.run(function* () {
      yield* file.lock.enter();
      const page = yield* bench.uvm.uvmPagealloc(file, asOffset(2 * PAGE_SIZE), null, 0);
      bench.uvm.pages.clearFlags(page, PG_BUSY | PG_FAKE);
      bench.uvm.uvmPageOwn(page, null);
      yield* file.lock.exit();
      yield* bench.uvm.uvmVnpSetsize(file, PAGE_SIZE);
    });
    expect(bench.uvm.uvmexp.filepages, 'what a failed write left is gone').toBe(0);
  });
});
