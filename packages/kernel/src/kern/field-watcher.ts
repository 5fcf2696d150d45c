/**
 * Watching what is read and written: the fields of a structure become accessors that tell of each access (decision D11).
 *
 * Only what is watched pays for it, so no build of its own is needed.
 */

/** Is told of each access to a watched structure. */
export interface FieldWatcher {
  /** @param value what was read */
  read(thing: object, field: string, value: unknown): void;
  wrote(thing: object, field: string): void;
  /** A field was read or written that is made to be looked at without a lock: what its writer did before is known to its reader. */
  passed(thing: object, field: string, writes: boolean): void;
}

/** Which methods of a structure read and write, and what: the field, or a function that names it from the arguments. */
export type WatchedMethods = Readonly<
  Record<string, { readonly field: string | ((...args: never[]) => string); readonly writes: boolean }>
>;

/** Watches the plain fields of a structure. */
export function watchFields(thing: object, watcher: FieldWatcher): void {
  for (const [field, { writable }] of Object.entries(Object.getOwnPropertyDescriptors(thing))) {
    if (writable !== true) continue;
    let value: unknown = Reflect.get(thing, field);
    Object.defineProperty(thing, field, {
      configurable: true,
      enumerable: true,
      get() {
        watcher.read(thing, field, value);
        return value;
      },
      set(next: unknown) {
        watcher.wrote(thing, field);
        value = next;
      },
    });
  }
}

/** Watches methods of a structure; what they do is told as an access to `owner`, which is the structure itself or what it is a part of. */
export function watchMethods(thing: object, owner: object, methods: WatchedMethods, watcher: FieldWatcher): void {
  for (const [name, { field, writes }] of Object.entries(methods)) {
    const method = Reflect.get(thing, name) as (...args: never[]) => unknown;
    Object.defineProperty(thing, name, {
      configurable: true,
      value: (...args: never[]): unknown => {
        const which = typeof field === 'string' ? field : field(...args);
        if (writes) watcher.wrote(owner, which);
        const answer = method.apply(thing, args);
        if (!writes) watcher.read(owner, which, answer);
        return answer;
      },
    });
  }
}
