/** What counts as a failure, and when two failures are the same. */
import type { BrokenRule, Deadlock, KernelPanic, Lock, Schedule, Violation } from '@faultline/kernel';
import type { Complaint } from './model.js';

/** What kind of thing went wrong. */
export type FailureKind =
  | 'panic'
  | 'invariant'
  | 'deadlock'
  | 'sleeps-for-ever'
  | 'leak'
  | 'check'
  | 'livelock'
  | 'data-race'
  | 'lock-order'
  /** It took more steps than it may: nobody knows how it would have ended. */
  | 'step-bound'
  | 'error';

/** Something that went wrong in an execution. */
export interface Failure {
  readonly kind: FailureKind;
  /** Equal for the same failure in whatever schedule: kind, words without numbers, functions, classes of locks. */
  readonly signature: string;
  /** In the words of whoever noticed it; may have several lines. */
  readonly message: string;
  /** The kernel functions it showed in, innermost first; empty when it was not in one. */
  readonly frames: readonly string[];
  /** The thread it showed in, as `pid.lid`; empty when it was no thread. */
  readonly lwp: string;
  /** What was false, when that is the failure. */
  readonly violations: readonly Violation[];
  /** For a deadlock: the classes of the locks that the ring waits for, sorted, each once. */
  readonly ring?: readonly string[];
}

/** A failure, and how to get there. */
export interface Found {
  readonly failure: Failure;
  readonly schedule: Schedule;
  /** Switches away from a thread that could have gone on. */
  readonly preemptions: number;
  /** Steps up to the failure. */
  readonly steps: number;
}

/** The failure that an exception stands for. */
export function failureOf(error: unknown): Failure {
  if (isNamed<KernelPanic>(error, 'KernelPanic')) {
    const { message, frames, lwp } = error;
    return {
      kind: 'panic',
      signature: `panic: ${wordsOf(message)} in ${frames[0] ?? '?'}`,
      message: `panic: ${message}`,
      frames,
      lwp,
      violations: [],
    };
  }
  if (isNamed<Deadlock>(error, 'Deadlock')) {
    const ring = error.cycle.length > 0;
    const parties = (ring ? error.cycle : error.waiting).map(({ op, object }) => `${op} ${wordsOf(object.label)}`).sort();
    const kind = ring ? 'deadlock' : 'sleeps-for-ever';
    return {
      kind,
      signature: `${kind}: ${parties.join(', ')}`,
      message: error.message,
      frames: [],
      lwp: '',
      violations: [],
      ...(ring && { ring: classesOf(error) }),
    };
  }
  if (isNamed<Error>(error, 'StepBound')) {
    return { kind: 'step-bound', signature: 'step-bound', message: error.message, frames: [], lwp: '', violations: [] };
  }
  if (isNamed<Error>(error, 'CheckFailed')) return failureOfComplaints([{ kind: 'check', message: error.message }]);
  const { name, message } = error instanceof Error ? error : { name: 'Error', message: String(error) };
  // A program's own check, made where it saw what is wrong.
  if (name === 'CheckFailed') return failureOfComplaints([{ kind: 'check', message }]);
  return {
    kind: 'error',
    signature: `${name}: ${wordsOf(message)}`,
    message: `${name}: ${message}`,
    frames: [],
    lwp: '',
    violations: [],
  };
}

/** The failure of an invariant that is false; `where` when that was noticed in the middle of something. */
export function failureOfViolations(violations: readonly Violation[], where?: BrokenRule): Failure {
  const names = [...new Set(violations.map(({ invariant }) => invariant))].sort();
  return {
    kind: 'invariant',
    signature: `invariant: ${names.join(', ')}`,
    message: violations.map(({ finding }) => finding).join('\n'),
    frames: where?.frames ?? [],
    lwp: where?.lwp ?? '',
    violations,
  };
}

/** The failure of something that is wrong at the end. */
export function failureOfComplaints(complaints: readonly Complaint[]): Failure {
  const [first] = complaints;
  const signatures = [...new Set(complaints.map(({ signature, message }) => signature ?? wordsOf(message)))].sort();
  return {
    kind: first?.kind ?? 'check',
    signature: `${first?.kind ?? 'check'}: ${signatures.join('; ')}`,
    message: complaints.map(({ message }) => message).join('\n'),
    frames: [],
    lwp: '',
    violations: [],
  };
}

/** Whether an error is one of the kernel's, of whichever build: each has its own classes. */
function isNamed<E extends Error>(error: unknown, name: E['name']): error is E {
  return error instanceof Error && error.name === name;
}

function classesOf({ cycle }: Deadlock): string[] {
  const names = cycle.map(({ object }) => ('lockClass' in object ? (object as Lock).lockClass.name : object.label));
  return [...new Set(names)].sort();
}

/** A text without what differs from one schedule to the next: numbers and addresses. */
function wordsOf(text: string): string {
  return text.replace(/0x[0-9a-f]+|\b[0-9a-f]{6,}\b|\d+/g, '#');
}
