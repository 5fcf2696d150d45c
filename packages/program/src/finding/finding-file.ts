/**
 * Finding files: something that went wrong, with all that it takes to have it again, in a few KB.
 *
 *     program ── patches ── machine ── schedule ──> failure
 *                                         │
 *                     at labelled places, and by steps with a check for each
 *
 * A finding is plain data. Reading and writing files is the caller's business.
 */
import type { FailureKind, LabelledDecision, StepChecks } from '@faultline/explorer';
import type { Schedule } from '@faultline/kernel';
import type { MachineSettings } from '../settings.js';
import type { SyzOs } from '../syz/program.js';

/** The first line of a finding file says what it is. */
export const FINDING_FORMAT = 'faultline finding';
/** The version of the format. */
export const FINDING_VERSION = 1;

/** What was run. */
export type FindingProgram =
  /** An entry of the catalogue. */
  | { readonly kind: 'catalogue'; readonly id: string }
  /** A syzkaller program, which is in the file. */
  | { readonly kind: 'syz'; readonly name: string; readonly os: SyzOs; readonly text: string }
  /** A module: its path from where the file is, and a digest of what it held. */
  | { readonly kind: 'module'; readonly path: string; readonly digest: string };

/** A change to the kernel: of the catalogue when it has no module. */
export interface FindingPatch {
  readonly id: string;
  /** The module that exports it: its path from where the file is, and a digest of what it held. */
  readonly module?: { readonly path: string; readonly digest: string };
}

/** What went wrong. */
export interface FindingFailure {
  readonly kind: FailureKind;
  /** The same for the same failure in whatever schedule. */
  readonly signature: string;
  /** In the words of whoever noticed it. */
  readonly message: string;
  /** The thread it showed in, as `pid.lid`; empty when it was no thread. */
  readonly lwp: string;
  /** The kernel functions it showed in, innermost first. */
  readonly frames: readonly string[];
}

/** A finding. */
export interface FindingFile {
  /** Stable: the same defect of the same program has the same title. */
  readonly title: string;
  /** The version of Faultline that found it. */
  readonly foundBy: string;
  readonly program: FindingProgram;
  /** What the machine is like, over what the program wants. */
  readonly machine: MachineSettings;
  readonly patches: readonly FindingPatch[];
  readonly failure: FindingFailure;
  /** What went wrong first, and how that became the failure, in a few sentences. */
  readonly summary: readonly string[];
  readonly preemptions: number;
  readonly steps: number;
  /** What was decided, at labelled places. */
  readonly decisions: readonly LabelledDecision[];
  /** The same by step numbers. */
  readonly schedule: Schedule;
  /** A check for each step. */
  readonly checks: StepChecks;
}

/** A finding file is none, or is broken; the message is a sentence without an end, which says where and what. */
export class FindingError extends Error {
  override readonly name = 'FindingError';
}
