/** Disks: the block-device contract, and a disk in memory. */
import { EINVAL, type Errno } from '../kern/errno.js';
import type { IoKind } from './io-faults.js';

/**
 * A block device.
 *
 * => moves whole blocks; `length` of each buffer is a multiple of `blockSize`. A request that leaves the device, or is no multiple,
 *    answers EINVAL and moves nothing.
 */
export interface BlockDevice {
  /** What it is called: `wd0`. */
  readonly name: string;
  /** Bytes in a block. */
  readonly blockSize: number;
  /** Blocks on the device. */
  readonly blockCount: number;
  /** Reads blocks from number `block` on. Answers 0 or an errno. */
  read(block: number, into: Uint8Array): Errno;
  /** Writes blocks from number `block` on. Answers 0 or an errno. */
  write(block: number, from: Uint8Array): Errno;
  /** Makes everything that was written durable. Answers 0 or an errno. */
  flush(): Errno;
  /** Ticks of virtual time that the next operation of a kind is going to take. Absent for none. */
  delay?(kind: IoKind): number;
}

/** Bytes in a block of most disks. `DEV_BSIZE`. */
export const DEV_BSIZE = 512;

/** Whether a request lies on a device and moves whole blocks. */
export function requestFits(device: BlockDevice, block: number, bytes: number): boolean {
  const blocks = bytes / device.blockSize;
  return Number.isInteger(blocks) && Number.isInteger(block) && block >= 0 && block + blocks <= device.blockCount;
}

/** A disk in memory; blocks that were never written take no room. */
export class MemoryDisk implements BlockDevice {
  readonly name: string;
  readonly blockSize: number;
  readonly blockCount: number;
  readonly #blocks = new Map<number, Uint8Array>();

  /** @param geometry `blockSize` in bytes, default 512 */
  constructor(name: string, geometry: { blockCount: number; blockSize?: number }) {
    this.name = name;
    this.blockSize = geometry.blockSize ?? DEV_BSIZE;
    this.blockCount = geometry.blockCount;
    for (const [what, value] of Object.entries({ blockSize: this.blockSize, blockCount: this.blockCount })) {
      if (!Number.isInteger(value) || value < 1)
        throw new RangeError(`${what} of a disk is a whole number from 1 up, not ${value}`);
    }
  }

  read(block: number, into: Uint8Array): Errno {
    if (!requestFits(this, block, into.length)) return EINVAL;
    for (let at = 0; at < into.length; at += this.blockSize) {
      const bytes = this.#blocks.get(block + at / this.blockSize);
      if (bytes === undefined) into.fill(0, at, at + this.blockSize);
      else into.set(bytes, at);
    }
    return 0;
  }

  write(block: number, from: Uint8Array): Errno {
    if (!requestFits(this, block, from.length)) return EINVAL;
    for (let at = 0; at < from.length; at += this.blockSize) {
      const number = block + at / this.blockSize;
      const known = this.#blocks.get(number);
      // What swaps writes the same blocks again and again.
      if (known === undefined) this.#blocks.set(number, from.slice(at, at + this.blockSize));
      else known.set(from.subarray(at, at + this.blockSize));
    }
    return 0;
  }

  flush(): Errno {
    return 0;
  }
}
