/** Swapping to devices begins, ends, and changes its order. */
import { describe, expect, it } from 'vitest';
import { faultAt } from '../../../test/faults.js';
import { diskOf, SwapBench, startPageout } from '../../../test/swap.js';
import { startThread } from '../../../test/threads.js';
import { EBUSY, EINVAL, EIO, ENOENT, ENOMEM, ENXIO, EROFS } from '../../kern/errno.js';
import type { Step } from '../../kern/switch.js';
import { BUILD } from '../../kern/switch.js';
import { asOffset, PAGE_SIZE } from '../../machine/address.js';
import { RamFile } from '../../machine/file-store.js';
import { PROT_READ } from '../../machine/protection.js';
import type { SwapTarget } from '../../vm/system.js';
import { AMAP_SWAPOFF } from '../anon/amap.js';
import { UVM_FLAG_OVERLAY } from '../map/map-arguments.js';
import { NO_PAGE } from '../page/page-array.js';
import { SWSLOT_BAD } from './swap.js';

/** A bench whose pages 0 to 3 are on a disk with 4 slots. */
function loaded(slots: readonly number[] = [4]): SwapBench {
  const bench = new SwapBench(slots);
  bench.run(function* () {
    yield* bench.put(0, 4);
    for (let page = 0; page < 4; page++) yield* bench.write(page, 10 + page);
    yield* bench.pageOut(0, 2);
    yield* bench.pageOut(2, 4);
  });
  return bench;
}

function off(bench: SwapBench, i = 0): Step<number> {
  return bench.uvm.uvmSwapOff(bench.targets[i] as SwapTarget);
}

function fileTarget(bench: SwapBench, store: RamFile): SwapTarget {
  return { path: '/swap', vnode: bench.uvm.uvmVnodeCreate(store), disk: null };
}

describe('swapping to something begins', () => {
  it('unless that goes on already', () => {
    const bench = new SwapBench();
    expect(bench.run(() => bench.uvm.uvmSwapOn(bench.targets[0] as SwapTarget, 3))).toBe(EBUSY);
    expect(bench.uvm.swap.devices.length).toBe(1);
  });

  it('unless not one page fits, or it must not be written', () => {
    const bench = new SwapBench([]);
    class ReadOnly extends RamFile {
      override readonly writable = false;
    }
    const small = fileTarget(bench, new RamFile('small', { size: PAGE_SIZE - 1 }));
    const fixed = fileTarget(bench, new ReadOnly('fixed', { size: PAGE_SIZE }));
    expect(bench.run(() => bench.uvm.uvmSwapOn(small, 0))).toBe(EINVAL);
    expect(bench.run(() => bench.uvm.uvmSwapOn(fixed, 0))).toBe(EROFS);
    expect([bench.uvm.swap.devices, small.vnode, bench.uvm.uvmexp.swpages]).toEqual([
      [],
      expect.objectContaining({ references: 1 }),
      0,
    ]);
  });

  it('with a reference to the file, whose pages are written back first', () => {
    const bench = new SwapBench([]);
    const vnode = bench.newFile(4);
    const target = { path: '/swap', vnode, disk: null };
    bench.run(function* () {
      yield* bench.putFile(0, 2, vnode, 0, { protection: 3 });
      yield* bench.write(0, 99);
      yield* bench.remove(0, 2);
      expect(vnode.lookup(asOffset(0))).not.toBe(NO_PAGE);
      expect(yield* bench.uvm.uvmSwapOn(target, 0)).toBe(0);
    });
    const bytes = new Uint8Array(1);
    vnode.store.read(0, bytes);
    expect([bytes[0], vnode.pages.count, vnode.references]).toEqual([99, 0, 2]);
    bench.expectSound();
    expect(bench.run(() => bench.uvm.uvmSwapOff(target))).toBe(0);
    expect(vnode.references).toBe(1);
    bench.expectSound();
  });

  it('not at all when the file’s pages cannot be written back', () => {
    const bench = new SwapBench([]);
    const vnode = bench.newFile(4);
    vnode.store.write = () => EIO;
    const errno = bench.run(function* () {
      yield* bench.putFile(0, 2, vnode, 0, { protection: 3 });
      yield* bench.write(0, 99);
      return yield* bench.uvm.uvmSwapOn({ path: '/swap', vnode, disk: null }, 0);
    });
    expect([errno, bench.uvm.swap.devices.length, vnode.references]).toEqual([EIO, 0, 2]);
  });

  it('at the lowest place where its slots fit', () => {
    const bench = new SwapBench([2, 2, 2]);
    const offsets = (): number[] => bench.uvm.swap.devices.map(({ drumOffset }) => drumOffset);
    expect(offsets()).toEqual([1, 4, 7]);
    expect(bench.run(() => off(bench, 1))).toBe(0);
    expect(bench.uvm.uvmSwapAdd(diskOf(3, 'large'), 8)).toBe(0);
    expect(bench.uvm.uvmSwapAdd(diskOf(1, 'small'), 9)).toBe(0);
    expect(offsets()).toEqual([1, 7, 10, 4]);
    bench.expectSound();
  });
});

