/** Numbers that the layer of system calls shares. */

/** The largest stack. `MAXSSIZ`, sys/arch/amd64/include/vmparam.h */
export const MAXSSIZ = 128 * 1024 * 1024;
