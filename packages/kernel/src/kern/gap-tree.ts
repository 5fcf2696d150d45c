/**
 * A sorted set of disjoint address ranges which knows its largest gaps: what the map entries of both kernels live in.
 *
 * A B+-tree. Ranges are half-open; the gap behind an entry reaches to the next entry or to the map's end, and every node knows
 * its widest gap. The gap before the first entry belongs to no entry; the searches look at it by themselves.
 *
 *     min                                                                                                    max
 *      |........[=A=)[=B=)....[==C==)|...[=D=)......[=E=).............[=F=)|..[=G=)....[=H=)[===I===)..........|
 *       front        0     4         3         6             13            2         4      0            10
 *
 *     level 1                    [ A: 4 | D: 13 | G: 10 ]             first key and widest gap of each child
 *                                 /         |          \
 *     level 0      [ A 0  B 4  C 3 ] <-> [ D 6  E 13  F 2 ] <-> [ G 4  H 0  I 10 ]
 *
 * `floor` goes down by the keys. A search for a gap first tries the gap at its boundary, then goes from there to one side: over
 * the slots of a leaf, up to the first branch that has a child on that side whose widest gap suffices, and straight down to it.
 *
 * It stands for uvm_map's rb-tree with gap and maxgap (uvm_rb_insert(), uvm_map_findspace(), sys/uvm/uvm_map.c) and for vm_map's
 * splay tree with max_free (vm_map_splay(), vm_map_findspace(), sys/vm/vm_map.c). Neither shape is wanted: both are binary, and
 * with a million entries a lookup would be twenty cache misses. Here it is the few that the nodes of `gap-nodes.ts` cost.
 *
 * => The tree has no lock; the lock of the map that owns it is held, for reading to search and for writing to change.
 * => Nothing sleeps. A broken rule of use is thrown as an Error which names the ranges.
 * => Answers depend on the ranges alone; the shape of the nodes depends on history. State is told by the entries in their order.
 */
import { checkGapNodes, entryText, rangeText } from './gap-check.js';
import { DEFAULT_FAN_OUT, FIRST_LEAF, GapNodes, NO_LEAF, NO_NODE, type Ranged } from './gap-nodes.js';

export { NO_LEAF, type Ranged } from './gap-nodes.js';

/** How a tree is built; nothing that its answers depend on. */
export interface GapTreeOptions {
  /** Keys of a node, a power of two, at least 8. Tests make it small to have several levels with few entries. */
  readonly fanOut?: number;
}

/**
 * Disjoint ranges in ascending order, with the gaps between them.
 *
 * The entries are the caller's objects. While one is in the tree, only the tree writes its `start`, `end` and `leaf`.
 */
export class GapTree<E extends Ranged> implements Iterable<E> {
  /** The lowest address that an entry may start at. Never changes. */
  readonly min: number;
  /** The highest address that an entry may end at. Never changes. */
  readonly max: number;
  private readonly nodes: GapNodes<E>;
  private entries = 0;

  /** An empty tree for ranges inside [min, max), addresses in bytes and below 2^53. */
  constructor(min: number, max: number, options?: GapTreeOptions) {
    if (!(min >= 0 && min < max && max <= Number.MAX_SAFE_INTEGER)) {
      throw new Error(`a gap tree cannot span ${rangeText(min, max)}`);
    }
    this.min = min;
    this.max = max;
    this.nodes = new GapNodes(max, options?.fanOut ?? DEFAULT_FAN_OUT);
  }

  /** How many entries there are. */
  get size(): number {
    return this.entries;
  }

  /** The entry with the lowest addresses, or null. O(1). */
  get first(): E | null {
    return this.entries === 0 ? null : this.nodes.entry(FIRST_LEAF, 0);
  }

  /** The entry with the highest addresses, or null. O(1). */
  get last(): E | null {
    const { nodes } = this;
    return this.entries === 0 ? null : nodes.entry(nodes.lastLeaf, nodes.count(nodes.lastLeaf) - 1);
  }

