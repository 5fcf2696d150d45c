/** Checkers of page loans. See `audit.ts`, and the picture in `loan.ts`. */
import type { Report } from '../../kern/invariant.js';
import { asPfn, asVa, hex, PAGE_SIZE, type Pfn } from '../../machine/address.js';
import { PROT_WRITE } from '../../machine/protection.js';
import { PTE_MANAGED, PTE_PROT, pteFrame } from '../../machine/pte.js';
import { PG_TABLED, PQ_ANON, PQ_FREE } from '../page/page-array.js';
import { showPage } from '../show/show-page.js';
import type { Uvm } from '../uvm.js';

/** Whether an anon borrows a page, which is or was an object's. */
export function isBorrowed({ pages }: Uvm, pfn: Pfn): boolean {
  return pages.uanon(pfn) !== null && (pages.pqflags(pfn) & PQ_ANON) === 0;
}

/** Whether a page in use belongs to nobody because its owner has freed it while it was on loan, or held by whoever had it wired. */
export function isOrphan(uvm: Uvm, pfn: Pfn): boolean {
  const { pages } = uvm;
  if (pages.uobject(pfn) !== null || pages.uanon(pfn) !== null) return false;
  return pages.loanCount(pfn) > 0 || uvm.uvmIsHeld(pfn);
}

function forEachPage({ pages }: Uvm, look: (pfn: Pfn) => void): void {
  for (let frame = pages.first; frame < pages.end; frame++) look(asPfn(frame));
}

export function checkLoanCounts(uvm: Uvm, report: Report): void {
  const named = new Map<Pfn, number>();
  const name = (pfn: Pfn): void => {
    named.set(pfn, (named.get(pfn) ?? 0) + 1);
  };
  for (const loan of uvm.kernelLoans) for (const pfn of loan.pages) name(pfn);
  forEachPage(uvm, (pfn) => {
    if (isBorrowed(uvm, pfn)) name(pfn);
  });
  forEachPage(uvm, (pfn) => {
    const count = uvm.pages.loanCount(pfn);
    const known = named.get(pfn) ?? 0;
    if (count !== known) report(`page ${pfn} has loan_count ${count}; ${known} loans can be named`, showPage(uvm, pfn));
  });
}

export function checkLoanedPages(uvm: Uvm, report: Report): void {
  const { machine, pages } = uvm;
  forEachPage(uvm, (pfn) => {
    if (pages.loanCount(pfn) === 0) return;
    const say = (what: string): void => report(`page ${pfn} is on loan but ${what}`, showPage(uvm, pfn));
    if (pages.pqflags(pfn) & PQ_FREE) say('free');
    for (let at = machine.reverseMap.first(pfn); at >= 0; at = machine.reverseMap.next(at)) {
      const pmap = machine.reverseMap.pmap(at);
      const va = machine.reverseMap.va(at);
      if (pmap.table.get(va / PAGE_SIZE) & PROT_WRITE) say(`can be stored to at ${hex(va)} of ${pmap.label}`);
    }
  });
}

export function checkOrphans(uvm: Uvm, report: Report): void {
  const { machine, pages, policy } = uvm;
  forEachPage(uvm, (pfn) => {
    if (!isOrphan(uvm, pfn) || pages.pqflags(pfn) & PQ_FREE) return;
    const say = (what: string): void => report(`page ${pfn} is an orphan but ${what}`, showPage(uvm, pfn));
    if (pages.flags(pfn) & PG_TABLED) say('counts as in the table of an object');
    if (policy.isQueued(pfn)) say('on a paging queue');
    if (machine.reverseMap.first(pfn) >= 0) say('mapped by a process');
  });
}

export function checkKernelLoans(uvm: Uvm, report: Report): void {
  const { kernelPmap } = uvm.machine;
  for (const loan of uvm.kernelLoans) {
    for (const [i, pfn] of loan.pages.entries()) {
      const va = asVa(loan.start + i * PAGE_SIZE);
      const pte = kernelPmap.table.get(va / PAGE_SIZE);
      const say = (what: string): void => report(`the kernel has page ${pfn} on loan at ${hex(va)}, ${what}`);
      if (pte === 0) say('where it has nothing mapped');
      else if (pteFrame(pte) !== pfn) say(`where it has page ${pteFrame(pte)} mapped`);
      else if (pte & PTE_MANAGED || pte & PTE_PROT & PROT_WRITE) say('and can store to it');
    }
  }
}
