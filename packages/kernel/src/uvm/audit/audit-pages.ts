/** Checkers of pages and mappings. See `audit.ts`. */
import type { Report } from '../../kern/invariant.js';
import { asPfn, asVa, hex, PAGE_SIZE, type Pfn, type Va } from '../../machine/address.js';
import { PROT_EXEC, PROT_WRITE, protectionText } from '../../machine/protection.js';
import { PTE_DIRTY, PTE_MANAGED, PTE_PROT, PTE_WIRED, type Pte, pteFrame } from '../../machine/pte.js';
import { pageAt } from '../map/layers.js';
import type { MapEntry } from '../map/map-entry.js';
import type { VmMap } from '../map/vm-map.js';
import { UvmAobj } from '../object/aobj.js';
import {
  PG_BUSY,
  PG_FAKE,
  PG_PAGEOUT,
  PG_RELEASED,
  PG_TABLED,
  PG_WANTED,
  PQ_ANON,
  PQ_AOBJ,
  PQ_FREE,
} from '../page/page-array.js';
import { showPage } from '../show/show-page.js';
import type { Uvm } from '../uvm.js';
import { isBorrowed, isOrphan } from './audit-loans.js';

/** A mapping in a page table, and the entry it lies in. */
interface Mapping {
  readonly map: VmMap;
  readonly va: Va;
  readonly pte: Pte;
  readonly entry: MapEntry | null;
}

function allMappings(uvm: Uvm): Mapping[] {
  return [...uvm.maps].flatMap(mappingsOf);
}

function mappingsOf(map: VmMap): Mapping[] {
  const mappings: Mapping[] = [];
  const { table } = map.pmap;
  for (let index = table.next(0, Number.MAX_SAFE_INTEGER); index >= 0; index = table.next(index + 1, Number.MAX_SAFE_INTEGER)) {
    const va = asVa(index * PAGE_SIZE);
    const entry = map.tree.floor(va);
    mappings.push({ map, va, pte: table.get(index), entry: entry?.contains(va) ? entry : null });
  }
  return mappings;
}

function framesInUse(uvm: Uvm): Pfn[] {
  const used: Pfn[] = [];
  for (let frame = uvm.pages.first; frame < uvm.pages.end; frame++) if (!isFree(uvm, asPfn(frame))) used.push(asPfn(frame));
  return used;
}

function isFree(uvm: Uvm, pfn: Pfn): boolean {
  return (uvm.pages.pqflags(pfn) & PQ_FREE) !== 0;
}

export function checkWireCounts(uvm: Uvm, report: Report): void {
  const wirings = new Map<Pfn, number>();
  for (const { entry, pte } of allMappings(uvm)) {
    if (entry === null || entry.wiredCount === 0) continue;
    wirings.set(pteFrame(pte), (wirings.get(pteFrame(pte)) ?? 0) + 1);
  }
  for (let frame = uvm.pages.first; frame < uvm.pages.end; frame++) {
    const pfn = asPfn(frame);
    const count = uvm.pages.wireCount(pfn);
    const entries = wirings.get(pfn) ?? 0;
    const transient = uvm.uvmTransientWirings(pfn);
    const own = uvm.uvmObjWirings(pfn);
    if (count === entries + transient + own) continue;
    const forTimeBeing = transient === 0 ? '' : ` and ${transient} have it wired for the time being`;
    const others = own === 0 ? forTimeBeing : `${forTimeBeing}, and its object has it wired ${own} times`;
    report(`page ${pfn} has wire_count ${count}; ${entries} wired entries map it${others}`, showPage(uvm, pfn));
  }
}

export function checkWiredMappings(uvm: Uvm, report: Report): void {
  for (const { map, va, pte, entry } of allMappings(uvm)) {
    const wired = (pte & PTE_WIRED) !== 0;
    // Memory of devices is always there: its mappings are never marked.
    if (entry === null || (pte & PTE_MANAGED) === 0 || wired === entry.wiredCount > 0) continue;
    if (wired && [...uvm.vslocks].some((wiring) => wiring.covers(map, va))) continue;
    report(
      `the mapping of ${hex(va)} in map ${map.id} is ${wired ? 'wired' : 'not wired'}; its entry has wired_count ${entry.wiredCount}`,
    );
  }
}

export function checkWiredTotal(uvm: Uvm, report: Report): void {
  let wired = 0;
  for (let frame = uvm.pages.first; frame < uvm.pages.end; frame++) if (uvm.pages.wireCount(asPfn(frame)) > 0) wired++;
  if (wired !== uvm.uvmexp.wired) report(`uvmexp.wired is ${uvm.uvmexp.wired}; ${wired} pages are wired`);
}

