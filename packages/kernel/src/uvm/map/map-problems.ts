/** What `show map` finds wrong with a map: in its sums, its entries, and the mappings that the entries stand for. */
import { asVa, hex, PAGE_MASK, PAGE_SIZE, type Va } from '../../machine/address.js';
import { PROT_WRITE, protectionText } from '../../machine/protection.js';
import { PTE_MANAGED, PTE_PROT, PTE_WIRED, type Pte, pteFrame } from '../../machine/pte.js';
import { NO_PAGE } from '../page/page-array.js';
import { counted, type Problem } from '../show/show.js';
import type { Uvm } from '../uvm.js';
import { pageAt } from './layers.js';
import type { MapEntry } from './map-entry.js';
import type { VmMap } from './vm-map.js';

/** All that is wrong with a map, its entries in order of address. */
export function mapProblems(uvm: Uvm, map: VmMap): Problem[] {
  const entries = map.entries();
  return [
    ...sumProblems(map, entries),
    ...pmapProblems(map),
    ...entries.flatMap((entry) => [...entryProblems(uvm, map, entry), ...mappingProblems(uvm, map, entry)]),
  ];
}

function sumProblems(map: VmMap, entries: readonly MapEntry[]): Problem[] {
  const subject = `map ${map.id}`;
  const problems: Problem[] = [];
  const say = (what: string, seen: string): void => void problems.push({ subject, what, seen });
  const size = entries.reduce((sum, entry) => sum + entry.size, 0);
  if (entries.length !== map.entryCount) {
    say('ENTRY COUNT IS WRONG', `${map.entryCount} counted, ${entries.length} on the list`);
  }
  if (size !== map.size) say('SIZE IS WRONG', `${map.size} counted, ${size} in entries`);
  const known = (entry: MapEntry): boolean => entry === map.header || entries.includes(entry);
  if (!known(map.hint)) say('HINT IS NOT IN THE MAP', `entry ${map.hint.id}`);
  if (!known(map.firstFree)) say('FIRST_FREE IS NOT IN THE MAP', `entry ${map.firstFree.id}`);
  return problems;
}

/** Whether a page table agrees with its counts, and maps nothing outside of entries. */
function pmapProblems(map: VmMap): Problem[] {
  const { pmap } = map;
  let resident = 0;
  let wired = 0;
  const strays = new Tally();
  pmap.table.forEachIn(0, Number.MAX_SAFE_INTEGER, (index, pte) => {
    const va = asVa(index * PAGE_SIZE);
    resident++;
    if (pte & PTE_WIRED) wired++;
    if (map.tree.floor(va)?.contains(va) !== true)
      strays.add('MAPPED OUTSIDE OF ANY ENTRY', `${hex(va)} to page ${pteFrame(pte)}`);
  });
  const problems = strays.problems(pmap.label);
  const count = (what: string, says: number, found: number): void => {
    if (says !== found) problems.push({ subject: pmap.label, what, seen: `${says} counted, ${found} in the page table` });
  };
  count('RESIDENT COUNT IS WRONG', pmap.residentCount, resident);
  count('WIRED COUNT IS WRONG', pmap.wiredCount, wired);
  return problems;
}

function entryProblems(uvm: Uvm, map: VmMap, entry: MapEntry): Problem[] {
  const subject = `entry ${entry.id}`;
  const problems: Problem[] = [];
  const say = (what: string, seen = ''): void => void problems.push({ subject, what, seen });
  const floor = entry.prev === map.header ? map.min : entry.prev.end;
  const aligned = (entry.start & PAGE_MASK) === 0 && (entry.end & PAGE_MASK) === 0;
  if (!aligned || entry.start >= entry.end) say('NOT A RANGE OF PAGES');
  if (entry.start < floor) say('BEGINS TOO LOW', `below ${hex(floor)}`);
  if (entry.end > map.max) say('ENDS BEHIND THE MAP', `at ${hex(map.max)}`);
  if (entry.needsCopy && !entry.copyOnWrite) say('NEEDS A COPY BUT IS NOT COPY-ON-WRITE');
  const beyond = entry.protection & ~entry.maxProtection;
  if (beyond !== 0) say('ALLOWS MORE THAN IT EVER MAY', protectionText(beyond));
  if (entry.object !== null && !uvm.objects.has(entry.object)) say('OBJECT IS GONE', `object ${entry.object.id}`);
  const { amap } = entry;
  if (amap === null) return problems;
  if (!uvm.amaps.has(amap)) say('AMAP IS GONE', `amap ${amap.id}`);
  const end = entry.amapOffset + entry.size / PAGE_SIZE;
  if (entry.amapOffset < 0 || end > amap.slots) {
    say('AMAP RANGE TOO LARGE', `slots ${entry.amapOffset} to ${end - 1}, amap ${amap.id} has ${amap.slots}`);
  }
  return problems;
}

/** How the mappings of an entry's range disagree with it. */
function mappingProblems(uvm: Uvm, map: VmMap, entry: MapEntry): Problem[] {
  const tally = new Tally();
  map.pmap.table.forEachIn(entry.start / PAGE_SIZE, entry.end / PAGE_SIZE, (index, pte) => {
    checkMapping(uvm, entry, asVa(index * PAGE_SIZE), pte, tally);
  });
  return tally.problems(`entry ${entry.id}`);
}

function checkMapping(uvm: Uvm, entry: MapEntry, va: Va, pte: Pte, tally: Tally): void {
  const beyond = pte & PTE_PROT & ~entry.protection;
  if (beyond !== 0) tally.add('MAPPING ALLOWS MORE THAN THE ENTRY', `${hex(va)} ${protectionText(pte & PTE_PROT)}`);
  const wired = (pte & PTE_WIRED) !== 0;
  if (wired && entry.wiredCount === 0) tally.add('MAPPING IS WIRED, THE ENTRY IS NOT', hex(va));
  if (!wired && entry.wiredCount > 0) tally.add('MAPPING IS NOT WIRED, THE ENTRY IS', hex(va));
  if ((pte & PTE_MANAGED) === 0) return;

  const frame = pteFrame(pte);
  if (entry.wiredCount > 0 && uvm.pages.wireCount(frame) === 0)
    tally.add('PAGE IS NOT WIRED, THE ENTRY IS', `${hex(va)}, page ${frame}`);
  const { page, anon } = pageAt(entry, va);
  if (page !== frame) {
    tally.add(
      'ANOTHER PAGE IS MAPPED',
      `${hex(va)} is page ${frame}, and should be ${page === NO_PAGE ? 'none' : `page ${page}`}`,
    );
  }
  const shared = anon === null ? entry.copyOnWrite : anon.references > 1;
  if ((pte & PROT_WRITE) !== 0 && (entry.needsCopy || shared)) tally.add('MAPPING IS WRITABLE BEFORE THE COPY', hex(va));
}

/** The same things wrong with many pages, told as one: with the first page, and how many there are. */
class Tally {
  readonly #found = new Map<string, { readonly first: string; count: number }>();

  add(what: string, seen: string): void {
    const known = this.#found.get(what);
    if (known === undefined) this.#found.set(what, { first: seen, count: 1 });
    else known.count++;
  }

  problems(subject: string): Problem[] {
    return [...this.#found].map(([what, { first, count }]) => ({
      subject,
      what,
      seen: count === 1 ? first : `${first}, and ${counted(count - 1, 'page')} more`,
    }));
  }
}
