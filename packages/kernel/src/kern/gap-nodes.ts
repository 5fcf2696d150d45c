/**
 * The nodes of a gap tree: a B+-tree packed into two arrays. `gap-tree.ts` has the picture and the operations.
 *
 * A node is a number, the index of a block of `stride` cells in `cells` and of a block of `fanOut` items in `items`:
 *
 *     cells   COUNT PARENT PREVIOUS NEXT WIDEST LEVEL | keys: fanOut             | values: fanOut
 *     items                                             leaf: entries, branch: children
 *
 *     cell      in a leaf (level 0)                           in a branch (level 1 and up)
 *     COUNT     how many entries                              how many children
 *     PARENT    the branch above, NO_NODE for the root        the same
 *     PREVIOUS  the leaf with the next lower addresses        the same, among the branches of its level
 *     NEXT      the leaf with the next higher addresses       the same
 *     WIDEST    the largest of its gaps, in bytes             the largest of its values
 *     keys[i]   start of entry i                              keys[0] of child i
 *     values[i] end of entry i                                WIDEST of child i
 *
 * The slot behind the last key of a leaf is its fence: where the next leaf starts, or the map's end. So the gap behind entry i is
 * always keys[i + 1] - values[i], and no operation looks at a neighbour's leaf or at another entry to learn it.
 * All other unused keys are Infinity, so a search needs no count.
 *
 * Why numbers and not objects: with a million entries a search costs what its cache misses cost, and a node that is an object
 * with arrays in it costs three misses that depend on each other before the first key is read. Here it costs one.
 */

/** What a gap tree holds: the half-open range [start, end) of addresses. The tree writes all three fields. */
export interface Ranged {
  /** First address of the range, in bytes. */
  start: number;
  /** The address behind the range, in bytes. */
  end: number;
  /**
   * Where the tree keeps the entry; `NO_LEAF` while it is in no tree.
   *
   * It depends on the tree's history, so it is no part of the state which is hashed, compared or shown.
   */
  leaf: number;
}

/** The `leaf` of an entry that is in no tree. */
export const NO_LEAF = -1;

/** The absent node: the parent of the root, the neighbour beyond either end. */
export const NO_NODE = -1;

const COUNT = 0;
const PARENT = 1;
const PREVIOUS = 2;
const NEXT = 3;
const WIDEST = 4;
const LEVEL = 5;
const KEYS = 6;

/** The leaf with the lowest addresses: a split makes a node on the right, a merge frees the one on the right. */
export const FIRST_LEAF = 0;

/** Keys of a node unless the tree is told otherwise. Measured: wider nodes cost more to change, narrower ones to find. */
export const DEFAULT_FAN_OUT = 32;

/** What an unused slot of `items` holds, else an entry (in a leaf) or a node (in a branch). */
type Item<E> = E | number | null;

/** The storage and the balance of a gap tree; knows slots and nodes, and leaves it to `GapTree` to refuse bad ranges. */
export class GapNodes<E extends Ranged> {
  readonly fanOut: number;
  /** The most items of a node: one less than the keys, for the fence. */
  readonly capacity: number;
  /** The fewest items of a node other than the root: a quarter, so far from a half that none splits and merges by turns. */
  readonly fewest: number;
  /** Two neighbours that together hold no more than this become one. */
  readonly mergeLimit: number;
  /** Levels of branches above the leaves. */
  height = 0;
  root = FIRST_LEAF;
  lastLeaf = FIRST_LEAF;
  private readonly stride: number;
  private readonly max: number;
  /** Packed doubles, small integers among them: one array of one kind is what the compiler makes fast. */
  private cells: number[];
  private items: Item<E>[];
  /** Head of the freed nodes, which are chained through NEXT. */
  private vacant = NO_NODE;

  constructor(max: number, fanOut: number) {
    // Below 8, a full node cannot be split in two that hold 2 items each, and with less a branch offers no neighbour to merge with.
    if (fanOut < 8 || (fanOut & (fanOut - 1)) !== 0) {
      throw new Error(`a gap tree's fan-out must be a power of two and at least 8, not ${fanOut}`);
    }
    this.max = max;
    this.fanOut = fanOut;
    this.capacity = fanOut - 1;
    this.fewest = fanOut >> 2;
    this.mergeLimit = 3 * this.fewest;
    this.stride = KEYS + 2 * fanOut;
    this.cells = cellsOfFirstLeaf(fanOut, max);
    this.items = itemsOfFirstLeaf(fanOut);
  }

