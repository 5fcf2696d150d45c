/** Modules that users write: TypeScript or JavaScript, which may import the packages of Faultline from wherever they are. */
import { accessSync, constants, existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { errorsOf } from '@faultline/host-node';
import { createJiti } from 'jiti';
import { moduleError, PACKAGES } from './module-errors.js';
import { UsageError } from './usage.js';

const alias = Object.fromEntries(PACKAGES.map((name) => [name, fileURLToPath(import.meta.resolve(name))]));

/** Whether a name is that of a module. */
export function isModule(path: string): boolean {
  return /\.[cm]?[jt]s$/.test(path);
}

/**
 * Loads a module and gives its exports.
 *
 * @throws {UsageError} when there is none, or it cannot be loaded
 */
export async function loadModule(path: string): Promise<Readonly<Record<string, unknown>>> {
  if (!existsSync(path)) throw new UsageError(`${path}: there is no such file.`);
  errorsOf(path, () => accessSync(path, constants.R_OK));
  const jiti = createJiti(import.meta.url, { alias, fsCache: false, nativeModules: Object.values(alias) });
  try {
    return await jiti.import(resolve(path));
  } catch (error) {
    throw moduleError(path, error);
  }
}
