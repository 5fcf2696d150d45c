/**
 * Livelocks: threads that go round and round for ever although each of them gets its turns.
 *
 *     start ──> … ──> state ──> state
 *                       ^         │        a loop in the state graph
 *                       └── … <───┘
 *
 * A loop is a livelock when it is fair: whoever could go on somewhere in it does go on in it. A loop in which somebody is only kept
 * waiting is none: sooner or later that thread has its turn, and the others leave the loop.
 */
import { analyse, findLoops, type GraphAnalysis, simplestPath } from '../analysis.js';
import { type Counterexample, walkThrough } from '../counterexample.js';
import type { ExhaustiveResult } from '../exhaustive.js';
import type { Failure } from '../failure.js';
import { NONE, type StateGraph } from '../graph.js';
import { realise } from '../realise.js';
import { type Trace, type TracedStep, traceOf } from './trace.js';

/** Times that a loop is gone round to see who has his turn: equal threads may change parts each time. */
const MOST_ROUNDS = 4;

/** The livelocks of a program: for each fair loop of its graph the simplest way into it, and once around; the loops are of its graph. */
export function livelocks(result: ExhaustiveResult, { loops }: GraphAnalysis = analyse(result.graph)): Counterexample[] {
  const found: Counterexample[] = [];
  for (const part of loops.flatMap((loop) => fairParts(result.graph, loop))) {
    const livelock = lasso(result, part);
    if (livelock === null || found.some(({ failure }) => failure.signature === livelock.failure.signature)) continue;
    found.push(livelock);
  }
  return found;
}

/** What is left of a loop without the states in which somebody could go on who never does in it. */
function fairParts(graph: StateGraph, loop: readonly number[]): (readonly number[])[] {
  const within = new Set(loop);
  const starving = new Set<number>();
  const running = new Set<number>();
  for (const state of loop) {
    for (const edge of runsOf(graph, state)) {
      starving.add(graph.lwpOf(edge));
      if (within.has(graph.to(edge))) running.add(graph.lwpOf(edge));
    }
  }
  for (const lwp of running) starving.delete(lwp);
  if (starving.size === 0) return [loop];
  const rest = loop.filter((state) => runsOf(graph, state).every((edge) => !starving.has(graph.lwpOf(edge))));
  return findLoops(graph, new Set(rest)).flatMap((part) => fairParts(graph, part));
}

/** The way into a loop and once around it, so that each thread has its turn. Null when it turns out that one has not. */
function lasso(result: ExhaustiveResult, part: readonly number[]): Counterexample | null {
  const { graph, model } = result;
  const within = new Set(part);
  const entry = simplestPath(graph, (state) => within.has(state));
  if (entry === null) return null;
  const last = entry.edges.at(-1);
  const round = roundFrom(graph, within, last === undefined ? 0 : graph.to(last));
  const walk = walkThrough(result);
  for (let rounds = 1; rounds <= MOST_ROUNDS; rounds++) {
    const edges = [...entry.edges, ...Array.from({ length: rounds }, () => round).flat()];
    const { outcome, stepsAt, takenBy, couldRun } = realise(walk, edges, { stopAtEnd: true });
    const ran = new Set(takenBy.slice(entry.edges.length));
    if (!couldRun.slice(entry.edges.length).every((lwps) => lwps.every((lwp) => ran.has(lwp)))) continue;
    const from = stepsAt[entry.edges.length] ?? 0;
    const loop = { from, to: outcome.steps };
    const trace = traceOf(model, outcome.schedule, { maxSteps: outcome.steps });
    return {
      failure: failureOf(trace, loop),
      schedule: outcome.schedule,
      preemptions: entry.preemptions,
      steps: outcome.steps,
      fewestPreemptions: entry.preemptions < result.levelsDone,
      pointOfNoReturn: null,
      doomedStates: null,
      nearestGood: null,
      loop,
    };
  }
  return null;
}

/** A way from a state of a loop back to it on which each thread that can go on in the loop does so. */
function roundFrom(graph: StateGraph, within: ReadonlySet<number>, start: number): number[] {
  const inside = (edge: number): boolean => within.has(graph.to(edge));
  const waiting = new Set([...within].flatMap((state) => runsOf(graph, state).filter(inside)).map((edge) => graph.lwpOf(edge)));
  const round: number[] = [];
  let at = start;
  const go = (isWanted: (edge: number) => boolean): void => {
    for (const edge of shortestWay(graph, inside, at, isWanted)) {
      round.push(edge);
      waiting.delete(graph.lwpOf(edge));
      at = graph.to(edge);
    }
  };
  while (waiting.size > 0) go((edge) => waiting.has(graph.lwpOf(edge)));
  if (at !== start) go((edge) => graph.to(edge) === start);
  return round;
}

/** The shortest way whose last edge is wanted. */
function shortestWay(
  graph: StateGraph,
  inside: (edge: number) => boolean,
  start: number,
  isWanted: (edge: number) => boolean,
): number[] {
  const via = new Map<number, number>([[start, NONE]]);
  for (const state of via.keys()) {
    for (const edge of runsOf(graph, state)) {
      if (!inside(edge)) continue;
      if (isWanted(edge)) {
        const way = [edge];
        for (let before = via.get(state) ?? NONE; before !== NONE; before = via.get(graph.from(before)) ?? NONE) way.push(before);
        return way.reverse();
      }
      if (!via.has(graph.to(edge))) via.set(graph.to(edge), edge);
    }
  }
  return [];
}

/** The edges on which threads go on of themselves. */
function runsOf(graph: StateGraph, state: number): number[] {
  return [...graph.edgesOf(state)].filter((edge) => graph.label(edge).kind === 'run');
}

function failureOf(trace: Trace, loop: { readonly from: number; readonly to: number }): Failure {
  const steps = trace.steps.filter(({ number }) => number >= loop.from);
  const told = trace.threads.flatMap((thread) => {
    const own = steps.filter((step) => step.thread === thread).map(tell);
    return own.length === 0 ? [] : [`  lwp ${thread.name} goes round: ${own.join(', ')}`];
  });
  const kinds = [...new Set(steps.map(({ op, object }) => `${op} ${object.replace(/\d+/g, '#')}`))].sort();
  return {
    kind: 'livelock',
    signature: `livelock: ${kinds.join(', ')}`,
    message: [`the threads go round for ever, ${steps.length} steps a time`, ...told].join('\n'),
    frames: [],
    lwp: '',
    violations: [],
  };
}

function tell({ op, object, got }: TracedStep): string {
  return `${op} ${object}${got || op === 'attempt' ? '' : ' (in vain)'}`;
}
