/**
 * Exploring all interleavings: the state graph, level by level of preemptions. When a level is done, nothing goes wrong with so many
 * preemptions; when nothing is left, nothing goes wrong at all.
 *
 * What is found does not depend on how many workers explore: at the end of each level all have seen the same, whoever saw it.
 */
import type { ExplorationCounters } from './expansion.js';
import type { Failure } from './failure.js';
import { type StateGraph, StateKind } from './graph.js';
import type { Model } from './model.js';
import { Search } from './search.js';
import type { ExplorationSnapshot } from './snapshot.js';
import type { AllSteps, StepKnowledge } from './visible-steps.js';
import type { Assignment, WorkerReport } from './worker.js';

/** How to explore. */
export interface ExhaustiveOptions {
  /** Preemptions that a path may have. Default: any number. */
  readonly maxPreemptions?: number;
  /** Environment faults that a path may have. Default 0. */
  readonly maxFaults?: number;
  /** Whether timeouts may fire although threads could run; each counts as a fault. Default false. */
  readonly timeouts?: boolean;
  /**
   * When to stop: at the first failure, at the end of the level on which the first was found, or when nothing is left. Default `level`.
   * What is found first may depend on the number of workers; what a level or everything has does not.
   */
  readonly stopAfter?: 'failure' | 'level' | 'everything';
  /** States for which there is room. Default 2^20. */
  readonly maxStates?: number;
  /** Whether keys have 128 bits instead of 64. Default false. */
  readonly wide?: boolean;
  /** One in so many visits to known states is followed all the same, to see whether they go on as they did; 0 for none. Default 1,000. */
  readonly validateOneIn?: number;
  /** Whether every step counts as visible, also those that others cannot notice; `starts too` for the start of a thread as well. Default false. */
  readonly allSteps?: AllSteps;
  /** Steps after which an execution is said to be without an end. Default 10,000. */
  readonly maxSteps?: number;
  /** Whether invariants are checked at quiet points. Default true. */
  readonly audit?: boolean;
  /** What is known from earlier executions of what steps are visible. */
  readonly knowledge?: StepKnowledge;
  /** Where an earlier exploration of the same model was interrupted, to go on from there. */
  readonly resume?: ExplorationSnapshot;
  /** Asked now and then; true ends the exploration early. */
  readonly shouldStop?: () => boolean;
  /** Told now and then how far it is. */
  readonly onProgress?: (progress: ExhaustiveProgress) => void;
}

/** How far an exploration is. */
export interface ExhaustiveProgress {
  /** Executions made so far. */
  readonly executions: number;
  readonly states: number;
  /** Preemptions of the level that is being explored. */
  readonly level: number;
  /** Edges still to be taken on this level, and on the next. */
  readonly waiting: { readonly now: number; readonly later: number };
  readonly failures: number;
  /** What is known so far. Others may be at work on it. */
  readonly graph: StateGraph;
}

/** What an exploration came to. */
export interface ExhaustiveResult extends ExhaustiveProgress, Readonly<ExplorationCounters> {
  readonly model: Model;
  /** What went wrong, by the number that states have it by: each once, in an order that depends on nothing but what they are. */
  readonly failuresFound: readonly Failure[];
  /** Whether no edge is left, so that the graph has all there is. */
  readonly exhausted: boolean;
  /** Levels that are done: nothing else goes wrong with fewer preemptions than this. */
  readonly levelsDone: number;
  /** Times that it had to begin again, because steps turned out to be visible. */
  readonly restarts: number;
  /** What was known of visible steps, on which the graph stands. */
  readonly knowledge: StepKnowledge;
  /** What is known by now; more than that only when it was stopped early. */
  readonly learned: StepKnowledge;
  /** Whether it was stopped before the end of a level. */
  readonly interrupted: boolean;
  /** Whether the graph has no room left. */
  readonly full: boolean;
  /** As in the options. */
  readonly allSteps: AllSteps;
  readonly maxFaults: number;
  readonly wide: boolean;
  /** All that is needed to go on later. */
  readonly snapshot: () => ExplorationSnapshot;
}

/** Others who explore along, on threads of their own. */
export interface Crew {
  /** Has all work on the present level; with an assignment on that from now on, without on what they have. */
  begin(assignment: Assignment | null): void;
  /** What all of them who began have to report, once they are through with the level. */
  reports(): Promise<readonly WorkerReport[]>;
  /** Lets others have the thread for a moment; `idle` when there is nothing to do. */
  pause(idle: boolean): Promise<void>;
}

/** Explores a model. */
export function exploreExhaustively(model: Model, options: ExhaustiveOptions = {}): ExhaustiveResult {
  const search = new Search(model, options);
  do {
    while (search.work() !== 'over');
  } while (search.endLevel([]));
  return search.result();
}

/** Explores a model together with others. */
export async function exploreTogether(model: Model, options: ExhaustiveOptions, crew: Crew): Promise<ExhaustiveResult> {
  const search = new Search(model, options);
  let known: Assignment | null = null;
  let reports: readonly WorkerReport[];
  do {
    const { assignment } = search;
    crew.begin(assignment === known ? null : assignment);
    known = assignment;
    try {
      for (let progress = search.work(); progress !== 'over'; progress = search.work()) await crew.pause(progress === 'waiting');
    } finally {
      if (search.broken) search.stop();
      reports = await crew.reports();
    }
  } while (search.endLevel(reports));
  return search.result();
}

/** The failure that a state stands for, null for a state that is none. */
export function failureAt(result: Pick<ExhaustiveResult, 'graph' | 'failuresFound'>, state: number): Failure | null {
  return result.failuresFound[result.graph.kind(state) - StateKind.Failed] ?? null;
}
