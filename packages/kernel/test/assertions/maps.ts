/** The rows of the maps. */
import { asOffset, PAGE_SIZE } from '../../src/machine/address.js';
import {
  DEFAULT_ARGUMENTS,
  UVM_FLAG_COPYONW,
  UVM_FLAG_FIXED,
  UVM_FLAG_NOWAIT,
  UVM_FLAG_UNMAP,
} from '../../src/uvm/map/map-arguments.js';
import { MapEntry } from '../../src/uvm/map/map-entry.js';
import { Patient } from '../audit.js';
import { asserted, type Fired, type Firing, foundBy, panicAtOnce, panicIn, panicLocked, type Row } from './row.js';

/** A panic in a patient's map. */
function inMap(job: (patient: Patient) => unknown, harm: (patient: Patient) => void = () => {}): Fired {
  const patient = new Patient();
  harm(patient);
  return panicAtOnce(patient, [], () => job(patient));
}

/** Enters an entry that is not right at the end of the map. */
function linking(what: string, harm: (patient: Patient, entry: MapEntry) => void): Firing {
  return [
    what,
    '_uvm_mapent_check: bad entry 99',
    'uvm_mapent_check',
    () => {
      const patient = new Patient();
      const entry = new MapEntry(99, patient.at(20), patient.at(21));
      harm(patient, entry);
      return panicAtOnce(patient, [], () => patient.uvm.uvmMapEntryLink(patient.map, patient.map.header.prev, entry));
    },
  ];
}

/** Breaks the tree of a map; answers what the audit finds. */
function brokenTree(harm: (patient: Patient) => void): Fired {
  const patient = new Patient();
  harm(patient);
  return foundBy(patient);
}

/** Enters a mapping behind an entry that is not the one it was prepared for, or with flags that do not go together. */
function entering(flags: number, hint: 'right' | 'wrong' = 'right'): Fired {
  const patient = new Patient();
  const { map, uvm } = patient;
  const before = map.header.prev;
  map.hint = hint === 'right' ? before : map.header;
  const args = { ...DEFAULT_ARGUMENTS, hint: patient.at(20), size: PAGE_SIZE, flags: UVM_FLAG_COPYONW | flags };
  return panicLocked(patient, [{ enter: () => uvm.vmMapLock(map) }], () => uvm.uvmMapEnter(map, args, before, patient.at(20)));
}

/** Looks for room, where the tree gives a wrong answer. */
function finding(pages: number, hint: number, answer: number): Fired {
  return inMap(
    (patient) => patient.uvm.uvmMapFindspace(patient.map, patient.at(hint), pages * PAGE_SIZE, 0, 0),
    (patient) => {
      patient.map.tree.lowestGap = () => patient.at(answer);
    },
  );
}

/** Drops an entry that has left its map too early. */
function detaching(harm: (patient: Patient, entry: MapEntry) => void): Fired {
  const patient = new Patient();
  const entry = new MapEntry(99, patient.at(20), patient.at(21));
  harm(patient, entry);
  return panicIn(patient, () => patient.uvm.uvmUnmapDetach([entry]));
}

