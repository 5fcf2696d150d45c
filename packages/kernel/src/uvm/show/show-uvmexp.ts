/**
 * `show uvmexp` and `vmstat -s`. `uvmexp_print()`, sys/uvm/uvm_stat.c; `dosum()` and `doevcnt()`, usr.bin/vmstat/vmstat.c.
 *
 * Lines name the counters that they print. What this kernel does not count is left out, and appears by itself once it is counted.
 */
import { HZ } from '../../kern/scheduler.js';
import { asPfn, PAGE_MASK, PAGE_SHIFT, PAGE_SIZE } from '../../machine/address.js';
import { PQ_FREE } from '../page/page-array.js';
import type { Uvm } from '../uvm.js';
import type { UvmexpField } from '../uvmexp.js';
import { marked, type Problem, type ViewSize } from './show.js';

/** Counters by name. */
export type Counters = Readonly<Record<string, number>>;

/** The counters. */
export interface UvmexpData {
  /** Under the names that they have in `struct uvmexp`. */
  readonly uvmexp: Counters;
  readonly problems: readonly Problem[];
}

/** The counters, with those of map operations. */
export interface VmstatData extends UvmexpData {
  /** What `vmstat -e` adds, null in a brief view. */
  readonly events: readonly EventCount[] | null;
}

/** An event counter. `struct evcnt` */
export interface EventCount {
  readonly group: string;
  readonly name: string;
  readonly total: number;
  /** A second of virtual time, whole. */
  readonly rate: number;
}

/** The counters as data. */
export function describeUvmexp(uvm: Uvm): UvmexpData {
  const constants = { pagesize: PAGE_SIZE, pagemask: PAGE_MASK, pageshift: PAGE_SHIFT, ncolors: 1 };
  return { uvmexp: { ...constants, ...uvm.uvmexp }, problems: counterProblems(uvm) };
}

/** What NetBSD counts as events of the maps, and as what. `UVMMAP_EVCNT_DEFINE()`, sys/uvm/uvm_map.c */
const MAP_EVENTS: readonly (readonly [field: UvmexpField, event: string])[] = [
  ['backmerge', 'ubackmerge'],
  ['forwmerge', 'uforwmerge'],
  ['bimerge', 'ubimerge'],
  ['nomerge', 'unomerge'],
  ['map_call', 'map_call'],
  ['mlk_call', 'mlk_call'],
  ['mlk_hint', 'mlk_hint'],
  ['mlk_tree', 'mlk_tree'],
];

/** The counters as `vmstat` tells them; with `full`, the events of maps too. */
export function describeVmstat(uvm: Uvm, size: ViewSize): VmstatData {
  const seconds = Math.max(1, Math.floor(uvm.kern.scheduler.tick / HZ));
  const events = MAP_EVENTS.map(([field, name]) => {
    const total = uvm.uvmexp[field];
    return { group: 'uvmmap', name, total, rate: Math.floor(total / seconds) };
  });
  return { ...describeUvmexp(uvm), events: size.full ? events : null };
}

/** Counts the pages again. */
function counterProblems(uvm: Uvm): Problem[] {
  const { pages, policy, uvmexp } = uvm;
  const recount = { npages: pages.length, free: 0, active: 0, inactive: 0, wired: 0, anonpages: 0, filepages: 0, execpages: 0 };
  for (let frame = pages.first; frame < pages.end; frame++) {
    const pfn = asPfn(frame);
    const pqflags = pages.pqflags(pfn);
    if (pqflags & PQ_FREE) recount.free++;
    if (policy.isQueued(pfn)) recount[policy.isInactive(pfn) ? 'inactive' : 'active']++;
    if (pages.wireCount(pfn) > 0) recount.wired++;
    if (pages.uanon(pfn) !== null) recount.anonpages++;
    const counter = pages.uobject(pfn)?.counter ?? null;
    if (counter !== null) recount[counter]++;
  }
  const problems: Problem[] = [];
  for (const [name, found] of Object.entries(recount)) {
    const says = uvmexp[name as keyof typeof recount];
    if (says !== found) problems.push({ subject: name, what: 'COUNTER IS WRONG', seen: `${says} counted, ${found} found` });
  }
  return problems;
}

/** Lines of `show uvmexp`. The parts between commas are left out one by one. */
const UVMEXP_LINES: readonly string[] = [
  '  pagesize={pagesize} ({pagesize:x}), pagemask={pagemask:x}, pageshift={pageshift}, ncolors={ncolors}',
  '  {npages} VM pages: {active} active, {inactive} inactive, {wired} wired, {free} free',
  '  pages  {anonpages} anon, {filepages} file, {execpages} exec',
  '  freemin={freemin}, free-target={freetarg}, wired-max={wiredmax}',
  '  faults={faults}, traps={traps}, intrs={intrs}, ctxswitch={swtch}',
  '  softint={softs}, syscalls={syscalls}',
  '  fault counts:',
  '    noram={fltnoram}, noanon={fltnoanon}, pgwait={fltpgwait}, pgrele={fltpgrele}',
  '    ok relocks(total)={fltrelckok}({fltrelck}), anget(retrys)={fltanget}({fltanretry}), amapcopy={fltamcopy}',
  '    neighbor anon/obj pg={fltnamap}/{fltnomap}, gets(lock/unlock)={fltlget}/{fltget}',
  '    cases: anon={flt_anon}, anoncow={flt_acow}, obj={flt_obj}, prcopy={flt_prcopy}, przero={flt_przero}',
  '  daemon and swap counts:',
  '    woke={pdwoke}, revs={pdrevs}, scans={pdscans}, obscans={pdobscan}, anscans={pdanscan}',
  '    busy={pdbusy}, freed={pdfreed}, reactivate={pdreact}, deactivate={pddeact}',
  '    pageouts={pdpageouts}, pending={pdpending}, nswget={nswget}',
  '    nswapdev={nswapdev}, swpgavail={swpgavail}',
  '    swpages={swpages}, swpginuse={swpginuse}, swpgonly={swpgonly}, paging={paging}',
];

