/**
 * Writes the watched source of the packages that have builds (docs/decisions/0010-watched-build.md), and transforms tests alike.
 * The transform itself is part of the command, which needs it for the modules of its users: packages/cli/watch.
 */
import { existsSync, readFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { toWatched } from '../packages/cli/watch/transform.mjs';
import { inBuiltPackage, isTransformedTest, twinOf, writeSource } from './direct-build.mjs';

/** Where what is put into the source comes from. */
const RUNTIME = 'kern/frames.js';

/**
 * @param {string} file
 * @param {string} root the workspace's root
 * @returns {string} what the places in a file are called, wherever the workspace lies
 */
function nameOf(file, root) {
  return relative(join(root, 'packages'), file).replaceAll('\\', '/').replace('/src/', '/');
}

/**
 * Writes the watched source of a package to its `build/watched/` folder, touching only the files that changed.
 *
 * @param {string} root the workspace's root
 * @param {string} name of the package
 */
export function writeWatchedSource(root, name) {
  const packageDir = join(root, 'packages', name);
  writeSource(packageDir, 'watched', (source, file) => toWatched(source, file, optionsFor(file, root)).code);
}

/**
 * @param {string} file
 * @param {string} root
 * @returns {{ name: string, runtime?: string }}
 */
function optionsFor(file, root) {
  const name = nameOf(file, root);
  const inKernel = relative(join(root, 'packages', 'kernel', 'src'), file);
  if (inKernel.startsWith('..')) return { name };
  const up = '../'.repeat(inKernel.split(/[\\/]/).length - 1);
  return { name, runtime: `${up === '' ? './' : up}${RUNTIME}` };
}

/**
 * The same transform as a Vite plugin, as `directBuildPlugin`.
 *
 * @param {string} root the workspace's root
 * @returns {import('vite').Plugin}
 */
export function watchedBuildPlugin(root) {
  return {
    name: 'faultline-watched-build',
    enforce: 'pre',
    load(id) {
      const twin = inBuiltPackage(root, id) ? twinOf(id, 'watched') : undefined;
      return twin ? readFileSync(twin, 'utf8') : undefined;
    },
    transform(code, id) {
      const transformed = inBuiltPackage(root, id) ? !twinOf(id, 'watched') : isTransformedTest(root, code, id);
      if (!transformed || !existsSync(id)) return undefined;
      const watched = toWatched(code, id, optionsFor(id, root));
      return { code: watched.code, map: watched.map.toString() };
    },
  };
}
