/** Patches by name. */
import type { NetbsdPatch } from '@faultline/kernel';
import { type Build, STEPPED } from './build.js';
import { isModule, loadModule } from './modules.js';
import { UsageError } from './usage.js';

/** All patches that have a name here: the defects of the catalogue and their remedies. */
function knownPatches({ catalogue }: Build): NetbsdPatch[] {
  return catalogue.CATALOGUE.flatMap(catalogue.patchesOf);
}

/** The patches of these names, in order. @throws {UsageError} for a name that is none */
export async function loadPatches(names: readonly string[], build: Build = STEPPED): Promise<NetbsdPatch[]> {
  const patches: NetbsdPatch[] = [];
  for (const name of names) {
    const module = patchModule(name);
    if (module !== null) {
      patches.push(...chosenOf(module, await loadModule(module.path, build)));
      continue;
    }
    const all = knownPatches(build);
    const known = all.find(({ id }) => id === name);
    if (known === undefined) {
      const ids = new Set(all.map(({ id }) => id));
      throw new UsageError(
        `there is no patch named "${name}"; there are ${[...ids].join(', ')}, or name a module that exports one.`,
      );
    }
    patches.push(known);
  }
  return patches;
}

/** A module that a patch is named by. */
export interface PatchModule {
  readonly path: string;
  /** Which of its patches is meant, by its id or by the name that it is exported by; null for all. */
  readonly chosen: string | null;
}

/** The module that `race.ts`, or `race.ts#fix`, names; null for the name of a patch of the catalogue. */
export function patchModule(name: string): PatchModule | null {
  if (isModule(name)) return { path: name, chosen: null };
  const at = name.lastIndexOf('#');
  const path = name.slice(0, Math.max(0, at));
  return isModule(path) ? { path, chosen: name.slice(at + 1) } : null;
}

function chosenOf({ path, chosen }: PatchModule, module: Readonly<Record<string, unknown>>): NetbsdPatch[] {
  const all = patchesIn(path, module);
  if (chosen === null) return all;
  const patch = all.find((candidate) => candidate.id === chosen || candidate === module[chosen]);
  if (patch === undefined)
    throw new UsageError(`${path}: the module exports no patch "${chosen}"; it exports ${all.map(({ id }) => id).join(', ')}.`);
  return [patch];
}

function patchesIn(path: string, module: Readonly<Record<string, unknown>>): NetbsdPatch[] {
  const found = [...new Set(Object.values(module))].filter(isPatch);
  if (found.length === 0)
    throw new UsageError(`${path}: the module exports no patch; export what definePatch({ id, summary, replace }) gives.`);
  return found;
}

function isPatch(value: unknown): value is NetbsdPatch {
  if (typeof value !== 'object' || value === null || !('id' in value && 'summary' in value && 'replace' in value)) return false;
  const { id, summary, replace } = value;
  return typeof id === 'string' && typeof summary === 'string' && typeof replace === 'object' && replace !== null;
}
