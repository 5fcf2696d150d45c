/**
 * Which page goes next: the replacement policy, a part of UVM that can be replaced. sys/uvm/uvm_pdpolicy.h.
 *
 *     page.ts ──activate, deactivate, enqueue, dequeue──┐
 *     pdaemon.ts ──scanInit, selectVictim, balanceQueue─┤  PagePolicy: the clock, or CLOCK-Pro
 *     audit, show ──queues, check ──────────────────────┘       │
 *                                          PolicyHost: pages, reference bits, try-locks of owners
 *
 * A policy orders pages and decides nothing else: what happens to a victim is the page daemon's business. It knows the system by
 * `PolicyHost` alone, so that it can be driven by one that has nothing but page references (`pdsim.ts`).
 *
 * Locks: all functions are called with the page queues locked. Those that may try to lock a page's owner are generators.
 */
import { EINVAL, type Errno } from '../../kern/errno.js';
import type { Kern } from '../../kern/kern.js';
import type { Stateful, StateWriter } from '../../kern/state.js';
import type { Step } from '../../kern/switch.js';
import type { Pfn } from '../../machine/address.js';
import type { Anon } from '../anon/anon.js';
import { NO_PAGE, type PageArray, type PageList } from '../page/page-array.js';
import type { BitName } from '../show/show.js';
import type { Uvmexp } from '../uvmexp.js';

/** The policies there are. */
export const POLICY_NAMES = ['clock', 'clockpro'] as const;

/** A policy's name. */
export type PolicyName = (typeof POLICY_NAMES)[number];

/** The lock of a page's owner, as far as a policy has to do with it. */
export interface OwnerLock {
  exit(): Step<void>;
}

/** A page that is to go, its owner locked. */
export interface Victim {
  readonly page: Pfn;
  readonly lock: OwnerLock;
}

/** What a policy knows of the system. UVM is one. */
export interface PolicyHost {
  readonly kern: Pick<Kern, 'kassert'>;
  readonly pages: PageArray;
  readonly uvmexp: Uvmexp;
  readonly machine: {
    pmapIsReferenced(page: Pfn): boolean;
    pmapClearReference(page: Pfn): boolean;
  };
  /** Locks the owner of a queued page if that needs no waiting; null when it does. */
  uvmpdTrylockowner(page: Pfn): Step<OwnerLock | null>;
  /** Frees the swap slot of a page that is in memory, if it has one and its owner can be locked; answers whether it did. */
  uvmpdTrydropswap(page: Pfn): Step<boolean>;
  /** Whether no page more can be brought to swap. */
  uvmSwapIsFull(): boolean;
}

/** A queue of a policy. */
export interface PageQueue {
  /** For listings: `active`. */
  readonly name: string;
  readonly list: PageList;
}

/** A replacement policy. `uvmpdpol_*()`. */
export interface PagePolicy extends Stateful {
  readonly name: PolicyName;
  /** What it calls its private bits of a page's `pqflags`. */
  readonly flagNames: readonly BitName[];
  /** Its queues. Each page that is queued is on one of them. */
  readonly queues: readonly PageQueue[];
  /** What can be tuned, and how it stands: percentages, under the names that sysctl has for them. */
  readonly settings: Readonly<Record<string, number>>;

  /** The queue that a page is on by its flags, null for none. */
  queueOf(page: Pfn): PageQueue | null;
  /** The page is in use. `uvmpdpol_pageactivate()`. => not wired */
  activate(page: Pfn): void;
  /** The page seems to be of no use any more. `uvmpdpol_pagedeactivate()`. => owner locked, not wired */
  deactivate(page: Pfn): void;
  /** Takes a page off its queue, if it is on one. `uvmpdpol_pagedequeue()` */
  dequeue(page: Pfn): void;
  /** The page has come in, and nobody has used it yet. `uvmpdpol_pageenqueue()`. => not queued, not wired */
  enqueue(page: Pfn): void;
  /** `uvmpdpol_pageisqueued_p()` */
  isQueued(page: Pfn): boolean;
  /** Whether it is among those of which the next to go is chosen. */
  isInactive(page: Pfn): boolean;
  /** An anon ceases to exist: what is remembered of it does so too. `uvmpdpol_anfree()` */
  anfree(anon: Anon): void;

  /** A scan for victims begins. `uvmpdpol_scaninit()` */
  scanInit(): void;
  /** It is over. */
  scanEnd(): void;
  /** The next page to go; null when there is none. The page stays where it is: whoever takes it dequeues it. `uvmpdpol_selectvictim()` */
  selectVictim(): Step<Victim | null>;
  /** Finds the victims of the next scan; of pages that stay, drops that many swap slots. `uvmpdpol_balancequeue()` */
  balanceQueue(swapShortage: number): Step<void>;
  /** Whether there are too few pages to choose victims of. `uvmpdpol_needsscan_p()` */
  needsScan(): boolean;
  /** Sets its targets. `uvmpdpol_tune()` */
  tune(): void;
  /** Pages that could be paged out: those in use, and those that seem not to be. `uvmpdpol_estimatepageable()` */
  estimatePageable(): { active: number; inactive: number };

  /** Changes a setting. @returns 0, EINVAL for a value that makes no sense */
  change(setting: string, percent: number): Errno;
  /** Tells its queues. => after the rest of its state */
  writeQueues(writer: StateWriter): void;
  /** Whether its structures agree with each other; each `report` is one thing that does not. */
  check(report: (what: string) => void): void;
}

/** What kind of memory a page is, where a policy treats one kind unlike another. */
export type PageKind = 'anon' | 'file' | 'exec';

/** A page's kind. */
export function kindOf(pages: PageArray, page: Pfn): PageKind {
  switch (pages.uobject(page)?.counter ?? null) {
    case 'filepages':
      return 'file';
    case 'execpages':
      return 'exec';
    default:
      return 'anon';
  }
}

/** A share of a number of pages. `UVM_PCTPARAM_APPLY()`. */
export function percentOf(percent: number, count: number): number {
  return Math.floor((count * percent) / 100);
}

/** Whether a value is a percentage. `uvm_pctparam_check()`. */
export function checkPercent(percent: number): Errno {
  return Number.isInteger(percent) && percent >= 0 && percent <= 100 ? 0 : EINVAL;
}

/** Tells the pages of a queue, in order. A list whose links form a ring is told as far as there are pages. */
export function writeQueue(pages: PageArray, { name, list }: PageQueue, writer: StateWriter): void {
  let left = pages.length;
  for (let page = list.head; page !== NO_PAGE && left > 0; page = pages.next(page), left--) writer.frame(name, page);
  writer.field(name, left);
}