describe('the order of devices', () => {
  it('changes with their priority', () => {
    const bench = new SwapBench([1, 1, 1]);
    const order = (): string[] => bench.uvm.swap.describe().map(({ path, priority }) => `${path} ${priority}`);
    bench.run(function* () {
      expect(yield* bench.uvm.uvmSwapPriority(bench.targets[0] as SwapTarget, 1)).toBe(0);
      expect(yield* bench.uvm.uvmSwapPriority(diskOf(1), 1)).toBe(ENOENT);
    });
    expect(order()).toEqual(['/dev/wd1 1', '/dev/wd0 1', '/dev/wd2 2']);
  });
});

describe('swapping to something ends', () => {
  it('unless nobody ever began to', () => {
    const bench = new SwapBench();
    expect(bench.run(() => bench.uvm.uvmSwapOff(diskOf(1)))).toBe(ENXIO);
  });

  it('when all its pages are in memory again, as if they had never been anywhere else', () => {
    const bench = loaded();
    expect(bench.run(() => off(bench))).toBe(0);
    expect(bench.uvm.swap.devices).toEqual([]);
    const { nswapdev, swpages, swpgavail, swpginuse, swpgonly } = bench.uvm.uvmexp;
    expect([nswapdev, swpages, swpgavail, swpginuse, swpgonly]).toEqual([0, 0, 0, 0, 0]);
    for (let page = 0; page < 4; page++) expect(bench.anonAt(page)).toMatchObject({ swapSlot: 0 });
    bench.expectSound();
    expect(bench.run(() => bench.read(3))).toBe(13);
    expect(bench.uvm.uvmexp.nswget).toBe(4);
  });

  it('with slots of pages that are in memory too, and of other devices left alone', () => {
    const bench = loaded([2, 2]);
    bench.run(function* () {
      yield* bench.read(0);
      expect(yield* off(bench)).toBe(0);
    });
    expect([0, 1, 2, 3].map((page) => bench.anonAt(page).swapSlot)).toEqual([0, 0, 5, 6]);
    bench.expectSound();
  });

  it('with pages that cannot be read, which are lost', () => {
    const bench = loaded();
    bench.disk().readErrno = EIO;
    expect(bench.run(() => off(bench))).toBe(0);
    expect([bench.uvm.uvmexp.swpginuse, bench.uvm.uvmexp.swpgonly, bench.anonAt(2).swapSlot]).toEqual([0, 0, SWSLOT_BAD]);
    expect(faultAt(bench, 2, PROT_READ)).toBe(EIO);
    bench.expectSound();
  });

  it('not while there is no memory for its pages', () => {
    const bench = loaded();
    bench.uvm.uvmReclaimable = () => false;
    bench.uvm.uvmexp.reserve_kernel = 64;
    expect(bench.run(() => off(bench))).toBe(ENOMEM);
    expect([bench.uvm.uvmexp.swpgavail, bench.device().enabled]).toEqual([4, true]);
    expect([bench.counts, bench.uvm.swap.devices.length]).toEqual([{ inUse: 4, only: 4, bad: 0 }, 1]);
    bench.expectSound();
  });

  it('not while somebody has a slot that nobody can be asked to give back', () => {
    const bench = new SwapBench([4]);
    const slot = bench.uvm.uvmSwapAlloc(1, { lessOk: false })?.slot ?? 0;
    expect(bench.run(() => off(bench))).toBe(EBUSY);
    expect([bench.uvm.uvmexp.swpgavail, bench.device().enabled]).toEqual([4, true]);
    bench.uvm.uvmSwapFree(slot, 1);
    expect(bench.run(() => off(bench))).toBe(0);
  });

  it('with pages that are on their way out brought back', () => {
    const bench = new SwapBench([4]);
    bench.run(function* () {
      yield* bench.put(0, 1);
      yield* bench.write(0, 5);
      yield* startPageout(bench.uvm, [bench.anonAt(0)]);
      expect(yield* off(bench)).toBe(0);
      expect(yield* bench.read(0)).toBe(5);
    });
    expect(bench.uvm.uvmexp).toMatchObject({ nswget: 1, fltpgwait: 1, swpginuse: 0, swpgonly: 0, paging: 0 });
    bench.expectSound();
  });

  it('with pages of amaps that several processes share', () => {
    const bench = new SwapBench([4]);
    bench.run(function* () {
      yield* bench.put(0, 2, { flags: UVM_FLAG_OVERLAY, inheritance: 0 });
      yield* bench.write(0, 5);
      yield* bench.write(1, 6);
      yield* bench.uvm.uvmspaceFork(bench.space);
      yield* bench.pageOut(0, 2);
      expect(yield* off(bench)).toBe(0);
    });
    expect(bench.uvm.uvmexp.nswget).toBe(2);
    bench.expectSound();
  });
});

