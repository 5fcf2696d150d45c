/**
 * What `pmap(9)` promises, said plainly: a list of mappings, and for each page whether it was used and stored to. Nothing of page
 * tables, reverse maps and pending invalidations; a change is visible at once, and the addresses are noted at which processors may
 * not know of it yet.
 */
import { PROT_EXEC, PROT_NONE, PROT_READ, PROT_WRITE, type Protection } from '../src/machine/protection.js';

/** A mapping of a page in a space. */
export interface ModelMapping {
  readonly space: number;
  readonly page: number;
  frame: number;
  protection: Protection;
  wired: boolean;
  used: boolean;
  dirty: boolean;
}

/** How a page is mapped. */
export interface ModelEntering {
  readonly protection: Protection;
  readonly wired: boolean;
  /** The access that causes it. */
  readonly access: Protection;
}

/** The mappings of all spaces. */
export class PmapModel {
  mappings: ModelMapping[] = [];
  /** Frames that were used, and stored to, through mappings that are gone. */
  readonly used = new Set<number>();
  readonly dirty = new Set<number>();
  /** By space, the pages whose old translation a processor may still have. */
  readonly unannounced: readonly Set<number>[];
  /** Frames of RAM: only of these is the use remembered. */
  readonly ram: number;

  constructor(options: { spaces: number; ram: number }) {
    this.ram = options.ram;
    this.unannounced = Array.from({ length: options.spaces }, () => new Set<number>());
  }

  at(space: number, page: number): ModelMapping | undefined {
    return this.mappings.find((mapping) => mapping.space === space && mapping.page === page);
  }

  in(space: number): ModelMapping[] {
    return this.mappings.filter((mapping) => mapping.space === space);
  }

  /** The mappings of a frame that page-wide operations see. */
  of(frame: number): ModelMapping[] {
    return frame < this.ram ? this.mappings.filter((mapping) => mapping.frame === frame && mapping.space !== KERNEL) : [];
  }

  isUsed(frame: number): boolean {
    return this.used.has(frame) || this.of(frame).some(({ used }) => used);
  }

  isDirty(frame: number): boolean {
    return this.dirty.has(frame) || this.of(frame).some(({ dirty }) => dirty);
  }

  enter(space: number, page: number, frame: number, { protection, wired, access }: ModelEntering): void {
    const old = this.at(space, page);
    const same = old?.frame === frame ? old : undefined;
    if (old !== undefined) this.remove(old);
    const used = access !== PROT_NONE || same?.used === true;
    const dirty = (access & PROT_WRITE) !== 0 || same?.dirty === true;
    this.mappings.push({ space, page, frame, protection, wired, used, dirty });
  }

  /** The kernel's own way, which replaces what was there without remembering how it was used. */
  kenter(page: number, frame: number, protection: Protection): void {
    this.protectRange(KERNEL, page, page + 1, PROT_NONE);
    this.mappings.push({ space: KERNEL, page, frame, protection, wired: true, used: false, dirty: false });
  }

  remove(mapping: ModelMapping): void {
    this.mappings = this.mappings.filter((other) => other !== mapping);
    this.#changed(mapping);
    if (mapping.frame >= this.ram || mapping.space === KERNEL) return;
    if (mapping.used) this.used.add(mapping.frame);
    if (mapping.dirty) this.dirty.add(mapping.frame);
  }

  restrict(mapping: ModelMapping, protection: Protection): void {
    const reduced = mapping.protection & protection;
    if (reduced === mapping.protection) return;
    mapping.protection = reduced;
    this.#changed(mapping);
    // The next store has to be noticed again.
    if (mapping.dirty && (reduced & PROT_WRITE) === 0 && this.of(mapping.frame).includes(mapping)) {
      mapping.dirty = false;
      this.dirty.add(mapping.frame);
    }
  }

  protectRange(space: number, first: number, end: number, protection: Protection): void {
    for (const mapping of this.#range(space, first, end)) {
      if (protection & PROT_READ) this.restrict(mapping, protection);
      else this.remove(mapping);
    }
  }

  restrictRange(space: number, first: number, end: number, protection: Protection): void {
    for (const mapping of this.#range(space, first, end)) this.restrict(mapping, protection);
  }

  protectPage(frame: number, protection: Protection): void {
    if (protection & PROT_WRITE) return;
    for (const mapping of this.of(frame)) {
      if (protection === PROT_NONE) this.remove(mapping);
      else this.restrict(mapping, protection);
      this.announce(mapping.space);
    }
  }

  clear(frame: number, bit: 'used' | 'dirty'): void {
    this[bit].delete(frame);
    for (const mapping of this.of(frame)) {
      if (!mapping[bit]) continue;
      mapping[bit] = false;
      this.announce(mapping.space);
    }
  }

  announce(space: number): void {
    this.unannounced[space]?.clear();
  }

  /** What an access finds that asks the page table, and what it leaves there; undefined when it must fault. */
  walk(space: number, page: number, access: Protection): ModelMapping | undefined {
    const mapping = this.at(space, page);
    if (mapping === undefined || (mapping.protection & access) === 0) return undefined;
    mapping.used = true;
    if (access === PROT_WRITE) mapping.dirty = true;
    return mapping;
  }

  /** Whether a translation says what the mappings do not. */
  isStale(space: number, page: number, translation: { frame: number; writable: boolean; executable: boolean }): boolean {
    const mapping = this.at(space, page);
    if (mapping === undefined || mapping.frame !== translation.frame) return true;
    if (translation.executable && (mapping.protection & PROT_EXEC) === 0) return true;
    return translation.writable && !((mapping.protection & PROT_WRITE) !== 0 && mapping.dirty);
  }

  #range(space: number, first: number, end: number): ModelMapping[] {
    return this.in(space).filter(({ page }) => page >= first && page < end);
  }

  #changed({ space, page }: ModelMapping): void {
    this.unannounced[space]?.add(page);
  }
}

/** The space of the kernel, whose mappings page-wide operations do not see. */
export const KERNEL = 0;
