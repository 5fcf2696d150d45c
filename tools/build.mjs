/**
 * Builds every package: first the direct and the watched source of those that have builds, then all of it with the TypeScript compiler,
 * then private names become plain ones in what that has made of the stepped source, and packages become few files.
 * Incremental; a build with nothing to do takes a second or so.
 */
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { writeBundles } from './bundles.mjs';
import { BUILT_PACKAGES, writeDirectSource, writePlainNames } from './direct-build.mjs';
import { TSC } from './tsc.mjs';
import { writeWatchedSource } from './watched-build.mjs';

const root = fileURLToPath(new URL('..', import.meta.url));
for (const name of BUILT_PACKAGES) {
  writeDirectSource(join(root, 'packages', name));
  writeWatchedSource(root, name);
}

const { status } = spawnSync(process.execPath, [TSC, '--build', ...process.argv.slice(2)], { cwd: root, stdio: 'inherit' });
for (const name of BUILT_PACKAGES) writePlainNames(join(root, 'packages', name, 'dist', 'stepped'));
if (status !== 0) process.exit(status ?? 1);
await writeBundles(root);
