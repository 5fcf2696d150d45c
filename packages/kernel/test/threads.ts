/** What tests of `kern/` start with: a kernel without memory, and threads on it. */
import { expect } from 'vitest';
import { Kern, type KernOptions } from '../src/kern/kern.js';
import type { Lwp } from '../src/kern/lwp.js';
import { KernelPanic } from '../src/kern/panic.js';
import { Deadlock, step } from '../src/kern/scheduler.js';
import type { Step } from '../src/kern/switch.js';

/** What a thread runs. */
export type Body = () => Step<void>;

/** Starts a thread in a process of its own; the first is `1.1`, the next `2.1`. It runs when the kernel does. */
export function startThread(kern: Kern, body: Body): Lwp {
  const { scheduler } = kern;
  const pid = scheduler.lwps.length;
  const lwp = scheduler.create({ pid, name: `thread${pid}` }, 1);
  scheduler.start(lwp, body);
  return lwp;
}

/** Starts threads, in this order, and runs the kernel until all are done. */
export function runThreads(kern: Kern, ...bodies: readonly Body[]): readonly Lwp[] {
  const lwps = bodies.map((body) => startThread(kern, body));
  kern.scheduler.run();
  return lwps;
}

/** Runs threads on a new kernel. */
export function runOnKern(options: KernOptions, bodies: (kern: Kern) => readonly Body[]): Kern {
  const kern = new Kern(options);
  runThreads(kern, ...bodies(kern));
  return kern;
}

/** The error that a job throws, of the kind expected. */
export function thrownBy<T extends Error>(kind: abstract new (...args: never[]) => T, job: () => unknown): T {
  let thrown: unknown = null;
  try {
    job();
  } catch (error) {
    thrown = error;
  }
  if (thrown !== null && !(thrown instanceof kind)) throw thrown;
  expect(thrown, `nothing was thrown, where a ${kind.name} was expected`).not.toBeNull();
  return thrown as T;
}

/** The message of the panic that one thread runs into. */
export function panicOf(kern: Kern, body: Body): string {
  return thrownBy(KernelPanic, () => runThreads(kern, body)).message;
}

/** The deadlock that threads run into. */
export function deadlockOf(kern: Kern, ...bodies: readonly Body[]): Deadlock {
  return thrownBy(Deadlock, () => runThreads(kern, ...bodies));
}

/** What a thread does that only counts its steps: takes `count`, and notes each in the log as `a1`, `a2` … */
export function stepper(kern: Kern, log: string[], name: string, count: number): Body {
  const object = { label: name, admits: () => true };
  return function* () {
    for (let i = 1; i <= count; i++) {
      yield* step(kern.scheduler, 'atomic', object);
      log.push(`${name}${i}`);
    }
  };
}

/** A step that is none: what a generator yields to which has nothing to wait for. */
export function* nothing(): Step<void> {}

/** A thread that does something without a step. */
export function atOnce(work: () => void): Body {
  return function* () {
    yield* nothing();
    work();
  };
}

/** Runs one thread on a kernel until it and all others are done, and answers what it gave. */
export function runJob<T>(kern: Kern, job: () => Step<T>): T {
  const outcome: { value?: T; done?: true } = {};
  runThreads(kern, function* () {
    outcome.value = yield* job();
    outcome.done = true;
  });
  expect(outcome.done).toBe(true);
  return outcome.value as T;
}
