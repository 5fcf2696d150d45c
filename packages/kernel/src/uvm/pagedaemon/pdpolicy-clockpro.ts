/**
 * CLOCK-Pro: pages that are used again soon are hot, all others cold, and only cold pages go. Jiang, Chen and Zhang, USENIX 2005;
 * sys/uvm/uvm_pdpolicy_clockpro.c.
 *
 *        fresh queue                      the clock, in order of use
 *     new ──> ○ ○ ○ ──> tail ○ ● ○ ○ ● ● ○ ● head         ● hot  ○ cold
 *     what used it first      ^                ^
 *     counts for nothing   HAND_cold        HAND_hot
 *
 *     a cold page            that HAND_cold finds used in its test period becomes hot; used later, it begins a new test period
 *                            that it finds unused goes; it is remembered for the rest of its test period (`nonresident.ts`)
 *     a page that comes back in its test period is hot at once
 *     a hot page             that HAND_hot finds unused becomes cold; what the hand passes has its test period behind it
 *
 * Between the two, the number of cold pages adapts itself: the more often a test period is used well, the more there may be.
 *
 * The head of the clock is where HAND_hot is: as the hand goes on, the page there becomes the tail. Departures from NetBSD's are told in
 * docs/decisions/0014-page-daemon.md.
 */
import { EINVAL, type Errno } from '../../kern/errno.js';
import type { StateWriter } from '../../kern/state.js';
import type { Step } from '../../kern/switch.js';
import { PAGE_SIZE, type Pfn } from '../../machine/address.js';
import type { Anon } from '../anon/anon.js';
import { NO_PAGE, PQ_ANON, PQ_AOBJ } from '../page/page-array.js';
import { NonresidentPages } from './nonresident.js';
import {
  checkPercent,
  type PagePolicy,
  type PageQueue,
  type PolicyHost,
  percentOf,
  type Victim,
  writeQueue,
} from './pdpolicy.js';
import {
  CLOCKPRO_FLAGS,
  Clock,
  FreshQueue,
  PQ_CLOCK,
  PQ_FRESH,
  PQ_HOT,
  PQ_INITIALREF,
  PQ_REFERENCED,
  PQ_SPECULATIVE,
  PQ_TEST,
  PQ_VICTIM,
} from './pdpolicy-clockpro-queues.js';

const QUEUED = PQ_FRESH | PQ_CLOCK;
const PRIVATE = PQ_HOT | PQ_TEST | PQ_REFERENCED | PQ_INITIALREF | PQ_FRESH | PQ_CLOCK | PQ_SPECULATIVE | PQ_VICTIM;

/** Cold pages to begin with, in percent, and at most. */
const COLDPCT = 10;
const COLDPCTMAX = 90;

/** CLOCK-Pro. */
export class ClockProPolicy implements PagePolicy {
  readonly name = 'clockpro';
  readonly flagNames = CLOCKPRO_FLAGS;
  readonly settings = {
    /** How many of the queued pages should be cold; 0 to have it adapted. */
    coldtargetpct: 0,
  };
  readonly queues: readonly [fresh: FreshQueue, clock: Clock];
  /** How many pages should be cold. */
  coldTarget: number;
  readonly #host: PolicyHost;
  readonly #fresh: FreshQueue;
  readonly #clock: Clock;
  /** Hot pages that HAND_hot has passed: the time by which test periods end. */
  #passed = 0;
  /** Pages that the scan under way may still look at; 0 when there is none. */
  #budget = 0;
  readonly #gone = new NonresidentPages();

