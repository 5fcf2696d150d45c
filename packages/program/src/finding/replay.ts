/** Having a finding again. */
import { followLabels, type Outcome, replayExactly } from '@faultline/explorer';
import type { ProgramModel } from '../model.js';
import type { FindingFailure, FindingFile } from './finding-file.js';
import { boundOf, failureIn } from './make.js';

/** How a finding is replayed. */
export interface ReplayOptions {
  /** Whether kernel or program are others than those of the finding: then its steps say nothing, and only the labels are followed. */
  readonly changed?: boolean;
}

/** Steps after which a replay on another kernel is given up: it goes round in circles. */
export function mostSteps({ failure, steps }: FindingFile): number {
  return boundOf(failure, ROOM * steps);
}

/** How many times the steps of a finding a replay on another kernel may take. */
const ROOM = 10;

/** What came of a replay. */
export interface ReplayVerdict {
  /**
   * `same` when the failure of the finding came, `other` when another one did, `none` when nothing went wrong.
   */
  readonly failed: 'same' | 'other' | 'none';
  readonly failure: FindingFailure | null;
  /** `steps` when the execution was the recorded one in each step; `labels` when only the places of its decisions could be followed. */
  readonly followed: 'steps' | 'labels';
  /** The first step at which the execution is another than the recorded one; null when it is the same, or was not compared. */
  readonly differsAt: number | null;
  /** Why the schedule could not be followed by steps; null when it could, or was not to be. */
  readonly mismatch: string | null;
  /** A sentence for each decision that could not be taken as recorded. */
  readonly deviations: readonly string[];
  readonly outcome: Outcome;
}

/**
 * Repeats a finding: step for step with a check at each; where that leads elsewhere, by the places at which its decisions were taken.
 *
 * @param model the finding's program with its machine and patches, or with others to see what these change
 */
export function replayFinding(finding: FindingFile, model: ProgramModel, options: ReplayOptions = {}): ReplayVerdict {
  if (options.changed === true) return byLabels(finding, model, { differsAt: null, mismatch: null });
  const { outcome, differsAt, mismatch } = replayExactly(model, finding.schedule, finding.checks, {
    maxSteps: boundOf(finding.failure, finding.steps),
  });
  if (differsAt !== null) return byLabels(finding, model, { differsAt, mismatch });
  return { ...verdictOn(finding, outcome), followed: 'steps', differsAt, mismatch, deviations: [] };
}

function byLabels(
  finding: FindingFile,
  model: ProgramModel,
  exact: Pick<ReplayVerdict, 'differsAt' | 'mismatch'>,
): ReplayVerdict {
  const { outcome, deviations } = followLabels(model, finding.decisions, {
    maxSteps: boundOf(finding.failure, 10 * finding.steps),
  });
  return { ...verdictOn(finding, outcome), followed: 'labels', ...exact, deviations };
}

function verdictOn(finding: FindingFile, outcome: Outcome): Pick<ReplayVerdict, 'failed' | 'failure' | 'outcome'> {
  const failure = failureIn(outcome, finding.failure);
  const failed = failure === null ? 'none' : failure.signature === finding.failure.signature ? 'same' : 'other';
  return { failed, failure, outcome };
}

/** How many times a finding came again, step for step. */
export interface RepeatedReplay {
  readonly times: number;
  /** The first replay that was not the finding itself; null when all were. */
  readonly different: { readonly time: number; readonly verdict: ReplayVerdict } | null;
}

/**
 * Repeats a finding many times, each time with a check at each step, up to the first time that is another execution.
 *
 * @param times how many times
 * @param options.onProgress called after each time
 */
export function replayTimes(
  finding: FindingFile,
  model: ProgramModel,
  times: number,
  options: { onProgress?: (done: number) => void } = {},
): RepeatedReplay {
  for (let time = 1; time <= times; time++) {
    const verdict = replayFinding(finding, model);
    if (verdict.failed !== 'same' || verdict.followed !== 'steps') return { times: time, different: { time, verdict } };
    options.onProgress?.(time);
  }
  return { times, different: null };
}
