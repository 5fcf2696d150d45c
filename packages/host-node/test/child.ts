/** Scripts that tests run in a process of their own, on the build of the kernel that is being tested. */
import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { BUILD } from '@faultline/kernel';
import { rolldown } from 'rolldown';
import { expect } from 'vitest';
import { runToEnd } from '../../../tools/child-process.js';
import { toDirect } from '../../../tools/direct-build.mjs';

/** Where a script has to be run, so that it finds the packages. */
export const packageDir = fileURLToPath(new URL('..', import.meta.url));

/** The arguments with which Node runs a script of this directory; the script's own follow. */
function nodeArguments(script: string): string[] {
  expect(existsSync(`${packageDir}/dist/index.js`), 'the packages are built: npm run build').toBe(true);
  const path = fileURLToPath(new URL(script, import.meta.url));
  const source = readFileSync(path, 'utf8');
  return ['--input-type=module', '--eval', BUILD === 'direct' ? toDirect(source, path).code : source];
}

/**
 * Runs a script of this directory where the host lets files grow to so many blocks only; answers what it printed.
 *
 * @param blocks - of 512 or 1024 bytes: shells differ.
 */
export function withSmallFiles(blocks: number, script: string, ...args: readonly string[]): string {
  const shell = ['-c', `ulimit -f ${blocks}; exec "$@"`, 'sh', process.execPath, ...nodeArguments(script), ...args];
  const { stdout, stderr } = runToEnd('sh', shell, { cwd: packageDir });
  return `${stdout}${stderr}`;
}

/** A script of this directory with all that it imports, as one file: the quickest thing to start. The file is to be called `.mjs`. */
export async function bundled(script: string): Promise<string> {
  const path = fileURLToPath(new URL(script, import.meta.url));
  const source = (code: string, id: string): string => (BUILD === 'direct' && id === path ? toDirect(code, id).code : code);
  const bundle = await rolldown({ input: path, platform: 'node', plugins: [{ name: 'build', transform: source }] });
  const { output } = await bundle.generate({ format: 'esm' });
  await bundle.close();
  return output[0].code;
}
