/** The classes of things that a snapshot can carry. */
import { SnapshotError } from './snapshot-graph.js';

/** A class whose instances can be carried. */
export interface RegisteredClass {
  /** What it is called in snapshots; a bundler may rename the class itself. */
  readonly name: string;
  readonly prototype: object;
  /**
   * For a class of which only a boot makes instances: fields that belong to the system that it runs in and not to the machine, such as who
   * watches and who decides. They stay what they are, and so do all functions in its fields, which a boot or a patch has put there.
   */
  readonly kept?: readonly string[];
  /** Makes one of those that have nothing to be carried. */
  readonly anew?: () => object;
}

/** Which classes there are. */
export class ClassRegistry {
  private readonly byPrototype = new Map<unknown, RegisteredClass>();
  private readonly byName = new Map<string, RegisteredClass>();

  constructor(classes: readonly RegisteredClass[]) {
    for (const registered of classes) {
      if (this.byName.has(registered.name)) throw new Error(`there are two classes named ${registered.name} in snapshots`);
      this.byName.set(registered.name, registered);
      this.byPrototype.set(registered.prototype, registered);
    }
  }

  /** The names of all classes. */
  get names(): string[] {
    return [...this.byName.keys()];
  }

  /** The class of an object, null when it is not registered. */
  classOf(thing: object): RegisteredClass | null {
    return this.byPrototype.get(Object.getPrototypeOf(thing)) ?? null;
  }

  /** @throws {SnapshotError} when there is none of that name */
  classNamed(name: string): RegisteredClass {
    const registered = this.byName.get(name);
    if (registered === undefined) throw new SnapshotError(`the snapshot has a ${name} in it, which this Faultline does not know`);
    return registered;
  }

  /** An object of a class, without fields. @throws {SnapshotError} when only a boot can make one */
  create(name: string): object {
    const { prototype, kept } = this.classNamed(name);
    if (kept === undefined) return Object.create(prototype) as object;
    throw new SnapshotError(`the snapshot has a ${name} that this system lacks: the two were not booted alike`);
  }

  createAnew(name: string): object {
    const { anew } = this.classNamed(name);
    if (anew === undefined) throw new SnapshotError(`the snapshot has an empty ${name}, which this Faultline cannot make`);
    return anew();
  }
}
