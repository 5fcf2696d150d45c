/** Protections, as bits. `VM_PROT_*`, sys/uvm/uvm_prot.h; `PROT_*` of `mmap(2)` are the same bits. */

/** A set of `PROT_*` bits. */
export type Protection = number;

export const PROT_NONE = 0;
export const PROT_READ = 1;
export const PROT_WRITE = 2;
export const PROT_EXEC = 4;
export const PROT_ALL = 7;

/** `rw-` */
export function protectionText(protection: Protection): string {
  return (protection & PROT_READ ? 'r' : '-') + (protection & PROT_WRITE ? 'w' : '-') + (protection & PROT_EXEC ? 'x' : '-');
}
