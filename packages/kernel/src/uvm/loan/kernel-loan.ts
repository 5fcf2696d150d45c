/**
 * Pages of a process on loan to the kernel, which has them mapped read-only: what sockets and pipes send without copying it.
 * `sosend_loan()` and `sodoloanfree()`, sys/kern/uipc_socket.c.
 *
 * The mappings are made by `pmap_kenter_pa()`: nobody knows of them, and they outlive all that befalls the pages.
 */
import { ENOMEM, type Errno } from '../../kern/errno.js';
import type { Stateful, StateWriter } from '../../kern/state.js';
import type { Step } from '../../kern/switch.js';
import { asPa, asVa, PAGE_MASK, PAGE_SIZE, type Pfn, paToPfn, pfnToPa, type Va } from '../../machine/address.js';
import { PROT_READ } from '../../machine/protection.js';
import type { VmMap } from '../map/vm-map.js';
import type { Uvm } from '../uvm.js';
import { LoanOutput } from './loan-output.js';

/**
 * How much of RAM may be on loan to the kernel at once: what is lent cannot be paged out, so a small machine would have nothing left.
 * NetBSD has no such limit but that of its addresses: docs/decisions/0006-departures.md.
 */
const MOST = 1 / 8;

/** Pages on loan to the kernel, and where it has them mapped. */
export class UvmKernelLoan implements Stateful {
  /** First address in the kernel's space. */
  readonly start: Va;
  /** In order of address. */
  readonly pages: readonly Pfn[];

  constructor(start: Va, pages: readonly Pfn[]) {
    this.start = start;
    this.pages = pages;
  }

  /** In bytes. */
  get size(): number {
    return this.pages.length * PAGE_SIZE;
  }

  writeState(writer: StateWriter): void {
    writer.field('start', this.start);
    for (const page of this.pages) writer.frame('page', page);
  }
}

/**
 * Borrows the pages of a range for the kernel, and maps them. Part of `sosend_loan()`. => map unlocked; may sleep.
 *
 * @returns the loan; ENOENT or EINVAL when a page cannot be lent; ENOMEM when too much is on loan already
 */
export function* uvmKernelBorrow(this: Uvm, map: VmMap, start: Va, end: Va): Step<UvmKernelLoan | Errno> {
  const { kernelAddresses, machine, uvmexp } = this;
  const lent = kernelAddresses.size + (end - start);
  if (lent > uvmexp.npages * PAGE_SIZE * MOST) return ENOMEM;
  const at = kernelAddresses.allocate(end - start);
  const output = new LoanOutput('page');
  const errno = yield* this.uvmLoan(map, start, end - start, output);
  if (errno !== 0) {
    kernelAddresses.free(at);
    return errno;
  }
  const loan = new UvmKernelLoan(at, output.pages);
  for (const [i, page] of loan.pages.entries()) machine.pmapKenterPa(asVa(at + i * PAGE_SIZE), pfnToPa(page), PROT_READ);
  machine.pmapUpdate(machine.kernelPmap);
  this.kernelLoans.add(loan);
  return loan;
}

/** Gives a loan back: unmaps the pages, then ends their loans. Part of `sodoloanfree()`. => nothing locked; may sleep. */
export function* uvmKernelReturn(this: Uvm, loan: UvmKernelLoan): Step<void> {
  const { kernelAddresses, machine } = this;
  machine.pmapKremove(loan.start, loan.size);
  machine.pmapUpdate(machine.kernelPmap);
  this.kernelLoans.delete(loan);
  yield* this.uvmUnloanpage(loan.pages);
  this.kern.kassert(kernelAddresses.free(loan.start), 'the addresses of a loan are in use');
}

/**
 * Copies bytes out of pages on loan, through the kernel's mappings of them.
 *
 * => panics when the kernel has nothing mapped there, as it does at a fault of its own.
 *
 * @param offset of the first byte, from the beginning of the loan
 */
export function uvmKernelLoanRead(this: Uvm, loan: UvmKernelLoan, offset: number, into: Uint8Array): void {
  const { machine } = this;
  for (let done = 0; done < into.length; ) {
    const va = asVa(loan.start + offset + done);
    const pa = machine.pmapExtract(machine.kernelPmap, va);
    if (pa < 0) this.kern.panic(`uvm_fault: the kernel has nothing mapped at ${va.toString(16)}`);
    const within = va & PAGE_MASK;
    const length = Math.min(PAGE_SIZE - within, into.length - done);
    const page = machine.ram.page(paToPfn(asPa(pa)));
    into.set(page.subarray(within, within + length), done);
    done += length;
  }
}
