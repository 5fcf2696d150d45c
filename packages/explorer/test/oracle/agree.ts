/** Compares the engines on many random programs, and shows the smallest program on which they differ. */
import { SeededRandom } from '@faultline/kernel';
import { type Comparison, compare } from './compare.js';
import { programText, type RandomProgram, randomProgram, smaller } from './program.js';

/** Programs with more interleavings are left out: brute force would take too long. */
const MOST_INTERLEAVINGS = 1000;

/** What all comparisons came to. */
export interface Agreement {
  programs: number;
  interleavings: number;
  classes: number;
  /** Programs in which something goes wrong in some schedule. */
  failing: number;
  /** Executions begun in vain. */
  sleepBlocked: { source: number; optimal: number };
  fallbacks: number;
}

/**
 * Compares the engines on so many programs.
 *
 * => throws when they differ on one, with the smallest like it.
 */
export function compareMany(seed: number, count: number, threads: number): Agreement {
  const random = new SeededRandom(seed);
  const total: Agreement = {
    programs: 0,
    interleavings: 0,
    classes: 0,
    failing: 0,
    sleepBlocked: { source: 0, optimal: 0 },
    fallbacks: 0,
  };
  while (total.programs < count) {
    const program = randomProgram(random, threads);
    const result = compare(program, MOST_INTERLEAVINGS);
    if (result.differences.length > 0) throw new Error(describe(program));
    if (result.interleavings !== null) add(total, result, result.interleavings);
  }
  return total;
}

function add(total: Agreement, { classes, failures, sleepBlocked, fallbacks }: Comparison, interleavings: number): void {
  total.programs++;
  total.interleavings += interleavings;
  total.classes += classes;
  if (failures > 0) total.failing++;
  total.sleepBlocked.source += sleepBlocked.source;
  total.sleepBlocked.optimal += sleepBlocked.optimal;
  total.fallbacks += fallbacks;
}

/** The smallest program like this one on which the engines differ, and how. */
function describe(program: RandomProgram): string {
  let smallest = program;
  for (let shrunk = true; shrunk; ) {
    shrunk = false;
    for (const candidate of smaller(smallest)) {
      if (compare(candidate, MOST_INTERLEAVINGS).differences.length === 0) continue;
      smallest = candidate;
      shrunk = true;
      break;
    }
  }
  const { differences } = compare(smallest, MOST_INTERLEAVINGS);
  return `the engines differ:\n${programText(smallest)}\n${differences.map((each) => `  => ${each}`).join('\n')}`;
}
