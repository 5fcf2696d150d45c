/** Each invariant of pages and mappings, broken just so: the audit names it, and what is wrong. */
import { describe, expect, it } from 'vitest';
import { expectFindings, type Harm, Patient } from '../../../test/audit.js';
import { queueOf } from '../../../test/queues.js';
import { asOffset, asPfn, PAGE_SIZE, pfnToPa } from '../../machine/address.js';
import { PMAP_WIRED } from '../../machine/pmap.js';
import { PROT_READ, PROT_WRITE } from '../../machine/protection.js';
import {
  PG_BUSY,
  PG_CLEAN,
  PG_FAKE,
  PG_PAGEOUT,
  PG_RELEASED,
  PG_TABLED,
  PG_WANTED,
  PQ_ACTIVE,
  PQ_ANON,
} from '../page/page-array.js';

const RW = PROT_READ | PROT_WRITE;

/*
 *     page of the map    0 1 2 3 4 5 6 7 8 9        of the file, pages 2 and 3 are in memory, since a block was read, and mapped nowhere
 *                        a a . B . c c d d e
 *     frame              0 1   2   3 4              the file has frames 3 to 7
 */

describe('wire-count, wired-mapping and wired-total', () => {
  const harms: Harm[] = [
    [
      'a page that counts more wirings than can be named',
      (patient) => patient.uvm.pages.setWireCount(patient.pageOf(3), 2),
      ['wire-count: page 2 has wire_count 2; 1 wired entries map it'],
    ],
    [
      'a mapping that is not wired in an entry that is',
      (patient) => patient.machine.pmapUnwire(patient.map.pmap, patient.at(3)),
      ['wired-mapping: the mapping of 0x13000 in map 1 is not wired; its entry has wired_count 1'],
    ],
    [
      'a mapping that is wired in an entry that is not',
      (patient) => {
        patient.machine.pmapEnter(patient.map.pmap, patient.at(0), pfnToPa(patient.pageOf(0)), RW, PMAP_WIRED);
      },
      ['wired-mapping: the mapping of 0x10000 in map 1 is wired; its entry has wired_count 0'],
    ],
    [
      'a total that is not that of the pages',
      ({ uvm }) => {
        uvm.uvmexp.wired--;
      },
      ['wired-total: uvmexp.wired is 0; 1 pages are wired'],
    ],
  ];
  it.each(harms)('find %s', (...harm) => expectFindings(harm));
});

describe('free-page', () => {
  const harms: Harm[] = [
    [
      'a free page that is mapped',
      ({ machine, space }) => {
        machine.pmapEnter(machine.kernelPmap, space.min, pfnToPa(asPfn(20)), PROT_READ, 0);
      },
      ['free-page: page 20 is free but is mapped'],
    ],
    [
      'a free page that the kernel has mapped for itself, as for a transfer',
      ({ machine, space }) => machine.pmapKenterPa(space.min, pfnToPa(asPfn(20)), PROT_READ),
      ['free-page: page 20 is free but the kernel maps it at 0x10000'],
    ],
    [
      'a free page with flags',
      ({ uvm }) => uvm.pages.setFlags(asPfn(20), PG_CLEAN),
      ['free-page: page 20 is free but has flags set'],
    ],
    [
      'a free page that is wired, which no wiring explains',
      ({ uvm }) => {
        uvm.pages.setWireCount(asPfn(20), 1);
        uvm.uvmexp.wired++;
      },
      ['wire-count: page 20 has wire_count 1; 0 wired entries map it', 'free-page: page 20 is free but has wire_count 1'],
    ],
    [
      'a free page that belongs to somebody',
      ({ uvm, file }) => {
        uvm.pages.setOwner(asPfn(20), file, null, asOffset(0));
        uvm.uvmexp.filepages++;
      },
      ['free-page: page 20 is free but belongs to somebody'],
    ],
  ];
  it.each(harms)('finds %s', (...harm) => expectFindings(harm));
});

describe('page-owner', () => {
  const harms: Harm[] = [
    [
      'a page of an object that does not have it',
      ({ file }) => file.pages.set(3, 0),
      ['page-owner: page 6 is not what object 1 has at 0x3000'],
    ],
    [
      'a page that an object has but that is somebody else’s',
      ({ file }) => file.pages.set(9, asPfn(0) + 1),
      [
        'page-owner: object 1 has page 0 at 0x9000, which is not its own',
        'file-end: there is a page at 0x9000, behind the end of object 1 (file), which is at 0x4000',
      ],
    ],
    [
      'flags that disagree with the owner',
      ({ uvm }) => {
        uvm.pages.clearFlags(asPfn(6), PG_TABLED);
        uvm.pages.setPqflags(asPfn(6), PQ_ANON);
      },
      ['page-owner: page 6 disagrees with its flag TABLED', 'page-owner: page 6 disagrees with its flag ANON'],
    ],
    [
      'a page whose anon has another one',
      ({ uvm }) => uvm.pages.setOwner(asPfn(0), null, uvm.pages.uanon(asPfn(1)), asOffset(0)),
      ['page-owner: page 0 is not the page of anon 2'],
    ],
    [
      'a page that belongs to nobody',
      ({ uvm, file }) => {
        file.pages.set(3, 0);
        uvm.pages.setOwner(asPfn(6), null, null, asOffset(0));
        uvm.pages.clearFlags(asPfn(6), PG_TABLED);
        uvm.uvmexp.filepages--;
      },
      ['page-owner: page 6 is in use but belongs to nobody'],
    ],
    [
      'a page that belongs to two',
      ({ uvm, file }) => {
        uvm.pages.setOwner(asPfn(6), file, uvm.pages.uanon(asPfn(0)), asOffset(3 * PAGE_SIZE));
        uvm.pages.setPqflags(asPfn(6), PQ_ANON);
        uvm.uvmexp.anonpages++;
      },
      ['page-owner: page 6 belongs to object 1 and to anon 1', 'page-owner: page 6 is not the page of anon 1'],
    ],
  ];
  it.each(harms)('finds %s', (...harm) => expectFindings(harm));
});

