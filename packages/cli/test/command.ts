/** Runs the command as a user does, and gives what it printed. */
import { fileURLToPath } from 'node:url';
import { type Outcome, runToEnd } from '../../../tools/child-process.js';

const MAIN = fileURLToPath(new URL('../bin/faultline.js', import.meta.url));

/** Runs `faultline` with these arguments. */
export function faultline(...args: readonly string[]): Outcome {
  return faultlineIn('.', ...args);
}

/** Runs `faultline` with these arguments in a folder. */
export function faultlineIn(folder: string, ...args: readonly string[]): Outcome {
  const { FORCE_COLOR: _, ...env } = process.env;
  return runToEnd(process.execPath, [MAIN, ...args], { cwd: folder, env });
}

/** The path of a fixture. */
export function fixture(name: string): string {
  return fileURLToPath(new URL(`fixtures/${name}`, import.meta.url));
}

/** The path of an example that comes with the project. */
export function example(name: string): string {
  return fileURLToPath(new URL(`../../../examples/${name}`, import.meta.url));
}
