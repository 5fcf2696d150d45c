/** Exploring a model for somebody who wants to know whether it can go wrong: what is tried, in which order, and what came of it. */
import { analyse } from './analysis.js';
import { type Counterexample, counterexamples } from './counterexample.js';
import { type ExhaustiveProgress, type ExhaustiveResult, exploreExhaustively } from './exhaustive.js';
import type { Model } from './model.js';

/** What to try, and for how long. */
export interface ExploreOptions {
  /** Preemptions that a schedule may have. Default: any number. */
  readonly maxPreemptions?: number;
  /** Environment faults that a schedule may have. Default 0. */
  readonly maxFaults?: number;
  /** Whether timeouts may fire early, as faults. Default false. */
  readonly timeouts?: boolean;
  /** Milliseconds for all of it. Default: no limit. */
  readonly budget?: number;
  /** A clock, in milliseconds. */
  readonly now: () => number;
  /** States for which there is room. */
  readonly maxStates?: number;
  readonly wide?: boolean;
  readonly validateOneIn?: number;
  readonly onProgress?: (progress: ExhaustiveProgress) => void;
}

/** What came of it. */
export interface Exploration {
  readonly model: Model;
  /** What went wrong, each thing once, with its simplest schedule. */
  readonly found: readonly Counterexample[];
  /**
   * Whether that is all there is: `exhausted` when every interleaving was covered, `bounded` when every one was with no more
   * preemptions than wanted, `budget` when time or room was over before.
   */
  readonly coverage: 'exhausted' | 'bounded' | 'budget';
  /** Interleavings that the graph covers; null when a loop makes them infinitely many. */
  readonly interleavings: bigint | null;
  readonly milliseconds: number;
  readonly graph: ExhaustiveResult;
}

/** Explores a model. */
export function explore(model: Model, options: ExploreOptions): Exploration {
  const { now, budget = Number.POSITIVE_INFINITY, maxPreemptions, ...rest } = options;
  const began = now();
  const graph = exploreExhaustively(model, {
    ...rest,
    ...(maxPreemptions !== undefined && { maxPreemptions }),
    shouldStop: () => now() - began > budget,
  });
  const bounded = maxPreemptions !== undefined && graph.levelsDone > maxPreemptions;
  return {
    model,
    found: counterexamples(graph),
    coverage: graph.exhausted ? 'exhausted' : bounded ? 'bounded' : 'budget',
    interleavings: analyse(graph.graph).interleavings,
    milliseconds: now() - began,
    graph,
  };
}
