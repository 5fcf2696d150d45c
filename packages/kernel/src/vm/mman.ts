/** What programs say to the memory system calls. sys/sys/mman.h of NetBSD; FreeBSD agrees on the numbers of the first group. */

export const MAP_SHARED = 0x0001;
export const MAP_PRIVATE = 0x0002;
export const MAP_FIXED = 0x0010;
export const MAP_ANON = 0x1000;

/** Old name of private. NetBSD. */
export const MAP_COPY = 0x0004;
/** At the address given if that is free. NetBSD. */
export const MAP_TRYFIXED = 0x0400;
/** Wired from the start. NetBSD. */
export const MAP_WIRED = 0x0800;
export const MAP_STACK = 0x2000;
/** The alignment, as a power of two, stands in the top byte. */
export const MAP_ALIGNMENT_SHIFT = 24;

/** A mapping aligned to 2^`power` bytes. `MAP_ALIGNED()`. */
export function mapAligned(power: number): number {
  return power * 2 ** MAP_ALIGNMENT_SHIFT;
}

/** The power of two in mapping flags, 0 for none. */
export function mapAlignment(flags: number): number {
  return (flags >>> MAP_ALIGNMENT_SHIFT) & 0xff;
}

export const MS_ASYNC = 0x01;
export const MS_INVALIDATE = 0x02;
export const MS_SYNC = 0x04;

export const MADV_NORMAL = 0;
export const MADV_RANDOM = 1;
export const MADV_SEQUENTIAL = 2;
export const MADV_WILLNEED = 3;
export const MADV_DONTNEED = 4;
export const MADV_SPACEAVAIL = 5;
export const MADV_FREE = 6;

/** What a child gets at fork. */
export const MAP_INHERIT_SHARE = 0;
export const MAP_INHERIT_COPY = 1;
export const MAP_INHERIT_NONE = 2;
/** The child gets zeros. */
export const MAP_INHERIT_ZERO = 4;

/** `mlockall`: what is mapped now. */
export const MCL_CURRENT = 1;
/** `mlockall`: what will be mapped. */
export const MCL_FUTURE = 2;
