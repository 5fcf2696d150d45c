/**
 * What was false first on the way to a failure, and with which step it became so.
 *
 * Many invariants are false for a moment in the middle of a call. So one counts only if it stays false: up to the quiet point at which
 * that was noticed; or up to a panic, if the call that made it false has returned by then.
 */
import type { Failure, Model, TracedStep } from '@faultline/explorer';
import { type NetbsdSystem, type Schedule, type ViewRequest, type Violation, view } from '@faultline/kernel';
import type { LoudRun, StepAudit } from './loud-run.js';
import { runLoudly } from './loud-run.js';

/** What was false first. */
export interface FirstBroken {
  /** The places where it is false. */
  readonly violations: readonly Violation[];
  /** The step with which it became so. */
  readonly step: TracedStep;
  /**
   * How that is known: from a quiet point, or because the call that did it has returned; `advice` for an advisory rule, of whose breach
   * the failure came.
   */
  readonly known: 'quiet' | 'returned' | 'advice';
  /** The structure that it is about, before that step and after it, as lines of the kernel's own view; empty when it has none. */
  readonly before: readonly string[];
  readonly after: readonly string[];
}

/** Finds what was false first; null when nothing was before the failure showed. */
export function firstBroken(model: Model, schedule: Schedule, bad: LoudRun, good: LoudRun | null): FirstBroken | null {
  const { failure } = bad.trace.outcome;
  if (failure === null) return null;
  const advised = firstAdvised(bad, failure);
  if (advised !== null) return looked(model, schedule, bad, advised.at, advised.violation, 'advice');
  const [noticed] = failure.violations;
  if (noticed !== undefined) {
    const { invariant } = noticed;
    return looked(
      model,
      schedule,
      bad,
      falseFrom(bad.audits, (each) => each.invariant === invariant),
      noticed,
      'quiet',
    );
  }
  if (failure.kind !== 'panic') return null;
  const sound = new Set(good?.audits.flatMap(({ violations }) => violations.map(({ finding }) => finding)));
  const left = bad.audits.at(-1)?.violations.filter(({ finding }) => !sound.has(finding)) ?? [];
  const starts = left.map((violation) => ({
    violation,
    at: falseFrom(bad.audits, (each) => each.finding === violation.finding),
  }));
  const [first] = starts.filter(({ at }) => hasReturned(bad, bad.trace.steps[at])).sort((one, other) => one.at - other.at);
  return first === undefined ? null : looked(model, schedule, bad, first.at, first.violation, 'returned');
}

/**
 * The first breach of an advisory rule of which the failure came: of a rule that leads to such a failure and, where the failure names
 * pages, about one of them.
 */
function firstAdvised({ audits, system }: LoudRun, failure: Failure): { at: number; violation: Violation } | null {
  const rules = system?.kern.auditor.advisories ?? [];
  const invariants = failure.violations.map(({ invariant }) => invariant);
  const leads = rules.filter(({ leadsTo }) => leadsTo.some((end) => invariants.includes(end) || failure.message.includes(end)));
  const pages = pagesIn(failure.message);
  for (const [at, { advice }] of audits.entries()) {
    const violation = advice.find(
      ({ invariant, finding }) =>
        leads.some(({ name }) => name === invariant) &&
        (pages.length === 0 || pagesIn(finding).some((page) => pages.includes(page))),
    );
    if (violation !== undefined) return { at, violation };
  }
  return null;
}

function pagesIn(text: string): string[] {
  return [...text.matchAll(/\bpage (\d+)\b/g)].map(([, page]) => page ?? '');
}

/** From which audit on something is false up to the end; -1 when it is not at the end. */
function falseFrom(audits: readonly StepAudit[], isMeant: (violation: Violation) => boolean): number {
  const lastTrue = audits.findLastIndex(({ violations }) => !violations.some(isMeant));
  return lastTrue + 1 < audits.length ? lastTrue + 1 : -1;
}

/** Whether the call or fault in which a step was taken is over at the end. */
function hasReturned({ trace, calls, faults }: LoudRun, step: TracedStep | undefined): boolean {
  if (step === undefined) return false;
  const { number, thread } = step;
  const end = trace.steps.at(-1)?.number ?? 0;
  const covers = ({ lwp, from, to }: { lwp: string; from: number; to: number | null }): boolean =>
    lwp === thread.name && from <= number && number <= (to ?? Number.POSITIVE_INFINITY);
  const within = calls.find(covers) ?? faults.find(covers);
  if (within !== undefined) return within.to !== null && within.to <= end;
  return trace.steps.some((other) => other.thread === thread && other.ended);
}

/** Takes the schedule up to that step once more, and looks at the structure on both sides of it. */
function looked(
  model: Model,
  schedule: Schedule,
  bad: LoudRun,
  at: number,
  { invariant }: Violation,
  known: FirstBroken['known'],
): FirstBroken | null {
  const step = bad.trace.steps[at];
  const audit = bad.audits[at];
  const violations =
    (known === 'advice' ? audit?.advice : audit?.violations)?.filter((each) => each.invariant === invariant) ?? [];
  if (step === undefined) return null;
  const request = structureOf(violations[0]);
  if (request === null) return { violations, step, known, before: [], after: [] };
  // In front of the first step nothing was looked at.
  const texts: string[] = at === 0 ? [''] : [];
  let seen = 0;
  runLoudly(model, schedule, {
    onStep(_step, system) {
      if ((seen === at - 1 || seen === at) && system !== null) texts.push(showIfThere(system, request));
      seen++;
    },
  });
  const [before, after] = differing(texts[0]?.split('\n') ?? [], texts[1]?.split('\n') ?? []);
  return { violations, step, known, before, after };
}

/** The structure that a finding names first. */
function structureOf(violation: Violation | undefined): ViewRequest | null {
  const named = /\b(map|amap|page|object) (\d+)\b/.exec(violation?.finding ?? '');
  if (named === null) return null;
  const kind = named[1] as 'map' | 'amap' | 'page' | 'object';
  const number = Number(named[2]);
  return kind === 'page' ? { kind, page: number } : { kind, id: number, full: true };
}

function showIfThere(system: NetbsdSystem, request: ViewRequest): string {
  try {
    return view(system, request).text;
  } catch {
    return '';
  }
}

/** The lines in which two views differ, each with the first line of its view, which says what it is of. */
function differing(before: readonly string[], after: readonly string[]): [string[], string[]] {
  const only = (lines: readonly string[], others: readonly string[]): string[] => {
    const rest = [...others];
    return lines.filter((line, index) => {
      const at = rest.indexOf(line);
      if (at >= 0) rest.splice(at, 1);
      return line !== '' && (index === 0 || at < 0);
    });
  };
  // What a view complains about in front of the step is what calls in progress are allowed to leave so.
  return [only(before, after).filter((line) => !line.includes('>>>')), only(after, before)];
}
