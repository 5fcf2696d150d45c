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

/** The invariants of one machine. */
export class Auditor {
  readonly #invariants: Invariant[] = [];

  /** Adds invariants; a name may be used once. */
  register(invariants: readonly Invariant[]): void {
    for (const invariant of invariants) {
      if (this.#invariants.some((known) => known.name === invariant.name)) {
        throw new Error(`there are two invariants named "${invariant.name}"`);
      }
      this.#invariants.push(invariant);
    }
  }

  /** All invariants, in order of registration. */
  get invariants(): readonly Invariant[] {
    return this.#invariants;
  }

  /** Checks every invariant; an empty answer means that all of them hold. */
  audit(): Violation[] {
    const violations: Violation[] = [];
    for (const { name, sentence, check } of this.#invariants) {
      check((finding, subject = '') => violations.push({ invariant: name, sentence, finding, subject }));
    }
    return violations;
  }
}
