/**
 * The machine-dependent layer, `pmap(9)`, as UVM's contract states it; modelled on sys/arch/x86/x86/pmap.c.
 *
 *    va ── pmap.table ──> pte ──> frame          (translation, walked by the processor)
 *    frame ── reverse map ──> (pmap, va) …       (which mappings a frame has, for the page-wide operations)
 *
 * Locks: every operation on a managed page wants the page owner's lock, which is the caller's to hold; the pmap itself has none,
 * because none of its operations sleeps, so each happens at once.
 *
 * Removing or reducing a mapping changes the table at once, but a processor may go on using the old translation until
 * `pmapUpdate`. Forgetting that call leaves a stale translation, which the audit finds.
 */
import { ENOMEM, type Errno } from '../kern/errno.js';
import { asPa, asVa, FIRST_FRAME, hex, PAGE_MASK, PAGE_SIZE, type Pa, type Pfn, paToPfn, pfnToPa, type Va } from './address.js';
import type { Machine } from './machine.js';
import { PMAP_CANFAIL, PMAP_WIRED, Pmap } from './pmap.js';
import { PROT_NONE, PROT_READ, PROT_WRITE, type Protection } from './protection.js';
import { MAX_FRAMES, makePte, PTE_ACCESSED, PTE_DIRTY, PTE_MANAGED, PTE_PROT, PTE_WIRED, type Pte, pteFrame } from './pte.js';
import { ATTR_MODIFIED, ATTR_REFERENCED } from './reverse-map.js';

/** Invalidations that are remembered one by one; more, and the whole TLB goes. As TLBSHOOT limits on x86. */
const MAX_PENDING = 16;

/** Creates an empty address space. `pmap_create()`. */
export function pmapCreate(this: Machine): Pmap {
  const pmap = new Pmap(this.nextPmapId++);
  this.pmaps.push(pmap);
  return pmap;
}

/** Destroys an address space that maps nothing any more. `pmap_destroy()`. */
export function pmapDestroy(this: Machine, pmap: Pmap): void {
  this.kern.kassert(pmap.residentCount === 0, 'pmap->pm_stats.resident_count == 0');
  for (const cpu of this.cpus) if (cpu.pmap === pmap) cpu.activate(null);
  const index = this.pmaps.indexOf(pmap);
  this.kern.kassert(index >= 0, 'pmap is alive');
  this.pmaps.splice(index, 1);
}

/**
 * Maps a page, in the place of whatever was mapped at the address. `pmap_enter()`.
 *
 * @param flags the access that causes it as `PROT_*` bits (sets the referenced and modified bits), `PMAP_WIRED`, `PMAP_CANFAIL`
 * @returns 0; ENOMEM when no page-table page could be had, which without `PMAP_CANFAIL` is a panic instead
 */
export function pmapEnter(this: Machine, pmap: Pmap, va: Va, pa: Pa, protection: Protection, flags: number): Errno {
  const pfn = paToPfn(pa);
  const index = va / PAGE_SIZE;
  const old = pmap.table.get(index);
  if (old === 0 && !pmap.table.hasLeaf(index) && this.kern.choose('pmap.page-table') !== 0) {
    if ((flags & PMAP_CANFAIL) === 0) this.kern.panic(`pmap_enter: no page-table page for ${hex(va)}`);
    return ENOMEM;
  }
  if (old !== 0 && pteFrame(old) !== pfn) {
    dropMapping(this, pmap, va, old);
  } else if (old !== 0) {
    pmap.residentCount--;
    if (old & PTE_WIRED) pmap.wiredCount--;
  }

  const managed = this.isManaged(pfn);
  let pte = makePte(pfn, protection & PTE_PROT, managed ? PTE_MANAGED : 0);
  if (flags & PMAP_WIRED) pte |= PTE_WIRED;
  if (flags & (PROT_READ | PROT_WRITE)) pte |= PTE_ACCESSED;
  if (flags & PROT_WRITE) pte |= PTE_DIRTY;
  const samePage = old !== 0 && pteFrame(old) === pfn;
  if (samePage) pte |= old & (PTE_ACCESSED | PTE_DIRTY);
  else if (managed) this.reverseMap.add(pfn, pmap, va);
  pmap.table.set(index, pte >>> 0);
  pmap.residentCount++;
  if (flags & PMAP_WIRED) pmap.wiredCount++;
  if (old !== 0) shootLater(this, pmap, va);
  return 0;
}

