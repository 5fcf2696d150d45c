/** The structural rules of a gap tree, for its tests and for the audit of a running machine; and how sentences name a range. */
import { type GapNodes, NO_NODE, type Ranged } from './gap-nodes.js';

/** What a tree says about itself that its nodes must bear out. */
interface GapTreeFacts {
  readonly min: number;
  readonly max: number;
  readonly size: number;
}

/** A sentence for each rule that the nodes of a tree break: order, keys, gaps, maxima, counts, fill, links, storage. O(n). */
export function checkGapNodes<E extends Ranged>(nodes: GapNodes<E>, tree: GapTreeFacts): string[] {
  return new GapCheck(nodes, tree).run();
}

/** One walk over the nodes of a tree, in order, that writes down what is wrong. */
class GapCheck<E extends Ranged> {
  readonly broken: string[] = [];
  private readonly tree: GapTreeFacts;
  private readonly nodes: GapNodes<E>;
  /** The node visited last on each level, to compare the links with. */
  private readonly lastOnLevel: number[] = [];
  private lastEnd: number;
  private entries = 0;
  private visited = 0;

  constructor(nodes: GapNodes<E>, tree: GapTreeFacts) {
    this.tree = tree;
    this.nodes = nodes;
    this.lastEnd = tree.min;
  }

  run(): string[] {
    const { nodes, tree } = this;
    this.visit(nodes.root, nodes.height, NO_NODE);
    this.expect(this.entries === tree.size, () => `the tree counts ${tree.size} entries and holds ${this.entries}`);
    this.lastOnLevel.forEach((node, level) => {
      this.expect(
        nodes.next(node) === NO_NODE,
        () => `node ${node} is the last of level ${level} and has a next node ${nodes.next(node)}`,
      );
    });
    const last = this.lastOnLevel[0] ?? NO_NODE;
    this.expect(nodes.lastLeaf === last, () => `the last leaf is ${last}, and the tree believes that it is ${nodes.lastLeaf}`);
    if (last !== NO_NODE) this.checkFence(last, tree.max);
    const free = nodes.countFree();
    this.expect(
      this.visited + free === nodes.nodeCount,
      () => `of ${nodes.nodeCount} nodes ${this.visited} are in the tree and ${free} are free`,
    );
    return this.broken;
  }

  /** Checks a node and all below it; answers whether it is one at all. */
  private visit(node: number, level: number, parent: number): boolean {
    const { nodes } = this;
    const count = nodes.count(node);
    if (!(node >= 0 && node < nodes.nodeCount) || nodes.level(node) !== level || !(count >= 0 && count <= nodes.capacity)) {
      this.broken.push(
        `node ${node}, reached from node ${parent} as one of level ${level}, ` +
          `is of level ${nodes.level(node)} and counts ${count} items`,
      );
      return false;
    }
    this.visited++;
    this.checkPlace(node, level, parent);
    const fewest = parent !== NO_NODE ? nodes.fewest : level > 0 ? 2 : 0;
    this.expect(count >= fewest, () => `node ${node} counts ${count} items and needs ${fewest}`);
    for (let slot = 0; slot < count; slot++) {
      if (level === 0) this.checkEntry(node, slot);
      else this.checkChild(node, slot, level);
    }
    this.checkUnused(node, level, count);
    const widest = nodes.findWidest(node);
    this.expect(
      nodes.widest(node) === widest,
      () => `node ${node} says that its widest gap is ${nodes.widest(node)}, and it is ${widest}`,
    );
    return true;
  }

  /** The links of a node, upwards and to the neighbour before it. */
  private checkPlace(node: number, level: number, parent: number): void {
    const { nodes } = this;
    const before = this.lastOnLevel[level] ?? NO_NODE;
    this.lastOnLevel[level] = node;
    this.expect(
      nodes.parent(node) === parent,
      () => `node ${node} is below node ${parent} and says that it is below ${nodes.parent(node)}`,
    );
    this.expect(
      nodes.previous(node) === before,
      () => `node ${node} follows node ${before} and says that it follows ${nodes.previous(node)}`,
    );
    if (before === NO_NODE) return;
    this.expect(
      nodes.next(before) === node,
      () => `node ${node} follows node ${before}, whose next node is ${nodes.next(before)}`,
    );
    if (level === 0) this.checkFence(before, nodes.key(node, 0));
  }

  private checkFence(leaf: number, fence: number): void {
    const found = this.nodes.key(leaf, this.nodes.count(leaf));
    this.expect(found === fence, () => `the fence of leaf ${leaf} is ${hex(found)} and should be ${hex(fence)}`);
  }

  private checkEntry(leaf: number, slot: number): void {
    const { nodes, tree } = this;
    const entry = nodes.item(leaf, slot);
    if (entry === null || typeof entry === 'number') {
      this.broken.push(`slot ${slot} of leaf ${leaf} holds no entry`);
      return;
    }
    this.entries++;
    const start = nodes.key(leaf, slot);
    const end = nodes.value(leaf, slot);
    const text = entryText(entry);
    this.expect(entry.leaf === leaf, () => `entry ${text} is in leaf ${leaf} and says ${entry.leaf}`);
    this.expect(entry.start === start && entry.end === end, () => `entry ${text} is in the tree as ${rangeText(start, end)}`);
    this.expect(start < end, () => `entry ${text} is empty`);
    this.expect(start >= this.lastEnd, () => `entry ${text} starts before ${hex(this.lastEnd)}, where the range before it ends`);
    this.expect(end <= tree.max, () => `entry ${text} ends behind the map's end ${hex(tree.max)}`);
    this.lastEnd = end;
  }

  private checkChild(branch: number, slot: number, level: number): void {
    const { nodes } = this;
    const child = nodes.item(branch, slot);
    if (typeof child !== 'number') {
      this.broken.push(`slot ${slot} of branch ${branch} holds no node`);
      return;
    }
    if (!this.visit(child, level - 1, branch)) return;
    const key = nodes.key(branch, slot);
    const first = nodes.key(child, 0);
    this.expect(
      key === first,
      () => `branch ${branch} says that node ${child} starts at ${hex(key)}, and it starts at ${hex(first)}`,
    );
    const value = nodes.value(branch, slot);
    const widest = nodes.widest(child);
    this.expect(
      value === widest,
      () => `branch ${branch} says that the widest gap of node ${child} is ${value}, and the node says ${widest}`,
    );
  }

  /** Unused keys must stop a search, and unused items must not keep anything alive. */
  private checkUnused(node: number, level: number, count: number): void {
    const { nodes } = this;
    for (let slot = count + (level === 0 ? 1 : 0); slot < nodes.fanOut; slot++) {
      this.expect(
        nodes.key(node, slot) === Infinity,
        () => `the unused key ${slot} of node ${node} is ${hex(nodes.key(node, slot))}`,
      );
    }
    for (let slot = count; slot < nodes.fanOut; slot++) {
      this.expect(nodes.item(node, slot) === null, () => `the unused slot ${slot} of node ${node} holds something`);
    }
  }

  private expect(holds: boolean, sentence: () => string): void {
    if (!holds) this.broken.push(sentence());
  }
}

function hex(addr: number): string {
  return `0x${addr.toString(16)}`;
}

/** A half-open range as error messages show it: `[0x1000, 0x3000)`. */
export function rangeText(start: number, end: number): string {
  return `[${hex(start)}, ${hex(end)})`;
}

/** The range of an entry, or `nothing`. */
export function entryText(entry: Ranged | null): string {
  return entry === null ? 'nothing' : rangeText(entry.start, entry.end);
}
