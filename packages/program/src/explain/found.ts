/** Why an interleaving goes wrong: everything that is known of a counterexample, found by taking its schedule once more, loudly. */
import {
  type Counterexample,
  type EndlessSleep,
  endlessSleeps,
  type Failure,
  findRace,
  type Model,
  type Race,
  type TracedStep,
  type TracedThread,
} from '@faultline/explorer';
import { verdictOf } from './explain.js';
import { type FirstBroken, firstBroken } from './first-broken.js';
import { type LoudRun, runLoudly, type TracedCall } from './loud-run.js';
import { callText } from './report.js';
import { ThreadLetters } from './thread-letters.js';
import { type TraceRows, traceRows } from './trace-rows.js';

/** Where a thread stands at the end. */
export interface Standing {
  readonly thread: TracedThread;
  /** The call it is in, with its arguments; empty for none. */
  readonly call: string;
  /** What it waits for, in words; empty when it could go on. */
  readonly waits: string;
  /** The kernel functions it is in, innermost first. */
  readonly frames: readonly string[];
}

/** What comes of a broken invariant if nobody looks. */
export interface Aftermath {
  /** The symptom: a panic, or threads that wait for ever. */
  readonly failure: Failure;
  /** The calls that were under way or began from then on, in order. */
  readonly calls: readonly TracedCall[];
}

/** What is known of a counterexample. */
export interface FoundExplanation {
  readonly found: Counterexample;
  /** The failure as this run of the schedule has shown it. */
  readonly failure: Failure;
  /** The failure in a few words. */
  readonly title: string;
  readonly threads: readonly TracedThread[];
  readonly letters: ThreadLetters;
  /** What was false first; null when nothing was before the failure showed. */
  readonly first: FirstBroken | null;
  /** The step from which on it cannot end well; null when that is not known. */
  readonly pointOfNoReturn: TracedStep | null;
  /** Which two steps come in the other order when it ends well; null when that is not known. */
  readonly race: Race | null;
  /** Who goes on in the nearest way that ends well where this one leaves it; null when that is not known. */
  readonly instead: TracedThread | null;
  /** For threads that sleep for ever: why. */
  readonly sleeps: readonly EndlessSleep[];
  readonly trace: TraceRows;
  /** How it goes on after an invariant was broken; null when that shows no symptom, or it was none. */
  readonly aftermath: Aftermath | null;
  /** Threads that have not ended. */
  readonly standing: readonly Standing[];
  readonly run: LoudRun;
}

/** Runs longer than this are not audited after each step. */
const MOST_AUDITED_STEPS = 5000;

/** Explains a counterexample of a model. */
export function explainFound(model: Model, found: Counterexample): FoundExplanation {
  // In a loop without an end, the end is where it has gone round once.
  const bound = found.loop === undefined ? {} : { maxSteps: found.loop.to };
  const auditSteps = found.steps <= MOST_AUDITED_STEPS;
  const run = runLoudly(model, found.schedule, { auditSteps, ...bound });
  const good = found.nearestGood === null ? null : runLoudly(model, found.nearestGood.schedule, { auditSteps });
  const { trace } = run;
  const letters = new ThreadLetters(trace.threads, run.faults);
  const first = firstBroken(model, found.schedule, run, good);
  const everyWayFails = found.waysBefore?.well === 0;
  const turn = everyWayFails ? undefined : trace.steps.find(({ number }) => number === found.pointOfNoReturn);
  const pointOfNoReturn = turn ?? null;
  const race = found.nearestGood === null || good === null ? null : findRace(trace, good.trace, found.nearestGood.leavesAt);
  // Of a loop without an end this run has seen only the steps.
  const failure = (found.loop === undefined ? trace.outcome.failure : null) ?? found.failure;
  // Where something else ended the run, nobody knows whether they would have been woken.
  const sleeps = ENDED_BY.includes(failure.kind) ? [] : endlessSleeps(trace);
  return {
    found,
    failure,
    title: titleOf(failure, run, letters),
    threads: trace.threads,
    letters,
    first,
    pointOfNoReturn,
    race,
    instead: good?.trace.steps.find(({ number }) => number === found.nearestGood?.leavesAt)?.thread ?? null,
    sleeps,
    trace: traceRows(run, letters, marksOf({ found, first, pointOfNoReturn, sleeps })),
    aftermath: failure.kind === 'invariant' ? aftermathOf(model, found) : null,
    standing: standingAt(run, letters),
    run,
  };
}

