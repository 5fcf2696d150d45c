/** What the page daemon does with victims. */
import { describe, expect, it } from 'vitest';
import { counted, logged, UnreliableFile } from '../../../test/faults.js';
import { PRIVATE, RW, SHARED } from '../../../test/maps.js';
import { DaemonBench } from '../../../test/pagedaemon.js';
import { queueOf } from '../../../test/queues.js';
import { startThread } from '../../../test/threads.js';
import { EIO, ENOMEM } from '../../kern/errno.js';
import { pause } from '../../kern/sleepq.js';
import { PAGE_SIZE } from '../../machine/address.js';
import { PROT_READ } from '../../machine/protection.js';
import { NO_PAGE, PG_BUSY, PG_CLEAN, PQ_ANON } from '../page/page-array.js';

const failed = (expression: string): string => `kernel diagnostic assertion "${expression}" failed`;

/** A bench on which pages [0, count) are stored to, and seem not to be used. */
function idlePages(count: number, slots: readonly number[] = [16]): DaemonBench {
  const bench = new DaemonBench(slots);
  bench.run(function* () {
    yield* bench.put(0, count);
    for (let page = 0; page < count; page++) yield* bench.write(page, 10 + page);
    yield* bench.deactivate(0, count);
  });
  return bench;
}

describe('an anonymous page that nobody uses', () => {
  it('is written to swap with the others in one cluster, and free when that is done', () => {
    const bench = idlePages(3);
    const events = logged(bench.kern, 'swap-out', () => {
      const effects = counted(bench.uvm, () => bench.run(() => bench.scan()));
      expect(effects).toMatchObject({
        pdrevs: 1,
        pdscans: 3,
        pdanscan: 3,
        pdpending: 3,
        pdpageouts: 1,
        pdfreed: 3,
        pgswapout: 3,
      });
    });
    expect(events).toEqual([{ kind: 'swap-out', slot: 2, pages: 3, errno: 0 }]);
    expect([bench.resident(0, 3), bench.counts, bench.uvm.uvmexp.paging]).toEqual([[], { inUse: 3, only: 3, bad: 0 }, 0]);
    bench.expectSound();
    expect(bench.run(() => bench.read(1))).toBe(11);
  });

  it('is written in clusters of 16 pages, of which the last is as large as need be', () => {
    const bench = idlePages(20, [32]);
    const events = logged(bench.kern, 'swap-out', () => bench.run(() => bench.scan()));
    expect(events.map(({ slot, pages }) => [slot, pages])).toEqual([
      [2, 16],
      [18, 4],
    ]);
    expect(bench.counts).toEqual({ inUse: 20, only: 20, bad: 0 });
  });

  it('is written alone when there is no room for a cluster', () => {
    const bench = idlePages(2, [4]);
    const events = logged(bench.kern, 'swap-out', () => bench.run(() => bench.scan()));
    expect(events.map(({ pages }) => pages)).toEqual([1, 1]);
  });

  it('is left alone once there are enough free pages', () => {
    const bench = idlePages(3);
    bench.run(() => bench.scan(2));
    expect(bench.resident(0, 3), 'the first to be idle go first').toEqual([2]);
  });

  it('is only freed when swap has a copy of it already', () => {
    const bench = idlePages(1);
    bench.run(function* () {
      yield* bench.scan();
      yield* pause(bench.kern.scheduler, 'test', 1);
      expect(yield* bench.read(0)).toBe(10);
      yield* bench.deactivate(0);
      expect(bench.counts).toEqual({ inUse: 1, only: 0, bad: 0 });
    });
    const effects = counted(bench.uvm, () => bench.run(() => bench.scan()));
    expect(effects).toEqual({ pdrevs: 1, pdscans: 1, pdanscan: 1, pdfreed: 1 });
    expect(bench.counts).toEqual({ inUse: 1, only: 1, bad: 0 });
    bench.expectSound();
  });

  it('gets a slot anew when it was stored to since it was in the old one, which is free then', () => {
    const bench = idlePages(1);
    bench.run(function* () {
      yield* bench.scan();
      yield* pause(bench.kern.scheduler, 'test', 1);
      yield* bench.write(0, 99);
      yield* bench.deactivate(0);
      yield* bench.scan();
    });
    expect([bench.anonAt(0).swapSlot, bench.counts]).toEqual([2, { inUse: 1, only: 1, bad: 0 }]);
    expect(bench.run(() => bench.read(0))).toBe(99);
  });

  it('stays, active, when swap is full; of such pages a scan looks at 16', () => {
    const bench = idlePages(20, []);
    const effects = counted(bench.uvm, () => bench.run(() => bench.scan()));
    expect(effects).toMatchObject({ pdscans: 16, pdanscan: 16 });
    expect(bench.resident(0, 20)).toHaveLength(20);
    expect(bench.uvm.uvmexp).toMatchObject({ paging: 0, free: 44 });
    bench.expectSound();
  });

  it('stays, and can go another time, when the write finds no memory', () => {
    const bench = idlePages(1);
    bench.disk().writeErrno = ENOMEM;
    bench.run(() => bench.scan());
    expect([bench.resident(0, 1), bench.counts, bench.uvm.uvmexp.paging]).toEqual([[0], { inUse: 0, only: 0, bad: 0 }, 0]);
    bench.expectSound();
    bench.disk().writeErrno = 0;
    bench.run(function* () {
      yield* bench.deactivate(0);
      yield* bench.scan();
    });
    expect(bench.resident(0, 1)).toEqual([]);
    expect(bench.run(() => bench.read(0))).toBe(10);
  });

  it('of an object goes to swap as those of anons do', () => {
    const bench = new DaemonBench();
    const { uvm } = bench;
    const object = bench.run(() => uvm.uaoCreate(4 * PAGE_SIZE, 'segment'));
    uvm.vnodeReferrers.push({ heldReferences: (held) => ((held as object) === object ? 1 : 0) });
    bench.run(function* () {
      yield* object.reference(uvm);
      yield* bench.put(0, 2, { flags: 0, object });
      yield* bench.write(0, 5);
      yield* bench.write(1, 6);
      yield* bench.deactivate(0, 2);
    });
    const effects = counted(uvm, () => bench.run(() => bench.scan()));
    expect(effects).toMatchObject({ pdobscan: 2, pdpending: 2, pdpageouts: 1, pdfreed: 2 });
    expect([uvm.uaoFindSwslot(object, 0), uvm.uaoFindSwslot(object, 1), bench.residentOf(object, 2)]).toEqual([2, 3, []]);
    expect(bench.run(() => bench.read(1))).toBe(6);
    bench.expectSound();
  });
});