  /** Forgets every node and starts again with one empty leaf. Does not touch the entries. */
  reset(): void {
    this.cells = cellsOfFirstLeaf(this.fanOut, this.max);
    this.items = itemsOfFirstLeaf(this.fanOut);
    this.vacant = NO_NODE;
    this.height = 0;
    this.root = FIRST_LEAF;
    this.lastLeaf = FIRST_LEAF;
  }

  /** Nodes that were ever allocated: those of the tree and the freed ones. */
  get nodeCount(): number {
    return this.items.length / this.fanOut;
  }

  /** Nodes that wait to be used again. */
  countFree(): number {
    let free = 0;
    for (let node = this.vacant; node !== NO_NODE && free <= this.nodeCount; node = this.next(node)) free++;
    return free;
  }

  count(node: number): number {
    return (this.cells[node * this.stride + COUNT] as number) | 0;
  }

  parent(node: number): number {
    return (this.cells[node * this.stride + PARENT] as number) | 0;
  }

  previous(node: number): number {
    return (this.cells[node * this.stride + PREVIOUS] as number) | 0;
  }

  next(node: number): number {
    return (this.cells[node * this.stride + NEXT] as number) | 0;
  }

  widest(node: number): number {
    return this.cells[node * this.stride + WIDEST] as number;
  }

  level(node: number): number {
    return (this.cells[node * this.stride + LEVEL] as number) | 0;
  }

  /** keys[slot]; the slot behind the last one of a leaf holds the fence. */
  key(node: number, slot: number): number {
    return this.cells[node * this.stride + KEYS + slot] as number;
  }

  /** values[slot]: the end of an entry, or the widest gap below a child. */
  value(node: number, slot: number): number {
    return this.cells[node * this.stride + KEYS + this.fanOut + slot] as number;
  }

  item(node: number, slot: number): Item<E> {
    return this.items[node * this.fanOut + slot] as Item<E>;
  }

  /** The entry in a slot below the count of a leaf. */
  entry(leaf: number, slot: number): E {
    return this.items[leaf * this.fanOut + slot] as E;
  }

  /** The child in a slot below the count of a branch. */
  child(branch: number, slot: number): number {
    return this.items[branch * this.fanOut + slot] as number;
  }

  /** The gap behind the entry in a slot of a leaf, in bytes. */
  gap(leaf: number, slot: number): number {
    return this.key(leaf, slot + 1) - this.value(leaf, slot);
  }

  /**
   * The last slot whose key is at most `addr`, or -1. `addr` must be below the map's end.
   *
   * A conditional branch and not arithmetic: mispredicted half of the time, but the processor loads the next key and the item
   * before it knows the outcome, which is worth more as soon as the nodes are out of the nearest cache.
   */
  slotOf(node: number, addr: number): number {
    const cells = this.cells;
    const before = node * this.stride + KEYS - 1;
    let at = before;
    for (let step = this.fanOut >> 1; step > 0; step >>= 1) {
      if ((cells[at + step] as number) <= addr) at += step;
    }
    return at - before - 1;
  }

  /** The leaf of the entry with the greatest start at or below `addr`, or the first leaf. `addr` must be below the map's end. */
  leafOf(addr: number): number {
    let node = this.root;
    for (let level = this.height; level > 0; level--) {
      const slot = this.slotOf(node, addr);
      node = this.child(node, Math.max(slot, 0));
    }
    return node;
  }

  /** The slot of a node in its parent. Finds it by the node's first key, which the parent repeats. */
  slotInParent(node: number): number {
    return this.slotOf(this.parent(node), this.key(node, 0));
  }

  /** Puts an entry into a slot of a leaf that is not full. The caller tells `rekey` and `noteGap` what that changes. */
  insertEntry(leaf: number, slot: number, entry: E): void {
    this.open(leaf, slot, 1);
    this.put(leaf, slot, entry.start, entry.end, entry);
  }

