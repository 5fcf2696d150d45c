/** Maps and address spaces. `struct vm_map` and `struct vmspace`, sys/uvm/uvm_map.h. */
import { GapTree } from '../../kern/gap-tree.js';
import type { Lwp } from '../../kern/lwp.js';
import type { Mutex } from '../../kern/mutex.js';
import type { RwLock } from '../../kern/rwlock.js';
import type { CondVar } from '../../kern/sleepq.js';
import type { Stateful, StateWriter } from '../../kern/state.js';
import type { Va } from '../../machine/address.js';
import type { Pmap } from '../../machine/pmap.js';
import type { VmSpace } from '../../vm/system.js';
import { headerEntry, type MapEntry } from './map-entry.js';

/** Entries may be wired and unwired, and faulted on: everything but the kernel's own. */
export const VM_MAP_PAGEABLE = 0x01;
/** What is mapped from now on is wired at once: `mlockall(MCL_FUTURE)`. */
export const VM_MAP_WIREFUTURE = 0x04;
/** It is being torn down. */
export const VM_MAP_DYING = 0x20;
/** Addresses are given out from the top. */
export const VM_MAP_TOPDOWN = 0x40;
/** Someone waits for addresses. */
export const VM_MAP_WANTVA = 0x100;

/** A map: which addresses mean what. */
export class VmMap implements Stateful {
  /** Unique among maps, never reused. */
  readonly id: number;
  readonly pmap: Pmap;
  readonly lock: RwLock;
  readonly miscLock: Mutex;
  /** Waited on for `busy` to end and for addresses. With `miscLock`. */
  readonly cv: CondVar;
  readonly tree: GapTree<MapEntry>;
  readonly header: MapEntry;
  /** `VM_MAP_*` */
  flags: number;
  /** Bytes mapped. */
  size = 0;
  /** References. */
  references = 1;
  /** The entry looked up last, or the header. Changed by readers too. */
  hint: MapEntry;
  /** The address looked up last. No state: it only says whether the hint is worth a look. */
  lookedUp = 0;
  /** The entry before the lowest gap, or the header. */
  firstFree: MapEntry;
  /** How often it was locked for writing. */
  timestamp = 0;
  /** Who has it busy. */
  busy: Lwp | null = null;

  constructor(id: number, parts: { pmap: Pmap; lock: RwLock; miscLock: Mutex; cv: CondVar; min: Va; max: Va; flags: number }) {
    this.id = id;
    this.pmap = parts.pmap;
    this.lock = parts.lock;
    this.miscLock = parts.miscLock;
    this.cv = parts.cv;
    this.flags = parts.flags;
    this.tree = new GapTree<MapEntry>(parts.min, parts.max);
    this.header = headerEntry(parts.min, parts.max);
    this.hint = this.header;
    this.firstFree = this.header;
  }

  get min(): Va {
    return this.header.end;
  }

  get max(): Va {
    return this.header.start;
  }

  /** Number of entries. `nentries`. */
  get entryCount(): number {
    return this.tree.size;
  }

  /** @param told.generations whether anybody may remember how often it was locked */
  writeState(writer: StateWriter, told: { generations: boolean } = { generations: true }): void {
    writer.reference('pmap', this.pmap);
    writer.field('flags', this.flags);
    writer.field('size', this.size);
    writer.field('references', this.references);
    if (told.generations) writer.field('timestamp', this.timestamp);
    writer.field('firstFree', this.firstFree.start);
    writer.reference('busy', this.busy);
    writer.thing('lock', this.lock);
    writer.thing('miscLock', this.miscLock);
    writer.thing('cv', this.cv);
    writer.known(this.header);
    let hintIsKnown = this.hint === this.header;
    for (let entry = this.header.next; entry !== this.header; entry = entry.next) {
      writer.told('entry', entry, tellEntry);
      if (entry === this.hint) hintIsKnown = true;
    }
    // Where the hint points makes no difference to what a lookup finds, as long as it points into the map.
    writer.field('hintIsKnown', hintIsKnown);
  }

  /** The entries in order of address. */
  entries(): MapEntry[] {
    const listed: MapEntry[] = [];
    for (let entry = this.header.next; entry !== this.header; entry = entry.next) listed.push(entry);
    return listed;
  }
}

/** An address space: a map and who shares it. `struct vmspace`. */
export class Vmspace implements VmSpace, Stateful {
  readonly id: number;
  readonly map: VmMap;
  /** Processes that share it. */
  references = 1;

  constructor(id: number, map: VmMap) {
    this.id = id;
    this.map = map;
  }

  writeState(writer: StateWriter): void {
    writer.reference('map', this.map);
    writer.field('references', this.references);
  }

  get label(): string {
    return `vmspace ${this.id}`;
  }

  get pmap(): Pmap {
    return this.map.pmap;
  }

  get min(): Va {
    return this.map.min;
  }

  get max(): Va {
    return this.map.max;
  }

  get size(): number {
    return this.map.size;
  }

  get topdown(): boolean {
    return (this.map.flags & VM_MAP_TOPDOWN) !== 0;
  }
}

/** Reduces a range to what lies within the map; one that is reversed becomes empty, at its end. `VM_MAP_RANGE_CHECK()`. */
export function vmMapRangeCheck(map: VmMap, start: Va, end: Va): { start: Va; end: Va } {
  const low = start < map.min ? map.min : start;
  const high = end > map.max ? map.max : end;
  return low > high ? { start: high, end: high } : { start: low, end: high };
}

function tellEntry(entry: MapEntry, writer: StateWriter): void {
  entry.writeFields(writer);
}
