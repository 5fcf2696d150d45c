/** Where in a trace another thread goes on. */
import type { Leaving, TracedSegment, TracedStep, TracedThread } from './trace.js';

/**
 * Cuts a trace where another thread goes on. A thread that is let begin, and set aside in front of the first step that others could
 * notice, has done nothing yet: whoever ran before has not been interrupted by that.
 */
export function segmentsOf(steps: readonly TracedStep[], leavings: ReadonlyMap<number, Leaving>): TracedSegment[] {
  const pieces: { thread: TracedThread; steps: TracedStep[]; left: Leaving | null }[] = [];
  for (const [index, step] of steps.entries()) {
    const leaving = leavings.get(index);
    const last = pieces.at(-1);
    if (last !== undefined && leaving === undefined) {
      last.steps.push(step);
      continue;
    }
    if (last !== undefined) last.left = leaving ?? null;
    pieces.push({ thread: step.thread, steps: [step], left: null });
  }
  const owners = new Map<string, TracedThread | null>();
  for (const { object, thread } of steps) {
    const owner = owners.get(object);
    owners.set(object, owner === undefined || owner === thread ? thread : null);
  }
  const isUnnoticed = ({ op, object }: TracedStep): boolean => op === 'start' || op === 'release' || owners.get(object) !== null;
  const isBeginning = (piece: (typeof pieces)[number]): boolean =>
    piece.steps[0]?.op === 'start' && piece.left?.kind === 'preempted' && piece.steps.every(isUnnoticed);
  const segments: typeof pieces = [];
  for (const piece of pieces) {
    if (isBeginning(piece)) continue;
    const before = segments.at(-1);
    if (before?.thread !== piece.thread) segments.push(piece);
    else {
      before.steps.push(...piece.steps);
      before.left = piece.left;
    }
  }
  return segments;
}
