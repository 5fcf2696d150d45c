/** Anonymous objects: where their pages are on swap. sys/uvm/uvm_aobj.c. The picture is in `aobj.ts`. */
import { EIO, ERESTART } from '../../kern/errno.js';
import type { Step } from '../../kern/switch.js';
import { asOffset, PAGE_SIZE } from '../../machine/address.js';
import { PROT_READ, PROT_WRITE } from '../../machine/protection.js';
import { NO_PAGE, PG_CLEAN } from '../page/page-array.js';
import type { Uvm } from '../uvm.js';
import type { UvmAobj } from './aobj.js';
import { type PageSlot, PGO_SYNCIO, PGO_WANTED_PAGE } from './object.js';

/** The slot of a page, 0 for none, `SWSLOT_BAD` when it was lost there. `uao_find_swslot()`. => object locked */
export function uaoFindSwslot(this: Uvm, aobj: UvmAobj, index: number): number {
  return aobj.swapSlots.get(index) | 0;
}

/** Says where a page is on swap from now on, 0 for nowhere; answers where it was. `uao_set_swslot()`. => object locked, or dead */
export function uaoSetSwslot(this: Uvm, aobj: UvmAobj, index: number, slot: number): number {
  this.kern.kassert(aobj.lock.owned || aobj.references === 0, 'mutex_owned(uobj->vmobjlock) || uobj->uo_refs == 0');
  const old = this.uaoFindSwslot(aobj, index);
  aobj.swapSlots.set(index, slot >>> 0);
  return old;
}

/** Gives back the slot of a page that is in memory, if it has one. `uao_dropswap()`. => object locked, or dead */
export function uaoDropswap(this: Uvm, aobj: UvmAobj, index: number): void {
  const slot = this.uaoSetSwslot(aobj, index, 0);
  if (slot !== 0) this.uvmSwapFree(slot, 1);
}

/**
 * Gives back the slots of pages that are nowhere else. `uao_dropswap_range()`. => object locked; no page of the range is in memory
 *
 * => the pages read as zeros from then on, those that were lost among them. NetBSD leaves the lost ones lost, and in a small object it
 *    forgets to forget the slots: docs/decisions/0006-departures.md.
 */
export function uaoDropswapRange(this: Uvm, aobj: UvmAobj, from: number, to: number): void {
  const { kern } = this;
  kern.kassert(aobj.lock.owned, 'mutex_owned(uobj->vmobjlock)');
  let only = 0;
  for (let index = aobj.swapSlots.next(from, to); index >= 0; index = aobj.swapSlots.next(index + 1, to)) {
    kern.kassert(
      aobj.lookup(asOffset(index * PAGE_SIZE)) === NO_PAGE,
      'uvm_pagelookup(&aobj->u_obj, pageidx << PAGE_SHIFT) == NULL',
    );
    if (this.uaoFindSwslot(aobj, index) > 0) only++;
    this.uaoDropswap(aobj, index);
  }
  kern.kassert(this.uvmexp.swpgonly >= only, 'uvmexp.swpgonly >= swpgonlydelta');
  this.uvmexp.swpgonly -= only;
}

/**
 * Brings in every page of every object that is in a range of slots, and gives the slots back. `uao_swap_off()`. => nothing locked
 *
 * @returns whether there was no memory for all of them
 */
export function* uaoSwapOff(this: Uvm, start: number, end: number): Step<boolean> {
  yield* this.aobjListLock.enter();
  let aobj = firstAfter(this, null);
  if (aobj !== null) yield* this.uaoReference(aobj);
  while (aobj !== null) {
    // Neither this one nor the next can go meanwhile.
    const next = firstAfter(this, aobj);
    if (next !== null) yield* this.uaoReference(next);
    yield* this.aobjListLock.exit();
    yield* aobj.lock.enter();
    const aborted = yield* this.uaoPagein(aobj, start, end);
    yield* aobj.lock.exit();
    yield* this.uaoDetach(aobj);
    if (aborted) {
      if (next !== null) yield* this.uaoDetach(next);
      return true;
    }
    aobj = next;
    yield* this.aobjListLock.enter();
  }
  yield* this.aobjListLock.exit();
  return false;
}

/** The object that was made next after another one, or the first of all; null when there is none. => list locked */
function firstAfter({ aobjs }: Uvm, before: UvmAobj | null): UvmAobj | null {
  let found = before === null;
  for (const aobj of aobjs) {
    if (found) return aobj;
    found = aobj === before;
  }
  return null;
}

/** Brings in the pages of an object that are in a range of slots. `uao_pagein()`. => object locked, also on return. @returns as `uaoSwapOff` */
export function* uaoPagein(this: Uvm, aobj: UvmAobj, start: number, end: number): Step<boolean> {
  const last = aobj.size / PAGE_SIZE;
  for (let index = aobj.swapSlots.next(0, last); index >= 0; index = aobj.swapSlots.next(index + 1, last)) {
    const slot = this.uaoFindSwslot(aobj, index);
    if (slot >= start && slot < end && (yield* this.uaoPageinPage(aobj, index))) return true;
  }
  return false;
}

/** Brings in one page, and gives its slot back. `uao_pagein_page()`. => object locked, also on return. @returns as `uaoSwapOff` */
export function* uaoPageinPage(this: Uvm, aobj: UvmAobj, index: number): Step<boolean> {
  const slots: PageSlot[] = [PGO_WANTED_PAGE];
  const errno = yield* this.uaoGet(aobj, {
    offset: asOffset(index * PAGE_SIZE),
    slots,
    center: 0,
    access: PROT_READ | PROT_WRITE,
    advice: 0,
    flags: PGO_SYNCIO,
  });
  yield* aobj.lock.enter();
  // A page that was lost stays lost.
  if (errno === EIO || errno === ERESTART) return false;
  if (errno !== 0) return true;
  this.uvmpdKeptPromise();
  const page = slots[0] ?? NO_PAGE;
  this.uaoDropswap(aobj, index);
  this.pages.clearFlags(page, PG_CLEAN);
  yield* this.pageqLock.enter();
  this.uvmPageenqueue(page);
  yield* this.pageqLock.exit();
  yield* this.uvmPageUnbusyOne(page);
  return false;
}
