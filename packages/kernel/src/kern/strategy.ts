/**
 * Who decides what runs next. The scheduler asks a strategy at each point where more than one thing could happen; a strategy
 * sees threads and steps only.
 */
import type { Lwp } from './lwp.js';

/** What a strategy may look at. */
export interface SchedulingPoint {
  /** Steps taken since boot. */
  readonly steps: number;
  /** The thread that ran last. */
  readonly current: Lwp;
  /** All threads that exist, in order of creation. Each that has a job, but the running one, is parked in front of its next step. */
  readonly lwps: readonly Lwp[];
}

/** Decides what runs next. */
export interface Strategy {
  /** What it is called in reports. */
  readonly name: string;
  /** Whether `preempts` can ever say yes; when not, it is not asked. */
  readonly preemptive: boolean;
  /** Whether it wants to be asked at each step, also where only one thread can go on: `pick` then has one candidate. Default false. */
  readonly everyStep?: boolean;
  /** Whether a ring of threads that wait for each other ends the run as soon as it closes, though others could go on. Default true. */
  readonly endsAtRings?: boolean;
  /** Whether to look at the other threads although the running one could go on. Asked at each step; must be quick. */
  preempts(point: SchedulingPoint): boolean;
  /** Which of several threads goes on; `usual` is the one that run-to-block would take. */
  pick(candidates: readonly Lwp[], usual: Lwp, point: SchedulingPoint): Lwp;
  /** Which way the environment goes at `site`: 0 is the ordinary way, up to `alternatives - 1`. */
  choose(site: string, alternatives: number, point: SchedulingPoint): number;
  /** Whether the timeout of one of these sleepers fires although threads could run. */
  expire?(sleepers: readonly Lwp[], point: SchedulingPoint): Lwp | null;
}

/** Runs each thread until it blocks or ends; then the next in order of creation. No preemption. */
export class RunToBlock implements Strategy {
  readonly name: string = 'run-to-block';
  readonly preemptive: boolean = false;

  preempts(_point: SchedulingPoint): boolean {
    return false;
  }

  pick(_candidates: readonly Lwp[], usual: Lwp, _point: SchedulingPoint): Lwp {
    return usual;
  }

  choose(_site: string, _alternatives: number, _point: SchedulingPoint): number {
    return 0;
  }
}

/** Gives each thread `quantum` steps in turn. */
export class RoundRobin extends RunToBlock {
  override readonly name = 'round-robin';
  override readonly preemptive = true;
  readonly #quantum: number;
  /** The thread whose turn it is, by number. */
  #turn = -1;
  /** Steps that it took in its turn. */
  #taken = 0;

  constructor(quantum = 1) {
    super();
    if (!Number.isInteger(quantum) || quantum < 1) {
      throw new RangeError(`a quantum is a whole number of steps from 1 up, not ${quantum}`);
    }
    this.#quantum = quantum;
  }

  override preempts(point: SchedulingPoint): boolean {
    // A turn also begins where there was nothing to pick: all others waited.
    if (point.current.id !== this.#turn) this.#begin(point.current);
    this.#taken++;
    return this.#taken >= this.#quantum;
  }

  override pick(candidates: readonly Lwp[], _usual: Lwp, point: SchedulingPoint): Lwp {
    const next = nextInOrder(candidates, point.current.id + 1);
    this.#begin(next);
    return next;
  }

  #begin(lwp: Lwp): void {
    this.#turn = lwp.id;
    this.#taken = 0;
  }
}

/** A small random number generator with 128 bits of state (sfc32), seeded with one number. Equal seeds give equal streams. */
export class SeededRandom {
  #a: number;
  #b: number;
  #c: number;
  #counter = 1;

  constructor(seed: number) {
    this.#a = seed >>> 0;
    this.#b = Math.floor(seed / 2 ** 32) >>> 0;
    this.#c = 0x9e3779b9;
    for (let i = 0; i < 12; i++) this.next();
  }

  /** The next number, 0 to 2^32 - 1. */
  next(): number {
    const sum = (this.#a + this.#b + this.#counter) | 0;
    this.#counter = (this.#counter + 1) | 0;
    this.#a = this.#b ^ (this.#b >>> 9);
    this.#b = (this.#c + (this.#c << 3)) | 0;
    this.#c = (((this.#c << 21) | (this.#c >>> 11)) + sum) | 0;
    return sum >>> 0;
  }

  /** A number from 0 to `bound - 1`. */
  below(bound: number): number {
    return this.next() % bound;
  }
}

/** Draws among the threads at every step; with `faultsIn` n, one environment choice in n takes another than the ordinary way. */
export class RandomPreemption implements Strategy {
  readonly name: string;
  readonly preemptive = true;
  readonly #random: SeededRandom;
  readonly #faultsIn: number;

  constructor(seed: number, options: { faultsIn?: number } = {}) {
    this.name = `random (seed ${seed})`;
    this.#random = new SeededRandom(seed);
    this.#faultsIn = options.faultsIn ?? 0;
  }

  preempts(_point: SchedulingPoint): boolean {
    return true;
  }

  pick(candidates: readonly Lwp[], usual: Lwp, _point: SchedulingPoint): Lwp {
    return candidates[this.#random.below(candidates.length)] ?? usual;
  }

  choose(_site: string, alternatives: number, _point: SchedulingPoint): number {
    if (alternatives < 2 || this.#faultsIn === 0 || this.#random.below(this.#faultsIn) !== 0) return 0;
    return 1 + this.#random.below(alternatives - 1);
  }
}

/** The first candidate whose number is at least `id`, else the first of all. */
export function nextInOrder(candidates: readonly Lwp[], id: number): Lwp {
  const [first] = candidates;
  if (first === undefined) throw new RangeError('there is nothing to choose from');
  return candidates.find((lwp) => lwp.id >= id) ?? first;
}
