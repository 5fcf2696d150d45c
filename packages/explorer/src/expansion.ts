/**
 * One execution of an exhaustive exploration: goes along a known path to a state, takes an edge that nobody has taken, and goes on
 * from there as far as the states are new.
 *
 *     start ── known path, replayed ──> state ── the edge ──> new ──> new ──> seen before: enough
 *                                                              └── other threads could go on here: put on the frontier
 */
import type { Lwp, SchedulingPoint, Strategy } from '@faultline/kernel';
import { Abandoned, execute, type Outcome } from './execution.js';
import type { Failure } from './failure.js';
import type { Frontier } from './frontier.js';
import { type EdgeLabel, fault, NONE, type StateGraph, StateKind, unpackFault } from './graph.js';
import type { Instance, Model } from './model.js';
import { type KeyedState, keyOf, keyOfText } from './state-key.js';
import type { VisibleSteps } from './visible-steps.js';

/** What all executions of an exploration share. */
export interface Exploration {
  readonly model: Model;
  readonly graph: StateGraph;
  readonly frontier: Frontier;
  readonly visible: VisibleSteps;
  /** Environment faults that a path may have. */
  readonly maxFaults: number;
  /** Timeouts that a path may have fire although threads could run. They count as faults. */
  readonly timeouts: boolean;
  readonly wide: boolean;
  /** One in so many visits to a known state is followed all the same, to see whether it goes on as it did before; 0 for none. */
  readonly validateOneIn: number;
  /** Whether `instance.audit` is asked at quiet points. */
  readonly audit: boolean;
  /** The number by which a failure is known. */
  readonly failureNumber: (failure: Failure) => number;
  readonly counters: ExplorationCounters;
}

/** What an exploration has done. */
export interface ExplorationCounters {
  executions: number;
  /** Visits to states that were known. */
  hits: number;
  /** Visits that were followed to see whether the known state goes on alike. */
  validated: number;
  steps: number;
}

/** Two executions were in states with one key, and went on differently: something is missing in what the state tells. */
export class StateMismatch extends Error {
  override readonly name = 'StateMismatch';
}

/** A decision on the way to the edge. */
interface Decision {
  readonly step: number;
  readonly label: EdgeLabel;
}

/** Takes an edge; with `NONE`, starts at the beginning. */
export function expand(exploration: Exploration, edge: number): Outcome {
  const expansion = new Expansion(exploration, edge);
  const model: Model = {
    name: exploration.model.name,
    boot: (strategy) => {
      const instance = exploration.model.boot(strategy);
      expansion.instance = instance;
      return instance;
    },
  };
  const outcome = execute(model, expansion, { audit: exploration.audit });
  expansion.ended(outcome);
  exploration.counters.executions++;
  exploration.counters.steps += outcome.steps;
  return outcome;
}

/** The strategy of one such execution. */
class Expansion implements Strategy {
  readonly name = 'exhaustive';
  readonly preemptive = true;
  readonly everyStep = true;
  instance: Instance | null = null;

  readonly #exploration: Exploration;
  readonly #path: readonly Decision[];
  /** Faults on the path: the step of the choice, and the way. */
  readonly #faultsAt = new Map<number, number>();
  /** The next decision of the path. */
  #next = 0;
  /** The edge that is being taken, once the path is behind. */
  #edge: number;
  /** The state it comes from. */
  #from: number;
  /** Steps on the path that the graph knows, minus steps in this execution: a known state may have been reached on a longer way. */
  #stepOffset = 0;
  #faults = 0;
  #sleepers: readonly Lwp[] = [];
  /** The thread whose edge is being taken, and which goes on where nothing else is decided. */
  #actor: Lwp | null = null;
  /** A thread that was let start, and has not come to its first visible step. */
  #starting: Lwp | null = null;
  /** While a known edge is followed to see whether it leads where it led: that edge. */
  #validating = NONE;

