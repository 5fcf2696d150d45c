/** A file of the host as a disk. */
import { type BlockDevice, DEV_BSIZE, EINVAL, type Errno, requestFits } from '@faultline/kernel';
import { HostFileError } from './host-error.js';
import { type HostAccess, HostHandle } from './host-handle.js';

/** How a file of the host becomes a disk. */
export interface HostDiskOptions {
  /** What it is called in reports: `wd0`. Default: its path. */
  readonly name?: string;
  /** What may be done with it. Default `read-write`. */
  readonly access?: HostAccess;
  /** Bytes in a block. Default 512. */
  readonly blockSize?: number;
  /** Blocks on the disk; a file that is too short is extended. Default: as many as the file has. A device of the host needs it. */
  readonly blockCount?: number;
}

/**
 * A disk whose blocks are in a regular file of the host, or on a disk of the host.
 *
 * => nobody else may change it while it is open.
 */
export class HostDisk implements BlockDevice {
  readonly name: string;
  readonly blockSize: number;
  readonly blockCount: number;
  readonly #handle: HostHandle;

  /**
   * @throws {HostFileError} when the file is not there, must not be used so, or has not the size of a disk
   * @throws {RangeError} for a block size or count that is no whole number from 1 up
   */
  constructor(path: string, options: HostDiskOptions = {}) {
    const { access = 'read-write', blockSize = DEV_BSIZE, blockCount } = options;
    for (const [what, value] of Object.entries({ blockSize, blockCount: blockCount ?? 1 })) {
      if (!Number.isInteger(value) || value < 1)
        throw new RangeError(`${what} of a disk is a whole number from 1 up, not ${value}`);
    }
    let onDevice = false;
    this.#handle = new HostHandle(path, access, (stats) => {
      onDevice = stats.isBlockDevice();
      return onDevice || stats.isFile();
    });
    this.name = options.name ?? path;
    this.blockSize = blockSize;
    try {
      this.blockCount = onDevice ? countGiven(path, blockCount) : this.#fit(blockCount);
    } catch (error) {
      this.#handle.close();
      throw error;
    }
  }

  /** Where it is on the host. */
  get path(): string {
    return this.#handle.path;
  }

  read(block: number, into: Uint8Array): Errno {
    return requestFits(this, block, into.length) ? this.#handle.read(block * this.blockSize, into) : EINVAL;
  }

  /** Writes blocks from number `block` on. Answers 0 or an errno, EROFS when it was opened read-only. */
  write(block: number, from: Uint8Array): Errno {
    return requestFits(this, block, from.length) ? this.#handle.write(block * this.blockSize, from) : EINVAL;
  }

  /** As the contract says; but once it has failed, it answers the same error for ever, since the host may have dropped the bytes. */
  flush(): Errno {
    return this.#handle.sync();
  }

  /** Gives the file back to the host, as it is. To be called when no system uses it any more; it is not flushed. */
  close(): void {
    this.#handle.close();
  }

  /** Sees that a regular file has the size of a disk; answers how many blocks that are. */
  #fit(wanted: number | undefined): number {
    const { path } = this.#handle;
    const size = this.#handle.measure();
    if (wanted === undefined) {
      if (size > 0 && size % this.blockSize === 0) return size / this.blockSize;
      throw new HostFileError(
        path,
        `its ${size} bytes are not a disk of whole blocks of ${this.blockSize} bytes; give another block size, or a number of blocks.`,
      );
    }
    const missing = wanted * this.blockSize - size;
    if (missing > 0 && this.#handle.truncate(wanted * this.blockSize) !== 0) {
      throw new HostFileError(
        path,
        `it cannot be extended by the ${missing} bytes that ${wanted} blocks of ${this.blockSize} bytes are short of; ask for fewer, or extend it.`,
      );
    }
    return wanted;
  }
}

/** Node does not tell the size of a device. */
function countGiven(path: string, blockCount: number | undefined): number {
  if (blockCount !== undefined) return blockCount;
  throw new HostFileError(path, 'the size of a device of the host cannot be found out; give its number of blocks.');
}
