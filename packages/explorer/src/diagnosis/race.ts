/** Two steps whose order decides how an execution ends: they come in one order in it, and in the other in one that ends well. */
import type { Op } from '@faultline/kernel';
import type { Trace, TracedThread } from './trace.js';

/** A step, in two traces. */
export interface RacingStep {
  readonly thread: TracedThread;
  readonly op: Op;
  readonly object: string;
  /** The system call it is in, empty for none. */
  readonly call: string;
  /** Its number in the trace that ends badly; null when it is never taken there. */
  readonly number: number | null;
}

/** The two steps. */
export interface Race {
  /** What comes first when it ends badly. */
  readonly first: RacingStep;
  /** What comes first when it ends well. */
  readonly second: RacingStep;
}

/** Operations that change nothing that another one of them could notice. */
const READING: ReadonlySet<Op> = new Set<Op>(['acquire-read', 'try-read', 'load', 'resume']);
/** Operations whose order against others follows from something else, or which touch nothing that is shared. */
const FOLLOWING: ReadonlySet<Op> = new Set<Op>(['start', 'choice', 'release', 'downgrade', 'io-start', 'resume']);

interface Place extends RacingStep {
  readonly key: string;
  /** Where it stands in the trace; what is never taken stands behind everything. */
  readonly at: number;
}

/**
 * The first two conflicting steps that come in the other order in an execution that ends well.
 *
 * @param leavesAt the number of the step from which on the two traces differ
 * @returns null when no two steps on one object do
 */
export function findRace(bad: Trace, good: Trace, leavesAt: number): Race | null {
  const inGood = new Map(placesOf(good).map((place) => [place.key, place.at]));
  const places = placesOf(bad);
  for (const first of places) {
    if (first.number === null || first.number < leavesAt || !inGood.has(first.key)) continue;
    for (const second of places) {
      if (second.at <= first.at || !conflict(first, second)) continue;
      const secondInGood = inGood.get(second.key);
      if (secondInGood !== undefined && secondInGood < (inGood.get(first.key) ?? 0)) return { first, second };
    }
  }
  return null;
}

function conflict(a: RacingStep, b: RacingStep): boolean {
  return a.object === b.object && a.thread !== b.thread && !(READING.has(a.op) && READING.has(b.op));
}

/** The steps that can race, each by what it does for the how manieth time. */
function placesOf(trace: Trace): Place[] {
  const counts = new Map<string, number>();
  const places: Place[] = [];
  const add = (step: Omit<RacingStep, 'number'>, number: number | null, at: number): void => {
    const { thread, op, object, call } = step;
    if (object === '' || FOLLOWING.has(op)) return;
    const what = `${thread.name} ${op} ${object}`;
    const count = (counts.get(what) ?? 0) + 1;
    counts.set(what, count);
    places.push({ thread, op, object, call, number, at, key: `${what} ${count}` });
  };
  for (const [at, step] of trace.steps.entries()) if (step.got || step.op.startsWith('try')) add(step, step.number, at);
  for (const each of trace.waiting) add(each, null, trace.steps.length);
  return places;
}
