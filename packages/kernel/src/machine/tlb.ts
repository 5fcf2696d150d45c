/**
 * A translation lookaside buffer, direct-mapped by the low bits of the page number.
 *
 *     slot = page number & (SLOTS - 1)
 *
 *     readTag[slot]    address of the page whose loads hit here, -1 for none
 *     writeTag[slot]   address of the page whose stores hit here, -1 for none
 *     execTag[slot]    address of the page whose instructions can be fetched from here, -1 for none
 *     pfn[slot]        the frame; its table entry has the accessed bit, and for writeTag the modified bit, already set
 *
 * A store hits only once the modified bit of the table entry is set, so that a hit has nothing to record.
 */
import type { Stateful, StateWriter } from '../kern/state.js';
import { asPfn, asVa, PAGE_SHIFT, type Pfn, type Va } from './address.js';

/** Number of slots. */
export const TLB_SLOTS = 256;

/** The slot of an address. Low bits suffice, so 32-bit arithmetic does. */
export function tlbSlot(va: number): number {
  return (va >>> PAGE_SHIFT) & (TLB_SLOTS - 1);
}

/** A translation that a processor still holds. */
export interface Translation {
  readonly va: Va;
  readonly pfn: Pfn;
  readonly writable: boolean;
  /** Whether instructions can be fetched; absent when not. */
  readonly executable?: true;
}

/** What a translation is good for, besides loads. */
export interface TranslationUses {
  readonly writable: boolean;
  /** Default false. */
  readonly executable?: boolean;
}

/** The TLB of one processor. */
export class Tlb implements Stateful {
  readonly readTag = new Float64Array(TLB_SLOTS).fill(-1);
  readonly writeTag = new Float64Array(TLB_SLOTS).fill(-1);
  readonly execTag = new Float64Array(TLB_SLOTS).fill(-1);
  readonly pfn = new Int32Array(TLB_SLOTS);

  /** Enters a translation for loads, and for what else it is good for. `page` is the address of the page. */
  fill(page: Va, pfn: Pfn, { writable, executable }: TranslationUses): void {
    const slot = tlbSlot(page);
    this.readTag[slot] = page;
    this.writeTag[slot] = writable ? page : -1;
    this.execTag[slot] = executable === true ? page : -1;
    this.pfn[slot] = pfn;
  }

  /** Forgets a page. */
  invalidate(page: Va): void {
    const slot = tlbSlot(page);
    if (this.readTag[slot] !== page) return;
    this.readTag[slot] = -1;
    this.writeTag[slot] = -1;
    this.execTag[slot] = -1;
  }

  /** Forgets everything. */
  flush(): void {
    this.readTag.fill(-1);
    this.writeTag.fill(-1);
    this.execTag.fill(-1);
  }

  /** Tells what it holds: a translation that is right today may be the stale one of tomorrow. */
  writeState(writer: StateWriter): void {
    for (let slot = 0; slot < TLB_SLOTS; slot++) {
      const va = this.readTag[slot] as number;
      if (va < 0) continue;
      writer.field('translation', va);
      writer.frame('frame', this.pfn[slot] as number);
      writer.field('writable', this.writeTag[slot] === va);
      if (this.execTag[slot] === va) writer.field('executable', true);
    }
  }

  /** Everything it holds, by slot. */
  translations(): Translation[] {
    const held: Translation[] = [];
    for (let slot = 0; slot < TLB_SLOTS; slot++) {
      const va = this.readTag[slot] as number;
      if (va >= 0) {
        held.push({
          va: asVa(va),
          pfn: asPfn(this.pfn[slot] as number),
          writable: this.writeTag[slot] === va,
          ...(this.execTag[slot] === va && { executable: true }),
        });
      }
    }
    return held;
  }
}
