import { describe, expect, it } from 'vitest';
import {
  counted,
  faultAt,
  logged,
  mappedPages,
  rightsAt,
  SwitchOnce,
  UnreliableFile,
  unmapPages,
  vnodeOver,
} from '../../../test/faults.js';
import { Bench, PRIVATE, RW } from '../../../test/maps.js';
import { startThread, thrownBy } from '../../../test/threads.js';
import { EAGAIN, EINVAL, EIO, ENOSPC, ERESTART, type Errno } from '../../kern/errno.js';
import { Deadlock, HZ } from '../../kern/scheduler.js';
import { BUILD, type Step } from '../../kern/switch.js';
import { asOffset } from '../../machine/address.js';
import { RamFile } from '../../machine/file-store.js';
import { PROT_READ, PROT_WRITE } from '../../machine/protection.js';
import { type GetRequest, PGO_DONTCARE, PGO_LOCKED, PGO_WANTED_PAGE } from '../object/object.js';
import { PG_BUSY, PG_FAKE, PG_RDONLY, PG_RELEASED, UVM_PGA_ZERO } from '../page/page-array.js';
import type { UvmVnode } from '../vnode/vnode.js';

/** A bench with a file of 8 pages, which are read one by one, mapped shared at page 0 and not in memory. */
function fileBench(strategy?: SwitchOnce): { bench: Bench; file: UvmVnode } {
  const bench = new Bench({ blockSize: 4096, ...(strategy === undefined ? {} : { strategy }) });
  const file = bench.newFile(8);
  bench.run(() => bench.putFile(0, 8, file, 0));
  return { bench, file };
}

/** A fault on a page in one thread, and something else in the next; answers the errno of the fault. */
function faultWhile(bench: Bench, page: number, access: number, other: () => Step<unknown>): Errno {
  let errno: Errno = -1;
  startThread(bench.kern, function* () {
    errno = yield* bench.uvm.uvmFault(bench.map, bench.at(page), access);
  });
  startThread(bench.kern, function* () {
    yield* other();
  });
  bench.kern.scheduler.run();
  return errno;
}