  /** Takes an entry out of its slot. The caller tells `rekey`, `noteGap` and `rebalance`. */
  removeEntry(leaf: number, slot: number): void {
    this.entry(leaf, slot).leaf = NO_LEAF;
    this.close(leaf, slot, 1);
  }

  setEnd(leaf: number, slot: number, end: number): void {
    this.cells[leaf * this.stride + KEYS + this.fanOut + slot] = end;
  }

  setStart(leaf: number, slot: number, start: number): void {
    this.cells[leaf * this.stride + KEYS + slot] = start;
  }

  /**
   * Tells all who repeat the first key of a leaf that it moves: the leaf before it, as its fence, and the branches above.
   *
   * The leaf itself still holds the old key, and the order does not change. Stops at the first branch where the key is not the
   * first one.
   */
  rekey(leaf: number, was: number, now: number): void {
    const previous = this.previous(leaf);
    if (previous !== NO_NODE) {
      const end = this.value(previous, this.count(previous) - 1);
      this.setFence(previous, now);
      this.noteGap(previous, was - end, now - end);
    }
    for (let node = this.parent(leaf); node !== NO_NODE; node = this.parent(node)) {
      const slot = this.slotOf(node, was);
      this.cells[node * this.stride + KEYS + slot] = now;
      if (slot > 0) return;
    }
  }

  /**
   * Keeps the maxima after gaps of a node changed from at most `was` to at most `now` bytes; 0 is no gap.
   *
   * Looks through a node only when its widest gap may have shrunk, and climbs only as far as a maximum changes. If it climbs
   * because a maximum shrank, that was `was` on every level.
   */
  noteGap(node: number, was: number, now: number): void {
    let at = node;
    let gap = now;
    for (;;) {
      const widest = this.widest(at);
      if (gap <= widest && was < widest) return;
      if (gap < widest) gap = this.findWidest(at, widest);
      if (gap === widest) return;
      this.cells[at * this.stride + WIDEST] = gap;
      const parent = this.parent(at);
      if (parent === NO_NODE) return;
      this.cells[parent * this.stride + KEYS + this.fanOut + this.slotInParent(at)] = gap;
      at = parent;
    }
  }

  /** The largest gap of a leaf, or the largest value of a branch, counted anew. Stops early when it finds one of `bound`. */
  findWidest(node: number, bound: number = Infinity): number {
    const cells = this.cells;
    const keys = node * this.stride + KEYS;
    const toValue = this.fanOut;
    const end = keys + this.count(node);
    let widest = 0;
    if (this.level(node) === 0) {
      for (let at = keys; at < end && widest < bound; at++) {
        const gap = (cells[at + 1] as number) - (cells[at + toValue] as number);
        if (gap > widest) widest = gap;
      }
    } else {
      for (let at = keys; at < end && widest < bound; at++) {
        const gap = cells[at + toValue] as number;
        if (gap > widest) widest = gap;
      }
    }
    return widest;
  }

  /**
   * Splits a full node, so that there is room near `slot`, where the caller wants to insert.
   *
   * In half, except at either end of the map: maps grow there, and would leave a trail of half-empty nodes.
   */
  split(node: number, slot: number): void {
    if (node === this.root) this.growRoot();
    if (this.count(this.parent(node)) === this.capacity) this.split(this.parent(node), this.slotInParent(node) + 1);
    const parent = this.parent(node);
    const inParent = this.slotInParent(node);

    const count = this.count(node);
    const fence = this.key(node, count);
    const next = this.next(node);
    let keep = (count + 1) >> 1;
    if (slot === 0) keep = this.fewest;
    else if (slot === count && next === NO_NODE) keep = count - this.fewest;

    const right = this.allocate(this.level(node));
    this.move(node, keep, right, 0, count - keep);
    this.setFences(node, right, fence);
    this.link(node, right);
    this.link(right, next);
    if (node === this.lastLeaf) this.lastLeaf = right;

    this.open(parent, inParent + 1, 1);
    this.put(parent, inParent + 1, this.key(right, 0), 0, right);
    this.recount(node, inParent);
    this.recount(right, inParent + 1);
  }

