/** The course of an exhaustive exploration: levels, what is learned at the end of each, when to begin again and when to end. */
import { StateMismatch } from './execution.js';
import type { ExhaustiveOptions, ExhaustiveProgress, ExhaustiveResult } from './exhaustive.js';
import type { ExplorationCounters } from './expansion.js';
import type { Failure } from './failure.js';
import { Frontier } from './frontier.js';
import { EDGES_PER_STATE, NONE, StateGraph, StateKind } from './graph.js';
import type { Model } from './model.js';
import { realise } from './realise.js';
import type { ExplorationSnapshot } from './snapshot.js';
import { survey } from './survey.js';
import type { StepKnowledge } from './visible-steps.js';
import {
  type Assignment,
  type ExplorationSettings,
  ExplorationWorker,
  frontierCapacity,
  noCounters,
  type Progress,
  type WorkerReport,
} from './worker.js';

const DEFAULT_STATES = 2 ** 20;
const DEFAULT_MAX_STEPS = 10_000;
/** Executions between two looks at the budget. */
const LOOK_EVERY = 8;
/** The same within one execution, which may be long. */
const ARRIVALS_PER_LOOK = 64;

/** States to which one goes to see whether an interrupted exploration is of the same program. */
const CHECKED_STATES = 8;

/** An exploration, as seen by the one who leads it. */
export class Search {
  readonly #model: Model;
  readonly #options: ExhaustiveOptions;
  readonly #settings: ExplorationSettings;
  readonly #counters: ExplorationCounters = noCounters();
  #assignment: Assignment;
  #worker: ExplorationWorker;
  /** By the state that stands for each. */
  #failures: Map<number, Failure>;
  /** Executions that were made before those that the frontier knows of. */
  #executionsBefore: number;
  #restarts = 0;
  #interrupted = false;
  #broken = true;

  constructor(model: Model, options: ExhaustiveOptions) {
    this.#model = model;
    this.#options = options;
    const { resume } = options;
    this.#settings = resume?.settings ?? {
      maxFaults: options.maxFaults ?? 0,
      timeouts: options.timeouts === true,
      wide: options.wide === true,
      allSteps: options.allSteps ?? false,
      validateOneIn: options.validateOneIn ?? 1000,
      maxSteps: options.maxSteps ?? DEFAULT_MAX_STEPS,
      audit: options.audit !== false,
    };
    this.#assignment = this.#newAssignment(resume?.knowledge ?? options.knowledge ?? this.#firstKnowledge());
    this.#worker = this.#newWorker();
    this.#failures = new Map(resume?.reached?.failures);
    Object.assign(this.#counters, resume?.counters);
    this.#executionsBefore = this.#counters.executions;
    this.#restarts = resume?.restarts ?? 0;
    if (resume?.reached == null) this.#worker.begin();
    else {
      this.#worker.restore(resume.reached);
      this.#checkReached();
    }
  }

  /** What everybody works on. Another one after a new beginning. */
  get assignment(): Assignment {
    return this.#assignment;
  }

  /** Whether working has thrown something, which ends it all. */
  get broken(): boolean {
    return this.#broken;
  }

  /** Tells everybody to stop. */
  stop(): void {
    this.#worker.frontier.stop();
  }

