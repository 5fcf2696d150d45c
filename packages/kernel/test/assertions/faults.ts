/** The rows of page faults. */
import type { Pfn } from '../../src/machine/address.js';
import { PROT_READ, PROT_WRITE, type Protection } from '../../src/machine/protection.js';
import { isPage, PGO_LOCKED } from '../../src/uvm/object/object.js';
import { PG_BUSY, PG_RDONLY } from '../../src/uvm/page/page-array.js';
import { Patient } from '../audit.js';
import { Bench } from '../maps.js';
import { asserted, type Fired, panicIn, type Row } from './row.js';

/** A fault on a page of a file, whose pager does something to each page that it gives out. */
function faulting(access: Protection, when: 'in memory' | 'read', harm: (bench: Bench, page: Pfn) => Pfn): Fired {
  const bench = new Bench();
  const file = bench.newFile(1);
  const { uvm } = bench;
  bench.run(() => bench.putFile(0, 1, file, 0));
  if (when === 'in memory') bench.run(() => bench.read(0));
  const get = uvm.uvnGet;
  uvm.uvnGet = function* (vnode, request) {
    const errno = yield* get.call(this, vnode, request);
    const mine = ((request.flags & PGO_LOCKED) !== 0) === (when === 'in memory');
    for (const [i, page] of request.slots.entries()) if (mine && isPage(page)) request.slots[i] = harm(bench, page);
    return errno;
  };
  return panicIn(bench, () => uvm.uvmFault(bench.map, bench.at(0), access));
}

/** The pager gives a page out that is not busy. */
function notBusy({ uvm }: Bench, page: Pfn): Pfn {
  uvm.pages.clearFlags(page, PG_BUSY);
  return page;
}

/** The pager gives out a page of somebody else's. */
function anothers({ uvm }: Bench, _: Pfn): Pfn {
  const other = uvm.freeList.head;
  uvm.pages.setFlags(other, PG_BUSY);
  return other;
}

export const FAULT_ROWS: readonly Row[] = [
  {
    where: 'upper_promote',
    condition: 'old an_ref > 1 before --',
    firings: [
      [
        'an anon that only one has by the time that it was copied',
        asserted('oanon->an_ref > 1'),
        'uvm_fault_upper_promote',
        () => {
          const patient = new Patient();
          const { uvm } = patient;
          const anon = patient.anonOf(0);
          const promote = uvm.uvmfaultPromote;
          uvm.uvmfaultPromote = function* (...of) {
            const promoted = yield* promote.apply(this, of);
            anon.references = 1;
            return promoted;
          };
          return panicIn(patient, function* () {
            yield* uvm.uvmspaceFork(patient.space);
            yield* uvm.uvmFault(patient.map, patient.at(0), PROT_WRITE);
          });
        },
      ],
    ],
  },
  {
    where: 'lower',
    condition: 'page BUSY [16]; pg.uobject == uobj; promote needs amap',
    firings: [
      [
        'a page from memory that is not busy',
        asserted('uobj == NULL || (uobjpage->flags & PG_BUSY) != 0'),
        'uvm_fault_lower',
        () => faulting(PROT_READ, 'in memory', notBusy),
      ],
      [
        'a page that was read, and is not busy',
        asserted('(pg->flags & PG_BUSY) != 0'),
        'uvm_fault_lower_io',
        () => faulting(PROT_READ, 'read', notBusy),
      ],
      [
        'a page of somebody else’s',
        asserted('uobj == NULL || uobj == uobjpage->uobject'),
        'uvm_fault_lower',
        () => faulting(PROT_READ, 'in memory', anothers),
      ],
      [
        'a promotion to no amap',
        'uvm_fault_lower_promote: no amap',
        'uvm_fault_lower_promote',
        () => {
          const patient = new Patient();
          patient.entryAt(5).copyOnWrite = true;
          return panicIn(patient, () => patient.uvm.uvmFault(patient.map, patient.at(5), PROT_WRITE));
        },
      ],
    ],
  },
  {
    where: 'lower_enter',
    condition: 'write access excludes RDONLY',
    firings: [
      [
        'a store to a hole',
        asserted('(access_type & VM_PROT_WRITE) == 0 || (pg->flags & PG_RDONLY) == 0'),
        'uvm_fault_lower_enter',
        () =>
          faulting(PROT_WRITE, 'read', ({ uvm }, page) => {
            uvm.pages.setFlags(page, PG_RDONLY);
            return page;
          }),
      ],
    ],
  },
];
