/**
 * Memory that is a device's: frames beyond all RAM, at which loads and stores go to the device.
 *
 *     frames   FIRST_FRAME ‥ RAM ‥ | nothing | DEVICE_FIRST_FRAME ‥ range ‥ range ‥ | MAX_FRAMES
 *
 * Processors do not keep translations of such frames: each access walks the page table and asks the device. That costs RAM nothing.
 */
import type { Stateful, StateWriter } from '../kern/state.js';
import { asPfn, PAGE_SIZE, type Pfn } from './address.js';
import { MAX_FRAMES } from './pte.js';

/** The first frame that can be a device's. All that RAM can be lies below, in each build. */
export const DEVICE_FIRST_FRAME = asPfn(MAX_FRAMES / 2);

/** Bytes that an access to a device moves at once. */
export type AccessSize = 1 | 2 | 4;

/** What is behind a range of device memory. */
export interface MemoryMappedDevice extends Partial<Stateful> {
  /**
   * A load, or an instruction fetch. Little-endian.
   *
   * @param offset where in the range, in bytes; an access never leaves its page
   * @param size 1, 2, 4 bytes; a program's access that does not lie on its boundary, and one of 8 bytes, come in smaller ones
   */
  read(offset: number, size: AccessSize): number;
  /** A store. */
  write(offset: number, size: AccessSize, value: number): void;
}

/** A range of frames that is a device's. */
export class DeviceRange implements Stateful {
  readonly name: string;
  readonly first: Pfn;
  readonly pages: number;
  readonly device: MemoryMappedDevice;

  constructor(name: string, first: Pfn, pages: number, device: MemoryMappedDevice) {
    this.name = name;
    this.first = first;
    this.pages = pages;
    this.device = device;
  }

  has(pfn: Pfn): boolean {
    return pfn >= this.first && pfn < this.first + this.pages;
  }

  /** Where in the range a frame begins, in bytes. */
  offsetOf(pfn: Pfn): number {
    return (pfn - this.first) * PAGE_SIZE;
  }

  writeState(writer: StateWriter): void {
    this.device.writeState?.(writer);
  }
}

/** A device that is nothing but bytes: a frame buffer. */
export class DeviceBytes implements MemoryMappedDevice, Stateful {
  readonly bytes: Uint8Array;
  readonly #view: DataView;

  constructor(length: number) {
    this.bytes = new Uint8Array(length);
    this.#view = new DataView(this.bytes.buffer);
  }

  read(offset: number, size: AccessSize): number {
    if (size === 1) return this.#view.getUint8(offset);
    return size === 2 ? this.#view.getUint16(offset, true) : this.#view.getUint32(offset, true);
  }

  write(offset: number, size: AccessSize, value: number): void {
    if (size === 1) this.#view.setUint8(offset, value);
    else if (size === 2) this.#view.setUint16(offset, value, true);
    else this.#view.setUint32(offset, value, true);
  }

  writeState(writer: StateWriter): void {
    writer.bytes('bytes', this.bytes);
  }
}
