/**
 * Anonymous maps: which anon stands at which page of a piece of anonymous memory. sys/uvm/uvm_amap.c.
 *
 *        entry.amap, entry.amapOffset (in slots)
 *              │
 *              v          slot  0    1    2    3    4
 *            Amap   anons      [A]  [ ]  [B]  [ ]  [A']
 *                   used       [0,  2,  4]              slots in use, in no order
 *                   backPointer 0    .   1    .   2     where a slot stands in `used`
 *                   partial     runs of slots with their own reference count, once references cover only parts
 *
 * Several entries may refer to one amap (`references`), each to a part of it; then `partial` counts the references of each slot,
 * so that the anons of a part nobody refers to any more can go. An amap has no memory for slots that were never used, so a huge
 * mapping costs nothing until it is touched.
 */
import type { Mutex } from '../../kern/mutex.js';
import type { Stateful, StateWriter } from '../../kern/state.js';
import type { Anon } from './anon.js';
import { PartialReferences } from './partial-references.js';

/** References to the amap share its memory instead of copying it on write. */
export const AMAP_SHARED = 1;
/** A call refers to the whole amap, whatever the entry covers. */
export const AMAP_REFALL = 2;
/** Its pages are being brought in from swap: whoever drops the last reference leaves it to whoever does that. */
export const AMAP_SWAPOFF = 4;

/** `amapCopy`: do not sleep for memory; the entry still needs a copy on return if there was none. */
export const AMAP_COPY_NOWAIT = 2;
/** `amapCopy`: make one amap for the whole entry, however large. */
export const AMAP_COPY_NOCHUNK = 4;
/** `amapCopy`: do not extend a neighbour's amap instead. */
export const AMAP_COPY_NOMERGE = 8;

/** Amaps of so many slots are made in chunks where that is possible, and are not extended. */
export const UVM_AMAP_LARGE = 256;
/** Slots in a chunk. */
export const UVM_AMAP_CHUNK = 16;

/** An anonymous map. */
export class Amap implements Stateful {
  /** Unique among amaps, never reused. */
  readonly id: number;
  /** Protects everything below, and the anons. Amaps that have anons in common have the same lock. */
  lock: Mutex;
  /** Map entries that refer to it. `am_ref`. */
  references = 1;
  /** `AMAP_SHARED`, `AMAP_SWAPOFF` */
  flags = 0;
  /** Slots that there is room for. `am_maxslot`. */
  maxSlots: number;
  /** Slots that may be used. `am_nslot`. */
  slots: number;
  /** The slots in use, in no order. `am_slots`, `am_nused`. */
  readonly used: number[] = [];
  /** For each slot in use, its place in `used`. `am_bckptr`. Holes elsewhere. */
  backPointer: number[] = [];
  /** For each slot in use, its anon. `am_anon`. Holes elsewhere. */
  anons: (Anon | undefined)[] = [];
  /** References of each slot, null while all references cover all slots. `am_ppref`. */
  partial: PartialReferences | null = null;

  constructor(id: number, lock: Mutex, room: { slots: number; padding: number }) {
    this.id = id;
    this.lock = lock;
    this.slots = room.slots;
    // Room comes in fours, as the allocator rounds it.
    this.maxSlots = Math.ceil((room.slots + room.padding) / 4) * 4;
  }

  writeState(writer: StateWriter): void {
    writer.field('references', this.references);
    writer.field('flags', this.flags);
    writer.field('slots', this.slots);
    writer.field('maxSlots', this.maxSlots);
    writer.thing('lock', this.lock);
    // In this order they are freed, so it decides which page is the next that somebody gets.
    for (const slot of this.used) {
      writer.field('slot', slot);
      const anon = this.at(slot);
      if (anon !== null) writer.thing('anon', anon);
    }
    writer.field('partial', this.partial !== null);
    for (const { slots, references } of this.partial?.runs ?? []) {
      writer.field('slots', slots);
      writer.field('references', references);
    }
  }

  /** The anon at a slot, null for none. */
  at(slot: number): Anon | null {
    return this.anons[slot] ?? null;
  }

  /** Puts an anon into an empty slot. */
  put(slot: number, anon: Anon): void {
    this.backPointer[slot] = this.used.length;
    this.used.push(slot);
    this.anons[slot] = anon;
  }

  /** Empties a slot; the last slot of `used` takes its place there. */
  remove(slot: number): void {
    const place = this.backPointer[slot] as number;
    const last = this.used.pop() as number;
    if (last !== slot) {
      this.used[place] = last;
      this.backPointer[last] = place;
    }
    this.anons[slot] = undefined;
  }

  /** The slots in use within [from, to), found by whichever way is shorter. Ascending. */
  usedWithin(from: number, to: number): number[] {
    const within: number[] = [];
    if (to - from < this.used.length) {
      for (let slot = from; slot < to; slot++) if (this.anons[slot] !== undefined) within.push(slot);
      return within;
    }
    for (const slot of this.used) if (slot >= from && slot < to) within.push(slot);
    return within.sort((a, b) => a - b);
  }

  /** Counts the references slot by slot from now on. `amap_pp_establish()`. */
  establishPartial(from: number): PartialReferences {
    this.partial ??= new PartialReferences([
      { slots: from, references: 0 },
      { slots: this.slots - from, references: this.references },
    ]);
    return this.partial;
  }
}
