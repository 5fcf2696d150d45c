/** Where the bytes of a file rest: in memory here, in a file of the host elsewhere. */
import { Digest } from '../kern/digest.js';
import { ENOSPC, type Errno } from '../kern/errno.js';
import type { StateWriter } from '../kern/state.js';
import { PAGE_SIZE } from './address.js';
import type { IoKind } from './io-faults.js';

/**
 * The bytes of a regular file, as a file system keeps them.
 *
 * => answers at once: a virtual memory system wraps each operation in an I/O that starts, takes time and completes.
 * => what `write` was given is durable once `sync` has answered 0, whatever happens to the machine.
 */
export interface FileStore {
  /** What it is called in reports. */
  readonly name: string;
  /** Whether it can be written and truncated. */
  readonly writable: boolean;
  /** Bytes in the file. */
  readonly size: number;
  /** Reads at an offset; what lies beyond the end of the file is given as zeros. Answers 0 or an errno. */
  read(offset: number, into: Uint8Array): Errno;
  /** Writes at an offset; the file grows if need be, and a gap before the offset reads as zeros. Answers 0 or an errno. */
  write(offset: number, from: Uint8Array): Errno;
  /** Cuts the file, or extends it with zeros. Answers 0 or an errno. */
  truncate(size: number): Errno;
  /** Whether nothing was ever stored in the page at this offset, so that it reads as zeros and takes no room. */
  isHole(offset: number): boolean;
  /** Makes room for a range, so that a later write to it cannot fail for want of it. Answers 0, ENOSPC or another errno. */
  allocate(offset: number, length: number): Errno;
  /** Makes everything durable. Answers 0 or an errno. */
  sync(): Errno;
  /** Ticks of virtual time that the next operation of a kind is going to take. Absent for none. */
  delay?(kind: IoKind): number;
  /** Tells the bytes. Absent where they rest outside of the machine, whose state they are not. */
  writeState?(writer: StateWriter): void;
}

/** A file in memory; pages that were never written take no room. */
export class RamFile implements FileStore {
  readonly name: string;
  readonly writable: boolean = true;
  #size = 0;
  readonly #capacity: number;
  readonly #pages = new Map<number, Uint8Array>();
  /** Digests of the pages that have not been written to since they were told of. */
  readonly #digests = new Map<number, Digest>();

  /** @param options.capacity pages that the file system has room for; beyond it, writing answers ENOSPC */
  constructor(name: string, content: Uint8Array | { size: number } = new Uint8Array(), options: { capacity?: number } = {}) {
    this.name = name;
    this.#capacity = options.capacity ?? Number.POSITIVE_INFINITY;
    if (content instanceof Uint8Array) this.write(0, content);
    else this.truncate(content.size);
  }

  get size(): number {
    return this.#size;
  }

  read(offset: number, into: Uint8Array): Errno {
    into.fill(0);
    const end = Math.min(offset + into.length, this.#size);
    for (let at = offset; at < end; ) {
      const within = at % PAGE_SIZE;
      const length = Math.min(PAGE_SIZE - within, end - at);
      const page = this.#pages.get((at - within) / PAGE_SIZE);
      if (page !== undefined) into.set(page.subarray(within, within + length), at - offset);
      at += length;
    }
    return 0;
  }

  write(offset: number, from: Uint8Array): Errno {
    if (from.length === 0) return 0;
    if (!this.#hasRoom(offset, from.length)) return ENOSPC;
    for (let done = 0; done < from.length; ) {
      const within = (offset + done) % PAGE_SIZE;
      const length = Math.min(PAGE_SIZE - within, from.length - done);
      this.#page((offset + done - within) / PAGE_SIZE).set(from.subarray(done, done + length), within);
      done += length;
    }
    this.#size = Math.max(this.#size, offset + from.length);
    return 0;
  }

  truncate(size: number): Errno {
    // Room may have been made behind the end.
    if (size <= this.#size) {
      const within = size % PAGE_SIZE;
      const last = (size - within) / PAGE_SIZE;
      this.#pages.get(last)?.fill(0, within);
      this.#digests.clear();
      for (const index of [...this.#pages.keys()]) {
        if (index > last || (index === last && within === 0)) this.#pages.delete(index);
      }
    }
    this.#size = size;
    return 0;
  }

  isHole(offset: number): boolean {
    return !this.#pages.has(Math.floor(offset / PAGE_SIZE));
  }

  allocate(offset: number, length: number): Errno {
    if (!this.#hasRoom(offset, length)) return ENOSPC;
    for (let index = Math.floor(offset / PAGE_SIZE); index * PAGE_SIZE < offset + length; index++) this.#page(index);
    return 0;
  }

  sync(): Errno {
    return 0;
  }

  writeState(writer: StateWriter): void {
    for (const index of [...this.#pages.keys()].sort((a, b) => a - b)) {
      writer.field('page', index);
      this.#digestOf(index).writeState(writer);
    }
  }

  #digestOf(index: number): Digest {
    let digest = this.#digests.get(index);
    if (digest === undefined) {
      digest = new Digest();
      const page = this.#pages.get(index);
      if (page !== undefined) digest.bytes(page);
      this.#digests.set(index, digest);
    }
    return digest;
  }

  /** Whether there is room for the pages of a range that are not there yet: all of them are made, or none. */
  #hasRoom(offset: number, length: number): boolean {
    let room = this.#capacity - this.#pages.size;
    for (let index = Math.floor(offset / PAGE_SIZE); index * PAGE_SIZE < offset + length; index++) {
      if (!this.#pages.has(index)) room--;
    }
    return room >= 0;
  }

  /** The page of that number, made if need be, to be written to. */
  #page(index: number): Uint8Array {
    this.#digests.delete(index);
    let page = this.#pages.get(index);
    if (page === undefined) {
      page = new Uint8Array(PAGE_SIZE);
      this.#pages.set(index, page);
    }
    return page;
  }
}
