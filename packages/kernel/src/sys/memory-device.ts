/** A device that is memory: mapped, read and written. A frame buffer; mem(4). */
import type { StateWriter } from '../kern/state.js';
import type { Step } from '../kern/switch.js';
import { asPfn, PAGE_SIZE, type Pfn } from '../machine/address.js';
import type { DeviceRange } from '../machine/device-memory.js';
import type { Protection } from '../machine/protection.js';
import type { CharacterDevice, DeviceRequest } from './device.js';
import type { Sys } from './sys.js';

/** Bytes that are copied at once. */
const CHUNK = 65_536;

/** A range of device memory under a name. */
export class MemoryDevice implements CharacterDevice {
  readonly seekable = true;
  readonly range: DeviceRange;
  /** The most that it may be used for. */
  readonly #allowed: Protection;

  constructor(range: DeviceRange, allowed: Protection) {
    this.range = range;
    this.#allowed = allowed;
  }

  get name(): string {
    return this.range.name;
  }

  get size(): number {
    return this.range.pages * PAGE_SIZE;
  }

  *transfer(sys: Sys, { write, address, length, offset }: DeviceRequest): Step<number> {
    const { device } = this.range;
    const total = Math.max(0, Math.min(length, this.size - offset));
    for (let done = 0; done < total; ) {
      const bytes = new Uint8Array(Math.min(CHUNK, total - done));
      if (!write) for (let i = 0; i < bytes.length; i++) bytes[i] = device.read(offset + done + i, 1);
      const errno = write ? yield* sys.copyin(address + done, bytes) : yield* sys.copyout(address + done, bytes);
      if (errno !== 0) return -errno;
      if (write) for (const [i, byte] of bytes.entries()) device.write(offset + done + i, 1, byte);
      done += bytes.length;
    }
    return total;
  }

  mmap(offset: number, access: Protection): Pfn | -1 {
    if (offset < 0 || offset >= this.size || (access & ~this.#allowed) !== 0) return -1;
    return asPfn(this.range.first + offset / PAGE_SIZE);
  }

  /** Its bytes are told with the machine. */
  writeState(writer: StateWriter): void {
    writer.field('first', this.range.first);
  }
}
