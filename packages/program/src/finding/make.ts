/** Making a finding of something that an exploration has found. */
import { type Found, type Outcome, recordExecution } from '@faultline/explorer';
import type { ProgramModel } from '../model.js';
import type { MachineSettings } from '../settings.js';
import { FindingError, type FindingFailure, type FindingFile, type FindingPatch, type FindingProgram } from './finding-file.js';
import { findingTitle } from './finding-name.js';

/** Kernel functions that are kept of a failure, and characters of its message. */
const MOST_FRAMES = 12;
const MOST_MESSAGE = 1000;
/** Lines of the summary that are kept, and characters of each. */
const MOST_SUMMARY = 12;
const MOST_LINE = 240;
/** Steps that an execution may take above those that it took when it was found. */
const STEPS_MORE = 1000;

/** What a finding is made of. */
export interface FindingSource {
  /** The program with machine and patches, as it was explored: on the stepped build, which is the one that findings are replayed on. */
  readonly model: ProgramModel;
  readonly found: Pick<Found, 'schedule' | 'preemptions' | 'steps' | 'failure'>;
  readonly program: FindingProgram;
  readonly patches: readonly FindingPatch[];
  readonly machine?: MachineSettings;
  /** What went wrong first, and how that became the failure. */
  readonly summary?: readonly string[];
  /** The version of Faultline. */
  readonly version: string;
}

/**
 * Makes a finding: runs the schedule once more, and takes down where its decisions are taken and what each step comes to.
 *
 * @throws {FindingError} when nothing goes wrong under the schedule
 */
export function makeFinding(source: FindingSource): FindingFile {
  const { model, found, program, patches, machine = {}, summary = [], version } = source;
  const { outcome, decisions, checks, mismatch } = recordExecution(model, found.schedule, found.steps, {
    maxSteps: boundOf(found.failure, found.steps),
  });
  if (mismatch !== null) throw new FindingError(mismatch);
  const failure = failureIn(outcome, found.failure);
  if (failure === null)
    throw new FindingError(`${found.failure.signature} does not come again when its schedule is repeated: ${model.name}`);
  const { kind, signature, message, lwp, frames } = failure;
  return {
    title: findingTitle(program, failure),
    foundBy: version,
    program,
    machine,
    patches,
    failure: { kind, signature, message: cut(message, MOST_MESSAGE), lwp, frames: frames.slice(0, MOST_FRAMES) },
    summary: summary.slice(0, MOST_SUMMARY).map((line) => cut(line, MOST_LINE)),
    preemptions: found.preemptions,
    steps: failure.kind === 'livelock' ? found.steps : outcome.steps,
    decisions,
    schedule: outcome.schedule,
    checks,
  };
}

/** Steps after which a repeated execution of so many is given up. A loop without an end has gone round once by then. */
export function boundOf({ kind }: Pick<FindingFailure, 'kind'>, steps: number): number {
  return kind === 'livelock' ? steps : steps + STEPS_MORE;
}

/** What went wrong. Threads that go round in circles take as many steps as they may. */
export function failureIn({ failure }: Outcome, expected: FindingFailure): FindingFailure | null {
  return failure?.kind === 'step-bound' && expected.kind === 'livelock' ? expected : failure;
}

function cut(text: string, most: number): string {
  return text.length <= most ? text : `${text.slice(0, most - 1)}…`;
}
