/**
 * A sparse array of unsigned 32-bit values in which 0 means absent: page tables, and the resident pages of objects.
 *
 *     index 0 .. 2^45 - 1 = key * 2^slotBits + slot
 *
 *     directory (a gap tree of keys)      [ 1 ][ 2 ]          [ 68719476 ]
 *                                           |    |                 |
 *     leaves (Uint32Array)                [0 7 7 0 .. ] ...      [ .. 9 0 ]        each with the number of values that are not 0
 *
 * A leaf exists while it holds a value. The leaf used last is remembered, so that runs of neighbouring indexes, which is how
 * kernels go about it, look nothing up. With one leaf there is no directory: most objects are small, and there are many of them.
 *
 * => No lock of its own; whoever owns the table locks it. Even `get` changes the memory of the leaf used last, which is no state.
 * => The order is always ascending, whatever the history.
 */
import { GapTree, NO_LEAF, type Ranged } from './gap-tree.js';

/** Indexes lie below this. An address of 2^57 bytes is page 2^45. */
export const SPARSE_TABLE_LIMIT = 2 ** 45;

const DEFAULT_SLOT_BITS = 9;

/** How a table is built; nothing that its answers depend on, except those of `hasLeaf`. */
export interface SparseTableOptions {
  /** Binary logarithm of the slots of a leaf, 0 to 20. 9 unless said otherwise: 512 slots, as a page-table page of amd64 has. */
  readonly slotBits?: number;
}

/** A run of slots, in the directory as the range [key, key + 1). */
export class SparseLeaf implements Ranged {
  start: number;
  end: number;
  leaf = NO_LEAF;
  readonly slots: Uint32Array;
  /** How many slots are not 0. */
  live = 0;

  constructor(key: number, slotCount: number) {
    this.start = key;
    this.end = key + 1;
    this.slots = new Uint32Array(slotCount);
  }
}

/** Unsigned 32-bit values by index, where most indexes have none. */
export class SparseTable {
  private readonly slotCount: number;
  private readonly slotMask: number;
  /** 1 / slotCount, which is exact: a multiplication finds the key, where a shift would lose all above 32 bits. */
  private readonly keysPerIndex: number;
  /** All leaves once there were two; null before, and then `recent` is the only one. */
  private directory: GapTree<SparseLeaf> | null = null;
  /** The leaf used last. */
  private recent: SparseLeaf | null = null;
  /** Its key, NaN when there is none, which equals no key. Kept here to be spared a look at a leaf that is not the one wanted. */
  private recentKey = Number.NaN;
  /** A leaf that has emptied, all 0: mapping and unmapping a page by turns need not allocate. */
  private spare: SparseLeaf | null = null;
  private present = 0;

  constructor(options?: SparseTableOptions) {
    const slotBits = options?.slotBits ?? DEFAULT_SLOT_BITS;
    if (!(Number.isInteger(slotBits) && slotBits >= 0 && slotBits <= 20)) {
      throw new Error(`the slot bits of a sparse table must be a whole number from 0 to 20, not ${slotBits}`);
    }
    this.slotCount = 2 ** slotBits;
    this.slotMask = this.slotCount - 1;
    this.keysPerIndex = 1 / this.slotCount;
  }

  /** How many values are not 0. O(1). */
  get count(): number {
    return this.present;
  }

  /** The value at an index, 0 when there is none. O(1) in the leaf used last, O(log leaves) in another. */
  get(index: number): number {
    const leaf = this.leafAt(Math.floor(index * this.keysPerIndex));
    return leaf === null ? 0 : (leaf.slots[index & this.slotMask] as number);
  }

  /**
   * Sets the value at an index; 0 removes it.
   *
   * => Throws when the index is not a whole number in [0, 2^45), or the value not one in [0, 2^32).
   *
   * O(1) in the leaf used last, O(log leaves) in another. Allocates when it is the first value of its leaf.
   */
  set(index: number, value: number): void {
    if (!(index >= 0 && index < SPARSE_TABLE_LIMIT && Math.floor(index) === index)) {
      throw new Error(`${index} is no index of a sparse table`);
    }
    if (value >>> 0 !== value) throw new Error(`${value} is no unsigned 32-bit value, and cannot be set at index ${index}`);

    const key = Math.floor(index * this.keysPerIndex);
    let leaf = this.leafAt(key);
    if (leaf === null) {
      if (value === 0) return;
      leaf = this.addLeaf(key);
    }
    const slot = index & this.slotMask;
    const old = leaf.slots[slot] as number;
    leaf.slots[slot] = value;
    if (old === 0 && value !== 0) {
      leaf.live++;
      this.present++;
    } else if (old !== 0 && value === 0) {
      leaf.live--;
      this.present--;
      if (leaf.live === 0) this.removeLeaf(leaf);
    }
  }

  /** Whether there is a leaf for an index, so that setting it allocates nothing: whether the page-table page is there. */
  hasLeaf(index: number): boolean {
    return this.leafAt(Math.floor(index * this.keysPerIndex)) !== null;
  }

