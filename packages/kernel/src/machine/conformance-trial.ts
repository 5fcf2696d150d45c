/** What the conformance kits are made of: rules, and the trial of each on a subject of its own. See `conformance.ts`. */
import { type Errno, errnoName } from '../kern/errno.js';

/** A rule of a contract, and how to try it. */
export interface Rule<Subject> {
  readonly sentence: string;
  readonly check: (subject: Subject, trial: Trial) => void;
}

/** One try of a rule: takes down what is wrong. */
export class Trial {
  readonly findings: string[] = [];

  /** Notes a finding unless `holds`. */
  expect(holds: boolean, finding: string): void {
    if (!holds) this.findings.push(finding);
  }

  /** Expects that an operation succeeded. */
  ok(errno: Errno, what: string): void {
    this.expect(errno === 0, `${what} answers ${errnoName(errno)}`);
  }

  /** Expects bytes to be what they should be. */
  same(actual: Uint8Array, expected: Uint8Array, what: string): void {
    let at = 0;
    while (at < actual.length && actual[at] === expected[at]) at++;
    this.expect(at === actual.length, `${what} has ${actual[at]} at byte ${at}, where ${expected[at]} should be`);
  }
}

/** Tries each rule on a subject of its own. */
export function problems<Subject>(rules: readonly Rule<Subject>[], make: () => Subject): string[] {
  return rules.flatMap(({ sentence, check }) => {
    const trial = new Trial();
    try {
      check(make(), trial);
    } catch (error) {
      trial.findings.push(`it throws ${error}`);
    }
    return trial.findings.map((finding) => `${sentence}: ${finding}`);
  });
}

/** Bytes none of which is 0, and which differ from place to place and from seed to seed. */
export function pattern(length: number, seed = 1): Uint8Array {
  return Uint8Array.from({ length }, (_, i) => ((i * 31 + seed * 97) % 255) + 1);
}

/** A window onto the middle of a larger buffer that is full of `0xee`, and what lies around it. */
export function window(length: number): { bytes: Uint8Array; around: () => Uint8Array } {
  const whole = new Uint8Array(length + 32).fill(0xee);
  const around = (): Uint8Array => Uint8Array.from([...whole.subarray(0, 16), ...whole.subarray(16 + length)]);
  return { bytes: whole.subarray(16, 16 + length), around };
}

/** What lies around a window that nobody reached out of. */
export const UNTOUCHED = new Uint8Array(32).fill(0xee);
