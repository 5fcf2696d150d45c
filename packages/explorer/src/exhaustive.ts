/**
 * Exploring all interleavings: the state graph, level by level of preemptions. When a level is done, nothing goes wrong with so many
 * preemptions; when nothing is left, nothing goes wrong at all.
 */

import { type Exploration, type ExplorationCounters, expand } from './expansion.js';
import type { Failure } from './failure.js';
import { Frontier } from './frontier.js';
import { NONE, StateGraph, StateKind } from './graph.js';
import type { Model } from './model.js';
import { type StepKnowledge, VisibleSteps } from './visible-steps.js';

/** How to explore. */
export interface ExhaustiveOptions {
  /** Preemptions that a path may have. Default: any number. */
  readonly maxPreemptions?: number;
  /** Environment faults that a path may have. Default 0. */
  readonly maxFaults?: number;
  /** Whether timeouts may fire although threads could run; each counts as a fault. Default false. */
  readonly timeouts?: boolean;
  /** When to stop: at the first failure, at the end of the level on which the first was found, or when nothing is left. Default `level`. */
  readonly stopAfter?: 'failure' | 'level' | 'everything';
  /** States for which there is room. Default 2^20. */
  readonly maxStates?: number;
  /** Whether keys have 128 bits instead of 64. Default false. */
  readonly wide?: boolean;
  /** One in so many visits to known states is followed all the same, to see whether they go on as they did; 0 for none. Default 1,000. */
  readonly validateOneIn?: number;
  /** Whether every step counts as visible, also those that others cannot notice. Default false. */
  readonly allSteps?: boolean;
  /** Whether invariants are checked at quiet points. Default true. */
  readonly audit?: boolean;
  /** What is known from earlier executions of what steps are visible. */
  readonly knowledge?: StepKnowledge;
  /** Asked now and then; true ends the exploration early. */
  readonly shouldStop?: () => boolean;
  /** Told now and then how far it is. */
  readonly onProgress?: (progress: ExhaustiveProgress) => void;
}

/** How far an exploration is. */
export interface ExhaustiveProgress extends Readonly<ExplorationCounters> {
  readonly states: number;
  /** Preemptions of the level that is being explored. */
  readonly level: number;
  /** Edges still to be taken on this level, and on the next. */
  readonly waiting: { readonly now: number; readonly later: number };
  readonly failures: number;
}

/** What an exploration came to. */
export interface ExhaustiveResult extends ExhaustiveProgress {
  readonly model: Model;
  readonly graph: StateGraph;
  /** What went wrong, by the number that states have it by: each once, in the order in which it was found. */
  readonly failuresFound: readonly Failure[];
  /** Whether no edge is left, so that the graph has all there is. */
  readonly exhausted: boolean;
  /** Levels that are done: nothing else goes wrong with fewer preemptions than this. */
  readonly levelsDone: number;
  /** Times that it had to begin again, because steps turned out to be visible. */
  readonly restarts: number;
  readonly knowledge: StepKnowledge;
  /** Whether the graph has no room left. */
  readonly full: boolean;
  /** As in the options. */
  readonly allSteps: boolean;
  readonly maxFaults: number;
  readonly wide: boolean;
}

const DEFAULT_STATES = 2 ** 20;
/** Executions between two looks at the budget. */
const LOOK_EVERY = 64;

/** Explores a model. */
export function exploreExhaustively(model: Model, options: ExhaustiveOptions = {}): ExhaustiveResult {
  let knowledge = options.knowledge ?? { tried: [], shared: [] };
  for (let restarts = 0; ; restarts++) {
    const run = new ExhaustiveRun(model, { ...options, knowledge });
    const finished = run.explore();
    if (finished) return run.result(restarts);
    knowledge = run.knowledge;
  }
}

