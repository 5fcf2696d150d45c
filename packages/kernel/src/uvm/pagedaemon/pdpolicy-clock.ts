/**
 * The clock policy: two queues, first in first out. sys/uvm/uvm_pdpolicy_clock.c.
 *
 *      activate ──> active queue ──balanceQueue: reference bit cleared──> inactive queue ──selectVictim──> goes
 *                       ^                                                       │
 *                       └──── used since, or of a kind that is to stay ─────────┘
 *
 * Of each kind of memory (anonymous, files, programs) a share of RAM is left alone while there is more of another kind than it should have.
 */
import { EINVAL, type Errno } from '../../kern/errno.js';
import type { StateWriter } from '../../kern/state.js';
import type { Step } from '../../kern/switch.js';
import type { Pfn } from '../../machine/address.js';
import type { Anon } from '../anon/anon.js';
import { NO_PAGE, PageList, PQ_ACTIVE, PQ_ANON, PQ_AOBJ, PQ_INACTIVE } from '../page/page-array.js';
import {
  checkPercent,
  kindOf,
  type PageKind,
  type PagePolicy,
  type PageQueue,
  type PolicyHost,
  percentOf,
  type Victim,
  writeQueue,
} from './pdpolicy.js';

const QUEUED = PQ_ACTIVE | PQ_INACTIVE;

/** What the three minima together may claim at most, in percent. */
const MOST_RESERVED = 95;

/** What a scan has decided at its beginning, and how far it has come. */
interface Scan {
  /** The page to look at next, `NO_PAGE` at the end. */
  hand: Pfn;
  /** Which kinds of pages are to stay. */
  readonly stays: Readonly<Record<PageKind, boolean>>;
}

/** The clock. */
export class ClockPolicy implements PagePolicy {
  readonly name = 'clock';
  readonly flagNames = [
    [PQ_ACTIVE, 'ACTIVE'],
    [PQ_INACTIVE, 'INACTIVE'],
  ] as const;
  readonly settings = {
    anonmin: 10,
    filemin: 10,
    execmin: 5,
    anonmax: 80,
    filemax: 50,
    execmax: 30,
    /** How many of the queued pages should be inactive. */
    inactivepct: 33,
  };
  readonly queues: readonly [active: PageQueue, inactive: PageQueue];
  /** How many pages should be inactive. */
  inactiveTarget = 0;
  readonly #host: PolicyHost;
  readonly #active: PageList;
  readonly #inactive: PageList;
  #scan: Scan | null = null;

