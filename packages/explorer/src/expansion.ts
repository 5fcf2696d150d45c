/**
 * One execution of an exhaustive exploration: goes along a known path to a state, takes an edge that nobody has taken, and goes on
 * from there as far as the states are new.
 *
 *     start ── known path, replayed ──> state ── the edge ──> new ──> new ──> seen before: enough
 *                                                              └── other threads could go on here: put on the frontier
 */
import type { Lwp, SchedulingPoint, StepObject, Strategy } from '@faultline/kernel';
import { ENOUGH, execute, type Outcome, StateMismatch } from './execution.js';
import type { Failure } from './failure.js';
import type { Frontier } from './frontier.js';
import { type EdgeLabel, fault, NONE, type StateGraph, StateKind } from './graph.js';
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
  /** Steps after which an execution is said to be without an end. */
  readonly maxSteps: number;
  /** Whether `instance.audit` is asked at quiet points. */
  readonly audit: boolean;
  /** Asked at each state: whether to stop here, leaving what is left to others, or for later. */
  readonly isOver: () => boolean;
  /** Told when a state is reached that stands for a failure. */
  readonly onFailure: (state: number, failure: Failure) => void;
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

/** A decision on the way to the edge. */
interface Decision {
  readonly step: number;
  readonly label: EdgeLabel;
}

/** Takes an edge; with `NONE`, starts at the beginning. */
export function expand(exploration: Exploration, edge: number): void {
  const expansion = new Expansion(exploration, edge);
  const model: Model = {
    name: exploration.model.name,
    boot: (strategy) => {
      const instance = exploration.model.boot(strategy);
      expansion.instance = instance;
      return instance;
    },
  };
  const { audit, maxSteps } = exploration;
  const outcome = execute(model, expansion, { audit: audit && (() => expansion.isLive), maxSteps });
  expansion.ended(outcome);
  exploration.counters.executions++;
  exploration.counters.steps += outcome.steps;
  outcome.instance.discard?.();
}

