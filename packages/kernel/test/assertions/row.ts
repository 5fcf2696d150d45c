/** A row of the assertions that the kernel must have, and what makes each of its conditions fire. */
import { KernelPanic } from '../../src/kern/panic.js';
import type { Step } from '../../src/kern/switch.js';
import type { Bench } from '../maps.js';
import { thrownBy } from '../threads.js';

/** What was said, and where: the words of a panic and the kernel function it is in; or of a finding, and its invariant. */
export interface Fired {
  readonly words: string;
  readonly inside: string;
}

/** Something that is wrong; what is said about it; by which function; and how it comes about. */
export type Firing = readonly [what: string, words: string, inside: string, bring: () => Fired];

/** A row: where an assertion stands, what it asks for, and what is wrong when it fires. */
export interface Row {
  readonly where: string;
  readonly condition: string;
  readonly firings: readonly Firing[];
}

/** The words of a failed assertion. */
export function asserted(expression: string): string {
  return `kernel diagnostic assertion "${expression}" failed`;
}

/** The panic that a job runs into. */
export function panicIn(bench: Bench, job: () => Step<unknown>): Fired {
  const { message, frames } = thrownBy(KernelPanic, () => bench.run(job));
  return { words: message, inside: frames[0] ?? 'no function of the kernel' };
}

/** The panic of a job that is done with locks held, taken in this order. */
export function panicLocked(bench: Bench, locks: readonly Enterable[], job: () => Step<unknown>): Fired {
  return panicIn(bench, function* () {
    for (const lock of locks) yield* lock.enter();
    yield* job();
  });
}

/** The panic of something that does not sleep, done with locks held. */
export function panicAtOnce(bench: Bench, locks: readonly Enterable[], work: () => unknown): Fired {
  return panicIn(bench, function* () {
    for (const lock of locks) yield* lock.enter();
    work();
  });
}

/** The only thing that the audit finds. */
export function foundBy(bench: Bench): Fired {
  const findings = bench.audit().map(({ invariant, finding }) => ({ words: finding, inside: invariant }));
  return findings.length === 1 && findings[0] !== undefined
    ? findings[0]
    : { words: `${findings.length} findings: ${findings.map(({ words }) => words).join('; ')}`, inside: 'the audit' };
}

/** What can be locked. */
export interface Enterable {
  enter(): Step<unknown>;
}
