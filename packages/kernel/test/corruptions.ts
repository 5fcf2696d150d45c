/** For each rule of the audit something that breaks it, and as little else as can be. */

import { IPC_CREAT, IPC_PRIVATE, type NetbsdSystem } from '../src/index.js';
import type { Violation } from '../src/kern/invariant.js';
import { asPfn, PAGE_SIZE, pfnToPa } from '../src/machine/address.js';
import { PROT_READ } from '../src/machine/protection.js';
import type { ShmSegment } from '../src/sys/shm.js';
import { MapEntry } from '../src/uvm/map/map-entry.js';
import { TmpfsMount } from '../src/uvm/object/tmpfs-vnode.js';
import { NO_PAGE, PG_BUSY, PG_CLEAN } from '../src/uvm/page/page-array.js';
import type { UbcWindow } from '../src/uvm/vnode/ubc-window.js';
import { AobjBench } from './aobj.js';
import { Patient } from './audit.js';
import { act, bootProcess } from './harness.js';
import { lend } from './loans.js';
import { RW } from './maps.js';
import { SwapBench } from './swap.js';

/** A kernel in which something is wrong. */
interface Corrupted {
  audit(): Violation[];
}

/** How a kernel is made in which a rule is broken, and which other rules are broken besides. */
export interface Corruption {
  readonly also: readonly string[];
  readonly make: () => Corrupted;
}

/** Breaks something in a kernel with one of everything. */
function inPatient(harm: (patient: Patient) => unknown, ...also: string[]): Corruption {
  return {
    also,
    make: () => {
      const patient = new Patient();
      harm(patient);
      return patient;
    },
  };
}

/** Breaks something in a kernel that has a page in memory with a slot, which is page 0, and one on swap only. */
function inSwap(harm: (bench: SwapBench) => unknown, ...also: string[]): Corruption {
  return {
    also,
    make: () => {
      const bench = new SwapBench();
      bench.run(function* () {
        yield* bench.put(0, 2);
        for (const page of [0, 1]) yield* bench.write(page, 7 + page);
        yield* bench.pageOut(0, 2);
        yield* bench.read(0);
      });
      bench.expectSound();
      harm(bench);
      return bench;
    },
  };
}

/** Breaks something in a kernel with an anonymous object, and a file of tmpfs of a page. */
function inObjects(harm: (bench: AobjBench, mount: TmpfsMount) => unknown, ...also: string[]): Corruption {
  return {
    also,
    make: () => {
      const bench = new AobjBench();
      const mount = new TmpfsMount(64 * PAGE_SIZE);
      bench.newAobj(4);
      const file = bench.run(function* () {
        const made = yield* bench.uvm.tmpfsAllocNode(mount, 'file');
        yield* made.write(bench.uvm, 0, new Uint8Array(PAGE_SIZE).fill(5));
        return made;
      });
      bench.uvm.vnodeReferrers.push({ heldReferences: (held) => (held === file ? 1 : 0) });
      bench.expectSound();
      harm(bench, mount);
      return bench;
    },
  };
}

/** Breaks something in a kernel in which the first page of a file was read through a window. */
function inWindow(harm: (window: UbcWindow) => unknown, ...also: string[]): Corruption {
  return inPatient(
    (patient) => {
      patient.run(() => patient.uvm.uvmVnodeRead(patient.file, 0, new Uint8Array(1)));
      patient.expectSound();
      for (const window of patient.uvm.ubc.windows.slice(0, 1)) harm(window);
    },
    ...also,
  );
}

/** Breaks something in a system with a segment of shared memory that a process has attached. */
function inSegment(harm: (system: NetbsdSystem, segment: ShmSegment) => unknown, ...also: string[]): Corruption {
  return {
    also,
    make: () => {
      const { system, process } = bootProcess();
      act(system, process, function* (user) {
        const id = yield* user.shmget(IPC_PRIVATE, PAGE_SIZE, IPC_CREAT | 0o600);
        yield* user.shmat(id, 0, 0);
      });
      for (const segment of system.sys.shm.segments.slice(0, 1)) harm(system, segment);
      return system;
    },
  };
}

