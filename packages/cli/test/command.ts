/** Runs the command as a user does, and gives what it printed. */
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';

const MAIN = fileURLToPath(new URL('../bin/faultline.js', import.meta.url));

/** What a run of the command came to. */
export interface Outcome {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs `faultline` with these arguments. */
export function faultline(...args: readonly string[]): Outcome {
  return faultlineIn('.', ...args);
}

/** Runs `faultline` with these arguments in a folder. */
export function faultlineIn(folder: string, ...args: readonly string[]): Outcome {
  const { FORCE_COLOR: _, ...env } = process.env;
  const { status, stdout, stderr } = spawnSync(process.execPath, [MAIN, ...args], { cwd: folder, env, encoding: 'utf8' });
  return { status, stdout, stderr };
}

/** The path of a fixture. */
export function fixture(name: string): string {
  return fileURLToPath(new URL(`fixtures/${name}`, import.meta.url));
}

/** The path of an example that comes with the project. */
export function example(name: string): string {
  return fileURLToPath(new URL(`../../../examples/${name}`, import.meta.url));
}
