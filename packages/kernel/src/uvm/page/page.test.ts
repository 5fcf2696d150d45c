import { describe, expect, it } from 'vitest';
import { FailAt, leaveFree } from '../../../test/faults.js';
import { Bench } from '../../../test/maps.js';
import type { Step } from '../../kern/switch.js';
import { asOffset, asPfn, type Pfn } from '../../machine/address.js';
import type { Anon } from '../anon/anon.js';
import type { Uvm } from '../uvm.js';
import {
  NO_PAGE,
  PG_BUSY,
  PG_CLEAN,
  PG_FAKE,
  PG_PAGEOUT,
  PG_TABLED,
  PQ_ANON,
  PQ_FREE,
  UVM_PGA_USERESERVE,
  UVM_PGA_ZERO,
} from './page-array.js';

const failed = (expression: string): string => `kernel diagnostic assertion "${expression}" failed`;

/** A page that belongs to nobody. */
function* nobodysPage(uvm: Uvm, flags = 0): Step<Pfn> {
  return yield* uvm.uvmPagealloc(null, asOffset(0), null, flags);
}

/** Does something with the page queues locked. */
function* queuesLocked(uvm: Uvm, job: () => Step<void>): Step<void> {
  yield* uvm.pageqLock.enter();
  yield* job();
  yield* uvm.pageqLock.exit();
}

/** An anon that somebody holds, and its amap's lock with it. */
function* lockedAnon(bench: Bench): Step<Anon> {
  yield* bench.put(0, 1);
  yield* bench.write(0, 1);
  const amap = bench.amapAt(0);
  yield* amap.lock.enter();
  const anon = bench.uvm.uvmAnalloc(amap.lock);
  if (anon === null) throw new Error('there is no anon to be had');
  return anon;
}

describe('boot', () => {
  it('puts all of RAM on the free list, the lowest page first', () => {
    const { uvm } = new Bench({ ramPages: 16 });
    expect(uvm.freeList.toArray()).toEqual(Array.from({ length: 16 }, (_, i) => i));
    expect(uvm.uvmexp).toMatchObject({ npages: 16, free: 16, reserve_kernel: 5, reserve_pagedaemon: 1 });
  });

  const tuned: [ram: number, cpus: number, freemin: number, freetarg: number][] = [
    // Of a small machine a sixteenth; one page is for others than the kernel in any case.
    [16, 1, 6, 8],
    [64, 2, 6, 8],
    [256, 1, 16, 21],
    // 1/200 of RAM, but at least 128 KiB and at most 1 MiB, for each processor.
    [512, 1, 32, 42],
    [4096, 2, 64, 85],
    [20_000, 1, 100, 133],
    [100_000, 1, 256, 341],
  ];
  for (const [ramPages, cpus, freemin, freetarg] of tuned) {
    it(`aims at ${freemin} to ${freetarg} free pages of ${ramPages} with ${cpus} processors; a third of all may be wired`, () => {
      const { uvmexp } = new Bench({ ramPages, cpus }).uvm;
      expect(uvmexp).toMatchObject({ freemin, freetarg, wiredmax: Math.floor(ramPages / 3) });
    });
  }
});