/** Failures that end a run while threads may be asleep that somebody would wake. */
const ENDED_BY: readonly Failure['kind'][] = ['panic', 'invariant', 'check', 'error'];

/** Symptoms that a broken invariant has when the kernel itself comes upon it. */
const SYMPTOMS: readonly Failure['kind'][] = ['panic', 'deadlock', 'sleeps-for-ever'];

function aftermathOf(model: Model, { schedule, steps }: Counterexample): Aftermath | null {
  const { trace, calls } = runLoudly(model, schedule, { audit: false, maxSteps: steps + MOST_AUDITED_STEPS });
  const { failure } = trace.outcome;
  if (failure === null || !SYMPTOMS.includes(failure.kind)) return null;
  return { failure, calls: calls.filter(({ to }) => to === null || to > steps) };
}

/** What is said behind steps, by their numbers. */
function marksOf(known: Pick<FoundExplanation, 'found' | 'first' | 'pointOfNoReturn' | 'sleeps'>): Map<number, string> {
  const marks = new Map<number, string>();
  const mark = (number: number | undefined, text: string): void => {
    if (number === undefined) return;
    const before = marks.get(number);
    marks.set(number, before === undefined ? text : `${before}; ${text}`);
  };
  for (const { kind, check, wakeup, sleep } of known.sleeps) {
    if (kind === 'lost') {
      mark(check?.number, 'has to wait');
      mark(wakeup?.number, 'the wakeup is lost');
    }
    mark(sleep.number, 'for ever');
  }
  mark(known.first?.step.number, 'false from here on');
  mark(known.pointOfNoReturn?.number, 'from here on it cannot end well');
  mark(known.found.loop?.from, 'from here on it goes round');
  return marks;
}

/** The failure in a few words. */
function titleOf({ kind, message, frames, violations, ring }: Failure, { trace }: LoudRun, letters: ThreadLetters): string {
  const [line = ''] = message.split('\n');
  switch (kind) {
    case 'panic':
      return `${verdictOf(line)}${frames[0] === undefined ? '' : ` in ${frames[0]}`}`;
    case 'invariant':
      return `broken invariant [${violations[0]?.invariant ?? ''}]`;
    case 'deadlock':
      return `deadlock of ${letters.all(trace.ring.map(({ thread }) => thread))} at ${(ring ?? []).join(' and ')}`;
    case 'sleeps-for-ever':
      return `${letters.all(trace.waiting.map(({ thread }) => thread))} ${trace.waiting.length === 1 ? 'waits' : 'wait'} for ever`;
    case 'livelock':
      return `livelock: ${line}`;
    case 'leak':
      return `leak: ${line}`;
    case 'step-bound':
      return `no verdict: ${line}`;
    default:
      return line;
  }
}

function standingAt({ trace, calls, stacks }: LoudRun, letters: ThreadLetters): Standing[] {
  const { failure } = trace.outcome;
  return trace.threads.flatMap((thread) => {
    const own = trace.steps.filter((step) => step.thread === thread);
    if (own.at(-1)?.ended === true) return [];
    const call = calls.findLast(({ lwp, to }) => lwp === thread.name && to === null);
    const waiting = trace.waiting.find((each) => each.thread === thread);
    const panicked = failure?.lwp === thread.name;
    return {
      thread,
      call: call === undefined ? '' : callText(call),
      waits: waiting === undefined ? '' : letters.waits(waiting),
      frames: panicked ? failure.frames : (stacks.get(thread.name) ?? []),
    };
  });
}
