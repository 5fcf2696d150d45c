/** `show map`. `uvm_map_printit()`, sys/uvm/uvm_map.c. */
import { hex } from '../../machine/address.js';
import type { MapEntry } from '../map/map-entry.js';
import { mapProblems } from '../map/map-problems.js';
import type { VmMap } from '../map/vm-map.js';
import type { Uvm } from '../uvm.js';
import { marked, nameOf, type Problem, pointer, type ViewSize } from './show.js';

/** An entry of a map. */
export interface EntryData {
  readonly name: string;
  readonly start: number;
  readonly end: number;
  readonly object: string | null;
  /** In the object, in bytes. */
  readonly offset: number;
  readonly amap: string | null;
  /** In the amap, in slots. */
  readonly amapOffset: number;
  readonly submap: string | null;
  readonly copyOnWrite: boolean;
  readonly needsCopy: boolean;
  readonly protection: number;
  readonly maxProtection: number;
  readonly inheritance: number;
  readonly wiredCount: number;
  readonly advice: number;
  /** Whether the map begins to look for room behind it. */
  readonly firstFree: boolean;
}

/** A map. */
export interface MapData {
  readonly name: string;
  readonly min: number;
  readonly max: number;
  readonly entryCount: number;
  /** Bytes mapped. */
  readonly size: number;
  readonly references: number;
  readonly timestamp: number;
  readonly flags: number;
  readonly pmap: { readonly name: string; readonly residentCount: number; readonly wiredCount: number };
  /** `free`, `read` or `write`. */
  readonly lock: string;
  /** The thread that has it busy. */
  readonly busy: string | null;
  /** By address; null in a brief view. */
  readonly entries: readonly EntryData[] | null;
  readonly problems: readonly Problem[];
}

/** A map as data. */
export function describeMap(uvm: Uvm, map: VmMap, size: ViewSize): MapData {
  return {
    name: `map ${map.id}`,
    min: map.min,
    max: map.max,
    entryCount: map.entryCount,
    size: map.size,
    references: map.references,
    timestamp: map.timestamp,
    flags: map.flags,
    pmap: { name: map.pmap.label, residentCount: map.pmap.residentCount, wiredCount: map.pmap.wiredCount },
    lock: map.lock.state,
    busy: map.busy?.name ?? null,
    entries: size.full ? map.entries().map((entry) => describeEntry(entry, map)) : null,
    problems: mapProblems(uvm, map),
  };
}

function describeEntry(entry: MapEntry, map: VmMap | null): EntryData {
  return {
    name: `entry ${entry.id}`,
    start: entry.start,
    end: entry.end,
    object: nameOf('object', entry.object),
    offset: entry.offset,
    amap: nameOf('amap', entry.amap),
    amapOffset: entry.amapOffset,
    submap: nameOf('map', entry.submap),
    copyOnWrite: entry.copyOnWrite,
    needsCopy: entry.needsCopy,
    protection: entry.protection,
    maxProtection: entry.maxProtection,
    inheritance: entry.inheritance,
    wiredCount: entry.wiredCount,
    advice: entry.advice,
    firstFree: entry === map?.firstFree,
  };
}

/** A map as the debugger prints it. */
export function mapText(data: MapData): string {
  const { entries, problems, pmap } = data;
  const lines = [
    `MAP ${data.name}: [${hex(data.min)}->${hex(data.max)}]`,
    `\t#ent=${data.entryCount}, sz=${data.size}, ref=${data.references}, version=${data.timestamp}, flags=${hex(data.flags)}`,
    `\tpmap=${pmap.name}(resident=${pmap.residentCount}, wired=${pmap.wiredCount})`,
  ];
  const bySubject = new Map<string, Problem[]>();
  for (const problem of problems) bySubject.set(problem.subject, [...(bySubject.get(problem.subject) ?? []), problem]);
  const entryText: string[] = [];
  for (const entry of entries ?? []) {
    entryText.push(...entryLines(entry));
    for (const problem of bySubject.get(entry.name) ?? []) entryText.push(`\t${marked(problem, entry.name)}`);
    bySubject.delete(entry.name);
  }
  // What is found in an entry stands under it. All else, which in a brief view is everything, stands under the map.
  for (const problem of [...bySubject.values()].flat()) lines.push(`\t${marked(problem, data.name)}`);
  return [...lines, ...entryText].join('\n');
}

function entryLines(entry: EntryData): string[] {
  const flag = (value: boolean): string => (value ? 'T' : 'F');
  const object = pointer(entry.submap ?? entry.object);
  return [
    ` - ${entry.name}: ${hex(entry.start)}->${hex(entry.end)}: obj=${object}/${hex(entry.offset)}, ` +
      `amap=${pointer(entry.amap)}/${entry.amapOffset}`,
    `\tsubmap=${flag(entry.submap !== null)}, cow=${flag(entry.copyOnWrite)}, nc=${flag(entry.needsCopy)}, ` +
      `prot(max)=${entry.protection}/${entry.maxProtection}, inh=${entry.inheritance}, wc=${entry.wiredCount}, ` +
      `adv=${entry.advice}${entry.firstFree ? ' (first_free)' : ''}`,
  ];
}

/** An entry in the layout of `show map`. */
export function showEntry(entry: MapEntry): string {
  return entryLines(describeEntry(entry, null)).join('\n');
}
