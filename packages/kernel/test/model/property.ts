/**
 * How the properties are run. They are the same sequences on each machine and in each build, unless the environment asks for more of
 * them, or for others:
 *
 *     FAULTLINE_SEQUENCES=50000 FAULTLINE_SEED=7 npx vitest run packages/kernel/test/model
 */
import fc from 'fast-check';
import { Adversity } from './adversity.js';
import { check, type Result, type RunOptions } from './check.js';
import { newTally, type Tally } from './extras.js';
import { type Profile, sequences } from './operations.js';

/** More than a sequence has ever taken, in milliseconds. */
const LONGEST = 200;

/** How many sequences to run: never fewer than `usual`, which is enough for every day. */
export function sequenceCount(usual: number): number {
  return Math.max(usual, wholeNumber('FAULTLINE_SEQUENCES') ?? 0);
}

/** The time that many sequences may take, in milliseconds. */
export function timeFor(count: number): number {
  return 10_000 + count * LONGEST;
}

function wholeNumber(variable: string): number | null {
  const text = process.env[variable];
  if (text === undefined || text === '') return null;
  const value = Number(text);
  if (!Number.isSafeInteger(value) || value < 1)
    throw new RangeError(`${variable} must be a whole number from 1 up, not ${text}`);
  return value;
}

/** What is run, and how. */
interface PropertyOptions extends Omit<RunOptions, 'adversity'> {
  /** How many sequences. */
  readonly count: number;
  /** Operations in a sequence at most, the first few mappings aside. */
  readonly length: number;
  /** Whether things go wrong. */
  readonly adverse?: boolean;
}

/** Runs random sequences; the first that fails is made as short as it can be, and reported. Answers what came of all of them. */
export function expectModel(profiles: readonly Profile[], options: PropertyOptions): Result {
  const sum: Result = { failures: 0, killed: 0, tally: newTally() };
  const property = fc.property(sequences(profiles, options.length), fc.nat(), (operations, seed) => {
    const { swaps = false, adverse = false } = options;
    const result = check(operations, {
      ...options,
      ...(swaps ? { pagePolicy: seed % 3 === 0 ? 'clockpro' : 'clock' } : {}),
      ...(adverse ? { adversity: new Adversity(seed, swaps) } : {}),
    });
    sum.failures += result.failures;
    sum.killed += result.killed;
    for (const [what, count] of Object.entries(result.tally)) sum.tally[what as keyof Tally] += count;
  });
  fc.assert(property, { numRuns: options.count });
  return sum;
}
