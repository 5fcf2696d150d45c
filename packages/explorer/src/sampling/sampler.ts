/**
 * What all samplers have in common: a sampler decides one execution, at every step of it.
 *
 *     thread in front of a step ──> preempts: who goes on? ──> it does: no switch at all
 *     thread waits or has ended ──> pick:     who goes on?     another: parked, and `pick` answers the one decided on
 *
 * So a step after which the same thread goes on costs no switch. Every step is announced to the sampler before it is taken, also where
 * only one thread could go on; only decisions between two threads or more are the sampler's to make, and count.
 */
import type { Lwp, SchedulingPoint, Strategy } from '@faultline/kernel';
import { ENOUGH } from '../execution.js';
import type { Instance } from '../model.js';
import type { Adversity } from './adversity.js';

/** What bounds an execution, and what its environment does. */
export interface SamplerOptions {
  /** Steps after which the execution is given up. */
  readonly maxSteps: number;
  /** What the environment does otherwise than usual; null for nothing. */
  readonly adversity: Adversity | null;
}

/** Decides one execution. */
export abstract class Sampler implements Strategy {
  abstract readonly name: string;
  readonly preemptive: boolean = true;
  readonly everyStep: boolean = true;
  /** Absent where no timeout is ever to fire early: the scheduler looks for sleepers only if somebody asks. */
  readonly expire?: NonNullable<Strategy['expire']>;
  /** Decisions between two threads or more. */
  contended = 0;
  /** Switches away from a thread that could have gone on. */
  preemptions = 0;
  /** Steps announced so far. */
  taken = 0;

  readonly #maxSteps: number;
  readonly #adversity: Adversity | null;
  readonly #runnable: Lwp[] = [];
  /** The thread that `preempts` has decided on, for `pick`. */
  #decided: Lwp | null = null;

  constructor(options: SamplerOptions) {
    this.#maxSteps = options.maxSteps;
    const { adversity } = options;
    this.#adversity = adversity;
    if (adversity !== null) this.expire = (sleepers) => adversity.expire(sleepers);
  }

  /** The execution begins. */
  booted(_instance: Instance): void {}

  preempts(point: SchedulingPoint): boolean {
    if (this.taken >= this.#maxSteps) return true;
    const { current, lwps } = point;
    if (this.#adversity?.firesNow(lwps) === true) return true;
    const runnable = this.#runnable;
    let count = 0;
    for (const lwp of lwps) if (lwp === current || canRun(lwp)) runnable[count++] = lwp;
    // Setting the length costs more than all the rest.
    if (runnable.length !== count) runnable.length = count;
    const next = this.#decide(runnable, current, point);
    if (next === current) return false;
    this.preemptions++;
    this.#decided = next;
    return true;
  }

  pick(candidates: readonly Lwp[], usual: Lwp, point: SchedulingPoint): Lwp {
    const decided = this.#decided;
    this.#decided = null;
    if (decided !== null) return decided;
    // Thrown here and not in `preempts`, which is called from inside of the thread.
    if (this.taken >= this.#maxSteps) throw ENOUGH;
    const next = this.#decide(candidates, usual, point);
    if (usual === point.current && next !== usual) this.preemptions++;
    return next;
  }

  choose(_site: string, alternatives: number, _point: SchedulingPoint): number {
    return this.#adversity?.choose(alternatives) ?? 0;
  }

  /** Which of two threads or more takes its next step; `usual` is the one that run-to-block would take. */
  protected abstract decide(runnable: readonly Lwp[], usual: Lwp, point: SchedulingPoint): Lwp;

  /** A thread is about to take its next step, whether or not there was anything to decide. */
  protected announced(_lwp: Lwp, _point: SchedulingPoint): void {}

  #decide(runnable: readonly Lwp[], usual: Lwp, point: SchedulingPoint): Lwp {
    this.taken++;
    let next = usual;
    if (runnable.length > 1) {
      this.contended++;
      next = this.decide(runnable, usual, point);
    }
    this.announced(next, point);
    return next;
  }
}

/** Whether a parked thread can go on now. */
function canRun(lwp: Lwp): boolean {
  return !lwp.idle && (lwp.object === null || lwp.object.admits(lwp.op, lwp));
}
