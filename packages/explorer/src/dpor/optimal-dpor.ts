/** Optimal DPOR: exactly one execution for each class of executions that differ only in the order of independent steps. */
import type { Model } from '../model.js';
import { DporSearch } from './dpor-search.js';
import { type Footprint, type Frame, NONE } from './frame.js';
import { BLOCKED, type SearchOptions, type SearchResult } from './search.js';
import { insert, startsWith, type WakeupNode } from './wakeup-tree.js';

/**
 * Explores one execution of each class, with wakeup trees.
 *
 * => executions that are blocked by sleep sets are rare: they come from steps of which is not known beforehand whether they will be granted.
 */
export function exploreOptimalDpor(model: Model, options: SearchOptions = {}): SearchResult {
  return new OptimalSearch(model, options).run();
}

class OptimalSearch extends DporSearch {
  readonly name = 'optimal DPOR';

  protected override arrive(frame: Frame, previous: Frame | null): void {
    super.arrive(frame, previous);
    if (previous === null) frame.tree = [];
    else frame.tree = previous.kind === 'local' ? previous.tree : (previous.tree[0] as WakeupNode).children;
  }

  protected begin(frame: Frame, last: number): number {
    this.#dropCovered(frame);
    for (let [planned] = frame.tree; planned !== undefined; [planned] = frame.tree) {
      if ((frame.enabled & (1 << planned.lwp)) !== 0) return planned.lwp;
      frame.tree.shift();
      this.fallbacks++;
    }
    const lwp = this.anyAwake(frame, last);
    if (lwp !== BLOCKED) frame.tree.push(leaf(lwp, NONE));
    return lwp;
  }

  protected again(frame: Frame): number {
    return (frame.tree[0] as WakeupNode).lwp;
  }

  protected beginChoice(frame: Frame): number {
    frame.done = 0;
    if (frame.tree.length === 0) frame.tree.push(leaf(frame.lwp, 0));
    return this.againChoice(frame);
  }

  protected againChoice(frame: Frame): number {
    return (frame.tree[0] as WakeupNode).way;
  }

  protected next(frame: Frame): boolean {
    frame.tree.shift();
    if (frame.kind === 'step') {
      this.fallAsleep(frame);
      this.#dropCovered(frame);
      return frame.tree.length > 0;
    }
    frame.done |= 1 << frame.way;
    for (let way = 0; way < frame.ways && frame.tree.length === 0; way++) {
      if ((frame.done & (1 << way)) === 0) frame.tree.push(leaf(frame.lwp, way));
    }
    return frame.tree.length > 0;
  }

  /**
   * Takes out what begins with a step that is asleep. It is planned at all only where it was thought to depend on more than it does:
   * of a reversed step is not known whether it will be granted.
   */
  #dropCovered({ tree, sleep }: Frame): void {
    while (tree[0] !== undefined && isAsleep(sleep, tree[0].lwp)) tree.shift();
  }

  protected raced(frame: Frame, sequence: readonly Frame[]): void {
    if (frame.sleep.some((asleep) => startsWith(sequence, asleep))) return;
    insert(frame.tree, sequence);
  }
}

function isAsleep(sleep: readonly Footprint[], lwp: number): boolean {
  for (const asleep of sleep) if (asleep.lwp === lwp) return true;
  return false;
}

function leaf(lwp: number, way: number): WakeupNode {
  return { lwp, thing: NONE, access: 0, second: NONE, secondAccess: 0, fails: false, way, children: [] };
}