describe('a fault that needs I/O', () => {
  it('answers the error of the file; the page is free again, and the next fault may do better', () => {
    const bench = new Bench();
    const store = new UnreliableFile('bad', new Uint8Array(4096).fill(1));
    const file = vnodeOver(bench, store);
    bench.run(() => bench.putFile(0, 1, file, 0));
    const { free } = bench.uvm.uvmexp;
    store.reads.push(EIO);
    expect(faultAt(bench, 0, PROT_READ)).toBe(EIO);
    expect(bench.uvm.uvmexp.free).toBe(free);
    expect(mappedPages(bench, 0, 1)).toEqual([]);
    bench.expectSound();
    expect(faultAt(bench, 0, PROT_READ)).toBe(0);
  });

  it('tries again after half a second when the file is busy, and takes a restart for an error', () => {
    const bench = new Bench();
    const store = new UnreliableFile('bad', new Uint8Array(4096).fill(1));
    const file = vnodeOver(bench, store);
    bench.run(() => bench.putFile(0, 1, file, 0));
    store.reads.push(EAGAIN);
    const before = bench.kern.scheduler.tick;
    expect(faultAt(bench, 0, PROT_READ)).toBe(0);
    expect(bench.kern.scheduler.tick - before).toBe(HZ / 2);
    unmapPages(bench, 0, 1);
    bench.run(() => bench.uvm.uvmVnodeTruncate(file, 0));
    bench.run(() => bench.uvm.uvmVnodeTruncate(file, 4096));
    store.reads.push(ERESTART);
    store.write(0, new Uint8Array(1));
    expect(faultAt(bench, 0, PROT_READ)).toBe(EIO);
    bench.expectSound();
  });

  it('leaves the errors of neighbours to who wants them', () => {
    const { bench, file } = fileBench();
    bench.run(() => bench.uvm.uvmVnodeTruncate(file, 3 * 4096));
    expect(faultAt(bench, 2, PROT_READ)).toBe(0);
    expect(mappedPages(bench, 0, 8)).toEqual([2]);
    expect(faultAt(bench, 3, PROT_READ)).toBe(EINVAL);
  });

  it('starts again when the map has changed meanwhile, with what is mapped there by then', () => {
    //     T1  faults on page 4 of the file ─── reads ───────────> looks once more: zero fill
    //     T2                               maps anonymous memory over it
    const { bench, file } = fileBench();
    let errno: Errno = -1;
    let restarts: unknown[] = [];
    const effects = counted(bench.uvm, () => {
      restarts = logged(bench.kern, 'fault-restart', () => {
        errno = faultWhile(bench, 4, PROT_READ, function* () {
          yield* bench.remove(4, 5);
          yield* bench.put(4, 5);
        });
      });
    });
    expect(errno).toBe(0);
    expect(restarts).toHaveLength(1);
    expect(effects).toMatchObject({ faults: 1, fltget: 1, fltrelck: 1, flt_przero: 1, pgpgin: 1 });
    expect(effects.fltrelckok).toBeUndefined();
    expect(bench.run(() => bench.read(4))).toBe(0);
    expect(file.lookup(asOffset(4 * 4096)), 'the page was brought in all the same').toBeGreaterThanOrEqual(0);
    bench.expectSound();
  });

  it('starts again even when the change was elsewhere in the map, and then finds the page in memory', () => {
    const { bench } = fileBench();
    const effects = counted(bench.uvm, () => {
      expect(faultWhile(bench, 4, PROT_READ, () => bench.put(20, 21))).toBe(0);
    });
    expect(effects).toMatchObject({ fltget: 1, fltlget: 2, fltrelck: 1, flt_obj: 1, pgpgin: 1 });
    expect(bench.run(() => bench.read(4))).toBe(5);
    bench.expectSound();
  });

  it('fails when the mapping is gone by then', () => {
    const { bench } = fileBench();
    expect(faultWhile(bench, 4, PROT_READ, () => bench.remove(0, 8))).toBeGreaterThan(0);
    bench.expectSound();
  });

  it('starts again when the upper layer got a page there meanwhile', () => {
    const bench = new Bench({ blockSize: 4096 });
    const file = bench.newFile(2);
    bench.run(function* () {
      yield* bench.putFile(0, 2, file, 0, { flags: PRIVATE });
      yield* bench.write(1, 99);
    });
    const relock = bench.uvm.uvmfaultRelock;
    bench.uvm.uvmfaultRelock = function* (fault) {
      bench.uvm.uvmfaultRelock = relock;
      const locked = yield* relock.call(this, fault);
      const amap = bench.amapAt(0);
      yield* amap.lock.enter();
      const anon = this.uvmAnalloc(amap.lock);
      if (anon === null) throw new Error('there is no anon to be had');
      yield* this.uvmPagealloc(null, asOffset(0), anon, UVM_PGA_ZERO);
      this.pages.clearFlags(anon.page, PG_BUSY | PG_FAKE);
      this.uvmPageOwn(anon.page, null);
      yield* this.amapAdd(fault.entry, fault.offsetInEntry, anon, { replace: false });
      yield* this.pageqLock.enter();
      this.uvmPageenqueue(anon.page);
      yield* this.pageqLock.exit();
      yield* amap.lock.exit();
      return locked;
    };
    const effects = counted(bench.uvm, () => expect(faultAt(bench, 0, PROT_READ)).toBe(0));
    expect(effects).toMatchObject({ fltget: 1, flt_anon: 1 });
    expect(
      bench.run(() => bench.read(0)),
      'the upper layer hides the file',
    ).toBe(0);
    bench.expectSound();
  });

  it('frees the page and starts again when somebody wanted it gone as soon as it is not busy', () => {
    const { bench, file } = fileBench();
    const relock = bench.uvm.uvmfaultRelock;
    bench.uvm.uvmfaultRelock = function* (fault) {
      bench.uvm.uvmfaultRelock = relock;
      this.pages.setFlags(file.lookup(asOffset(4 * 4096)), PG_RELEASED);
      return yield* relock.call(this, fault);
    };
    const effects = counted(bench.uvm, () => expect(faultAt(bench, 4, PROT_READ)).toBe(0));
    expect(effects).toMatchObject({ fltpgrele: 1, fltget: 2, pgpgin: 2, flt_obj: 1 });
    bench.expectSound();
  });
});