/** Removes all mappings in a range. `pmap_remove()`. Takes effect for all processors at `pmapUpdate`. */
export function pmapRemove(this: Machine, pmap: Pmap, start: Va, end: Va): void {
  const { table } = pmap;
  const last = end / PAGE_SIZE;
  for (let index = table.next(start / PAGE_SIZE, last); index >= 0; index = table.next(index + 1, last)) {
    removeAt(this, pmap, index, table.get(index));
  }
}

/**
 * Reduces the protection of all mappings in a range; without read, removes them. Never adds a right. `pmap_protect()`.
 * Takes effect for all processors at `pmapUpdate`.
 */
export function pmapProtect(this: Machine, pmap: Pmap, start: Va, end: Va, protection: Protection): void {
  if ((protection & PROT_READ) === 0) this.pmapRemove(pmap, start, end);
  else this.pmapRestrict(pmap, start, end, protection);
}

/**
 * As `pmapProtect`, but a mapping stays even when it allows nothing any more, and with it its being wired.
 */
export function pmapRestrict(this: Machine, pmap: Pmap, start: Va, end: Va, protection: Protection): void {
  const { table } = pmap;
  const last = end / PAGE_SIZE;
  for (let index = table.next(start / PAGE_SIZE, last); index >= 0; index = table.next(index + 1, last)) {
    reduceAt(this, pmap, index, table.get(index), protection);
  }
}

/**
 * Reduces the protection of all mappings of a page, in all address spaces and wired or not; with `PROT_NONE` removes them.
 * `pmap_page_protect()`. Takes effect for all processors at once.
 */
export function pmapPageProtect(this: Machine, pfn: Pfn, protection: Protection): void {
  if ((protection & PROT_WRITE) !== 0) return;
  const { reverseMap } = this;
  let next = -1;
  for (let entry = reverseMap.first(pfn); entry >= 0; entry = next) {
    next = reverseMap.next(entry);
    const pmap = reverseMap.pmap(entry);
    const index = reverseMap.va(entry) / PAGE_SIZE;
    const pte = pmap.table.get(index);
    if (protection === PROT_NONE) removeAt(this, pmap, index, pte);
    else reduceAt(this, pmap, index, pte, protection);
    this.pmapUpdate(pmap);
  }
}

/**
 * Clears the wired attribute of a mapping, which must exist. `pmap_unwire()`.
 *
 * => prints the kernel's complaint when the mapping is not wired.
 */
export function pmapUnwire(this: Machine, pmap: Pmap, va: Va): void {
  const index = va / PAGE_SIZE;
  const pte = pmap.table.get(index);
  if (pte === 0) this.kern.panic(`pmap_unwire: invalid (unmapped) va ${hex(va)}`);
  if ((pte & PTE_WIRED) === 0) {
    this.kern.printf(`pmap_unwire: wiring for ${pmap.label} va ${hex(va)} did not change!`);
    return;
  }
  pmap.table.set(index, (pte & ~PTE_WIRED) >>> 0);
  pmap.wiredCount--;
}

/** The physical address behind a virtual one, -1 when there is none. `pmap_extract()`. */
export function pmapExtract(this: Machine, pmap: Pmap, va: Va): Pa | -1 {
  const offset = va & PAGE_MASK;
  const pte = pmap.table.get((va - offset) / PAGE_SIZE);
  return pte === 0 ? -1 : asPa(pfnToPa(pteFrame(pte)) + offset);
}

