/** Swap devices: where their bytes rest, and which of their slots are in use. `struct swapdev`, sys/uvm/uvm_swap.c. */
import { Digest } from '../../kern/digest.js';
import { EIO, type Errno } from '../../kern/errno.js';
import type { StepObject } from '../../kern/lwp.js';
import type { Stateful, StateWriter } from '../../kern/state.js';
import { PAGE_SIZE } from '../../machine/address.js';
import { type BlockDevice, MemoryDisk } from '../../machine/disk.js';
import { FaultyDisk, soundDisk, soundStore } from '../../machine/faulty-store.js';
import { type FileStore, RamFile } from '../../machine/file-store.js';
import type { IoKind } from '../../machine/io-faults.js';
import type { SwapTarget } from '../../vm/system.js';

/** Swap pages of a device, by number. */
export interface SwapMedium {
  /** Pages that fit. */
  readonly pages: number;
  /** The first page that may be used. */
  readonly firstPage: number;
  /** Whether it can be written. */
  readonly writable: boolean;
  /** Whether its bytes are in memory, so that looking at them is nothing that anybody could notice. */
  readonly inMemory: boolean;
  /** Reads a page. Answers 0 or an errno. */
  read(page: number, into: Uint8Array): Errno;
  /** Looks at a page, with nothing going wrong on purpose. Answers 0 or an errno. */
  look(page: number, into: Uint8Array): Errno;
  /** Ticks of virtual time that the next operation of a kind is going to take. */
  delay(kind: IoKind): number;
  /** Tells what is still to go wrong with it, unless somebody else does. */
  writeFaults(writer: StateWriter): void;
  /** Writes a page. Answers 0 or an errno. */
  write(page: number, from: Uint8Array): Errno;
}

/** A file that is swapped to; it may have holes, which are filled as they are written. */
export class FileMedium implements SwapMedium {
  readonly #store: FileStore;
  readonly pages: number;
  readonly firstPage = 0;

  constructor(store: FileStore) {
    this.#store = store;
    this.pages = Math.floor(store.size / PAGE_SIZE);
  }

  get writable(): boolean {
    return this.#store.writable;
  }

  get inMemory(): boolean {
    return soundStore(this.#store) instanceof RamFile;
  }

  read(page: number, into: Uint8Array): Errno {
    return this.#isCut(page) ? EIO : this.#store.read(page * PAGE_SIZE, into);
  }

  write(page: number, from: Uint8Array): Errno {
    return this.#isCut(page) ? EIO : this.#store.write(page * PAGE_SIZE, from);
  }

  look(page: number, into: Uint8Array): Errno {
    return this.#isCut(page) ? EIO : soundStore(this.#store).read(page * PAGE_SIZE, into);
  }

  delay(kind: IoKind): number {
    return this.#store.delay?.(kind) ?? 0;
  }

  /** The file tells of it. */
  writeFaults(_writer: StateWriter): void {}

  /** Whether somebody has cut the file, and what was there is lost. */
  #isCut(page: number): boolean {
    return (page + 1) * PAGE_SIZE > this.#store.size;
  }
}

/** A disk that is swapped to. Its first page is left alone: the label may be there. */
export class DiskMedium implements SwapMedium {
  readonly #disk: BlockDevice;
  readonly pages: number;
  readonly firstPage = 1;
  readonly writable = true;

