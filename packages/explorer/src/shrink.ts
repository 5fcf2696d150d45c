/**
 * Makes a schedule simpler while the same thing goes wrong, by trial: for failures of which the state graph is not known whole.
 *
 * What is left out of a schedule shifts what comes after it, so a trial follows it as far as it can: a switch is made where its step
 * comes and its thread can go on, and left out otherwise. Less is not always enough, nor is more; so single switches are tried as well.
 */
import type { Choice, Expiry, Lwp, Schedule, SchedulingPoint, Strategy, Switch } from '@faultline/kernel';
import { execute } from './execution.js';
import type { Found } from './failure.js';
import type { Model } from './model.js';

/** What a schedule consists of, in order. */
type Decision =
  | ({ readonly kind: 'switch' } & Switch)
  | ({ readonly kind: 'choice' } & Choice)
  | ({ readonly kind: 'expiry' } & Expiry);

/** How much may be spent. */
export interface ShrinkOptions {
  /** Executions at most. Default 500. */
  readonly executions?: number;
  readonly shouldStop?: () => boolean;
}

/** A simpler schedule that fails in the same way; the same one when none was found. */
export function shrinkSchedule(model: Model, found: Found, options: ShrinkOptions = {}): Found {
  const { executions = 500, shouldStop } = options;
  let best = found;
  let left = executions;
  const tried = new Set<string>();
  const isBetter = (decisions: readonly Decision[]): boolean => {
    const name = JSON.stringify(decisions);
    if (left <= 0 || shouldStop?.() === true || tried.has(name)) return false;
    tried.add(name);
    left--;
    const strategy = new Following(decisions);
    const { failure, schedule, steps } = execute(model, strategy);
    if (failure === null || failure.signature !== found.failure.signature) return false;
    const candidate: Found = { failure, schedule, preemptions: strategy.preemptions, steps };
    if (weightOf(candidate) >= weightOf(best)) return false;
    best = candidate;
    return true;
  };
  // A schedule of one switch, or none, says most: these come first.
  const all = decisionsOf(found.schedule);
  for (const decisions of [[], ...all.map((decision) => [decision])]) isBetter(decisions);
  for (let size = Math.ceil(decisionsOf(best.schedule).length / 2); size >= 1; ) {
    const shrunk = withoutEach(decisionsOf(best.schedule), size).some(isBetter);
    if (!shrunk) size = size === 1 ? 0 : Math.ceil(size / 2);
  }
  return best;
}

/** Preemptions weigh more than other switches, and these more than steps. */
function weightOf({ preemptions, schedule, steps }: Found): number {
  return (preemptions * 1000 + decisionsOf(schedule).length) * 1e6 + steps;
}

/** The list without its first `size` members, without the next, and so on. */
function withoutEach<T>(list: readonly T[], size: number): T[][] {
  const lists: T[][] = [];
  for (let at = 0; at < list.length; at += size) lists.push([...list.slice(0, at), ...list.slice(at + size)]);
  return lists;
}

function decisionsOf({ switches, choices, expiries }: Schedule): Decision[] {
  const all: Decision[] = [
    ...switches.map((each): Decision => ({ kind: 'switch', ...each })),
    ...choices.map((each): Decision => ({ kind: 'choice', ...each })),
    ...expiries.map((each): Decision => ({ kind: 'expiry', ...each })),
  ];
  return all.sort((a, b) => a.step - b.step);
}

/** Follows a schedule as far as it can. */
class Following implements Strategy {
  readonly name = 'shrinking';
  readonly preemptive = true;
  preemptions = 0;
  readonly #switches = new Map<number, number>();
  readonly #choices = new Map<number, Choice>();
  readonly #expiries = new Map<number, number>();

  constructor(decisions: readonly Decision[]) {
    for (const decision of decisions) {
      if (decision.kind === 'switch') this.#switches.set(decision.step, decision.to);
      else if (decision.kind === 'choice') this.#choices.set(decision.step, decision);
      else this.#expiries.set(decision.step, decision.lwp);
    }
  }

  preempts({ steps }: SchedulingPoint): boolean {
    return this.#switches.has(steps) || this.#expiries.has(steps);
  }

  pick(candidates: readonly Lwp[], usual: Lwp, { steps, current }: SchedulingPoint): Lwp {
    const to = this.#switches.get(steps);
    const chosen = candidates.find(({ id }) => id === to) ?? usual;
    if (chosen !== current && candidates.includes(current)) this.preemptions++;
    return chosen;
  }

  choose(site: string, alternatives: number, { steps }: SchedulingPoint): number {
    const choice = this.#choices.get(steps);
    return choice !== undefined && choice.site === site && choice.taken < alternatives ? choice.taken : 0;
  }

  expire(sleepers: readonly Lwp[], { steps }: SchedulingPoint): Lwp | null {
    const lwp = this.#expiries.get(steps);
    return sleepers.find(({ id }) => id === lwp) ?? null;
  }
}
