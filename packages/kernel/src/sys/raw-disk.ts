/** A disk, raw: whole blocks between it and a program's memory. `rwd0`; sd(4), sys/dev/scsipi/sd.c. */
import { EINVAL, type Errno } from '../kern/errno.js';
import type { StateWriter } from '../kern/state.js';
import type { Step } from '../kern/switch.js';
import type { BlockDevice } from '../machine/disk.js';
import { startIo } from '../machine/io.js';
import type { CharacterDevice, DeviceRequest, RawDevice, RawRequest } from './device.js';
import { RawIo } from './raw-io.js';
import type { Sys } from './sys.js';

/** The raw side of a disk. Requests are done in any order. */
export class RawDisk implements CharacterDevice, RawDevice {
  readonly seekable = true;
  readonly disk: BlockDevice;

  constructor(disk: BlockDevice) {
    this.disk = disk;
  }

  get name(): string {
    return this.disk.name;
  }

  /** Bytes on the disk. */
  get size(): number {
    return this.disk.blockSize * this.disk.blockCount;
  }

  *transfer(sys: Sys, request: DeviceRequest): Step<number> {
    const { blockSize } = this.disk;
    if (request.offset % blockSize !== 0 || request.length % blockSize !== 0) return -EINVAL;
    return yield* sys.physio(this, request);
  }

  bound(length: number): number {
    return length - (length % this.disk.blockSize);
  }

  *strategy(sys: Sys, request: RawRequest): Step<void> {
    const label = `${request.write ? 'write' : 'read'} ${this.name} @ ${request.offset}`;
    yield* startIo(
      sys.kern,
      new RawIo(sys, label, request, {
        move: (most) => this.#move(request, this.bound(most)),
        delay: () => this.#delay(request),
      }),
    );
  }

  writeState(writer: StateWriter): void {
    if ('writeState' in this.disk && typeof this.disk.writeState === 'function') this.disk.writeState(writer);
  }

  #delay(request: RawRequest): number {
    return this.disk.delay?.(request.write ? 'write' : 'read') ?? 0;
  }

  /** What lies beyond the end is not moved, which is no error. */
  #move(request: RawRequest, most: number): Errno {
    const { blockSize } = this.disk;
    const length = Math.max(0, Math.min(most, this.size - request.offset));
    if (length === 0) return 0;
    const bytes = new Uint8Array(length);
    const block = request.offset / blockSize;
    if (request.write) request.copyIn(bytes);
    const errno = request.write ? this.disk.write(block, bytes) : this.disk.read(block, bytes);
    if (errno !== 0) return errno;
    if (!request.write) request.copyOut(bytes);
    request.resid = request.length - length;
    return 0;
  }
}
