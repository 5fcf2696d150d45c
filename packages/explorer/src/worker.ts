/**
 * One of those who explore a graph together: takes edges of the present level from the frontier until none is left. Each has its own
 * executions; they share the graph and the frontier, and what else one of them has seen it reports when a level is over.
 */
import { StateMismatch } from './execution.js';
import { type Exploration, type ExplorationCounters, expand } from './expansion.js';
import type { Failure } from './failure.js';
import { Frontier } from './frontier.js';
import { NONE, StateGraph } from './graph.js';
import type { Model } from './model.js';
import type { ReachedState } from './snapshot.js';
import { type AllSteps, type StepEvidence, type StepKnowledge, VisibleSteps } from './visible-steps.js';

/** How executions are made. All workers must do it alike, and whoever goes on with their graph. */
export interface ExplorationSettings {
  readonly maxFaults: number;
  readonly timeouts: boolean;
  readonly wide: boolean;
  readonly allSteps: AllSteps;
  readonly validateOneIn: number;
  readonly maxSteps: number;
  readonly audit: boolean;
}

/** What a worker is to explore: plain data, and memory that it shares with the others. */
export interface Assignment {
  readonly settings: ExplorationSettings;
  readonly knowledge: StepKnowledge;
  readonly maxStates: number;
  readonly graph: ArrayBufferLike;
  readonly frontier: ArrayBufferLike;
  /** Whether the first failure ends it all. */
  readonly stopAtFailure: boolean;
}

/** What a worker has seen since its last report. */
export interface WorkerReport {
  /** The failures that it was first to reach, by the state that stands for each. */
  readonly failures: readonly (readonly [state: number, failure: Failure])[];
  readonly evidence: StepEvidence;
  readonly counters: Readonly<ExplorationCounters>;
  /** What a `StateMismatch` said, null when there was none. */
  readonly mismatch: string | null;
}

/** How it stands with the work: there is more, others may find more, or this level is over. */
export type Progress = 'more' | 'waiting' | 'over';

/** Edges for which a frontier has room on the levels of one queue: each edge gets cheaper twice at most. */
export function frontierCapacity(graph: StateGraph): number {
  return graph.maxEdges * 2;
}

/** Milliseconds that a worker rests when there is nothing to do. */
const REST_MS = 2;
/** Edges that a worker takes before it looks whether to stop. */
const STRETCH = 64;

/** A worker. */
export class ExplorationWorker {
  readonly visible: VisibleSteps;
  readonly graph: StateGraph;
  readonly frontier: Frontier;
  readonly #exploration: Exploration;
  #failures: [number, Failure][] = [];
  #mismatch: string | null = null;

  /** @param isOver asked at each state whether to stop there, besides when all are to stop */
  constructor(model: Model, assignment: Assignment, isOver: () => boolean = () => false) {
    const { settings, knowledge, stopAtFailure } = assignment;
    this.visible = new VisibleSteps(knowledge, { all: settings.allSteps });
    this.graph = new StateGraph(assignment.maxStates, assignment.graph);
    this.frontier = new Frontier(frontierCapacity(this.graph), assignment.frontier);
    this.#exploration = {
      ...settings,
      model,
      graph: this.graph,
      frontier: this.frontier,
      visible: this.visible,
      isOver: () => this.frontier.stopped || isOver(),
      onFailure: (state, failure) => {
        this.#failures.push([state, failure]);
        if (stopAtFailure) this.frontier.stop();
      },
      counters: noCounters(),
    };
  }

  /** Takes the way from the start. Done once, before anybody works. */
  begin(): void {
    expand(this.#exploration, NONE);
  }

  /** Goes on where somebody was interrupted. Instead of `begin`. */
  restore({ graph, frontier, evidence }: ReachedState): void {
    this.graph.restore(graph);
    this.frontier.restore(frontier);
    this.visible.take(evidence);
  }

  /** Takes edges of the present level, so many at most. */
  work(most: number): Progress {
    const { graph, frontier } = this;
    for (let taken = 0; taken < most; taken++) {
      if (graph.full || frontier.stopped) return 'over';
      const edge = frontier.take();
      if (edge === null) return frontier.waiting.now === 0 ? 'over' : 'waiting';
      if (graph.claim(edge)) this.#expand(edge);
      frontier.finish();
    }
    return 'more';
  }

  /** Works until the level is over, resting when there is nothing to do. Only on a thread that may wait. */
  workThrough(): void {
    for (;;) {
      const progress = this.work(STRETCH);
      if (progress === 'over') return;
      if (progress === 'waiting') this.frontier.rest(REST_MS);
    }
  }

  /** What was seen since this was asked last. */
  report(): WorkerReport {
    const { counters } = this.#exploration;
    const report = {
      failures: this.#failures,
      evidence: this.visible.give(),
      counters: { ...counters },
      mismatch: this.#mismatch,
    };
    this.#failures = [];
    Object.assign(counters, noCounters());
    return report;
  }

  #expand(edge: number): void {
    try {
      expand(this.#exploration, edge);
    } catch (error) {
      if (!(error instanceof StateMismatch)) throw error;
      this.#mismatch ??= error.message;
      this.frontier.stop();
    }
  }
}

/** Counters of somebody who has done nothing yet. */
export function noCounters(): ExplorationCounters {
  return { executions: 0, hits: 0, validated: 0, steps: 0 };
}