  /**
   * The entry with the greatest start at or below an address, whether or not it reaches it, or null.
   *
   * O(log n), no allocation. Looks at no field of an entry.
   */
  floor(addr: number): E | null {
    if (addr >= this.max) return this.last;
    const { nodes } = this;
    const leaf = nodes.leafOf(addr);
    const slot = nodes.slotOf(leaf, addr);
    return slot < 0 ? null : nodes.entry(leaf, slot);
  }

  /**
   * The entry that contains an address, or null.
   *
   * O(log n), no allocation. The same as `floor` and a look at the entry's end, but looks at no field of an entry, which
   * in a large map saves two cache misses: the entry, and the box in which the engine keeps a field with a large number.
   */
  containing(addr: number): E | null {
    if (addr >= this.max) return null;
    const { nodes } = this;
    const leaf = nodes.leafOf(addr);
    const slot = nodes.slotOf(leaf, addr);
    return slot < 0 || nodes.value(leaf, slot) <= addr ? null : nodes.entry(leaf, slot);
  }

  /** The entry that follows one of the tree's entries, or null. O(1): a search in one leaf. */
  next(entry: E): E | null {
    const { nodes } = this;
    const slot = this.slotOf(entry) + 1;
    if (slot < nodes.count(entry.leaf)) return nodes.entry(entry.leaf, slot);
    const leaf = nodes.next(entry.leaf);
    return leaf === NO_NODE ? null : nodes.entry(leaf, 0);
  }

  /** The entry before one of the tree's entries, or null. O(1): a search in one leaf. */
  previous(entry: E): E | null {
    const { nodes } = this;
    const slot = this.slotOf(entry);
    if (slot > 0) return nodes.entry(entry.leaf, slot - 1);
    const leaf = nodes.previous(entry.leaf);
    return leaf === NO_NODE ? null : nodes.entry(leaf, nodes.count(leaf) - 1);
  }

  /** The free bytes between one of the tree's entries and the next one, or the map's end. O(1). */
  gapAfter(entry: E): number {
    return this.nodes.gap(entry.leaf, this.slotOf(entry));
  }

  /**
   * Puts an entry into the tree.
   *
   * => Throws when it is empty, leaves the bounds, overlaps an entry or is in a tree already. The tree is then unchanged.
   *
   * O(log n): finds the leaf, and as a rule changes nothing else.
   */
  insert(entry: E): void {
    const { nodes } = this;
    const { start, end } = entry;
    assertInNoTree(entry);
    this.assertInside('insert', start, end);

    let leaf = nodes.leafOf(start);
    let slot = nodes.slotOf(leaf, start) + 1;
    const gapStart = slot > 0 ? nodes.value(leaf, slot - 1) : this.min;
    const gapEnd = nodes.key(leaf, slot);
    if (start < gapStart || end > gapEnd) throw new Error(this.overlapText('insert', start, end));

    if (nodes.count(leaf) === nodes.capacity) {
      nodes.split(leaf, slot);
      leaf = nodes.leafOf(start);
      slot = nodes.slotOf(leaf, start) + 1;
    }
    // Only the first leaf can get a new first key: in any other the search has found a key at or below the start.
    if (slot === 0) nodes.rekey(leaf, gapEnd, start);
    nodes.insertEntry(leaf, slot, entry);
    const before = slot === 0 ? 0 : start - gapStart;
    nodes.noteGap(leaf, slot === 0 ? 0 : gapEnd - gapStart, Math.max(before, gapEnd - end));
    this.entries++;
  }

  /**
   * Takes an entry out of the tree.
   *
   * => Throws when it is not in this tree.
   *
   * O(1) but for the rare merges of nodes and the maxima above, O(log n) at most.
   */
  remove(entry: E): void {
    const { nodes } = this;
    const { leaf } = entry;
    const slot = this.slotOf(entry);
    const behind = nodes.gap(leaf, slot);
    if (slot === 0) {
      nodes.rekey(leaf, nodes.key(leaf, 0), nodes.key(leaf, 1));
      nodes.removeEntry(leaf, 0);
      nodes.noteGap(leaf, behind, 0);
    } else {
      const before = nodes.gap(leaf, slot - 1);
      nodes.removeEntry(leaf, slot);
      nodes.noteGap(leaf, Math.max(before, behind), nodes.gap(leaf, slot - 1));
    }
    nodes.rebalance(leaf);
    this.entries--;
  }