  get inMemory(): boolean {
    return soundDisk(this.#disk) instanceof MemoryDisk;
  }

  constructor(disk: BlockDevice) {
    this.#disk = disk;
    this.pages = Math.floor((disk.blockCount * disk.blockSize) / PAGE_SIZE);
  }

  read(page: number, into: Uint8Array): Errno {
    return this.#disk.read((page * PAGE_SIZE) / this.#disk.blockSize, into);
  }

  write(page: number, from: Uint8Array): Errno {
    return this.#disk.write((page * PAGE_SIZE) / this.#disk.blockSize, from);
  }

  look(page: number, into: Uint8Array): Errno {
    return soundDisk(this.#disk).read((page * PAGE_SIZE) / this.#disk.blockSize, into);
  }

  delay(kind: IoKind): number {
    return this.#disk.delay?.(kind) ?? 0;
  }

  writeFaults(writer: StateWriter): void {
    const disk = this.#disk;
    if (disk instanceof FaultyDisk) writer.part('faults', (part) => disk.plan.writeState(part));
  }
}

/** Something that is swapped to. */
export class SwapDevice implements Stateful, StepObject {
  /** What it is, and what it was called when swapping to it began. A file is referred to. */
  readonly target: SwapTarget;
  readonly medium: SwapMedium;
  /** The lower, the sooner it is used. */
  priority: number;
  /** Whether slots may be taken. `SWF_ENABLE` */
  enabled = false;
  /** Number of its page 0 among the pages of all devices. `swd_drumoffset` */
  readonly drumOffset: number;
  /** Slots that it has. `swd_npages` */
  readonly slots: number;
  /** Slots in use, the bad ones among them. `swd_npginuse` */
  inUse = 0;
  /** Slots that are never used again, since they could not be read or written. `swd_npgbad` */
  bad = 0;
  /** For each page 1 while its slot is taken. `swd_blist` */
  readonly #taken: Uint8Array;
  /** No page before this one is free. */
  #lowest: number;

  constructor(target: SwapTarget, medium: SwapMedium, place: { priority: number; drumOffset: number }) {
    this.target = target;
    this.medium = medium;
    this.priority = place.priority;
    this.drumOffset = place.drumOffset;
    this.slots = medium.pages - medium.firstPage;
    this.#taken = new Uint8Array(medium.pages);
    this.#lowest = medium.firstPage;
  }

  get label(): string {
    return `swap ${this.target.path}`;
  }

  /** First slot behind those of the device. */
  get drumEnd(): number {
    return this.drumOffset + this.medium.pages;
  }

  /** I/O can always go on. */
  admits(): boolean {
    return true;
  }

  /** Whether a slot is one of this device's. */
  has(slot: number): boolean {
    return slot >= this.drumOffset && slot < this.drumEnd;
  }

  /** Whether a slot of the device is in use. */
  isTaken(slot: number): boolean {
    return this.#taken[slot - this.drumOffset] === 1;
  }

  /** Takes free slots that lie one behind the other, the lowest there are; answers the first, 0 when there are none. */
  take(count: number): number {
    if (this.inUse + count > this.slots) return 0;
    const taken = this.#taken;
    let page = taken.indexOf(0, this.#lowest);
    if (page < 0) return 0;
    this.#lowest = page;
    while (page >= 0 && page + count <= taken.length) {
      const obstacle = taken.subarray(page, page + count).indexOf(1);
      if (obstacle < 0) {
        taken.fill(1, page, page + count);
        this.inUse += count;
        return this.drumOffset + page;
      }
      page = taken.indexOf(0, page + obstacle);
    }
    return 0;
  }

  /** Gives slots back; answers whether all of them were taken. */
  give(slot: number, count: number): boolean {
    const page = slot - this.drumOffset;
    const run = this.#taken.subarray(page, page + count);
    if (run.length < count || run.includes(0)) return false;
    run.fill(0);
    this.#lowest = Math.min(this.#lowest, page);
    this.inUse -= count;
    return true;
  }

  /** Reads what is in a slot. Answers 0 or an errno. */
  read(slot: number, into: Uint8Array): Errno {
    return this.medium.read(slot - this.drumOffset, into);
  }

  /** Looks at what is in a slot, with nothing going wrong on purpose. Answers 0 or an errno. */
  look(slot: number, into: Uint8Array): Errno {
    return this.medium.look(slot - this.drumOffset, into);
  }

  /** Writes what is to be in a slot. Answers 0 or an errno. */
  write(slot: number, from: Uint8Array): Errno {
    return this.medium.write(slot - this.drumOffset, from);
  }

  /** The slots in use, ascending. */
  takenSlots(): number[] {
    const slots: number[] = [];
    for (let page = this.#taken.indexOf(1); page >= 0; page = this.#taken.indexOf(1, page + 1))
      slots.push(this.drumOffset + page);
    return slots;
  }

  /** Tells what is in the slots that are in use, too: what is in the others will never be read. */
  writeState(writer: StateWriter): void {
    writer.field('path', this.target.path);
    writer.reference('vnode', this.target.vnode);
    writer.field('inUse', this.inUse);
    writer.field('priority', this.priority);
    writer.field('enabled', this.enabled);
    writer.field('drumOffset', this.drumOffset);
    writer.field('slots', this.slots);
    writer.field('bad', this.bad);
    this.medium.writeFaults(writer);
    const words = new Int32Array(PAGE_SIZE / 4);
    const bytes = new Uint8Array(words.buffer);
    for (const slot of this.takenSlots()) {
      const digest = new Digest();
      if (this.look(slot, bytes) === 0) digest.words(words, 0, words.length);
      writer.field('slot', slot);
      digest.writeState(writer);
    }
  }
}
