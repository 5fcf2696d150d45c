/** Takes a way through the state graph once more, as an execution: by the ranks of threads, which are the same on each path. */
import type { Lwp, SchedulingPoint, Strategy } from '@faultline/kernel';
import { type ExecutionOptions, execute, type Outcome } from './execution.js';
import { StateMismatch } from './expansion.js';
import { type StateGraph, unpackFault } from './graph.js';
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
}

/**
 * Takes a way through the graph, and goes on from its end without preemption.
 *
 * @throws {StateMismatch} when the execution does not come by the states that the graph has
 */
export function realise(walk: GraphWalk, edges: readonly number[], options: ExecutionOptions = {}): Realised {
  const walker = new Walker(walk, edges);
  const model: Model = {
    name: walk.model.name,
    boot: (strategy) => {
      const instance = walk.model.boot(strategy);
      walker.instance = instance;
      return instance;
    },
  };
  const outcome = execute(model, walker, options);
  return { outcome, stepsAt: walker.stepsAt };
}

class Walker implements Strategy {
  readonly name = 'replay';
  readonly preemptive = true;
  readonly everyStep = true;
  instance: Instance | null = null;
  readonly stepsAt: number[] = [];
  readonly #walk: GraphWalk;
  readonly #edges: readonly number[];
  #actor: Lwp | null = null;
  #starting: Lwp | null = null;
  #sleepers: readonly Lwp[] = [];
  #faults = 0;
  #faultAt = -1;
  #way = 0;

  constructor(walk: GraphWalk, edges: readonly number[]) {
    this.#walk = walk;
    this.#edges = edges;
  }

  get #over(): boolean {
    return this.stepsAt.length === this.#edges.length;
  }

  preempts({ current }: SchedulingPoint): boolean {
    if (this.#over && current !== this.#starting) return false;
    return this.#walk.visible.isVisible(current, current.op, current.object);
  }

  expire(sleepers: readonly Lwp[], point: SchedulingPoint): Lwp | null {
    this.#sleepers = sleepers;
    const { graph } = this.#walk;
    const edge = this.#edges[this.stepsAt.length];
    if (edge === undefined || graph.label(edge).kind !== 'expire') return null;
    const rankOf = this.#arrived(edge);
    this.stepsAt.push(point.steps);
    this.#faults++;
    return this.#sleepers.find((lwp) => rankOf(lwp) === graph.slotOf(edge)) ?? missing();
  }

  pick(candidates: readonly Lwp[], usual: Lwp, point: SchedulingPoint): Lwp {
    this.#starting = candidates.find(({ op, object }) => op === 'start' && object === null) ?? null;
    if (this.#starting !== null) return this.#starting;
    const { graph } = this.#walk;
    const edge = this.#edges[this.stepsAt.length];
    if (edge === undefined) return this.#actor !== null && candidates.includes(this.#actor) ? this.#actor : usual;
    const rankOf = this.#arrived(edge);
    this.stepsAt.push(point.steps);
    const { kind, slot, detail } = graph.label(edge);
    if (kind === 'fault') {
      const { choice, way } = unpackFault(detail);
      this.#faultAt = point.steps + choice;
      this.#way = way;
      this.#faults++;
    }
    this.#actor = candidates.find((lwp) => rankOf(lwp) === slot) ?? missing();
    return this.#actor;
  }

  choose(_site: string, _alternatives: number, point: SchedulingPoint): number {
    return point.steps === this.#faultAt ? this.#way : 0;
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