/** Whether a mapping is wired; false when there is none. */
export function pmapIsWired(this: Machine, pmap: Pmap, va: Va): boolean {
  return (pmap.table.get(va / PAGE_SIZE) & PTE_WIRED) !== 0;
}

/** How many mappings of a page are wired. */
export function pmapWiredMappings(this: Machine, pfn: Pfn): number {
  const { reverseMap } = this;
  let wired = 0;
  for (let entry = reverseMap.first(pfn); entry >= 0; entry = reverseMap.next(entry)) {
    if (this.pmapIsWired(reverseMap.pmap(entry), reverseMap.va(entry))) wired++;
  }
  return wired;
}

/** Makes all changes to an address space visible to all processors. `pmap_update()`. */
export function pmapUpdate(this: Machine, pmap: Pmap): void {
  if (pmap.pending.length === 0 && !pmap.pendingAll) return;
  for (const cpu of this.cpus) {
    if (cpu.pmap !== pmap) continue;
    if (pmap.pendingAll) cpu.tlb.flush();
    else for (const va of pmap.pending) cpu.tlb.invalidate(va);
  }
  forgetPending(pmap);
  pmap.pendingAll = false;
}

/** Whether a page was stored to since the modified bit was cleared last. `pmap_is_modified()`. */
export function pmapIsModified(this: Machine, pfn: Pfn): boolean {
  return hasAttribute(this, pfn, ATTR_MODIFIED, PTE_DIRTY);
}

/** Whether a page was used since the referenced bit was cleared last. `pmap_is_referenced()`. */
export function pmapIsReferenced(this: Machine, pfn: Pfn): boolean {
  return hasAttribute(this, pfn, ATTR_REFERENCED, PTE_ACCESSED);
}

/** Clears the modified bit of a page and answers what it was. `pmap_clear_modify()`. */
export function pmapClearModify(this: Machine, pfn: Pfn): boolean {
  return clearAttribute(this, pfn, ATTR_MODIFIED, PTE_DIRTY);
}

/** Clears the referenced bit of a page and answers what it was. `pmap_clear_reference()`. */
export function pmapClearReference(this: Machine, pfn: Pfn): boolean {
  return clearAttribute(this, pfn, ATTR_REFERENCED, PTE_ACCESSED);
}

/** Maps a page in the kernel's space, wired and unmanaged: page-wide operations do not see it. `pmap_kenter_pa()`. */
export function pmapKenterPa(this: Machine, va: Va, pa: Pa, protection: Protection): void {
  const pmap = this.kernelPmap;
  const index = va / PAGE_SIZE;
  const old = pmap.table.get(index);
  if (old === 0) {
    pmap.residentCount++;
    pmap.wiredCount++;
  } else {
    shootLater(this, pmap, va);
  }
  pmap.table.set(index, makePte(paToPfn(pa), protection & PTE_PROT, PTE_WIRED));
}

/** Removes what `pmapKenterPa` mapped. `pmap_kremove()`. */
export function pmapKremove(this: Machine, va: Va, length: number): void {
  this.pmapRemove(this.kernelPmap, va, asVa(va + length));
}

/** Advice that a child is about to be made out of a parent; like x86's, this one has no use for it. `pmap_copy()`. */
export function pmapCopy(this: Machine, _to: Pmap, _from: Pmap, _toVa: Va, _length: number, _fromVa: Va): void {}

/** Whether a frame is RAM, which the reverse map covers. */
export function isManaged(this: Machine, pfn: Pfn): boolean {
  if (pfn >= FIRST_FRAME && pfn < FIRST_FRAME + this.reverseMap.frames) return true;
  if (pfn >= MAX_FRAMES) this.kern.panic(`page frame ${pfn} is beyond what a page-table entry can name`);
  return false;
}