/** One attempt, with what is known of visible steps. */
class ExhaustiveRun {
  readonly #options: ExhaustiveOptions;
  readonly #exploration: Exploration;
  readonly #failures: Failure[] = [];
  readonly #startRevision: number;
  #stoppedEarly = false;

  constructor(model: Model, options: ExhaustiveOptions) {
    this.#options = options;
    const graph = new StateGraph(options.maxStates ?? DEFAULT_STATES);
    const visible = new VisibleSteps(options.knowledge, { all: options.allSteps === true });
    this.#startRevision = visible.revision;
    this.#exploration = {
      model,
      graph,
      frontier: new Frontier(graph.maxEdges * 2),
      visible,
      maxFaults: options.maxFaults ?? 0,
      timeouts: options.timeouts === true,
      wide: options.wide === true,
      validateOneIn: options.validateOneIn ?? 1000,
      audit: options.audit !== false,
      failureNumber: (failure) => this.#failureNumber(failure),
      counters: { executions: 0, hits: 0, validated: 0, steps: 0 },
    };
  }

  get knowledge(): StepKnowledge {
    return this.#exploration.visible.knowledge;
  }

  /** Explores; false when it has to begin again with what it has learned. */
  explore(): boolean {
    const { frontier, graph, counters } = this.#exploration;
    const { maxPreemptions = Number.POSITIVE_INFINITY, shouldStop, onProgress } = this.#options;
    this.#expand(NONE);
    for (;;) {
      if (this.#learned) return false;
      if (graph.full || this.#wantsNoMore()) return true;
      const edge = frontier.take();
      if (edge === null) {
        if (frontier.waiting.now === 0 && this.#failures.length > 0 && this.#options.stopAfter !== 'everything') return true;
        frontier.advance(maxPreemptions);
        if (frontier.done) return true;
        continue;
      }
      if (graph.claim(edge)) this.#expand(edge);
      frontier.finish();
      if (counters.executions % LOOK_EVERY !== 0) continue;
      onProgress?.(this.#progress());
      if (shouldStop?.() === true) {
        this.#stoppedEarly = true;
        return true;
      }
    }
  }

  result(restarts: number): ExhaustiveResult {
    const { model, graph, frontier, visible, maxFaults, wide } = this.#exploration;
    const waiting = frontier.waiting;
    const exhausted = !graph.full && !this.#stoppedEarly && waiting.now === 0 && waiting.later === 0;
    const levelDone = !this.#stoppedEarly && !graph.full && waiting.now === 0;
    return {
      ...this.#progress(),
      model,
      graph,
      failuresFound: this.#failures,
      exhausted,
      levelsDone: frontier.level + (levelDone ? 1 : 0),
      restarts,
      knowledge: visible.knowledge,
      full: graph.full,
      allSteps: this.#options.allSteps === true,
      maxFaults,
      wide,
    };
  }

  get #learned(): boolean {
    return this.#exploration.visible.revision !== this.#startRevision && this.#options.allSteps !== true;
  }

  #expand(edge: number): void {
    expand(this.#exploration, edge);
  }

  #wantsNoMore(): boolean {
    if (this.#failures.length === 0 || this.#options.stopAfter !== 'failure') return false;
    this.#stoppedEarly = true;
    return true;
  }

  #failureNumber(failure: Failure): number {
    const known = this.#failures.findIndex(({ signature }) => signature === failure.signature);
    if (known >= 0) return known;
    return this.#failures.push(failure) - 1;
  }

  #progress(): ExhaustiveProgress {
    const { graph, frontier, counters } = this.#exploration;
    return {
      ...counters,
      states: graph.stateCount,
      level: frontier.level,
      waiting: frontier.waiting,
      failures: this.#failures.length,
    };
  }
}

/** The failure that a state stands for, null for a state that is none. */
export function failureAt(result: Pick<ExhaustiveResult, 'graph' | 'failuresFound'>, state: number): Failure | null {
  return result.failuresFound[result.graph.kind(state) - StateKind.Failed] ?? null;
}