  constructor(exploration: Exploration, edge: number) {
    this.#exploration = exploration;
    this.#edge = edge;
    const { graph } = exploration;
    this.#from = edge === NONE ? NONE : graph.from(edge);
    const edges = edge === NONE ? [] : [...graph.pathTo(this.#from), edge];
    const path: Decision[] = [];
    let running = NONE;
    for (const each of edges) {
      const label = graph.label(each);
      const step = graph.step(graph.from(each));
      if (label.kind === 'fault') {
        const { choice, way } = unpackFault(label.detail);
        this.#faultsAt.set(step + choice, way);
      }
      if (label.kind !== 'run') this.#faults++;
      if (label.kind === 'expire' || label.lwp !== running || each === edge) path.push({ step, label });
      running = label.kind === 'expire' ? NONE : label.lwp;
    }
    this.#path = path;
  }

  get #live(): boolean {
    return this.#next === this.#path.length;
  }

  preempts(point: SchedulingPoint): boolean {
    const { current } = point;
    if (!this.#live && current !== this.#starting) return point.steps === this.#path[this.#next]?.step;
    return this.#exploration.visible.isVisible(current, current.op, current.object);
  }

  expire(sleepers: readonly Lwp[], point: SchedulingPoint): Lwp | null {
    this.#sleepers = sleepers;
    const decision = this.#path[this.#next];
    if (decision === undefined || decision.step !== point.steps || decision.label.kind !== 'expire') return null;
    this.#next++;
    return sleepers.find(({ id }) => id === decision.label.lwp) ?? diverged('a timeout that fired');
  }

  pick(candidates: readonly Lwp[], usual: Lwp, point: SchedulingPoint): Lwp {
    // Starting touches nothing that others could see: every thread is let come to its first step at once.
    this.#starting = candidates.find(({ op, object }) => op === 'start' && object === null) ?? null;
    if (this.#starting !== null) return this.#starting;
    const decision = this.#path[this.#next];
    if (decision === undefined) {
      this.#actor = this.#arrive(candidates, usual, point);
    } else if (decision.step === point.steps) {
      this.#next++;
      this.#actor = candidates.find(({ id }) => id === decision.label.lwp) ?? diverged('a thread that went on');
    } else if (this.#actor === null || !candidates.includes(this.#actor)) {
      return usual;
    }
    return this.#actor;
  }

  choose(_site: string, alternatives: number, point: SchedulingPoint): number {
    const way = this.#faultsAt.get(point.steps);
    if (way !== undefined) return way;
    const { graph, frontier, maxFaults } = this.#exploration;
    if (!this.#live || this.#from === NONE || this.#validating !== NONE || this.#faults >= maxFaults) return 0;
    const taken = graph.label(this.#edge);
    // One fault an edge: the ways after this one are ways of the ordinary edge.
    if (taken.kind === 'fault') return 0;
    for (let other = 1; other < alternatives; other++) {
      const detail = fault(point.steps + this.#stepOffset - graph.step(this.#from), other);
      const edge = graph.addEdge(this.#from, { ...taken, kind: 'fault', detail });
      if (edge === NONE) continue;
      graph.lowerCost(edge, frontier.level);
      frontier.push(edge, 'now');
    }
    return 0;
  }

  /** The execution is over. */
  ended(outcome: Outcome): void {
    if (outcome.abandoned || this.instance === null) return;
    const { graph, frontier, failureNumber } = this.#exploration;
    const { failure } = outcome;
    const key = failure === null ? this.#key(this.instance).key : keyOfText(failure.signature);
    if (this.#validating !== NONE) {
      this.#compare(graph.find(key));
      return;
    }
    const known = graph.find(key);
    const state =
      known !== NONE
        ? known
        : graph.add({
            key,
            parent: this.#edge,
            step: outcome.steps + this.#stepOffset,
            level: frontier.level,
            faults: this.#faults,
            ids: 0,
            kind: failure === null ? StateKind.Ended : StateKind.Failed + failureNumber(failure),
            last: NONE,
            edges: [],
          }).state;
    if (this.#edge !== NONE && state !== NONE) graph.arrive(this.#edge, state, NONE);
  }

  /** A state has been reached on a way that nobody went before. */
  #arrive(candidates: readonly Lwp[], usual: Lwp, point: SchedulingPoint): Lwp {
    const { graph, counters, validateOneIn } = this.#exploration;
    if (this.instance === null) return usual;
    const keyed = this.#key(this.instance);
    const known = graph.find(keyed.key);
    if (this.#validating !== NONE) {
      this.#compare(known);
      this.#validating = NONE;
      throw new Abandoned();
    }
    const ids = this.#digestOfIds(this.instance, keyed);
    const { state, isNew } =
      known !== NONE ? { state: known, isNew: false } : graph.add(this.#newState(candidates, point, keyed, ids));
    if (state === NONE) throw new Abandoned();
    if (this.#edge !== NONE) graph.arrive(this.#edge, state, this.#actor === null ? NONE : keyed.rankOf(this.#actor));
    const next = this.#queue(state, candidates, keyed, isNew || graph.ids(state) === ids);
    if (next !== NONE) {
      this.#edge = next;
      this.#from = state;
      this.#stepOffset = graph.step(state) - point.steps;
      return candidates.find(({ id }) => id === graph.lwpOf(next)) ?? diverged('a thread of a known state');
    }
    counters.hits++;
    if (!isNew && validateOneIn > 0 && counters.hits % validateOneIn === 0) {
      const again = this.#followed(state, candidates, keyed);
      if (again !== null) return again;
    }
    throw new Abandoned();
  }

  #newState(
    candidates: readonly Lwp[],
    point: SchedulingPoint,
    keyed: KeyedState,
    ids: number,
  ): Parameters<StateGraph['add']>[0] {
    const { frontier, timeouts, maxFaults } = this.#exploration;
    const edges: EdgeLabel[] = candidates.map((lwp) => ({ lwp: lwp.id, slot: keyed.rankOf(lwp), kind: 'run', detail: 0 }));
    edges.sort((a, b) => a.slot - b.slot);
    if (timeouts && this.#faults < maxFaults) {
      for (const lwp of this.#sleepers) edges.push({ lwp: lwp.id, slot: keyed.rankOf(lwp), kind: 'expire', detail: 0 });
    }
    return {
      key: keyed.key,
      parent: this.#edge,
      step: point.steps + this.#stepOffset,
      level: frontier.level,
      faults: this.#faults,
      ids,
      kind: StateKind.Inner,
      last: this.#actor === null ? NONE : keyed.rankOf(this.#actor),
      edges,
    };
  }

  /**
   * Puts the edges of a state on the frontier, as far as this arrival makes them cheaper than they were.
   *
   * @returns the edge to go on with, claimed; `NONE` when there is none
   */
  #queue(state: number, candidates: readonly Lwp[], keyed: KeyedState, inline: boolean): number {
    const { graph, frontier } = this.#exploration;
    const { level } = frontier;
    const last = this.#actor !== null && candidates.includes(this.#actor) ? keyed.rankOf(this.#actor) : NONE;
    let next = NONE;
    // The thread that runs goes on if it can: that costs nothing, and needs no replay.
    if (inline && last !== NONE) {
      const own = graph.runEdge(state, last);
      if (own !== NONE && graph.claim(own)) {
        graph.lowerCost(own, level);
        next = own;
      }
    }
    for (const edge of graph.edgesOf(state)) {
      const label = graph.label(edge);
      if (label.kind === 'fault') continue;
      const cost = label.kind === 'run' && last !== NONE && label.slot !== last ? level + 1 : level;
      if (!graph.lowerCost(edge, cost) || graph.isClaimed(edge)) continue;
      if (next === NONE && inline && cost === level && label.kind === 'run' && graph.claim(edge)) next = edge;
      else frontier.push(edge, cost === level ? 'now' : 'later');
    }
    return next;
  }

  /** A thread on whose known edge to go on, to see where it leads this time. */
  #followed(state: number, candidates: readonly Lwp[], keyed: KeyedState): Lwp | null {
    const { graph, counters } = this.#exploration;
    const runnable = candidates.map((lwp) => keyed.rankOf(lwp)).sort((a, b) => a - b);
    const known = [...graph.edgesOf(state)].filter((edge) => graph.label(edge).kind === 'run').map((edge) => graph.slotOf(edge));
    if (runnable.join() !== known.sort((a, b) => a - b).join()) {
      throw new StateMismatch(
        `two executions are in one state by their keys, but threads ${runnable.join(', ')} can go on in one, and ${known.join(', ')} in the other`,
      );
    }
    for (const lwp of candidates) {
      const edge = graph.runEdge(state, keyed.rankOf(lwp));
      if (edge === NONE || graph.to(edge) === NONE) continue;
      counters.validated++;
      this.#validating = edge;
      return lwp;
    }
    return null;
  }

  #compare(state: number): void {
    const { graph } = this.#exploration;
    const expected = graph.to(this.#validating);
    if (state === expected) return;
    const from = graph.from(this.#validating);
    throw new StateMismatch(
      `from state ${from}, which two executions have reached, thread rank ${graph.slotOf(this.#validating)} leads to state ${expected} in one and to ` +
        `${state === NONE ? 'a state never seen' : `state ${state}`} in the other: something that matters is missing in what the state tells`,
    );
  }

  #key(instance: Instance): KeyedState {
    const { wide, maxFaults } = this.#exploration;
    return keyOf(instance, { faults: maxFaults > 0 ? this.#faults : 0, wide });
  }

  /** On two paths with equal digests, threads have equal numbers, and those to come will have. */
  #digestOfIds({ kern }: Instance, { rankOf }: KeyedState): number {
    let digest = kern.scheduler.nextId;
    for (const lwp of kern.scheduler.lwps) digest = (Math.imul(digest, 31) + lwp.id * 17 + rankOf(lwp)) | 0;
    return digest;
  }
}

function diverged(what: string): never {
  throw new StateMismatch(
    `${what} on a known path cannot do so when the path is taken again: the program depends on more than its schedule`,
  );
}
