/**
 * Builds every package: first the direct source of those that have two builds, then all of it with the TypeScript compiler.
 * Incremental; a build with nothing to do takes a second or so.
 */
import { spawnSync } from 'node:child_process';
import { chmodSync, existsSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { TWO_BUILD_PACKAGES, writeDirectSource } from './direct-build.mjs';

const root = fileURLToPath(new URL('..', import.meta.url));
for (const name of TWO_BUILD_PACKAGES) writeDirectSource(join(root, 'packages', name));

const tsc = join(root, 'node_modules', 'typescript-native', 'bin', 'tsc');
const { status } = spawnSync(process.execPath, [tsc, '--build', ...process.argv.slice(2)], { cwd: root, stdio: 'inherit' });
if (status !== 0) process.exit(status ?? 1);

const command = join(root, 'packages', 'cli', 'dist', 'main.js');
if (existsSync(command)) chmodSync(command, 0o755);
