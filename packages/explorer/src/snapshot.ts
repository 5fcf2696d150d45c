/** An exploration that was interrupted, as plain data. */
import type { ExplorationCounters } from './expansion.js';
import type { Failure } from './failure.js';
import type { FrontierState } from './frontier.js';
import type { GraphState } from './graph.js';
import type { StepEvidence, StepKnowledge } from './visible-steps.js';
import type { ExplorationSettings } from './worker.js';

/** How far an exploration came. */
export interface ReachedState {
  readonly graph: GraphState;
  readonly frontier: FrontierState;
  /** What went wrong, by the states that stand for it. */
  readonly failures: readonly (readonly [state: number, failure: Failure])[];
  /** What was seen of steps, without being proof of anything so far. */
  readonly evidence: StepEvidence;
}

/** All that is needed to go on with an exploration. */
export interface ExplorationSnapshot {
  readonly settings: ExplorationSettings;
  readonly knowledge: StepKnowledge;
  readonly counters: Readonly<ExplorationCounters>;
  readonly restarts: number;
  /** How far it came; null when it has to begin again, with what it has learned. */
  readonly reached: ReachedState | null;
}
