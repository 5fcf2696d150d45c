/**
 * Arguments of the memory system calls, for the plain model: NetBSD's tests of ranges and alignments.
 *
 * Arguments are 64-bit words: a number below zero stands for one above 2^63. All sums are made with 64 bits, as the machine makes them.
 */
import { EFBIG, EINVAL, ENOMEM, EOVERFLOW } from '../../src/index.js';
import { PAGE, type PlainProcess } from './plain-memory.js';

export const PAGES = BigInt(PAGE);

export function word(value: number): bigint {
  return BigInt.asUintN(64, BigInt(value));
}

export function sum(a: bigint, b: bigint): bigint {
  return BigInt.asUintN(64, a + b);
}

export function roundUp(value: bigint): bigint {
  const up = sum(value, PAGES - 1n);
  return up - (up % PAGES);
}

/** `range_test()`: 0 or an errno. */
export function rangeTest(process: PlainProcess, address: bigint, size: bigint, options: { mmap: boolean }): number {
  const end = sum(address, size);
  if (address < BigInt(process.min)) return EINVAL;
  if (end > BigInt(process.max)) return options.mmap ? EFBIG : EINVAL;
  if (address > end) return options.mmap ? EOVERFLOW : EINVAL;
  return 0;
}

/** A range extended outwards to whole pages; null when it does not lie in the space. An empty one stays empty. */
export function pageRange(process: PlainProcess, address: number, length: number): { start: number; end: number } | null {
  const within = word(address) % PAGES;
  const start = word(address) - within;
  const size = length === 0 ? 0n : roundUp(sum(word(length), within));
  if (rangeTest(process, start, size, { mmap: false }) !== 0) return null;
  return { start: Number(start), end: Number(start + size) };
}

/** The alignment that flags ask for, in bytes; or minus an errno. */
export function alignment(process: PlainProcess, flags: number, fixedAt: bigint | null): number {
  const power = Math.floor(flags / 2 ** 24) % 256;
  if (power === 0) return PAGE;
  if (power >= 64) return -EINVAL;
  const align = 2 ** power;
  if (align < PAGE) return -EINVAL;
  if (align >= process.max) return -ENOMEM;
  return fixedAt !== null && fixedAt % BigInt(align) !== 0n ? -EINVAL : align;
}
