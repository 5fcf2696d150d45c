/**
 * The page daemon: when it works, who waits for it, and when there is no hope. sys/uvm/uvm_pdaemon.c. What it does is in
 * `pdaemon-scan.ts`.
 *
 *     free pages:  0 ── reserve_pagedaemon ── reserve_kernel ──── freemin ──── freetarg ──── scan goal ────
 *                     kernel threads only       anyone         it is woken    it has work   it has enough
 *
 *     uvmPagealloc ──kick──┐                    ┌── scan: victims are freed, or begin to be written
 *     uvmWait ──wakeup─────┴─> a thread for it ─┤
 *     uvmPageoutDone ──────┘                    └── waiters are woken, even when nothing was freed: they look for themselves
 *
 * Here it is a thread only while it has work, so that there is a quiet point when all is done. docs/decisions/0014-page-daemon.md
 */
import { HZ } from '../../kern/scheduler.js';
import { pause, sleepOn, wakeup } from '../../kern/sleepq.js';
import type { Step } from '../../kern/switch.js';
import { atop } from '../../machine/address.js';
import type { WhyNoMemory } from '../events.js';
import type { Uvm } from '../uvm.js';

/** Of a small machine's pages, one in so many is kept free at most. NetBSD knows no small machines: docs/decisions/0006-departures.md. */
const SMALL_SHARE = 16;

/** Files that have at least so many pages can be reclaimed, however large the rest is. */
const ENOUGH_FILE_PAGES = atop(5 * 1024 * 1024);

/** Rounds of the page daemon after which there is no hope: so many, and two times as many as it takes for all pages to pass. */
const LEAST_ROUNDS = 8;
const PAGES_PER_ROUND = 16;

/** Promises of memory after which there is no hope: so many, and some for each thread. */
const LEAST_PROMISES = 8;
const PROMISES_PER_THREAD = 4;

/** Sets the targets of the page pool. `uvmpd_tune()`. */
export function uvmpdTune(this: Uvm): void {
  const { uvmexp, kern, pagedaemon } = this;
  const { npages } = uvmexp;
  const share = Math.min(Math.max(Math.floor(npages / 200), atop(128 * 1024)), atop(1024 * 1024)) * kern.cpus;
  // There is always a page for somebody who is not the kernel.
  uvmexp.freemin = Math.max(Math.min(share, Math.floor(npages / SMALL_SHARE)), uvmexp.reserve_kernel + 1);
  uvmexp.freetarg = Math.max(Math.floor((uvmexp.freemin * 4) / 3), uvmexp.freemin + 1) + pagedaemon.extraPages;
  pagedaemon.extraPages = 0;
  uvmexp.wiredmax = Math.floor(npages / 3);
}

/** Free pages with which a scan is content: four times the target, but of a small machine not more than an eighth. Part of `uvmpd_scan_queue()`. */
export function uvmpdScanGoal(this: Uvm): number {
  const { freetarg, npages } = this.uvmexp;
  return Math.min(freetarg * 4, Math.max(freetarg, Math.floor(npages / 8)));
}

/** Wakes the page daemon if memory is short. `uvm_kick_pdaemon()`. => free list locked */
export function uvmKickPdaemon(this: Uvm): void {
  const { free, paging, freemin, freetarg } = this.uvmexp;
  const available = free + paging;
  if (available < freemin || (available < freetarg && this.policy.needsScan())) this.uvmpdWakeup();
}

/** Wakes the page daemon. `wakeup(&uvm.pagedaemon)`. => free list locked. While it is at work nothing changes: it looks before it ends. */
export function uvmpdWakeup(this: Uvm): void {
  this.pagedaemon.lwp ??= this.kern.scheduler.spawn(() => this.uvmPageout());
}

/**
 * The page daemon's loop, from its being woken until it has nothing more to do. `uvm_pageout()`. In its own thread.
 *
 * => waiters are woken when there is memory, or when none is on its way: they have to look whether they can go on.
 * => nobody is woken again when hope has ended before: who waits all the same would only ask again.
 */
export function* uvmPageout(this: Uvm): Step<void> {
  const { kern, pagedaemon, policy, uvmexp } = this;
  uvmexp.pdwoke++;
  for (;;) {
    yield* this.pageqLock.enter();
    this.uvmpdTune();
    policy.tune();
    if (uvmexp.free + uvmexp.paging < uvmexp.freetarg || policy.needsScan()) yield* this.uvmpdScan();
    yield* this.pageqLock.exit();
    const useless = pagedaemon.waiters > 0 && uvmexp.paging === 0 && uvmexp.free <= uvmexp.reserve_kernel;
    const others = this.uvmpdOthersAtWork();
    // Who holds the lock of a page's owner, or has pages busy, must get on first.
    if (useless && (others || pagedaemon.notLocked > 0)) yield* pause(kern.scheduler, 'livelock', 1);
    pagedaemon.notLocked = 0;

    yield* this.freeLock.enter();
    if (uvmexp.free > uvmexp.reserve_kernel || uvmexp.paging === 0) {
      const short = uvmexp.free <= uvmexp.reserve_kernel;
      const vain = short && this.uvmpdHopeless();
      if (useless && !others && short && !vain) pagedaemon.fruitless++;
      pagedaemon.waiters = 0;
      if (!vain && this.freeChannel.waiters.length > 0) yield* wakeup(kern.scheduler, this.freeChannel);
    }
    const done = pagedaemon.waiters === 0 || uvmexp.paging > 0;
    if (done) pagedaemon.lwp = null;
    yield* this.freeLock.exit();
    if (done) return;
  }
}

