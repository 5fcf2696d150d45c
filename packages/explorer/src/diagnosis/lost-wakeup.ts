/**
 * Why a thread sleeps for ever: the wakeup that was meant for it came before it slept, or woke somebody else, or never came.
 *
 *     sleeper                    waker
 *     check: it has to wait
 *                                change what was checked
 *                                wakeup: nobody sleeps here         <- lost
 *     sleep
 */
import type { Trace, TracedStep, TracedThread } from './trace.js';

/** A thread that sleeps for ever, and the steps that made it so. */
export interface EndlessSleep {
  readonly sleeper: TracedThread;
  /** What it sleeps on. */
  readonly channel: string;
  /** Why, in the kernel's few letters. */
  readonly message: string;
  /** Whether its wakeup came too early, went to somebody else, or never came. */
  readonly kind: 'lost' | 'taken' | 'never';
  /** Where it saw that it has to wait: the last thing it looked at before the wakeup. Null when that is not to be seen. */
  readonly check: TracedStep | null;
  readonly wakeup: TracedStep | null;
  readonly sleep: TracedStep;
}

/** The threads that sleep on a channel at the end of a trace, with the reason. */
export function endlessSleeps(trace: Trace): EndlessSleep[] {
  const { steps } = trace;
  return trace.waiting.flatMap(({ thread, op, object: channel, message }) => {
    if (op !== 'resume') return [];
    const at = steps.findLastIndex((step) => step.thread === thread && step.op === 'sleep' && step.object === channel);
    const sleep = steps[at];
    if (sleep === undefined) return [];
    return [{ sleeper: thread, channel, message, sleep, ...reasonOf(trace, at, sleep) }];
  });
}

function reasonOf({ steps }: Trace, at: number, sleep: TracedStep): Pick<EndlessSleep, 'kind' | 'check' | 'wakeup'> {
  const wakes = (step: TracedStep): boolean => step.op === 'wakeup' && step.object === sleep.object;
  const taken = steps.slice(at + 1).find((step) => wakes(step) && step.woke.length > 0);
  if (taken !== undefined) return { kind: 'taken', check: null, wakeup: taken };
  const wakeAt = steps.findLastIndex((step, index) => index < at && wakes(step) && step.thread !== sleep.thread);
  const wakeup = steps[wakeAt];
  if (wakeup === undefined) return { kind: 'never', check: null, wakeup: null };
  // What it did in the call in which it sleeps, since it was last awake from a sleep: that is where it has checked.
  const from = steps.findLastIndex(
    (step, index) => index < at && step.thread === sleep.thread && (step.op === 'resume' || step.call !== sleep.call),
  );
  const own = (step: TracedStep, index: number): boolean => index > from && index < wakeAt && step.thread === sleep.thread;
  const changed = new Set(
    steps.filter((step, index) => index > from && index <= wakeAt && step.thread === wakeup.thread).map(({ object }) => object),
  );
  const check = steps.findLast((step, index) => own(step, index) && changed.has(step.object)) ?? steps.findLast(own);
  return check === undefined ? { kind: 'never', check: null, wakeup: null } : { kind: 'lost', check, wakeup };
}
