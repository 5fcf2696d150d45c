/**
 * Where the bytes of an address are, for debuggers: without a fault, a lock, or any other trace.
 *
 *     map ── entry ─┬─ upper layer: amap ── anon ──┬─ page in memory
 *                   │                              └─ slot on swap
 *                   └─ lower layer: object ────────┬─ page in memory
 *                                                  └─ slot on swap, or where in a file
 */
import { asOffset, PAGE_SIZE, type Pfn, pfnToPa, truncPage, type Va } from '../machine/address.js';
import { PTE_ACCESSED, PTE_DIRTY, PTE_PROT, PTE_WIRED, pteFrame } from '../machine/pte.js';
import type { AddressContent, PageTableEntry } from '../vm/address-description.js';
import type { Anon } from './anon/anon.js';
import type { MapEntry } from './map/map-entry.js';
import type { VmMap } from './map/vm-map.js';
import { UvmAobj } from './object/aobj.js';
import type { UvmObject } from './object/object.js';
import { TmpfsVnode } from './object/tmpfs-vnode.js';
import { NO_PAGE } from './page/page-array.js';
import { SWSLOT_BAD } from './swap/swap.js';
import { UvmFile, UvmVnode } from './vnode/vnode.js';

/** What the page table says of an address, null for nothing. */
export function describeTranslation(map: VmMap, va: Va): PageTableEntry | null {
  const pte = map.pmap.table.get(truncPage(va) / PAGE_SIZE);
  if (pte === 0) return null;
  const frame = pteFrame(pte);
  return {
    frame,
    physical: pfnToPa(frame) + (va - truncPage(va)),
    protection: pte & PTE_PROT,
    wired: (pte & PTE_WIRED) !== 0,
    referenced: (pte & PTE_ACCESSED) !== 0,
    modified: (pte & PTE_DIRTY) !== 0,
  };
}

/** Where a load from an address would find its bytes. */
export function describeContent(map: VmMap, entry: MapEntry | null, va: Va): AddressContent {
  if (entry === null) return { kind: 'unmapped' };
  const index = (truncPage(va) - entry.start) / PAGE_SIZE;
  const anon = entry.amap?.at(entry.amapOffset + index) ?? null;
  if (anon !== null) return contentOfAnon(anon);
  if (entry.object === null) return { kind: 'zeros' };
  return contentOfObject(map, entry.object, entry.offset + index * PAGE_SIZE, va);
}

function contentOfAnon(anon: Anon): AddressContent {
  if (anon.page !== NO_PAGE) return { kind: 'memory', layer: 'upper', frame: anon.page };
  return slotContent('upper', anon.swapSlot);
}

function contentOfObject(map: VmMap, object: UvmObject, offset: number, va: Va): AddressContent {
  const page = object.lookup(asOffset(offset));
  if (page !== NO_PAGE) return { kind: 'memory', layer: 'lower', frame: page };
  if (object instanceof UvmFile && offset >= object.size) return { kind: 'beyond', name: object.label, size: object.size };
  if (object instanceof UvmVnode) return { kind: 'file', name: object.label, offset };
  const memory = object instanceof TmpfsVnode ? object.aobj : object;
  if (memory instanceof UvmAobj) return slotContent('lower', memory.swapSlots.get(offset / PAGE_SIZE) | 0);
  // A device has no pages of its own: what is mapped is memory of its own, elsewhere.
  return { kind: 'device', name: object.label, offset, frame: mappedFrame(map, va) };
}

function slotContent(layer: 'upper' | 'lower', slot: number): AddressContent {
  if (slot === 0) return { kind: 'zeros' };
  return slot === SWSLOT_BAD ? { kind: 'lost', layer } : { kind: 'swap', layer, slot };
}

function mappedFrame(map: VmMap, va: Va): Pfn | null {
  return describeTranslation(map, va)?.frame ?? null;
}