  /** Sees to it that a node which has lost an item holds its fewest: it borrows from a neighbour, or the two become one. */
  rebalance(short: number): void {
    let node = short;
    while (node !== this.root && this.count(node) < this.fewest) {
      const parent = this.parent(node);
      const slot = Math.max(this.slotInParent(node) - 1, 0);
      const left = this.child(parent, slot);
      const right = this.child(parent, slot + 1);
      if (this.count(left) + this.count(right) > this.mergeLimit) {
        this.even(left, right, slot);
        return;
      }
      this.merge(left, right, slot);
      node = parent;
    }
    if (this.height > 0 && this.count(this.root) === 1) this.shrinkRoot();
  }

  /** Shares the items of two neighbours evenly; `slot` is the left one's place in their parent. */
  private even(left: number, right: number, slot: number): void {
    const fence = this.key(right, this.count(right));
    const surplus = this.count(left) - this.count(right);
    const howMany = Math.abs(surplus) >> 1;
    if (surplus > 0) this.move(left, this.count(left) - howMany, right, 0, howMany);
    else this.move(right, 0, left, this.count(left), howMany);
    this.setFences(left, right, fence);
    this.setStart(this.parent(right), slot + 1, this.key(right, 0));
    this.recount(left, slot);
    this.recount(right, slot + 1);
  }

  /** Moves all items of the right neighbour to the left one and frees it; `slot` is the left one's place in their parent. */
  private merge(left: number, right: number, slot: number): void {
    const fence = this.key(right, this.count(right));
    this.move(right, 0, left, this.count(left), this.count(right));
    if (this.level(left) === 0) this.setFence(left, fence);
    this.link(left, this.next(right));
    if (right === this.lastLeaf) this.lastLeaf = left;
    this.close(this.parent(left), slot + 1, 1);
    this.recount(left, slot);
    this.free(right);
  }

  private growRoot(): void {
    const old = this.root;
    this.root = this.allocate(this.level(old) + 1);
    this.height++;
    this.open(this.root, 0, 1);
    this.put(this.root, 0, this.key(old, 0), this.widest(old), old);
    this.cells[this.root * this.stride + WIDEST] = this.widest(old);
  }

  private shrinkRoot(): void {
    const old = this.root;
    this.root = this.child(old, 0);
    this.height--;
    this.cells[this.root * this.stride + PARENT] = NO_NODE;
    this.free(old);
  }

  /** Counts a node's widest gap anew and repeats it in its parent, whose own maximum the caller has not changed. */
  private recount(node: number, slotInParent: number): void {
    const widest = this.findWidest(node);
    this.cells[node * this.stride + WIDEST] = widest;
    this.cells[this.parent(node) * this.stride + KEYS + this.fanOut + slotInParent] = widest;
  }

  /** Moves items between two nodes and closes the hole that they leave. The fences are the caller's. */
  private move(from: number, fromSlot: number, to: number, toSlot: number, howMany: number): void {
    this.open(to, toSlot, howMany);
    for (let i = 0; i < howMany; i++) {
      this.put(to, toSlot + i, this.key(from, fromSlot + i), this.value(from, fromSlot + i), this.item(from, fromSlot + i));
    }
    this.close(from, fromSlot, howMany);
  }

  /** Fills one slot, and tells the item where it is now. */
  private put(node: number, slot: number, key: number, value: number, item: Item<E>): void {
    const at = node * this.stride + KEYS + slot;
    this.cells[at] = key;
    this.cells[at + this.fanOut] = value;
    this.items[node * this.fanOut + slot] = item;
    if (typeof item === 'number') this.cells[item * this.stride + PARENT] = node;
    else if (item !== null) item.leaf = node;
  }

  /** Moves the slots from `slot` on up by a distance, the fence with them; the opened slots hold what they held. */
  private open(node: number, slot: number, distance: number): void {
    const { cells, items } = this;
    const keys = node * this.stride + KEYS;
    const values = keys + this.fanOut;
    const first = node * this.fanOut;
    const count = this.count(node);
    cells[keys + count + distance] = cells[keys + count] as number;
    for (let i = count - 1; i >= slot; i--) {
      cells[keys + i + distance] = cells[keys + i] as number;
      cells[values + i + distance] = cells[values + i] as number;
      items[first + i + distance] = items[first + i] as Item<E>;
    }
    cells[node * this.stride + COUNT] = count + distance;
  }