  constructor(host: PolicyHost) {
    this.#host = host;
    this.#active = new PageList(host.pages);
    this.#inactive = new PageList(host.pages);
    this.queues = [
      { name: 'active', list: this.#active },
      { name: 'inactive', list: this.#inactive },
    ];
  }

  queueOf(page: Pfn): PageQueue | null {
    const pqflags = this.#host.pages.pqflags(page);
    if (pqflags & PQ_INACTIVE) return this.queues[1];
    return pqflags & PQ_ACTIVE ? this.queues[0] : null;
  }

  activate(page: Pfn): void {
    const { pages, uvmexp } = this.#host;
    this.dequeue(page);
    pages.setPqflags(page, PQ_ACTIVE);
    this.#active.insertTail(page);
    uvmexp.active++;
  }

  deactivate(page: Pfn): void {
    const { machine, pages, uvmexp } = this.#host;
    if (pages.pqflags(page) & PQ_INACTIVE) return;
    this.dequeue(page);
    machine.pmapClearReference(page);
    pages.setPqflags(page, PQ_INACTIVE);
    this.#inactive.insertTail(page);
    uvmexp.inactive++;
  }

  enqueue(page: Pfn): void {
    this.activate(page);
  }

  dequeue(page: Pfn): void {
    const { pages, uvmexp } = this.#host;
    const queue = pages.pqflags(page) & QUEUED;
    if (queue === 0) return;
    if (queue & PQ_ACTIVE) {
      this.#active.remove(page);
      uvmexp.active--;
    } else {
      this.#inactive.remove(page);
      uvmexp.inactive--;
    }
    pages.clearPqflags(page, QUEUED);
  }

  isQueued(page: Pfn): boolean {
    return (this.#host.pages.pqflags(page) & QUEUED) !== 0;
  }

  isInactive(page: Pfn): boolean {
    return (this.#host.pages.pqflags(page) & PQ_INACTIVE) !== 0;
  }

  anfree(_anon: Anon): void {}

  /** Decides which kinds of pages stay: those of which there are too few, and, while another kind has too many, those that have not. */
  scanInit(): void {
    const { uvmexp } = this.#host;
    const { settings } = this;
    const total = uvmexp.active + uvmexp.inactive + uvmexp.free;
    const under = {
      anon: uvmexp.anonpages <= percentOf(settings.anonmin, total),
      file: uvmexp.filepages <= percentOf(settings.filemin, total),
      exec: uvmexp.execpages <= percentOf(settings.execmin, total),
    };
    const over = {
      anon: uvmexp.anonpages > percentOf(settings.anonmax, total),
      file: uvmexp.filepages > percentOf(settings.filemax, total),
      exec: uvmexp.execpages > percentOf(settings.execmax, total),
    };
    const anon = under.anon || (!over.anon && (over.file || over.exec));
    const file = under.file || (!over.file && (over.anon || over.exec));
    const exec = under.exec || (!over.exec && (over.anon || over.file));
    // When nothing would be left to take, all kinds are alike.
    const none = file && exec && (anon || this.#host.uvmSwapIsFull());
    const stays = none ? { anon: false, file: false, exec: false } : { anon, file, exec };
    this.#scan = { hand: this.#inactive.head, stays };
  }

  scanEnd(): void {
    this.#scan = null;
  }

  *selectVictim(): Step<Victim | null> {
    const host = this.#host;
    for (let page = this.#advance(); page !== NO_PAGE; page = this.#advance()) {
      host.uvmexp.pdscans++;
      if (this.#keeps(page)) continue;
      const lock = yield* host.uvmpdTrylockowner(page);
      if (lock === null) continue;
      if (!host.machine.pmapIsReferenced(page)) return { page, lock };
      this.activate(page);
      host.uvmexp.pdreact++;
      yield* lock.exit();
    }
    return null;
  }

  /** The page at the hand, which goes on to the next. When the hand's page has left the queue meanwhile, it begins anew. */
  #advance(): Pfn {
    const scan = this.#scan;
    if (scan === null) return NO_PAGE;
    let page = scan.hand;
    if (page !== NO_PAGE && !this.isInactive(page)) page = this.#inactive.head;
    scan.hand = page === NO_PAGE ? NO_PAGE : this.#host.pages.next(page);
    return page;
  }

  /** Whether a page is of a kind that is to stay; then it is made active. */
  #keeps(page: Pfn): boolean {
    const { pages, uvmexp } = this.#host;
    const kind = kindOf(pages, page);
    if (this.#scan?.stays[kind] !== true) return false;
    this.activate(page);
    if (kind === 'anon') uvmexp.pdreanon++;
    else if (kind === 'file') uvmexp.pdrefile++;
    else uvmexp.pdreexec++;
    return true;
  }

  *balanceQueue(swapShortage: number): Step<void> {
    const host = this.#host;
    const { pages, uvmexp } = host;
    let inactiveShortage = this.inactiveTarget - uvmexp.inactive;
    let slotShortage = swapShortage;
    let next = NO_PAGE;
    for (let page = this.#active.head; page !== NO_PAGE && (inactiveShortage > 0 || slotShortage > 0); page = next) {
      next = pages.next(page);
      if (slotShortage > 0 && pages.pqflags(page) & (PQ_ANON | PQ_AOBJ) && (yield* host.uvmpdTrydropswap(page))) slotShortage--;
      if (inactiveShortage <= 0) continue;
      const lock = yield* host.uvmpdTrylockowner(page);
      if (lock === null) continue;
      this.deactivate(page);
      uvmexp.pddeact++;
      inactiveShortage--;
      yield* lock.exit();
    }
  }

  needsScan(): boolean {
    return this.#host.uvmexp.inactive < this.inactiveTarget;
  }

  tune(): void {
    const { uvmexp } = this.#host;
    const share = percentOf(this.settings.inactivepct, uvmexp.active + uvmexp.inactive);
    this.inactiveTarget = Math.max(share, uvmexp.freetarg + 1);
  }

  estimatePageable(): { active: number; inactive: number } {
    const { active, inactive } = this.#host.uvmexp;
    return { active, inactive };
  }

  change(setting: string, percent: number): Errno {
    if (!Object.hasOwn(this.settings, setting) || checkPercent(percent) !== 0) return EINVAL;
    const changed = { ...this.settings, [setting]: percent };
    const reserved = changed.anonmin + changed.filemin + changed.execmin;
    if (setting.endsWith('min') && reserved > MOST_RESERVED) return EINVAL;
    Object.assign(this.settings, changed);
    return 0;
  }

  writeState(writer: StateWriter): void {
    for (const [name, percent] of Object.entries(this.settings)) writer.field(name, percent);
    writer.field('inactiveTarget', this.inactiveTarget);
    if (this.#scan === null) return;
    writer.frame('hand', this.#scan.hand);
    for (const [kind, stays] of Object.entries(this.#scan.stays)) writer.field(kind, stays);
  }

  writeQueues(writer: StateWriter): void {
    for (const queue of this.queues) writeQueue(this.#host.pages, queue, writer);
  }

  check(report: (what: string) => void): void {
    if (this.#scan !== null) report('a scan for victims is under way');
  }
}
