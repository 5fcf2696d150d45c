/** Checker of transfers between devices and memory. See `audit.ts` and `transfers.ts`. */
import type { Report } from '../../kern/invariant.js';
import { asVa, hex, PAGE_SIZE, type Pfn, type Va } from '../../machine/address.js';
import { NO_FRAME, type PageTransfer } from '../../vm/system.js';
import { Anon } from '../anon/anon.js';
import { pageAt } from '../map/layers.js';
import type { VmMap, Vmspace } from '../map/vm-map.js';
import type { UvmObject } from '../object/object.js';
import { PQ_FREE } from '../page/page-array.js';
import { showPage } from '../show/show-page.js';
import type { TransferredPage } from '../transfer/transferred-page.js';
import type { Uvm } from '../uvm.js';

/** The name of the invariant. */
export const TRANSFER_RULE = 'device-page';

export function checkTransfers(uvm: Uvm, report: Report): void {
  for (const [transfer, given] of uvm.transfers) {
    for (const [i, page] of given.entries()) {
      const wrong = whatIsWrong(uvm, transfer, page, i);
      if (wrong !== null) report(`${transfer.label}: ${wrong}`, subjectOf(uvm, page.page));
    }
  }
}

/** What is wrong with the i-th page that a device has, null for nothing. */
export function whatIsWrong(
  uvm: Uvm,
  { space, start }: PageTransfer,
  { page, owner, wired }: TransferredPage,
  i: number,
): string | null {
  const { pages, machine } = uvm;
  const va = asVa(start + i * PAGE_SIZE);
  if (page === NO_FRAME) return `nothing was mapped at ${hex(va)} when the device was told where to go`;
  if (!machine.isManaged(page)) return null;
  if (pages.pqflags(page) & PQ_FREE) return `page ${page} is free while the device has it`;
  if (!wired) return `page ${page} was never wired for ${hex(va)}, where the device was sent to it`;
  const now = pages.uobject(page) ?? pages.uanon(page);
  // What nobody has any more but whoever had it wired for the device comes to no harm.
  if (now === null && uvm.uvmIsHeld(page)) return null;
  if (now !== owner)
    return `page ${page} belonged to ${nameOf(owner)} when it was given to the device, and to ${nameOf(now)} now`;
  // A page that was shared for copying on write may have been left to the others. What nobody has any more is about to be freed.
  const { map } = space as Vmspace;
  if (owner instanceof Anon && !hasAnon(map, va, owner) && [...uvm.maps].some((other) => hasAnon(other, va, owner)))
    return `page ${page} belongs to ${nameOf(owner)}, which the program does not have any more`;
  return null;
}

/** Whether a space has an anon: at that address, or wherever it may have been moved to. */
function hasAnon(map: VmMap, va: Va, anon: Anon): boolean {
  const entry = map.tree.floor(va);
  if (entry?.contains(va) === true && pageAt(entry, va).anon === anon) return true;
  return map
    .entries()
    .some(({ amap, amapOffset, size }) =>
      amap?.usedWithin(amapOffset, amapOffset + size / PAGE_SIZE).some((slot) => amap.at(slot) === anon),
    );
}

function nameOf(owner: UvmObject | Anon | null): string {
  if (owner === null) return 'nobody';
  return owner instanceof Anon ? `anon ${owner.id}` : `object ${owner.id}`;
}

/** The page, as the debugger shows it. */
export function subjectOf(uvm: Uvm, page: Pfn): string {
  return uvm.machine.isManaged(page) && page !== NO_FRAME ? showPage(uvm, page) : '';
}
