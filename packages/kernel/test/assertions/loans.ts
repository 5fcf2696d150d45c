/** The rows of anons and of pages on loan. */
import { asOffset } from '../../src/machine/address.js';
import type { Anon } from '../../src/uvm/anon/anon.js';
import { LoanOutput } from '../../src/uvm/loan/loan-output.js';
import { NO_PAGE, PG_BUSY, PG_RELEASED } from '../../src/uvm/page/page-array.js';
import { Patient } from '../audit.js';
import { lend } from '../loans.js';
import { asserted, type Fired, type Firing, panicAtOnce, panicIn, panicLocked, type Row } from './row.js';

/** Lends a page whose count is as large as a count can be. */
function lending(page: number, to: 'page' | 'anon'): Fired {
  const patient = new Patient();
  patient.uvm.pages.setLoanCount(patient.pageOf(page), 2 ** 32 - 1);
  return panicIn(patient, () => patient.uvm.uvmLoan(patient.map, patient.at(page), 4096, new LoanOutput(to)));
}

/** Lends the page of zeros once more than a count can count. */
function lendingZeros(): Fired {
  const patient = new Patient();
  lend(patient, 7, 8);
  patient.uvm.pages.setLoanCount(patient.uvm.loanzero.page, 2 ** 32 - 1);
  return panicIn(patient, () => patient.uvm.uvmLoan(patient.map, patient.at(8), 4096, new LoanOutput('page')));
}

/** Releases an anon in which one thing is wrong. */
function releasing(words: string, harm: (patient: Patient, anon: Anon) => void): Firing {
  return [
    words,
    asserted(words),
    'uvm_anon_release',
    () => {
      const patient = new Patient();
      const anon = patient.anonOf(0);
      anon.references = 0;
      patient.uvm.pages.setFlags(anon.page, PG_BUSY | PG_RELEASED);
      harm(patient, anon);
      return panicLocked(patient, [patient.amapAt(0).lock], () => patient.uvm.uvmAnonRelease(anon));
    },
  ];
}

/** Allocates an anon, and is given one that was not freed properly. */
function allocating(words: string, harm: (patient: Patient, anon: Anon) => void): Firing {
  return [
    words,
    asserted(words),
    'uvm_analloc',
    () => {
      const patient = new Patient();
      const { lock } = patient.amapAt(0);
      const anon = patient.uvm.uvmAnonCtor();
      harm(patient, anon);
      patient.uvm.uvmAnonCtor = () => anon;
      return panicAtOnce(patient, [lock], () => patient.uvm.uvmAnalloc(lock));
    },
  ];
}

export const LOAN_ROWS: readonly Row[] = [
  {
    where: 'loan ++ sites',
    condition: 'loan_count non-zero after ++',
    firings: [
      ['an anon’s page', asserted('pg->loan_count > 0'), 'uvm_loananon', () => lending(0, 'page')],
      ['an object’s page', asserted('pg->loan_count > 0'), 'uvm_loanpage', () => lending(5, 'page')],
      ['an object’s page that an anon borrows', asserted('pg->loan_count > 0'), 'uvm_loanuobj', () => lending(5, 'anon')],
      ['the page of zeros', asserted('pg->loan_count > 0'), 'uvm_loanzero', lendingZeros],
    ],
  },
  {
    where: 'anon release',
    condition: 'RELEASED+BUSY, ref 0, loan 0, own page',
    firings: [
      releasing('(pg->flags & PG_RELEASED) != 0', ({ uvm }, anon) => uvm.pages.clearFlags(anon.page, PG_RELEASED)),
      releasing('(pg->flags & PG_BUSY) != 0', ({ uvm }, anon) => uvm.pages.clearFlags(anon.page, PG_BUSY)),
      releasing('anon->an_ref == 0', (_, anon) => {
        anon.references = 1;
      }),
      releasing('pg->loan_count == 0', ({ uvm }, anon) => uvm.pages.setLoanCount(anon.page, 1)),
      releasing('pg->uanon == anon', (patient, anon) => {
        patient.uvm.pages.setOwner(anon.page, null, patient.anonOf(1), asOffset(0));
      }),
      releasing('pg->uobject == NULL', ({ file, uvm }, anon) => uvm.pages.setOwner(anon.page, file, anon, asOffset(0))),
      releasing('pg != NULL', (_, anon) => {
        anon.page = NO_PAGE;
      }),
    ],
  },
  {
    where: 'analloc',
    condition: 'fresh anon all zero',
    firings: [
      allocating('anon->an_ref == 0', (_, anon) => {
        anon.references = 1;
      }),
      allocating('anon->an_lock == NULL', (patient, anon) => {
        anon.lock = patient.map.miscLock;
      }),
      allocating('anon->an_page == NULL', (patient, anon) => {
        anon.page = patient.freePage();
      }),
      allocating('anon->an_swslot == 0', (_, anon) => {
        anon.swapSlot = 2;
      }),
    ],
  },
  {
    where: 'unloanpage',
    condition: 'loan_count > 0; freed page not BUSY',
    firings: [
      [
        'a page that is not on loan',
        asserted('pg->loan_count > 0'),
        'uvm_unloanpage',
        () => {
          const patient = new Patient();
          return panicIn(patient, () => patient.uvm.uvmUnloanpage([patient.pageOf(0)]));
        },
      ],
      [
        'an orphan that is busy',
        asserted('(pg->flags & PG_BUSY) == 0'),
        'uvm_unloanpage',
        () => {
          const patient = new Patient();
          const loan = lend(patient, 0, 1);
          patient.run(() => patient.write(0, 9));
          for (const page of loan.pages) patient.uvm.pages.setFlags(page, PG_BUSY);
          return panicIn(patient, () => patient.uvm.uvmUnloanpage(loan.pages));
        },
      ],
    ],
  },
  {
    where: 'loanbreak',
    condition: 'object write-locked',
    firings: [
      [
        'an object that is not locked',
        asserted('mutex_owned(uobj->vmobjlock)'),
        'uvm_loanbreak',
        () => {
          const patient = new Patient();
          lend(patient, 5, 6);
          return panicIn(patient, () => patient.uvm.uvmLoanbreak(patient.pageOf(5)));
        },
      ],
    ],
  },
];
