/** Scripts that tests run in a process of their own, on the build of the kernel that is being tested. */
import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { BUILD } from '@faultline/kernel';
import { expect } from 'vitest';
import { toDirect } from '../../../tools/direct-build.mjs';

/** Where a script has to be run, so that it finds the packages. */
export const packageDir = fileURLToPath(new URL('..', import.meta.url));

/** The arguments with which Node runs a script of this directory; the script's own follow. */
export function nodeArguments(script: string): string[] {
  expect(existsSync(`${packageDir}/dist/index.js`), 'the packages are built: npm run build').toBe(true);
  const path = fileURLToPath(new URL(script, import.meta.url));
  const source = readFileSync(path, 'utf8');
  return ['--input-type=module', '--eval', BUILD === 'direct' ? toDirect(source, path).code : source];
}
