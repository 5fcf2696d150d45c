/** Checkers of maps, entries, amaps and references. See `audit.ts`. */
import type { Report } from '../../kern/invariant.js';
import { asPa, asVa, hex, PAGE_MASK, PAGE_SIZE, paToPfn } from '../../machine/address.js';
import type { Amap } from '../anon/amap.js';
import type { Anon } from '../anon/anon.js';
import type { MapEntry } from '../map/map-entry.js';
import type { VmMap } from '../map/vm-map.js';
import { showEntry } from '../show/show-map.js';
import type { Uvm } from '../uvm.js';
import { otherReferences } from './audit-aobj.js';

/** An entry for a sentence: `entry 7f00-8f00 of map 3`. */
function named(map: VmMap, entry: MapEntry): string {
  return `entry ${entry.start.toString(16)}-${entry.end.toString(16)} of map ${map.id}`;
}

/** All entries of all maps. */
function allEntries(uvm: Uvm): { map: VmMap; entry: MapEntry }[] {
  return [...uvm.maps].flatMap((map) => map.entries().map((entry) => ({ map, entry })));
}

export function checkMaps(uvm: Uvm, report: Report): void {
  for (const map of uvm.maps) {
    const entries = map.entries();
    let size = 0;
    let previous: number = map.min;
    for (const entry of entries) {
      size += entry.size;
      const aligned = (entry.start & PAGE_MASK) === 0 && (entry.end & PAGE_MASK) === 0;
      if (!aligned || entry.start >= entry.end) report(`${named(map, entry)} is no range of pages`, showEntry(entry));
      if (entry.start < previous)
        report(`${named(map, entry)} begins before ${hex(previous)}, where the one before it ends`, showEntry(entry));
      previous = entry.end;
    }
    if (previous > map.max) report(`map ${map.id} has entries up to ${hex(previous)}, but ends at ${hex(map.max)}`);
    if (entries.length !== map.entryCount) report(`map ${map.id} counts ${map.entryCount} entries, but has ${entries.length}`);
    if (size !== map.size) report(`map ${map.id} counts ${map.size} bytes, but its entries cover ${size}`);
    checkHints(map, entries, report);
  }
}

/** The hint is an entry or the header; up to `firstFree` there is no gap. */
function checkHints(map: VmMap, entries: readonly MapEntry[], report: Report): void {
  if (map.hint !== map.header && !entries.includes(map.hint))
    report(`the hint of map ${map.id} is an entry that has left the map`);
  if (map.firstFree === map.header) return;
  if (!entries.includes(map.firstFree)) {
    report(`first_free of map ${map.id} is an entry that has left the map`);
    return;
  }
  let end: number = map.min;
  for (const entry of entries) {
    if (entry.start !== end) {
      report(`map ${map.id} has a gap at ${hex(end)}, below first_free at ${hex(map.firstFree.start)}`);
      return;
    }
    if (entry === map.firstFree) return;
    end = entry.end;
  }
}

export function checkTrees(uvm: Uvm, report: Report): void {
  for (const map of uvm.maps) {
    const broken = map.tree.check();
    for (const finding of broken) report(`map ${map.id}: ${finding}`);
    // A tree that is broken cannot be walked.
    if (broken.length > 0) continue;
    const listed = map.entries();
    const inTree = [...map.tree];
    if (listed.length !== inTree.length || listed.some((entry, i) => entry !== inTree[i])) {
      report(`map ${map.id} lists ${listed.length} entries, and its tree has ${inTree.length}, or others`);
    }
  }
}

export function checkEntries(uvm: Uvm, report: Report): void {
  for (const { map, entry } of allEntries(uvm)) {
    const say = (what: string): void => report(`${named(map, entry)} ${what}`, showEntry(entry));
    if (entry.needsCopy && !entry.copyOnWrite) say('needs a copy but is not copy-on-write');
    if (entry.object === null && entry.offset !== 0) say(`has no object but offset ${hex(entry.offset)}`);
    if (entry.object !== null && !uvm.objects.has(entry.object)) say('maps an object that is gone');
    if (entry.submap !== null && !uvm.maps.has(entry.submap)) say('leads to a map that is gone');
    if ((entry.protection & ~entry.maxProtection) !== 0) say('allows more than it ever may');
    if (entry.amap === null) continue;
    if (!uvm.amaps.has(entry.amap)) say('refers to an amap that is gone');
    const last = entry.amapOffset + entry.size / PAGE_SIZE;
    if (entry.amapOffset < 0 || last > entry.amap.slots)
      say(`covers slots up to ${last} of an amap that has ${entry.amap.slots}`);
  }
}

export function checkWiredEntries(uvm: Uvm, report: Report): void {
  for (const { map, entry } of allEntries(uvm)) {
    if (entry.wiredCount === 0) continue;
    const { table } = map.pmap;
    const last = entry.end / PAGE_SIZE;
    let resident = 0;
    let wired = 0;
    for (let index = table.next(entry.start / PAGE_SIZE, last); index >= 0; index = table.next(index + 1, last)) {
      const pa = uvm.machine.pmapExtract(map.pmap, asVa(index * PAGE_SIZE));
      const page = paToPfn(asPa(pa));
      // Memory of devices is always there.
      if (pa < 0 || !uvm.machine.isManaged(page)) continue;
      resident++;
      if (uvm.pages.wireCount(page) > 0) wired++;
    }
    if (wired === resident) continue;
    report(
      `${named(map, entry)} has wired_count ${entry.wiredCount}; ${wired} of its ${resident} resident pages are wired`,
      showEntry(entry),
    );
  }
}

