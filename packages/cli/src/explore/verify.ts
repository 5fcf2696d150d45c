/** Whether a fix cures a defect and breaks nothing: a few explorations, each with a part of the time. */
import { CATALOGUE, type CatalogueEntry } from '@faultline/catalogue';
import type { Exploration } from '@faultline/explorer';
import type { Build } from '../build.js';
import { type ConductOptions, conduct } from './conduct.js';
import { loadSubject, type SubjectNames } from './subject.js';

/** What is verified. */
export interface Claim {
  /** The program, with the patches that bring the defect about. */
  readonly names: SubjectNames;
  /** The patches that are said to cure it. */
  readonly fix: readonly string[];
}

/** An exploration, and of what. */
export interface Trial {
  readonly names: SubjectNames;
  readonly exploration: Exploration;
}

/** What came of it. */
export interface Verification {
  readonly verdict: Verdict;
  /** With the defect, without the fix. */
  readonly defect: Trial;
  /** With both; null when the defect did not show. */
  readonly cure: Trial | null;
  /** Programs of the catalogue with the fix and without their defects; and this program without the defect. */
  readonly others: readonly Trial[];
  /** Those of them in which something is found that is not found without the fix. */
  readonly broken: readonly Trial[];
}

/**
 * - `cures`: nothing goes wrong any more, whatever the schedule, and nothing else is broken
 * - `cures so far`: the same, but not everything was explored
 * - `refuted`: something goes wrong with the fix, too
 * - `breaks`: it cures the defect, and something else goes wrong because of it
 * - `no defect`: nothing goes wrong without the fix either, so nothing is to be learned
 */
export type Verdict = 'cures' | 'cures so far' | 'refuted' | 'breaks' | 'no defect';

/** The parts of the time that may be spent until the defect shows, and until the fix is tried on it. */
const DEFECT_SHARE = 0.25;
const CURE_SHARE = 0.6;
/** And until each of the other programs has had its turn; what is left is for those that were not through. */
const OTHERS_SHARE = 0.85;

/** How to verify. */
export interface VerifyOptions extends ConductOptions {
  readonly budget: number;
  /** Told what is being explored. */
  readonly onTrial: (what: string) => void;
}

/** Verifies a claim. */
export async function verify({ names, fix }: Claim, build: Build, options: VerifyOptions): Promise<Verification> {
  const began = performance.now();
  const until = (share: number): number => Math.max(1, options.budget * share - (performance.now() - began));
  const attempt = async (what: string, which: SubjectNames, how: Partial<ConductOptions>): Promise<Trial> => {
    options.onTrial(what);
    const { model } = await loadSubject(which, build);
    const { exploration } = await conduct(model, which, { ...options, ...how });
    return { names: which, exploration };
  };

  const defect = await attempt('the defect', names, { budget: until(DEFECT_SHARE), patience: 0 });
  if (defect.exploration.found.length === 0) return { verdict: 'no defect', defect, cure: null, others: [], broken: [] };
  const cure = await attempt('the fix', withPatches(names, fix), { budget: until(CURE_SHARE) });
  if (cure.exploration.found.length > 0) return { verdict: 'refuted', defect, cure, others: [], broken: [] };

  const others: Trial[] = [];
  const broken: Trial[] = [];
  const programs = otherPrograms(names);
  for (const [index, other] of programs.entries()) {
    const budget = until(OTHERS_SHARE) / (programs.length - index);
    others.push(await attempt(other.input, withPatches(other, fix), { budget }));
  }
  for (const [index, trial] of others.entries()) {
    if (!isUnfinished(trial)) continue;
    const left = others.slice(index).filter(isUnfinished).length;
    const resume = trial.exploration.graph.snapshot();
    const how = { budget: until(1) / left, resume, samples: 0, raceSamples: 0 };
    others[index] = await attempt(trial.names.input, trial.names, how);
  }
  for (const [index, trial] of others.entries()) {
    const other = programs[index];
    if (other === undefined || trial.exploration.found.length === 0) continue;
    const before = await attempt(`${other.input} without the fix`, other, { budget: trial.exploration.milliseconds * 2 });
    if (!findsTheSame(before.exploration, trial.exploration)) broken.push(trial);
  }
  const isComplete = [cure, ...others].every(({ exploration }) => exploration.coverage === 'exhausted');
  const verdict = broken.length > 0 ? 'breaks' : isComplete ? 'cures' : 'cures so far';
  return { verdict, defect, cure, others, broken };
}

/**
 * The programs that a fix must not break: this one without the defect, and those of the catalogue without theirs.
 *
 * Where the catalogue has an open defect, something is found whatever the fix. Such programs are asked only about a fix for one of them.
 */
function otherPrograms({ input, flags }: SubjectNames): SubjectNames[] {
  const without = { ...flags, defect: true, patch: [] };
  const entryOf = ({ id }: CatalogueEntry): string => `catalogue:${id}`;
  const isOpen = CATALOGUE.some((entry) => entryOf(entry) === input && entry.defect === null);
  const asked = CATALOGUE.filter((entry) => (isOpen ? entryOf(entry) !== input : entry.defect !== null));
  const entries = asked.map((entry): SubjectNames => {
    const { format: _, os: __, strict: ___, ...rest } = without;
    return { input: entryOf(entry), flags: { ...rest, defect: false } };
  });
  const isEntry = CATALOGUE.some((entry) => entryOf(entry) === input);
  return isEntry ? entries : [{ input, flags: without }, ...entries];
}

function isUnfinished({ exploration }: Trial): boolean {
  return exploration.coverage === 'budget' && exploration.found.length === 0 && !exploration.graph.full;
}

function withPatches({ input, flags }: SubjectNames, more: readonly string[]): SubjectNames {
  return { input, flags: { ...flags, patch: [...flags.patch, ...more] } };
}

function findsTheSame(before: Exploration, after: Exploration): boolean {
  const known = new Set(before.found.map(({ failure }) => failure.signature));
  return after.found.every(({ failure }) => known.has(failure.signature));
}
