/** A process of the soak, and what it must have in memory. */
import { Bytes, CHUNK_SIZE, CHUNKS_IN_PAGE, PAGE_SIZE } from './bytes.mjs';

/** @typedef {import('@faultline/kernel/direct').Process} Process */
/** @typedef {import('@faultline/kernel/direct').User} User */

/**
 * Something that a worker does: it yields calls, and is given what they answer.
 *
 * @typedef {Generator<(user: User) => unknown, void, any>} Work
 */

/** Pages one behind the other that a worker has mapped. */
export class Region {
  address;
  pages;
  /** What must be in them, from this page on. */
  bytes;
  firstPage;
  /** Whether a fork shares it. */
  shared;
  /** @type {'anonymous' | 'file' | 'segment'} */
  kind;
  wired = false;

  /** @param {{ address: number, pages: number, bytes: Bytes, firstPage: number, shared: boolean, kind: Region['kind'] }} parts */
  constructor(parts) {
    this.address = parts.address;
    this.pages = parts.pages;
    this.bytes = parts.bytes;
    this.firstPage = parts.firstPage;
    this.shared = parts.shared;
    this.kind = parts.kind;
  }

  get length() {
    return this.pages * PAGE_SIZE;
  }

  get chunks() {
    return this.pages * CHUNKS_IN_PAGE;
  }

  /** The chunk of `bytes` that is the region's first. */
  get firstChunk() {
    return this.firstPage * CHUNKS_IN_PAGE;
  }

  /** A part of it. */
  part(/** @type {number} */ skip, /** @type {number} */ pages) {
    const address = this.address + skip * PAGE_SIZE;
    const part = new Region({ ...this, address, pages, firstPage: this.firstPage + skip });
    part.wired = this.wired;
    return part;
  }
}

/** A process. */
export class Worker {
  /** @type {Process} */
  process;
  /** @type {Region[]} */
  regions = [];

  constructor(/** @type {Process} */ process) {
    this.process = process;
  }

  get pages() {
    return this.regions.reduce((sum, { pages }) => sum + pages, 0);
  }

  get wiredPages() {
    return this.regions.reduce((sum, { wired, pages }) => sum + (wired ? pages : 0), 0);
  }

  /** What a child has at first. */
  forked(/** @type {Process} */ process) {
    const child = new Worker(process);
    /** Private memory that is in several regions stays in several. @type {Map<Bytes, Bytes>} */
    const copies = new Map();
    for (const region of this.regions) {
      const inherited = region.part(0, region.pages);
      inherited.wired = false;
      if (!region.shared) {
        const copy = copies.get(region.bytes) ?? region.bytes.copy();
        copies.set(region.bytes, copy);
        inherited.bytes = copy;
      }
      child.regions.push(inherited);
    }
    return child;
  }

  /** Pages of a region are gone: it becomes shorter, or two, or none. */
  unmapped(/** @type {Region} */ region, /** @type {number} */ skip, /** @type {number} */ pages) {
    const left = [region.part(0, skip), region.part(skip + pages, region.pages - skip - pages)].filter(({ pages }) => pages > 0);
    this.regions.splice(this.regions.indexOf(region), 1, ...left);
  }

  /** Loads chunks of a region and compares them. @param {Region} region @param {number} skip @param {number} count @returns {Work} */
  *check(region, skip, count) {
    const found = new Uint8Array(count * CHUNK_SIZE);
    const errno = yield (user) => user.loadBytes(region.address + skip * CHUNK_SIZE, found);
    if (errno !== 0) throw new SoakFailure(`process ${this.process.pid} could not load what it has mapped: errno ${errno}`);
    const difference = region.bytes.difference(region.firstChunk + skip, found);
    if (difference !== null) throw new SoakFailure(`process ${this.process.pid}: ${difference}`);
  }
}

/** What the soak is there to find. */
export class SoakFailure extends Error {
  /** @override */
  name = 'SoakFailure';
}

/** Throws unless a call succeeded. @param {string} what @param {number} answer */
export function succeeded(what, answer) {
  if (answer < 0) throw new SoakFailure(`${what} failed with errno ${-answer}`);
  return answer;
}
