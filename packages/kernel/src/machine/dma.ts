/** Direct memory access: bytes that a device moves by physical address, past the processors and their page tables. */
import { FIRST_FRAME, PAGE_MASK, PAGE_SIZE, type Pfn } from './address.js';
import type { Machine } from './machine.js';

/** What a device reads where there is neither RAM nor another device: nobody drives the bus. */
const OPEN_BUS = 0xff;

/**
 * Has a device read memory.
 *
 * @param frames the frames of the buffer, in their order; `offset` is where in the first of them it begins, in bytes
 */
export function dmaRead(this: Machine, frames: readonly Pfn[], offset: number, into: Uint8Array): void {
  eachPiece(frames, offset, into.length, (pfn, within, at, length) => {
    const piece = into.subarray(at, at + length);
    const range = this.deviceRangeOf(pfn);
    if (isRam(this, pfn)) piece.set(this.ram.bytes.subarray(...span(pfn, within, length)));
    else if (range === null) piece.fill(OPEN_BUS);
    else for (let i = 0; i < length; i++) piece[i] = range.device.read(range.offsetOf(pfn) + within + i, 1);
  });
}

/** Has a device write memory; what goes nowhere is lost. */
export function dmaWrite(this: Machine, frames: readonly Pfn[], offset: number, from: Uint8Array): void {
  eachPiece(frames, offset, from.length, (pfn, within, at, length) => {
    const piece = from.subarray(at, at + length);
    const range = this.deviceRangeOf(pfn);
    if (isRam(this, pfn)) this.ram.page(pfn).set(piece, within);
    else if (range !== null)
      for (let i = 0; i < length; i++) range.device.write(range.offsetOf(pfn) + within + i, 1, piece[i] as number);
  });
}

function isRam({ ram }: Machine, pfn: Pfn): boolean {
  return pfn >= FIRST_FRAME && pfn < FIRST_FRAME + ram.pages;
}

function span(pfn: Pfn, within: number, length: number): [from: number, to: number] {
  const from = (pfn - FIRST_FRAME) * PAGE_SIZE + within;
  return [from, from + length];
}

function eachPiece(
  frames: readonly Pfn[],
  offset: number,
  length: number,
  take: (pfn: Pfn, within: number, at: number, length: number) => void,
): void {
  for (let at = 0; at < length; ) {
    const within = (offset + at) & PAGE_MASK;
    const piece = Math.min(PAGE_SIZE - within, length - at);
    const pfn = frames[(offset + at - within) / PAGE_SIZE];
    if (pfn !== undefined) take(pfn, within, at, piece);
    at += piece;
  }
}