  constructor(host: PolicyHost) {
    this.#host = host;
    this.coldTarget = Math.max(1, percentOf(COLDPCT, host.pages.length));
    this.#fresh = new FreshQueue(host.pages);
    this.#clock = new Clock(host.pages);
    this.queues = [this.#fresh, this.#clock];
  }

  queueOf(page: Pfn): PageQueue | null {
    const pqflags = this.#host.pages.pqflags(page);
    if (pqflags & PQ_FRESH) return this.#fresh;
    return pqflags & PQ_CLOCK ? this.#clock : null;
  }

  activate(page: Pfn): void {
    const { pages } = this.#host;
    if (!this.isQueued(page)) {
      this.#begin(page, PQ_INITIALREF);
    } else if (pages.pqflags(page) & PQ_SPECULATIVE) {
      // This is its first use.
      this.dequeue(page);
      this.#begin(page, PQ_INITIALREF);
    }
    pages.clearPqflags(page, PQ_VICTIM);
    pages.setPqflags(page, PQ_REFERENCED);
  }

  deactivate(page: Pfn): void {
    const { machine, pages } = this.#host;
    machine.pmapClearReference(page);
    if (!this.isQueued(page)) this.#begin(page, PQ_SPECULATIVE);
    pages.clearPqflags(page, PQ_REFERENCED | PQ_INITIALREF);
  }

  enqueue(page: Pfn): void {
    this.#host.machine.pmapClearReference(page);
    this.#begin(page, PQ_SPECULATIVE);
  }

  dequeue(page: Pfn): void {
    const { pages } = this.#host;
    const pqflags = pages.pqflags(page);
    if ((pqflags & QUEUED) === 0) return;
    if (pqflags & PQ_VICTIM && pqflags & PQ_TEST) this.#remember(page);
    this.#count(pqflags & PQ_HOT, -1);
    if (pqflags & PQ_FRESH) this.#fresh.leave(page);
    else this.#clock.leave(page);
    pages.clearPqflags(page, PRIVATE);
  }

  isQueued(page: Pfn): boolean {
    return (this.#host.pages.pqflags(page) & QUEUED) !== 0;
  }

  isInactive(page: Pfn): boolean {
    const pqflags = this.#host.pages.pqflags(page);
    return (pqflags & QUEUED) !== 0 && (pqflags & PQ_HOT) === 0;
  }

  anfree(anon: Anon): void {
    this.#gone.take(anon, 0);
  }

  scanInit(): void {
    // Each page is passed once as what it is, and once more as what it has become.
    this.#budget = 2 * this.#queued + 1;
  }

  scanEnd(): void {
    this.#budget = 0;
  }

  *selectVictim(): Step<Victim | null> {
    const host = this.#host;
    while (this.#budget > 0) {
      this.#budget--;
      yield* this.#advanceFresh();
      yield* this.#advanceHot();
      const page = this.#clock.handCold;
      if (page === NO_PAGE) return null;
      this.#clock.passCold();
      host.uvmexp.pdscans++;
      if (host.pages.pqflags(page) & PQ_HOT) continue;
      if (host.pages.pqflags(page) & PQ_VICTIM) {
        // It was chosen, and could not go: others first.
        host.pages.clearPqflags(page, PQ_VICTIM);
        continue;
      }
      const lock = yield* host.uvmpdTrylockowner(page);
      if (lock === null) continue;
      if (!this.#takeReference(page)) {
        host.pages.setPqflags(page, PQ_VICTIM);
        return { page, lock };
      }
      this.#spare(page);
      host.uvmexp.pdreact++;
      yield* lock.exit();
    }
    return null;
  }

  /** Of the pages that stay, hot ones can do without their slots. */
  *balanceQueue(swapShortage: number): Step<void> {
    const { pages } = this.#host;
    let shortage = swapShortage;
    for (const { list } of this.queues) {
      for (let page = list.head; page !== NO_PAGE && shortage > 0; page = pages.next(page)) {
        const pqflags = pages.pqflags(page);
        if ((pqflags & PQ_HOT) === 0 || (pqflags & (PQ_ANON | PQ_AOBJ)) === 0) continue;
        if (yield* this.#host.uvmpdTrydropswap(page)) shortage--;
      }
    }
  }

  needsScan(): boolean {
    return this.#host.uvmexp.inactive < this.coldTarget;
  }

  tune(): void {
    const percent = this.settings.coldtargetpct;
    if (percent !== 0) this.coldTarget = Math.max(1, percentOf(percent, this.#queued));
  }

  estimatePageable(): { active: number; inactive: number } {
    const { active, inactive } = this.#host.uvmexp;
    return { active, inactive };
  }

  change(setting: string, percent: number): Errno {
    if (!Object.hasOwn(this.settings, setting) || checkPercent(percent) !== 0) return EINVAL;
    Object.assign(this.settings, { [setting]: percent });
    return 0;
  }

  writeState(writer: StateWriter): void {
    for (const [name, percent] of Object.entries(this.settings)) writer.field(name, percent);
    writer.field('coldTarget', this.coldTarget);
    writer.frame('handCold', this.#clock.handCold);
    writer.field('budget', this.#budget);
  }

  writeQueues(writer: StateWriter): void {
    for (const queue of this.queues) writeQueue(this.#host.pages, queue, writer);
    // Not before: of whose they were somebody else tells.
    this.#gone.writeState(writer, this.#passed);
  }

  check(report: (what: string) => void): void {
    const { pages } = this.#host;
    if (this.#budget !== 0) report('a scan for victims is under way');
    for (const queue of this.queues) queue.check(report);
    for (let frame = pages.first; frame < pages.end; frame++) this.#checkPage(frame as Pfn, report);
  }

  #checkPage(page: Pfn, report: (what: string) => void): void {
    const { pages } = this.#host;
    const pqflags = pages.pqflags(page);
    if (!this.isQueued(page)) return;
    if (pqflags & PQ_HOT && pqflags & (PQ_TEST | PQ_SPECULATIVE)) report(`page ${page} is hot, and is tested as if it were cold`);
    if (pqflags & PQ_CLOCK && pqflags & PQ_INITIALREF)
      report(`page ${page} is on the clock, but its first use has not been forgotten`);
    const owner = pages.uobject(page) ?? pages.uanon(page);
    if ((pqflags & PQ_SPECULATIVE) !== 0 || owner === null) return;
    if (this.#gone.has(owner, this.#indexOf(page))) report(`page ${page} is in memory, but remembered as having gone`);
  }

  /** Pages that are queued. */
  get #queued(): number {
    const { active, inactive } = this.#host.uvmexp;
    return active + inactive;
  }

  #count(hot: number, by: 1 | -1): void {
    if (hot) this.#host.uvmexp.active += by;
    else this.#host.uvmexp.inactive += by;
  }

  /** A page comes in. Cold, unless it has gone only just now. */
  #begin(page: Pfn, how: typeof PQ_INITIALREF | typeof PQ_SPECULATIVE): void {
    const { pages } = this.#host;
    let state = 0;
    if (how === PQ_INITIALREF) {
      const isBack = this.#isBack(page);
      state = isBack ? PQ_HOT : PQ_TEST;
      if (isBack) this.#adapt(1);
    }
    pages.setPqflags(page, how | state);
    this.#fresh.enter(page);
    this.#count(state & PQ_HOT, 1);
  }

  /** Whether a page had gone only just now, which is forgotten. */
  #isBack(page: Pfn): boolean {
    const { pages } = this.#host;
    const owner = pages.uobject(page) ?? pages.uanon(page);
    return owner !== null && this.#gone.take(owner, this.#indexOf(page));
  }

  #indexOf(page: Pfn): number {
    const { pages } = this.#host;
    return pages.uobject(page) === null ? 0 : pages.offset(page) / PAGE_SIZE;
  }

  /** The number of cold pages to aim at changes, as a test period was used well or not. */
  #adapt(by: 1 | -1): void {
    if (this.settings.coldtargetpct !== 0) return;
    this.coldTarget = Math.max(1, Math.min(this.coldTarget + by, percentOf(COLDPCTMAX, this.#host.pages.length)));
  }

  /** A victim in its test period goes: it is remembered for as long as HAND_hot takes for a turn, of so many at most as there are pages. */
  #remember(page: Pfn): void {
    const { pages, uvmexp } = this.#host;
    const owner = pages.uobject(page) ?? pages.uanon(page);
    if (owner === null) return;
    if (this.#gone.size >= uvmexp.npages) this.#forgetOldest();
    this.#gone.add(owner, this.#indexOf(page), this.#passed);
  }

  /** The test period of a page that has gone ends without its having come back. */
  #forgetOldest(): void {
    this.#gone.dropOldest();
    this.#adapt(-1);
  }

  /** Pages leave the fresh queue, the oldest first, when it has too many, or the clock no cold ones. What used them first is forgotten. */
  *#advanceFresh(): Step<void> {
    const { pages, uvmexp } = this.#host;
    const fresh = this.#fresh;
    while (fresh.count > Math.max(1, this.coldTarget >> 2) || (fresh.count > 0 && uvmexp.inactive === fresh.cold)) {
      const page = fresh.list.head;
      if (pages.pqflags(page) & PQ_INITIALREF) {
        const lock = yield* this.#host.uvmpdTrylockowner(page);
        if (lock !== null) {
          this.#takeReference(page);
          yield* lock.exit();
        }
        pages.clearPqflags(page, PQ_REFERENCED | PQ_INITIALREF);
      }
      fresh.leave(page);
      this.#clock.enter(page);
    }
  }

  /** HAND_hot makes hot pages cold until there are enough cold ones, and stops at a hot page. */
  *#advanceHot(): Step<void> {
    const { pages, uvmexp } = this.#host;
    if (uvmexp.active === 0 || uvmexp.inactive >= this.coldTarget) return;
    for (let left = this.#queued - this.#fresh.count; left > 0; left--) {
      const page = this.#clock.list.head;
      const hot = (pages.pqflags(page) & PQ_HOT) !== 0;
      if (hot && uvmexp.inactive >= this.coldTarget) return;
      if (hot) yield* this.#passHot(page);
      else this.#endTest(page);
      this.#clock.passHot();
    }
  }

  /** HAND_hot passes a hot page: unless it was used, it becomes cold. */
  *#passHot(page: Pfn): Step<void> {
    const { pages, uvmexp } = this.#host;
    this.#passed++;
    for (let at = this.#gone.oldest; at !== null && this.#passed - at >= uvmexp.active; at = this.#gone.oldest)
      this.#forgetOldest();
    const lock = yield* this.#host.uvmpdTrylockowner(page);
    if (lock === null) return;
    const used = this.#takeReference(page);
    yield* lock.exit();
    if (used) return;
    this.#count(1, -1);
    pages.clearPqflags(page, PQ_HOT);
    this.#count(0, 1);
    uvmexp.pddeact++;
  }

  /** The test period of a cold page ends without its having been used. */
  #endTest(page: Pfn): void {
    const { pages } = this.#host;
    if ((pages.pqflags(page) & PQ_TEST) === 0) return;
    pages.clearPqflags(page, PQ_TEST);
    this.#adapt(-1);
  }

  /**
   * A cold page that was used: it becomes hot when it is in its test period, which else begins. It is the newest from now on.
   * The first use of one that has come unasked may be in the test period that it went in.
   */
  #spare(page: Pfn): void {
    const { pages } = this.#host;
    const pqflags = pages.pqflags(page);
    pages.clearPqflags(page, PQ_TEST | PQ_SPECULATIVE | PQ_VICTIM);
    if (pqflags & PQ_SPECULATIVE ? this.#isBack(page) : pqflags & PQ_TEST) {
      this.#count(0, -1);
      pages.setPqflags(page, PQ_HOT);
      this.#count(1, 1);
      this.#adapt(1);
    } else {
      pages.setPqflags(page, PQ_TEST);
    }
    this.#clock.leave(page);
    this.#clock.enter(page);
  }

  /** Whether a page was used since this was asked last. => owner locked */
  #takeReference(page: Pfn): boolean {
    const { machine, pages } = this.#host;
    const used = machine.pmapClearReference(page) || (pages.pqflags(page) & PQ_REFERENCED) !== 0;
    pages.clearPqflags(page, PQ_REFERENCED);
    return used;
  }
}
