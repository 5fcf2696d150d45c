/** How a mapping is asked for. `UVM_MAPFLAG()` and its parts, sys/uvm/uvm_extern.h. */

import type { Va } from '../../machine/address.js';
import { PROT_ALL, type Protection } from '../../machine/protection.js';
import { MADV_NORMAL, MAP_INHERIT_COPY } from '../../vm/mman.js';
import type { UvmObject } from '../object/object.js';
import type { Advice, Inheritance } from './map-entry.js';

/** At the address given, or not at all. */
export const UVM_FLAG_FIXED = 0x010000;
/** With an amap from the start: anonymous memory that is shared, not copied. */
export const UVM_FLAG_OVERLAY = 0x020000;
/** As an entry of its own. */
export const UVM_FLAG_NOMERGE = 0x040000;
/** Writes are private. */
export const UVM_FLAG_COPYONW = 0x080000;
/** With room for the amap to grow: for bss. */
export const UVM_FLAG_AMAPPAD = 0x100000;
/** Fails with EAGAIN when the map is locked. */
export const UVM_FLAG_TRYLOCK = 0x200000;
/** Does not sleep for memory. */
export const UVM_FLAG_NOWAIT = 0x400000;
/** Waits until there are addresses. */
export const UVM_FLAG_WAITVA = 0x800000;
/** Replaces what is mapped there, under one hold of the lock. Wants `UVM_FLAG_FIXED`, excludes `UVM_FLAG_NOWAIT`. */
export const UVM_FLAG_UNMAP = 0x2000000;

/** A mapping that is asked for. */
export interface MapArguments {
  /** Where to, or near which address. */
  readonly hint: Va;
  /** Bytes; whole pages. */
  readonly size: number;
  /** The lower layer; the caller's reference goes to the map when the call succeeds. */
  readonly object: UvmObject | null;
  /** Offset in the object, in bytes. */
  readonly offset: number;
  /** What the address is to be a multiple of, 0 for any page. */
  readonly align: number;
  readonly protection: Protection;
  readonly maxProtection: Protection;
  readonly inheritance: Inheritance;
  readonly advice: Advice;
  /** `UVM_FLAG_*` */
  readonly flags: number;
}

/** What a mapping is like when nothing else is said. */
export const DEFAULT_ARGUMENTS: Omit<MapArguments, 'hint' | 'size'> = {
  object: null,
  offset: 0,
  align: 0,
  protection: PROT_ALL,
  maxProtection: PROT_ALL,
  inheritance: MAP_INHERIT_COPY,
  advice: MADV_NORMAL,
  flags: 0,
};
