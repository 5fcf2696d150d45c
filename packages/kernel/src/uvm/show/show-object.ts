/** `show object`. `uvm_object_printit()`, sys/uvm/uvm_object.c. */
import { asPfn, hex, PAGE_SIZE, type Pfn } from '../../machine/address.js';
import { otherReferences } from '../audit/audit-aobj.js';
import type { UvmObject } from '../object/object.js';
import { PG_TABLED } from '../page/page-array.js';
import type { Uvm } from '../uvm.js';
import { UvmFile } from '../vnode/vnode.js';
import { marked, nameOf, type Problem, referringEntries, type ViewSize } from './show.js';

/** What the pagers' tables of operations are called in NetBSD. */
const PAGER_OPERATIONS: Readonly<Record<string, string>> = {
  vnode: 'uvm_vnodeops',
  aobj: 'aobj_pager',
  device: 'uvm_deviceops',
};

/** A memory object. */
export interface ObjectData {
  readonly name: string;
  /** A file's name. */
  readonly label: string;
  readonly pager: string;
  readonly locked: boolean;
  readonly pageCount: number;
  readonly references: number;
  /** Bytes in a file; null for what is no file. */
  readonly size: number | null;
  /** Which entries refer to it. */
  readonly entries: readonly string[];
  /** How many others do: names of files and open files. */
  readonly holders: number;
  /** The pages in memory, by offset in bytes; null in a brief view. */
  readonly pages: readonly { readonly name: string; readonly offset: number }[] | null;
  readonly problems: readonly Problem[];
}

/** A memory object as data. */
export function describeObject(uvm: Uvm, object: UvmObject, size: ViewSize): ObjectData {
  const name = `object ${object.id}`;
  const entries = referringEntries(uvm, (entry) => entry.object === object);
  const holders = otherReferences(uvm, object);
  const pages: { name: string; offset: number }[] = [];
  const problems: Problem[] = [];
  const found = entries.length + holders;
  if (found !== object.references) {
    problems.push({ subject: name, what: 'REFERENCE COUNT IS WRONG', seen: `${object.references} counted, ${found} found` });
  }
  object.pages.forEachIn(0, Number.MAX_SAFE_INTEGER, (index, value) => {
    const pfn = asPfn(value - 1);
    pages.push({ name: `page ${pfn}`, offset: index * PAGE_SIZE });
    problems.push(...pageProblems(uvm, object, pfn, index * PAGE_SIZE));
  });
  return {
    name,
    label: object.label,
    pager: object.pagerName,
    locked: object.lock.held,
    pageCount: object.pages.count,
    references: object.references,
    size: object instanceof UvmFile ? object.size : null,
    entries,
    holders,
    pages: size.full ? pages : null,
    problems,
  };
}

/** Whether a page that an object lists knows that it is the object's. */
function pageProblems(uvm: Uvm, object: UvmObject, pfn: Pfn, offset: number): Problem[] {
  const { pages } = uvm;
  const problems: Problem[] = [];
  const say = (what: string, seen = ''): void => void problems.push({ subject: `page ${pfn}`, what, seen });
  const owner = pages.uobject(pfn);
  if (owner !== object) {
    say('PAGE BELONGS TO ANOTHER', nameOf('object', owner) ?? nameOf('anon', pages.uanon(pfn)) ?? 'nobody');
    return problems;
  }
  if (pages.offset(pfn) !== offset) say('PAGE HAS ANOTHER OFFSET', `${hex(pages.offset(pfn))}, listed at ${hex(offset)}`);
  if ((pages.flags(pfn) & PG_TABLED) === 0) say('PAGE IS NOT MARKED AS TABLED');
  return problems;
}

/** A memory object as the debugger prints it. */
export function objectText(data: ObjectData): string {
  const operations = PAGER_OPERATIONS[data.pager] ?? data.pager;
  const lines = [
    `OBJECT ${data.name}: locked=${data.locked ? 1 : 0}, pgops=${operations}, npages=${data.pageCount}, refs=${data.references}`,
  ];
  if (data.pages !== null) {
    const file = data.size === null ? '' : `, size=${data.size}`;
    lines.push(`  ${data.pager} ${data.label}${file}, mapped by ${data.entries.length}, held by ${data.holders}`);
    lines.push('  PAGES <pg,offset>:');
    for (let at = 0; at < data.pages.length; at += 3) {
      const three = data.pages.slice(at, at + 3).map(({ name, offset }) => `<${name},${hex(offset)}>`);
      lines.push(`  ${three.join(' ')}`);
    }
  }
  for (const problem of data.problems) lines.push(`  ${marked(problem, data.name)}`);
  return lines.join('\n');
}