describe('while the pages of a device are brought in', () => {
  //   T1  swap_off: reads the page of slot 2, sleeps ...................... sees that nobody wants it any more
  //   T2                                              unmaps it, or exits
  const meanwhile: [string, (bench: SwapBench) => Step<unknown>][] = [
    ['the page can be unmapped', (bench) => bench.remove(0, 1)],
    ['the last process can exit', (bench) => bench.uvm.uvmspaceFree(bench.space)],
  ];
  // In the direct build, the reader lies below whoever waits for its page on the stack.
  if (BUILD !== 'direct') meanwhile.push(['somebody else can wait for it', (bench) => bench.read(0)]);
  it.each(meanwhile)('%s', (_, job) => {
    const bench = loaded();
    let errno = -1;
    startThread(bench.kern, function* () {
      errno = yield* off(bench);
    });
    startThread(bench.kern, function* () {
      yield* job(bench);
    });
    bench.kern.scheduler.run();
    expect([errno, bench.uvm.swap.devices]).toEqual([0, []]);
    bench.expectSound();
  });

  it('their amap must not be destroyed by anybody else', () => {
    const bench = loaded();
    const amap = bench.amapAt(0);
    const panic = bench.panicOf(function* () {
      yield* amap.lock.enter();
      amap.flags |= AMAP_SWAPOFF;
      amap.references = 0;
      amap.used.length = 0;
      bench.uvm.amapFree(amap);
    });
    expect(panic).toContain('"(amap->am_flags & AMAP_SWAPOFF) == 0"');
  });

  it('another call on swap waits', () => {
    const bench = loaded([4, 4]);
    const log: string[] = [];
    startThread(bench.kern, function* () {
      yield* off(bench);
      log.push('off');
    });
    // In the direct build, the first lies below the second on the stack.
    if (BUILD !== 'direct') {
      startThread(bench.kern, function* () {
        log.push(`${(yield* bench.uvm.uvmSwapStats()).length} device`);
      });
    }
    bench.kern.scheduler.run();
    expect(log).toEqual(BUILD !== 'direct' ? ['off', '1 device'] : ['off']);
  });
});
