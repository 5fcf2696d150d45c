/** `show page` and `show all pages`. `uvm_page_printit()`, `uvm_page_printall()`, sys/uvm/uvm_page.c. */
import { asPfn, hex, PAGE_SIZE, type Pfn, pfnToPa } from '../../machine/address.js';
import { protectionText } from '../../machine/protection.js';
import { PTE_PROT, PTE_WIRED, pteFrame } from '../../machine/pte.js';
import {
  NO_PAGE,
  type PageList,
  PG_BUSY,
  PG_CLEAN,
  PG_FAKE,
  PG_PAGEOUT,
  PG_RDONLY,
  PG_RELEASED,
  PG_TABLED,
  PG_WANTED,
  PG_ZERO,
  PQ_ANON,
  PQ_AOBJ,
  PQ_FREE,
  PQ_READAHEAD,
} from '../page/page-array.js';
import type { PageQueue } from '../pagedaemon/pdpolicy.js';
import type { Uvm } from '../uvm.js';
import { type BitName, bitNames, bitText, counted, marked, nameOf, type Problem, pointer, type ViewSize } from './show.js';

/** `UVM_PGFLAGBITS` */
const FLAGS: readonly BitName[] = [
  [PG_BUSY, 'BUSY'],
  [PG_WANTED, 'WANTED'],
  [PG_TABLED, 'TABLED'],
  [PG_CLEAN, 'CLEAN'],
  [PG_PAGEOUT, 'PAGEOUT'],
  [PG_RELEASED, 'RELEASED'],
  [PG_FAKE, 'FAKE'],
  [PG_RDONLY, 'RDONLY'],
  [PG_ZERO, 'ZERO'],
];

/** `UVM_PQFLAGBITS`, without the private bits of the replacement policy. */
const PQFLAGS: readonly BitName[] = [
  [PQ_FREE, 'FREE'],
  [PQ_ANON, 'ANON'],
  [PQ_AOBJ, 'AOBJ'],
  [PQ_READAHEAD, 'READAHEAD'],
];

const ANON_DOES_NOT_POINT_HERE = 'ANON DOES NOT POINT HERE';
const NOT_ON_OBJECT_LIST = 'PAGE NOT FOUND ON OBJECT LIST!';
const NOT_ON_PAGEQ_LIST = 'PAGE NOT FOUND ON PAGEQ LIST!';

/** A mapping of a page, as the reverse map knows it. */
export interface PageMapping {
  readonly pmap: string;
  readonly va: number;
  /** What the page table allows there. */
  readonly protection: number;
  readonly wired: boolean;
}

/** A page. */
export interface PageData {
  readonly name: string;
  readonly flags: number;
  readonly flagNames: readonly string[];
  readonly pqflags: number;
  readonly pqflagNames: readonly string[];
  readonly wireCount: number;
  readonly loanCount: number;
  /** Physical address. */
  readonly pa: number;
  readonly object: string | null;
  readonly anon: string | null;
  /** In the object, in bytes. */
  readonly offset: number;
  /** Who has it busy, and where; null when nobody has, or `tracked` is false. */
  readonly busyBy: { readonly lwp: string; readonly tag: string } | null;
  /** Whether the kernel notes who has pages busy: a DIAGNOSTIC kernel does. */
  readonly tracked: boolean;
  /** Which owner and which queue were asked whether they know the page; null in a brief view. */
  readonly checked: { readonly owner: 'anon' | 'object' | null; readonly queue: string | null } | null;
  /** Null in a brief view. */
  readonly mappings: readonly PageMapping[] | null;
  readonly problems: readonly Problem[];
}

/** A page as data. */
export function describePage(uvm: Uvm, pfn: Pfn, size: ViewSize): PageData {
  const { pages } = uvm;
  const flags = pages.flags(pfn);
  const pqflags = pages.pqflags(pfn);
  return {
    name: `page ${pfn}`,
    flags,
    flagNames: bitNames(flags, FLAGS),
    pqflags,
    pqflagNames: bitNames(pqflags, [...PQFLAGS, ...uvm.policy.flagNames]),
    wireCount: pages.wireCount(pfn),
    loanCount: pages.loanCount(pfn),
    pa: pfnToPa(pfn),
    object: nameOf('object', pages.uobject(pfn)),
    anon: nameOf('anon', pages.uanon(pfn)),
    offset: pages.offset(pfn),
    busyBy: uvm.busyOwners.get(pfn) ?? null,
    tracked: uvm.kern.diagnostic,
    checked: size.full ? { owner: ownerKind(uvm, pfn), queue: queueOf(uvm, pfn)?.name ?? null } : null,
    mappings: size.full ? mappingsOf(uvm, pfn) : null,
    problems: pageProblems(uvm, pfn),
  };
}