  /** Works for a while on the present level. */
  work(): Progress {
    this.#broken = true;
    const progress = this.#worker.work(LOOK_EVERY);
    const { onProgress, shouldStop } = this.#options;
    onProgress?.(this.#progress());
    if (progress !== 'over' && shouldStop?.() === true) this.stop();
    this.#broken = false;
    return progress;
  }

  /**
   * The level is over, or all have stopped.
   *
   * @returns whether to go on: with the next level, or once more from the beginning
   */
  endLevel(reports: readonly WorkerReport[]): boolean {
    const { visible, graph, frontier } = this.#worker;
    for (const report of [this.#worker.report(), ...reports]) this.#take(report);
    const { maxPreemptions = Number.POSITIVE_INFINITY, stopAfter, shouldStop } = this.#options;
    const { stopped } = frontier;
    // Stopped with the last edge of the last level is not interrupted.
    this.#interrupted = stopped && (frontier.waiting.now > 0 || visible.hasLearned);
    if (this.#interrupted || graph.full) return false;
    if (visible.hasLearned) {
      this.#beginAgain(visible.knowledge);
    } else {
      if (this.#failures.size > 0 && stopAfter !== 'everything') return false;
      if (frontier.waiting.later === 0 || frontier.level >= maxPreemptions) return false;
      frontier.advance();
    }
    this.#interrupted = stopped || shouldStop?.() === true;
    return !this.#interrupted;
  }

  /** What it came to. */
  result(): ExhaustiveResult {
    this.#take(this.#worker.report());
    const { graph, frontier, visible } = this.#worker;
    const { waiting } = frontier;
    const { maxFaults, wide, allSteps } = this.#settings;
    const levelDone = waiting.now === 0 && !graph.full && !visible.hasLearned;
    // In an order that everybody would have found: no two failures have one signature.
    const failures = [...this.#failures].sort(([, { signature: a }], [, { signature: b }]) => (a < b ? -1 : 1));
    for (const [number, [state]] of failures.entries()) graph.setKind(state, StateKind.Failed + number);
    return {
      ...this.#progress(),
      ...this.#counters,
      model: this.#model,
      failuresFound: failures.map(([, failure]) => failure),
      exhausted: levelDone && waiting.later === 0,
      levelsDone: frontier.level + (levelDone ? 1 : 0),
      restarts: this.#restarts,
      knowledge: this.#assignment.knowledge,
      learned: visible.knowledge,
      interrupted: this.#interrupted,
      full: graph.full,
      allSteps,
      maxFaults,
      wide,
      snapshot: () => this.#snapshot(),
    };
  }

  #newWorker(): ExplorationWorker {
    let arrivals = 0;
    return new ExplorationWorker(this.#model, this.#assignment, () => {
      if (++arrivals % ARRIVALS_PER_LOOK === 0 && this.#options.shouldStop?.() === true) this.stop();
      return false;
    });
  }

  #firstKnowledge(): StepKnowledge {
    return this.#settings.allSteps !== false ? { tried: [], shared: [] } : survey(this.#model);
  }

  /** Goes to some of the states that were reached before: they must be there. */
  #checkReached(): void {
    const { graph, visible } = this.#worker;
    const { maxFaults, wide } = this.#settings;
    for (let i = 1; i <= CHECKED_STATES; i++) {
      const state = Math.floor(((graph.stateCount - 1) * i) / CHECKED_STATES);
      if (graph.kind(state) !== StateKind.Inner) continue;
      const walk = { model: this.#model, graph, visible, maxFaults, wide };
      const [last = NONE] = graph.edgesOf(state);
      realise(walk, [...graph.pathTo(state), ...(last === NONE ? [] : [last])]);
    }
  }

  #newAssignment(knowledge: StepKnowledge): Assignment {
    const { resume, stopAfter, maxStates = DEFAULT_STATES } = this.#options;
    const needed = Math.ceil(Math.max(resume?.reached?.graph.states ?? 0, (resume?.reached?.graph.edges ?? 0) / EDGES_PER_STATE));
    const graph = new StateGraph(Math.max(maxStates, needed));
    return {
      settings: this.#settings,
      knowledge,
      maxStates: graph.maxStates,
      graph: graph.memory,
      frontier: new Frontier(frontierCapacity(graph)).memory,
      stopAtFailure: stopAfter === 'failure',
    };
  }

  #beginAgain(knowledge: StepKnowledge): void {
    this.#restarts++;
    this.#failures = new Map();
    this.#executionsBefore = this.#counters.executions;
    this.#assignment = this.#newAssignment(knowledge);
    this.#worker = this.#newWorker();
    this.#worker.begin();
  }

  #take({ failures, evidence, counters, mismatch }: WorkerReport): void {
    if (mismatch !== null) throw new StateMismatch(mismatch);
    this.#worker.visible.take(evidence);
    for (const [state, failure] of failures) this.#failures.set(state, failure);
    this.#counters.executions += counters.executions;
    this.#counters.hits += counters.hits;
    this.#counters.validated += counters.validated;
    this.#counters.steps += counters.steps;
  }

  #progress(): ExhaustiveProgress {
    const { graph, frontier } = this.#worker;
    return {
      executions: this.#executionsBefore + frontier.finished + 1,
      states: graph.distinctStates,
      level: frontier.level,
      waiting: frontier.waiting,
      failures: graph.failureCount,
      graph,
    };
  }

  #snapshot(): ExplorationSnapshot {
    const { graph, frontier, visible } = this.#worker;
    return {
      settings: this.#settings,
      knowledge: visible.knowledge,
      counters: { ...this.#counters },
      restarts: this.#restarts,
      // What was reached on wrong suppositions is of no use.
      reached: visible.hasLearned
        ? null
        : { graph: graph.state, frontier: frontier.state, failures: [...this.#failures], evidence: visible.evidence },
    };
  }
}
