/**
 * Map entries: one range of addresses with one meaning. `struct vm_map_entry`, sys/uvm/uvm_map.h.
 *
 *     start ─────────────────────────── end           half open, page aligned, never empty
 *       │   upper layer: amap[amapOffset …]           anonymous pages: what was written, or copied on write
 *       │   lower layer: object[offset …]             what is read where the upper layer has nothing
 *
 * All fields are protected by the map's lock.
 */
import { NO_LEAF, type Ranged } from '../../kern/gap-tree.js';
import type { Stateful, StateWriter } from '../../kern/state.js';
import { asOffset, asVa, type ByteOffset, type Va } from '../../machine/address.js';
import { PROT_ALL, PROT_NONE, type Protection } from '../../machine/protection.js';
import { MADV_NORMAL, MAP_INHERIT_COPY } from '../../vm/mman.js';
import type { Amap } from '../anon/amap.js';
import type { UvmObject } from '../object/object.js';
import type { VmMap } from './vm-map.js';

/** What a child gets at fork: a `MAP_INHERIT_*` code of `minherit(2)`. */
export type Inheritance = 0 | 1 | 2 | 4;

/** How the range will be used: `MADV_NORMAL`, `MADV_RANDOM` or `MADV_SEQUENTIAL` of `madvise(2)`. */
export type Advice = 0 | 1 | 2;

/** Never merged with a neighbour. */
export const UVM_MAP_NOMERGE = 8;

/** An entry of a map. The map's header is one too: it stands before the first entry and behind the last. */
export class MapEntry implements Ranged, Stateful {
  /** Unique among entries, never reused. */
  readonly id: number;
  /** Where it stands in the map's tree; the tree's business. */
  leaf = NO_LEAF;
  prev: MapEntry = this;
  next: MapEntry = this;

  start: Va;
  end: Va;
  /** The lower layer, null for none. */
  object: UvmObject | null = null;
  /** The map that takes over in this range, null for none. */
  submap: VmMap | null = null;
  /** Where in the object the range begins; 0 when there is no object. */
  offset: ByteOffset = asOffset(0);
  /** `UVM_ET_COPYONWRITE`: writes go to the upper layer. */
  copyOnWrite = false;
  /** `UVM_ET_NEEDSCOPY`: the upper layer is missing or shared, and must be made its own before a write. Implies `copyOnWrite`. */
  needsCopy = false;
  protection: Protection = PROT_NONE;
  maxProtection: Protection = PROT_ALL;
  inheritance: Inheritance = MAP_INHERIT_COPY;
  /** 0 not wired, 1 being wired, 2 and more wired. */
  wiredCount = 0;
  /** The upper layer, null for none. */
  amap: Amap | null = null;
  /** Where in the amap the range begins, in slots. */
  amapOffset = 0;
  advice: Advice = MADV_NORMAL;
  /** `UVM_MAP_NOMERGE` or 0. */
  flags = 0;

  constructor(id: number, start: Va, end: Va) {
    this.id = id;
    this.start = start;
    this.end = end;
  }

  /** Bytes it covers. */
  get size(): number {
    return this.end - this.start;
  }

  /** Whether an address lies in it. */
  contains(va: Va): boolean {
    return va >= this.start && va < this.end;
  }

  /** Tells its state as that of an entry which stands in no map any more: with where it would lead. */
  writeState(writer: StateWriter): void {
    this.writeFields(writer);
    writer.value('prev', this.prev);
    writer.value('next', this.next);
  }

  /** Tells its fields; its place in the list is the map's to tell. */
  writeFields(writer: StateWriter): void {
    writer.field('start', this.start);
    writer.field('end', this.end);
    writer.reference('object', this.object);
    writer.field('offset', this.offset);
    writer.reference('submap', this.submap);
    writer.field('copyOnWrite', this.copyOnWrite);
    writer.field('needsCopy', this.needsCopy);
    writer.field('protection', this.protection);
    writer.field('maxProtection', this.maxProtection);
    writer.field('inheritance', this.inheritance);
    writer.field('wiredCount', this.wiredCount);
    writer.reference('amap', this.amap);
    writer.field('amapOffset', this.amapOffset);
    writer.field('advice', this.advice);
    writer.field('flags', this.flags);
  }

  /** Takes over everything but place and identity, `flags` excepted. `uvm_mapent_copy()`. */
  copyFrom(other: MapEntry): void {
    this.start = other.start;
    this.end = other.end;
    this.object = other.object;
    this.submap = other.submap;
    this.offset = other.offset;
    this.copyOnWrite = other.copyOnWrite;
    this.needsCopy = other.needsCopy;
    this.protection = other.protection;
    this.maxProtection = other.maxProtection;
    this.inheritance = other.inheritance;
    this.wiredCount = other.wiredCount;
    this.amap = other.amap;
    this.amapOffset = other.amapOffset;
    this.advice = other.advice;
  }
}

/** What a new mapping is like, or an old one, for telling whether the two can be one entry. */
export interface MappingKind {
  readonly object: UvmObject | null;
  readonly copyOnWrite: boolean;
  readonly needsCopy: boolean;
  readonly protection: Protection;
  readonly maxProtection: Protection;
  readonly inheritance: Inheritance;
  readonly advice: Advice;
}

/** Whether an entry is of this kind and wired as often. `UVM_ET_ISCOMPATIBLE()`. Says nothing of offsets and amaps. */
export function isCompatible(entry: MapEntry, kind: MappingKind, wiredCount: number): boolean {
  return (
    entry.submap === null &&
    entry.object === kind.object &&
    entry.copyOnWrite === kind.copyOnWrite &&
    entry.needsCopy === kind.needsCopy &&
    entry.protection === kind.protection &&
    entry.maxProtection === kind.maxProtection &&
    entry.inheritance === kind.inheritance &&
    entry.advice === kind.advice &&
    entry.wiredCount === wiredCount &&
    (entry.flags & UVM_MAP_NOMERGE) === 0
  );
}

/** The header of a map: `end` is the map's minimum and `start` its maximum, so that the arithmetic of gaps works at both ends. */
export function headerEntry(min: Va, max: Va): MapEntry {
  return new MapEntry(0, asVa(max), asVa(min));
}
