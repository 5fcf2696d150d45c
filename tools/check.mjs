/** `npm run check`: everything that CI checks besides the tests. Runs all of it, says what failed, and answers 1 if anything did. */
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { TSC } from './tsc.mjs';

const root = fileURLToPath(new URL('..', import.meta.url));
const bin = (/** @type {string} */ name) => `node_modules/.bin/${name}`;

/** @type {readonly (readonly [what: string, command: string, ...args: string[]])[]} */
const CHECKS = [
  ['build, both builds', process.execPath, 'tools/build.mjs'],
  ['types of the tests', process.execPath, TSC, '--project', 'tsconfig.test.json'],
  ['types of the tools', process.execPath, TSC, '--project', 'tsconfig.tools.json'],
  ['format and lint', bin('biome'), 'check', '--error-on-warnings', '.'],
  ['layers', bin('depcruise'), '--config', '.dependency-cruiser.mjs', 'packages'],
  ['dead code', bin('knip')],
  ['API pages', bin('typedoc'), '--emit', 'none', '--logLevel', 'Warn', '--treatWarningsAsErrors'],
];

const failed = [];
for (const [what, command, ...args] of CHECKS) {
  const { status, stdout, stderr } = spawnSync(command, args, { cwd: root, encoding: 'utf8' });
  console.log(`${status === 0 ? 'ok     ' : 'FAILED '} ${what}`);
  if (status === 0) continue;
  failed.push(what);
  console.log(`${stdout}${stderr}`.trimEnd().replace(/^/gm, '        '));
}
if (failed.length > 0) {
  console.log(`\n${failed.length} of ${CHECKS.length} checks failed: ${failed.join(', ')}`);
  process.exit(1);
}
console.log(`\nAll ${CHECKS.length} checks passed.`);