export const MAP_ROWS: readonly Row[] = [
  {
    where: 'map unlink',
    condition: 'entry is not hint nor first_free',
    firings: [
      [
        'the hint',
        asserted('entry != map->hint'),
        'uvm_map_entry_unlink',
        () =>
          inMap((patient) => {
            patient.map.hint = patient.entryAt(9);
            patient.uvm.uvmMapEntryUnlink(patient.map, patient.entryAt(9));
          }),
      ],
      [
        'first_free',
        asserted('entry != map->first_free'),
        'uvm_map_entry_unlink',
        () => inMap((patient) => patient.uvm.uvmMapEntryUnlink(patient.map, patient.map.firstFree)),
      ],
    ],
  },
  {
    where: 'mapent_check',
    condition: 'start<end; OBJ has object; others offset 0',
    firings: [
      linking('an entry that covers nothing', (_, entry) => {
        entry.end = entry.start;
      }),
      linking('an entry with a map in the place of its object', (patient, entry) => {
        entry.object = patient.file;
        entry.submap = patient.map;
      }),
      linking('an offset into no object', (_, entry) => {
        entry.offset = asOffset(PAGE_SIZE);
      }),
      [
        'an entry that is bad when it leaves',
        '_uvm_mapent_check: bad entry 1',
        'uvm_mapent_check',
        () =>
          inMap((patient) => {
            const entry = patient.entryAt(0);
            entry.offset = asOffset(PAGE_SIZE);
            patient.uvm.uvmMapEntryUnlink(patient.map, entry);
          }),
      ],
    ],
  },
  {
    // NetBSD asks at every change of a map, where it was built to (DEBUG_TREE_SANITY); here it is an invariant.
    where: 'tree sanity',
    condition: 'gap/maxgap/list/tree agree, gap < map size',
    firings: [
      [
        'a tree that has another entry than the list',
        'map 1 lists 5 entries, and its tree has 5, or others',
        'map-tree',
        () =>
          brokenTree((patient) => {
            const entry = patient.entryAt(7);
            const twin = new MapEntry(99, entry.start, entry.end);
            twin.copyFrom(entry);
            patient.map.hint = patient.map.header;
            Object.assign(twin, { prev: entry.prev, next: entry.next });
            entry.prev.next = twin;
            entry.next.prev = twin;
          }),
      ],
      [
        'a tree that does not know how far an entry reaches, and so how large the gap behind it is',
        'map 1: entry [0x17000, 0x18000) is in the tree as [0x17000, 0x19000)',
        'map-tree',
        () =>
          brokenTree((patient) => {
            patient.entryAt(7).end = patient.at(8);
            patient.map.size -= PAGE_SIZE;
          }),
      ],
    ],
  },
  {
    where: 'map_enter',
    condition: 'hint == prev; UNMAP needs FIXED, excludes NOWAIT',
    firings: [
      ['another hint', asserted('map->hint == prev_entry'), 'uvm_map_enter', () => entering(0, 'wrong')],
      ['UNMAP alone', asserted('flags & UVM_FLAG_FIXED'), 'uvm_map_enter', () => entering(UVM_FLAG_UNMAP)],
      [
        'UNMAP with NOWAIT',
        asserted('(flags & UVM_FLAG_NOWAIT) == 0'),
        'uvm_map_enter',
        () => entering(UVM_FLAG_UNMAP | UVM_FLAG_FIXED | UVM_FLAG_NOWAIT),
      ],
    ],
  },
  {
    where: 'findspace',
    condition: 'result monotonic vs hint; fits gap',
    firings: [
      [
        'room below what was asked for',
        asserted('topdown ? hint <= orig_hint : hint >= orig_hint'),
        'uvm_map_findspace',
        () => finding(1, 12, 10),
      ],
      ['room that begins in an entry', asserted('entry->end <= hint'), 'uvm_map_findspace', () => finding(1, 4, 6)],
      [
        'room that ends in an entry',
        asserted('hint + length <= entry->next->start'),
        'uvm_map_findspace',
        () => finding(2, 2, 2),
      ],
    ],
  },
  {
    where: 'unmap_detach',
    condition: 'entry not wired, not submap',
    firings: [
      [
        'an entry that is wired',
        asserted('VM_MAPENT_ISWIRED(first_entry) == 0'),
        'uvm_unmap_detach',
        () =>
          detaching((_, entry) => {
            entry.wiredCount = 1;
          }),
      ],
      [
        'an entry that leads to a map',
        asserted('!UVM_ET_ISSUBMAP(first_entry)'),
        'uvm_unmap_detach',
        () =>
          detaching((patient, entry) => {
            entry.submap = patient.map;
          }),
      ],
    ],
  },
];
