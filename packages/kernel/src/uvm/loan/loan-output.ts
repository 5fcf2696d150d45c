/** What a loan has come to so far. */
import type { Pfn } from '../../machine/address.js';
import type { Anon } from '../anon/anon.js';

/** What lending one page has come to: it is lent; it must be looked up again; it cannot be lent. */
export type LoanStep = 'lent' | 'again' | 'refused';

/** To whom pages are lent, and those that are by now, in order of address. `UVM_LOAN_TOPAGE`, `UVM_LOAN_TOANON` */
export class LoanOutput {
  readonly to: 'page' | 'anon';
  /** Pages lent to the kernel. */
  readonly pages: Pfn[] = [];
  /** Anons; each has one more reference, which is the borrower's. */
  readonly anons: Anon[] = [];

  constructor(to: 'page' | 'anon') {
    this.to = to;
  }

  /** How many pages have been lent. */
  get count(): number {
    return this.pages.length + this.anons.length;
  }
}
