/** What a child of `__clone(2)` shares with its parent. sys/sys/sched.h; Linux agrees on the numbers. */

/** The signal that the parent gets when the child exits. */
export const CLONE_CSIGNAL = 0xff;
/** The address space. */
export const CLONE_VM = 0x100;
/** Root and working directory. */
export const CLONE_FS = 0x200;
/** The descriptors. */
export const CLONE_FILES = 0x400;
/** The handlers of signals. */
export const CLONE_SIGHAND = 0x800;
/** The parent goes on only when the child has given the space back. */
export const CLONE_VFORK = 0x4000;
