/**
 * Memory that bytes are moved to or from, and how far that has come. `struct uio` and `uiomove()`, sys/sys/uio.h and
 * sys/kern/subr_copy.c.
 *
 *     file ── page in RAM ──── move ──── memory: a program's, behind page tables and faults (sys/user-uio.ts), or the kernel's own
 *
 * Bytes are moved between two places that must both be there at the same moment, and bringing either of them in takes time. So the
 * mover first has the memory `reach`ed, then looks whether its page is (still) there, and only then moves.
 */
import { BUILD } from '../kern/build.js';
import type { Step } from '../kern/switch.js';
import { PAGE_SIZE } from '../machine/address.js';
import type { Ram } from '../machine/ram.js';
import type { VmSpace } from './system.js';

/** Which way bytes go: `read` is into this memory. `UIO_READ`, `UIO_WRITE`. */
export type UioDirection = 'read' | 'write';

/** Memory to move bytes to or from. */
export abstract class Uio {
  readonly direction: UioDirection;
  /** Bytes in all. */
  readonly length: number;
  /** Bytes moved so far. */
  done = 0;

  protected constructor(direction: UioDirection, length: number) {
    this.direction = direction;
    this.length = length;
  }

  /** Whose memory it is, and where it begins there; null for the kernel's own. `uio_vmspace`. */
  get program(): { readonly space: VmSpace; readonly address: number } | null {
    return null;
  }

  /** Bytes still to be moved. `uio_resid` */
  get left(): number {
    return this.length - this.done;
  }

  /**
   * Makes sure that the next bytes can be moved. => may fault, and so sleep
   *
   * @returns how many of `most` can be moved at once, which holds until another thread runs; or minus EFAULT
   */
  abstract reach(most: number): Step<number>;

  /** Moves bytes that have just been reached between this memory and RAM, and counts them. @param at where in RAM, in bytes */
  abstract move(ram: Ram, at: number, length: number): void;
}

/** The kernel's own memory. `UIO_SYSSPACE` */
export class KernelUio extends Uio {
  readonly bytes: Uint8Array;

  constructor(direction: UioDirection, bytes: Uint8Array) {
    super(direction, bytes.length);
    this.bytes = bytes;
  }

  // biome-ignore lint/correctness/useYield: other kinds of memory may have to be faulted in first
  *reach(most: number): Step<number> {
    return most;
  }

  move(ram: Ram, at: number, length: number): void {
    const { bytes, done } = this;
    if (this.direction === 'read') {
      bytes.set(ram.bytes.subarray(at, at + length), done);
    } else {
      noteChange(ram, at);
      ram.bytes.set(bytes.subarray(done, done + length), at);
    }
    this.done += length;
  }
}

/** Bytes are about to be put into a page of RAM; the watched build takes note of it. */
export function noteChange(ram: Ram, at: number): void {
  if (BUILD === 'watched') ram.changed[Math.floor(at / PAGE_SIZE)] = 1;
}

/** What is a plain array of bytes is the kernel's own memory. */
export function asUio(direction: UioDirection, memory: Uint8Array | Uio): Uio {
  return memory instanceof Uio ? memory : new KernelUio(direction, memory);
}