  /** Moves the slots behind a hole down over it, the fence with them, and wipes what becomes unused. */
  private close(node: number, slot: number, distance: number): void {
    const { cells, items } = this;
    const keys = node * this.stride + KEYS;
    const values = keys + this.fanOut;
    const first = node * this.fanOut;
    const left = this.count(node) - distance;
    for (let i = slot; i < left; i++) {
      cells[keys + i] = cells[keys + i + distance] as number;
      cells[values + i] = cells[values + i + distance] as number;
      items[first + i] = items[first + i + distance] as Item<E>;
    }
    cells[keys + left] = cells[keys + left + distance] as number;
    for (let i = left; i < left + distance; i++) {
      cells[keys + i + 1] = Infinity;
      items[first + i] = null;
    }
    cells[node * this.stride + COUNT] = left;
  }

  private setFence(leaf: number, fence: number): void {
    this.cells[leaf * this.stride + KEYS + this.count(leaf)] = fence;
  }

  /** Sets the fences of two neighbours among which items have moved. Branches have none: there Infinity stays. */
  private setFences(left: number, right: number, rightFence: number): void {
    if (this.level(left) > 0) return;
    this.setFence(left, this.key(right, 0));
    this.setFence(right, rightFence);
  }

  private link(left: number, right: number): void {
    this.cells[left * this.stride + NEXT] = right;
    if (right !== NO_NODE) this.cells[right * this.stride + PREVIOUS] = left;
  }

  /** An empty node without relations, from those that were freed or at the end of the arrays. */
  private allocate(level: number): number {
    const { cells, items } = this;
    let node = this.vacant;
    if (node === NO_NODE) {
      node = this.nodeCount;
      for (let i = 0; i < this.stride; i++) cells.push(0);
      for (let i = 0; i < this.fanOut; i++) items.push(null);
    } else {
      this.vacant = this.next(node);
    }
    const at = node * this.stride;
    cells[at + COUNT] = 0;
    cells[at + PARENT] = NO_NODE;
    cells[at + PREVIOUS] = NO_NODE;
    cells[at + NEXT] = NO_NODE;
    cells[at + WIDEST] = 0;
    cells[at + LEVEL] = level;
    for (let slot = 0; slot < this.fanOut; slot++) cells[at + KEYS + slot] = Infinity;
    return node;
  }

  private free(node: number): void {
    const first = node * this.fanOut;
    for (let slot = 0; slot < this.fanOut; slot++) this.items[first + slot] = null;
    this.cells[node * this.stride + NEXT] = this.vacant;
    this.vacant = node;
  }
}

/** The cells of an empty node. The fractions make the array one of doubles, whatever is stored in it later. */
function emptyCells(fanOut: number): number[] {
  const cells = [0.5];
  cells.pop();
  cells.push(0, NO_NODE, NO_NODE, NO_NODE, 0, 0);
  for (let slot = 0; slot < fanOut; slot++) cells.push(Infinity);
  for (let slot = 0; slot < fanOut; slot++) cells.push(0);
  return cells;
}

/** Copied and not built for each tree: programs make many small maps, and a copy costs a tenth. */
const EMPTY_CELLS: readonly number[] = emptyCells(DEFAULT_FAN_OUT);
const EMPTY_ITEMS: readonly null[] = Array.from({ length: DEFAULT_FAN_OUT }, () => null);

function cellsOfFirstLeaf(fanOut: number, max: number): number[] {
  const cells = fanOut === DEFAULT_FAN_OUT ? EMPTY_CELLS.slice() : emptyCells(fanOut);
  cells[KEYS] = max;
  return cells;
}

function itemsOfFirstLeaf<E>(fanOut: number): Item<E>[] {
  return fanOut === DEFAULT_FAN_OUT ? EMPTY_ITEMS.slice() : Array.from({ length: fanOut }, () => null);
}
