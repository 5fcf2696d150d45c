/** What a state graph says, once it is there: how many interleavings it stands for, where they go wrong, and which is the simplest. */
import { NONE, type StateGraph, StateKind } from './graph.js';

/** How the ways on from a state end. */
export type Fate = 'well' | 'badly' | 'either' | 'unknown';

/** What follows from the graph as a whole. */
export interface GraphAnalysis {
  /** Ways from the start to an end; null when a loop makes them infinitely many. */
  readonly interleavings: bigint | null;
  /** How the ways on from each state end; what is not explored is unknown. */
  readonly fates: readonly Fate[];
  /** States on loops that threads can run in for ever, each set of them a loop; empty when every way ends. */
  readonly loops: readonly (readonly number[])[];
}

const WELL = 1;
const BADLY = 2;
const UNEXPLORED = 4;

/** Looks at the whole graph from its start. */
export function analyse(graph: StateGraph): GraphAnalysis {
  const loops = findLoops(graph);
  const inLoop = new Set(loops.flat());
  const order = postOrder(graph);
  const counts = new Map<number, bigint>();
  const ends = new Uint8Array(graph.stateCount);
  // Without a loop one round is enough; what a state in a loop can come to takes others to go around it.
  for (let changed = true; changed; ) {
    changed = false;
    for (const state of order) {
      const all = endsOf(graph, state, ends);
      changed ||= inLoop.size > 0 && all !== ends[state];
      ends[state] = all;
    }
  }
  for (const state of order) {
    if (graph.kind(state) !== StateKind.Inner) counts.set(state, 1n);
    else {
      let sum = 0n;
      for (const edge of graph.edgesOf(state)) if (graph.to(edge) !== NONE) sum += counts.get(graph.to(edge)) ?? 0n;
      counts.set(state, sum);
    }
  }
  return {
    interleavings: inLoop.size > 0 ? null : (counts.get(0) ?? 0n),
    fates: Array.from(ends, fateOf),
    loops,
  };
}

function endsOf(graph: StateGraph, state: number, ends: Uint8Array): number {
  const kind = graph.kind(state);
  if (kind === StateKind.Ended) return WELL;
  if (kind >= StateKind.Failed) return BADLY;
  let all = 0;
  for (const edge of graph.edgesOf(state)) all |= graph.to(edge) === NONE ? UNEXPLORED : (ends[graph.to(edge)] as number);
  return all;
}

function fateOf(ends: number): Fate {
  if ((ends & WELL) !== 0) return (ends & BADLY) !== 0 ? 'either' : (ends & UNEXPLORED) !== 0 ? 'unknown' : 'well';
  if ((ends & BADLY) !== 0) return (ends & UNEXPLORED) !== 0 ? 'unknown' : 'badly';
  return 'unknown';
}

/** All states that can be reached from the start, each after those that follow it, as far as there is no loop. */
function postOrder(graph: StateGraph): number[] {
  const order: number[] = [];
  const seen = new Uint8Array(graph.stateCount);
  const stack: { readonly state: number; readonly edges: Iterator<number> }[] = [];
  const visit = (state: number): void => {
    seen[state] = 1;
    stack.push({ state, edges: graph.edgesOf(state) });
  };
  if (graph.stateCount > 0) visit(0);
  for (let top = stack.at(-1); top !== undefined; top = stack.at(-1)) {
    const { done, value } = top.edges.next();
    if (done === true) {
      order.push(top.state);
      stack.pop();
      continue;
    }
    const to = graph.to(value);
    if (to !== NONE && seen[to] === 0) visit(to);
  }
  return order;
}

/**
 * The strongly connected parts of the graph that have a loop in them (Tarjan's algorithm, with a stack of its own).
 *
 * @param within the states to look at; those that the first of them leads to when absent
 */
