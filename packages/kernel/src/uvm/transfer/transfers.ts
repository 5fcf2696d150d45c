/**
 * Transfers between devices and memory, watched: a device goes by physical address, and asks nobody whether the page is still what it
 * was when the transfer began.
 *
 *     vslock ── begins: whose page is it? ── … the page may be freed, or change hands … ── ends: the bytes move ── vsunlock
 *
 * Nothing here is NetBSD's, and nothing in the kernel goes by it. That a rule is broken is said at the moment at which it happens
 * (`Kern.broken`): at the next quiet point the page may have been freed, given out and freed again.
 *
 * => none of these sleeps, takes a lock or counts as an access: it is the auditor who looks (docs/decisions/0017-transfers.md).
 */
import { asVa, PAGE_SIZE, type Pfn, type Va } from '../../machine/address.js';
import { NO_FRAME, type PageTransfer } from '../../vm/system.js';
import { subjectOf, TRANSFER_RULE, whatIsWrong } from '../audit/audit-transfers.js';
import type { Vmspace } from '../map/vm-map.js';
import { showPage } from '../show/show-page.js';
import type { Uvm } from '../uvm.js';
import type { TransferredPage } from './transferred-page.js';

/** Notes whose pages a device was given. */
export function uvmTransferBegins(this: Uvm, transfer: PageTransfer): void {
  const { pages, machine, kern } = this;
  const given = kern.scheduler.byNobody(() =>
    transfer.frames.map((page, i): TransferredPage => {
      if (!machine.isManaged(page) || page === NO_FRAME) return { page, owner: null, wired: page !== NO_FRAME };
      const va = asVa(transfer.start + i * PAGE_SIZE);
      return {
        page,
        owner: pages.uobject(page) ?? pages.uanon(page),
        wired: isWiredAt(this, transfer.space as Vmspace, va, page),
      };
    }),
  );
  this.transfers.set(transfer, given);
}

/** The device moves the bytes now, or never will. */
export function uvmTransferEnds(this: Uvm, transfer: PageTransfer, { moves }: { moves: boolean }): void {
  const given = this.transfers.get(transfer) ?? [];
  if (moves) {
    this.kern.scheduler.byNobody(() => {
      for (const [i, page] of given.entries()) {
        const wrong = whatIsWrong(this, transfer, page, i);
        if (wrong !== null) this.kern.broken(TRANSFER_RULE, `${transfer.label}: ${wrong}`, subjectOf(this, page.page));
      }
    });
  }
  this.transfers.delete(transfer);
}

/** A page has just been freed: none of those that a device was given may be. */
export function uvmTransferFreed(this: Uvm, page: Pfn): void {
  for (const { label, frames } of this.transfers.keys()) {
    if (!frames.includes(page)) continue;
    this.kern.broken(TRANSFER_RULE, `${label}: page ${page} is free while the device has it`, showPage(this, page));
  }
}

function isWiredAt(uvm: Uvm, { map }: Vmspace, va: Va, page: Pfn): boolean {
  for (const wiring of uvm.vslocks) if (wiring.covers(map, va) && wiring.pageAt(va) === page) return true;
  return false;
}