export function checkFreePages(uvm: Uvm, report: Report): void {
  const { pages, machine } = uvm;
  for (let frame = pages.first; frame < pages.end; frame++) {
    const pfn = asPfn(frame);
    if (!isFree(uvm, pfn)) continue;
    const say = (what: string): void => report(`page ${pfn} is free but ${what}`, showPage(uvm, pfn));
    if (machine.reverseMap.first(pfn) >= 0) say('is mapped');
    if (pages.uobject(pfn) !== null || pages.uanon(pfn) !== null) say('belongs to somebody');
    if (pages.wireCount(pfn) !== 0) say(`has wire_count ${pages.wireCount(pfn)}`);
    if (pages.flags(pfn) !== 0) say('has flags set');
  }
  // The kernel's own mappings are not in the reverse map when they were made by pmap_kenter_pa().
  machine.kernelPmap.table.forEachIn(0, Number.MAX_SAFE_INTEGER, (index, pte) => {
    const pfn = pteFrame(pte);
    if ((pte & PTE_MANAGED) !== 0 || pfn >= pages.end || !isFree(uvm, pfn)) return;
    report(`page ${pfn} is free but the kernel maps it at ${hex(index * PAGE_SIZE)}`, showPage(uvm, pfn));
  });
}

export function checkOwners(uvm: Uvm, report: Report): void {
  const { pages } = uvm;
  for (const pfn of framesInUse(uvm)) {
    const uobject = pages.uobject(pfn);
    const uanon = pages.uanon(pfn);
    const say = (what: string): void => report(`page ${pfn} ${what}`, showPage(uvm, pfn));
    const borrowed = pages.loanCount(pfn) > 0 && isBorrowed(uvm, pfn);
    if (uobject !== null && uanon !== null && !borrowed) say(`belongs to object ${uobject.id} and to anon ${uanon.id}`);
    else if (uobject === null && uanon === null && !isOrphan(uvm, pfn)) say('is in use but belongs to nobody');
    if (uobject !== null && uobject.lookup(pages.offset(pfn)) !== pfn)
      say(`is not what object ${uobject.id} has at ${hex(pages.offset(pfn))}`);
    if (uanon !== null && uanon.page !== pfn) say(`is not the page of anon ${uanon.id}`);
    if ((uobject !== null) !== ((pages.flags(pfn) & PG_TABLED) !== 0)) say('disagrees with its flag TABLED');
    if ((uanon !== null && !borrowed) !== ((pages.pqflags(pfn) & PQ_ANON) !== 0)) say('disagrees with its flag ANON');
    if (uobject instanceof UvmAobj !== ((pages.pqflags(pfn) & PQ_AOBJ) !== 0)) say('disagrees with its flag AOBJ');
  }
  for (const object of uvm.objects) {
    for (let index = object.pages.next(0, Number.MAX_SAFE_INTEGER); index >= 0; ) {
      const pfn = asPfn(object.pages.get(index) - 1);
      if (pages.uobject(pfn) !== object)
        report(`object ${object.id} has page ${pfn} at ${hex(index * PAGE_SIZE)}, which is not its own`, showPage(uvm, pfn));
      index = object.pages.next(index + 1, Number.MAX_SAFE_INTEGER);
    }
  }
}

export function checkQueues(uvm: Uvm, report: Report): void {
  const { policy } = uvm;
  const lists = [
    { name: 'free list', list: uvm.freeList, has: (pfn: Pfn) => isFree(uvm, pfn) },
    ...policy.queues.map((queue) => ({
      name: `${queue.name} queue`,
      list: queue.list,
      has: (pfn: Pfn) => policy.queueOf(pfn) === queue,
    })),
  ];
  for (const { name, list, has } of lists) {
    const listed = new Set(list.toArray());
    for (let frame = uvm.pages.first; frame < uvm.pages.end; frame++) {
      const pfn = asPfn(frame);
      const says = has(pfn);
      if (listed.has(pfn) === says) continue;
      report(`page ${pfn} is ${says ? 'not ' : ''}on the ${name}, but its flags say otherwise`, showPage(uvm, pfn));
    }
  }
  for (const pfn of framesInUse(uvm)) {
    const queued = policy.isQueued(pfn);
    const wired = uvm.pages.wireCount(pfn) > 0;
    if (queued && wired) report(`page ${pfn} is wired but on a paging queue`, showPage(uvm, pfn));
    // What is lent by nobody cannot be paged out, nor is the page of zeros ever.
    if (!queued && !wired && !isOrphan(uvm, pfn) && uvm.pages.uobject(pfn) !== uvm.loanzero)
      report(`page ${pfn} is not wired but on no paging queue: it can never be paged out`, showPage(uvm, pfn));
  }
}

export function checkCounts(uvm: Uvm, report: Report): void {
  const { pages, policy, uvmexp } = uvm;
  const counted = { free: 0, active: 0, inactive: 0, anonpages: 0, filepages: 0, execpages: 0 };
  for (let frame = pages.first; frame < pages.end; frame++) {
    const pfn = asPfn(frame);
    const pqflags = pages.pqflags(pfn);
    if (pqflags & PQ_FREE) counted.free++;
    if (policy.isQueued(pfn)) counted[policy.isInactive(pfn) ? 'inactive' : 'active']++;
    if (pages.uanon(pfn) !== null && !isBorrowed(uvm, pfn)) counted.anonpages++;
    const counter = pages.uobject(pfn)?.counter ?? null;
    if (counter !== null) counted[counter]++;
  }
  for (const [name, count] of Object.entries(counted)) {
    const says = uvmexp[name as keyof typeof counted];
    if (says !== count) report(`uvmexp.${name} is ${says}; there are ${count}`);
  }
}

