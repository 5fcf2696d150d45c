/** Each invariant of maps, entries, amaps and references, broken just so: the audit names it, and what is wrong. */
import { describe, expect, it } from 'vitest';
import { expectFindings, type Harm, Patient } from '../../../test/audit.js';
import { asOffset, asVa, PAGE_SIZE, pfnToPa } from '../../machine/address.js';
import { PMAP_WIRED } from '../../machine/pmap.js';
import { PROT_READ } from '../../machine/protection.js';
import { MapEntry } from '../map/map-entry.js';

/** An entry that is in no map. */
const STRANGER = new MapEntry(99, asVa(0x10000), asVa(0x11000));

describe('map-order', () => {
  const harms: Harm[] = [
    [
      'the size of a map that is not that of its entries',
      ({ map }) => {
        map.size += PAGE_SIZE;
      },
      ['map-order: map 1 counts 36864 bytes, but its entries cover 32768'],
    ],
    [
      'a hint that is not in the map',
      ({ map }) => {
        map.hint = STRANGER;
      },
      ['map-order: the hint of map 1 is an entry that has left the map'],
    ],
    [
      'a first_free that is not in the map',
      ({ map }) => {
        map.firstFree = STRANGER;
      },
      ['map-order: first_free of map 1 is an entry that has left the map'],
    ],
    [
      'a gap below first_free',
      (patient) => {
        patient.map.firstFree = patient.entryAt(3);
      },
      ['map-order: map 1 has a gap at 0x12000, below first_free at 0x13000'],
    ],
    [
      'an entry that ends within a page',
      (patient) => {
        patient.map.tree.resize(patient.entryAt(7), patient.at(7), patient.at(9) - 0x100);
        patient.map.size -= 0x100;
      },
      ['map-order: entry 17000-18f00 of map 1 is no range of pages'],
    ],
    [
      'an entry that the list does not lead to',
      (patient) => {
        const entry = patient.entryAt(7);
        patient.map.hint = patient.map.header;
        entry.prev.next = entry.next;
        entry.next.prev = entry.prev;
      },
      [
        'map-order: map 1 counts 5 entries, but has 4',
        'map-order: map 1 counts 32768 bytes, but its entries cover 24576',
        'map-tree: map 1 lists 4 entries, and its tree has 5, or others',
      ],
    ],
  ];
  it.each(harms)('finds %s', (...harm) => expectFindings(harm));

  it('finds entries that overlap, and an entry that leaves the map; the tree then is wrong too', () => {
    const overlapping = new Patient();
    overlapping.entryAt(3).start = overlapping.at(1);
    expect(overlapping.findings()).toContain(
      'map-order: entry 11000-14000 of map 1 begins before 0x12000, where the one before it ends',
    );
    const leaving = new Patient();
    leaving.entryAt(9).end = leaving.at(33);
    expect(leaving.findings()).toContain('map-order: map 1 has entries up to 0x31000, but ends at 0x30000');
  });
});

describe('map-tree', () => {
  it('finds a tree that has another entry than the list', () => {
    expectFindings([
      '',
      (patient) => {
        const entry = patient.entryAt(7);
        const twin = new MapEntry(99, entry.start, entry.end);
        twin.copyFrom(entry);
        patient.map.hint = patient.map.header;
        Object.assign(twin, { prev: entry.prev, next: entry.next });
        entry.prev.next = twin;
        entry.next.prev = twin;
      },
      ['map-tree: map 1 lists 5 entries, and its tree has 5, or others'],
    ]);
  });

  it('finds a tree that does not know how far an entry reaches', () => {
    const patient = new Patient();
    patient.entryAt(7).end = patient.at(8);
    patient.map.size -= PAGE_SIZE;
    const findings = patient.findings();
    expect(findings.length).toBeGreaterThan(0);
    expect(findings.every((finding) => finding.startsWith('map-tree: map 1: '))).toBe(true);
  });
});

