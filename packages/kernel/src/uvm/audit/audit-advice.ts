/** Advisory rules: what UVM may do, and had better not. See `kern/invariant.ts`; only explanations look at these. */
import type { AdvisoryRule, Report } from '../../kern/invariant.js';
import { asPfn } from '../../machine/address.js';
import { showPage } from '../show/show-page.js';
import type { Uvm } from '../uvm.js';
import { TRANSFER_RULE } from './audit-transfers.js';

/** The advisory rules of UVM on one machine. */
export function uvmAdvisories(uvm: Uvm): AdvisoryRule[] {
  return [
    {
      name: 'wired-loan',
      sentence: 'a page is not wired while it is on loan: when the loan is broken, the wiring stays with the page that goes',
      leadsTo: [TRANSFER_RULE, 'free-page', 'wire-count', 'pg->wire_count'],
      check: (report) => checkWiredLoans(uvm, report),
    },
  ];
}

function checkWiredLoans(uvm: Uvm, report: Report): void {
  const { pages } = uvm;
  for (let frame = pages.first; frame < pages.end; frame++) {
    const pfn = asPfn(frame);
    const [loans, wirings] = [pages.loanCount(pfn), pages.wireCount(pfn)];
    if (loans === 0 || wirings === 0) continue;
    report(`page ${pfn} has wire_count ${wirings}, and loan_count ${loans}`, showPage(uvm, pfn));
  }
}
