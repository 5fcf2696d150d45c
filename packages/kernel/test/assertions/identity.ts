/** The rows of the pages: whose they are, and where they come from. */
import { asOffset, type Pfn } from '../../src/machine/address.js';
import { PG_BUSY, PG_CLEAN } from '../../src/uvm/page/page-array.js';
import { Patient } from '../audit.js';
import { SwapBench } from '../swap.js';
import { asserted, type Fired, foundBy, panicAtOnce, panicIn, type Row } from './row.js';

const START = asOffset(0);

/** Puts a page in the place of the first of a file. */
function replacing(
  by: (patient: Patient) => Pfn,
  harm: (patient: Patient) => void,
  locks: 'locked' | 'unlocked' = 'locked',
): Fired {
  const patient = new Patient();
  harm(patient);
  const held = locks === 'locked' ? [patient.file.lock, patient.uvm.pageqLock] : [];
  return panicAtOnce(patient, held, () => patient.uvm.uvmPagereplace(patient.file.lookup(START), by(patient)));
}

const second = (patient: Patient): Pfn => patient.pageOf(6);
const free = (patient: Patient): Pfn => patient.freePage();
const nothing = (): void => {};

/** A page that was read from its slot, and the slot has it still. */
function swapped(): SwapBench {
  const bench = new SwapBench();
  bench.run(function* () {
    yield* bench.put(0, 1);
    yield* bench.write(0, 7);
    yield* bench.pageOut(0);
    yield* bench.read(0);
  });
  bench.expectSound();
  return bench;
}

export const IDENTITY_ROWS: readonly Row[] = [
  {
    where: 'uvm_pagealloc',
    condition: 'flags == BUSY|CLEAN|FAKE; obj xor anon; owner write-locked',
    firings: [
      [
        'a page on the free list that is not as it was freed',
        asserted('pg->flags == 0'),
        'uvm_pagealloc',
        () => {
          const patient = new Patient();
          patient.uvm.pages.setFlags(patient.freePage(), PG_CLEAN);
          return panicIn(patient, () => patient.uvm.uvmPagealloc(null, START, null, 0));
        },
      ],
      [
        'a page that somebody else touches while it changes hands',
        asserted('pg->flags == (PG_BUSY|PG_CLEAN|PG_FAKE)'),
        'uvm_pagealloc',
        () => {
          const patient = new Patient();
          const page = patient.freePage();
          const { freeLock, pages } = patient.uvm;
          const exit = freeLock.exit.bind(freeLock);
          freeLock.exit = function* () {
            yield* exit();
            pages.clearFlags(page, PG_BUSY);
          };
          return panicIn(patient, () => patient.uvm.uvmPagealloc(null, START, null, 0));
        },
      ],
      [
        'an object and an anon',
        asserted('obj == NULL || anon == NULL'),
        'uvm_pagealloc',
        () => {
          const patient = new Patient();
          return panicIn(patient, () => patient.uvm.uvmPagealloc(patient.file, START, patient.anonOf(0), 0));
        },
      ],
      [
        'an object that is not locked',
        asserted('obj == NULL || mutex_owned(obj->vmobjlock)'),
        'uvm_pagealloc',
        () => {
          const patient = new Patient();
          return panicIn(patient, () => patient.uvm.uvmPagealloc(patient.file, START, null, 0));
        },
      ],
      [
        'an anon that is not locked',
        asserted('anon == NULL || mutex_owned(anon->an_lock)'),
        'uvm_pagealloc',
        () => {
          const patient = new Patient();
          return panicIn(patient, () => patient.uvm.uvmPagealloc(null, START, patient.anonOf(0), 0));
        },
      ],
    ],
  },
  {
    where: 'uvm_pagereplace',
    condition: 'old TABLED, new not, same locks',
    firings: [
      [
        'an old page that is in no table',
        asserted('(oldpg->flags & PG_TABLED) != 0'),
        'uvm_pagereplace',
        () => replacing(free, (patient) => patient.uvm.pages.putFlags(patient.pageOf(5), 0)),
      ],
      [
        'a new page that is in one',
        asserted('(newpg->flags & PG_TABLED) == 0'),
        'uvm_pagereplace',
        () => replacing(second, nothing),
      ],
      [
        'a new page that has an object',
        asserted('newpg->uobject == NULL'),
        'uvm_pagereplace',
        () => replacing(second, (patient) => patient.uvm.pages.putFlags(second(patient), 0)),
      ],
      [
        'an old page that has none',
        asserted('oldpg->uobject != NULL'),
        'uvm_pagereplace',
        () => replacing(free, (patient) => patient.uvm.pages.setOwner(patient.pageOf(5), null, null, START)),
      ],
      [
        'an object that is not locked',
        asserted('mutex_owned(oldpg->uobject->vmobjlock)'),
        'uvm_pagereplace',
        () => replacing(free, nothing, 'unlocked'),
      ],
    ],
  },
  {
    // The three states of dirtiness, and their tags in the tree of an object, came in 2020 (decision 5). Until then a page is dirty or
    // has PG_CLEAN, and the page table may know better. That PG_CLEAN tells the truth is an invariant.
    where: 'uvm_pagegetdirty',
    condition: 'not both CLEAN and DIRTY; tag matches',
    firings: [
      [
        'a page that is clean, and not what its slot has',
        'page 0 of anon 1 is clean, but slot 2 has other bytes',
        'swap-copy',
        () => {
          const bench = swapped();
          bench.machine.ram.page(bench.pageOf(0))[100] = 1;
          return foundBy(bench);
        },
      ],
    ],
  },
];