describe('entry-layers', () => {
  const harms: Harm[] = [
    [
      'an entry that needs a copy without being copy-on-write',
      (patient) => {
        patient.entryAt(7).copyOnWrite = false;
      },
      ['entry-layers: entry 17000-19000 of map 1 needs a copy but is not copy-on-write'],
    ],
    [
      'an offset without an object',
      (patient) => {
        patient.entryAt(7).offset = asOffset(PAGE_SIZE);
      },
      ['entry-layers: entry 17000-19000 of map 1 has no object but offset 0x1000'],
    ],
    [
      'an object that is gone',
      ({ uvm, file }) => {
        uvm.objects.delete(file);
      },
      ['entry-layers: entry 15000-17000 of map 1 maps an object that is gone'],
    ],
    [
      'a submap that is gone',
      (patient) => {
        const { map } = patient.newSpace();
        patient.entryAt(7).submap = map;
        patient.uvm.maps.delete(map);
      },
      ['entry-layers: entry 17000-19000 of map 1 leads to a map that is gone'],
    ],
    [
      'rights that the entry may never have',
      (patient) => {
        patient.entryAt(7).maxProtection = PROT_READ;
      },
      ['entry-layers: entry 17000-19000 of map 1 allows more than it ever may'],
    ],
    [
      'an amap that is gone',
      (patient) => {
        patient.uvm.amaps.delete(patient.amapAt(9));
      },
      ['entry-layers: entry 19000-1a000 of map 1 refers to an amap that is gone'],
    ],
    [
      'slots that the amap does not have',
      (patient) => {
        patient.entryAt(9).amapOffset = 3;
      },
      ['entry-layers: entry 19000-1a000 of map 1 covers slots up to 4 of an amap that has 1'],
    ],
  ];
  it.each(harms)('finds %s', (...harm) => expectFindings(harm));

  it('shows the entry', () => {
    const patient = new Patient();
    patient.entryAt(7).copyOnWrite = false;
    expect(patient.audit().map(({ subject }) => subject.split('\n')[0])).toEqual([
      ` - entry ${patient.entryAt(7).id}: 0x17000->0x19000: obj=0x0/0x0, amap=0x0/0`,
    ]);
  });
});

describe('wired-entry', () => {
  it('finds an entry that says it is wired while its pages are not, which then miss a wiring that can be named', () => {
    const patient = new Patient();
    const entry = patient.entryAt(0);
    // As the zero-length mlock of 2019 leaves it; the page table goes along, so that nothing else is wrong.
    entry.wiredCount = 1;
    for (const page of [0, 1]) {
      patient.machine.pmapEnter(patient.map.pmap, patient.at(page), pfnToPa(patient.pageOf(page)), entry.protection, PMAP_WIRED);
    }
    expect(patient.findings()).toEqual([
      'wired-entry: entry 10000-12000 of map 1 has wired_count 1; 0 of its 2 resident pages are wired',
      `wire-count: page ${patient.pageOf(0)} has wire_count 0; 1 wired entries map it`,
      `wire-count: page ${patient.pageOf(1)} has wire_count 0; 1 wired entries map it`,
    ]);
  });

  it('does not mind an entry that has no page in memory', () => {
    const patient = new Patient();
    patient.entryAt(7).wiredCount = 1;
    expect(patient.findings()).toEqual([]);
  });
});

describe('amap-slots', () => {
  const harms: Harm[] = [
    [
      'a slot that is looked for at another place than it is listed',
      (patient) => {
        patient.amapAt(0).backPointer[1] = 0;
      },
      ['amap-slots: amap 1 has slot 1 at place 1, but looks for it elsewhere'],
    ],
    [
      'an anon under another lock',
      (patient) => {
        patient.anonOf(0).lock = patient.map.miscLock;
      },
      ['amap-slots: anon 1 is in amap 1, but under another lock'],
    ],
    [
      'more slots than there is room for',
      (patient) => {
        patient.amapAt(9).maxSlots = 0;
      },
      ['amap-slots: amap 3 has 1 slots, and room for 0'],
    ],
    [
      'an anon in a slot that is not listed',
      (patient) => {
        const { used, anons } = patient.amapAt(0);
        anons[5] = patient.anonOf(1);
        expect(used).toEqual([0, 1]);
      },
      ['amap-slots: amap 1 holds an anon in slot 5, which it does not list'],
    ],
    [
      'a slot that is listed twice, with an anon that counts for both',
      (patient) => {
        patient.amapAt(3).used.push(0);
        patient.amapAt(3).backPointer[0] = 1;
        patient.anonOf(3).references = 2;
        // So that nothing is writable that two slots share.
        patient.machine.pmapRestrict(patient.map.pmap, patient.at(3), patient.at(4), PROT_READ);
      },
      ['amap-slots: amap 2 has slot 0 at place 0, but looks for it elsewhere', 'amap-slots: amap 2 lists slot 0 twice'],
    ],
    [
      'a slot that is listed but empty, and one behind the last',
      (patient) => {
        const amap = patient.amapAt(9);
        amap.used.push(7);
        amap.backPointer[7] = 0;
      },
      [
        'amap-slots: amap 3 uses slot 7, but has 1',
        'amap-slots: amap 3 lists slot 7, which is empty',
        'amap-references: amap 3 keeps an anon in slot 7, to which no entry refers',
      ],
    ],
  ];
  it.each(harms)('finds %s', (...harm) => expectFindings(harm));
});

