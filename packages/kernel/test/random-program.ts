/** Small random programs for tests of the scheduler: threads that lock, count, sleep and meet faults of the environment. */
import fc from 'fast-check';
import { AtomicCell } from '../src/kern/atomic.js';
import { Kern } from '../src/kern/kern.js';
import type { Lwp } from '../src/kern/lwp.js';
import { Mutex } from '../src/kern/mutex.js';
import { RwLock } from '../src/kern/rwlock.js';
import type { Schedule } from '../src/kern/schedule.js';
import { Deadlock } from '../src/kern/scheduler.js';
import { pause } from '../src/kern/sleepq.js';
import { StateHash } from '../src/kern/state.js';
import { RandomPreemption, SeededRandom, type Strategy } from '../src/kern/strategy.js';
import type { Step } from '../src/kern/switch.js';
import { startThread } from './threads.js';

/** One thing that a thread does. Locks are taken in ascending order, so that no program deadlocks by itself. */
type Action =
  | { readonly do: 'count'; readonly cell: number }
  | { readonly do: 'pause'; readonly ticks: number }
  | { readonly do: 'choose' }
  | { readonly do: 'spawn' }
  | { readonly do: 'locked'; readonly mutexes: readonly number[] }
  | { readonly do: 'shared'; readonly mode: 'read' | 'write' };

/** What each thread does. */
export type Program = readonly (readonly Action[])[];

const LOCKS = 3;
const index = fc.nat(LOCKS - 1);

const action: fc.Arbitrary<Action> = fc.oneof(
  fc.record({ do: fc.constant('count' as const), cell: index }),
  fc.record({ do: fc.constant('pause' as const), ticks: fc.integer({ min: 1, max: 5 }) }),
  fc.record({ do: fc.constant('choose' as const) }),
  fc.record({ do: fc.constant('spawn' as const) }),
  fc.record({
    do: fc.constant('locked' as const),
    mutexes: fc.uniqueArray(index, { minLength: 1 }).map((mutexes) => mutexes.sort((a, b) => a - b)),
  }),
  fc.record({ do: fc.constant('shared' as const), mode: fc.constantFrom('read' as const, 'write' as const) }),
);

/** Programs of two to four threads. */
export const programs: fc.Arbitrary<Program> = fc.array(fc.array(action, { maxLength: 5 }), { minLength: 2, maxLength: 4 });

/** Everything that can be seen of a run. */
export interface Run {
  /** What happened, each with its step and tick. */
  readonly trace: readonly string[];
  readonly events: readonly string[];
  readonly steps: number;
  readonly tick: number;
  /** Digest of the final state. */
  readonly state: string;
  readonly schedule: Schedule;
  /** What ended it early, empty when nothing did. */
  readonly error: string;
}

/** Runs a program on a new kernel. */
export function runProgram(program: Program, strategy: Strategy): Run {
  const kern = new Kern({ strategy, witness: false });
  kern.log.on = true;
  const machine = new Playground(kern);
  for (const actions of program) startThread(kern, () => machine.perform(actions));
  let error = '';
  try {
    kern.scheduler.run();
  } catch (thrown) {
    if (!(thrown instanceof Deadlock)) throw thrown;
    error = thrown.message;
  }
  const state = new StateHash();
  for (const cell of machine.cells) state.field(cell.label, cell.value);
  return {
    trace: machine.trace,
    events: kern.log.events().map(({ sequence, step, lwp, event }) => `${sequence} ${step} ${lwp} ${JSON.stringify(event)}`),
    steps: kern.scheduler.steps,
    tick: kern.scheduler.tick,
    state: state.digest,
    schedule: kern.scheduler.recorder.schedule,
    error,
  };
}

/** As `RandomPreemption`, and now and then a timeout fires early. */
export class RandomWithTimeouts extends RandomPreemption {
  readonly #timeouts: SeededRandom;

  constructor(seed: number, options: { faultsIn: number } = { faultsIn: 2 }) {
    super(seed, options);
    this.#timeouts = new SeededRandom(seed + 1);
  }

  expire(sleepers: readonly Lwp[]): Lwp | null {
    if (sleepers.length === 0 || this.#timeouts.below(4) !== 0) return null;
    return sleepers[this.#timeouts.below(sleepers.length)] ?? null;
  }
}

/** What the threads of a program work on. */
class Playground {
  readonly trace: string[] = [];
  readonly cells: readonly AtomicCell[];
  readonly #kern: Kern;
  readonly #mutexes: readonly Mutex[];
  readonly #shared: RwLock;

  constructor(kern: Kern) {
    this.#kern = kern;
    this.cells = Array.from({ length: LOCKS }, (_, i) => new AtomicCell(`cell ${i}`, 0));
    this.#mutexes = Array.from({ length: LOCKS }, (_, i) => new Mutex(kern, kern.lockClass(`m${i}`)));
    this.#shared = new RwLock(kern, kern.lockClass('rw'));
  }

  *perform(actions: readonly Action[]): Step<void> {
    for (const each of actions) {
      yield* this.#act(each);
      this.#note(each.do);
    }
  }

  *#act(todo: Action): Step<void> {
    const { scheduler } = this.#kern;
    if (todo.do === 'count') yield* this.#count(todo.cell);
    else if (todo.do === 'pause') yield* pause(scheduler, 'pause', todo.ticks);
    else if (todo.do === 'choose') this.#note(`chose ${this.#kern.choose('test.choice', 3)}`);
    else if (todo.do === 'spawn') scheduler.spawn(() => this.#count(0));
    else if (todo.do === 'locked') yield* this.#locked(todo.mutexes);
    else yield* this.#share(todo.mode);
  }

  *#count(cell: number): Step<void> {
    const counted = this.cells[cell] as AtomicCell;
    this.#note(`${counted.label} is ${yield* counted.add(this.#kern.scheduler, 1)}`);
  }

  *#locked(mutexes: readonly number[]): Step<void> {
    for (const i of mutexes) yield* (this.#mutexes[i] as Mutex).enter();
    yield* this.#count(mutexes[0] as number);
    for (const i of mutexes.toReversed()) yield* (this.#mutexes[i] as Mutex).exit();
  }

  *#share(mode: 'read' | 'write'): Step<void> {
    yield* this.#shared.enter(mode);
    yield* this.#count(0);
    yield* this.#shared.exit();
  }

  #note(what: string): void {
    const { current, steps, tick } = this.#kern.scheduler;
    this.trace.push(`${current.name} ${what} @ step ${steps}, tick ${tick}`);
    this.#kern.printf(what);
  }
}
