/** What the kernel has for a process, looked at from outside: no fault, no mapping, nothing changes. */
import type { NetbsdSystem, Process } from '../../src/index.js';
import { asOffset, asVa } from '../../src/machine/address.js';
import type { MapEntry } from '../../src/uvm/map-entry.js';
import type { Vmspace } from '../../src/uvm/vm-map.js';
import { PAGE } from './plain-memory.js';

/** The entries of a process's map, in order of address. */
export function entriesOf(process: Process): MapEntry[] {
  return (process.space as Vmspace).map.entries();
}

/** The entry that the kernel has at an address. */
export function entryAt(process: Process, address: number): MapEntry | null {
  return entriesOf(process).find((entry) => entry.contains(asVa(address))) ?? null;
}

/** The bytes that the kernel's upper layer has for a page, null when there are none. */
export function anonBytes(system: NetbsdSystem, process: Process, address: number): Uint8Array | null {
  const entry = entryAt(process, address);
  const anon = entry?.amap?.at(entry.amapOffset + Math.floor((address - entry.start) / PAGE)) ?? null;
  return anon === null ? null : system.machine.ram.page(anon.page);
}

/** The bytes of a page as the kernel has them, null beyond the end of a file. */
export function peek(system: NetbsdSystem, process: Process, address: number): Uint8Array | null {
  const own = anonBytes(system, process, address);
  const entry = entryAt(process, address);
  if (own !== null || entry === null) return own;
  const vnode = entry.object === null ? null : [...system.sys.vfs.entries()].find(([, { id }]) => id === entry.object?.id)?.[1];
  if (entry.object === null || vnode == null) return new Uint8Array(PAGE);
  const offset = asOffset(entry.offset + address - (address % PAGE) - entry.start);
  if (offset >= vnode.size) return null;
  const frame = entry.object.lookup(offset);
  if (frame >= 0) return system.machine.ram.page(frame);
  const bytes = new Uint8Array(PAGE);
  vnode.store.read(offset, bytes);
  return bytes;
}
