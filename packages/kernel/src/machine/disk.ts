/** Disks: the block-device contract, and a disk in memory. */
import { EINVAL, type Errno } from '../kern/errno.js';
import { RamFile } from './file-store.js';
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

/** A disk in memory; what was never written takes no room. */
export class MemoryDisk implements BlockDevice {
  readonly name: string;
  readonly blockSize: number;
  readonly blockCount: number;
  readonly #bytes: RamFile;

  /** @param geometry `blockSize` in bytes, default 512 */
  constructor(name: string, geometry: { blockCount: number; blockSize?: number }) {
    this.name = name;
    this.blockSize = geometry.blockSize ?? DEV_BSIZE;
    this.blockCount = geometry.blockCount;
    for (const [what, value] of Object.entries({ blockSize: this.blockSize, blockCount: this.blockCount })) {
      if (!Number.isInteger(value) || value < 1)
        throw new RangeError(`${what} of a disk is a whole number from 1 up, not ${value}`);
    }
    this.#bytes = new RamFile(name, { size: this.blockCount * this.blockSize });
  }

  read(block: number, into: Uint8Array): Errno {
    if (!requestFits(this, block, into.length)) return EINVAL;
    return this.#bytes.read(block * this.blockSize, into);
  }

  write(block: number, from: Uint8Array): Errno {
    if (!requestFits(this, block, from.length)) return EINVAL;
    return this.#bytes.write(block * this.blockSize, from);
  }

  flush(): Errno {
    return 0;
  }
}
