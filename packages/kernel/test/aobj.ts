/** What tests of anonymous objects start with: benches with such objects and swap, and pages of theirs that go out. */
import type { Errno } from '../src/kern/errno.js';
import type { Step } from '../src/kern/switch.js';
import { asOffset, PAGE_SIZE, type Pfn } from '../src/machine/address.js';
import { waitForIo } from '../src/machine/io.js';
import { PROT_NONE, PROT_READ } from '../src/machine/protection.js';
import type { MapArguments } from '../src/uvm/map/map-arguments.js';
import type { UvmAobj } from '../src/uvm/object/aobj.js';
import { type GetRequest, type PageSlot, PGO_LOCKED, PGO_SYNCIO, PGO_WANTED_PAGE } from '../src/uvm/object/object.js';
import { NO_PAGE, PG_BUSY, PG_CLEAN, PG_PAGEOUT } from '../src/uvm/page/page-array.js';
import { SwapBench } from './swap.js';

/** What was asked of an object, and what it answered. */
export interface Got extends GetRequest {
  readonly errno: Errno;
}

/** A bench with anonymous objects. */
export class AobjBench extends SwapBench {
  /** A new object of so many pages; whoever made it holds one reference. */
  newAobj(pages: number): UvmAobj {
    const aobj = this.run(() => this.uvm.uaoCreate(pages * PAGE_SIZE, 'object'));
    this.uvm.vnodeReferrers.push({ heldReferences: (held) => (held === aobj ? 1 : 0) });
    return aobj;
  }

  /** Who made objects gives them up. */
  giveUp(...aobjs: readonly UvmAobj[]): void {
    this.uvm.vnodeReferrers.length = 0;
    for (const aobj of aobjs) this.run(() => this.uvm.uaoDetach(aobj));
  }

  /** Maps pages [from, to) to an object from a page of it on, shared unless told otherwise. */
  *putAobj(from: number, to: number, aobj: UvmAobj, page = 0, what: Partial<MapArguments> = {}): Step<void> {
    yield* aobj.reference(this.uvm);
    yield* this.put(from, to, { flags: 0, ...what, object: aobj, offset: asOffset(page * PAGE_SIZE) });
  }

  /** Asks an object for pages [from, to). */
  ask(aobj: UvmAobj, from: number, to: number, options: Partial<GetRequest> = {}): Got {
    const slots: PageSlot[] = Array.from({ length: to - from }, () => PGO_WANTED_PAGE);
    const request = {
      offset: asOffset(from * PAGE_SIZE),
      slots,
      center: 0,
      access: PROT_READ,
      advice: 0,
      flags: PGO_SYNCIO,
      ...options,
    };
    const { uvm } = this;
    return this.run(function* () {
      yield* aobj.lock.enter();
      const errno = yield* aobj.get(uvm, request);
      if (request.flags & PGO_LOCKED) yield* aobj.lock.exit();
      return { ...request, errno };
    });
  }

  /** Gives up pages that an object was asked for. */
  unbusy(aobj: UvmAobj, { slots }: { readonly slots: readonly PageSlot[] }): void {
    const { uvm } = this;
    this.run(function* () {
      yield* aobj.lock.enter();
      yield* uvm.pageqLock.enter();
      for (const page of slots) if (page >= 0) uvm.uvmPageenqueue(page);
      yield* uvm.pageqLock.exit();
      yield* uvm.uvmPageUnbusy(slots);
      yield* aobj.lock.exit();
    });
  }

  /** A page of an object, `NO_PAGE` when it is not in memory. */
  pageIn(aobj: UvmAobj, index: number): Pfn {
    return aobj.lookup(asOffset(index * PAGE_SIZE));
  }

  /** The slot of a page of an object. */
  slotOf(aobj: UvmAobj, index: number): number {
    return this.uvm.uaoFindSwslot(aobj, index);
  }

  /** Starts to write pages [from, to) of an object to swap, as the page daemon does; answers what waits for it. */
  *sendOut(aobj: UvmAobj, from: number, to = from + 1): Step<() => Step<Errno>> {
    const { kern, machine, uvm } = this;
    const { pages } = uvm;
    const slots = uvm.uvmSwapAlloc(to - from, { lessOk: false });
    if (slots === null) throw new Error(`there are no ${to - from} slots`);
    const run: Pfn[] = [];
    yield* aobj.lock.enter();
    for (let index = from; index < to; index++) {
      const page = this.pageIn(aobj, index);
      if (page === NO_PAGE) throw new Error(`page ${index} is not in memory`);
      machine.pmapPageProtect(page, PROT_NONE);
      machine.pmapClearModify(page);
      pages.setFlags(page, PG_BUSY | PG_PAGEOUT | PG_CLEAN);
      uvm.uvmPageOwn(page, 'uvmpd_scan_queue');
      yield* uvm.pageqLock.enter();
      uvm.uvmPagedequeue(page);
      yield* uvm.pageqLock.exit();
      uvm.uaoDropswap(aobj, index);
      uvm.uaoSetSwslot(aobj, index, slots.slot + index - from);
      run.push(page);
    }
    yield* aobj.lock.exit();
    uvm.uvmPageoutStart(run.length);
    const request = yield* uvm.uvmSwapPut(slots.slot, run);
    return () => waitForIo(kern, request);
  }

  /** Writes pages [from, to) of an object to swap. */
  pageOutOf(aobj: UvmAobj, from: number, to = from + 1): Errno {
    const sendOut = (): Step<() => Step<Errno>> => this.sendOut(aobj, from, to);
    return this.run(function* () {
      const done = yield* sendOut();
      return yield* done();
    });
  }
}
