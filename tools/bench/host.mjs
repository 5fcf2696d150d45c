/** The host kernel's own mmap, faults, mlock and fork, measured by a small C program when there is a compiler. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** @typedef {'zeroPage' | 'zeroFill' | 'copyOnWrite' | 'mapUnmap' | 'lockUnlock' | 'forkExitPerPage'} HostOperation */

/**
 * Nanoseconds for each operation on the host, or a sentence that says why there are none. An operation that the host refuses is -1.
 *
 * @returns {Record<HostOperation, number> | string}
 */
export function measureHost() {
  const source = fileURLToPath(new URL('host.c', import.meta.url));
  const folder = mkdtempSync(join(tmpdir(), 'faultline-bench-'));
  const binary = join(folder, 'host');
  try {
    const compiler = ['cc', 'gcc', 'clang'].find((name) => spawnSync(name, ['--version']).status === 0);
    if (compiler === undefined) return 'there is no C compiler (cc, gcc or clang) to measure the host with';
    const { status, stderr } = spawnSync(compiler, ['-O2', '-o', binary, source], { encoding: 'utf8' });
    if (status !== 0) return `${compiler} could not build tools/bench/host.c: ${stderr.trim().split('\n')[0]}`;
    const run = spawnSync(binary, { encoding: 'utf8' });
    if (run.status !== 0) return `the program of tools/bench/host.c ended with status ${run.status}`;
    return JSON.parse(run.stdout);
  } finally {
    rmSync(folder, { recursive: true });
  }
}
