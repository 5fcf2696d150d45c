/**
 * What the page daemon does with pages: victims are freed, or written and freed. sys/uvm/uvm_pdaemon.c.
 *
 *     victim, its owner locked
 *       ├── busy                       left alone
 *       ├── of a file                  the pager frees it, or writes it first: put(CLEANIT | FREE)
 *       └── anonymous: no mapping from here on
 *             ├── clean                freed: it is on swap
 *             └── dirty                gets a new slot, next to the other victims': a cluster is written at once
 *                   └── swap is full   stays, active
 */
import type { Step } from '../../kern/switch.js';
import { asOffset, PAGE_SIZE, type Pfn } from '../../machine/address.js';
import { PROT_NONE } from '../../machine/protection.js';
import type { Anon } from '../anon/anon.js';
import { UvmAobj } from '../object/aobj.js';
import { PGO_CLEANIT, PGO_FREE } from '../object/object.js';
import { PG_BUSY, PG_CLEAN, PG_PAGEOUT, PQ_ANON, PQ_AOBJ } from '../page/page-array.js';
import type { Uvm } from '../uvm.js';
import type { OwnerLock, Victim } from './pdpolicy.js';
import { Swapcluster } from './swapcluster.js';

/** How many dirty pages a scan makes active again when swap is full, so that not all of them pass through the queues in vain. */
const UVMPD_NUMDIRTYREACTS = 16;

/** Looks for pages to free, and for such that may be freed the next time. `uvmpd_scan()`. => page queues locked; unlocked meanwhile */
export function* uvmpdScan(this: Uvm): Step<void> {
  const { kern, pagedaemon, policy, uvmexp } = this;
  uvmexp.pdrevs++;
  yield* this.uvmpdScanQueue();
  // When all slots are in use, but not all of swap is full, pages in memory have slots that they could do without.
  const short = uvmexp.free < uvmexp.freetarg && uvmexp.swpginuse >= uvmexp.swpgavail && !this.uvmSwapIsFull();
  const swapShortage = short && pagedaemon.freed === 0 ? uvmexp.freetarg - uvmexp.free : 0;
  if (kern.log.on) this.log({ kind: 'scan', freed: pagedaemon.freed, paging: uvmexp.paging, free: uvmexp.free });
  pagedaemon.freed = 0;
  yield* policy.balanceQueue(swapShortage);
}

/** Frees victims until there are enough free pages, or no more victims. `uvmpd_scan_queue()`. => page queues locked; unlocked meanwhile */
export function* uvmpdScanQueue(this: Uvm): Step<void> {
  const { policy, uvmexp } = this;
  const cluster = new Swapcluster();
  let dirtyReacts = 0;
  policy.scanInit();
  while (uvmexp.free + uvmexp.paging + cluster.used < this.uvmpdScanGoal() && dirtyReacts < UVMPD_NUMDIRTYREACTS) {
    const victim = yield* policy.selectVictim();
    if (victim === null) break;
    if (!(yield* this.uvmpdTakeVictim(victim, cluster))) dirtyReacts++;
  }
  policy.scanEnd();
  yield* this.pageqLock.exit();
  yield* this.uvmpdFlushCluster(cluster, { now: true });
  yield* this.pageqLock.enter();
}

/**
 * Does with a victim what is to be done. Part of `uvmpd_scan_queue()`.
 *
 * => page queues locked; unlocked meanwhile. The owner is locked on entry, unlocked on return.
 *
 * @returns false when it is dirty, and there is no room on swap
 */
export function* uvmpdTakeVictim(this: Uvm, victim: Victim, cluster: Swapcluster): Step<boolean> {
  const { kern, machine, pages, policy, uvmexp } = this;
  const { page, lock } = victim;
  kern.kassert(policy.isQueued(page), 'uvmpdpol_pageisqueued_p(p)');
  kern.kassert(this.uvmPageLockedP(page), 'uvm_page_locked_p(p)');
  kern.kassert(pages.wireCount(page) === 0, 'p->wire_count == 0');
  if (pages.flags(page) & PG_BUSY) {
    uvmexp.pdbusy++;
    yield* lock.exit();
    return true;
  }
  const object = pages.uobject(page);
  if (object === null) uvmexp.pdanscan++;
  else uvmexp.pdobscan++;
  if (object !== null && (pages.pqflags(page) & (PQ_ANON | PQ_AOBJ)) === 0) {
    const offset = pages.offset(page);
    yield* this.pageqLock.exit();
    yield* object.put(this, offset, asOffset(offset + PAGE_SIZE), PGO_CLEANIT | PGO_FREE);
    yield* this.pageqLock.enter();
    return true;
  }
  if (pages.loanCount(page) > 0) {
    // Its borrowers would keep it in memory all the same; and were its anon freed meanwhile, `uvmAnonRelease` would panic, as in NetBSD:
    // docs/decisions/0006-departures.md.
    this.uvmPageactivate(page);
    yield* lock.exit();
    return true;
  }
  // From here on nobody stores to it unnoticed.
  machine.pmapPageProtect(page, PROT_NONE);
  if (machine.pmapClearModify(page)) pages.clearFlags(page, PG_CLEAN);
  if (pages.flags(page) & PG_CLEAN) {
    yield* this.uvmpdFreeClean(page);
    yield* lock.exit();
    return true;
  }
  return yield* this.uvmpdPageoutDirty(page, lock, cluster);
}

