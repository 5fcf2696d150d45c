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

/** What a disk in memory is made of, as far as its blocks allow: a page, since it is pages that are swapped. */
const CHUNK_BYTES = 4096;

/** A disk in memory; what was never written takes no room. */
export class MemoryDisk implements BlockDevice {
  readonly name: string;
  readonly blockSize: number;
  readonly blockCount: number;
  /** Bytes of a chunk, whole blocks, and the chunks that were written to, by number. */
  readonly #chunkSize: number;
  readonly #chunks = new Map<number, Uint8Array>();

  /** @param geometry `blockSize` in bytes, default 512 */
  constructor(name: string, geometry: { blockCount: number; blockSize?: number }) {
    this.name = name;
    this.blockSize = geometry.blockSize ?? DEV_BSIZE;
    this.blockCount = geometry.blockCount;
    for (const [what, value] of Object.entries({ blockSize: this.blockSize, blockCount: this.blockCount })) {
      if (!Number.isInteger(value) || value < 1)
        throw new RangeError(`${what} of a disk is a whole number from 1 up, not ${value}`);
    }
    this.#chunkSize = Math.max(1, Math.floor(CHUNK_BYTES / this.blockSize)) * this.blockSize;
  }

  read(block: number, into: Uint8Array): Errno {
    if (!requestFits(this, block, into.length)) return EINVAL;
    this.#eachPiece(block, into.length, (number, from, to, at) => {
      const chunk = this.#chunks.get(number);
      if (chunk === undefined) into.fill(0, at, at + to - from);
      else into.set(chunk.subarray(from, to), at);
    });
    return 0;
  }

  write(block: number, from: Uint8Array): Errno {
    if (!requestFits(this, block, from.length)) return EINVAL;
    this.#eachPiece(block, from.length, (number, start, end, at) => {
      let chunk = this.#chunks.get(number);
      if (chunk === undefined) {
        chunk = new Uint8Array(this.#chunkSize);
        this.#chunks.set(number, chunk);
      }
      chunk.set(from.subarray(at, at + end - start), start);
    });
    return 0;
  }

  /** The pieces of chunks that a request is made of: the chunk, from where to where in it, and where in the request. */
  #eachPiece(block: number, length: number, move: (chunk: number, from: number, to: number, at: number) => void): void {
    const start = block * this.blockSize;
    for (let at = 0; at < length; ) {
      const number = Math.floor((start + at) / this.#chunkSize);
      const from = start + at - number * this.#chunkSize;
      const to = Math.min(this.#chunkSize, from + length - at);
      move(number, from, to, at);
      at += to - from;
    }
  }

  flush(): Errno {
    return 0;
  }
}
