/** Wirings for the time being, as `uvm_vslock()` makes them: what the audit knows of them. */
import type { StateWriter } from '../../kern/state.js';
import { asVa, PAGE_SIZE, type Pfn, roundPage, truncPage, type Va } from '../../machine/address.js';
import type { Wiring } from '../../vm/system.js';
import type { VmMap } from '../map/vm-map.js';
import { NO_PAGE } from '../page/page-array.js';

/** A wiring for the time being: which pages were wired by it, by address. */
export class TransientWiring implements Wiring {
  readonly map: VmMap;
  readonly start: Va;
  readonly end: Va;
  /** The page wired at each address; `NO_PAGE` before that, and from when it was freed, which ends all its wirings. */
  readonly pages: Pfn[];
  /** Whether its pages live on until it ends, whoever gives them up: not in NetBSD, where what is freed is freed. */
  holdsPages = false;

  /** The wiring of all pages that a buffer touches. */
  static ofBuffer(map: VmMap, address: number, length: number): TransientWiring {
    return new TransientWiring(map, truncPage(asVa(address)), roundPage(asVa(address + length)));
  }

  constructor(map: VmMap, start: Va, end: Va) {
    this.map = map;
    this.start = start;
    this.end = end;
    this.pages = new Array<Pfn>(Math.max(0, (end - start) / PAGE_SIZE)).fill(NO_PAGE);
  }

  get frames(): readonly Pfn[] {
    return this.pages;
  }

  /** Whether an address lies in the range. */
  covers(map: VmMap, va: Va): boolean {
    return this.map === map && va >= this.start && va < this.end;
  }

  /** The page that was wired at an address of the range. */
  pageAt(va: Va): Pfn {
    return this.pages[(truncPage(va) - this.start) / PAGE_SIZE] ?? NO_PAGE;
  }

  /** Takes down that a page was wired. */
  note(va: Va, page: Pfn): void {
    this.pages[(va - this.start) / PAGE_SIZE] = page;
  }

  /** How many of its wirings are of this page. */
  wiringsOf(page: Pfn): number {
    let wirings = 0;
    for (const wired of this.pages) if (wired === page) wirings++;
    return wirings;
  }

  /** A page was freed: its wirings are gone. */
  forget(page: Pfn): void {
    for (let i = 0; i < this.pages.length; i++) if (this.pages[i] === page) this.pages[i] = NO_PAGE;
  }

  writeState(writer: StateWriter): void {
    writer.reference('map', this.map);
    writer.field('start', this.start);
    writer.field('end', this.end);
    writer.field('holdsPages', this.holdsPages);
    for (const page of this.pages) {
      if (page === NO_PAGE) writer.field('page', NO_PAGE);
      else writer.frame('page', page);
    }
  }
}
