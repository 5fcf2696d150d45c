/**
 * Named invariants and the audit (decision D7). A panic is the symptom; the first broken invariant is the cause.
 */

/** A place where an invariant is false. */
export interface Violation {
  /** The invariant's name: `wired-entry`. */
  readonly invariant: string;
  /** The invariant as a sentence. */
  readonly sentence: string;
  /** What is wrong here, as a sentence that names the structure and its values. */
  readonly finding: string;
  /** The structure that is wrong, as its kernel's debugger shows it; empty when it has no such view. */
  readonly subject: string;
}

/** Takes down what a checker finds. */
export type Report = (finding: string, subject?: string) => void;

/** Something that is true of a sound kernel at every quiet point. */
export interface Invariant {
  /** Short name, stable: `wired-entry`. */
  readonly name: string;
  /** One sentence for people. */
  readonly sentence: string;
  /** Reports each place where it is false. Changes nothing, takes no lock. */
  readonly check: (report: Report) => void;
}

/**
 * A rule whose breach is no failure by itself, since a kernel may break it and come to no harm; but when there is a failure of a kind that
 * comes of it, the breach is where it began. Only explanations look at these, after each step of the schedule that failed.
 */
export interface AdvisoryRule extends Invariant {
  /** What comes of it: names of invariants, or words of an assertion. */
  readonly leadsTo: readonly string[];
}

/** A rule that was found broken in the middle of something, and where. */
export interface BrokenRule {
  readonly violation: Violation;
  /** The kernel functions that were being run, innermost first. */
  readonly frames: readonly string[];
  /** The thread, as `pid.lid`. */
  readonly lwp: string;
}

/** The invariants of one machine. */
export class Auditor {
  /** By name, in order of registration. */
  readonly #invariants = new Map<string, Invariant>();
  readonly #advisories: AdvisoryRule[] = [];

  /** Adds invariants; a name may be used once. */
  register(invariants: readonly Invariant[]): void {
    for (const invariant of invariants) {
      if (this.#invariants.has(invariant.name)) throw new Error(`there are two invariants named "${invariant.name}"`);
      this.#invariants.set(invariant.name, invariant);
    }
  }

  /** Adds advisory rules. */
  registerAdvisories(rules: readonly AdvisoryRule[]): void {
    this.#advisories.push(...rules);
  }

  /** All advisory rules, in order of registration. */
  get advisories(): readonly AdvisoryRule[] {
    return this.#advisories;
  }

  /** All invariants, in order of registration. */
  get invariants(): readonly Invariant[] {
    return [...this.#invariants.values()];
  }

  /** Checks every invariant; an empty answer means that all of them hold. */
  audit(): Violation[] {
    return violationsOf(this.#invariants.values());
  }

  /** Checks every advisory rule. */
  advise(): Violation[] {
    return violationsOf(this.#advisories);
  }

  /** What it is that an invariant is false, found by somebody else than its checker. */
  violation(name: string, finding: string, subject: string): Violation {
    const invariant = this.#invariants.get(name);
    if (invariant === undefined) throw new Error(`there is no invariant named "${name}"`);
    return { invariant: name, sentence: invariant.sentence, finding, subject };
  }
}

function violationsOf(rules: Iterable<Invariant>): Violation[] {
  const violations: Violation[] = [];
  for (const { name, sentence, check } of rules) {
    check((finding, subject = '') => violations.push({ invariant: name, sentence, finding, subject }));
  }
  return violations;
}
