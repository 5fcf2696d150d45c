/** The simplest way to a failure, where it became inevitable, and the nearest way that ends well. */
import type { Schedule } from '@faultline/kernel';
import { analyse, type Fate, type GraphAnalysis, simplestPath } from './analysis.js';
import { type ExhaustiveResult, failureAt } from './exhaustive.js';
import type { Failure, Found } from './failure.js';
import { type StateGraph, StateKind } from './graph.js';
import { type GraphWalk, realise } from './realise.js';
import { VisibleSteps } from './visible-steps.js';

/** A failure and all that the state graph says of it. */
export interface Counterexample extends Found {
  /** Whether there is none with fewer preemptions. */
  readonly fewestPreemptions: boolean;
  /** The step from which on every way ends badly; null when that is not known, because not everything was explored. */
  readonly pointOfNoReturn: number | null;
  /** States from which every way ends badly. */
  readonly doomedStates: number | null;
  /** A way that ends well and goes the same way as long as there was one; null when there is none, or it is not known. */
  readonly nearestGood: NearestGood | null;
  /** Of the ways on in front of the point of no return, how many end well at all; absent when it is not known. */
  readonly waysBefore?: { readonly well: number; readonly all: number };
  /** For a livelock: the steps between which the threads go round for ever. */
  readonly loop?: { readonly from: number; readonly to: number };
}

/** A way that ends well. */
export interface NearestGood {
  readonly schedule: Schedule;
  /** The step at which it leaves the way that ends badly. */
  readonly leavesAt: number;
}

/** The counterexamples of an exploration, the simplest for each failure; `analysis` is of its graph. */
export function counterexamples(result: ExhaustiveResult, analysis: GraphAnalysis = analyse(result.graph)): Counterexample[] {
  const walk = walkThrough(result);
  return result.failuresFound.flatMap((failure) => counterexample(result, walk, analysis, failure) ?? []);
}

/** What is needed to find one's way through the graph of an exploration. */
export function walkThrough(result: ExhaustiveResult): GraphWalk {
  return {
    model: result.model,
    graph: result.graph,
    visible: new VisibleSteps(result.knowledge, { all: result.allSteps }),
    maxFaults: result.maxFaults,
    wide: result.wide,
  };
}

function counterexample(
  result: ExhaustiveResult,
  walk: GraphWalk,
  analysis: GraphAnalysis,
  failure: Failure,
): Counterexample | null {
  const { graph } = result;
  const path = simplestPath(graph, (state) => failureAt(result, state) === failure);
  if (path === null) return null;
  const { outcome, stepsAt } = realise(walk, path.edges);
  const fateAfter = (edge: number): Fate => analysis.fates[graph.to(edge)] ?? 'unknown';
  const certain = path.edges.every((edge) => fateAfter(edge) !== 'unknown');
  const doomed = path.edges.findIndex((edge) => fateAfter(edge) === 'badly');
  return {
    failure: outcome.failure ?? failure,
    schedule: outcome.schedule,
    preemptions: path.preemptions,
    steps: outcome.steps,
    fewestPreemptions: path.preemptions < result.levelsDone,
    pointOfNoReturn: certain && doomed >= 0 ? (stepsAt[doomed] ?? null) : null,
    doomedStates: certain
      ? analysis.fates.filter((fate, state) => fate === 'badly' && graph.kind(state) === StateKind.Inner).length
      : null,
    nearestGood: doomed >= 0 ? nearestGood(walk, path.edges, doomed) : null,
    ...(certain && { waysBefore: waysFrom(graph, analysis, path.edges[doomed]) }),
  };
}

/** How the ways on end where an edge begins; without an edge there is none that could end well. */
function waysFrom(graph: StateGraph, analysis: GraphAnalysis, doomed: number | undefined): { well: number; all: number } {
  if (doomed === undefined) return { well: 0, all: 0 };
  const fates = [...graph.edgesOf(graph.from(doomed))].map((edge) => analysis.fates[graph.to(edge)] ?? 'unknown');
  return { well: fates.filter((fate) => fate !== 'badly').length, all: fates.length };
}

function nearestGood(walk: GraphWalk, edges: readonly number[], doomed: number): NearestGood | null {
  const { graph } = walk;
  // The last state from which a way ends well is where the doomed edge comes from, unless that edge is not the only one that is.
  for (let at = doomed; at >= 0; at--) {
    const from = graph.from(edges[at] as number);
    const rest = simplestPath(graph, (state) => graph.kind(state) === StateKind.Ended, from);
    if (rest === null) continue;
    const { outcome, stepsAt } = realise(walk, [...edges.slice(0, at), ...rest.edges]);
    return outcome.failure === null ? { schedule: outcome.schedule, leavesAt: stepsAt[at] ?? 0 } : null;
  }
  return null;
}
