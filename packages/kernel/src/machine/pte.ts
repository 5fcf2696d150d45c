/**
 * Page-table entries: one unsigned 32-bit word each.
 *
 *     31                          8 7 6 5 4 3 2 1 0
 *    +-----------------------------+-+-+-+-+-+-----+
 *    |  page frame number (24 bit) |D|A|M|W|V| xwr |
 *    +-----------------------------+-+-+-+-+-+-----+
 *     xwr  protection: bit 0 read, bit 1 write, bit 2 execute
 *     V    valid; an entry that is not valid is 0
 *     W    wired (software)
 *     M    managed: the reverse map knows of it (software)
 *     A    accessed, set by the processor
 *     D    dirty, set by the processor at the first store
 *
 *    read frame    pte >>> PTE_FRAME_SHIFT
 *    read prot     pte & PTE_PROT
 *    write prot    (pte & ~PTE_PROT) | prot
 *    make          makePte(pfn, prot, flags)
 */
import { asPfn, type Pfn } from './address.js';
import type { Protection } from './protection.js';

/** A page-table entry. */
export type Pte = number;

export const PTE_PROT = 0x07;
export const PTE_VALID = 0x08;
export const PTE_WIRED = 0x10;
export const PTE_MANAGED = 0x20;
export const PTE_ACCESSED = 0x40;
export const PTE_DIRTY = 0x80;
/** All but the frame. */
export const PTE_BITS = 0xff;
export const PTE_FRAME_SHIFT = 8;

/** Frames that an entry can name, of RAM and of devices together. */
export const MAX_FRAMES = 2 ** 24;

export function makePte(pfn: Pfn, protection: Protection, flags: number): Pte {
  return ((pfn << PTE_FRAME_SHIFT) | PTE_VALID | protection | flags) >>> 0;
}

export function pteFrame(pte: Pte): Pfn {
  return asPfn(pte >>> PTE_FRAME_SHIFT);
}
