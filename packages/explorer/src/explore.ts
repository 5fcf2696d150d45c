/**
 * Exploring a model for somebody who wants to know whether it can go wrong, in three stages:
 *
 *     sampling      some hundred schedules of all kinds: finds most mistakes at once
 *     data races    accesses that nothing orders: where there are any, no step is taken for one that others cannot notice
 *     exhaustive    all schedules, the simplest first: proves, or has the simplest counterexample
 */
import { RandomPreemption } from '@faultline/kernel';
import { analyse } from './analysis.js';
import { type Counterexample, counterexamples } from './counterexample.js';
import { livelocks } from './diagnosis/livelock.js';
import { type LockOrderVerdict, LockOrderWatch, lockOrderVerdicts } from './diagnosis/lock-order.js';
import { StateMismatch } from './execution.js';
import { type ExhaustiveOptions, type ExhaustiveProgress, type ExhaustiveResult, exploreExhaustively } from './exhaustive.js';
import type { Found } from './failure.js';
import type { Model } from './model.js';
import { type DataRace, findDataRaces } from './races/data-races.js';
import { type Sampled, sample } from './sampling/sample.js';
import { shrinkSchedule } from './shrink.js';
import { collisionBound } from './state-key.js';

/** What is being done. */
export type ExploreStage = 'sampling' | 'data races' | 'exhaustive' | 'shrinking';

/** What to try, and for how long. */
export interface ExploreOptions
  extends Pick<
    ExhaustiveOptions,
    'maxPreemptions' | 'maxFaults' | 'timeouts' | 'maxStates' | 'wide' | 'validateOneIn' | 'resume'
  > {
  /** Milliseconds for all of it. Default: no limit. */
  readonly budget?: number;
  /** A clock, in milliseconds. */
  readonly now: () => number;
  /** Equal seeds sample alike. Default 1. */
  readonly seed?: number;
  /** Schedules to sample at most; 0 for none. Default 200. */
  readonly samples?: number;
  /** Schedules in which data races are looked for; 0 for none. Default 8. */
  readonly raceSamples?: number;
  /**
   * Milliseconds that the exhaustive stage may have when something was found and its simplest schedule is known, to learn where it
   * becomes inevitable and what else there is. Default 5,000.
   */
  readonly patience?: number;
  /** Explores exhaustively. Default: on this thread. */
  readonly exhaustively?: (model: Model, options: ExhaustiveOptions) => ExhaustiveResult | Promise<ExhaustiveResult>;
  readonly onStage?: (stage: ExploreStage) => void;
  readonly onProgress?: (progress: ExhaustiveProgress) => void;
}

/** What came of it. */
export interface Exploration {
  readonly model: Model;
  /** What went wrong, each thing once, with its simplest schedule. */
  readonly found: readonly Counterexample[];
  /**
   * Whether that is all there is: `exhausted` when every interleaving was covered, `bounded` when every one was with no more
   * preemptions than wanted, `stopped` when something was found and no more was wanted, `budget` when time or room was over before.
   */
  readonly coverage: 'exhausted' | 'bounded' | 'stopped' | 'budget';
  /** Interleavings that the graph covers; null when a loop makes them infinitely many. */
  readonly interleavings: bigint | null;
  /** Schedules tried until something was found, null when nothing was. */
  readonly schedulesToFirst: number | null;
  readonly millisecondsToFirst: number | null;
  /** How likely it is, at most, that two states had one key and were taken for one. */
  readonly collisionBound: number;
  readonly milliseconds: number;
  readonly sampled: Sampled;
  readonly races: readonly DataRace[];
  /** What became of each reversal of a lock order that was seen. */
  readonly lockOrder: readonly LockOrderVerdict[];
  readonly graph: ExhaustiveResult;
}

const DEFAULT_SAMPLES = 200;
const DEFAULT_RACE_SAMPLES = 8;
const DEFAULT_PATIENCE = 5000;
/** The part of the budget that sampling may have. */
const SAMPLING_SHARE = 0.15;