  /**
   * Changes the range of an entry in place: a clip shortens it, a merge lengthens it. Writes its `start` and `end`.
   *
   * => Throws when the new range is empty, leaves the bounds or overlaps a neighbour, so the order never changes. Nothing is
   *    then changed.
   *
   * O(1) but for the maxima above, O(log n) at most.
   */
  resize(entry: E, start: number, end: number): void {
    const { nodes } = this;
    const { leaf } = entry;
    const slot = this.slotOf(entry);
    const oldStart = nodes.key(leaf, slot);
    const oldEnd = nodes.value(leaf, slot);
    this.assertInside('resize', start, end);

    const gapEnd = nodes.key(leaf, slot + 1);
    const gapStart = start === oldStart ? start : this.endBefore(leaf, slot);
    if (start < gapStart || end > gapEnd) {
      const other = start < gapStart ? this.previous(entry) : this.next(entry);
      throw new Error(
        `cannot resize ${rangeText(oldStart, oldEnd)} to ${rangeText(start, end)}: it overlaps ${entryText(other)}`,
      );
    }

    if (start !== oldStart) {
      if (slot === 0) nodes.rekey(leaf, oldStart, start);
      nodes.setStart(leaf, slot, start);
      if (slot > 0) nodes.noteGap(leaf, oldStart - gapStart, start - gapStart);
      entry.start = start;
    }
    if (end !== oldEnd) {
      nodes.setEnd(leaf, slot, end);
      nodes.noteGap(leaf, gapEnd - oldEnd, gapEnd - end);
      entry.end = end;
    }
  }

  /**
   * Cuts the end off an entry: it keeps the front, and `tail`, a new entry which says which range it wants, gets the rest.
   *
   * => Throws when `tail` does not start inside the entry and end with it, or is in a tree already.
   *
   * O(1) but for the rare splits. No gap comes or goes, which makes it much cheaper than `resize` and `insert`.
   * UVM_MAP_CLIP_END(), sys/uvm/uvm_map.c; vm_map_clip_end(), sys/vm/vm_map.c.
   */
  clipEnd(entry: E, tail: E): void {
    const { nodes } = this;
    if (!(entry.start < tail.start && tail.start < entry.end && tail.end === entry.end))
      throw new Error(clipText('end', entry, tail));
    assertInNoTree(tail);
    const slot = this.slotForClip(entry);
    nodes.setEnd(entry.leaf, slot, tail.start);
    nodes.insertEntry(entry.leaf, slot + 1, tail);
    entry.end = tail.start;
    this.entries++;
  }

  /**
   * Cuts the start off an entry: it keeps the rest, and `front`, a new entry which says which range it wants, gets the front.
   *
   * => Throws when `front` does not start with the entry and end inside it, or is in a tree already.
   *
   * O(1) but for the rare splits. UVM_MAP_CLIP_START(), sys/uvm/uvm_map.c; vm_map_clip_start(), sys/vm/vm_map.c.
   */
  clipStart(entry: E, front: E): void {
    const { nodes } = this;
    if (!(entry.start < front.end && front.end < entry.end && front.start === entry.start))
      throw new Error(clipText('start', entry, front));
    assertInNoTree(front);
    const slot = this.slotForClip(entry);
    nodes.insertEntry(entry.leaf, slot, front);
    nodes.setStart(entry.leaf, slot + 1, front.end);
    entry.start = front.end;
    this.entries++;
  }

  /**
   * Takes out an entry which touches another one, and gives its range to that one: the opposite of a clip.
   *
   * => Throws when there is something between them, or one of them is not in this tree.
   *
   * O(1) but for the rare merges of nodes; O(log n) when the two are in different leaves.
   * uvm_mapent_trymerge(), sys/uvm/uvm_map.c; vm_map_entry_unlink() with UNLINK_MERGE_NEXT, sys/vm/vm_map.c.
   */
  absorb(entry: E, neighbour: E): void {
    const { nodes } = this;
    const start = Math.min(entry.start, neighbour.start);
    const end = Math.max(entry.end, neighbour.end);
    if (entry.end !== neighbour.start && entry.start !== neighbour.end) {
      throw new Error(`${entryText(entry)} cannot absorb ${entryText(neighbour)}: they do not touch`);
    }
    const { leaf } = entry;
    const slot = this.slotOf(entry);
    if (leaf !== neighbour.leaf) {
      this.remove(neighbour);
      this.resize(entry, start, end);
      return;
    }
    nodes.removeEntry(leaf, this.slotOf(neighbour));
    const kept = neighbour.start < entry.start ? slot - 1 : slot;
    nodes.setStart(leaf, kept, start);
    nodes.setEnd(leaf, kept, end);
    entry.start = start;
    entry.end = end;
    nodes.rebalance(leaf);
    this.entries--;
  }

