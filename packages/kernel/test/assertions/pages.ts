/** The rows of the pages: counts and flags. */
import { asOffset, type Pfn } from '../../src/machine/address.js';
import { PG_BUSY, PG_FAKE, PG_PAGEOUT, PG_RELEASED } from '../../src/uvm/page/page-array.js';
import { Patient } from '../audit.js';
import { asserted, type Enterable, type Fired, panicAtOnce, panicLocked, type Row } from './row.js';

const START = asOffset(0);

/** Does something to the anon page of a patient, with its owner and the queues locked. */
function withAnonPage(work: (patient: Patient, page: Pfn) => unknown): Fired {
  const patient = new Patient();
  return panicAtOnce(patient, ownerAndQueues(patient), () => work(patient, patient.pageOf(0)));
}

function ownerAndQueues(patient: Patient): Enterable[] {
  return [patient.amapAt(0).lock, patient.uvm.pageqLock];
}

/** Frees a page of a patient, after something was done to it. */
function freeing(page: number, locks: (patient: Patient) => Enterable[], harm: (patient: Patient, page: Pfn) => void): Fired {
  const patient = new Patient();
  const pfn = patient.pageOf(page);
  harm(patient, pfn);
  return panicLocked(patient, locks(patient), () => patient.uvm.uvmPagefree(pfn));
}

/** Gives up the anon page of a patient, which has other flags than it had. */
function unbusying(flags: number, references = 1): Fired {
  const patient = new Patient();
  const page = patient.pageOf(0);
  patient.uvm.pages.putFlags(page, flags);
  patient.anonOf(0).references = references;
  return panicLocked(patient, [patient.amapAt(0).lock], () => patient.uvm.uvmPageUnbusyOne(page));
}

/** Reads a page of a file in memory, which has other flags than it had. */
function reading(flags: number): Fired {
  const patient = new Patient();
  patient.uvm.pages.setFlags(patient.pageOf(5), flags);
  return panicLocked(patient, [patient.file.lock], () => patient.uvm.uvnFindpage(patient.file, START, {}));
}

const nothing = (): void => {};

export const PAGE_ROWS: readonly Row[] = [
  {
    where: 'uvm_pageunwire',
    condition: 'wire_count != 0; page not queued',
    firings: [
      [
        'a page that nobody has wired',
        asserted('pg->wire_count != 0'),
        'uvm_pageunwire',
        () => withAnonPage(({ uvm }, page) => uvm.uvmPageunwire(page)),
      ],
      [
        'a wired page on a queue',
        asserted('!uvmpdpol_pageisqueued_p(pg)'),
        'uvm_pageunwire',
        () =>
          withAnonPage(({ uvm }, page) => {
            uvm.pages.setWireCount(page, 1);
            uvm.uvmPageunwire(page);
          }),
      ],
    ],
  },
  {
    where: 'uvm_pagewire',
    condition: 'count non-zero after ++',
    firings: [
      [
        'a count that wraps',
        asserted('pg->wire_count != 0'),
        'uvm_pagewire',
        () =>
          withAnonPage(({ uvm }, page) => {
            uvm.pages.setWireCount(page, 2 ** 32 - 1);
            uvm.uvmPagewire(page);
          }),
      ],
    ],
  },
  {
    where: 'uvm_pagefree',
    condition: 'no PAGEOUT; not FREE; owner write-locked',
    firings: [
      [
        'a page that is being written',
        asserted('(pg->flags & PG_PAGEOUT) == 0'),
        'uvm_pagefree',
        () => freeing(0, ownerAndQueues, ({ uvm }, page) => uvm.pages.setFlags(page, PG_PAGEOUT)),
      ],
      [
        'a page that is free',
        asserted('!(pg->pqflags & PQ_FREE)'),
        'uvm_pagefree',
        () => {
          const patient = new Patient();
          return panicLocked(patient, [patient.uvm.pageqLock], () => patient.uvm.uvmPagefree(patient.freePage()));
        },
      ],
      [
        'a page of an object that is not locked',
        asserted('uobj == NULL || mutex_owned(uobj->vmobjlock)'),
        'uvm_pagefree',
        () => freeing(5, ({ uvm }) => [uvm.pageqLock], nothing),
      ],
      [
        'a page of an anon that is not locked',
        asserted('anon == NULL || mutex_owned(anon->an_lock)'),
        'uvm_pagefree',
        () => freeing(0, ({ uvm }) => [uvm.pageqLock], nothing),
      ],
    ],
  },
  {
    where: 'uvm_pagefree (loaned)',
    condition: 'wire_count == 0',
    firings: [
      [
        'a page that is on loan, and wired',
        asserted('pg->wire_count == 0'),
        'uvm_pagefree',
        () =>
          freeing(0, ownerAndQueues, ({ uvm }, page) => {
            uvm.pages.setLoanCount(page, 1);
            uvm.pages.setWireCount(page, 1);
          }),
      ],
    ],
  },
  {
    where: 'uvm_pagelookup',
    condition: 'RELEASED/PAGEOUT only with BUSY',
    firings: [
      ...(
        [
          ['released', PG_RELEASED],
          ['being written', PG_PAGEOUT],
        ] as const
      ).map(
        ([name, flag]) =>
          [
            `a page that is ${name}, and not busy`,
            asserted('pg == NULL || (pg->flags & (PG_RELEASED|PG_PAGEOUT)) == 0 || (pg->flags & PG_BUSY) != 0'),
            'uvm_pagelookup',
            () => reading(flag),
          ] as const,
      ),
      [
        'an object that is not locked',
        asserted('mutex_owned(obj->vmobjlock)'),
        'uvm_pagelookup',
        () => {
          const patient = new Patient();
          return panicAtOnce(patient, [], () => patient.uvm.uvmPagelookup(patient.file, START));
        },
      ],
    ],
  },
  {
    where: 'uvm_page_unbusy',
    condition: 'BUSY; not PAGEOUT; not FAKE unless RELEASED; anon RELEASED has ref',
    firings: [
      ['a page that is not busy', asserted('pg->flags & PG_BUSY'), 'uvm_page_unbusy', () => unbusying(0)],
      [
        'a page that is being written',
        asserted('(pg->flags & PG_PAGEOUT) == 0'),
        'uvm_page_unbusy',
        () => unbusying(PG_BUSY | PG_PAGEOUT),
      ],
      ['a page without bytes', asserted('(pg->flags & PG_FAKE) == 0'), 'uvm_page_unbusy', () => unbusying(PG_BUSY | PG_FAKE)],
      [
        'a released page of an anon that nobody refers to',
        asserted('pg->uobject != NULL || (pg->uanon != NULL && pg->uanon->an_ref > 0)'),
        'uvm_page_unbusy',
        () => unbusying(PG_BUSY | PG_RELEASED, 0),
      ],
    ],
  },
  {
    where: 'uvm_page_own',
    condition: 'single owner tag; owner locked',
    firings: [
      [
        'a page that is made busy twice',
        'uvm_page_own: page 0 already owned by 2.1 [first]',
        'uvm_page_own',
        () =>
          withAnonPage(({ uvm }, page) => {
            for (const tag of ['first', 'second']) uvm.uvmPageOwn(page, tag);
          }),
      ],
      ...[0, 5].map(
        (page) =>
          [
            `page ${page}, whose owner is not locked`,
            asserted('uvm_page_locked_p(pg)'),
            'uvm_page_own',
            () => {
              const patient = new Patient();
              return panicAtOnce(patient, [patient.uvm.pageqLock], () => patient.uvm.uvmPageOwn(patient.pageOf(page), 'test'));
            },
          ] as const,
      ),
    ],
  },
];
