/**
 * The reverse map: for each managed frame, the mappings of it. What x86's pmap keeps as pv entries.
 *
 *     column    type     of      meaning
 *     head      Int32    frame   first entry of the frame's list, -1 for none
 *     attrs     Uint8    frame   ATTR_REFERENCED and ATTR_MODIFIED of mappings that are gone
 *     next      Int32    entry   next entry of the same frame, or of the free list
 *     va        Float64  entry   address that is mapped
 *     pmap      object   entry   in which pmap
 */
import type { StateWriter } from '../kern/state.js';
import { asVa, FIRST_FRAME, PAGE_SIZE, type Pfn, type Va } from './address.js';
import type { Pmap } from './pmap.js';
import { PTE_ACCESSED, PTE_DIRTY } from './pte.js';

export const ATTR_REFERENCED = 1;
export const ATTR_MODIFIED = 2;

const NONE = -1;

/** The mappings of each frame. */
export class ReverseMap {
  readonly #head: Int32Array;
  readonly #attrs: Uint8Array;
  #next = new Int32Array(64);
  #va = new Float64Array(64);
  readonly #pmap: (Pmap | null)[] = [];
  #free = NONE;
  #used = 0;

  constructor(frames: number) {
    this.#head = new Int32Array(frames).fill(NONE);
    this.#attrs = new Uint8Array(frames);
  }

  /** Number of frames that are managed: all of RAM. */
  get frames(): number {
    return this.#head.length;
  }

  attrs(pfn: Pfn): number {
    return this.#attrs[pfn - FIRST_FRAME] as number;
  }

  setAttrs(pfn: Pfn, attrs: number): void {
    this.#attrs[pfn - FIRST_FRAME] = attrs;
  }

  /** The first mapping of a frame, -1 when it has none. Go on with `next`. */
  first(pfn: Pfn): number {
    return this.#head[pfn - FIRST_FRAME] as number;
  }

  next(entry: number): number {
    return this.#next[entry] as number;
  }

  va(entry: number): Va {
    return asVa(this.#va[entry] as number);
  }

  pmap(entry: number): Pmap {
    return this.#pmap[entry] as Pmap;
  }

  /** Notes that a frame is mapped; the newest mapping comes first. */
  add(pfn: Pfn, pmap: Pmap, va: Va): void {
    const entry = this.#take();
    this.#va[entry] = va;
    this.#pmap[entry] = pmap;
    this.#next[entry] = this.first(pfn);
    this.#head[pfn - FIRST_FRAME] = entry;
  }

  /** Forgets a mapping; answers whether it was known. */
  remove(pfn: Pfn, pmap: Pmap, va: Va): boolean {
    let previous = NONE;
    for (let entry = this.first(pfn); entry !== NONE; previous = entry, entry = this.next(entry)) {
      if (this.#va[entry] !== va || this.#pmap[entry] !== pmap) continue;
      if (previous === NONE) this.#head[pfn - FIRST_FRAME] = this.next(entry);
      else this.#next[previous] = this.next(entry);
      this.#pmap[entry] = null;
      this.#next[entry] = this.#free;
      this.#free = entry;
      return true;
    }
    return false;
  }

  /** Whether there is nothing to tell of a frame: it is not mapped, and bears no attributes. */
  isBlank(pfn: Pfn): boolean {
    return this.first(pfn) === NONE && this.attrs(pfn) === 0;
  }

  /**
   * Tells of a frame. The order of its mappings makes no difference, nor does it whether an attribute is that of a mapping which is
   * there or of one which is gone: `pmapIsModified` and the others ask for either.
   */
  writeFrame(pfn: Pfn, writer: StateWriter): void {
    let attrs = this.attrs(pfn);
    const mappings: number[] = [];
    for (let entry = this.first(pfn); entry !== NONE; entry = this.next(entry)) {
      mappings.push(entry);
      const pte = this.pmap(entry).table.get(this.va(entry) / PAGE_SIZE);
      if (pte & PTE_ACCESSED) attrs |= ATTR_REFERENCED;
      if (pte & PTE_DIRTY) attrs |= ATTR_MODIFIED;
    }
    writer.field('attributes', attrs);
    if (mappings.length > 1) mappings.sort((a, b) => this.pmap(a).id - this.pmap(b).id || this.va(a) - this.va(b));
    for (const entry of mappings) {
      writer.reference('pmap', this.pmap(entry));
      writer.field('va', this.va(entry));
    }
  }

  #take(): number {
    if (this.#free !== NONE) {
      const entry = this.#free;
      this.#free = this.next(entry);
      return entry;
    }
    if (this.#used === this.#next.length) this.#grow();
    return this.#used++;
  }

  #grow(): void {
    const next = new Int32Array(this.#next.length * 2);
    next.set(this.#next);
    this.#next = next;
    const va = new Float64Array(this.#va.length * 2);
    va.set(this.#va);
    this.#va = va;
  }
}
