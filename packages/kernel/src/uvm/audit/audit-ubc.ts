/** Checkers of the kernel's windows onto objects. See `audit.ts`. */
import type { Report } from '../../kern/invariant.js';
import { asOffset, asPfn, hex, PAGE_SIZE } from '../../machine/address.js';
import { PROT_WRITE } from '../../machine/protection.js';
import { type Pte, pteFrame } from '../../machine/pte.js';
import { PG_RDONLY } from '../page/page-array.js';
import { showPage } from '../show/show-page.js';
import type { Uvm } from '../uvm.js';
import { UBC_KVA, UBC_WINSIZE, type UbcWindow } from '../vnode/ubc-window.js';

/** Pages of a window. */
const PAGES = UBC_WINSIZE / PAGE_SIZE;

export function checkUbcWindows(uvm: Uvm, report: Report): void {
  const { windows, inactive } = uvm.ubc;
  for (const window of windows) {
    const { index, object, offset, references } = window;
    const listed = inactive.filter((each) => each === window).length;
    if (references > 0) report(`window ${index} has ${references} references, and nobody is in the kernel`);
    if (listed !== (references > 0 ? 0 : 1))
      report(`window ${index} has ${references} references, and is ${listed} times on the inactive queue`);
    if (window.writeOffset !== 0 || window.writeLength !== 0) report(`window ${index} can be written through, and nobody does`);
    if (window.busyPages.length > 0) report(`window ${index} holds ${window.busyPages.length} pages busy`);
    if (object === null) continue;
    if (!uvm.objects.has(object)) report(`window ${index} shows object ${object.id}, which is gone`);
    else if (object.windows?.get(offset) !== window)
      report(`window ${index} shows object ${object.id} at ${hex(offset)}, which does not know`);
  }
  for (const object of uvm.objects) {
    for (const [offset, window] of object.windows ?? []) {
      if (window.object === object && window.offset === offset) continue;
      report(`object ${object.id} takes window ${window.index} to show it at ${hex(offset)}, and it does not`);
    }
  }
}

export function checkUbcMappings(uvm: Uvm, report: Report): void {
  const { ubc, machine } = uvm;
  const first = UBC_KVA / PAGE_SIZE;
  machine.kernelPmap.table.forEachIn(first, first + ubc.limit * PAGES, (at, pte) => {
    const window = ubc.windows[Math.floor((at - first) / PAGES)];
    const problem = window === undefined ? 'is none' : mappingProblem(uvm, window, ((at - first) % PAGES) * PAGE_SIZE, pte);
    if (problem !== null)
      report(
        `the kernel maps page ${pteFrame(pte)} in window ${Math.floor((at - first) / PAGES)}, which ${problem}`,
        showPage(uvm, pteFrame(pte)),
      );
  });
}

/** What is wrong with a mapping in a window; null when nothing is. */
function mappingProblem(uvm: Uvm, window: UbcWindow, at: number, pte: Pte): string | null {
  const { object } = window;
  if (object === null) return 'shows nothing';
  if (!window.mappingCached) return 'should have no mappings';
  const page = asPfn(object.lookup(asOffset(window.offset + at)));
  if (page !== pteFrame(pte)) return `shows object ${object.id}, and that has page ${page} there`;
  if ((pte & PROT_WRITE) === 0) return null;
  if (uvm.pages.flags(page) & PG_RDONLY) return 'is writable there, although the page stands for a hole';
  if (uvm.pages.loanCount(page) > 0) return 'is writable there, although the page is on loan';
  return object.needsWriteFault ? `is writable there, and object ${object.id} would not learn of a store` : null;
}