describe('allocating a page', () => {
  it('gives the first free one: busy, clean and fake, owned, on no queue', () => {
    const bench = new Bench();
    const { uvm } = bench;
    const file = bench.newFile(4);
    const page = bench.run(function* () {
      yield* file.lock.enter();
      const got = yield* uvm.uvmPagealloc(file, asOffset(8192), null, 0);
      yield* file.lock.exit();
      return got;
    });
    expect(page).toBe(0);
    expect(uvm.pages.flags(page)).toBe(PG_BUSY | PG_CLEAN | PG_FAKE | PG_TABLED);
    expect(uvm.pages.pqflags(page)).toBe(0);
    expect(file.lookup(asOffset(8192))).toBe(page);
    expect(uvm.uvmexp).toMatchObject({ free: 63, filepages: 1, anonpages: 0 });
    expect(uvm.busyOwners.get(page)).toEqual({ lwp: '1.1', tag: 'uvmPagealloc' });
  });

  it('gives an anon its page', () => {
    const bench = new Bench();
    const anon = bench.run(function* () {
      const made = yield* lockedAnon(bench);
      yield* bench.uvm.uvmPagealloc(null, asOffset(0), made, 0);
      yield* bench.amapAt(0).lock.exit();
      return made;
    });
    expect(bench.uvm.pages.uanon(anon.page)).toBe(anon);
    expect(bench.uvm.pages.pqflags(anon.page)).toBe(PQ_ANON);
    expect(bench.uvm.uvmexp.anonpages).toBe(2);
  });

  it('gives zeros when asked, which are not clean: nobody has them stored anywhere', () => {
    const bench = new Bench();
    bench.machine.ram.bytes.fill(0xff);
    const page = bench.run(() => nobodysPage(bench.uvm, UVM_PGA_ZERO));
    expect(bench.machine.ram.page(page).every((byte) => byte === 0)).toBe(true);
    expect(bench.uvm.pages.flags(page)).toBe(PG_BUSY | PG_FAKE);
    const other = bench.run(() => nobodysPage(bench.uvm));
    expect(
      bench.machine.ram.page(other).every((byte) => byte === 0xff),
      'and not when not',
    ).toBe(true);
  });

  it('leaves the last pages to the kernel, and the very last to the page daemon', () => {
    const bench = new Bench();
    const { uvm } = bench;
    leaveFree(bench, 0);
    expect(uvm.uvmexp.free).toBe(5);
    expect(bench.run(() => nobodysPage(uvm))).toBe(NO_PAGE);
    for (const left of [4, 3, 2, 1]) {
      expect(bench.run(() => nobodysPage(uvm, UVM_PGA_USERESERVE))).not.toBe(NO_PAGE);
      expect(uvm.uvmexp.free).toBe(left);
    }
    expect(bench.run(() => nobodysPage(uvm, UVM_PGA_USERESERVE))).toBe(NO_PAGE);
  });

  it('fails when the environment says so, and leaves everything as it was', () => {
    const strategy = new FailAt();
    const bench = new Bench({ strategy });
    strategy.left.set('page.alloc', 1);
    expect(bench.run(() => nobodysPage(bench.uvm))).toBe(NO_PAGE);
    expect(bench.uvm.uvmexp.free).toBe(64);
    expect(bench.uvm.freeLock.owned).toBe(false);
    bench.expectSound();
  });

  it('asserts one owner at most, which is locked, and that the page was free', () => {
    const bench = new Bench();
    const { uvm } = bench;
    const file = bench.newFile(1);
    expect(bench.panicOf(() => uvm.uvmPagealloc(file, asOffset(0), null, 0))).toBe(
      failed('obj == NULL || mutex_owned(obj->vmobjlock)'),
    );
    const anons = new Bench();
    const twoOwners = function* (): Step<void> {
      const anon = yield* lockedAnon(anons);
      yield* anons.uvm.uvmPagealloc(anons.newFile(1), asOffset(0), anon, 0);
    };
    expect(anons.panicOf(twoOwners)).toBe(failed('obj == NULL || anon == NULL'));
    const unlocked = new Bench();
    const noLock = function* (): Step<void> {
      const anon = yield* lockedAnon(unlocked);
      yield* unlocked.amapAt(0).lock.exit();
      yield* unlocked.uvm.uvmPagealloc(null, asOffset(0), anon, 0);
    };
    expect(unlocked.panicOf(noLock)).toBe(failed('anon == NULL || mutex_owned(anon->an_lock)'));
    const corrupt = new Bench();
    corrupt.uvm.pages.setFlags(asPfn(0), PG_CLEAN);
    expect(corrupt.panicOf(() => nobodysPage(corrupt.uvm))).toBe(failed('pg->flags == 0'));
  });

  it('asserts that an object has one page at an offset, and a page one place in an object', () => {
    const bench = new Bench();
    const file = bench.newFile(2);
    const twice = function* (): Step<void> {
      yield* file.lock.enter();
      yield* bench.uvm.uvmPagealloc(file, asOffset(0), null, 0);
      yield* bench.uvm.uvmPagealloc(file, asOffset(0), null, 0);
    };
    expect(bench.panicOf(twice)).toBe(failed('no page at this offset of the object'));
    const tabled = new Bench();
    const other = tabled.newFile(2);
    const inserted = function* (): Step<void> {
      yield* other.lock.enter();
      const page = yield* tabled.uvm.uvmPagealloc(other, asOffset(0), null, 0);
      tabled.uvm.pages.setOwner(page, other, null, asOffset(4096));
      tabled.uvm.uvmPageinsert(other, page);
    };
    expect(tabled.panicOf(inserted)).toBe(failed('(pg->flags & PG_TABLED) == 0'));
  });
});