/** Puts values in the place of `{name}`, in hexadecimal for `{name:x}`; null when one of them is not counted. */
function fill(template: string, counters: Counters): string | null {
  let known = true;
  const filled = template.replace(/\{(\w+)(:x)?\}/g, (_, name: string, base: string | undefined) => {
    const value = counters[name];
    if (value === undefined) known = false;
    return base === undefined ? String(value) : `0x${value?.toString(16)}`;
  });
  return known ? filled : null;
}

/** The counters as the debugger prints them. */
export function uvmexpText({ uvmexp, problems }: UvmexpData): string {
  const lines = ['Current UVM status:'];
  for (const template of UVMEXP_LINES) {
    const indent = template.slice(0, template.search(/\S/));
    const parts = template.trim().split(', ');
    const known = parts.map((part) => fill(part, uvmexp)).filter((part) => part !== null);
    if (known.length > 0) lines.push(indent + known.join(', '));
  }
  for (const problem of problems) lines.push(`  ${marked(problem, '')}`);
  return lines.join('\n');
}

/** Lines of `vmstat -s`: which counter, and what it is called there. */
const VMSTAT_LINES: readonly (readonly [counter: string, label: string])[] = [
  ['pagesize', 'bytes per page'],
  ['ncolors', 'page color'],
  ['npages', 'pages managed'],
  ['free', 'pages free'],
  ['active', 'pages active'],
  ['inactive', 'pages inactive'],
  ['paging', 'pages paging'],
  ['wired', 'pages wired'],
  ['zeropages', 'zero pages'],
  ['reserve_pagedaemon', 'reserve pagedaemon pages'],
  ['reserve_kernel', 'reserve kernel pages'],
  ['anonpages', 'anonymous pages'],
  ['filepages', 'cached file pages'],
  ['execpages', 'cached executable pages'],
  ['freemin', 'minimum free pages'],
  ['freetarg', 'target free pages'],
  ['wiredmax', 'maximum wired pages'],
  ['nswapdev', 'swap devices'],
  ['swpages', 'swap pages'],
  ['swpginuse', 'swap pages in use'],
  ['nswget', 'swap allocations'],
  ['faults', 'total faults taken'],
  ['traps', 'traps'],
  ['intrs', 'device interrupts'],
  ['swtch', 'CPU context switches'],
  ['softs', 'software interrupts'],
  ['syscalls', 'system calls'],
  ['pageins', 'pagein requests'],
  ['pdpageouts', 'pageout requests'],
  ['pgswapin', 'pages swapped in'],
  ['pgswapout', 'pages swapped out'],
  ['forks', 'forks total'],
  ['forks_ppwait', 'forks blocked parent'],
  ['forks_sharevm', 'forks shared address space with parent'],
  ['fltnoram', 'faults with no memory'],
  ['fltnoanon', 'faults with no anons'],
  ['fltpgwait', 'faults had to wait on pages'],
  ['fltpgrele', 'faults found released page'],
  ['fltrelck', 'faults relock ({fltrelckok} ok)'],
  ['fltanget', 'anon page faults'],
  ['fltanretry', 'anon retry faults'],
  ['fltamcopy', 'amap copy faults'],
  ['fltnamap', 'neighbour anon page faults'],
  ['fltnomap', 'neighbour object page faults'],
  ['fltlget', 'locked pager get faults'],
  ['fltget', 'unlocked pager get faults'],
  ['flt_anon', 'anon faults'],
  ['flt_acow', 'anon copy on write faults'],
  ['flt_obj', 'object faults'],
  ['flt_prcopy', 'promote copy faults'],
  ['flt_przero', 'promote zero fill faults'],
  ['pdwoke', 'times daemon wokeup'],
  ['pdrevs', 'revolutions of the clock hand'],
  ['pdfreed', 'pages freed by daemon'],
  ['pdscans', 'pages scanned by daemon'],
  ['pdanscan', 'anonymous pages scanned by daemon'],
  ['pdobscan', 'object pages scanned by daemon'],
  ['pdreact', 'pages reactivated'],
  ['pdbusy', 'pages found busy by daemon'],
  ['pdpending', 'total pending pageouts'],
  ['pddeact', 'pages deactivated'],
];

/** The counters as `vmstat -s` prints them, and as `vmstat -e` those that are events. */
export function vmstatText({ uvmexp, events, problems }: VmstatData): string {
  const lines: string[] = [];
  for (const [counter, label] of VMSTAT_LINES) {
    const text = fill(label, uvmexp);
    const value = uvmexp[counter];
    if (value !== undefined && text !== null) lines.push(`${String(value).padStart(9)} ${text}`);
  }
  if (events !== null) lines.push(eventRow('event', 'total', 'rate', 'type'));
  for (const { group, name, total, rate } of events ?? []) {
    lines.push(eventRow(`${group} ${name}`, String(total), String(rate), 'misc'));
  }
  for (const problem of problems) lines.push(`  ${marked(problem, '')}`);
  return lines.join('\n');
}

function eventRow(name: string, total: string, rate: string, type: string): string {
  return `${name.padEnd(34)} ${total.padStart(16)} ${rate.padStart(8)} ${type}`;
}