describe('truncation during a fault', () => {
  it('waits until the page is there, and then takes it away from under the mapping', () => {
    //     T1  fault: holds g_glock ── reads ── maps the page, lets go
    //     T2                        ftruncate waits for g_glock ──────> frees the page
    const { bench, file } = fileBench();
    const race = (): Errno => faultWhile(bench, 4, PROT_READ, () => bench.uvm.uvmVnodeTruncate(file, 0));
    if (BUILD === 'direct') {
      // T2 runs on top of T1, which so cannot let go.
      expect(thrownBy(Deadlock, race).message).toContain('g_glock');
      return;
    }
    expect(race()).toBe(0);
    expect(mappedPages(bench, 0, 8)).toEqual([]);
    expect(bench.uvm.uvmexp.filepages).toBe(0);
    expect(faultAt(bench, 4, PROT_READ)).toBe(EINVAL);
    bench.expectSound();
  });

  it('is noticed by a fault that has measured the file before, and not begun to read', () => {
    //     T1  size is 8 pages; about to take g_glock ────────────────> measures again: beyond the end
    //     T2                                         ftruncate to 0
    const strategy = new SwitchOnce();
    const { bench, file } = fileBench(strategy);
    const first = bench.kern.scheduler.lwps.length;
    strategy.when = ({ current }) =>
      current.process.pid === first && current.op === 'acquire-read' && current.object === file.nodeLock;
    const race = (): Errno => faultWhile(bench, 4, PROT_READ, () => bench.uvm.uvmVnodeTruncate(file, 0));
    if (BUILD === 'direct') {
      expect(thrownBy(Deadlock, race).message).toContain('g_glock');
      return;
    }
    expect(race()).toBe(EINVAL);
    expect(bench.uvm.uvmexp.filepages).toBe(0);
    bench.expectSound();
  });
});

describe('two faults on the same page of a file', () => {
  it('bring it in once: the second waits for the first to be done with it', () => {
    const { bench } = fileBench();
    const both = (): Record<string, number> =>
      counted(bench.uvm, () => {
        expect(faultWhile(bench, 4, PROT_READ, () => bench.uvm.uvmFault(bench.map, bench.at(4), PROT_READ))).toBe(0);
      });
    if (BUILD === 'direct') {
      expect(thrownBy(Deadlock, both).message).toContain('uvn_fp2');
      return;
    }
    expect(both()).toMatchObject({ faults: 2, fltpgwait: 1, pgpgin: 1, flt_obj: 2 });
    bench.expectSound();
  });
});

