/** What an address means, for debuggers. */
import type { Pfn } from '../machine/address.js';
import type { Protection } from '../machine/protection.js';
import type { MappingDescription } from './system.js';

/** What the page table says of a page. */
export interface PageTableEntry {
  readonly frame: Pfn;
  /** The physical address of the byte that was asked about. */
  readonly physical: number;
  /** What a processor lets through without a fault; less than the mapping allows, often. */
  readonly protection: Protection;
  readonly wired: boolean;
  readonly referenced: boolean;
  readonly modified: boolean;
}

/**
 * Where a load would find its bytes.
 *
 *     unmapped   nowhere: it would be SIGSEGV
 *     zeros      nowhere yet: they would be made
 *     memory     in a page frame; in the space's own memory (`upper`), or in what is mapped there (`lower`)
 *     swap       on swap, in a slot
 *     lost       on swap, where they could not be read: it would be SIGBUS
 *     file       in a file, at an offset, in bytes
 *     beyond     nowhere: the file ends before; it would be SIGBUS
 *     device     in a device
 */
export type AddressContent =
  | { readonly kind: 'unmapped' | 'zeros' }
  | { readonly kind: 'memory'; readonly layer: 'upper' | 'lower'; readonly frame: Pfn }
  | { readonly kind: 'swap'; readonly layer: 'upper' | 'lower'; readonly slot: number }
  | { readonly kind: 'lost'; readonly layer: 'upper' | 'lower' }
  | { readonly kind: 'file'; readonly name: string; readonly offset: number }
  | { readonly kind: 'beyond'; readonly name: string; readonly size: number }
  | { readonly kind: 'device'; readonly name: string; readonly offset: number; readonly frame: Pfn | null };

/** What an address means. */
export interface AddressDescription {
  readonly address: number;
  /** The mapping that it lies in, null for none. */
  readonly mapping: MappingDescription | null;
  /** What the page table says, null for nothing: a fault would have to say more. */
  readonly translation: PageTableEntry | null;
  readonly content: AddressContent;
}
