/**
 * Programs whose threads start others, and wait for them.
 *
 * What a thread has in its variables is a function of what it has done and seen; so each operation here is observed, with what it gave.
 */
import { type AtomicCell, type Kern, type Lwp, type Mutex, type Op, type Step, type StepObject, step } from '@faultline/kernel';

/** What a thread runs. */
export type Body = () => Step<void>;

/** A thread to wait for. */
class Ending implements StepObject {
  readonly label: string;
  readonly #lwp: Lwp;

  constructor(lwp: Lwp) {
    this.#lwp = lwp;
    this.label = `the end of ${lwp.name}`;
  }

  admits(op: Op): boolean {
    return op !== 'resume' || this.#lwp.idle;
  }

  holders(): readonly Lwp[] {
    return [this.#lwp];
  }
}

/** What bare threads do. */
export class Bare {
  readonly kern: Kern;
  readonly #creation: StepObject = { label: 'thread creation', admits: () => true };

  constructor(kern: Kern) {
    this.kern = kern;
  }

  /** Starts a thread. */
  *spawn(body: Body): Step<Lwp> {
    const { scheduler } = this.kern;
    yield* step(scheduler, 'user', this.#creation);
    const lwp = scheduler.create({ pid: scheduler.lwps.length, name: 'bare' }, 1);
    scheduler.start(lwp, body);
    scheduler.current.observe(lwp.id);
    return lwp;
  }

  /** Waits for the end of threads. */
  *join(lwps: readonly Lwp[]): Step<void> {
    const { scheduler } = this.kern;
    for (const lwp of lwps) {
      scheduler.current.waitMessage = 'join';
      yield* step(scheduler, 'resume', new Ending(lwp));
      scheduler.current.observe(lwp.id);
    }
  }

  /** Starts threads, in this order, and waits for their end. */
  *startAndJoin(bodies: readonly Body[]): Step<void> {
    const lwps: Lwp[] = [];
    for (const body of bodies) lwps.push(yield* this.spawn(body));
    yield* this.join(lwps);
  }

  /** Takes a mutex. */
  *enter(mutex: Mutex): Step<void> {
    yield* mutex.enter();
    this.#observed(1);
  }

  /** Releases a mutex. */
  *exit(mutex: Mutex): Step<void> {
    yield* mutex.exit();
    this.#observed(1);
  }

  /** Reads a word. */
  *load(cell: AtomicCell): Step<number> {
    return this.#observed(yield* cell.load(this.kern.scheduler));
  }

  /** Writes a word. */
  *store(cell: AtomicCell, value: number): Step<void> {
    yield* cell.store(this.kern.scheduler, value);
    this.#observed(value);
  }

  /** Adds to a word, at once, and answers the sum. */
  *add(cell: AtomicCell, amount: number): Step<number> {
    return this.#observed(yield* cell.add(this.kern.scheduler, amount));
  }

  /** Panics unless something is true. */
  assert(condition: boolean, expression: string): void {
    this.kern.kassert(condition, expression);
  }

  #observed(value: number): number {
    this.kern.scheduler.current.observe(value);
    return value;
  }
}
