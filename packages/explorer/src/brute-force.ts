/** Brute force: every order of every step. For small programs, and for telling whether cleverer ways miss anything. */

import { lowest } from './dpor/dpor-search.js';
import type { Frame } from './dpor/frame.js';
import { Search, type SearchOptions, type SearchResult } from './dpor/search.js';
import type { Model } from './model.js';

/** What brute force came to. */
export interface BruteForceResult extends SearchResult {
  /** Classes of executions that differ only in the order of independent steps. */
  readonly classes: number;
}

/** Explores every interleaving; each execution is one. */
export function exploreBruteForce(model: Model, options: SearchOptions = {}): BruteForceResult {
  const result = new BruteForce(model, { classes: true, ...options }).run();
  return { ...result, classes: result.classKeys.size };
}

class BruteForce extends Search {
  readonly name = 'brute force';

  protected arrive(frame: Frame): void {
    frame.done = 0;
  }

  protected begin(frame: Frame): number {
    return lowest(frame.enabled);
  }

  protected again(frame: Frame): number {
    return lowest(frame.enabled & ~frame.done);
  }

  protected beginChoice(): number {
    return 0;
  }

  protected againChoice(frame: Frame): number {
    return frame.way + 1;
  }

  protected next(frame: Frame): boolean {
    if (frame.kind === 'choice') return frame.way + 1 < frame.ways;
    frame.done |= 1 << frame.lwp;
    return (frame.enabled & ~frame.done) !== 0;
  }

  /** Every order is explored: nothing is to be learned from one for the others. */
  protected ended(): void {}
}
