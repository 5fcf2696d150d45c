/** How tests run a program as a user does, in a process of its own. */
import { type SpawnSyncReturns, spawnSync } from 'node:child_process';

/** How often a process is started that does not come to be: a host that is short of something may have it again a moment later. */
const STARTS = 4;
const PAUSE_MS = 500;
const OUTPUT_LIMIT = 2 ** 26;

/** What a process has: where it runs, its environment (ours unless told), and what it reads. */
export interface Surroundings {
  readonly cwd?: string;
  readonly env?: NodeJS.ProcessEnv;
  readonly input?: string;
}

/** What a process came to. */
export type Outcome = Pick<SpawnSyncReturns<string>, 'status' | 'signal' | 'stdout' | 'stderr'>;

/**
 * Runs a program to its end.
 *
 * @throws what the host said when there was no process: that tells nothing of what the program would have done
 */
export function runToEnd(command: string, args: readonly string[], surroundings: Surroundings = {}): Outcome {
  for (let start = 1; ; start++) {
    const result = spawnSync(command, args, { ...surroundings, encoding: 'utf8', maxBuffer: OUTPUT_LIMIT });
    const { error, status, signal, stdout, stderr } = result;
    if (error === undefined) return { status, signal, stdout, stderr };
    if (result.pid > 0 || start === STARTS) throw error;
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, PAUSE_MS);
  }
}
