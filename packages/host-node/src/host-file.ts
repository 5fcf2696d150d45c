/** A file of the host as the place where the bytes of a file rest. */
import { ENOSPC, EROFS, type Errno, type FileStore, PAGE_SIZE } from '@faultline/kernel';
import { type HostAccess, HostHandle } from './host-handle.js';

/** How a file of the host is opened. */
export interface HostFileOptions {
  /** What it is called in reports. Default: its path. */
  readonly name?: string;
  /** What may be done with it. Default `read-write`. */
  readonly access?: HostAccess;
}

/**
 * A regular file of the host.
 *
 * => nobody else may change the file while it is open: its size and its holes are remembered, not asked for each time.
 * => a write that fails, as for want of room, may have been done in part; it can be done again.
 *
 * Where its holes are, Node cannot be asked. What is known for certain is what was done here: beyond the end that the file had when
 * it was opened there is nothing but what has been written since. Anything before that end counts as stored.
 *
 *     |     as it was opened     |          since extended by truncate or by writing further on          |
 *     [######## stored ##########][...........hole...........][### written ###][..........hole...........]
 *                                 ^ #end: the first page that may be a hole      its pages are in #stored
 */
export class HostFile implements FileStore {
  readonly name: string;
  readonly writable: boolean;
  readonly #handle: HostHandle;
  #size: number;
  /** Every page below that number counts as stored. */
  #end: number;
  /** Pages from `#end` on that are stored as well. */
  readonly #stored = new Set<number>();

  /** @throws {HostFileError} when the file is not there, is no regular file, or must not be used so */
  constructor(path: string, options: HostFileOptions = {}) {
    const { access = 'read-write' } = options;
    this.#handle = new HostHandle(path, access, (stats) => stats.isFile());
    this.name = options.name ?? path;
    this.writable = this.#handle.writable;
    this.#size = this.#handle.measure();
    this.#end = Math.ceil(this.#size / PAGE_SIZE);
  }

  /** Where it is on the host. */
  get path(): string {
    return this.#handle.path;
  }

  get size(): number {
    return this.#size;
  }

  read(offset: number, into: Uint8Array): Errno {
    const length = Math.max(0, Math.min(into.length, this.#size - offset));
    into.fill(0, length);
    return this.#handle.read(offset, into.subarray(0, length));
  }

  write(offset: number, from: Uint8Array): Errno {
    const errno = this.#handle.write(offset, from);
    // What was begun counts: the host may have stored any part of it.
    if (this.writable && from.length > 0) this.#keep(offset, from.length);
    if (errno !== 0) this.#size = this.#handle.measure();
    else if (from.length > 0) this.#size = Math.max(this.#size, offset + from.length);
    return errno;
  }

  truncate(size: number): Errno {
    const errno = this.#handle.truncate(size);
    if (errno !== 0) return errno;
    this.#size = size;
    const end = Math.ceil(size / PAGE_SIZE);
    this.#end = Math.min(this.#end, end);
    for (const page of [...this.#stored]) if (page >= end) this.#stored.delete(page);
    return 0;
  }

  isHole(offset: number): boolean {
    const page = Math.floor(offset / PAGE_SIZE);
    return page >= this.#end && !this.#stored.has(page);
  }

  /**
   * As the contract says, as far as Node lets it: holes in the file are filled with zeros, so that the host has room for them. Beyond
   * the end room can be looked for, but not be kept; should it be gone by the time of the write, that answers ENOSPC.
   */
  allocate(offset: number, length: number): Errno {
    if (!this.writable) return EROFS;
    const end = offset + length;
    let wanted = 0;
    for (let page = Math.floor(offset / PAGE_SIZE); page * PAGE_SIZE < end; page++) {
      if (this.isHole(page * PAGE_SIZE)) wanted += PAGE_SIZE;
    }
    if (wanted === 0) return 0;
    if (wanted > this.#handle.room()) return ENOSPC;
    for (let page = Math.floor(offset / PAGE_SIZE); page * PAGE_SIZE < end; page++) {
      const inside = Math.min(PAGE_SIZE, this.#size - page * PAGE_SIZE);
      if (inside <= 0 || !this.isHole(page * PAGE_SIZE)) continue;
      const errno = this.#handle.write(page * PAGE_SIZE, new Uint8Array(inside));
      if (errno !== 0) return errno;
    }
    this.#keep(offset, length);
    return 0;
  }

  /** As the contract says; but once it has failed, it answers the same error for ever, since the host may have dropped the bytes. */
  sync(): Errno {
    return this.#handle.sync();
  }

  /** Gives the file back to the host, as it is. To be called when no system uses it any more; it is not synced. */
  close(): void {
    this.#handle.close();
  }

  /** The pages of a range are no holes any more. */
  #keep(offset: number, length: number): void {
    for (let page = Math.floor(offset / PAGE_SIZE); page * PAGE_SIZE < offset + length; page++) {
      if (page >= this.#end) this.#stored.add(page);
    }
    // A file that grows from its end needs no set.
    while (this.#stored.delete(this.#end)) this.#end++;
  }
}
