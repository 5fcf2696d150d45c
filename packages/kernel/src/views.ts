/**
 * What a system can be asked to show: the text that NetBSD's debugger and tools print, and the same as data (decision D8).
 *
 * A view changes nothing, takes no lock and never sleeps: it can be asked for after any call, in the middle of one, or after a panic.
 */
import type { NetbsdSystem } from './boot.js';
import { describeLocks, locksText } from './kern/show-locks.js';
import { asPfn } from './machine/address.js';
import type { Process } from './sys/process.js';
import { describeProcesses, psText } from './sys/ps.js';
import { listSpace, pmapAllText, pmapText, procMapsText, type SpaceListing } from './sys/space-listing.js';
import { type VmMap, Vmspace } from './uvm/map/vm-map.js';
import { amapText, describeAmap } from './uvm/show/show-amap.js';
import { describeMap, mapText } from './uvm/show/show-map.js';
import { describeObject, objectText } from './uvm/show/show-object.js';
import { allPagesText, describeAllPages, describePage, pageText } from './uvm/show/show-page.js';
import { describeSwap, swapText } from './uvm/show/show-swap.js';
import { describeUvmexp, describeVmstat, uvmexpText, vmstatText } from './uvm/show/show-uvmexp.js';

/** What can be shown. */
export type ViewKind = 'map' | 'object' | 'amap' | 'page' | 'uvmexp' | 'vmstat' | 'swap' | 'pmap' | 'maps' | 'ps' | 'locks';

/** What names the thing to show: its own number, a process, or a page frame. */
export type ViewSelector = 'id' | 'pid' | 'page';

/** Which view is wanted, and of what. Without a selector all things of that kind are shown, one after the other. */
export interface ViewRequest {
  readonly kind: ViewKind;
  /** Number of a map, object or amap. */
  readonly id?: number;
  readonly pid?: number;
  /** Page frame number. */
  readonly page?: number;
  /** Whether all is shown, not only the head. */
  readonly full?: boolean;
}

/** What is seen. */
export interface View {
  /** Lines, without a newline at the end. */
  readonly text: string;
  /** What the text is made of: plain values, which JSON can hold. A list when all things of a kind are shown. */
  readonly data: unknown;
}

/** A kind of view, for people. */
export interface ViewKindDescription {
  readonly kind: ViewKind;
  /** What may name the thing to show. */
  readonly selectors: readonly ViewSelector[];
  /** One line. */
  readonly description: string;
}

/** All kinds of views. */
export const VIEW_KINDS: readonly ViewKindDescription[] = [
  { kind: 'map', selectors: ['id', 'pid'], description: "a map as the debugger's `show map`; full: its entries too" },
  { kind: 'object', selectors: ['id'], description: 'a memory object as `show object`; full: its pages too' },
  { kind: 'amap', selectors: ['id'], description: 'an amap as pmap(1) dumps one; full: its slots and anons too' },
  {
    kind: 'page',
    selectors: ['page'],
    description: 'a page as `show page`, or all pages in use; full: with all checks and mappings',
  },
  { kind: 'uvmexp', selectors: [], description: 'the counters as `show uvmexp`' },
  { kind: 'vmstat', selectors: [], description: 'the counters as `vmstat -s`; full: map events of `vmstat -e` too' },
  { kind: 'swap', selectors: [], description: 'what is swapped to as `swapctl -l`; full: bad pages too' },
  { kind: 'pmap', selectors: ['pid'], description: 'the mappings of a process as pmap(1); full: as `pmap -a`' },
  { kind: 'maps', selectors: ['pid'], description: 'the mappings of a process as /proc/PID/maps' },
  {
    kind: 'ps',
    selectors: [],
    description: "processes and threads as the debugger's `ps`; full: with wait channel, call and label",
  },
  { kind: 'locks', selectors: [], description: 'who holds and who wants which locks, as `show all locks`' },
];

/**
 * Shows something of a system.
 *
 * @throws {Error} for a kind or a thing that is not there, with a sentence that says what there is
 */
export function view(system: NetbsdSystem, request: ViewRequest): View {
  const known = VIEW_KINDS.find(({ kind }) => kind === request.kind);
  if (known === undefined) {
    throw new Error(`there is no view "${request.kind}"; there are ${VIEW_KINDS.map(({ kind }) => kind).join(', ')}`);
  }
  for (const selector of ['id', 'pid', 'page'] as const) {
    if (request[selector] === undefined || known.selectors.includes(selector)) continue;
    const taken = known.selectors.length === 0 ? 'shows the whole system' : `takes ${known.selectors.join(' or ')}`;
    throw new Error(`the view "${request.kind}" takes no ${selector}: it ${taken}`);
  }
  return VIEWS[request.kind](system, request, { full: request.full === true });
}

