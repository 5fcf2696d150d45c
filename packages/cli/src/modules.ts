/** Modules that users write: TypeScript or JavaScript, which may import the packages of Faultline from wherever they are. */
import { accessSync, constants, existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { errorsOf } from '@faultline/host-node';
import { createJiti, type Jiti } from 'jiti';
import { type Build, STEPPED } from './build.js';
import { moduleError, PACKAGES } from './module-errors.js';
import { UsageError } from './usage.js';

const OPTIONS = { fsCache: false } as const;
/** What transformed modules import besides. */
const FRAMES = '@faultline/kernel/watched/frames';

/** Whether a name is that of a module. */
export function isModule(path: string): boolean {
  return /\.[cm]?[jt]s$/.test(path);
}

/**
 * Loads a module and gives its exports.
 *
 * @throws {UsageError} when there is none, or it cannot be loaded
 */
export async function loadModule(path: string, build: Build = STEPPED): Promise<Readonly<Record<string, unknown>>> {
  if (!existsSync(path)) throw new UsageError(`${path}: there is no such file.`);
  errorsOf(path, () => accessSync(path, constants.R_OK));
  try {
    return await loaderOf(build).import(resolve(path));
  } catch (error) {
    throw moduleError(path, error);
  }
}

/** Loads modules for a build: those that they import of ours are the build's, and for the watched build they are themselves transformed. */
function loaderOf({ suffix, transform }: Build): Jiti {
  const alias = Object.fromEntries(
    PACKAGES.flatMap((name) => {
      const own = fileURLToPath(import.meta.resolve(isBuilt(name) ? `${name}${suffix}` : name));
      return suffix === '' || !isBuilt(name)
        ? [[name, own]]
        : [
            [name, own],
            [`${name}${suffix}`, own],
          ];
    }),
  );
  if (suffix !== '') alias[FRAMES] = fileURLToPath(import.meta.resolve(FRAMES));
  const plain = createJiti(import.meta.url, { ...OPTIONS, alias, nativeModules: Object.values(alias) });
  if (transform === null) return plain;
  return createJiti(import.meta.url, {
    ...OPTIONS,
    alias,
    nativeModules: Object.values(alias),
    transform: (options) => ({
      code: plain.transform({ ...options, source: transform(options.source, options.filename ?? '') }),
    }),
  });
}

function isBuilt(name: string): boolean {
  return /\/(kernel|program|catalogue)$/.test(name);
}
