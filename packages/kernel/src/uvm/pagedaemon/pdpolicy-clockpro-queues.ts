/** The queues of CLOCK-Pro, and what it notes of a page. The picture is in `pdpolicy-clockpro.ts`. */
import type { Pfn } from '../../machine/address.js';
import { NO_PAGE, type PageArray, PageList } from '../page/page-array.js';
import type { PageQueue } from './pdpolicy.js';

/** It is used again soon. */
export const PQ_HOT = 0x0100;
/** It is cold, and becomes hot if it is used from now on. */
export const PQ_TEST = 0x0200;
/** It was used, and the reference bit does not say so. */
export const PQ_REFERENCED = 0x0400;
/** Its reference bit may be that of the use that brought it in. */
export const PQ_INITIALREF = 0x0800;
/** It is on the fresh queue. */
export const PQ_FRESH = 0x1000;
/** It is on the clock. */
export const PQ_CLOCK = 0x2000;
/** It has come without having been asked for. */
export const PQ_SPECULATIVE = 0x4000;
/** It was chosen to go. */
export const PQ_VICTIM = 0x8000;

/** The private bits of a page's `pqflags`, by name. */
export const CLOCKPRO_FLAGS = [
  [PQ_HOT, 'HOT'],
  [PQ_TEST, 'TEST'],
  [PQ_REFERENCED, 'REFERENCED'],
  [PQ_INITIALREF, 'INITIALREF'],
  [PQ_FRESH, 'FRESH'],
  [PQ_CLOCK, 'CLOCK'],
  [PQ_SPECULATIVE, 'SPECULATIVE'],
  [PQ_VICTIM, 'VICTIM'],
] as const;

/** Pages that have come in, the first first. */
export class FreshQueue implements PageQueue {
  readonly name = 'fresh';
  readonly list: PageList;
  /** How many there are, and how many of them are cold. */
  count = 0;
  cold = 0;
  readonly #pages: PageArray;

  constructor(pages: PageArray) {
    this.#pages = pages;
    this.list = new PageList(pages);
  }

  /** A page enters, hot or cold as its flags say. */
  enter(page: Pfn): void {
    this.#pages.setPqflags(page, PQ_FRESH);
    this.list.insertTail(page);
    this.#count(page, 1);
  }

  /** A page leaves. */
  leave(page: Pfn): void {
    this.#pages.clearPqflags(page, PQ_FRESH);
    this.list.remove(page);
    this.#count(page, -1);
  }

  #count(page: Pfn, by: 1 | -1): void {
    this.count += by;
    if ((this.#pages.pqflags(page) & PQ_HOT) === 0) this.cold += by;
  }

  /** Whether the counts are right. */
  check(report: (what: string) => void): void {
    const listed = this.list.toArray();
    const cold = listed.filter((page) => (this.#pages.pqflags(page) & PQ_HOT) === 0).length;
    if (listed.length !== this.count) report(`the fresh queue has ${listed.length} pages; ${this.count} are counted`);
    if (cold !== this.cold) report(`the fresh queue has ${cold} cold pages; ${this.cold} are counted`);
  }
}

/** Pages in the order of their last use, as far as it is known. HAND_hot is at the head. */
export class Clock implements PageQueue {
  readonly name = 'clock';
  readonly list: PageList;
  /** The page that HAND_cold looks at next; `NO_PAGE` when there is none. */
  handCold = NO_PAGE;
  readonly #pages: PageArray;

  constructor(pages: PageArray) {
    this.#pages = pages;
    this.list = new PageList(pages);
  }

  /** A page enters as the newest. */
  enter(page: Pfn): void {
    this.#pages.setPqflags(page, PQ_CLOCK);
    this.list.insertTail(page);
    if (this.handCold === NO_PAGE) this.handCold = page;
  }

  /** A page leaves; a hand that points to it goes on. */
  leave(page: Pfn): void {
    if (this.handCold === page) this.passCold();
    if (this.handCold === page) this.handCold = NO_PAGE;
    this.list.remove(page);
    this.#pages.clearPqflags(page, PQ_CLOCK);
  }

  /** HAND_cold goes on to the next page. */
  passCold(): void {
    const next = this.#pages.next(this.handCold);
    this.handCold = next === NO_PAGE ? this.list.head : next;
  }

  /** HAND_hot goes on to the next page: what was the head is the tail. */
  passHot(): void {
    const { head } = this.list;
    this.list.remove(head);
    this.list.insertTail(head);
  }

  /** Whether HAND_cold points to one of the pages. */
  check(report: (what: string) => void): void {
    const hand = this.handCold;
    const lost = hand === NO_PAGE ? this.list.head !== NO_PAGE : (this.#pages.pqflags(hand) & PQ_CLOCK) === 0;
    if (lost) report(`HAND_cold points to page ${hand}, which is not on the clock`);
  }
}