  /**
   * The greatest address `at` such that the `length` bytes from it are free, inside the bounds and below `ceiling`, or -1.
   *
   * A caller whom the answer does not suit, because of alignment or colour, asks again with a ceiling of at most
   * `at + length - 1`; one that can tell the next address that would suit, `at` rounded down, asks with that plus `length`.
   *
   * O(log n), no allocation. Top-down uvm_map_findspace(), sys/uvm/uvm_map.c.
   */
  highestGap(length: number, ceiling: number): number {
    assertLength(length);
    const { nodes } = this;
    const top = Math.min(ceiling, this.max);
    if (top - length < this.min) return -1;
    let node = nodes.leafOf(top - 1);
    let slot = nodes.slotOf(node, top - 1);
    if (slot >= 0) {
      const at = Math.min(top, nodes.key(node, slot + 1)) - length;
      if (at >= nodes.value(node, slot)) return at;
      // All gaps before this entry end below the ceiling, so from here on their widths alone decide.
      for (;;) {
        slot = this.slotBelow(node, slot, length);
        if (slot >= 0 && nodes.level(node) === 0) return nodes.key(node, slot + 1) - length;
        if (slot >= 0) {
          node = nodes.child(node, slot);
          slot = nodes.count(node);
        } else {
          if (node === nodes.root) break;
          slot = nodes.slotInParent(node);
          node = nodes.parent(node);
        }
      }
    }
    const at = Math.min(top, nodes.key(nodes.root, 0)) - length;
    return at >= this.min ? at : -1;
  }

  /**
   * The least address `at`, not below `floor`, such that the `length` bytes from it are free and inside the bounds, or -1.
   *
   * A caller whom the answer does not suit, because of alignment or colour, asks again with a floor of at least `at + 1`; one
   * that can tell the next address that would suit, `at` rounded up, asks with that.
   *
   * O(log n), no allocation. Bottom-up uvm_map_findspace(), sys/uvm/uvm_map.c; vm_map_findspace(), sys/vm/vm_map.c.
   */
  lowestGap(length: number, floor: number): number {
    assertLength(length);
    const { nodes } = this;
    const bottom = Math.max(floor, this.min);
    if (bottom + length > this.max) return -1;
    let node = nodes.leafOf(bottom);
    let slot = nodes.slotOf(node, bottom);
    const at = slot < 0 ? bottom : Math.max(bottom, nodes.value(node, slot));
    if (at + length <= nodes.key(node, slot + 1)) return at;
    // All gaps behind this one start above the floor, so from here on their widths alone decide.
    for (;;) {
      slot = this.slotAbove(node, slot, length);
      if (slot >= 0 && nodes.level(node) === 0) return nodes.value(node, slot);
      if (slot >= 0) {
        node = nodes.child(node, slot);
        slot = -1;
      } else {
        if (node === nodes.root) return -1;
        slot = nodes.slotInParent(node);
        node = nodes.parent(node);
      }
    }
  }

  /**
   * Iterates over the entries in ascending order.
   *
   * => The loop may remove or resize the entry it is at, and insert others; one that is inserted right behind it is not visited.
   *    It may not remove the entry that follows.
   */
  [Symbol.iterator](): Iterator<E> {
    return new GapTreeIterator(this);
  }

  /** Takes out all entries and gives the memory of the nodes back. O(n). */
  clear(): void {
    const { nodes } = this;
    for (let leaf: number = FIRST_LEAF; leaf !== NO_NODE; leaf = nodes.next(leaf)) {
      for (let slot = 0; slot < nodes.count(leaf); slot++) nodes.entry(leaf, slot).leaf = NO_LEAF;
    }
    nodes.reset();
    this.entries = 0;
  }

