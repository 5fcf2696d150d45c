/** What the kernel has for a process, looked at from outside: no fault, no mapping, nothing changes. */
import type { NetbsdSystem, Process } from '../../src/index.js';
import { asOffset, asVa } from '../../src/machine/address.js';
import type { Anon } from '../../src/uvm/anon/anon.js';
import type { MapEntry } from '../../src/uvm/map/map-entry.js';
import type { Vmspace } from '../../src/uvm/map/vm-map.js';
import { UvmAobj } from '../../src/uvm/object/aobj.js';
import { TmpfsVnode } from '../../src/uvm/object/tmpfs-vnode.js';
import { NO_PAGE } from '../../src/uvm/page/page-array.js';
import { SWSLOT_BAD } from '../../src/uvm/swap/swap.js';
import { PAGE } from './plain-memory.js';

/** The entries of a process's map, in order of address. */
export function entriesOf(process: Process): MapEntry[] {
  return (process.space as Vmspace).map.entries();
}

/** The entry that the kernel has at an address. */
export function entryAt(process: Process, address: number): MapEntry | null {
  return entriesOf(process).find((entry) => entry.contains(asVa(address))) ?? null;
}

function anonAt(process: Process, address: number): Anon | null {
  const entry = entryAt(process, address);
  return entry?.amap?.at(entry.amapOffset + Math.floor((address - entry.start) / PAGE)) ?? null;
}

/** The anonymous object of a mapped thing, null for files that rest elsewhere. */
function objectBehind(object: unknown): UvmAobj | null {
  if (object instanceof TmpfsVnode) return object.aobj;
  return object instanceof UvmAobj ? object : null;
}

/** The memory of a segment, by the segment's id. */
export function segmentMemory({ sys }: NetbsdSystem, id: number): UvmAobj | null {
  return objectBehind(sys.shm.find(id)?.memory);
}

/** The memory of a file that is memory itself, by what it is called. */
export function fileMemory({ sys }: NetbsdSystem, label: string): UvmAobj | null {
  return objectBehind([...sys.vfs.entries()].find(([, vnode]) => vnode instanceof TmpfsVnode && vnode.label === label)?.[1]);
}

/** Whether a page of an object could not be read back from swap. */
export function isObjectPageLost({ uvm }: NetbsdSystem, aobj: UvmAobj, index: number): boolean {
  return aobj.lookup(asOffset(index * PAGE)) === NO_PAGE && uvm.uaoFindSwslot(aobj, index) === SWSLOT_BAD;
}

/** What stands for the page at an address, if its bytes went to swap and cannot come back; else null. Equal for all who have that page. */
export function lostAt(system: NetbsdSystem, process: Process, address: number): object | string | null {
  const anon = anonAt(process, address);
  if (anon !== null) return anon.page === NO_PAGE && anon.swapSlot === SWSLOT_BAD ? anon : null;
  const entry = entryAt(process, address);
  const aobj = objectBehind(entry?.object);
  if (entry === null || aobj === null) return null;
  const index = (entry.offset + address - entry.start) / PAGE;
  return isObjectPageLost(system, aobj, index) ? `page ${index} of object ${aobj.id}` : null;
}

/** The bytes that the kernel's upper layer has for a page, null when there are none. */
export function anonBytes(system: NetbsdSystem, process: Process, address: number): Uint8Array | null {
  const anon = anonAt(process, address);
  if (anon === null) return null;
  if (anon.page !== NO_PAGE) return system.machine.ram.page(anon.page);
  const bytes = new Uint8Array(PAGE);
  system.uvm.swap.deviceOf(anon.swapSlot)?.read(anon.swapSlot, bytes);
  return bytes;
}

/** The bytes of a page as the kernel has them, null beyond the end of a file. */
export function peek(system: NetbsdSystem, process: Process, address: number): Uint8Array | null {
  if (lostAt(system, process, address - (address % PAGE)) !== null) return null;
  const own = anonBytes(system, process, address);
  const entry = entryAt(process, address);
  if (own !== null || entry === null) return own;
  const aobj = objectBehind(entry.object);
  if (aobj !== null) {
    const offset = entry.offset + address - (address % PAGE) - entry.start;
    return entry.object instanceof TmpfsVnode && offset >= entry.object.size ? null : objectPage(system, aobj, offset / PAGE);
  }
  const vnode = entry.object === null ? null : [...system.sys.vfs.entries()].find(([, { id }]) => id === entry.object?.id)?.[1];
  if (entry.object === null || vnode == null) return new Uint8Array(PAGE);
  const offset = asOffset(entry.offset + address - (address % PAGE) - entry.start);
  if (offset >= vnode.size) return null;
  const frame = entry.object.lookup(offset);
  if (frame >= 0) return system.machine.ram.page(frame);
  const bytes = new Uint8Array(PAGE);
  vnode.store?.read(offset, bytes);
  return bytes;
}

/** The bytes of a page of an anonymous object, wherever they are; null when they are lost. */
export function objectPage(system: NetbsdSystem, aobj: UvmAobj, index: number): Uint8Array | null {
  if (isObjectPageLost(system, aobj, index)) return null;
  const { machine, uvm } = system;
  const frame = aobj.lookup(asOffset(index * PAGE));
  if (frame >= 0) return machine.ram.page(frame);
  const bytes = new Uint8Array(PAGE);
  const slot = uvm.uaoFindSwslot(aobj, index);
  uvm.swap.deviceOf(slot)?.read(slot, bytes);
  return bytes;
}
