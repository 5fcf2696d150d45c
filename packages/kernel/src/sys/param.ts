/** Numbers that the layer of system calls shares. */

/** The largest stack. `MAXSSIZ`, sys/arch/amd64/include/vmparam.h */
export const MAXSSIZ = 128 * 1024 * 1024;

/** Bytes that a device moves at once. `MAXPHYS`, sys/arch/amd64/include/param.h */
export const MAXPHYS = 65_536;

/** Chunks of one read or write that a device may have at once. `PHYSIO_CONCURRENCY`, sys/kern/kern_physio.c */
export const PHYSIO_CONCURRENCY = 16;