describe('amap-references', () => {
  const harms: Harm[] = [
    [
      'a count that is not that of the entries',
      (patient) => {
        patient.amapAt(0).references++;
      },
      ['amap-references: amap 1 counts 2 references; 1 entries refer to it'],
    ],
    [
      'a count of a slot that is not that of the entries which cover it',
      (patient) => {
        patient.amapAt(0).establishPartial(0).adjust(1, 1, 1);
      },
      [
        'amap-references: amap 1 counts 2 references to slot 1; 1 entries refer to it',
        'amap-references: amap 1 counts 2 references to slot 1; 1 entries refer to it',
      ],
    ],
    [
      'an anon in a slot to which no entry refers',
      (patient) => {
        const amap = patient.amapAt(9);
        amap.slots = 2;
        amap.put(1, patient.anonOf(0));
        patient.anonOf(0).lock = amap.lock;
        patient.amapAt(0).lock = amap.lock;
        patient.anonOf(1).lock = amap.lock;
        patient.anonOf(0).references = 2;
        patient.machine.pmapRestrict(patient.map.pmap, patient.at(0), patient.at(1), PROT_READ);
      },
      ['amap-references: amap 3 keeps an anon in slot 1, to which no entry refers'],
    ],
  ];
  it.each(harms)('finds %s', (...harm) => expectFindings(harm));
});

describe('anon-references', () => {
  const harms: Harm[] = [
    [
      'a count that is not that of the slots',
      (patient) => {
        patient.anonOf(0).references = 2;
        patient.machine.pmapRestrict(patient.map.pmap, patient.at(0), patient.at(1), PROT_READ);
      },
      ['anon-references: anon 1 counts 2 references; 1 amap slots hold it'],
    ],
    [
      'an anon that is in no amap',
      ({ uvm }) => {
        uvm.anonCount++;
      },
      ['anon-references: 4 anons exist; 3 are in amaps'],
    ],
  ];
  it.each(harms)('finds %s', (...harm) => expectFindings(harm));
});

describe('map-references and object-references', () => {
  const harms: Harm[] = [
    [
      'a map that counts a reference too many',
      ({ map }) => {
        map.references++;
      },
      ['map-references: map 1 counts 2 references; it has an owner, and 0 entries lead to it'],
    ],
    [
      'an entry that leads to a map without counting there',
      (patient) => {
        patient.entryAt(7).submap = patient.newSpace().map;
      },
      ['map-references: map 2 counts 1 references; it has an owner, and 1 entries lead to it'],
    ],
    [
      'a file that counts a reference too many',
      ({ file }) => {
        file.references++;
      },
      ['object-references: object 1 (file) counts 3 references; 1 entries map it and 1 others hold it'],
    ],
  ];
  it.each(harms)('find %s', (...harm) => expectFindings(harm));
});

describe('locks-free', () => {
  it('finds a lock that a thread has not let go, and a map that is busy', () => {
    const patient = new Patient();
    const lwp = patient.run(function* () {
      yield* patient.uvm.vmMapLock(patient.map);
      yield* patient.uvm.vmMapBusy(patient.map);
      // What a checker sees of a thread that stopped here.
      expect(patient.findings()).toEqual([
        `locks-free: lwp ${patient.uvm.curlwp.name} holds ${patient.map.lock.label}`,
        `locks-free: map 1 is busy, by lwp ${patient.uvm.curlwp.name}`,
      ]);
      yield* patient.uvm.vmMapUnbusy(patient.map);
      yield* patient.uvm.vmMapUnlock(patient.map);
      return patient.uvm.curlwp;
    });
    expect([lwp.held.length, patient.findings()]).toEqual([0, []]);
  });
});