describe('freeing a page', () => {
  it('makes it the first to be used again, with nothing left of what it was', () => {
    const bench = new Bench();
    const { uvm } = bench;
    const file = bench.newFile(1);
    bench.run(function* () {
      yield* bench.putFile(0, 1, file, 0);
      yield* bench.read(0);
      yield* file.lock.enter();
      yield* uvm.uvmPageDiscard(file.lookup(asOffset(0)));
      yield* file.lock.exit();
    });
    expect(uvm.freeList.head).toBe(0);
    expect([uvm.pages.flags(asPfn(0)), uvm.pages.pqflags(asPfn(0))]).toEqual([0, PQ_FREE]);
    expect(file.lookup(asOffset(0))).toBe(NO_PAGE);
    expect(uvm.uvmexp).toMatchObject({ free: 64, filepages: 0, active: 0 });
    bench.expectSound();
  });

  it('takes all wirings of a wired page away', () => {
    const bench = new Bench();
    const { uvm } = bench;
    bench.run(function* () {
      const page = yield* nobodysPage(uvm);
      yield* queuesLocked(uvm, function* () {
        uvm.uvmPagewire(page);
        uvm.uvmPagewire(page);
        yield* uvm.uvmPagefree(page);
      });
    });
    expect(uvm.uvmexp.wired).toBe(0);
    bench.expectSound();
  });

  const wrong: [what: string, expression: string, prepare: (uvm: Uvm, page: Pfn) => void][] = [
    ['that is being paged out', '(pg->flags & PG_PAGEOUT) == 0', (uvm, page) => uvm.pages.setFlags(page, PG_PAGEOUT)],
    ['that is free', '!(pg->pqflags & PQ_FREE)', (uvm, page) => uvm.pages.setPqflags(page, PQ_FREE)],
  ];
  for (const [what, expression, prepare] of wrong) {
    it(`panics for a page ${what}`, () => {
      const bench = new Bench();
      const { uvm } = bench;
      const job = function* (): Step<void> {
        const page = yield* nobodysPage(uvm);
        prepare(uvm, page);
        yield* queuesLocked(uvm, () => uvm.uvmPagefree(page));
      };
      expect(bench.panicOf(job)).toBe(failed(expression));
    });
  }

  it('panics without the locks of the queues and of the owner', () => {
    const bench = new Bench();
    const queues = function* (): Step<void> {
      yield* bench.uvm.uvmPagefree(yield* nobodysPage(bench.uvm));
    };
    expect(bench.panicOf(queues)).toBe(failed('mutex_owned(&uvm_pageqlock)'));
    const anonymous = new Bench();
    const noAnonLock = function* (): Step<void> {
      yield* anonymous.put(0, 1);
      yield* anonymous.write(0, 1);
      yield* queuesLocked(anonymous.uvm, () => anonymous.uvm.uvmPagefree(anonymous.pageOf(0)));
    };
    expect(anonymous.panicOf(noAnonLock)).toBe(failed('anon == NULL || mutex_owned(anon->an_lock)'));
    const ofFile = new Bench();
    const noFileLock = function* (): Step<void> {
      yield* ofFile.putFile(0, 1, ofFile.newFile(1), 0);
      yield* ofFile.read(0);
      yield* queuesLocked(ofFile.uvm, () => ofFile.uvm.uvmPagefree(ofFile.pageOf(0)));
    };
    expect(ofFile.panicOf(noFileLock)).toBe(failed('uobj == NULL || mutex_owned(uobj->vmobjlock)'));
  });

  it('panics when the object has another page in its place', () => {
    const bench = new Bench();
    const file = bench.newFile(1);
    const job = function* (): Step<void> {
      yield* bench.putFile(0, 1, file, 0);
      yield* bench.read(0);
      const page = bench.pageOf(0);
      yield* file.lock.enter();
      file.pages.set(0, page + 2);
      yield* bench.uvm.uvmPageDiscard(page);
    };
    expect(bench.panicOf(job)).toBe(failed('the page is in its object'));
  });
});