describe('a victim', () => {
  it('that was used since it became inactive is active again', () => {
    const bench = idlePages(2);
    bench.run(() => bench.read(0));
    bench.machine.pmapEnter(bench.map.pmap, bench.at(0), (bench.pageOf(0) * PAGE_SIZE) as never, PROT_READ, PROT_READ);
    bench.run(() => bench.scan());
    expect(bench.resident(0, 2)).toEqual([0]);
  });

  it('that is busy is left alone', () => {
    const bench = idlePages(1);
    const { pages } = bench.uvm;
    const page = bench.pageOf(0);
    pages.setFlags(page, PG_BUSY);
    const effects = counted(bench.uvm, () => bench.run(() => bench.scan()));
    expect(effects).toMatchObject({ pdscans: 1, pdbusy: 1 });
    expect(effects).not.toHaveProperty('pdanscan');
    pages.clearFlags(page, PG_BUSY);
    bench.expectSound();
  });

  it('whose owner is locked is left alone, until it is not', () => {
    const bench = idlePages(1);
    const { lock } = bench.amapAt(0);
    startThread(bench.kern, function* () {
      yield* lock.enter();
      bench.kern.scheduler.spawn(() => bench.scan());
      yield* pause(bench.kern.scheduler, 'test', 1);
      expect(bench.uvm.pagedaemon.notLocked).toBe(1);
      yield* lock.exit();
    });
    bench.kern.scheduler.run();
    expect(bench.resident(0, 1)).toEqual([0]);
    bench.run(() => bench.scan());
    expect(bench.resident(0, 1)).toEqual([]);
  });

  it('that its object has given up, and an anon has on loan, becomes the anon’s', () => {
    const bench = idlePages(1);
    const { pages, uvmexp } = bench.uvm;
    const page = bench.pageOf(0);
    pages.clearPqflags(page, PQ_ANON);
    pages.setLoanCount(page, 1);
    uvmexp.anonpages--;
    bench.run(function* () {
      yield* bench.uvm.pageqLock.enter();
      const lock = yield* bench.uvm.uvmpdTrylockowner(page);
      expect(lock).toBe(bench.amapAt(0).lock);
      yield* lock?.exit() ?? pause(bench.kern.scheduler, 'never', 1);
      yield* bench.uvm.pageqLock.exit();
    });
    expect([pages.pqflags(page) & PQ_ANON, pages.loanCount(page)]).toEqual([PQ_ANON, 0]);
    bench.expectSound();
  });

  it('is never wired, and always queued: the daemon asserts it', () => {
    const wired = idlePages(1);
    wired.uvm.pages.setWireCount(wired.pageOf(0), 1);
    expect(wired.panicOf(() => wired.scan())).toBe(failed('p->wire_count == 0'));
    const unqueued = idlePages(1);
    const { policy } = unqueued.uvm;
    policy.isQueued = () => false;
    expect(unqueued.panicOf(() => unqueued.scan())).toBe(failed('uvmpdpol_pageisqueued_p(p)'));
  });

  it('that is clean has a copy on swap: the daemon asserts it', () => {
    const bench = idlePages(1);
    const page = bench.pageOf(0);
    bench.machine.pmapClearModify(page);
    bench.uvm.pages.setFlags(page, PG_CLEAN);
    expect(bench.panicOf(() => bench.scan())).toBe(failed('anon->an_swslot != 0'));
  });

  it('belongs to somebody: the daemon asserts it', () => {
    const bench = idlePages(1);
    const page = bench.pageOf(0);
    bench.uvm.pages.setOwner(page, null, null, bench.uvm.pages.offset(page));
    expect(bench.panicOf(() => bench.scan())).toBe(failed('anon != NULL'));
  });
});

