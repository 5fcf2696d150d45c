/** What UVM puts into the event log. Addresses in bytes, pages as frame numbers, maps by their number. */
import type { Errno } from '../kern/errno.js';
import type { Pfn, Va } from '../machine/address.js';
import type { Protection } from '../machine/protection.js';
import type { MapEntry } from './map/map-entry.js';

/** Which layers a fault used; the names of the cases are those of sys/uvm/uvm_fault.c. */
export type FaultCase = '1A' | '1B' | '2A' | '2B';

/** A range of addresses. */
export interface EventRange {
  readonly start: Va;
  readonly end: Va;
}

/** An entry as it was at that moment. */
export interface EntrySnapshot extends EventRange {
  readonly wiredCount: number;
}

export type UvmEvent =
  /** An entry was split in two, or was not because the address does not lie strictly inside. */
  | {
      readonly kind: 'clip';
      readonly map: number;
      readonly edge: 'start' | 'end';
      readonly at: Va;
      readonly entry: EntrySnapshot;
      readonly split: readonly [EntrySnapshot, EntrySnapshot] | null;
    }
  | {
      readonly kind: 'map';
      readonly map: number;
      readonly range: EventRange;
      readonly merged: 'no' | 'back' | 'forward' | 'both';
    }
  | { readonly kind: 'unmap'; readonly map: number; readonly range: EventRange }
  | { readonly kind: 'protect'; readonly map: number; readonly range: EventRange; readonly protection: Protection }
  /** The walk of `uvm_map_pageable`. */
  | {
      readonly kind: 'wire';
      readonly map: number;
      readonly range: EventRange;
      readonly direction: 'wire' | 'unwire';
      readonly step: WireStep;
    }
  | { readonly kind: 'page-wire'; readonly page: Pfn; readonly count: number }
  | { readonly kind: 'page-unwire'; readonly page: Pfn; readonly count: number }
  | { readonly kind: 'page-free'; readonly page: Pfn }
  /** A page was lent once more, or a loan of it has ended: `count` is how often it is on loan now. */
  | { readonly kind: 'loan' | 'unloan'; readonly page: Pfn; readonly count: number }
  /** Whoever owns a page on loan has another one from now on, so as to store to it. The old one may be an orphan now. */
  | { readonly kind: 'loan-break'; readonly page: Pfn; readonly by: Pfn; readonly loans: number; readonly wirings: number }
  /** Its owner has freed a page that is on loan: it lives on until the last loan ends. */
  | { readonly kind: 'page-orphan'; readonly page: Pfn; readonly loans: number }
  | {
      readonly kind: 'fault';
      readonly map: number;
      readonly va: Va;
      readonly access: Protection;
      readonly wire: boolean;
    }
  | { readonly kind: 'fault-resolved'; readonly va: Va; readonly case: FaultCase; readonly page: Pfn; readonly from: Pfn | null }
  | { readonly kind: 'fault-device'; readonly va: Va; readonly frame: Pfn; readonly device: string }
  | { readonly kind: 'fault-failed'; readonly va: Va; readonly errno: Errno }
  | { readonly kind: 'fault-restart'; readonly va: Va; readonly why: string }
  | { readonly kind: 'pagein'; readonly object: number; readonly offset: number; readonly pages: number; readonly errno: Errno }
  | { readonly kind: 'pageout'; readonly object: number; readonly offset: number; readonly pages: number; readonly errno: Errno }
  /** A page came in from a slot of swap, or could not. */
  | { readonly kind: 'swap-in'; readonly page: Pfn; readonly slot: number; readonly errno: Errno }
  /** Pages were written to slots that lie one behind the other, or could not be. */
  | { readonly kind: 'swap-out'; readonly slot: number; readonly pages: number; readonly errno: Errno }
  /** The page daemon has looked for pages to free: what it has freed, what is being written, what is free now. */
  | { readonly kind: 'scan'; readonly freed: number; readonly paging: number; readonly free: number }
  /** A thread is told that there is no memory, and none is to be waited for. */
  | { readonly kind: 'no-memory'; readonly why: WhyNoMemory }
  | { readonly kind: 'truncate'; readonly object: number; readonly from: number; readonly to: number };

/** Why waiting for memory cannot help. */
export type WhyNoMemory =
  | 'swap is full, and there are too few pages of files'
  | 'the page daemon has found no page to free'
  | 'what it frees is never enough';

/** One step of the walk of `uvm_map_pageable`, in the order in which they happen. */
export type WireStep =
  /** The entry that holds the start of the range; null when there is none. */
  | { readonly name: 'lookup'; readonly entry: EntrySnapshot | null }
  /** Both ends are the same: there is nothing to do. */
  | { readonly name: 'empty' }
  /** Pass 1 raised the entry's count. */
  | { readonly name: 'count'; readonly entry: EntrySnapshot; readonly before: number }
  /** A pass ends: the entry it stands at is not before the end of the range; `rounds` is how often its body ran. */
  | { readonly name: 'pass-end'; readonly pass: 1 | 2; readonly rounds: number; readonly at: EntrySnapshot | null }
  /** Pass 2 leaves an entry alone, since it was wired before. */
  | { readonly name: 'skip'; readonly entry: EntrySnapshot }
  /** Pass 2 faults an entry's pages in. */
  | { readonly name: 'fault-in'; readonly entry: EntrySnapshot }
  /** An entry's wirings are undone. */
  | { readonly name: 'unwire'; readonly entry: EntrySnapshot }
  /** The call gives up and undoes what it did. */
  | { readonly name: 'backout'; readonly errno: Errno; readonly why: string }
  | { readonly name: 'return'; readonly errno: Errno };

/** An entry at this moment, for the log. */
export function snapshot(entry: MapEntry): EntrySnapshot {
  return { start: entry.start, end: entry.end, wiredCount: entry.wiredCount };
}