describe('a hole in a file', () => {
  /** A file of two pages of which nothing is stored, mapped shared. */
  function holes(capacity: number): { bench: Bench; store: RamFile; file: UvmVnode } {
    const bench = new Bench({ blockSize: 4096 });
    const store = new RamFile('holes', { size: 8192 }, { capacity });
    const file = vnodeOver(bench, store);
    bench.run(() => bench.putFile(0, 2, file, 0));
    return { bench, store, file };
  }

  it('is read as zeros, without I/O, and not mapped writable, not even in a dirty file', () => {
    const { bench, file } = holes(2);
    bench.machine.ram.bytes.fill(0xff);
    expect(counted(bench.uvm, () => expect(faultAt(bench, 0, PROT_READ)).toBe(0)).pageins).toBeUndefined();
    expect(bench.machine.ram.page(bench.pageOf(0)).every((byte) => byte === 0)).toBe(true);
    expect(bench.uvm.pages.flags(bench.pageOf(0)) & PG_RDONLY).toBe(PG_RDONLY);
    faultAt(bench, 1, PROT_READ);
    file.dirty = true;
    unmapPages(bench, 0, 2);
    faultAt(bench, 0, PROT_READ);
    expect([0, 1].map((page) => rightsAt(bench, page))).toEqual([PROT_READ, PROT_READ]);
  });

  it('gets room by the first store, which then finds the page writable', () => {
    const { bench, store } = holes(2);
    faultAt(bench, 0, PROT_READ);
    expect(faultAt(bench, 0, PROT_WRITE)).toBe(0);
    expect(store.isHole(0)).toBe(false);
    expect(store.isHole(4096)).toBe(true);
    expect(bench.uvm.pages.flags(bench.pageOf(0)) & PG_RDONLY).toBe(0);
    expect(rightsAt(bench, 0)).toBe(RW);
    bench.expectSound();
  });

  it('cannot be stored to when there is no room; the page is not lost over that', () => {
    const { bench } = holes(0);
    expect(faultAt(bench, 0, PROT_READ)).toBe(0);
    expect(faultAt(bench, 0, PROT_WRITE)).toBe(ENOSPC);
    expect(faultAt(bench, 1, PROT_WRITE), 'nor when it was not in memory').toBe(ENOSPC);
    expect(bench.run(() => bench.read(0))).toBe(0);
    bench.expectSound();
  });
});

describe('the lower layer asserts', () => {
  /** The panic of a fault on a file whose pager's answer is tampered with. */
  function panicWhen(tamper: (bench: Bench, file: UvmVnode, request: GetRequest) => void, access = PROT_READ): string {
    const bench = new Bench();
    const file = bench.newFile(1);
    bench.run(() => bench.putFile(0, 1, file, 0));
    const get = file.get.bind(file);
    file.get = function* (uvm, request) {
      const errno = yield* get(uvm, request);
      tamper(bench, file, request);
      return errno;
    };
    return bench.panicOf(() => bench.uvm.uvmFault(bench.map, bench.at(0), access));
  }

  const unlocked = (request: GetRequest): boolean => (request.flags & PGO_LOCKED) === 0;

  it('that a pager does not take the page that faults for one that nobody wants', () => {
    const message = panicWhen((_bench, _file, request) => {
      request.slots[0] = PGO_DONTCARE;
    });
    expect(message).toBe('kernel diagnostic assertion "uobjpage != PGO_DONTCARE" failed');
  });

  it('that a pager which succeeds has brought the page', () => {
    const message = panicWhen((_bench, _file, request) => {
      if (unlocked(request)) request.slots[0] = PGO_WANTED_PAGE;
    });
    expect(message).toBe('kernel diagnostic assertion "uobjpage != NULL" failed');
  });

  it('that the page is busy', () => {
    const message = panicWhen((bench, file, request) => {
      if (unlocked(request)) bench.uvm.pages.clearFlags(file.lookup(asOffset(0)), PG_BUSY);
    });
    expect(message).toBe('kernel diagnostic assertion "(pg->flags & PG_BUSY) != 0" failed');
  });

  it('that a page which is brought in for a store may be stored to', () => {
    const message = panicWhen((bench, file, request) => {
      if (unlocked(request)) bench.uvm.pages.setFlags(file.lookup(asOffset(0)), PG_RDONLY);
    }, PROT_WRITE);
    expect(message).toBe(
      'kernel diagnostic assertion "(access_type & VM_PROT_WRITE) == 0 || (pg->flags & PG_RDONLY) == 0" failed',
    );
  });
});
