/**
 * Wiring the pages of a buffer while a device, or the kernel itself, uses them. `uvm_vslock()` and `uvm_vsunlock()`, sys/uvm/uvm_glue.c.
 *
 *     uvmVslock(buffer)                    uvmVsunlock(buffer)
 *       each page faulted in, wire_count+1   each page that is mapped there by now, wire_count-1
 *       page p at va                         page q at va: p, if nothing has happened in between
 *
 * Both go by address, and neither touches `wired_count` of an entry, as in NetBSD from 2003 to this day. So whoever unmaps or replaces
 * what lies at the address in between has the wrong page unwired. That is not mended here: it is what the catalogue's entries are about.
 *
 * Which pages were wired is taken down all the same (`TransientWiring`), so that the audit can name every wiring, and so that wirings of entries
 * are told from these where they are undone (docs/decisions/0006-departures.md). What is unwired is never looked up there.
 */
import type { Errno } from '../../kern/errno.js';
import type { Step } from '../../kern/switch.js';
import { asPa, type Pfn, paToPfn, type Va } from '../../machine/address.js';
import type { Pmap } from '../../machine/pmap.js';
import type { Protection } from '../../machine/protection.js';
import type { VmMap, Vmspace } from '../map/vm-map.js';
import { NO_PAGE } from '../page/page-array.js';
import type { Uvm } from '../uvm.js';
import { TransientWiring } from './transient-wiring.js';

/**
 * Faults the pages of a buffer in and wires them. `uvm_vslock()`.
 *
 * => map unlocked. On failure nothing is wired.
 *
 * @param access `PROT_WRITE` when the pages will be written to, else `PROT_READ`
 * @param vslock where it is taken down which pages were wired
 * @returns 0, or the error of the fault that could not be resolved
 */
export function* uvmVslock(
  this: Uvm,
  space: Vmspace,
  address: number,
  length: number,
  access: Protection,
  vslock: TransientWiring = TransientWiring.ofBuffer(space.map, address, length),
): Step<Errno> {
  const { start, end } = vslock;
  this.vslocks.add(vslock);
  const errno = yield* this.uvmFaultWire(space.map, start, end, access, { maxProtection: false, vslock });
  if (errno !== 0) this.vslocks.delete(vslock);
  return errno;
}

/**
 * Unwires the pages that are mapped at a buffer by now. `uvm_vsunlock()`.
 *
 * => map unlocked. Panics when nothing is mapped at its start; says nothing of a page of it that is mapped no more.
 *
 * @param taken what was taken down when they were wired: it ends, whatever is unwired. Default: the first of this buffer
 */
export function* uvmVsunlock(
  this: Uvm,
  space: Vmspace,
  address: number,
  length: number,
  taken: TransientWiring | null = null,
): Step<void> {
  const { start, end } = TransientWiring.ofBuffer(space.map, address, length);
  const vslock = taken ?? wiringOf(this, space.map, start, end);
  yield* this.uvmFaultUnwire(space.map, start, end, vslock === null ? {} : { vslock });
  if (vslock !== null) this.vslocks.delete(vslock);
}

/** How many wirings for the time being are of this page. */
export function uvmTransientWirings(this: Uvm, page: Pfn): number {
  let wirings = 0;
  for (const vslock of this.vslocks) wirings += vslock.wiringsOf(page);
  return wirings;
}

/**
 * How many wirings of a page are those of wired entries that map it: what goes when the page is unmapped everywhere.
 *
 * @param except a mapping that is not asked about
 */
export function uvmEntryWirings(this: Uvm, page: Pfn, except: { pmap: Pmap; va: Va } | null = null): number {
  const { machine } = this;
  if (this.vslocks.size === 0 && except === null) return machine.pmapWiredMappings(page);
  return this.kern.scheduler.byNobody(() => {
    const { reverseMap } = machine;
    let wirings = 0;
    for (let mapping = reverseMap.first(page); mapping >= 0; mapping = reverseMap.next(mapping)) {
      const pmap = reverseMap.pmap(mapping);
      const va = reverseMap.va(mapping);
      if (except?.pmap === pmap && except.va === va) continue;
      if (machine.pmapIsWired(pmap, va) && isWiredEntry(this, pmap, va)) wirings++;
    }
    // An entry that is only about to be wired may have a mapping that is wired for the time being.
    return Math.min(wirings, Math.max(0, wiringsForEntries(this, page)));
  });
}

/**
 * The page that is mapped at an address and wired for its entry, `NO_PAGE` for none.
 *
 * => the entry is wired, or being wired. A mapping is also marked as wired that is wired for the time being only.
 */
export function uvmEntryWiredPage(this: Uvm, pmap: Pmap, va: Va): Pfn {
  const { machine } = this;
  if (!machine.pmapIsWired(pmap, va)) return NO_PAGE;
  const page = paToPfn(asPa(machine.pmapExtract(pmap, va)));
  if (this.vslocks.size === 0 || !machine.isManaged(page)) return page;
  return this.kern.scheduler.byNobody(() => {
    return wiringsForEntries(this, page) > this.uvmEntryWirings(page, { pmap, va }) ? page : NO_PAGE;
  });
}

/** Whether the mapping at an address is marked as wired, though neither its entry has the page wired nor anybody for the time being. */
export function uvmIsOnlyMarkedWired(this: Uvm, map: VmMap, va: Va): boolean {
  return this.kern.scheduler.byNobody(() => {
    if (!this.machine.pmapIsWired(map.pmap, va) || this.uvmEntryWiredPage(map.pmap, va) !== NO_PAGE) return false;
    for (const wiring of this.vslocks) if (wiring.covers(map, va) && wiring.pageAt(va) !== NO_PAGE) return false;
    return true;
  });
}

/** Whether a page lives on because somebody who holds the pages that he has wired has wired it. */
export function uvmIsHeld(this: Uvm, page: Pfn): boolean {
  for (const vslock of this.vslocks) if (vslock.holdsPages && vslock.wiringsOf(page) > 0) return true;
  return false;
}

/** A page was freed: whoever has it wired for the time being has it no more. */
export function uvmVslockForget(this: Uvm, page: Pfn): void {
  for (const vslock of this.vslocks) vslock.forget(page);
}

/** How many wirings of a page are neither for the time being nor its object's own. */
function wiringsForEntries(uvm: Uvm, page: Pfn): number {
  return uvm.pages.wireCount(page) - uvm.uvmTransientWirings(page) - uvm.uvmObjWirings(page);
}

/** Of the wirings of that range the first; they are alike. */
function wiringOf(uvm: Uvm, map: VmMap, start: Va, end: Va): TransientWiring | null {
  for (const wiring of uvm.vslocks) if (wiring.map === map && wiring.start === start && wiring.end === end) return wiring;
  return null;
}

function isWiredEntry(uvm: Uvm, pmap: Pmap, va: Va): boolean {
  for (const map of uvm.maps) {
    if (map.pmap !== pmap) continue;
    const entry = map.tree.floor(va);
    if (entry?.contains(va) === true) return entry.wiredCount > 0;
  }
  return false;
}