/** The name of each invariant, and what breaks it. */
export const CORRUPTIONS: Readonly<Record<string, Corruption>> = {
  'map-order': inPatient(({ map }) => {
    map.size += PAGE_SIZE;
  }),
  'map-tree': inPatient((patient) => {
    const entry = patient.entryAt(7);
    const twin = new MapEntry(99, entry.start, entry.end);
    twin.copyFrom(entry);
    patient.map.hint = patient.map.header;
    Object.assign(twin, { prev: entry.prev, next: entry.next });
    entry.prev.next = twin;
    entry.next.prev = twin;
  }),
  'entry-layers': inPatient((patient) => {
    patient.entryAt(7).copyOnWrite = false;
  }),
  'wired-entry': inPatient(
    (patient) => {
      patient.entryAt(0).wiredCount = 1;
    },
    'wire-count',
    'wired-mapping',
  ),
  'wire-count': inPatient((patient) => patient.uvm.pages.setWireCount(patient.pageOf(3), 2)),
  'wired-mapping': inPatient(({ machine, map, at }) => machine.pmapUnwire(map.pmap, at(3))),
  'wired-total': inPatient(({ uvm }) => uvm.uvmexp.wired--),
  'free-page': inPatient((patient) => patient.uvm.pages.setFlags(patient.freePage(), PG_CLEAN)),
  'page-owner': inPatient(({ file }) => file.pages.set(3, 0)),
  'loan-count': inPatient((patient) => lend(patient, 0, 1).pages.map((page) => patient.uvm.pages.setLoanCount(page, 2))),
  'loan-protected': inPatient((patient) => {
    lend(patient, 0, 1);
    patient.machine.pmapEnter(patient.map.pmap, patient.at(0), pfnToPa(patient.pageOf(0)), RW, 0);
  }),
  'loan-orphan': inPatient((patient) => {
    const [orphan = NO_PAGE] = lend(patient, 0, 1).pages;
    patient.run(() => patient.write(0, 9));
    patient.uvm.policy.enqueue(orphan);
  }),
  'loan-mapping': inPatient((patient) => {
    patient.machine.pmapKremove(lend(patient, 0, 1).start, PAGE_SIZE);
    patient.machine.pmapUpdate(patient.machine.kernelPmap);
  }),
  'page-queue': inPatient((patient) => patient.uvm.policy.dequeue(patient.pageOf(0))),
  'page-policy': inPatient(({ uvm }) => uvm.policy.scanInit()),
  'page-daemon': inPatient(({ uvm }) => uvm.uvmexp.paging++),
  'page-counts': inPatient(({ uvm }) => uvm.uvmexp.free++),
  'page-idle': inPatient((patient) => patient.uvm.pages.setFlags(patient.pageOf(5), PG_BUSY)),
  'amap-slots': inPatient((patient) => {
    patient.anonOf(0).lock = patient.map.miscLock;
  }),
  'amap-references': inPatient((patient) => patient.amapAt(0).references++),
  'anon-references': inPatient((patient) => {
    patient.anonOf(0).references = 2;
    patient.machine.pmapRestrict(patient.map.pmap, patient.at(0), patient.at(1), PROT_READ);
  }),
  'anon-place': inSwap((bench) => {
    bench.uvm.uvmAnonDropswap(bench.anonAt(1));
    bench.uvm.uvmSwapNotOnly();
  }),
  'swap-slot': inSwap(({ uvm }) => uvm.uvmSwapAlloc(1, { lessOk: false })),
  'swap-counts': inSwap(({ uvm }) => uvm.uvmexp.swpgonly++),
  'swap-copy': inSwap((bench) => bench.machine.ram.page(bench.pageOf(0)).fill(1, 100, 101)),
  'map-references': inPatient(({ map }) => map.references++),
  'object-references': inPatient(({ file }) => file.references++),
  'aobj-list': inObjects(({ uvm }) => [...uvm.aobjs].slice(0, 1).map((aobj) => uvm.aobjs.delete(aobj))),
  'tmpfs-file': inObjects((_, mount) => {
    mount.bytesUsed += PAGE_SIZE;
  }),
  'file-end': inPatient(({ file }) => {
    file.size = file.writeSize = 3 * PAGE_SIZE;
  }),
  'mapping-allowed': inPatient((patient) => {
    patient.entryAt(0).protection = PROT_READ;
  }),
  'copy-on-write': inPatient((patient) => {
    patient.entryAt(0).needsCopy = true;
  }),
  'reverse-map': inPatient(({ map }) => map.pmap.residentCount++),
  'stale-translation': inPatient(({ at, cpu }) => cpu.tlb.fill(at(5), asPfn(6), { writable: false })),
  'device-page': inPatient((patient) => {
    // Nobody has wired it.
    const frames = [patient.pageOf(0)];
    patient.uvm.uvmTransferBegins({ label: 'st0 read', space: patient.space, start: patient.at(0), frames });
  }),
  'ubc-window': inWindow((window) => {
    window.writeLength = 1;
  }),
  'ubc-mapping': inWindow((window) => {
    window.mappingCached = false;
  }),
  'locks-free': inPatient(({ map, uvm }) => {
    map.busy = uvm.curlwp;
  }),
  'shm-attaches': inSegment((_, segment) => segment.attaches++),
  'shm-segments': inSegment(({ sys }) => sys.shm.used++),
};

/** The name of each advisory rule, and what breaks it. */
export const ADVISED: Readonly<Record<string, (system: NetbsdSystem) => void>> = {
  'wired-loan': ({ uvm }) => {
    const page = uvm.freeList.head;
    uvm.pages.setWireCount(page, 1);
    uvm.pages.setLoanCount(page, 1);
  },
};
