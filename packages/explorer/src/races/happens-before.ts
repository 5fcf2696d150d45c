/**
 * What happens before what: vector clocks of threads, which locks, channels, atomic words and the creation of threads pass on.
 *
 * It is told of each step as the step is taken. What a step on a lock has come to is seen at the thread's next step: a try may fail.
 */
import type { Lock, Lwp, Op, StepObject } from '@faultline/kernel';

/** A vector clock: for each thread by its dense number, how much of it is known. */
type Clock = number[];

/** A thread's dense number and its own time. */
export interface Epoch {
  readonly thread: number;
  readonly time: number;
}

const RELEASING: ReadonlySet<Op> = new Set<Op>(['release', 'downgrade', 'sleep', 'wakeup', 'atomic', 'io-start', 'io-done']);
const TAKING: ReadonlySet<Op> = new Set<Op>(['attempt', 'acquire', 'acquire-read', 'try', 'try-read', 'upgrade', 'downgrade']);
const PASSING: ReadonlySet<Op> = new Set<Op>(['atomic', 'resume', 'start', 'io-start', 'io-done']);

/** The order of what the threads of one execution do. */
export class HappensBefore {
  readonly #numbers = new Map<Lwp, number>();
  readonly #clocks: Clock[] = [];
  /** What each lock, channel or word passes on. */
  readonly #passed = new Map<object, Clock>();
  /** Locks that threads were about to take. */
  readonly #taking = new Map<Lwp, Lock>();

  /** The thread and its time now. */
  epochOf(lwp: Lwp): Epoch {
    const thread = this.#numberOf(lwp);
    return { thread, time: this.#clockOf(lwp)[thread] ?? 0 };
  }

  /** Whether what happened at that epoch is known to a thread. */
  isBefore({ thread, time }: Epoch, lwp: Lwp): boolean {
    return time <= (this.#clockOf(lwp)[thread] ?? 0);
  }

  /** A thread was created by another, which is running. */
  created(lwp: Lwp, by: Lwp): void {
    join(this.#clockOf(lwp), this.#clockOf(by));
    this.#tick(by);
  }

  /** A thread reads or writes a word that others look at without a lock. */
  looks(lwp: Lwp, word: object, writes: boolean): void {
    this.settle(lwp);
    join(this.#clockOf(lwp), this.#passed.get(word));
    if (!writes) return;
    this.#pass(word, this.#clockOf(lwp));
    this.#tick(lwp);
  }

  /** A thread takes a step. */
  takes(lwp: Lwp, op: Op, object: StepObject | null): void {
    this.settle(lwp);
    if (object === null) return;
    const clock = this.#clockOf(lwp);
    if (PASSING.has(op)) join(clock, this.#passed.get(object));
    if (RELEASING.has(op)) {
      this.#pass(object, clock);
      if (op === 'sleep' && lwp.interlock !== null) this.#pass(lwp.interlock, clock);
      this.#tick(lwp);
    }
    if (TAKING.has(op) && 'holders' in object) this.#taking.set(lwp, object as Lock);
  }

  /** Sees what the thread's last step has come to; to be asked before anything the thread does after it. */
  settle(lwp: Lwp): void {
    const lock = this.#taking.get(lwp);
    if (lock === undefined) return;
    this.#taking.delete(lwp);
    if (lock.holders().includes(lwp)) join(this.#clockOf(lwp), this.#passed.get(lock));
  }

  #pass(object: object, clock: Clock): void {
    const passed = this.#passed.get(object);
    if (passed === undefined) this.#passed.set(object, [...clock]);
    else join(passed, clock);
  }

  #tick(lwp: Lwp): void {
    const thread = this.#numberOf(lwp);
    const clock = this.#clockOf(lwp);
    clock[thread] = (clock[thread] ?? 0) + 1;
  }

  #numberOf(lwp: Lwp): number {
    const known = this.#numbers.get(lwp);
    if (known !== undefined) return known;
    const number = this.#clocks.length;
    this.#numbers.set(lwp, number);
    const clock: Clock = new Array<number>(number + 1).fill(0);
    clock[number] = 1;
    this.#clocks.push(clock);
    return number;
  }

  #clockOf(lwp: Lwp): Clock {
    return this.#clocks[this.#numberOf(lwp)] as Clock;
  }
}

function join(into: Clock, from: Clock | undefined): void {
  for (const [thread, time] of (from ?? []).entries()) into[thread] = Math.max(into[thread] ?? 0, time);
}
