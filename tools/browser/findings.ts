/** Findings to be replayed: schedules in which something goes wrong, found in every way in which the explorer finds them. */
import { Abandoned, counterexamples, execute, exploreExhaustively, type Found, sample } from '@faultline/explorer';
import { type Lwp, RandomPreemption, type Schedule, type SchedulingPoint, SeededRandom } from '@faultline/kernel';
import { CATALOGUE_MODELS, callsModelName, locksModelName, modelOf } from './models.js';

/** A failure of a model, and the schedule in which it shows. */
export interface Finding {
  readonly model: string;
  readonly schedule: Schedule;
  readonly signature: string;
  /** How it was found. */
  readonly by: 'random' | 'sampling' | 'exhaustive';
}

/** How many are wanted. */
export interface FindingCounts {
  /** Of each entry of the catalogue, at most. */
  readonly ofEntry: number;
  /** Of random programs of memory calls, at most. */
  readonly ofCalls: number;
  /** In all; random programs of locks and sleeps make up for what is missing. */
  readonly inAll: number;
}

/** Random schedules of an entry that are tried for each that is wanted. */
const ENTRY_SCHEDULES = 20;
/** Random schedules of a program that failed in the first. */
const PROGRAM_SCHEDULES = 12;
/** Findings in a row that are known already, after which no new one is expected. */
const REPEATS = 3 * PROGRAM_SCHEDULES;
/** Executions of a sampling. */
const SAMPLES = 50;
/** In every other random schedule, one choice of the environment in so many goes another way; so do timeouts at each step. */
const FAULTS_IN = 10;
/** Steps after which a random execution is given up. */
const MOST_STEPS = 5000;

/** Looks for findings, of which no two have the same model and schedule. */
export function findings({ ofEntry, ofCalls, inAll }: FindingCounts): readonly Finding[] {
  const found: Finding[] = [];
  for (const name of CATALOGUE_MODELS) found.push(...distinct(ofEntry, ofCatalogue(name, ofEntry)));
  found.push(...distinct(ofCalls, eachOf(callsModelName, byRandomIfAtOnce)));
  found.push(...distinct(inAll - found.length, eachOf(locksModelName, inAllWays)));
  return found;
}

/** So many of some findings, each of them once; fewer when hardly anything new comes. */
function* distinct(count: number, found: Iterable<Finding>): Generator<Finding> {
  const seen = new Set<string>();
  if (count <= 0) return;
  let repeated = 0;
  for (const finding of found) {
    const key = JSON.stringify([finding.model, finding.schedule]);
    repeated = seen.has(key) ? repeated + 1 : 0;
    if (repeated === REPEATS) return;
    if (repeated > 0) continue;
    seen.add(key);
    yield finding;
    if (seen.size === count) return;
  }
}

/** What is found of one program after the other, without end. */
function* eachOf(nameOf: (seed: number) => string, find: (name: string) => Iterable<Finding>): Generator<Finding> {
  for (let seed = 1; ; seed++) yield* find(nameOf(seed));
}

function* ofCatalogue(name: string, count: number): Generator<Finding> {
  yield* bySampling(name);
  yield* byRandom(name, count * ENTRY_SCHEDULES);
}

function* byRandom(name: string, schedules: number): Generator<Finding> {
  const model = modelOf(name);
  for (let seed = 0; seed < schedules; seed++) {
    const { failure, schedule } = execute(model, new BoundedRandom(seed, seed % 2 === 0 ? 0 : FAULTS_IN));
    if (failure !== null) yield { model: name, schedule, signature: failure.signature, by: 'random' };
  }
}

/** Most programs are never at fault: those that are not in the first schedule are left alone. */
function* byRandomIfAtOnce(name: string): Generator<Finding> {
  const [at] = byRandom(name, 1);
  if (at !== undefined) yield* byRandom(name, PROGRAM_SCHEDULES);
}

function* inAllWays(name: string): Generator<Finding> {
  const sampled = bySampling(name);
  yield* sampled;
  if (sampled.length === 0) return;
  yield* exhaustively(name);
  yield* byRandom(name, PROGRAM_SCHEDULES);
}

function bySampling(name: string): Finding[] {
  const { found } = sample(modelOf(name), { seed: 1, budget: { executions: SAMPLES }, faults: 1, maxSteps: MOST_STEPS });
  return found.map((one) => findingOf(name, one, 'sampling'));
}

/** With one preemption and one fault of the environment, which is enough for many. */
function exhaustively(name: string): Finding[] {
  const result = exploreExhaustively(modelOf(name), { maxStates: 2 ** 12, maxPreemptions: 1, maxFaults: 1 });
  return counterexamples(result).map((one) => findingOf(name, one, 'exhaustive'));
}

function findingOf(model: string, { failure, schedule }: Found, by: Finding['by']): Finding {
  return { model, schedule, signature: failure.signature, by };
}

/** Random preemption whose timeouts may fire early, and which gives an execution up when it goes on for too long. */
class BoundedRandom extends RandomPreemption {
  readonly everyStep = true;
  readonly #faultsIn: number;
  readonly #random: SeededRandom;

  constructor(seed: number, faultsIn: number) {
    super(seed, { faultsIn });
    this.#faultsIn = faultsIn;
    this.#random = new SeededRandom(seed);
  }

  override pick(candidates: readonly Lwp[], usual: Lwp, point: SchedulingPoint): Lwp {
    if (point.steps > MOST_STEPS) throw new Abandoned();
    return super.pick(candidates, usual, point);
  }

  expire(sleepers: readonly Lwp[]): Lwp | null {
    if (this.#faultsIn === 0 || this.#random.below(this.#faultsIn) > 0) return null;
    return sleepers[this.#random.below(sleepers.length)] ?? null;
  }
}
