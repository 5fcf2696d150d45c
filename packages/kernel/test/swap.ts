/** What tests of swap start with: benches with swap, and pages that go out as the page daemon sends them. */
import { expect } from 'vitest';
import type { Errno } from '../src/kern/errno.js';
import type { Mutex } from '../src/kern/mutex.js';
import type { Step } from '../src/kern/switch.js';
import { asOffset, PAGE_SIZE, type Pfn } from '../src/machine/address.js';
import { MemoryDisk } from '../src/machine/disk.js';
import type { IoRequest } from '../src/machine/io.js';
import { waitForIo } from '../src/machine/io.js';
import { PROT_NONE } from '../src/machine/protection.js';
import type { Anon } from '../src/uvm/anon/anon.js';
import type { UvmAobj } from '../src/uvm/object/aobj.js';
import { NO_PAGE, PG_BUSY, PG_CLEAN, PG_PAGEOUT } from '../src/uvm/page/page-array.js';
import type { SwapDevice } from '../src/uvm/swap/swap-device.js';
import type { Uvm } from '../src/uvm/uvm.js';
import type { SwapTarget } from '../src/vm/system.js';
import { Bench, type BenchOptions } from './maps.js';

/** A disk that fails when it is told to. */
export class WilfulDisk extends MemoryDisk {
  /** What a read or a write answers, 0 for doing it. */
  readErrno: Errno = 0;
  writeErrno: Errno = 0;
  /** So many writes are done before they fail. */
  writesLeft = 0;

  override read(block: number, into: Uint8Array): Errno {
    return this.readErrno !== 0 ? this.readErrno : super.read(block, into);
  }

  override write(block: number, from: Uint8Array): Errno {
    if (this.writeErrno !== 0 && this.writesLeft-- <= 0) return this.writeErrno;
    return super.write(block, from);
  }
}

/** A disk with room for so many slots, and a page for the label. */
export function diskOf(slots: number, name = 'wd0'): SwapTarget & { readonly disk: WilfulDisk } {
  const disk = new WilfulDisk(name, { blockCount: (slots + 1) * (PAGE_SIZE / 512) });
  return { path: `/dev/${name}`, vnode: null, disk };
}

/** A bench that swaps to disks with room for so many slots each; the first is used first. */
export class SwapBench extends Bench {
  readonly targets: (SwapTarget & { readonly disk: WilfulDisk })[];

  constructor(slots: readonly number[] = [16], options: BenchOptions = {}) {
    super(options);
    this.targets = slots.map((count, i) => diskOf(count, `wd${i}`));
    for (const [i, target] of this.targets.entries()) expect(this.uvm.uvmSwapAdd(target, i)).toBe(0);
  }

  /** The device that swaps to one of the disks; fails the test when there is none. */
  device(i = 0): SwapDevice {
    const device = this.uvm.swap.find(this.targets[i] as SwapTarget);
    expect(device, `disk ${i} is not swapped to`).not.toBeNull();
    return device as SwapDevice;
  }

  /** The anon at a page of a map; fails the test when there is none. */
  anonAt(page: number, map = this.map): Anon {
    const entry = this.entryAt(page, map);
    const anon = this.amapAt(page, map).at(entry.amapOffset + (this.at(page) - entry.start) / PAGE_SIZE);
    expect(anon, `there is no anon at page ${page}`).not.toBeNull();
    return anon as Anon;
  }

  /** The disk that is swapped to first, or another one. */
  disk(i = 0): WilfulDisk {
    return (this.targets[i] as SwapTarget & { readonly disk: WilfulDisk }).disk;
  }

  /** What the counters of swap say: slots in use, those of pages that are nowhere else, and bad ones. */
  get counts(): { inUse: number; only: number; bad: number } {
    const { swpginuse, swpgonly } = this.uvm.uvmexp;
    return { inUse: swpginuse, only: swpgonly, bad: this.uvm.swap.bad };
  }

  /** Writes the pages [from, to) of a map out to swap, and waits until they are there. */
  *pageOut(from: number, to = from + 1, map = this.map): Step<number> {
    const anons = Array.from({ length: to - from }, (_, i) => this.anonAt(from + i, map));
    return yield* waitForIo(this.kern, yield* startPageout(this.uvm, anons));
  }

  /** Starts to write a page of an object out to swap. */
  *startObjectPageout(object: UvmAobj, index: number): Step<IoRequest> {
    const { uvm } = this;
    return yield* startCluster(uvm, [
      {
        lock: object.lock,
        page: () => object.lookup(asOffset(index * PAGE_SIZE)),
        drop: () => uvm.uaoDropswap(object, index),
        take: (slot) => {
          uvm.uaoSetSwslot(object, index, slot);
        },
      },
    ]);
  }

  /** Writes a page of an object out to swap, and waits until it is there. */
  *pageOutObject(object: UvmAobj, index: number): Step<number> {
    return yield* waitForIo(this.kern, yield* this.startObjectPageout(object, index));
  }
}

/** Starts to write anons out to swap in one cluster, as the page daemon does: none of them may be busy. */
export function* startPageout(uvm: Uvm, anons: readonly Anon[]): Step<IoRequest> {
  return yield* startCluster(
    uvm,
    anons.map((anon) => ({
      lock: anon.lock,
      page: () => anon.page,
      drop: () => uvm.uvmAnonDropswap(anon),
      take: (slot) => {
        anon.swapSlot = slot;
      },
    })),
  );
}

/** A page that is to go out, and how its owner is told. */
interface Leaving {
  readonly lock: Mutex | null;
  readonly page: () => Pfn;
  readonly drop: () => void;
  readonly take: (slot: number) => void;
}

function* startCluster(uvm: Uvm, leaving: readonly Leaving[]): Step<IoRequest> {
  const { pages, machine } = uvm;
  const slots = uvm.uvmSwapAlloc(leaving.length, { lessOk: false });
  if (slots === null) throw new Error(`there are no ${leaving.length} slots`);
  const run: Pfn[] = [];
  for (const [i, { lock, page: pageOf, drop, take }] of leaving.entries()) {
    if (lock === null) throw new Error('what nobody has cannot be written out');
    yield* lock.enter();
    const page = pageOf();
    if (page === NO_PAGE) throw new Error('what has no page cannot be written out');
    drop();
    machine.pmapPageProtect(page, PROT_NONE);
    machine.pmapClearModify(page);
    pages.setFlags(page, PG_BUSY | PG_PAGEOUT | PG_CLEAN);
    uvm.uvmPageOwn(page, 'uvmpd_scan_queue');
    yield* uvm.pageqLock.enter();
    uvm.uvmPagedequeue(page);
    yield* uvm.pageqLock.exit();
    take(slots.slot + i);
    run.push(page);
    yield* lock.exit();
  }
  uvm.uvmPageoutStart(run.length);
  return yield* uvm.uvmSwapPut(slots.slot, run);
}
