/**
 * Reference counts of runs of slots: the part of an amap's bookkeeping that NetBSD calls ppref (sys/uvm/uvm_amap.c).
 *
 *     references   2  2  2  2  3  1  1  0  0  0
 *     runs        [4 slots: 2][1: 3][2: 1][3: 0]
 *
 * Neighbouring runs with equal counts are one run.
 */

/** So many slots, each with so many references. */
export interface ReferenceRun {
  readonly slots: number;
  readonly references: number;
}

/** The reference count of each slot of an amap. */
export class PartialReferences {
  #runs: ReferenceRun[];

  constructor(runs: readonly ReferenceRun[]) {
    this.#runs = normalized(runs);
  }

  /** The runs, from slot 0 up. */
  get runs(): readonly ReferenceRun[] {
    return this.#runs;
  }

  /** Slots that are counted. */
  get slots(): number {
    return this.#runs.reduce((sum, run) => sum + run.slots, 0);
  }

  /** The count of one slot. */
  at(slot: number): number {
    let start = 0;
    for (const run of this.#runs) {
      if (slot < start + run.slots) return run.references;
      start += run.slots;
    }
    return 0;
  }

  /**
   * Adds `amount` to the count of each slot in [from, from + slots). `amap_pp_adjref()`.
   *
   * @returns the ranges [from, to) whose count became 0, ascending
   */
  adjust(from: number, slots: number, amount: number): [from: number, to: number][] {
    const to = from + slots;
    const emptied: [number, number][] = [];
    const adjusted: ReferenceRun[] = [];
    let start = 0;
    for (const run of this.#runs) {
      const end = start + run.slots;
      const inside = { from: Math.max(start, from), to: Math.min(end, to) };
      if (inside.from >= inside.to) {
        adjusted.push(run);
      } else {
        const references = run.references + amount;
        adjusted.push({ slots: inside.from - start, references: run.references });
        adjusted.push({ slots: inside.to - inside.from, references });
        adjusted.push({ slots: end - inside.to, references: run.references });
        if (references === 0) emptied.push([inside.from, inside.to]);
      }
      start = end;
    }
    this.#runs = normalized(adjusted);
    return emptied;
  }

  /** Adds slots with this count at the end. */
  append(slots: number, references: number): void {
    this.#runs = normalized([...this.#runs, { slots, references }]);
  }

  /** Adds slots with this count at the front. */
  prepend(slots: number, references: number): void {
    this.#runs = normalized([{ slots, references }, ...this.#runs]);
  }
}

function normalized(runs: readonly ReferenceRun[]): ReferenceRun[] {
  const merged: ReferenceRun[] = [];
  for (const run of runs) {
    const last = merged.at(-1);
    if (run.slots === 0) continue;
    if (last !== undefined && last.references === run.references) {
      merged[merged.length - 1] = { slots: last.slots + run.slots, references: run.references };
    } else {
      merged.push(run);
    }
  }
  return merged;
}
