/**
 * The rows of a trace in columns: what each thread did, in order, without what the failure does not depend on.
 *
 * Of the steps, those are told that are in the failure's causal cone: the last steps of the threads in which it shows, all that these
 * threads did before, and all that other threads did before to something that steps in the cone touch.
 */
import type { TracedStep, TracedThread } from '@faultline/explorer';
import type { LoggedEvent } from '@faultline/kernel';
import { AddressNames } from './addresses.js';
import type { LoudRun } from './loud-run.js';
import { callText, resultText } from './report.js';
import type { ThreadLetters } from './thread-letters.js';
import { addressesIn, tellWalk } from './walk.js';

/** A row: what one thread did, or a line across all columns. */
export interface TraceRow {
  /** The number of the step; null for a line. */
  readonly number: number | null;
  /** The thread, null for a line. */
  readonly thread: TracedThread | null;
  readonly text: string;
  /** How much it says: of what says less, more is left out. */
  readonly weight: number;
}

/** What is to be marked: by the number of a step, what is said behind its row. */
export type TraceMarks = ReadonlyMap<number, string>;

/** A trace as rows. */
export interface TraceRows {
  readonly rows: readonly TraceRow[];
  /** Steps and events that are not told. */
  readonly leftOut: number;
}

/** Rows that are told at most. */
const MOST_ROWS = 40;

const ALWAYS = 10;
/** How much events say, by their kind. Those that are not here say less. */
const EVENT_WEIGHTS: Readonly<Record<string, number>> = {
  panic: 9,
  printf: 8,
  fault: 7,
  'fault-resolved': 8,
  'fault-failed': 8,
  'fault-restart': 8,
  signal: 8,
  map: 7,
  unmap: 7,
  protect: 7,
  truncate: 7,
  'page-free': 7,
  pagein: 6,
  pageout: 6,
  'swap-in': 6,
  'swap-out': 6,
  scan: 6,
  'no-memory': 8,
};
const OTHER_EVENT = 5;

/** Tells a trace in rows. */
export function traceRows(run: LoudRun, letters: ThreadLetters, marks: TraceMarks): TraceRows {
  const teller = new Teller(run, letters, marks);
  return trimmed(teller.rows(), teller.hidden);
}

class Teller {
  hidden = 0;
  readonly #run: LoudRun;
  readonly #letters: ThreadLetters;
  readonly #marks: TraceMarks;
  readonly #names: AddressNames;
  readonly #cone: ReadonlySet<TracedStep>;
  readonly #sharedBy: ReadonlyMap<string, number>;
  /** What anybody has slept on. */
  readonly #slept: ReadonlySet<string>;
  readonly #rows: TraceRow[] = [];

  constructor(run: LoudRun, letters: ThreadLetters, marks: TraceMarks) {
    this.#run = run;
    this.#letters = letters;
    this.#marks = marks;
    this.#names = new AddressNames(addressesIn(run.events));
    this.#cone = causalCone(run);
    this.#sharedBy = sharers(run.trace.steps);
    this.#slept = new Set(run.trace.steps.flatMap(({ op, object }) => (op === 'sleep' ? [object] : [])));
  }

  rows(): TraceRow[] {
    const { segments, steps, waiting, ring } = this.#run.trace;
    // A thread that was let begin and set aside at once is in no segment: its step is told, and no switch.
    const begins = new Map(segments.map((segment, index) => [segment.steps[0], index]));
    let preemptions = 0;
    let event = 0;
    for (const step of steps) {
      const index = begins.get(step);
      const before = index === undefined ? undefined : segments[index - 1];
      if (index === 0 && step !== steps[0]) this.#line(`${this.#letters.of(step.thread)} goes on first`);
      if (before?.left != null) {
        if (before.left.kind === 'preempted') preemptions++;
        const which = before.left.kind === 'preempted' ? ` (preemption ${preemptions})` : '';
        const why = this.#letters.left(before.left, before.thread);
        this.#line(`switch: ${this.#letters.of(step.thread)} runs${which}; ${why}`);
      }
      this.#step(step);
      const next = this.#numberAfter(step);
      for (; event < this.#run.events.length; event++) {
        const logged = this.#run.events[event] as LoggedEvent;
        if (logged.step >= next) break;
        this.#event(logged, step);
      }
    }
    const endless = ring.length > 0 ? ring : this.#run.trace.outcome.failure?.kind === 'sleeps-for-ever' ? waiting : [];
    for (const each of endless) this.#row(null, each.thread, `${this.#letters.waits(each)}, for ever`, ALWAYS);
    return this.#rows;
  }

