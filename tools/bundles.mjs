/**
 * Packages as few files: what an `import '@faultline/…'` loads (docs/decisions/0022-bundles.md).
 *
 *     dist/stepped/**.js   ──>  dist/bundle/stepped/index.js
 *     dist/direct/**.js    ──>  dist/bundle/direct/index.js
 *     dist/watched/**.js   ──>  dist/bundle/watched/index.js, kern/frames.js
 *     dist/**.js           ──>  dist/bundle/index.js              of a package that has one build only
 */
import { existsSync, readdirSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { rolldown } from 'rolldown';
import { BUILT_PACKAGES } from './direct-build.mjs';

const SELF = fileURLToPath(import.meta.url);

/** The packages of one build that have many modules. */
const PLAIN_PACKAGES = ['explorer', 'formats'];

/** What else packages let others import: a kernel's frames, by the programs that are watched on it. */
const SECOND_ENTRIES = ['kern/frames'];

/**
 * Bundles whatever has changed since it was bundled.
 *
 * @param {string} root of the workspace
 */
export async function writeBundles(root) {
  const dist = (/** @type {string} */ name) => join(root, 'packages', name, 'dist');
  const builds = BUILT_PACKAGES.flatMap((name) =>
    ['stepped', 'direct', 'watched'].map((build) => ({ from: join(dist(name), build), to: join(dist(name), 'bundle', build) })),
  );
  const plain = PLAIN_PACKAGES.map((name) => ({ from: dist(name), to: join(dist(name), 'bundle') }));
  await Promise.all([...builds, ...plain].map(({ from, to }) => writeBundle(from, to)));
}

/**
 * @param {string} from a folder of modules
 * @param {string} to the folder of their bundle, which may lie in it
 */
async function writeBundle(from, to) {
  const main = join(to, 'index.js');
  if (existsSync(main) && statSync(main).mtimeMs > Math.max(newestIn(from, to), statSync(SELF).mtimeMs)) return;
  rmSync(to, { recursive: true, force: true });
  const second = from.endsWith('watched') ? SECOND_ENTRIES.filter((name) => existsSync(join(from, `${name}.js`))) : [];
  const bundle = await rolldown({
    input: Object.fromEntries(['index', ...second].map((name) => [name, join(from, `${name}.js`)])),
    platform: 'neutral',
    // Packages stay what they are: a user's program has the same ones.
    external: /^[^./]/,
  });
  // The kernel's stacks are made of the names of its functions, and its snapshots of those of its classes.
  await bundle.write({ dir: to, format: 'esm', keepNames: true, entryFileNames: '[name].js', chunkFileNames: '[name].js' });
  await bundle.close();
}

/** When a module in a folder, or in one inside it, was written last. @type {(folder: string, except: string) => number} */
function newestIn(folder, except) {
  let newest = 0;
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) newest = path === except ? newest : Math.max(newest, newestIn(path, except));
    else if (path.endsWith('.js')) newest = Math.max(newest, statSync(path).mtimeMs);
  }
  return newest;
}
