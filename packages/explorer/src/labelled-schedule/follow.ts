/** Following a labelled schedule on a kernel or a program that has changed since, as far as it can be followed. */
import type { Lwp, SchedulingPoint, Strategy } from '@faultline/kernel';
import { type ExecutionOptions, execute, type Outcome } from '../execution.js';
import type { Model } from '../model.js';
import { decisionText, type LabelledDecision } from './decisions.js';
import { isSameSite, type Site, SiteTracker } from './sites.js';

/** A labelled schedule that was followed. */
export interface Followed {
  readonly outcome: Outcome;
  /** A sentence for each decision that could not be taken as recorded; empty when all could. */
  readonly deviations: readonly string[];
}

/** Runs a model under a labelled schedule. */
export function followLabels(model: Model, decisions: readonly LabelledDecision[], options: ExecutionOptions = {}): Followed {
  const strategy = new LabelledReplay(decisions);
  const outcome = execute(model, strategy, options);
  return { outcome, deviations: strategy.deviations };
}

/**
 * Takes decisions at labelled places.
 *
 * => a switch at a place that its thread has gone by happens as soon as that is noticed; any decision that cannot be taken is left out.
 */
export class LabelledReplay implements Strategy {
  readonly name = 'replay';
  readonly preemptive = true;
  readonly everyStep = true;
  readonly #decisions: readonly LabelledDecision[];
  readonly #tracker = new SiteTracker();
  readonly #deviations: string[] = [];
  #next = 0;
  /** Where the next decision is taken instead, since its own place has gone by. */
  #instead: Site | null = null;

  constructor(decisions: readonly LabelledDecision[]) {
    this.#decisions = decisions;
  }

  /** A sentence for each decision that was not taken as recorded; those that are still to come count when the execution is over. */
  get deviations(): readonly string[] {
    const open = this.#decisions.slice(this.#next);
    return [...this.#deviations, ...open.map((decision) => `${decisionText(decision)}: the execution does not come there`)];
  }

  preempts(point: SchedulingPoint): boolean {
    const due = this.#due(point);
    return due?.kind === 'switch' || due?.kind === 'expiry';
  }

  expire(sleepers: readonly Lwp[], point: SchedulingPoint): Lwp | null {
    const due = this.#due(point);
    if (due?.kind !== 'expiry') return null;
    const expired = sleepers.find((lwp) => this.#tracker.names.of(lwp) === due.lwp) ?? null;
    if (expired === null) this.#leaveOut(due, `${due.lwp} waits for no timeout there`);
    else this.#advance();
    return expired;
  }

  pick(candidates: readonly Lwp[], usual: Lwp, point: SchedulingPoint): Lwp {
    const due = this.#due(point);
    if (due?.kind !== 'switch') return usual;
    const chosen = candidates.find((lwp) => this.#tracker.names.of(lwp) === due.to);
    if (chosen === undefined) this.#leaveOut(due, `it cannot run there, and ${this.#tracker.names.of(usual)} goes on`);
    else this.#advance();
    return chosen ?? usual;
  }

  choose(site: string, alternatives: number, point: SchedulingPoint): number {
    const at = this.#tracker.atChoice(point, site);
    const next = this.#decisions[this.#next];
    if (next?.kind !== 'choice' || !isSameSite(next.at, at)) return 0;
    if (next.taken < alternatives) {
      this.#advance();
      return next.taken;
    }
    this.#leaveOut(next, `there are ${alternatives} ways only`);
    return 0;
  }

  /** The decision that is to be taken now; null when it is not time for the next one. */
  #due(point: SchedulingPoint): LabelledDecision | null {
    const at = this.#tracker.at(point);
    for (;;) {
      const next = this.#decisions[this.#next];
      if (next === undefined) return null;
      if (isSameSite(this.#instead ?? next.at, at)) return next;
      if (this.#instead === null && !this.#tracker.isPast(next.at, point)) return null;
      if (this.#instead === null && next.kind === 'switch') {
        this.#deviations.push(
          `${decisionText(next)}: ${next.at.thread} does not come there, and is switched as soon as that is seen`,
        );
        this.#instead = at;
        return next;
      }
      this.#leaveOut(next, `${next.at.thread} does not come there`);
    }
  }

  #advance(): void {
    this.#next++;
    this.#instead = null;
  }

  #leaveOut(decision: LabelledDecision, why: string): void {
    this.#deviations.push(`${decisionText(decision)}: ${why}`);
    this.#advance();
  }
}