  #step(step: TracedStep): void {
    const mark = this.#marks.get(step.number);
    const text = this.#letters.does(step);
    if (mark !== undefined) this.#row(step.number, step.thread, `${text}  <- ${mark}`, ALWAYS);
    else if (this.#cone.has(step) && this.#weightOf(step) > 0) this.#row(step.number, step.thread, text, this.#weightOf(step));
    else if (step.op !== 'start') this.hidden++;
    for (const { number, site, taken } of this.#run.trace.choices) {
      if (number > step.number && number < this.#numberAfter(step)) {
        this.#row(number, step.thread, `the environment: ${site} goes wrong${taken > 1 ? ` (way ${taken})` : ''}`, ALWAYS);
      }
    }
  }

  #event(logged: LoggedEvent, step: TracedStep): void {
    const { event, lwp } = logged;
    const { number } = step;
    const thread = this.#run.trace.threads.find(({ name }) => name === lwp) ?? step.thread;
    if (event.kind === 'syscall' || event.kind === 'sysret') {
      const calls = this.#run.calls;
      const call = calls.find(
        (each) => each.lwp === lwp && (event.kind === 'syscall' ? each.from : each.to) === logged.step && sameName(each, event),
      );
      if (call === undefined) return;
      const text = event.kind === 'syscall' ? callText(call) : `${call.name} = ${resultText(call.result)}`;
      this.#row(number, thread, text, 9);
      return;
    }
    const weight = EVENT_WEIGHTS[event.kind] ?? OTHER_EVENT;
    for (const { depth, label, text, remark } of tellWalk([logged], this.#names)) {
      const told = [depth === 0 ? text : `${label}: ${text}`, remark].filter((part) => part !== '').join('; ');
      this.#row(number, thread, told, weight);
    }
  }

  /** How much a step says; 0 for one that is no business of other threads. */
  #weightOf({ op, object, got, woke }: TracedStep): number {
    switch (op) {
      case 'start':
      case 'choice':
      case 'user':
        return 0;
      case 'wakeup':
        return woke.length > 0 || this.#slept.has(object) ? 8 : 0;
      case 'sleep':
      case 'resume':
      case 'io-start':
      case 'io-done':
        return 8;
      default:
        if ((this.#sharedBy.get(object) ?? 0) < 2) return 0;
        if (op === 'release') return 2;
        return got ? 4 : 6;
    }
  }

  #numberAfter(step: TracedStep): number {
    const { steps } = this.#run.trace;
    return steps[steps.indexOf(step) + 1]?.number ?? Number.POSITIVE_INFINITY;
  }

  #row(number: number | null, thread: TracedThread | null, text: string, weight: number): void {
    this.#rows.push({ number, thread, text, weight });
  }

  #line(text: string): void {
    this.#rows.push({ number: null, thread: null, text, weight: ALWAYS });
  }
}

function sameName({ name }: { readonly name: string }, event: LoggedEvent['event']): boolean {
  return 'name' in event && event.name === name;
}

/** How many threads touch each object. */
function sharers(steps: readonly TracedStep[]): Map<string, number> {
  const threads = new Map<string, Set<TracedThread>>();
  for (const { object, thread } of steps) {
    const known = threads.get(object) ?? new Set();
    threads.set(object, known.add(thread));
  }
  return new Map([...threads].map(([object, { size }]) => [object, size]));
}

/** The steps on which those depend in which the failure shows. */
function causalCone({ trace }: LoudRun): Set<TracedStep> {
  const { steps, waiting, outcome } = trace;
  const threads = new Set<TracedThread>(waiting.map(({ thread }) => thread));
  const objects = new Set<string>(waiting.map(({ object }) => object));
  // Where nobody is named, everybody is concerned: a leak, an invariant at the end.
  const { lwp: named = '' } = outcome.failure ?? {};
  const last = steps.at(-1)?.thread;
  for (const { thread } of steps) {
    if (named === '' ? waiting.length === 0 : thread.name === named || thread === last) threads.add(thread);
  }
  const cone = new Set<TracedStep>();
  for (const step of steps.toReversed()) {
    if (!threads.has(step.thread) && !objects.has(step.object)) continue;
    cone.add(step);
    threads.add(step.thread);
    if (step.object !== '') objects.add(step.object);
  }
  return cone;
}

/** As many rows as can be read: of those that say least, the ones farthest from what is marked go first. */
function trimmed(rows: readonly TraceRow[], hidden: number): TraceRows {
  const important = rows.flatMap(({ weight }, index) => (weight >= ALWAYS ? [index] : []));
  const distance = (index: number): number => Math.min(rows.length, ...important.map((other) => Math.abs(other - index)));
  const ranked = rows
    .map((row, index) => ({ row, index, rank: row.weight >= ALWAYS ? ALWAYS * 2 : row.weight - distance(index) / rows.length }))
    .sort((a, b) => b.rank - a.rank);
  const kept = ranked.slice(0, MOST_ROWS).sort((a, b) => a.index - b.index);
  return { rows: kept.map(({ row }) => row), leftOut: hidden + rows.length - kept.length };
}
