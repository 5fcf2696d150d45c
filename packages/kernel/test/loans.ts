/** What tests of page loans start with: lending to the kernel, and reading what is on loan. */
import { expect } from 'vitest';
import { PAGE_SIZE, type Pfn } from '../src/machine/address.js';
import type { Anon } from '../src/uvm/anon/anon.js';
import { UvmKernelLoan } from '../src/uvm/loan/kernel-loan.js';
import { LoanOutput } from '../src/uvm/loan/loan-output.js';
import type { VmMap } from '../src/uvm/map/vm-map.js';
import type { Bench } from './maps.js';

/** Lends pages [from, to) to the kernel; fails the test when that fails. */
export function lend(bench: Bench, from: number, to: number, map: VmMap = bench.map): UvmKernelLoan {
  const loan = bench.run(() => bench.uvm.uvmKernelBorrow(map, bench.at(from), bench.at(to)));
  expect(loan, `lending pages ${from} to ${to}`).toBeInstanceOf(UvmKernelLoan);
  return loan as UvmKernelLoan;
}

/** The errno of lending pages [from, to). */
export function refusal(bench: Bench, from: number, to: number): unknown {
  return bench.run(() => bench.uvm.uvmKernelBorrow(bench.map, bench.at(from), bench.at(to)));
}

/** Gives a loan back. */
export function giveBack(bench: Bench, loan: UvmKernelLoan): void {
  bench.run(() => bench.uvm.uvmKernelReturn(loan));
}

/** Lends pages [from, to) to anons; fails the test when that fails. */
export function lendToAnons(bench: Bench, from: number, to: number): LoanOutput {
  const output = new LoanOutput('anon');
  expect(bench.run(() => bench.uvm.uvmLoan(bench.map, bench.at(from), (to - from) * PAGE_SIZE, output))).toBe(0);
  return output;
}

/** The only anon of a loan of one page. */
export function onlyAnon(output: LoanOutput): Anon {
  expect(output.anons).toHaveLength(1);
  return output.anons[0] as Anon;
}

/** The first byte of each page that is on loan, as the kernel reads it. */
export function lentBytes(bench: Bench, loan: UvmKernelLoan): number[] {
  return loan.pages.map((_, i) => {
    const byte = new Uint8Array(1);
    bench.uvm.uvmKernelLoanRead(loan, i * PAGE_SIZE, byte);
    return byte[0] as number;
  });
}

/** How often each page is on loan. */
export function loanCounts(bench: Bench, pages: readonly Pfn[]): number[] {
  return pages.map((page) => bench.uvm.pages.loanCount(page));
}
