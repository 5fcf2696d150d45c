/** Each invariant of page loans, broken just so: the audit names it, and what is wrong. */
import { describe, expect, it } from 'vitest';
import { type Harm, Patient } from '../../../test/audit.js';
import { giveBack, lend, lendToAnons } from '../../../test/loans.js';
import { asPfn, type asVa, pfnToPa } from '../../machine/address.js';
import { PROT_READ, PROT_WRITE } from '../../machine/protection.js';
import type { UvmKernelLoan } from '../loan/kernel-loan.js';
import { NO_PAGE, PG_TABLED, PQ_ACTIVE } from '../page/page-array.js';

const RW = PROT_READ | PROT_WRITE;

/** The patient of the other audits, with page 0 (an anon's) and page 5 (a file's) on loan to the kernel, and an orphan besides. */
class Lender extends Patient {
  readonly anonLoan: UvmKernelLoan;
  readonly fileLoan: UvmKernelLoan;
  readonly orphanLoan: UvmKernelLoan;

  constructor() {
    super();
    this.anonLoan = lend(this, 0, 1);
    this.fileLoan = lend(this, 5, 6);
    this.orphanLoan = lend(this, 1, 2);
    this.run(() => this.write(1, 52));
    this.expectSound();
  }

  get orphan(): ReturnType<typeof asPfn> {
    return this.orphanLoan.pages[0] ?? NO_PAGE;
  }
}

function expectFindings([, harm, findings]: Harm): void {
  const patient = new Lender();
  harm(patient);
  expect(patient.findings()).toEqual(findings);
}

const lender = (patient: Patient): Lender => patient as Lender;

describe('loan-count', () => {
  const harms: Harm[] = [
    [
      'a page that counts more loans than can be named',
      (patient) => patient.uvm.pages.setLoanCount(patient.pageOf(0), 2),
      ['loan-count: page 0 has loan_count 2; 1 loans can be named'],
    ],
    [
      'a loan that its page does not count',
      (patient) => patient.uvm.pages.setLoanCount(patient.pageOf(5), 0),
      ['loan-count: page 3 has loan_count 0; 1 loans can be named'],
    ],
    [
      'a loan that everybody has forgotten',
      (patient) => {
        patient.uvm.kernelLoans.delete(lender(patient).anonLoan);
      },
      ['loan-count: page 0 has loan_count 1; 0 loans can be named'],
    ],
  ];
  it.each(harms)('finds %s', (...harm) => expectFindings(harm));
});

describe('loan-protected', () => {
  const harms: Harm[] = [
    [
      'a page on loan that somebody can store to',
      (patient) => {
        patient.machine.pmapEnter(patient.map.pmap, patient.at(0), pfnToPa(patient.pageOf(0)), RW, 0);
      },
      ['loan-protected: page 0 is on loan but can be stored to at 0x10000 of pmap 1'],
    ],
    [
      'a free page that is on loan',
      (patient) => patient.uvm.pages.setLoanCount(asPfn(20), 1),
      ['loan-count: page 20 has loan_count 1; 0 loans can be named', 'loan-protected: page 20 is on loan but free'],
    ],
  ];
  it.each(harms)('finds %s', (...harm) => expectFindings(harm));
});

describe('loan-orphan', () => {
  const harms: Harm[] = [
    [
      'an orphan that counts as an object’s',
      (patient) => patient.uvm.pages.setFlags(lender(patient).orphan, PG_TABLED),
      [
        'page-owner: page 1 disagrees with its flag TABLED',
        'loan-orphan: page 1 is an orphan but counts as in the table of an object',
      ],
    ],
    [
      'an orphan on a queue',
      (patient) => {
        patient.uvm.policy.enqueue(lender(patient).orphan);
      },
      ['loan-orphan: page 1 is an orphan but on a paging queue'],
    ],
    [
      'an orphan that a process maps',
      (patient) => {
        patient.machine.pmapEnter(patient.map.pmap, patient.at(9), pfnToPa(lender(patient).orphan), PROT_READ, 0);
      },
      [
        'loan-orphan: page 1 is an orphan but mapped by a process',
        'mapping-allowed: the mapping of 0x19000 in map 1 leads to page 1; the entry has page -1 there',
      ],
    ],
  ];
  it.each(harms)('finds %s', (...harm) => expectFindings(harm));
});

describe('loan-mapping', () => {
  const at = (patient: Patient): ReturnType<typeof asVa> => lender(patient).anonLoan.start;
  const harms: Harm[] = [
    [
      'a loan that the kernel has not mapped',
      (patient) => {
        patient.machine.pmapKremove(at(patient), 4096);
        patient.machine.pmapUpdate(patient.machine.kernelPmap);
      },
      ['loan-mapping: the kernel has page 0 on loan at 0x7f8000000000, where it has nothing mapped'],
    ],
    [
      'a loan in whose place the kernel has mapped another page',
      (patient) => patient.machine.pmapKenterPa(at(patient), pfnToPa(patient.pageOf(5)), PROT_READ),
      ['loan-mapping: the kernel has page 0 on loan at 0x7f8000000000, where it has page 3 mapped'],
    ],
    [
      'a loan that the kernel can store to',
      (patient) => patient.machine.pmapKenterPa(at(patient), pfnToPa(patient.pageOf(0)), RW),
      ['loan-mapping: the kernel has page 0 on loan at 0x7f8000000000, and can store to it'],
    ],
  ];
  it.each(harms)('finds %s', (...harm) => expectFindings(harm));
});

describe('what belongs to whom', () => {
  it('is sound while anons borrow, and found when the page forgets that it is on loan', () => {
    const patient = new Patient();
    const output = lendToAnons(patient, 5, 6);
    patient.expectSound();
    patient.uvm.pages.setLoanCount(patient.pageOf(5), 0);
    expect(patient.findings()).toEqual([
      'page-owner: page 3 belongs to object 1 and to anon 4',
      'page-owner: page 3 disagrees with its flag ANON',
      'loan-count: page 3 has loan_count 0; 1 loans can be named',
    ]);
    patient.uvm.pages.setLoanCount(patient.pageOf(5), 1);
    patient.run(() => patient.uvm.uvmUnloan(output));
    patient.expectSound();
  });

  it('counts an anon’s borrowers among its references', () => {
    const patient = new Patient();
    const output = lendToAnons(patient, 0, 1);
    patient.expectSound();
    patient.anonOf(0).references++;
    expect(patient.findings()).toEqual([
      'anon-references: anon 1 counts 3 references; 1 amap slots hold it, and 1 borrowers have it',
    ]);
    patient.anonOf(0).references--;
    patient.run(() => patient.uvm.uvmUnloan(output));
    patient.expectSound();
  });

  it('finds a page that is neither wired nor queued nor an orphan', () => {
    const patient = new Lender();
    patient.uvm.policy.dequeue(patient.pageOf(0));
    expect(patient.uvm.pages.pqflags(patient.pageOf(0)) & PQ_ACTIVE).toBe(0);
    expect(patient.findings()).toEqual(['page-queue: page 0 is not wired but on no paging queue: it can never be paged out']);
    for (const loan of [patient.anonLoan, patient.fileLoan, patient.orphanLoan]) giveBack(patient, loan);
  });
});