describe('when all slots are in use', () => {
  it('pages in memory lose those that they could do without', () => {
    const bench = idlePages(4, [4]);
    const { uvm } = bench;
    bench.run(function* () {
      yield* bench.scan();
      yield* pause(bench.kern.scheduler, 'test', 1);
      for (let page = 0; page < 3; page++) yield* bench.read(page);
    });
    expect(bench.counts).toEqual({ inUse: 4, only: 1, bad: 0 });
    uvm.uvmexp.freetarg = uvm.uvmexp.free + 2;
    bench.run(() => bench.scan());
    expect(bench.counts, 'as many as pages are wanted').toEqual({ inUse: 2, only: 1, bad: 0 });
    expect([0, 1, 2, 3].map((page) => bench.anonAt(page).swapSlot > 0)).toEqual([false, false, true, true]);
    bench.expectSound();
  });
});

describe('a page of a file', () => {
  /** A bench with a file of eight pages, mapped shared, of which all are in memory and some stored to. */
  function withFile(stored: readonly number[]): {
    bench: DaemonBench;
    rests: UnreliableFile;
    file: ReturnType<DaemonBench['newFile']>;
  } {
    const bench = new DaemonBench();
    const rests = new UnreliableFile('file', new Uint8Array(8 * PAGE_SIZE).fill(1));
    const file = bench.uvm.uvmVnodeCreate(rests);
    bench.uvm.vnodeReferrers.push({ heldReferences: (held) => (held === file ? 1 : 0) });
    bench.run(function* () {
      yield* bench.putFile(0, 8, file, 0, { protection: RW });
      for (let page = 0; page < 8; page++) yield* bench.read(page);
      for (const page of stored) yield* bench.write(page, 50 + page);
    });
    return { bench, rests, file };
  }

  it('is freed at once when it is clean', () => {
    const { bench, file } = withFile([]);
    const effects = counted(bench.uvm, () =>
      bench.run(function* () {
        yield* bench.deactivate(2, 4);
        yield* bench.scan();
      }),
    );
    expect(effects).toMatchObject({ pdscans: 2, pdobscan: 2, pdfreed: 2 });
    expect(bench.residentOf(file, 8)).toEqual([0, 1, 4, 5, 6, 7]);
    bench.expectSound();
    expect(bench.run(() => bench.read(3))).toBe(1);
  });

  it('is written first when it is dirty, and the dirty pages around it with it, which stay', () => {
    const { bench, rests, file } = withFile([1, 2, 3, 4, 6]);
    const events = logged(bench.kern, 'pageout', () =>
      bench.run(function* () {
        yield* bench.deactivate(3);
        yield* bench.scan();
      }),
    );
    expect(events.map(({ offset, pages, errno }) => [offset / PAGE_SIZE, pages, errno])).toEqual([[1, 4, 0]]);
    expect(bench.residentOf(file, 8)).toEqual([0, 1, 2, 4, 5, 6, 7]);
    expect(bench.uvm.uvmexp).toMatchObject({ pdfreed: 1, paging: 0, pgpgout: 4 });
    const bytes = new Uint8Array(1);
    rests.read(3 * PAGE_SIZE, bytes);
    expect(bytes[0]).toBe(53);
    bench.expectSound();
  });

  it('stays, dirty and active, when it cannot be written', () => {
    const { bench, rests, file } = withFile([3]);
    rests.writes.push(EIO);
    bench.run(function* () {
      yield* bench.deactivate(3);
      yield* bench.scan();
    });
    const page = bench.pageOf(3);
    expect(bench.residentOf(file, 8)).toHaveLength(8);
    expect(bench.uvm.pages.flags(page) & PG_CLEAN).toBe(0);
    expect(queueOf(bench.uvm, 'active').toArray()).toContain(page);
    expect(bench.uvm.uvmexp).toMatchObject({ paging: 0, pdfreed: 0 });
    bench.expectSound();
    bench.run(function* () {
      yield* bench.deactivate(3);
      yield* bench.scan();
    });
    expect(bench.residentOf(file, 8)).not.toContain(3);
    expect(bench.run(() => bench.read(3))).toBe(53);
  });

  it('that is private and was copied is not the copy', () => {
    const bench = new DaemonBench();
    const file = bench.newFile(1);
    bench.run(function* () {
      yield* bench.putFile(0, 1, file, 0, { flags: PRIVATE });
      yield* bench.read(0);
      yield* bench.write(0, 77);
    });
    const original = file.lookup(bench.uvm.pages.offset(bench.pageOf(0)));
    expect(original).not.toBe(NO_PAGE);
    bench.run(function* () {
      yield* bench.uvm.pageqLock.enter();
      bench.uvm.uvmPagedeactivate(original);
      yield* bench.uvm.pageqLock.exit();
      yield* bench.scan();
    });
    expect(bench.residentOf(file, 1)).toEqual([]);
    expect(bench.run(() => bench.read(0))).toBe(77);
    bench.expectSound();
  });
});

describe('shared anonymous memory', () => {
  it('goes out once for all who have it, and comes back for each', () => {
    const bench = new DaemonBench();
    const child = bench.run(function* () {
      yield* bench.put(0, 1, { flags: SHARED });
      yield* bench.write(0, 9);
      yield* bench.uvm.uvmMapInherit(bench.map, bench.at(0), bench.at(1), 0);
      const space = yield* bench.uvm.uvmspaceFork(bench.space);
      yield* bench.read(0, space.map);
      yield* bench.deactivate(0);
      yield* bench.scan();
      return space;
    });
    expect(bench.resident(0, 1)).toEqual([]);
    bench.run(() => bench.write(0, 10, child.map));
    expect(bench.run(() => bench.read(0))).toBe(10);
    bench.expectSound();
  });
});