/** Steps in a row that others cannot notice; a thread that takes more of them may be waiting for others. */
const MOST_HIDDEN = 10_000;

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
  /** What the steps in a row touched that others could not notice. */
  #hidden: StepObject[] = [];
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
      const faults = graph.faultsOf(each);
      for (const { choice, way } of faults) this.#faultsAt.set(step + choice, way);
      this.#faults += label.kind === 'expire' ? 1 : faults.length;
      // Before the start there was nothing to decide.
      if (label.lwp === NONE) continue;
      if (label.kind === 'expire' || label.lwp !== running || each === edge) path.push({ step, label });
      running = label.kind === 'expire' ? NONE : label.lwp;
    }
    this.#path = path;
  }

  /** Whether the known path is behind. On it, nothing was wrong. */
  get isLive(): boolean {
    return this.#next === this.#path.length;
  }

  preempts(point: SchedulingPoint): boolean {
    const { current, lwps } = point;
    if (!this.isLive && current !== this.#starting) {
      if (point.steps === this.#path[this.#next]?.step) return true;
      // A thread that was created is let start at the next visible step, as it was when the path was new.
      if (!lwps.some((lwp) => this.#exploration.visible.startsAtOnce(lwp))) return false;
    }
    const { visible } = this.#exploration;
    if (visible.isVisible(current, current.op, current.object)) {
      this.#hidden = [];
      return true;
    }
    if (current.object !== null && this.#hidden.push(current.object) > MOST_HIDDEN) {
      visible.suspect(current.object);
      throw ENOUGH;
    }
    return false;
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
    this.#starting = candidates.find((lwp) => this.#exploration.visible.startsAtOnce(lwp)) ?? null;
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
    if (!this.isLive || this.#validating !== NONE || this.#faults >= maxFaults) return 0;
    if (this.#from === NONE) this.#beforeStart();
    if (this.#from === NONE) return 0;
    const taken = graph.label(this.#edge);
    const choice = point.steps + this.#stepOffset - graph.step(this.#from);
    // What comes before the last fault of this edge was seen to when the edge without that fault was taken.
    if (choice <= (graph.faultsOf(this.#edge).at(-1)?.choice ?? 0)) return 0;
    const after = taken.kind === 'fault' ? this.#edge : NONE;
    for (let other = 1; other < alternatives; other++) {
      const label: EdgeLabel = { ...taken, kind: 'fault', detail: fault(choice, other), after };
      // Somebody without room for where it leads may have been here before.
      if (graph.hasEdge(this.#from, label)) continue;
      const edge = graph.addEdge(this.#from, label);
      if (edge === NONE) continue;
      graph.lowerCost(edge, frontier.level);
      frontier.push(edge, 'now');
    }
    return 0;
  }

  /** The environment is asked before any thread has come to a visible step: that needs a state to come from. */
  #beforeStart(): void {
    const { graph } = this.#exploration;
    const edges: EdgeLabel[] = [{ lwp: NONE, slot: NONE, kind: 'run', detail: 0, after: NONE }];
    const key = keyOfText('before the start');
    const { state } = graph.add({
      key,
      parent: NONE,
      step: 0,
      level: 0,
      faults: 0,
      ids: 0,
      kind: StateKind.Inner,
      last: NONE,
      edges,
    });
    if (state === NONE) return;
    this.#from = state;
    this.#edge = graph.runEdge(state, NONE);
    graph.claim(this.#edge);
    graph.lowerCost(this.#edge, 0);
  }

  /** The execution is over. */
  ended(outcome: Outcome): void {
    if (outcome.abandoned || this.instance === null) return;
    if (!this.isLive) diverged('an execution that goes on');
    const { graph, frontier, onFailure } = this.#exploration;
    const { failure } = outcome;
    // Others may have been about to touch what was touched right before things went wrong; there is no execution in which they come to it.
    if (failure !== null) for (const object of this.#hidden) this.#exploration.visible.suspect(object);
    const key = failure === null ? this.#key(this.instance).key : keyOfText(failure.signature);
    if (this.#validating !== NONE) {
      this.#compare(graph.find(key));
      return;
    }
    const known = graph.find(key);
    const { state, isNew } =
      known !== NONE
        ? { state: known, isNew: false }
        : graph.add({
            key,
            parent: this.#edge,
            step: outcome.steps + this.#stepOffset,
            level: frontier.level,
            faults: this.#faults,
            ids: 0,
            kind: failure === null ? StateKind.Ended : StateKind.Failed,
            last: NONE,
            edges: [],
          });
    if (state === NONE) this.#giveBack();
    else if (this.#edge !== NONE) graph.arrive(this.#edge, state, NONE);
    if (isNew && failure !== null) onFailure(state, failure);
  }

  /** There is no room for where the edge leads: somebody with more room is to take it. */
  #giveBack(): void {
    const { graph, frontier } = this.#exploration;
    if (this.#edge === NONE) return;
    graph.release(this.#edge);
    frontier.push(this.#edge, 'now');
  }

  /** A state has been reached on a way that nobody went before. */
  #arrive(candidates: readonly Lwp[], usual: Lwp, point: SchedulingPoint): Lwp {
    const { graph, counters, validateOneIn, isOver } = this.#exploration;
    if (this.instance === null) return usual;
    const keyed = this.#key(this.instance);
    const known = graph.find(keyed.key);
    if (this.#validating !== NONE) {
      this.#compare(known);
      this.#validating = NONE;
      throw ENOUGH;
    }
    const ids = this.#digestOfIds(this.instance, keyed);
    const { state, isNew } =
      known !== NONE ? { state: known, isNew: false } : graph.add(this.#newState(candidates, point, keyed, ids));
    if (state === NONE) {
      this.#giveBack();
      throw ENOUGH;
    }
    if (this.#edge !== NONE) graph.arrive(this.#edge, state, this.#actor === null ? NONE : keyed.rankOf(this.#actor));
    const inline = !isOver() && (isNew || graph.ids(state) === ids);
    const next = this.#queue(state, candidates, keyed, inline);
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
    throw ENOUGH;
  }

  #newState(
    candidates: readonly Lwp[],
    point: SchedulingPoint,
    keyed: KeyedState,
    ids: number,
  ): Parameters<StateGraph['add']>[0] {
    const { frontier, timeouts, maxFaults } = this.#exploration;
    const edges: EdgeLabel[] = candidates.map((lwp) => ({
      lwp: lwp.id,
      slot: keyed.rankOf(lwp),
      kind: 'run',
      detail: 0,
      after: NONE,
    }));
    edges.sort((a, b) => a.slot - b.slot);
    if (timeouts && this.#faults < maxFaults) {
      for (const lwp of this.#sleepers)
        edges.push({ lwp: lwp.id, slot: keyed.rankOf(lwp), kind: 'expire', detail: 0, after: NONE });
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
      const isCheaper = graph.lowerCost(edge, cost);
      if (graph.isClaimed(edge)) continue;
      // Whatever is to be taken on this level may as well be taken from here, where no replay is needed.
      const isNow = label.kind === 'run' && graph.cost(edge) <= level;
      if (next === NONE && inline && isNow && graph.claim(edge)) next = edge;
      else if (isCheaper) frontier.push(edge, cost === level ? 'now' : 'later');
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