export function findLoops(graph: StateGraph, within?: ReadonlySet<number>): number[][] {
  const count = graph.stateCount;
  const index = new Int32Array(count).fill(NONE);
  const low = new Int32Array(count);
  const onStack = new Uint8Array(count);
  const open: number[] = [];
  const loops: number[][] = [];
  let next = 0;
  const work: { readonly state: number; readonly edges: Iterator<number> }[] = [];
  const visit = (state: number): void => {
    index[state] = low[state] = next++;
    open.push(state);
    onStack[state] = 1;
    work.push({ state, edges: graph.edgesOf(state) });
  };
  const starts = [...(within ?? (count > 0 ? [0] : []))].values();
  const nextTop = (): (typeof work)[number] | undefined => {
    while (work.length === 0) {
      const { done, value } = starts.next();
      if (done === true) return undefined;
      if (index[value] === NONE) visit(value);
    }
    return work.at(-1);
  };
  for (let top = nextTop(); top !== undefined; top = nextTop()) {
    const { state, edges } = top;
    const { done, value } = edges.next();
    if (done !== true) {
      const to = graph.to(value);
      if (to === NONE || (within !== undefined && !within.has(to))) continue;
      if (index[to] === NONE) visit(to);
      else if (onStack[to] === 1) low[state] = Math.min(low[state] as number, index[to] as number);
      continue;
    }
    work.pop();
    const below = work.at(-1);
    if (below !== undefined) low[below.state] = Math.min(low[below.state] as number, low[state] as number);
    if (low[state] !== index[state]) continue;
    const part: number[] = [];
    for (;;) {
      const member = open.pop() as number;
      onStack[member] = 0;
      part.push(member);
      if (member === state) break;
    }
    const isLoop = part.length > 1 || [...graph.edgesOf(state)].some((edge) => graph.to(edge) === state);
    if (isLoop) loops.push(part);
  }
  return loops;
}

/** A way through the graph. */
export interface GraphPath {
  /** The edges, from the start. */
  readonly edges: readonly number[];
  /** Switches away from a thread that could have gone on. */
  readonly preemptions: number;
}

/**
 * The simplest way from the start to a state that is wanted: with the fewest preemptions, and of those the shortest. Null when there is
 * none in the graph.
 */
export function simplestPath(graph: StateGraph, isWanted: (state: number) => boolean, start = 0): GraphPath | null {
  const seen = new Set<number>();
  // Places by preemptions, and within that by steps: the first that is wanted is the simplest.
  const levels: Place[][][] = [[[{ state: start, last: NONE, via: NONE, before: null }]]];
  for (let preemptions = 0; preemptions < levels.length; preemptions++) {
    const present = levels[preemptions] ?? [];
    for (let steps = 0; steps < present.length; steps++) {
      for (const place of present[steps] ?? []) {
        const name = place.state * MAX_RANK + place.last + 1;
        if (seen.has(name)) continue;
        seen.add(name);
        if (isWanted(place.state)) return { edges: edgesTo(place), preemptions };
        const goesOn = place.last === NONE ? NONE : graph.runEdge(place.state, place.last);
        for (const edge of graph.orderedEdgesOf(place.state)) {
          if (graph.to(edge) === NONE) continue;
          const preempts = goesOn !== NONE && edge !== goesOn && graph.slotOf(edge) !== place.last;
          const there = preemptions + (preempts && graph.label(edge).kind !== 'expire' ? 1 : 0);
          const next: Place = { state: graph.to(edge), last: graph.rankAfter(edge), via: edge, before: place };
          const level = levels[there] ?? [];
          levels[there] = level;
          const places = level[steps + 1] ?? [];
          level[steps + 1] = places;
          places.push(next);
        }
      }
    }
    // Nothing comes back to a level that is done.
    levels[preemptions] = [];
  }
  return null;
}

/** A state and the thread that ran last, on which it depends what a preemption is. */
interface Place {
  readonly state: number;
  readonly last: number;
  readonly via: number;
  readonly before: Place | null;
}

/** Ranks are smaller than this. */
const MAX_RANK = 2 ** 20;

function edgesTo(place: Place): number[] {
  const edges: number[] = [];
  for (let each: Place | null = place; each !== null && each.via !== NONE; each = each.before) edges.push(each.via);
  return edges.reverse();
}
