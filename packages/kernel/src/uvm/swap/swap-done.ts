/** What follows when pages have been written to swap. `uvm_aio_aiodone_pages()`, sys/uvm/uvm_pager.c. In the completion thread. */
import { EFBIG, ENOMEM, ENOSPC, type Errno } from '../../kern/errno.js';
import type { Mutex } from '../../kern/mutex.js';
import type { Step } from '../../kern/switch.js';
import { PAGE_SIZE, type Pfn } from '../../machine/address.js';
import type { Anon } from '../anon/anon.js';
import { UvmAobj } from '../object/aobj.js';
import { PG_BUSY, PG_CLEAN, PG_PAGEOUT, PG_RELEASED } from '../page/page-array.js';
import type { Uvm } from '../uvm.js';
import { SWSLOT_BAD } from './swap.js';

/** Who has a page that is swapped out, and how its slot is told and changed. */
type SwapOwner = { readonly anon: Anon; readonly object: null } | { readonly anon: null; readonly object: UvmAobj };

/** Errors that say that there is no room for what is to be written, and that nothing is broken. */
const NO_ROOM: readonly Errno[] = [ENOSPC, EFBIG];

/** What became of a write: 0 or an errno, and so many pages were written before that. */
export interface SwapOutcome {
  readonly errno: Errno;
  readonly moved: number;
}

/**
 * Gives up pages that have been written to slots which lie one behind the other, or could not be. `uvm_aio_aiodone_pages()`.
 *
 *     written             the page is freed if the page daemon wanted that, and is on swap only
 *     ENOMEM              it will go another time: the page stays, dirty, and the slot is free again
 *     ENOSPC, EFBIG       the file has no room for the slot: the page stays, dirty, and the slot is not used again
 *     any other error     the slot is not used again, and the page is lost: whoever wants it is told EIO
 *
 * => pages busy, nothing locked.
 * => NetBSD counts the pages as being on swap only when it has given all of them up, and knows no ENOSPC:
 *    docs/decisions/0006-departures.md.
 */
export function* uvmAioAiodonePages(this: Uvm, slot: number, run: readonly Pfn[], outcome: SwapOutcome): Step<void> {
  const { errno, moved } = outcome;
  if (this.kern.log.on) this.log({ kind: 'swap-out', slot, pages: run.length, errno });
  this.uvmexp.pgswapout += moved;
  let done = 0;
  let i = 0;
  for (const page of run) {
    if (yield* this.uvmAioAiodonePage(page, slot + i, i < moved ? 0 : errno)) done++;
    i++;
  }
  if (done > 0) yield* this.uvmPageoutDone(done);
}

/**
 * Gives up one page that has been written to its slot. Part of `uvm_aio_aiodone_pages()`. => page busy, nothing locked
 *
 * @returns whether it was the page daemon that had it written
 */
export function* uvmAioAiodonePage(this: Uvm, page: Pfn, slot: number, errno: Errno): Step<boolean> {
  const { kern, pages } = this;
  kern.kassert((pages.flags(page) & PG_BUSY) !== 0, 'pg->flags & PG_BUSY');
  const owner = ownerOf(this, page);
  const lock = lockOf(this, owner);
  yield* lock.enter();
  yield* this.pageqLock.enter();
  const released = (pages.flags(page) & PG_RELEASED) !== 0;
  kern.kassert(!released || owner.anon === null || owner.anon.references === 0, 'pg->uanon->an_ref == 0');
  const pageout = (pages.flags(page) & PG_PAGEOUT) !== 0;
  const kept = errno === ENOMEM || NO_ROOM.includes(errno) || !pageout;
  const freed = pageout && !kept;

  if (errno !== 0) {
    const old = exchangeSlot(this, page, owner, kept ? 0 : SWSLOT_BAD);
    kern.kassert(old === slot, 'pg->uanon->an_swslot == swslot + i');
    if (errno === ENOMEM) {
      this.uvmSwapFree(slot, 1);
    } else {
      this.uvmSwapOnly(1);
      this.uvmSwapMarkbad(slot, 1);
    }
  } else if (freed && !released) {
    this.uvmSwapOnly(1);
  }
  if (kept && errno !== 0) {
    pages.clearFlags(page, PG_CLEAN);
    this.uvmPageactivate(page);
  }
  pages.clearFlags(page, PG_PAGEOUT);
  if (freed) {
    this.uvmexp.pdfreed++;
    pages.setFlags(page, PG_RELEASED);
  }
  yield* this.pageqLock.exit();
  if (owner.anon !== null && released) {
    yield* this.uvmAnonRelease(owner.anon);
  } else {
    yield* this.uvmPageUnbusyOne(page);
    yield* lock.exit();
  }
  return pageout;
}

function ownerOf(uvm: Uvm, page: Pfn): SwapOwner {
  const object = uvm.pages.uobject(page);
  if (object instanceof UvmAobj) return { anon: null, object };
  const anon = uvm.pages.uanon(page) ?? uvm.kern.panic('uvm_aio_aiodone_pages: pg->uanon == NULL');
  return { anon, object: null };
}

function lockOf(uvm: Uvm, { anon, object }: SwapOwner): Mutex {
  return (anon === null ? object.lock : anon.lock) ?? uvm.kern.panic('uvm_aio_aiodone_pages: pg->uanon->an_lock == NULL');
}

/** Says where a page is on swap from now on; answers where it was. => owner locked */
function exchangeSlot(uvm: Uvm, page: Pfn, { anon, object }: SwapOwner, slot: number): number {
  if (anon === null) return uvm.uaoSetSwslot(object, uvm.pages.offset(page) / PAGE_SIZE, slot);
  const old = anon.swapSlot;
  anon.swapSlot = slot;
  return old;
}