export function checkAmapSlots(uvm: Uvm, report: Report): void {
  for (const amap of uvm.amaps) {
    const seen = new Set<number>();
    amap.used.forEach((slot, place) => {
      const anon = amap.at(slot);
      if (seen.has(slot)) report(`amap ${amap.id} lists slot ${slot} twice`);
      seen.add(slot);
      if (slot >= amap.slots) report(`amap ${amap.id} uses slot ${slot}, but has ${amap.slots}`);
      if (amap.backPointer[slot] !== place)
        report(`amap ${amap.id} has slot ${slot} at place ${place}, but looks for it elsewhere`);
      if (anon === null) report(`amap ${amap.id} lists slot ${slot}, which is empty`);
      else if (anon.lock !== amap.lock) report(`anon ${anon.id} is in amap ${amap.id}, but under another lock`);
    });
    amap.anons.forEach((anon, slot) => {
      if (anon !== undefined && !seen.has(slot)) report(`amap ${amap.id} holds an anon in slot ${slot}, which it does not list`);
    });
    if (amap.slots > amap.maxSlots) report(`amap ${amap.id} has ${amap.slots} slots, and room for ${amap.maxSlots}`);
  }
}

export function checkAmapReferences(uvm: Uvm, report: Report): void {
  const referrers = new Map<Amap, MapEntry[]>();
  for (const { entry } of allEntries(uvm)) {
    if (entry.amap === null) continue;
    const known = referrers.get(entry.amap);
    if (known === undefined) referrers.set(entry.amap, [entry]);
    else known.push(entry);
  }
  for (const amap of uvm.amaps) {
    const entries = referrers.get(amap) ?? [];
    if (entries.length !== amap.references) {
      report(`amap ${amap.id} counts ${amap.references} references; ${entries.length} entries refer to it`);
    }
    const covers = (slot: number): number =>
      entries.filter((entry) => slot >= entry.amapOffset && slot < entry.amapOffset + entry.size / PAGE_SIZE).length;
    for (const slot of amap.used) {
      if (covers(slot) === 0) report(`amap ${amap.id} keeps an anon in slot ${slot}, to which no entry refers`);
    }
    let start = 0;
    for (const run of amap.partial?.runs ?? []) {
      // Counts are equal within a run; so are the entries that cover it, when all is well.
      for (const slot of [start, start + run.slots - 1]) {
        if (covers(slot) !== run.references) {
          report(`amap ${amap.id} counts ${run.references} references to slot ${slot}; ${covers(slot)} entries refer to it`);
        }
      }
      start += run.slots;
    }
  }
}

export function checkAnonReferences(uvm: Uvm, report: Report): void {
  const counted = new Map<Anon, number>();
  for (const amap of uvm.amaps) {
    for (const slot of amap.used) {
      const anon = amap.at(slot);
      if (anon !== null) counted.set(anon, (counted.get(anon) ?? 0) + 1);
    }
  }
  const borrowed = new Map<Anon, number>();
  for (const anon of uvm.anonLoans) borrowed.set(anon, (borrowed.get(anon) ?? 0) + 1);
  for (const anon of new Set([...counted.keys(), ...borrowed.keys()])) {
    const slots = counted.get(anon) ?? 0;
    const loans = borrowed.get(anon) ?? 0;
    if (anon.references === slots + loans) continue;
    const lent = loans === 0 ? '' : `, and ${loans} borrowers have it`;
    report(`anon ${anon.id} counts ${anon.references} references; ${slots} amap slots hold it${lent}`);
  }
  for (const anon of borrowed.keys()) counted.set(anon, 0);
  if (uvm.anonCount !== counted.size) report(`${uvm.anonCount} anons exist; ${counted.size} are in amaps`);
}

export function checkMapReferences(uvm: Uvm, report: Report): void {
  const leading = new Map<VmMap, number>();
  for (const { entry } of allEntries(uvm)) {
    if (entry.submap !== null) leading.set(entry.submap, (leading.get(entry.submap) ?? 0) + 1);
  }
  for (const map of uvm.maps) {
    const entries = leading.get(map) ?? 0;
    if (map.references === 1 + entries) continue;
    report(`map ${map.id} counts ${map.references} references; it has an owner, and ${entries} entries lead to it`);
  }
}

export function checkObjectReferences(uvm: Uvm, report: Report): void {
  for (const object of uvm.objects) {
    const mapped = allEntries(uvm).filter(({ entry }) => entry.object === object).length;
    const held = otherReferences(uvm, object);
    if (object.references !== mapped + held) {
      report(
        `object ${object.id} (${object.label}) counts ${object.references} references; ` +
          `${mapped} entries map it and ${held} others hold it`,
      );
    }
  }
}

export function checkLocks(uvm: Uvm, report: Report): void {
  for (const lwp of uvm.kern.scheduler.lwps) {
    for (const lock of lwp.held) report(`lwp ${lwp.name} holds ${lock.label}`);
  }
  for (const map of uvm.maps) if (map.busy !== null) report(`map ${map.id} is busy, by lwp ${map.busy.name}`);
}