/** Whether threads of the kernel's are at work that may give memory back: those that wait for memory themselves will not. */
export function uvmpdOthersAtWork(this: Uvm): boolean {
  const waiting = this.freeChannel.waiters.filter((lwp) => lwp.transient).length;
  return this.kern.scheduler.kernelThreads > 1 + waiting;
}

/** Pages begin to be written, and will be freed. `uvm_pageout_start()` */
export function uvmPageoutStart(this: Uvm, count: number): void {
  this.uvmexp.paging += count;
}

/**
 * Pages have been written, or could not be. `uvm_pageout_done()`.
 *
 * => when there is still no memory, the page daemon goes on; else, and when there is no hope, waiters are woken.
 */
export function* uvmPageoutDone(this: Uvm, count: number): Step<void> {
  const { kern, pagedaemon, uvmexp } = this;
  yield* this.freeLock.enter();
  kern.kassert(uvmexp.paging >= count, 'uvmexp.paging >= npages');
  uvmexp.paging -= count;
  // When what was written was not freed, it could not be written.
  const useless = uvmexp.free <= uvmexp.reserve_kernel;
  const vain = useless && this.uvmpdHopeless();
  if (useless && !vain) pagedaemon.fruitless++;
  if (useless && !this.uvmpdHopeless()) {
    this.uvmpdWakeup();
  } else {
    pagedaemon.waiters = 0;
    if (!vain && this.freeChannel.waiters.length > 0) yield* wakeup(kern.scheduler, this.freeChannel);
  }
  yield* this.freeLock.exit();
}

/**
 * Something has happened that may bring memory: a page was freed or unwired, a device to swap to has come.
 *
 * => those who had given up hope have it again.
 */
export function uvmpdRelieved(this: Uvm): void {
  this.pagedaemon.fruitless = 0;
  if (this.freeChannel.waiters.length > 0) this.uvmpdWakeup();
}

/**
 * Whether there is no memory to be had, by whatever waiting: the page daemon has looked again and again, each page has passed before it
 * more than once, and nobody has freed any.
 */
export function uvmpdHopeless(this: Uvm): boolean {
  return this.pagedaemon.fruitless >= LEAST_ROUNDS + 2 * Math.ceil(this.uvmexp.npages / PAGES_PER_ROUND);
}

/** Somebody has got all the memory that was wanted: a fault is resolved. */
export function uvmpdKeptPromise(this: Uvm): void {
  this.pagedaemon.promises = 0;
}

/**
 * Whether waiting for memory can help. `uvm_reclaimable()`. Who asks waits if it can.
 *
 * => no longer when the page daemon has found none for too long, or all who waited have done so in vain: a fault that needs two pages and
 *    is given one, time and again. NetBSD would go on for ever: docs/decisions/0006-departures.md.
 */
export function uvmReclaimable(this: Uvm): boolean {
  const { uvmexp, pagedaemon, kern } = this;
  if (uvmexp.free > uvmexp.reserve_kernel) return true;
  const why = this.uvmpdWhyNot();
  if (why === null) pagedaemon.promises++;
  else if (kern.log.on) this.log({ kind: 'no-memory', why });
  return why === null;
}

/** Why no memory can be reclaimed; null when it can. Part of `uvm_reclaimable()`. */
export function uvmpdWhyNot(this: Uvm): WhyNoMemory | null {
  const { uvmexp, pagedaemon, kern } = this;
  if (this.uvmpdHopeless()) return 'the page daemon has found no page to free';
  const most = LEAST_PROMISES + PROMISES_PER_THREAD * kern.scheduler.lwps.length;
  if (pagedaemon.promises >= most) return 'what it frees is never enough';
  if (!this.uvmSwapIsFull()) return null;
  // Pages of files can be reclaimed when swap is full. At worst all that is wired is theirs.
  const filePages = uvmexp.filepages + uvmexp.execpages - uvmexp.wired;
  const { active, inactive } = this.policy.estimatePageable();
  const enough = filePages >= Math.max(1, Math.min((active + inactive) >> 4, ENOUGH_FILE_PAGES));
  return enough ? null : 'swap is full, and there are too few pages of files';
}

/**
 * Sleeps until there may be memory again. `uvm_wait()`. => nothing locked; never fails.
 *
 * => not to be called by the page daemon, which would wait for itself.
 * => who waits although there is no hope sleeps until there is some.
 */
export function* uvmWait(this: Uvm, message: string): Step<void> {
  const { kern, pagedaemon, uvmexp } = this;
  yield* this.freeLock.enter();
  if (uvmexp.free > uvmexp.reserve_kernel) {
    yield* this.freeLock.exit();
    return;
  }
  const itself = this.curlwp === pagedaemon.lwp && uvmexp.paging === 0;
  if (itself) {
    kern.printf('pagedaemon: deadlock detected!');
    if (kern.diagnostic) kern.panic('pagedaemon deadlock');
  }
  pagedaemon.waiters++;
  if (!this.uvmpdHopeless()) this.uvmpdWakeup();
  const timeout = itself ? { timeout: HZ >> 3 } : {};
  yield* sleepOn(kern.scheduler, this.freeChannel, { message, interlock: this.freeLock, ...timeout });
}