describe('page-queue', () => {
  const harms: Harm[] = [
    [
      'a page whose flags say that it is on a queue',
      ({ uvm }) => queueOf(uvm, 'active').remove(asPfn(0)),
      ['page-queue: page 0 is not on the active queue, but its flags say otherwise'],
    ],
    [
      'a page that is on a queue without saying so',
      ({ uvm }) => {
        uvm.policy.dequeue(asPfn(0));
        queueOf(uvm, 'inactive').insertTail(asPfn(0));
      },
      [
        'page-queue: page 0 is on the inactive queue, but its flags say otherwise',
        'page-queue: page 0 is not wired but on no paging queue: it can never be paged out',
      ],
    ],
    [
      'a page that can never be paged out',
      ({ uvm }) => uvm.policy.dequeue(asPfn(0)),
      ['page-queue: page 0 is not wired but on no paging queue: it can never be paged out'],
    ],
    [
      'a wired page on a paging queue',
      ({ uvm }) => {
        queueOf(uvm, 'active').insertTail(asPfn(2));
        uvm.pages.setPqflags(asPfn(2), PQ_ACTIVE);
        uvm.uvmexp.active++;
      },
      ['page-queue: page 2 is wired but on a paging queue'],
    ],
  ];
  it.each(harms)('finds %s', (...harm) => expectFindings(harm));
});

describe('page-policy', () => {
  it.each<Harm>([
    [
      'that a scan for victims is under way',
      ({ uvm }) => uvm.policy.scanInit(),
      ['page-policy: a scan for victims is under way'],
    ],
    [
      'that something waits for the page daemon',
      ({ uvm }) => {
        uvm.pagedaemon.waiters = 1;
      },
      ['page-daemon: 1 threads are counted as waiting for memory, and nobody does'],
    ],
    [
      'that the page daemon is at work',
      ({ uvm }) => {
        uvm.pagedaemon.lwp = uvm.curlwp;
      },
      ['page-daemon: it is said to be at work as thread 0.1'],
    ],
    [
      'that pages are being paged out',
      ({ uvm }) => {
        uvm.uvmexp.paging = 2;
      },
      ['page-daemon: 2 pages are counted as being paged out'],
    ],
    [
      'a page that is being paged out',
      ({ uvm }) => uvm.pages.setFlags(asPfn(0), PG_PAGEOUT),
      ['page-idle: page 0 is being paged out'],
    ],
  ])('finds %s', (...harm) => expectFindings(harm));
});

describe('page-counts', () => {
  const counters = ['free', 'active', 'inactive', 'anonpages', 'filepages', 'execpages'] as const;
  it.each(counters)('finds that the counter %s is wrong', (counter) => {
    const patient = new Patient();
    const right = patient.uvm.uvmexp[counter];
    patient.uvm.uvmexp[counter] = right + 3;
    expect(patient.findings()).toEqual([`page-counts: uvmexp.${counter} is ${right + 3}; there are ${right}`]);
  });
});

describe('page-idle', () => {
  const flags: [name: string, flag: number][] = [
    ['busy', PG_BUSY],
    ['released', PG_RELEASED],
    ['wanted', PG_WANTED],
    ['fake', PG_FAKE],
  ];
  it.each(flags)('finds a page that is %s while nobody is at work', (name, flag) => {
    expectFindings(['', ({ uvm }) => uvm.pages.setFlags(asPfn(6), flag), [`page-idle: page 6 is ${name}`]]);
  });
});

describe('mapping-allowed', () => {
  const harms: Harm[] = [
    [
      'a mapping where nothing is mapped',
      (patient) => {
        patient.machine.pmapEnter(patient.map.pmap, patient.at(20), pfnToPa(asPfn(6)), PROT_READ, 0);
      },
      ['mapping-allowed: the mapping of 0x24000 in map 1 lies in no entry'],
    ],
    [
      'a mapping that allows what its entry does not',
      (patient) => {
        patient.entryAt(0).protection = PROT_READ;
      },
      [
        'mapping-allowed: the mapping of 0x10000 in map 1 allows -w- beyond what its entry allows',
        'mapping-allowed: the mapping of 0x11000 in map 1 allows -w- beyond what its entry allows',
      ],
    ],
    [
      'a mapping of another page than the entry has there',
      (patient) => {
        patient.machine.pmapEnter(patient.map.pmap, patient.at(5), pfnToPa(asPfn(6)), PROT_READ, 0);
      },
      ['mapping-allowed: the mapping of 0x15000 in map 1 leads to page 6; the entry has page 3 there'],
    ],
  ];
  it.each(harms)('finds %s', (...harm) => expectFindings(harm));
});

