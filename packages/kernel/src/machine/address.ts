/**
 * Addresses and page arithmetic (decision D4). Addresses are plain numbers below 2^53, told apart by their type.
 *
 * `x & 4095` is exact for any whole number, negative ones included; `x >>> 12` is not above 2^32, so page numbers are made by
 * division.
 */
import { BUILD } from '../kern/build.js';

declare const unit: unique symbol;
type Branded<Unit extends string> = number & { readonly [unit]: Unit };

/** A virtual address, in bytes. */
export type Va = Branded<'Va'>;
/** A physical address, in bytes. */
export type Pa = Branded<'Pa'>;
/** A page frame number: physical address / `PAGE_SIZE`. */
export type Pfn = Branded<'Pfn'>;
/** An offset in a file or memory object, in bytes. */
export type ByteOffset = Branded<'ByteOffset'>;

export const PAGE_SHIFT = 12;
/** Bytes in a page. */
export const PAGE_SIZE = 4096;
export const PAGE_MASK = 4095;

/**
 * The first frame of RAM.
 *
 * In the watched build RAM begins far up, so that a number in a variable can be known for a frame: nothing else is about so large, and
 * of the first 4,095 frames none has a number that is a page boundary.
 */
export const FIRST_FRAME = (BUILD === 'watched' ? 0x5a3001 : 0) as Pfn;

export const asVa = (value: number): Va => value as Va;
export const asPa = (value: number): Pa => value as Pa;
export const asPfn = (value: number): Pfn => value as Pfn;
export const asOffset = (value: number): ByteOffset => value as ByteOffset;

/** The address of the page that holds this one. `trunc_page()`. */
export function truncPage<T extends number>(address: T): T {
  return (address - (address & PAGE_MASK)) as T;
}

/** The first page boundary at or above this address. `round_page()`. */
export function roundPage<T extends number>(address: T): T {
  return truncPage((address + PAGE_MASK) as T);
}

/** Whole pages in so many bytes. `atop()`. */
export function atop(bytes: number): number {
  return Math.floor(bytes / PAGE_SIZE);
}

/** Bytes in so many pages. `ptoa()`. */
export function ptoa(pages: number): number {
  return pages * PAGE_SIZE;
}

/** The address of a frame. */
export function pfnToPa(pfn: Pfn): Pa {
  return asPa(pfn * PAGE_SIZE);
}

/** The frame of an address. */
export function paToPfn(pa: Pa): Pfn {
  return asPfn(Math.floor(pa / PAGE_SIZE));
}

/** A number as the kernel prints addresses: `0x7f7ff7ed6000`. */
export function hex(value: number): string {
  return value < 0 ? `-0x${(-value).toString(16)}` : `0x${value.toString(16)}`;
}
