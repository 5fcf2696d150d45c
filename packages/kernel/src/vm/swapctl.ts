/** Commands of swapctl(2), as NetBSD's sys/swap.h has them. */

/** Begin to swap to a file or a disk. */
export const SWAP_ON = 1;
/** Bring everything in that is there, and swap to it no longer. */
export const SWAP_OFF = 2;
/** How many are swapped to. */
export const SWAP_NSWAP = 3;
/** Give one another priority. */
export const SWAP_CTL = 5;
/** Name the disk that a dump of the kernel goes to. */
export const SWAP_DUMPDEV = 7;
/** Ask which that is. */
export const SWAP_GETDUMPDEV = 8;
/** Say that there is none. */
export const SWAP_DUMPOFF = 9;
/** What is swapped to. */
export const SWAP_STATS = 10;