describe('copy-on-write', () => {
  const harms: Harm[] = [
    [
      'a writable mapping in an entry that needs a copy',
      (patient) => {
        patient.entryAt(0).needsCopy = true;
      },
      [
        'copy-on-write: the mapping of 0x10000 in map 1 is writable, although its entry needs a copy',
        'copy-on-write: the mapping of 0x11000 in map 1 is writable, although its entry needs a copy',
      ],
    ],
    [
      'a writable mapping of a file’s page in private memory',
      (patient) => {
        patient.entryAt(5).copyOnWrite = true;
        patient.machine.pmapEnter(patient.map.pmap, patient.at(5), pfnToPa(patient.pageOf(5)), RW, 0);
      },
      [
        "copy-on-write: the mapping of 0x15000 in map 1 is writable, although the page is the object's and the entry copy-on-write",
      ],
    ],
    [
      'a writable mapping of an anon that two amaps share',
      (patient) => {
        patient.run(function* () {
          const child = yield* patient.uvm.uvmspaceFork(patient.space);
          yield* patient.uvm.amapCopy(child.map, patient.entryAt(0, child.map), 0, patient.at(0), patient.at(1));
        });
        patient.entryAt(0).needsCopy = false;
        patient.machine.pmapEnter(patient.map.pmap, patient.at(0), pfnToPa(patient.pageOf(0)), RW, 0);
        patient.machine.pmapUpdate(patient.map.pmap);
      },
      ['copy-on-write: the mapping of 0x10000 in map 1 is writable, although 2 slots share anon 1'],
    ],
  ];
  it.each(harms)('finds %s', (...harm) => expectFindings(harm));
});

describe('reverse-map', () => {
  const harms: Harm[] = [
    [
      'a count of mappings that is wrong',
      ({ map }) => {
        map.pmap.residentCount++;
      },
      ['reverse-map: pmap 1 counts 6 mappings, but has 5'],
    ],
    [
      'a count of wired mappings that is wrong',
      ({ map }) => {
        map.pmap.wiredCount--;
      },
      ['reverse-map: pmap 1 counts 0 wired mappings, but has 1'],
    ],
    [
      'a mapping that the reverse map does not know',
      (patient) => {
        patient.machine.reverseMap.remove(patient.pageOf(0), patient.map.pmap, patient.at(0));
      },
      [
        'reverse-map: pmap 1 maps page 0 at 0x10000, which the reverse map does not know',
        'reverse-map: the reverse map lists 0 mappings of page 0; page tables have 1',
      ],
    ],
    [
      'a mapping that only the reverse map knows',
      (patient) => patient.machine.reverseMap.add(asPfn(6), patient.map.pmap, patient.at(20)),
      ['reverse-map: the reverse map lists 1 mappings of page 6; page tables have 0'],
    ],
  ];
  it.each(harms)('finds %s', (...harm) => expectFindings(harm));
});

describe('stale-translation', () => {
  const harms: Harm[] = [
    [
      'a translation of a page that is mapped no more, because pmap_update() was forgotten',
      (patient) => {
        patient.cpu.tlb.fill(patient.at(0), patient.pageOf(0), { writable: true });
        patient.machine.pmapRemove(patient.map.pmap, patient.at(0), patient.at(1));
      },
      ['stale-translation: cpu 0 still translates 0x10000 to page 0 for stores, which is mapped no more'],
    ],
    [
      'a translation to another page than is mapped',
      (patient) => patient.cpu.tlb.fill(patient.at(5), asPfn(6), { writable: false }),
      ['stale-translation: cpu 0 still translates 0x15000 to page 6, but page 3 is mapped there'],
    ],
    [
      'a translation for stores to a page that must not be stored to',
      (patient) => patient.cpu.tlb.fill(patient.at(5), patient.pageOf(5), { writable: true }),
      ['stale-translation: cpu 0 still translates 0x15000 to page 3 for stores, which must not be stored to without notice'],
    ],
    [
      'a translation for instructions in a page that is not executable',
      (patient) => patient.cpu.tlb.fill(patient.at(5), patient.pageOf(5), { writable: false, executable: true }),
      ['stale-translation: cpu 0 still translates 0x15000 to page 3, which is not executable any more'],
    ],
  ];
  it.each(harms)('finds %s', (...harm) => expectFindings(harm));

  it('is cured by pmap_update()', () => {
    const patient = new Patient();
    patient.cpu.tlb.fill(patient.at(0), patient.pageOf(0), { writable: true });
    patient.machine.pmapRemove(patient.map.pmap, patient.at(0), patient.at(1));
    patient.machine.pmapUpdate(patient.map.pmap);
    expect(patient.findings()).toEqual([]);
  });
});