/** Frees a page of which swap has a copy. Part of `uvmpd_scan_queue()`. => owner and page queues locked, no mapping */
export function* uvmpdFreeClean(this: Uvm, page: Pfn): Step<void> {
  const { kern, pages } = this;
  const object = pages.uobject(page);
  const anon = pages.uanon(page);
  const slot = object instanceof UvmAobj ? this.uaoFindSwslot(object, pages.offset(page) / PAGE_SIZE) : (anon?.swapSlot ?? 0);
  kern.kassert(anon === null || slot !== 0, 'anon->an_swslot != 0');
  yield* this.uvmPagefree(page);
  this.uvmpdFreed(1);
  if (slot > 0) this.uvmSwapOnly(1);
}

/** Counts pages that the page daemon has freed. */
export function uvmpdFreed(this: Uvm, count: number): void {
  this.uvmexp.pdfreed += count;
  this.pagedaemon.freed += count;
}

/**
 * Adds a dirty page to a cluster, which is written when it is full. Part of `uvmpd_scan_queue()`.
 *
 * => page queues locked; unlocked meanwhile. The owner is locked on entry, unlocked on return.
 */
export function* uvmpdPageoutDirty(this: Uvm, page: Pfn, lock: OwnerLock, cluster: Swapcluster): Step<boolean> {
  const { pages, uvmexp } = this;
  // What is on swap is of no use any more.
  this.uvmpdDropswap(page);
  const slot = this.uvmpdClusterSlot(cluster);
  if (slot === 0) {
    this.uvmPageactivate(page);
    yield* lock.exit();
    return false;
  }
  pages.setFlags(page, PG_BUSY | PG_PAGEOUT | PG_CLEAN);
  this.uvmPageOwn(page, 'scan_queue');
  this.uvmPagedequeue(page);
  yield* this.pageqLock.exit();
  const object = pages.uobject(page);
  if (object instanceof UvmAobj) this.uaoSetSwslot(object, pages.offset(page) / PAGE_SIZE, slot);
  else (pages.uanon(page) as Anon).swapSlot = slot;
  cluster.add(page);
  yield* lock.exit();
  uvmexp.pdpending++;
  yield* this.uvmpdFlushCluster(cluster, { now: false });
  yield* this.pageqLock.enter();
  return true;
}

/** The slot for the next page of a cluster, 0 when there is none. `swapcluster_allocslots()`. => does not sleep */
export function uvmpdClusterSlot(this: Uvm, cluster: Swapcluster): number {
  if (cluster.slots === null) {
    cluster.slots = this.uvmSwapAlloc(Swapcluster.MOST, { lessOk: true });
    if (cluster.slots === null) return 0;
  }
  return cluster.slots.slot + cluster.used;
}

/** Begins to write a cluster that is full, or with `now` what there is of it. `swapcluster_flush()`. => nothing locked; does not wait */
export function* uvmpdFlushCluster(this: Uvm, cluster: Swapcluster, options: { now: boolean }): Step<void> {
  const { slots, pages: run, used } = cluster;
  if (slots === null || (used < slots.count && !options.now)) return;
  if (used < slots.count) this.uvmSwapFree(slots.slot + used, slots.count - used);
  cluster.empty();
  if (used === 0) return;
  this.uvmexp.pdpageouts++;
  this.uvmPageoutStart(used);
  yield* this.uvmSwapPut(slots.slot, run);
}

/** Frees the slot of a page in memory, if it has one, so that it counts as dirty; answers whether it had. `uvmpd_dropswap()`. => owner locked */
export function uvmpdDropswap(this: Uvm, page: Pfn): boolean {
  const { pages } = this;
  const object = pages.uobject(page);
  const anon = pages.uanon(page);
  let had = false;
  if (object instanceof UvmAobj) {
    const index = pages.offset(page) / PAGE_SIZE;
    had = this.uaoFindSwslot(object, index) !== 0;
    this.uaoDropswap(object, index);
  } else if (anon !== null && pages.pqflags(page) & PQ_ANON) {
    had = anon.swapSlot !== 0;
    this.uvmAnonDropswap(anon);
  }
  if (had) pages.clearFlags(page, PG_CLEAN);
  return had;
}

/** Frees the slot of a page in memory, if it has one, and its owner can be locked; answers whether it did. `uvmpd_trydropswap()`. => page queues locked */
export function* uvmpdTrydropswap(this: Uvm, page: Pfn): Step<boolean> {
  if (this.pages.flags(page) & PG_BUSY) return false;
  const lock = yield* this.uvmpdTrylockowner(page);
  if (lock === null) return false;
  const dropped = (this.pages.flags(page) & PG_BUSY) === 0 && this.uvmpdDropswap(page);
  yield* lock.exit();
  return dropped;
}

/**
 * Locks the owner of a queued page if that needs no waiting. `uvmpd_trylockowner()`.
 *
 * => page queues locked, which is against the order: so it must not wait.
 * => a page on loan that its object has given up becomes the anon's that borrowed it.
 *
 * @returns the lock, null when somebody else has it
 */
export function* uvmpdTrylockowner(this: Uvm, page: Pfn): Step<OwnerLock | null> {
  const { kern, pages } = this;
  kern.kassert(this.pageqLock.owned, 'mutex_owned(&uvm_pageqlock)');
  const object = pages.uobject(page);
  const lock = object === null ? (pages.uanon(page)?.lock ?? null) : object.lock;
  if (lock === null) return kern.panic('kernel diagnostic assertion "anon != NULL" failed');
  if (!(yield* lock.tryEnter())) {
    this.pagedaemon.notLocked++;
    return null;
  }
  if (object === null && (pages.pqflags(page) & PQ_ANON) === 0) this.uvmPageAdopt(page);
  return lock;
}
