/**
 * Patches (decision D6): a kernel's functions replaced by name at boot. A historical defect is a patch that brings the old
 * function back; a proposed fix is a patch on top of it.
 */
import { kernelName } from './stack.js';

/** Any function of a kernel module. */
type AnyFunction = (...args: never[]) => unknown;

/** The functions of a module that a patch can replace. */
type FunctionNames<M> = { [K in keyof M]: M[K] extends AnyFunction ? K : never }[keyof M];

/** For some functions of a module, what makes the replacement out of the function that was there. */
export type Replacements<M> = { readonly [K in FunctionNames<M>]?: (original: M[K]) => M[K] };

/** For some modules, their replacements. */
export type ReplacementsIn<Modules> = { readonly [N in keyof Modules]?: Replacements<Modules[N]> };

/** A change to the kernel that is made at boot. */
export interface Patch<Modules> {
  /** Stable name: `netbsd-2019-mlock-zero`. */
  readonly id: string;
  /** What it does, in one sentence. */
  readonly summary: string;
  /** The functions it replaces, by module. Patches apply in order, each on top of those before it. */
  readonly replace: ReplacementsIn<Modules>;
}

/** A patch does not fit the kernel. */
export class PatchError extends Error {
  override readonly name = 'PatchError';
}

/**
 * Replaces functions on the modules of one machine.
 *
 * @throws {PatchError} when a patch names a module or a function that there is not
 */
export function applyPatches<Modules extends object>(modules: Modules, patches: readonly Patch<Modules>[]): void {
  for (const patch of patches) {
    for (const [moduleName, replacements] of Object.entries(patch.replace)) {
      const module = (modules as Record<string, Record<string, unknown> | undefined>)[moduleName];
      if (module === undefined) {
        throw new PatchError(
          `patch "${patch.id}" changes the module "${moduleName}"; there are ${Object.keys(modules).join(', ')}`,
        );
      }
      for (const [name, replace] of Object.entries(replacements as Record<string, (original: unknown) => unknown>)) {
        replaceFunction(patch.id, module, name, replace);
      }
    }
  }
}

function replaceFunction(
  id: string,
  module: Record<string, unknown>,
  name: string,
  replace: (original: unknown) => unknown,
): void {
  const original = module[name];
  if (typeof original !== 'function') {
    throw new PatchError(`patch "${id}" replaces ${kernelName(name)}(), but this kernel has no function "${name}"`);
  }
  const replacement = typeof replace === 'function' ? replace(original) : null;
  if (typeof replacement !== 'function') {
    throw new PatchError(`patch "${id}" replaces ${kernelName(name)}() by none: give a function that makes one of the original`);
  }
  // The name is what stack traces show, and the replacement stands in the original's place.
  Object.defineProperty(replacement, 'name', { value: name });
  module[name] = replacement;
}
