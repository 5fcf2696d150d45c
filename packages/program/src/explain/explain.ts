/**
 * Why a run went wrong: what was false first, how that became the symptom, and the symptom in the kernel's own words.
 *
 * The first run is quiet. What it finds is then looked at in a second one, which is identical because nothing in a run depends on
 * anything but program, machine, patches and schedule, and which logs what happens from the first broken call on. A program in
 * JavaScript can depend on more all the same; then what the first run has found stands, and why no more is known of it.
 */
import type { LoggedEvent, Violation } from '@faultline/kernel';
import type { Program } from '../program.js';
import { type RunOptions, type RunResult, runProgram } from '../run.js';
import type { CallRecord } from '../session.js';
import { AddressNames } from './addresses.js';
import { callText, resultText } from './report.js';
import { addressesIn, tellWalk, type WalkLine } from './walk.js';

/** What a call did, on the way from the cause to the symptom. */
export interface ExplainedCall {
  readonly call: CallRecord;
  readonly walk: readonly WalkLine[];
}

/** Why a run went wrong. */
export interface Explanation {
  /** The symptom, or what is false, in a few words. */
  readonly verdict: string;
  /** Where it showed: the innermost kernel function, empty when it was not in the kernel. */
  readonly where: string;
  /** The first call after which something was false that must be true; null when nothing was before the symptom. */
  readonly first:
    | (ExplainedCall & {
        readonly violations: readonly Violation[];
        /** Whether it was false in the middle of that call, and not from its return on. */
        readonly within?: boolean;
      })
    | null;
  /** The calls after it, up to the symptom. */
  readonly after: readonly ExplainedCall[];
  /** The kernel's own words, and the functions it was in, innermost first. */
  readonly symptom: { readonly message: string; readonly frames: readonly string[]; readonly lwp: string } | null;
  /** What the program did otherwise when it was run again, so that what its calls did cannot be told; null when it did the same. */
  readonly otherwise: string | null;
}

/** Calls that are explained at most between the cause and the symptom. */
const MOST_CALLS = 20;

/** Explains a run that went wrong; null when nothing did. */
export function explain(program: Program, options: RunOptions, result: RunResult): Explanation | null {
  const symptom = symptomOf(result);
  if (symptom === null && result.firstViolation === null && result.violations.length === 0) return null;
  const found =
    result.firstViolation !== null || options.audit !== 'end'
      ? result
      : runAgain(program, options, result, { audit: 'each-call' });
  if (typeof found === 'string') return unrepeated(result, symptom, found);
  const first = found.firstViolation;
  if (first === null && symptom === null) return null;

  const from = first?.call?.number ?? result.callCount;
  const to = Math.min(result.callCount, from + MOST_CALLS);
  const loud = runAgain(program, options, result, { audit: 'end', logCalls: { from, to } });
  if (typeof loud === 'string') return unrepeated(result, symptom, loud);
  const calls = loud.calls.filter(({ number }) => number >= from && number <= to);
  const eventsOf = (call: CallRecord): readonly LoggedEvent[] => loud.session.events.get(call.number) ?? [];
  const names = new AddressNames(calls.flatMap((call) => addressesIn(eventsOf(call))));
  const told = calls.map((call) => ({ call, walk: tellWalk(eventsOf(call), names) }));
  const cause = first === null ? undefined : told.find(({ call }) => call.number === first.call?.number);
  return {
    verdict: symptom === null ? brokenText(first?.violations ?? []) : verdictOf(symptom.message),
    where: symptom?.frames[0] ?? '',
    otherwise: null,
    first:
      first === null || cause === undefined
        ? null
        : { ...cause, violations: first.violations, ...(first.within === true && { within: true }) },
    after: told.filter((each) => each !== cause),
    symptom,
  };
}

/** The same run, looked at in another way; a sentence when it turns out not to be the same. */
function runAgain(program: Program, options: RunOptions, result: RunResult, look: RunOptions): RunResult | string {
  let again: RunResult;
  try {
    again = runProgram(program, { ...options, strategy: repeat(options, result), ...look });
  } catch (error) {
    return `it ends with an error: ${(error instanceof Error ? error.message : String(error)).replace(/\.$/, '')}`;
  }
  const tell = (call: CallRecord | undefined): string =>
    call === undefined ? 'not made' : `${callText(call)} = ${resultText(call.result)}`;
  for (let i = 0; i < Math.max(again.calls.length, result.calls.length); i++) {
    const [then, now] = [tell(result.calls[i]), tell(again.calls[i])];
    if (then !== now) return `call ${i + 1} was ${then}, and is ${now}`;
  }
  return again;
}

/** What the first run has found, and no more. */
function unrepeated(result: RunResult, symptom: Explanation['symptom'], otherwise: string): Explanation {
  const { firstViolation, violations } = result;
  const first = firstViolation?.call ? { call: firstViolation.call, walk: [], violations: firstViolation.violations } : null;
  return {
    verdict: symptom === null ? brokenText(firstViolation?.violations ?? violations) : verdictOf(symptom.message),
    where: symptom?.frames[0] ?? '',
    first,
    after: [],
    symptom,
    otherwise,
  };
}

function brokenText([violation]: readonly Violation[]): string {
  return `broken invariant [${violation?.invariant ?? ''}]`;
}

/** How to decide as that run decided. */
function repeat(options: RunOptions, result: RunResult): NonNullable<RunOptions['strategy']> {
  const { schedule } = result;
  const plain = schedule.switches.length + schedule.choices.length + schedule.expiries.length === 0;
  return plain
    ? options.strategy?.kind === 'replay'
      ? options.strategy
      : { kind: 'run-to-block' }
    : { kind: 'replay', schedule };
}

function symptomOf(result: RunResult): Explanation['symptom'] {
  if (result.end.kind === 'panic') {
    const { message, frames, lwp } = result.end.panic;
    return { message: `panic: ${message}`, frames, lwp };
  }
  if (result.end.kind === 'deadlock') return { message: result.end.deadlock.message, frames: [], lwp: '' };
  return null;
}

/** `kernel diagnostic assertion "x" failed` -> `assertion "x"` */
export function verdictOf(message: string): string {
  const [firstLine = ''] = message.replace(/^panic: /, '').split('\n');
  const assertion = /^kernel diagnostic assertion (".*") failed/.exec(firstLine);
  return assertion === null ? firstLine : `assertion ${assertion[1]}`;
}
