/** Takes a way through the state graph once more, as an execution: by the ranks of threads, which are the same on each path. */
import type { Lwp, SchedulingPoint, Strategy } from '@faultline/kernel';
import { ENOUGH, type ExecutionOptions, execute, type Outcome, StateMismatch } from './execution.js';
import { NONE, type StateGraph } from './graph.js';
import type { Instance, Model } from './model.js';
import { keyOf } from './state-key.js';
import type { VisibleSteps } from './visible-steps.js';

/** What is needed to find one's way through a graph. */
export interface GraphWalk {
  readonly model: Model;
  readonly graph: StateGraph;
  readonly visible: VisibleSteps;
  readonly maxFaults: number;
  readonly wide: boolean;
}

/** A way that was taken as an execution. */
export interface Realised {
  readonly outcome: Outcome;
  /** For each edge, the steps that had been taken when it was. */
  readonly stepsAt: readonly number[];
  /** For each edge, the number of the thread that took it; `NONE` for a timeout that fired. */
  readonly takenBy: readonly number[];
  /** For each edge, the numbers of the threads that could have gone on instead, and of the one that did. */
  readonly couldRun: readonly (readonly number[])[];
}

/** How to go. */
export interface RealiseOptions extends ExecutionOptions {
  /** Whether to stop at the end of the way instead of going on. Default false. */
  readonly stopAtEnd?: boolean;
}

/**
 * Takes a way through the graph, and goes on from its end without preemption.
 *
 * @throws {StateMismatch} when the execution does not come by the states that the graph has
 */
export function realise(walk: GraphWalk, edges: readonly number[], options: RealiseOptions = {}): Realised {
  const walker = new Walker(walk, edges, options.stopAtEnd === true);
  const model: Model = {
    name: walk.model.name,
    boot: (strategy) => {
      const instance = walk.model.boot(strategy);
      walker.instance = instance;
      return instance;
    },
  };
  const outcome = execute(model, walker, { maxSteps: MOST_STEPS, ...options });
  const { stepsAt, takenBy, couldRun } = walker;
  return { outcome, stepsAt, takenBy, couldRun };
}

/** Steps after which an execution is said to be without an end. */
const MOST_STEPS = 20_000;

class Walker implements Strategy {
  readonly name = 'replay';
  readonly preemptive = true;
  readonly everyStep = true;
  instance: Instance | null = null;
  readonly stepsAt: number[] = [];
  readonly takenBy: number[] = [];
  readonly couldRun: number[][] = [];
  readonly #stopAtEnd: boolean;
  readonly #walk: GraphWalk;
  readonly #edges: readonly number[];
  #actor: Lwp | null = null;
  #starting: Lwp | null = null;
  #sleepers: readonly Lwp[] = [];
  #faults = 0;
  readonly #faultsAt = new Map<number, number>();

  constructor(walk: GraphWalk, edges: readonly number[], stopAtEnd: boolean) {
    this.#stopAtEnd = stopAtEnd;
    this.#walk = walk;
    this.#edges = edges;
    const [first] = edges;
    // Before the start there was nothing to decide but faults.
    if (first !== undefined && walk.graph.lwpOf(first) === NONE) this.#take(first, 0, NONE, []);
  }

  get #over(): boolean {
    return this.stepsAt.length === this.#edges.length;
  }

  preempts({ current }: SchedulingPoint): boolean {
    if (this.#over && current !== this.#starting && !this.#stopAtEnd) return false;
    return this.#walk.visible.isVisible(current, current.op, current.object);
  }

  expire(sleepers: readonly Lwp[], point: SchedulingPoint): Lwp | null {
    this.#sleepers = sleepers;
    const { graph } = this.#walk;
    const edge = this.#edges[this.stepsAt.length];
    if (edge === undefined || graph.label(edge).kind !== 'expire') return null;
    const rankOf = this.#arrived(edge);
    this.#take(edge, point.steps, NONE, []);
    this.#faults++;
    return this.#sleepers.find((lwp) => rankOf(lwp) === graph.slotOf(edge)) ?? missing();
  }

  pick(candidates: readonly Lwp[], usual: Lwp, point: SchedulingPoint): Lwp {
    this.#starting = candidates.find((lwp) => this.#walk.visible.startsAtOnce(lwp)) ?? null;
    if (this.#starting !== null) return this.#starting;
    const { graph } = this.#walk;
    const edge = this.#edges[this.stepsAt.length];
    if (edge === undefined && this.#stopAtEnd) throw ENOUGH;
    if (edge === undefined) return this.#actor !== null && candidates.includes(this.#actor) ? this.#actor : usual;
    const rankOf = this.#arrived(edge);
    this.#actor = candidates.find((lwp) => rankOf(lwp) === graph.slotOf(edge)) ?? missing();
    const could = candidates.map(({ id }) => id);
    this.#take(edge, point.steps, this.#actor.id, could);
    return this.#actor;
  }

  /** An edge is taken after so many steps, by a thread, where these could go on. */
  #take(edge: number, steps: number, by: number, could: number[]): void {
    this.stepsAt.push(steps);
    this.takenBy.push(by);
    this.couldRun.push(could);
    for (const { choice, way } of this.#walk.graph.faultsOf(edge)) {
      this.#faultsAt.set(steps + choice, way);
      this.#faults++;
    }
  }

  choose(_site: string, _alternatives: number, point: SchedulingPoint): number {
    return this.#faultsAt.get(point.steps) ?? 0;
  }

  /** Checks that the execution is in the state that an edge comes from. */
  #arrived(edge: number): (lwp: Lwp) => number {
    const { graph, maxFaults, wide } = this.#walk;
    if (this.instance === null) return missing();
    const { key, rankOf } = keyOf(this.instance, { faults: maxFaults > 0 ? this.#faults : 0, wide });
    if (graph.find(key) !== graph.from(edge)) missing();
    return rankOf;
  }
}

function missing(): never {
  throw new StateMismatch(
    'a way through the state graph cannot be taken again: something that matters is missing in what the state tells',
  );
}