export function checkIdlePages(uvm: Uvm, report: Report): void {
  const names: readonly [number, string][] = [
    [PG_BUSY, 'busy'],
    [PG_RELEASED, 'released'],
    [PG_PAGEOUT, 'being paged out'],
    [PG_WANTED, 'wanted'],
    [PG_FAKE, 'fake'],
  ];
  for (const pfn of framesInUse(uvm)) {
    for (const [flag, name] of names) {
      if (uvm.pages.flags(pfn) & flag) report(`page ${pfn} is ${name}`, showPage(uvm, pfn));
    }
  }
}

export function checkMappings(uvm: Uvm, report: Report): void {
  for (const { map, va, pte, entry } of allMappings(uvm)) {
    const say = (what: string): void => report(`the mapping of ${hex(va)} in map ${map.id} ${what}`);
    if (entry === null) {
      say('lies in no entry');
      continue;
    }
    const beyond = pte & PTE_PROT & ~entry.protection;
    if (beyond !== 0) say(`allows ${protectionText(beyond)} beyond what its entry allows`);
    if ((pte & PTE_MANAGED) === 0) continue;
    const { page } = pageAt(entry, va);
    if (page !== pteFrame(pte)) say(`leads to page ${pteFrame(pte)}; the entry has page ${page} there`);
  }
}

export function checkCopyOnWrite(uvm: Uvm, report: Report): void {
  for (const { map, va, pte, entry } of allMappings(uvm)) {
    if (entry === null || (pte & PROT_WRITE) === 0) continue;
    const { anon } = pageAt(entry, va);
    const why = entry.needsCopy
      ? 'its entry needs a copy'
      : anon === null && entry.copyOnWrite
        ? "the page is the object's and the entry copy-on-write"
        : anon !== null && anon.references > 1
          ? `${anon.references} slots share anon ${anon.id}`
          : null;
    if (why !== null) report(`the mapping of ${hex(va)} in map ${map.id} is writable, although ${why}`);
  }
}

export function checkReverseMap(uvm: Uvm, report: Report): void {
  const { kernelPmap, pmaps, reverseMap } = uvm.machine;
  const known = new Map<Pfn, number>();
  for (const pmap of [kernelPmap, ...pmaps]) {
    let resident = 0;
    let wired = 0;
    pmap.table.forEachIn(0, Number.MAX_SAFE_INTEGER, (index, pte) => {
      const va = asVa(index * PAGE_SIZE);
      resident++;
      if (pte & PTE_WIRED) wired++;
      if ((pte & PTE_MANAGED) === 0) return;
      const pfn = pteFrame(pte);
      known.set(pfn, (known.get(pfn) ?? 0) + 1);
      let found = false;
      for (let at = reverseMap.first(pfn); at >= 0; at = reverseMap.next(at)) {
        if (reverseMap.pmap(at) === pmap && reverseMap.va(at) === va) found = true;
      }
      if (!found) report(`${pmap.label} maps page ${pfn} at ${hex(va)}, which the reverse map does not know`);
    });
    if (resident !== pmap.residentCount) report(`${pmap.label} counts ${pmap.residentCount} mappings, but has ${resident}`);
    if (wired !== pmap.wiredCount) report(`${pmap.label} counts ${pmap.wiredCount} wired mappings, but has ${wired}`);
  }
  for (let frame = uvm.pages.first; frame < uvm.pages.end; frame++) {
    const pfn = asPfn(frame);
    let listed = 0;
    for (let at = reverseMap.first(pfn); at >= 0; at = reverseMap.next(at)) listed++;
    if (listed !== (known.get(pfn) ?? 0))
      report(`the reverse map lists ${listed} mappings of page ${pfn}; page tables have ${known.get(pfn) ?? 0}`);
  }
}

export function checkTranslations(uvm: Uvm, report: Report): void {
  for (const cpu of uvm.machine.cpus) {
    const { pmap } = cpu;
    for (const { va, pfn, writable, executable } of cpu.tlb.translations()) {
      const pte = pmap?.table.get(va / PAGE_SIZE) ?? 0;
      const say = (what: string): void =>
        report(`cpu ${cpu.id} still translates ${hex(va)} to page ${pfn}${writable ? ' for stores' : ''}, ${what}`);
      if (pte === 0) say('which is mapped no more');
      else if (pteFrame(pte) !== pfn) say(`but page ${pteFrame(pte)} is mapped there`);
      else if (writable && (pte & (PROT_WRITE | PTE_DIRTY)) !== (PROT_WRITE | PTE_DIRTY))
        say('which must not be stored to without notice');
      else if (executable === true && (pte & PROT_EXEC) === 0) say('which is not executable any more');
    }
  }
}