/** All pages in use, or with `full` all there are, briefly. */
export function describeAllPages(uvm: Uvm, size: ViewSize): PageData[] {
  const described: PageData[] = [];
  for (let frame = uvm.pages.first; frame < uvm.pages.end; frame++) {
    const pfn = asPfn(frame);
    if (size.full || (uvm.pages.pqflags(pfn) & PQ_FREE) === 0) described.push(describePage(uvm, pfn, { full: false }));
  }
  return described;
}

/** Which kind of owner a page has by its flags; null for a free page, and one that belongs to nobody. */
function ownerKind(uvm: Uvm, pfn: Pfn): 'anon' | 'object' | null {
  const { pages } = uvm;
  const pqflags = pages.pqflags(pfn);
  if (pqflags & PQ_FREE) return null;
  if (pqflags & PQ_ANON) return 'anon';
  return pages.uobject(pfn) === null ? null : 'object';
}

/** The list that a page is on by its flags. */
function queueOf(uvm: Uvm, pfn: Pfn): PageQueue | null {
  if (uvm.pages.pqflags(pfn) & PQ_FREE) return { name: 'free', list: uvm.freeList };
  return uvm.policy.queueOf(pfn);
}

function mappingsOf(uvm: Uvm, pfn: Pfn): PageMapping[] {
  const { reverseMap } = uvm.machine;
  const mappings: PageMapping[] = [];
  for (let at = reverseMap.first(pfn); at >= 0; at = reverseMap.next(at)) {
    const pmap = reverseMap.pmap(at);
    const va = reverseMap.va(at);
    const pte = pmap.table.get(va / PAGE_SIZE);
    mappings.push({ pmap: pmap.label, va, protection: pte & PTE_PROT, wired: (pte & PTE_WIRED) !== 0 });
  }
  return mappings;
}

function pageProblems(uvm: Uvm, pfn: Pfn): Problem[] {
  const subject = `page ${pfn}`;
  const problems: Problem[] = [];
  const say = (what: string, seen = ''): void => void problems.push({ subject, what, seen });
  checkOwner(uvm, pfn, say);
  const queue = queueOf(uvm, pfn);
  if (queue !== null && !isListed(uvm, queue.list, pfn)) say(NOT_ON_PAGEQ_LIST);
  checkPageMappings(uvm, pfn, say);
  return problems;
}

type Say = (what: string, seen?: string) => void;

function checkOwner(uvm: Uvm, pfn: Pfn, say: Say): void {
  const { pages } = uvm;
  const anon = pages.uanon(pfn);
  const object = pages.uobject(pfn);
  const owner = ownerKind(uvm, pfn);
  if (owner === 'anon' && anon?.page !== pfn) {
    say(ANON_DOES_NOT_POINT_HERE, anon === null || anon.page === NO_PAGE ? pointer(null) : `page ${anon.page}`);
  }
  if (owner === 'object' && object?.lookup(pages.offset(pfn)) !== pfn) say(NOT_ON_OBJECT_LIST);
  const owners = [nameOf('object', object), nameOf('anon', anon)].filter((name) => name !== null);
  const free = (pages.pqflags(pfn) & PQ_FREE) !== 0;
  if (free && owners.length > 0) say('FREE PAGE HAS AN OWNER', owners.join(', '));
  if (!free && owners.length === 0) say('PAGE HAS NO OWNER');
  if (owners.length > 1) say('PAGE HAS TWO OWNERS', owners.join(', '));
}

/** Whether a list has a page; a list whose links form a ring is given up after as many steps as there are pages. */
function isListed(uvm: Uvm, list: PageList, pfn: Pfn): boolean {
  let at = list.head;
  for (let steps = 0; at !== NO_PAGE && at !== pfn && steps < uvm.pages.length; steps++) at = uvm.pages.next(at);
  return at === pfn;
}