function removeAt(machine: Machine, pmap: Pmap, index: number, pte: Pte): void {
  const va = asVa(index * PAGE_SIZE);
  dropMapping(machine, pmap, va, pte);
  pmap.table.set(index, 0);
  shootLater(machine, pmap, va);
}

/** Takes a mapping out of the counts and the reverse map; its referenced and modified bits stay with the page. */
function dropMapping(machine: Machine, pmap: Pmap, va: Va, pte: Pte): void {
  pmap.residentCount--;
  if (pte & PTE_WIRED) pmap.wiredCount--;
  if ((pte & PTE_MANAGED) === 0) return;
  const pfn = pteFrame(pte);
  const known = machine.reverseMap.remove(pfn, pmap, va);
  machine.kern.kassert(known, 'pve != NULL');
  keepAttributes(machine, pfn, pte);
}

function reduceAt(machine: Machine, pmap: Pmap, index: number, pte: Pte, protection: Protection): void {
  const reduced = (pte & ~PTE_PROT) | (pte & PTE_PROT & protection);
  if (reduced >>> 0 === pte) return;
  let entry = reduced;
  if (pte & PTE_MANAGED && (reduced & PROT_WRITE) === 0 && pte & PTE_DIRTY) {
    keepAttributes(machine, pteFrame(pte), pte & ~PTE_ACCESSED);
    entry &= ~PTE_DIRTY;
  }
  pmap.table.set(index, entry >>> 0);
  shootLater(machine, pmap, asVa(index * PAGE_SIZE));
}

function keepAttributes(machine: Machine, pfn: Pfn, pte: Pte): void {
  let attrs = machine.reverseMap.attrs(pfn);
  if (pte & PTE_ACCESSED) attrs |= ATTR_REFERENCED;
  if (pte & PTE_DIRTY) attrs |= ATTR_MODIFIED;
  machine.reverseMap.setAttrs(pfn, attrs);
}

function hasAttribute(machine: Machine, pfn: Pfn, attribute: number, bit: number): boolean {
  const { reverseMap } = machine;
  if (reverseMap.attrs(pfn) & attribute) return true;
  for (let entry = reverseMap.first(pfn); entry >= 0; entry = reverseMap.next(entry)) {
    if (reverseMap.pmap(entry).table.get(reverseMap.va(entry) / PAGE_SIZE) & bit) return true;
  }
  return false;
}

function clearAttribute(machine: Machine, pfn: Pfn, attribute: number, bit: number): boolean {
  const { reverseMap } = machine;
  let was = (reverseMap.attrs(pfn) & attribute) !== 0;
  reverseMap.setAttrs(pfn, reverseMap.attrs(pfn) & ~attribute);
  for (let entry = reverseMap.first(pfn); entry >= 0; entry = reverseMap.next(entry)) {
    const pmap = reverseMap.pmap(entry);
    const index = reverseMap.va(entry) / PAGE_SIZE;
    const pte = pmap.table.get(index);
    if ((pte & bit) === 0) continue;
    was = true;
    pmap.table.set(index, (pte & ~bit) >>> 0);
    // The processor sets the bit again only when it walks the table again.
    shootLater(machine, pmap, asVa(index * PAGE_SIZE));
    machine.pmapUpdate(pmap);
  }
  return was;
}

/** A processor may hold a translation that the table no longer gives. */
function shootLater(machine: Machine, pmap: Pmap, va: Va): void {
  if (pmap.pendingAll || !machine.isActive(pmap)) return;
  if (pmap.pending.length >= MAX_PENDING) {
    pmap.pendingAll = true;
    forgetPending(pmap);
    return;
  }
  pmap.pending.push(va);
}

/** There is one to forget as a rule; setting the length of an array is much slower than that. */
function forgetPending(pmap: Pmap): void {
  while (pmap.pending.length > 0) pmap.pending.pop();
}
