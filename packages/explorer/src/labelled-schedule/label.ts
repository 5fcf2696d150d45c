/** Recording an execution: its decisions at labelled places, and a check for each of its steps. */
import { Replay, type Schedule, type SchedulingPoint } from '@faultline/kernel';
import { type ExecutionOptions, execute, type Outcome } from '../execution.js';
import type { Instance, Model } from '../model.js';
import type { LabelledDecision } from './decisions.js';
import { ObservedStrategy, type Observer } from './observed.js';
import { SiteTracker } from './sites.js';
import { checkEvery, StepChecker, type StepChecks } from './step-checks.js';

/** An execution that was recorded. */
export interface RecordedExecution {
  readonly outcome: Outcome;
  /** Why the schedule could not be followed; null when it could. */
  readonly mismatch: string | null;
  readonly decisions: readonly LabelledDecision[];
  readonly checks: StepChecks;
}

/** A schedule that was repeated to the step. */
export interface ExactReplay {
  readonly outcome: Outcome;
  /** The first step at which the execution was another than the recorded one; null when it was the same to its end. */
  readonly differsAt: number | null;
  /** Why the schedule could not be followed; null when it could. */
  readonly mismatch: string | null;
}

/**
 * Runs a schedule, and writes down where its decisions are taken and what each step came to.
 *
 * @param steps about how many steps it takes: decides how many of them a check covers
 */
export function recordExecution(
  model: Model,
  schedule: Schedule,
  steps: number,
  options: ExecutionOptions = {},
): RecordedExecution {
  const recorder = new Recorder(new StepChecker(checkEvery(steps)));
  const outcome = execute(observable(model, recorder), new ObservedStrategy(new Replay(schedule), recorder), options);
  const checks = recorder.checker.finish(outcome.instance);
  return { outcome, mismatch: mismatchIn(outcome), decisions: recorder.decisions, checks };
}

/** Runs a schedule by its step numbers, and compares each step with what was recorded. */
export function replayExactly(
  model: Model,
  schedule: Schedule,
  recorded: StepChecks,
  options: ExecutionOptions = {},
): ExactReplay {
  const watcher = new Watcher(new StepChecker(recorded.every));
  const outcome = execute(observable(model, watcher), new ObservedStrategy(new Replay(schedule), watcher), options);
  const now = watcher.checker.finish(outcome.instance);
  return { outcome, differsAt: watcher.checker.firstDifference(recorded, now), mismatch: mismatchIn(outcome) };
}

/** What a schedule that does not fit is refused with. */
const MISMATCH = 'ScheduleMismatch: ';

function mismatchIn({ failure }: Outcome): string | null {
  return failure?.kind === 'error' && failure.message.startsWith(MISMATCH) ? failure.message.slice(MISMATCH.length) : null;
}

/** A model whose executions an observer is told of before they begin. */
function observable(model: Model, watcher: Watcher): Model {
  return {
    name: model.name,
    boot(strategy) {
      const instance = model.boot(strategy);
      watcher.instance = instance;
      return instance;
    },
  };
}

/** Checks each step. */
class Watcher implements Observer {
  instance: Instance | null = null;
  readonly checker: StepChecker;

  constructor(checker: StepChecker) {
    this.checker = checker;
  }

  looks(point: SchedulingPoint): void {
    if (this.instance !== null) this.checker.look(point, this.instance);
  }

  chose(site: string, taken: number, _point: SchedulingPoint): void {
    this.checker.chose(site, taken);
  }
}

/** Checks each step, and takes note of the places at which something is decided. */
class Recorder extends Watcher {
  readonly decisions: LabelledDecision[] = [];
  readonly #tracker = new SiteTracker();

  override looks(point: SchedulingPoint): void {
    super.looks(point);
    this.#tracker.at(point);
  }

  switched(to: Parameters<NonNullable<Observer['switched']>>[0], point: SchedulingPoint): void {
    this.decisions.push({ kind: 'switch', at: this.#tracker.at(point), to: this.#tracker.names.of(to) });
  }

  override chose(site: string, taken: number, point: SchedulingPoint): void {
    super.chose(site, taken, point);
    const at = this.#tracker.atChoice(point, site);
    if (taken !== 0) this.decisions.push({ kind: 'choice', at, site, taken });
  }

  expired(lwp: Parameters<NonNullable<Observer['expired']>>[0], point: SchedulingPoint): void {
    this.decisions.push({ kind: 'expiry', at: this.#tracker.at(point), lwp: this.#tracker.names.of(lwp) });
  }
}
