/** Numbers for the things that steps touch, the same in every execution of a program. */
import type { StepObject } from '@faultline/kernel';

/** Numbers things by their labels: each execution makes them anew, and in another order. */
export class ThingTable {
  readonly #byLabel = new Map<string, number>();
  /** Those of the execution under way. */
  readonly #byObject = new Map<StepObject, number>();
  readonly #objects: (StepObject | null)[] = [];

  /** The number of a thing. => throws when another thing of this execution has the same label. */
  numberOf(object: StepObject): number {
    const known = this.#byObject.get(object);
    if (known !== undefined) return known;
    const { label } = object;
    const number = this.#byLabel.get(label) ?? this.#byLabel.size;
    if ((this.#objects[number] ?? null) !== null) {
      throw new Error(`two things are called "${label}": to tell what steps touch, each must have a label of its own`);
    }
    this.#byLabel.set(label, number);
    this.#byObject.set(object, number);
    this.#objects[number] = object;
    return number;
  }

  /** Another execution begins. */
  restart(): void {
    this.#byObject.clear();
    this.#objects.fill(null);
  }
}
