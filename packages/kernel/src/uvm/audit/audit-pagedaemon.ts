/** Checkers of the page daemon and the replacement policy. See `audit.ts`. */
import type { Report } from '../../kern/invariant.js';
import type { Uvm } from '../uvm.js';

export function checkPolicy(uvm: Uvm, report: Report): void {
  uvm.policy.check((what) => report(what));
}

export function checkPagedaemon({ pagedaemon, uvmexp }: Uvm, report: Report): void {
  const { lwp, waiters, freed, notLocked } = pagedaemon;
  if (lwp !== null) report(`it is said to be at work as thread ${lwp.name}`);
  if (waiters !== 0) report(`${waiters} threads are counted as waiting for memory, and nobody does`);
  if (uvmexp.paging !== 0) report(`${uvmexp.paging} pages are counted as being paged out`);
  if (freed !== 0 || notLocked !== 0)
    report(`it counts ${freed} pages that it freed and ${notLocked} that it could not lock, in no scan`);
}