function checkPageMappings(uvm: Uvm, pfn: Pfn, say: Say): void {
  const { reverseMap } = uvm.machine;
  const { pages } = uvm;
  if (pages.pqflags(pfn) & PQ_FREE && reverseMap.first(pfn) >= 0) say('FREE PAGE IS MAPPED');
  if (pages.pqflags(pfn) & PQ_FREE && pages.wireCount(pfn) > 0) say('FREE PAGE IS WIRED');
  for (let at = reverseMap.first(pfn); at >= 0; at = reverseMap.next(at)) {
    const pmap = reverseMap.pmap(at);
    const pte = pmap.table.get(reverseMap.va(at) / PAGE_SIZE);
    if (pte === 0 || pteFrame(pte) !== pfn) say('MAPPING IS NOT IN THE PAGE TABLE', `${pmap.label} va ${hex(reverseMap.va(at))}`);
  }
  // Every wiring goes through a mapping, and each wired mapping is one wiring of its page.
  const wired = uvm.machine.pmapWiredMappings(pfn);
  const wireCount = pages.wireCount(pfn);
  if (wired !== wireCount)
    say('WIRE COUNT IS NOT THAT OF WIRED MAPPINGS', `wire_count ${wireCount}, ${counted(wired, 'wired mapping')}`);
}

/** A page as the debugger prints it. */
export function pageText(data: PageData): string {
  const lines = [
    `PAGE ${data.name}:`,
    `  flags=${bitText(data.flags, data.flagNames)}, pqflags=${bitText(data.pqflags, data.pqflagNames)}, ` +
      `wire_count=${data.wireCount}, pa=${hex(data.pa)}`,
    `  uobject=${pointer(data.object)}, uanon=${pointer(data.anon)}, offset=${hex(data.offset)} loan_count=${data.loanCount}`,
    `  ${ownerText(data)}`,
  ];
  const left = new Set(data.problems);
  /** One check of the debugger's: its line when all is well, else what was found. */
  const verdict = (what: string, well: string): void => {
    const problem = data.problems.find((found) => found.what === what);
    lines.push(`  ${problem === undefined ? well : marked(problem, data.name)}`);
    if (problem !== undefined) left.delete(problem);
  };
  if (data.checked?.owner === 'anon') verdict(ANON_DOES_NOT_POINT_HERE, 'anon backpointer is OK');
  if (data.checked?.owner === 'object') {
    lines.push('  checking object list');
    verdict(NOT_ON_OBJECT_LIST, 'page found on object list');
  }
  if (data.checked !== null && data.checked.queue !== null) {
    lines.push('  checking pageq list');
    verdict(NOT_ON_PAGEQ_LIST, 'page found on pageq list');
  }
  for (const { pmap, va, protection, wired } of data.mappings ?? []) {
    lines.push(`  mapped by ${pmap} at ${hex(va)} ${protectionText(protection)}${wired ? ' wired' : ''}`);
  }
  for (const problem of left) lines.push(`  ${marked(problem, data.name)}`);
  return lines.join('\n');
}

function ownerText({ tracked, busyBy }: PageData): string {
  if (!tracked) return '[page ownership tracking disabled]';
  return busyBy === null ? 'page not busy, no owner' : `owning process = ${busyBy.lwp}, tag=${busyBy.tag}`;
}

/** Pages as a table, a line each. */
export function allPagesText(pages: readonly PageData[]): string {
  const row = (page: string, flags: string, pqflags: string, object: string, anon: string, owner: string): string =>
    [page.padStart(18), flags.padStart(4), pqflags.padStart(4), object.padStart(18), anon.padStart(18), owner]
      .join(' ')
      .trimEnd();
  const digits = (flags: number): string => flags.toString(16).padStart(4, '0');
  const lines = [row('PAGE', 'FLAG', 'PQ', 'UOBJECT', 'UANON', pages.some((page) => page.tracked) ? 'OWNER' : '')];
  for (const page of pages) {
    const owner = page.busyBy === null ? '' : `${page.busyBy.lwp} [${page.busyBy.tag}]`;
    lines.push(row(page.name, digits(page.flags), digits(page.pqflags), pointer(page.object), pointer(page.anon), owner));
    for (const problem of page.problems) lines.push(`  ${marked(problem, page.name)}`);
  }
  return lines.join('\n');
}

/** A page in the layout of `show page`. */
export function showPage(uvm: Uvm, pfn: Pfn): string {
  return pageText(describePage(uvm, pfn, { full: false }));
}
