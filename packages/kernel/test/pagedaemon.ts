/** What tests of the page daemon start with: a bench on which it works when it is told to, and not else. */
import type { Step } from '../src/kern/switch.js';
import { asOffset, PAGE_SIZE } from '../src/machine/address.js';
import type { UvmObject } from '../src/uvm/object/object.js';
import { NO_PAGE } from '../src/uvm/page/page-array.js';
import type { BenchOptions } from './maps.js';
import { SwapBench } from './swap.js';

/** A bench with swap whose page daemon looks for as many pages as it is told. */
export class DaemonBench extends SwapBench {
  #goal = 0;

  constructor(slots: readonly number[] = [16], options: BenchOptions = {}) {
    super(slots, options);
    this.uvm.uvmpdScanGoal = () => this.#goal;
    this.uvm.uvmKickPdaemon = () => {};
  }

  /** Puts pages [from, to) of a map on the queue of which victims are taken, in this order, as what nobody has used for a while. */
  *deactivate(from: number, to = from + 1): Step<void> {
    const { uvm } = this;
    for (let page = from; page < to; page++) {
      const entry = this.entryAt(page);
      const pfn = this.pageOf(page);
      const lock = uvm.pages.uobject(pfn)?.lock ?? entry.amap?.lock;
      yield* lock?.enter() ?? nothing();
      yield* uvm.pageqLock.enter();
      uvm.uvmPagedeactivate(pfn);
      yield* uvm.pageqLock.exit();
      yield* lock?.exit() ?? nothing();
    }
  }

  /** One scan by the page daemon, which wants so many pages. What it has begun to write is on its way when this is over. */
  *scan(wanted = Number.POSITIVE_INFINITY): Step<void> {
    const { uvm } = this;
    this.#goal = uvm.uvmexp.free + uvm.uvmexp.paging + wanted;
    uvm.pagedaemon.lwp = uvm.curlwp;
    yield* uvm.pageqLock.enter();
    uvm.policy.tune();
    yield* uvm.uvmpdScan();
    yield* uvm.pageqLock.exit();
    uvm.pagedaemon.lwp = null;
  }

  /** Which of the pages [from, to) of a map are in memory. */
  resident(from: number, to: number): number[] {
    const pages = Array.from({ length: to - from }, (_, i) => from + i);
    return pages.filter((page) => this.pageOf(page) !== NO_PAGE);
  }

  /** Which pages of an object are in memory. */
  residentOf(object: UvmObject, pages: number): number[] {
    return Array.from({ length: pages }, (_, i) => i).filter((page) => object.lookup(asOffset(page * PAGE_SIZE)) !== NO_PAGE);
  }
}

function* nothing(): Step<void> {}