  /**
   * The least index in [index, end) with a value other than 0, or -1.
   *
   * Costs the slots that it passes in existing leaves, and O(log leaves) for each leaf; absent leaves cost nothing, however many.
   */
  next(index: number, end: number): number {
    let leaf = this.leafFrom(Math.floor(index * this.keysPerIndex));
    while (leaf !== null) {
      const base = leaf.start * this.slotCount;
      const stop = Math.min(end - base, this.slotCount);
      if (stop <= 0) return -1;
      const slot = nextLive(leaf.slots, Math.max(index - base, 0), stop);
      if (slot >= 0) return base + slot;
      leaf = this.leafFrom(leaf.start + 1);
    }
    return -1;
  }

  /**
   * Visits the indexes in [start, end) with a value other than 0, in ascending order.
   *
   * => `visit` may change or remove the value at the index that it is given, and no other one.
   *
   * Costs what one `next` over the same range would, and the visits: the way to go over many values.
   */
  forEachIn(start: number, end: number, visit: (index: number, value: number) => void): void {
    let leaf = this.leafFrom(Math.floor(start * this.keysPerIndex));
    while (leaf !== null) {
      const { slots, start: key } = leaf;
      const base = key * this.slotCount;
      const stop = Math.min(end - base, this.slotCount);
      if (stop <= 0) return;
      for (let slot = nextLive(slots, Math.max(start - base, 0), stop); slot >= 0; slot = nextLive(slots, slot + 1, stop)) {
        visit(base + slot, slots[slot] as number);
      }
      leaf = this.leafFrom(key + 1);
    }
  }

  /** Removes all values, and gives the memory back. O(1). */
  clear(): void {
    this.directory = null;
    this.remember(null);
    this.spare = null;
    this.present = 0;
  }

  /** A sentence for each rule of the structure that is broken; none for a sound table. Costs every slot of every leaf. */
  check(): string[] {
    const broken = this.directory?.check() ?? [];
    // What cannot be walked cannot be counted.
    if (broken.length > 0) return broken;
    const { recent, recentKey, spare } = this;
    if (!Object.is(recent?.start ?? Number.NaN, recentKey)) {
      broken.push(`the leaf used last has key ${recent?.start}, and is remembered as ${recentKey}`);
    }
    if (recent !== null && this.directory !== null && this.directory.floor(recentKey) !== recent) {
      broken.push(`the leaf used last, with key ${recentKey}, is not in the directory`);
    }
    if (spare?.slots.some((value) => value !== 0)) broken.push('the spare leaf is not empty');
    let present = 0;
    for (let leaf = this.leafFrom(0); leaf !== null; leaf = this.leafFrom(leaf.start + 1)) {
      const live = leaf.slots.reduce((sum, value) => sum + (value === 0 ? 0 : 1), 0);
      if (live === 0) broken.push(`leaf ${leaf.start} is empty and still there`);
      if (live !== leaf.live) broken.push(`leaf ${leaf.start} holds ${live} values and counts ${leaf.live}`);
      present += live;
    }
    if (present !== this.present) broken.push(`the table holds ${present} values and counts ${this.present}`);
    return broken;
  }

  /** The leaf with a key, or null. */
  private leafAt(key: number): SparseLeaf | null {
    if (key === this.recentKey) return this.recent;
    if (this.directory === null) return null;
    const leaf = this.directory.containing(key);
    if (leaf !== null) this.remember(leaf);
    return leaf;
  }

  /** The leaf with the least key that is at least `key`, or null. */
  private leafFrom(key: number): SparseLeaf | null {
    const { directory, recent } = this;
    if (key === this.recentKey) return recent;
    if (directory === null) return recent !== null && recent.start > key ? recent : null;
    const below = directory.floor(key);
    const leaf = below === null ? directory.first : below.start === key ? below : directory.next(below);
    if (leaf !== null) this.remember(leaf);
    return leaf;
  }

  private addLeaf(key: number): SparseLeaf {
    const leaf = this.spare ?? new SparseLeaf(key, this.slotCount);
    this.spare = null;
    leaf.start = key;
    leaf.end = key + 1;
    if (this.directory === null && this.recent !== null) {
      this.directory = new GapTree<SparseLeaf>(0, SPARSE_TABLE_LIMIT * this.keysPerIndex);
      this.directory.insert(this.recent);
    }
    this.directory?.insert(leaf);
    this.remember(leaf);
    return leaf;
  }

  private removeLeaf(leaf: SparseLeaf): void {
    this.directory?.remove(leaf);
    if (leaf === this.recent) this.remember(null);
    this.spare = leaf;
  }

  private remember(leaf: SparseLeaf | null): void {
    this.recent = leaf;
    this.recentKey = leaf === null ? Number.NaN : leaf.start;
  }
}

/** The first slot in [from, to) that is not 0, or -1. */
function nextLive(slots: Uint32Array, from: number, to: number): number {
  for (let slot = from; slot < to; slot++) {
    if (slots[slot] !== 0) return slot;
  }
  return -1;
}
