/** The rows of wiring, of the locks of maps, and of address spaces. */
import { EFAULT } from '../../src/kern/errno.js';
import { PAGE_SIZE } from '../../src/machine/address.js';
import { VM_MAP_DYING } from '../../src/uvm/map/vm-map.js';
import { Patient } from '../audit.js';
import { asserted, type Fired, panicIn, type Row } from './row.js';

/** Somebody locks a map for writing that is busy for wiring, which then fails. */
function staleWiring(wire: (patient: Patient) => Fired): Fired {
  const patient = new Patient();
  patient.uvm.uvmFaultWire = function* (map) {
    yield* patient.map.miscLock.enter();
    map.timestamp++;
    yield* patient.map.miscLock.exit();
    return EFAULT;
  };
  return wire(patient);
}

export const SPACE_ROWS: readonly Row[] = [
  {
    where: 'map_pageable',
    condition: 'timestamp == saved+1 on backout',
    firings: [
      [
        'a map that was locked for writing while it was busy',
        'uvm_map_pageable: stale map',
        'uvm_map_pageable',
        () => staleWiring((patient) => panicIn(patient, () => patient.wire(0, 2))),
      ],
      [
        'the same, when everything is wired',
        'uvm_map_pageable_all: stale map',
        'uvm_map_pageable_all',
        () => staleWiring((patient) => panicIn(patient, () => patient.uvm.uvmMapPageableAll(patient.map, 1, 0))),
      ],
    ],
  },
  {
    where: 'fault_unwire_locked',
    condition: 'start in map; no gap between entries',
    firings: [
      [
        'an address where nothing is',
        'uvm_fault_unwire_locked: address not in map',
        'uvm_fault_unwire_locked',
        () => {
          const patient = new Patient();
          return panicIn(patient, () => patient.uvm.uvmFaultUnwire(patient.map, patient.at(2), patient.at(3)));
        },
      ],
      [
        'a hole in the range',
        asserted('entry->next->start <= entry->end'),
        'uvm_fault_unwire_locked',
        () => {
          const patient = new Patient();
          for (const page of [0, 1]) patient.uvm.policy.dequeue(patient.pageOf(page));
          for (const page of [0, 1]) patient.uvm.pages.setWireCount(patient.pageOf(page), 1);
          patient.entryAt(0).wiredCount = 1;
          return panicIn(patient, () => patient.uvm.uvmFaultUnwire(patient.map, patient.at(0), patient.at(4)));
        },
      ],
    ],
  },
  {
    where: 'vmspace addref/free',
    condition: 'refcnt>0, not DYING; size and nentries 0',
    firings: [
      [
        'a space that is going',
        asserted('(map->flags & VM_MAP_DYING) == 0'),
        'uvmspace_addref',
        () => {
          const patient = new Patient();
          patient.map.flags |= VM_MAP_DYING;
          return panicIn(patient, () => patient.uvm.uvmspaceAddref(patient.space));
        },
      ],
      [
        'a space that nobody has',
        asserted('vm->vm_refcnt > 0'),
        'uvmspace_addref',
        () => {
          const patient = new Patient();
          patient.space.references = 0;
          return panicIn(patient, () => patient.uvm.uvmspaceAddref(patient.space));
        },
      ],
      [
        'a map that is not empty when it goes',
        asserted('map->nentries == 0'),
        'uvmspace_free',
        () => {
          const patient = new Patient();
          patient.uvm.uvmUnmapRemove = function* () {
            yield* patient.uvm.freeLock.enter();
            yield* patient.uvm.freeLock.exit();
            return [];
          };
          return panicIn(patient, () => patient.uvm.uvmspaceFree(patient.space));
        },
      ],
      [
        'a map that counts bytes when it goes',
        asserted('map->size == 0'),
        'uvmspace_free',
        () => {
          const patient = new Patient();
          patient.map.size += PAGE_SIZE;
          return panicIn(patient, () => patient.uvm.uvmspaceFree(patient.space));
        },
      ],
    ],
  },
  {
    where: 'vm_map_unlock',
    condition: 'busy null or me',
    firings: [
      [
        'a map that somebody else has busy',
        asserted('map->busy == NULL || map->busy == curlwp'),
        'vm_map_unlock',
        () => {
          const patient = new Patient();
          const { map, kern, uvm } = patient;
          return panicIn(patient, function* () {
            yield* uvm.vmMapLock(map);
            map.busy = kern.scheduler.lwps.find((lwp) => lwp !== uvm.curlwp) ?? null;
            yield* uvm.vmMapUnlock(map);
          });
        },
      ],
    ],
  },
];
