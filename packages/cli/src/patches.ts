/** Patches by name. */
import { CATALOGUE } from '@faultline/catalogue';
import type { NetbsdPatch } from '@faultline/kernel';
import { isModule, loadModule } from './modules.js';
import { UsageError } from './usage.js';

/** All patches that have a name here: the defects of the catalogue and their remedies. */
function knownPatches(): NetbsdPatch[] {
  return CATALOGUE.flatMap(({ defect, remedies }) => [defect, ...remedies.map(({ patch }) => patch)]);
}

/** The patches of these names, in order. @throws {UsageError} for a name that is none */
export async function loadPatches(names: readonly string[]): Promise<NetbsdPatch[]> {
  const patches: NetbsdPatch[] = [];
  for (const name of names) {
    if (isModule(name)) {
      patches.push(...patchesIn(name, await loadModule(name)));
      continue;
    }
    const known = knownPatches().find(({ id }) => id === name);
    if (known === undefined) {
      const ids = knownPatches().map(({ id }) => id);
      throw new UsageError(`there is no patch named "${name}"; there are ${ids.join(', ')}, or name a module that exports one.`);
    }
    patches.push(known);
  }
  return patches;
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
