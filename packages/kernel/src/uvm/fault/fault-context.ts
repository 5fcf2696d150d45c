/** What a fault knows while it is being resolved. `struct uvm_faultinfo` and `struct uvm_faultctx`, sys/uvm/uvm_fault.c. */
import type { Va } from '../../machine/address.js';
import { PROT_NONE, type Protection } from '../../machine/protection.js';
import type { Anon } from '../anon/anon.js';
import type { MapEntry } from '../map/map-entry.js';
import type { VmMap } from '../map/vm-map.js';
import type { PageSlot } from '../object/object.js';
import type { TransientWiring } from '../transfer/transient-wiring.js';

/** Pages around the faulting one that are mapped along with it if they are in memory: behind it, and ahead. */
export interface Window {
  readonly back: number;
  readonly ahead: number;
}

/** The most pages that one fault looks at. */
export const UVM_MAXRANGE = 16;

/** The window for each advice: normal, random, sequential. `uvmadvice[]` */
export const WINDOWS: readonly [normal: Window, random: Window, sequential: Window] = [
  { back: 3, ahead: 4 },
  { back: 0, ahead: 0 },
  { back: 8, ahead: 7 },
];

/** Which kind of fault it is. */
export interface FaultFlags {
  /** `UVM_FAULT_WIRE`: the page is to be wired. */
  readonly wire: boolean;
  /** `UVM_FAULT_MAXPROT`: the access is measured against the most that the entry may ever allow. */
  readonly maxProtection: boolean;
  /** Where a wiring for the time being is taken down. */
  readonly vslock?: TransientWiring | undefined;
}

/** A fault. */
export class FaultContext {
  /** The map in which the address was used, the page's address, and what for. */
  readonly originalMap: VmMap;
  readonly va: Va;
  readonly flags: FaultFlags;

  /** The map that has the entry: the original one, or a submap of it. */
  map: VmMap;
  /** Its timestamp when the entry was looked up. */
  mapVersion = 0;
  entry: MapEntry;

  access: Protection;
  /** First page of the window. */
  startVa: Va;
  /** Pages in the window. */
  pages = 1;
  /** Which of them has the fault. */
  center = 0;
  /** Whether the window has been used up: it is tried once only. */
  narrow: boolean;
  /** Whether the mapping is entered as wired. */
  wireMapping: boolean;
  /** Whether the page is wired. */
  readonly wirePaging: boolean;
  /** Whether copy-on-write is to be resolved now. */
  cowNow = false;
  /** What the mapping will allow. */
  enterProtection: Protection = PROT_NONE;
  /** An anon that was made in an earlier try and not used. */
  spareAnon: Anon | null = null;
  /** The anons of the window, null where there is none. */
  readonly anons: (Anon | null)[] = [];
  /** The object's pages of the window; nothing when there is no object. */
  readonly slots: PageSlot[] = [];

  constructor(map: VmMap, va: Va, access: Protection, flags: FaultFlags) {
    this.originalMap = map;
    this.va = va;
    this.flags = flags;
    this.map = map;
    this.entry = map.header;
    this.access = access;
    this.startVa = va;
    this.narrow = flags.wire;
    this.wireMapping = flags.wire;
    this.wirePaging = flags.wire;
  }

  /** Where in the entry the page lies, in bytes. */
  get offsetInEntry(): number {
    return this.va - this.entry.start;
  }
}
