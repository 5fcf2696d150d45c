/** One execution of a model: how it ended, and what was decided on the way. */
import type { Schedule, Strategy } from '@faultline/kernel';
import { type Failure, failureOf, failureOfComplaints, failureOfViolations } from './failure.js';
import type { Instance, Model } from './model.js';

/** Thrown by a strategy that has seen enough of an execution. Never an error. */
export class Abandoned extends Error {
  override readonly name = 'Abandoned';
}

/** One for all: an error takes its stack when it is made, which costs more than all else about it. */
export const ENOUGH = new Abandoned();

/** Two executions were in states with one key, and went on differently: something is missing in what the state tells. */
export class StateMismatch extends Error {
  override readonly name = 'StateMismatch';
}

/** How an execution ended. */
export interface Outcome {
  /** What went wrong, null when nothing did. */
  readonly failure: Failure | null;
  /** Whether the strategy gave it up before its end. */
  readonly abandoned: boolean;
  /** What was decided. */
  readonly schedule: Schedule;
  readonly steps: number;
  readonly instance: Instance;
}

/** How an execution is watched. */
export interface ExecutionOptions {
  /** Whether invariants are checked at quiet points, and not only at the end; a function is asked at each. Default true. */
  readonly audit?: boolean | (() => boolean);
  /** Steps after which it is given up, and said to be without an end. Default 100,000. */
  readonly maxSteps?: number;
}

const DEFAULT_MAX_STEPS = 100_000;

/** An invariant is false at a quiet point. */
class BrokenInvariant extends Error {
  override readonly name = 'BrokenInvariant';
  readonly failure: Failure;

  constructor(failure: Failure) {
    super(failure.message);
    this.failure = failure;
  }
}

/** Runs a model from the start to its end, or until something goes wrong. */
export function execute(model: Model, strategy: Strategy, options: ExecutionOptions = {}): Outcome {
  const instance = model.boot(strategy);
  const { kern } = instance;
  kern.scheduler.maxSteps = options.maxSteps ?? DEFAULT_MAX_STEPS;
  const { audit = true } = options;
  if (audit !== false && instance.audit !== undefined) {
    kern.onQuiet = () => {
      if (audit === true || audit()) auditNow(instance);
    };
    kern.onBroken = (broken) => {
      throw new BrokenInvariant(failureOfViolations([broken.violation], broken));
    };
  }
  let failure: Failure | null = null;
  let abandoned = false;
  try {
    instance.run();
    failure = wrongAtEnd(instance);
  } catch (error) {
    if (error instanceof StateMismatch) throw error;
    if (error instanceof Abandoned) abandoned = true;
    else failure = error instanceof BrokenInvariant ? error.failure : failureOf(error);
  }
  return { failure, abandoned, schedule: kern.scheduler.recorder.schedule, steps: kern.scheduler.steps, instance };
}

function auditNow(instance: Instance): void {
  const violations = instance.audit?.() ?? [];
  if (violations.length > 0) throw new BrokenInvariant(failureOfViolations(violations));
}

function wrongAtEnd(instance: Instance): Failure | null {
  const violations = instance.audit?.() ?? [];
  if (violations.length > 0) return failureOfViolations(violations);
  const complaints = instance.atEnd?.() ?? [];
  return complaints.length > 0 ? failureOfComplaints(complaints) : null;
}
