/** The rows of the amaps. */
import { PAGE_SIZE } from '../../src/machine/address.js';
import { AMAP_SWAPOFF } from '../../src/uvm/anon/amap.js';
import type { Anon } from '../../src/uvm/anon/anon.js';
import { NO_PAGE } from '../../src/uvm/page/page-array.js';
import { Patient } from '../audit.js';
import { asserted, type Fired, panicAtOnce, panicIn, panicLocked, type Row } from './row.js';

/** Looks up a page of the first amap of a patient. */
function lookingUp(page: number, harm: (patient: Patient, anon: Anon) => void = () => {}): Fired {
  const patient = new Patient();
  const { lock } = patient.amapAt(0);
  harm(patient, patient.anonOf(0));
  return panicAtOnce(patient, [lock], () => patient.uvm.amapLookup(patient.entryAt(0), page * PAGE_SIZE));
}

/** Puts a new anon into the first amap of a patient, which has pages 0 and 1. */
function adding(page: number, options: { replace: boolean }, harm: (patient: Patient, anon: Anon) => void = () => {}): Fired {
  const patient = new Patient();
  const { uvm } = patient;
  const { lock } = patient.amapAt(0);
  const anon = uvm.uvmAnalloc(lock);
  if (anon === null) throw new Error('there is no anon to be had');
  harm(patient, anon);
  return panicLocked(patient, [lock], () => uvm.amapAdd(patient.entryAt(0), page * PAGE_SIZE, anon, options));
}

/** Destroys an amap that nobody refers to any more, and that holds nothing. */
function freeing(harm: (patient: Patient) => void, lock: 'locked' | 'unlocked' = 'unlocked'): Fired {
  const patient = new Patient();
  const amap = patient.amapAt(9);
  amap.references = 0;
  harm(patient);
  return panicAtOnce(patient, lock === 'locked' ? [amap.lock] : [], () => patient.uvm.amapFree(amap));
}

/** Counts references of slots as no caller would. */
function adjusting(amount: number): Fired {
  const patient = new Patient();
  const amap = patient.amapAt(0);
  amap.establishPartial(0);
  return panicAtOnce(patient, [amap.lock], () => patient.uvm.amapPpAdjref(amap, 0, 1, amount));
}

/** A process with a wired page forks. */
function forking(harm: (patient: Patient) => void): Fired {
  const patient = new Patient();
  harm(patient);
  return panicIn(patient, () => patient.uvm.uvmspaceFork(patient.space));
}

export const AMAP_ROWS: readonly Row[] = [
  {
    where: 'amap_lookup/add',
    condition: 'slot < nslot; anon lock == amap lock; an_ref != 0',
    firings: [
      ['a slot behind the last', asserted('slot < amap->am_nslot'), 'amap_lookup', () => lookingUp(100)],
      [
        'an anon under another lock',
        asserted('anon->an_ref != 0 && anon->an_lock == amap->am_lock'),
        'amap_lookup',
        () =>
          lookingUp(0, (patient, anon) => {
            anon.lock = patient.map.miscLock;
          }),
      ],
      [
        'an anon to which nothing refers',
        asserted('anon->an_ref != 0 && anon->an_lock == amap->am_lock'),
        'amap_lookup',
        () =>
          lookingUp(0, (_, anon) => {
            anon.references = 0;
          }),
      ],
      ['a place behind the last slot', asserted('slot < amap->am_nslot'), 'amap_add', () => adding(100, { replace: false })],
      [
        'a new anon under another lock',
        asserted('anon->an_lock == amap->am_lock'),
        'amap_add',
        () =>
          adding(0, { replace: true }, (patient, anon) => {
            anon.lock = patient.map.miscLock;
          }),
      ],
    ],
  },
  {
    where: 'amap_add',
    condition: 'slot empty unless replace',
    firings: [
      ['a slot that is taken', asserted('amap->am_anon[slot] == NULL'), 'amap_add', () => adding(0, { replace: false })],
      [
        'a slot with nothing to replace',
        asserted('amap->am_anon[slot] != NULL'),
        'amap_add',
        () => adding(0, { replace: true }, (patient) => patient.amapAt(0).remove(0)),
      ],
    ],
  },
  {
    where: 'amap_free',
    condition: 'ref 0, nused 0, not SWAPOFF, unlocked',
    firings: [
      [
        'an amap that an entry has',
        asserted('amap->am_ref == 0 && amap->am_nused == 0'),
        'amap_free',
        () =>
          freeing((patient) => {
            patient.amapAt(9).references = 1;
          }),
      ],
      [
        'an amap that holds an anon',
        asserted('amap->am_ref == 0 && amap->am_nused == 0'),
        'amap_free',
        () => freeing((patient) => patient.amapAt(9).put(0, patient.anonOf(0))),
      ],
      [
        'an amap that comes in from swap',
        asserted('(amap->am_flags & AMAP_SWAPOFF) == 0'),
        'amap_free',
        () =>
          freeing((patient) => {
            patient.amapAt(9).flags |= AMAP_SWAPOFF;
          }),
      ],
      ['an amap that is locked', asserted('!mutex_owned(amap->am_lock)'), 'amap_free', () => freeing(() => {}, 'locked')],
    ],
  },
  {
    where: 'pp_adjref',
    condition: '0 <= ref <= am_ref',
    firings: [
      ['fewer references than none', asserted('ref >= 0 && ref <= amap->am_ref'), 'amap_pp_adjref', () => adjusting(-2)],
      ['more than the amap has', asserted('ref >= 0 && ref <= amap->am_ref'), 'amap_pp_adjref', () => adjusting(1)],
    ],
  },
  {
    where: 'amap_cow_now',
    condition: 'page resident and wire_count > 0',
    firings: [
      [
        'a wired entry whose page is not wired',
        asserted('pg->wire_count > 0'),
        'amap_cow_now',
        () => forking((patient) => patient.uvm.pages.setWireCount(patient.pageOf(3), 0)),
      ],
      [
        'a wired entry whose page is not in memory',
        asserted('pg != NULL'),
        'amap_cow_now',
        () =>
          forking((patient) => {
            patient.anonOf(3).page = NO_PAGE;
          }),
      ],
    ],
  },
];