  /** A sentence for each rule of the structure that is broken; none for a sound tree. O(n). */
  check(): string[] {
    return checkGapNodes(this.nodes, this);
  }

  /** The slot of one of the tree's entries in its leaf. Throws when the entry is not where it says. */
  private slotOf(entry: E): number {
    const { nodes } = this;
    const { leaf, start } = entry;
    if (leaf !== NO_LEAF) {
      const slot = nodes.slotOf(leaf, start);
      if (slot >= 0 && nodes.item(leaf, slot) === entry) return slot;
    }
    throw new Error(`${entryText(entry)} is not in this tree, or its start was changed behind the tree's back`);
  }

  /** The slot of an entry in a leaf that has room for one more. */
  private slotForClip(entry: E): number {
    const { nodes } = this;
    const slot = this.slotOf(entry);
    if (nodes.count(entry.leaf) < nodes.capacity) return slot;
    nodes.split(entry.leaf, slot + 1);
    return this.slotOf(entry);
  }

  /** Where the entry before a slot ends, or the map's start. */
  private endBefore(leaf: number, slot: number): number {
    const { nodes } = this;
    if (slot > 0) return nodes.value(leaf, slot - 1);
    const previous = nodes.previous(leaf);
    return previous === NO_NODE ? this.min : nodes.value(previous, nodes.count(previous) - 1);
  }

  /** The last slot before `slot` whose gap, or widest gap in a branch, is at least `length`; -1 when there is none. */
  private slotBelow(node: number, slot: number, length: number): number {
    const { nodes } = this;
    if (nodes.widest(node) < length) return -1;
    const isLeaf = nodes.level(node) === 0;
    for (let at = slot - 1; at >= 0; at--) {
      if ((isLeaf ? nodes.gap(node, at) : nodes.value(node, at)) >= length) return at;
    }
    return -1;
  }

  /** The first slot behind `slot` whose gap, or widest gap in a branch, is at least `length`; -1 when there is none. */
  private slotAbove(node: number, slot: number, length: number): number {
    const { nodes } = this;
    if (nodes.widest(node) < length) return -1;
    const isLeaf = nodes.level(node) === 0;
    const count = nodes.count(node);
    for (let at = slot + 1; at < count; at++) {
      if ((isLeaf ? nodes.gap(node, at) : nodes.value(node, at)) >= length) return at;
    }
    return -1;
  }

  private assertInside(verb: string, start: number, end: number): void {
    if (start < end && start >= this.min && end <= this.max) return;
    const why = start < end ? `it leaves the bounds ${rangeText(this.min, this.max)}` : 'it is empty';
    throw new Error(`cannot ${verb} ${rangeText(start, end)}: ${why}`);
  }

  private overlapText(verb: string, start: number, end: number): string {
    const below = this.floor(start);
    const other = below !== null && below.end > start ? below : this.floor(end - 1);
    return `cannot ${verb} ${rangeText(start, end)}: it overlaps ${entryText(other)}`;
  }
}

class GapTreeIterator<E extends Ranged> implements Iterator<E> {
  private readonly tree: GapTree<E>;
  /** Looked up before the loop sees the entry in front of it, so that the loop may remove that one. */
  private following: E | null;

  constructor(tree: GapTree<E>) {
    this.tree = tree;
    this.following = tree.first;
  }

  next(): IteratorResult<E> {
    const value = this.following;
    if (value === null) return { done: true, value: undefined };
    this.following = this.tree.next(value);
    return { done: false, value };
  }
}

function assertLength(length: number): void {
  if (!(length > 0)) throw new Error(`a gap must be searched with a length above 0, not ${length}`);
}

function assertInNoTree(entry: Ranged): void {
  if (entry.leaf !== NO_LEAF) throw new Error(`${entryText(entry)} is in a tree already`);
}

function clipText(side: 'start' | 'end', entry: Ranged, part: Ranged): string {
  return `cannot clip the ${side} ${entryText(part)} off ${entryText(entry)}`;
}