type Show = (system: NetbsdSystem, request: ViewRequest, size: { full: boolean }) => View;

const VIEWS: Readonly<Record<ViewKind, Show>> = {
  map: (system, request, size) => {
    const show = (map: VmMap): View => seen(describeMap(system.uvm, map, size), mapText);
    if (request.pid !== undefined) return show(mapOfProcess(processWith(system, request.pid)));
    return eachOrOne('map', system.uvm.maps, request.id, show);
  },
  object: ({ uvm }, { id }, size) => {
    return eachOrOne('object', uvm.objects, id, (object) => seen(describeObject(uvm, object, size), objectText));
  },
  amap: ({ uvm }, { id }, size) => eachOrOne('amap', uvm.amaps, id, (amap) => seen(describeAmap(uvm, amap, size), amapText)),
  page: ({ uvm }, { page }, size) => {
    if (page === undefined) return seen(describeAllPages(uvm, size), allPagesText);
    if (!(Number.isInteger(page) && page >= uvm.pages.first && page < uvm.pages.end)) {
      throw new Error(`there is no page ${page}; pages are numbered from ${uvm.pages.first} to ${uvm.pages.end - 1}`);
    }
    return seen(describePage(uvm, asPfn(page), size), pageText);
  },
  uvmexp: ({ uvm }) => seen(describeUvmexp(uvm), uvmexpText),
  vmstat: ({ uvm }, _request, size) => seen(describeVmstat(uvm, size), vmstatText),
  swap: ({ uvm }, _request, size) => seen(describeSwap(uvm, size), swapText),
  pmap: (system, { pid }, size) => listings(system, pid, size.full ? pmapAllText : pmapText),
  maps: (system, { pid }) => listings(system, pid, procMapsText),
  ps: ({ sys }, _request, size) => seen(describeProcesses(sys), (processes) => psText(processes, size)),
  locks: ({ kern }) => seen(describeLocks(kern), locksText),
};

/** The text is made of nothing but the data, so that the two cannot drift apart. */
function seen<Data>(data: Data, text: (data: Data) => string): View {
  return { data, text: text(data) };
}

/** Shows the thing of that number, or without a number all there are. */
function eachOrOne<Thing extends { readonly id: number }>(
  kind: ViewKind,
  things: ReadonlySet<Thing>,
  id: number | undefined,
  show: (thing: Thing) => View,
): View {
  if (id === undefined) return together([...things].map(show));
  const thing = [...things].find((candidate) => candidate.id === id);
  if (thing !== undefined) return show(thing);
  const ids = [...things].map((candidate) => candidate.id);
  throw new Error(`there is no ${kind} ${id}; ${thereAre(ids, kind)}`);
}

function together(views: readonly View[]): View {
  return { data: views.map(({ data }) => data), text: views.map(({ text }) => text).join('\n') };
}

/** `there are map 1, 2 and 3`, cut short when there are very many. */
function thereAre(numbers: readonly number[], what: string): string {
  if (numbers.length === 0) return `there is none`;
  if (numbers.length === 1) return `there is ${what} ${numbers[0]}`;
  const named = numbers.length > MOST_NAMED ? numbers.slice(0, MOST_NAMED) : numbers.slice(0, -1);
  const last = numbers.length > MOST_NAMED ? `${numbers.length - MOST_NAMED} more` : String(numbers.at(-1));
  return `there are ${what} ${named.join(', ')} and ${last}`;
}

/** Things that a sentence names one by one. */
const MOST_NAMED = 20;

function processWith(system: NetbsdSystem, pid: number): Process {
  const process = system.sys.processes.get(pid);
  if (process !== undefined) return process;
  throw new Error(`there is no process ${pid}; ${thereAre([...system.sys.processes.keys()], 'process')}`);
}

function mapOfProcess(process: Process): VmMap {
  if (process.space instanceof Vmspace) return process.space.map;
  throw noMemory(process);
}

function noMemory(process: Process): Error {
  return new Error(`process ${process.pid} (${process.name}) has ended, and has no memory any more`);
}

/** The memory of one process, or of all that have any. */
function listings(system: NetbsdSystem, pid: number | undefined, text: (listing: SpaceListing) => string): View {
  if (pid !== undefined) {
    const process = processWith(system, pid);
    const listing = listSpace(system.sys, process);
    if (listing === null) throw noMemory(process);
    return seen(listing, text);
  }
  const all = [...system.sys.processes.values()].map((process) => listSpace(system.sys, process));
  const alive = all.filter((listing) => listing !== null);
  return seen(alive, (listed) => listed.map((listing) => `process ${listing.pid}:\n${text(listing)}`).join('\n'));
}
