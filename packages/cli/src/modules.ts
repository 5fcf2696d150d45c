/** Modules that users write: TypeScript or JavaScript, which may import `@faultline/kernel` and `@faultline/program`. */
import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { createJiti } from 'jiti';
import { UsageError } from './usage.js';

const alias = Object.fromEntries(
  ['@faultline/kernel', '@faultline/program', '@faultline/catalogue'].map((name) => [
    name,
    fileURLToPath(import.meta.resolve(name)),
  ]),
);

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
  const jiti = createJiti(import.meta.url, { alias, fsCache: false, nativeModules: Object.values(alias) });
  try {
    return await jiti.import(resolve(path));
  } catch (error) {
    const [why] = (error instanceof Error ? error.message : String(error)).split('\n');
    throw new UsageError(`${path}: the module cannot be loaded: ${why}.`);
  }
}