/** Explores a model. */
export async function explore(model: Model, options: ExploreOptions): Promise<Exploration> {
  const { now, budget = Number.POSITIVE_INFINITY, seed = 1, maxFaults = 0, onStage } = options;
  const began = now();
  const isOver = (share: number) => () => now() - began > budget * share;

  const lockOrders = new LockOrderWatch();
  const watched = lockOrders.watching(model);
  onStage?.('sampling');
  const sampled = sample(watched, {
    seed,
    budget: { executions: options.samples ?? DEFAULT_SAMPLES, shouldStop: isOver(SAMPLING_SHARE) },
    faults: maxFaults,
  });
  let millisecondsToFirst = sampled.found.length > 0 ? now() - began : null;

  onStage?.('data races');
  const races = findDataRaces(model, randomSchedules(seed, options.raceSamples ?? DEFAULT_RACE_SAMPLES));

  onStage?.('exhaustive');
  const exhaustively = options.exhaustively ?? exploreExhaustively;
  const graph = await exhaustively(watched, exhaustiveOptions(options, races, isOver(1), now()));
  if (graph.failures > 0) millisecondsToFirst ??= now() - began;
  if (maxFaults === 0) refuseContradiction(graph, sampled);

  const analysis = analyse(graph.graph);
  const found = [...counterexamples(graph, analysis), ...livelocks(graph, analysis)];
  const others = sampled.found.filter(({ failure }) => found.every((other) => other.failure.signature !== failure.signature));
  if (others.length > 0) onStage?.('shrinking');
  const shrunk = others.map((each) => unproven(shrinkSchedule(model, each)));
  const [first] = sampled.found;
  const all = [...found, ...shrunk];
  return {
    model,
    found: all,
    coverage: coverageOf(graph, options, isOver(1)()),
    interleavings: analysis.interleavings,
    schedulesToFirst: first?.execution ?? (graph.failures > 0 ? sampled.executions + graph.executions : null),
    millisecondsToFirst,
    collisionBound: collisionBound(graph.states, graph.wide ? 128 : 64),
    milliseconds: now() - began,
    sampled,
    races,
    lockOrder: lockOrderVerdicts(lockOrders.orders, { found: all, exhausted: graph.exhausted }),
    graph,
  };
}

/** What every schedule is said not to have, no schedule may have. */
function refuseContradiction({ exhausted, failures }: ExhaustiveResult, { found }: Sampled): void {
  const [first] = found;
  if (!exhausted || failures > 0 || first === undefined || first.failure.kind === 'step-bound') return;
  throw new StateMismatch(
    `a sampled schedule ends with "${first.failure.message}", and the state graph, which should have all schedules, has none that fails: ` +
      'something that matters is missing in what the state tells',
  );
}

function exhaustiveOptions(
  options: ExploreOptions,
  races: readonly DataRace[],
  timeIsOver: () => boolean,
  began: number,
): ExhaustiveOptions {
  const { maxPreemptions, maxFaults, timeouts, maxStates, wide, validateOneIn, resume } = options;
  /** The level on which something was found first: when it is done, the simplest schedule is known. */
  let foundOn: number | null = null;
  let level = 0;
  const impatient = (): boolean =>
    foundOn !== null && level > foundOn && options.now() - began > (options.patience ?? DEFAULT_PATIENCE);
  return {
    ...(maxPreemptions !== undefined && { maxPreemptions }),
    ...(maxFaults !== undefined && { maxFaults }),
    ...(timeouts !== undefined && { timeouts }),
    ...(maxStates !== undefined && { maxStates }),
    ...(wide !== undefined && { wide }),
    ...(validateOneIn !== undefined && { validateOneIn }),
    ...(resume !== undefined && { resume }),
    stopAfter: 'everything',
    onProgress: (progress) => {
      level = progress.level;
      if (progress.failures > 0) foundOn ??= level;
      options.onProgress?.(progress);
    },
    // That a step is one which others cannot notice is only so where everything that is shared is locked.
    allSteps: races.length > 0 ? 'starts too' : false,
    shouldStop: () => timeIsOver() || impatient(),
  };
}

function coverageOf(graph: ExhaustiveResult, { maxPreemptions }: ExploreOptions, timeIsOver: boolean): Exploration['coverage'] {
  if (graph.exhausted) return 'exhausted';
  if (maxPreemptions !== undefined && graph.levelsDone > maxPreemptions) return 'bounded';
  return graph.failures > 0 && !graph.full && !timeIsOver ? 'stopped' : 'budget';
}

/** A failure of which the state graph says nothing. */
function unproven(found: Found): Counterexample {
  return { ...found, fewestPreemptions: false, pointOfNoReturn: null, doomedStates: null, nearestGood: null };
}

function randomSchedules(seed: number, count: number): (() => RandomPreemption)[] {
  return Array.from({ length: count }, (_, i) => () => new RandomPreemption(seed + i));
}
