/** B10: programs of the examples, explored to the end by the command, as a user would. */
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { count, pinned } from './row.mjs';

/** @typedef {import('./row.mjs').Row} Row */

const ROOT = fileURLToPath(new URL('../../../', import.meta.url));
const EVICT = 'examples/explore/evict-shared-page.ts';

/** @type {(...args: string[]) => string} */
function explored(...args) {
  const command = ['packages/cli/bin/faultline.js', 'explore', ...args, '--budget', '20m', '--json'];
  const { status, stdout, stderr } = spawnSync(process.execPath, command, { cwd: ROOT, encoding: 'utf8' });
  if (status !== 0) return `exit status ${status} ${stderr}`;
  const { states, interleavings } = JSON.parse(stdout);
  return `${count(states)} states, ${BigInt(interleavings).toLocaleString('en')} interleavings`;
}

/**
 * @param {{ quick: boolean }} options
 * @returns {Iterable<Row>}
 */
export function* kernelRows({ quick }) {
  yield pinned('B10', 'mlock-mprotect-munmap', '1,823 states, 4,084,644,104 interleavings', () =>
    explored('examples/explore/mlock-mprotect-munmap.ts'),
  );
  if (quick) return;
  yield pinned('B10', 'fork-fault-remap', '7,361 states, 2,878,347,752 interleavings', () =>
    explored('examples/explore/fork-fault-remap.ts'),
  );
  yield pinned('B10', 'fault-truncate-msync', '31,445 states, 120,216,774,271,841,292,981 interleavings', () =>
    explored('examples/explore/fault-truncate-msync.ts'),
  );
  yield pinned('B10', 'evict-shared-page', '138,567 states, 1,579,214,748,717,651,321,829,661,278,964 interleavings', () =>
    explored(EVICT, '--patch', `${EVICT}#oneScan`),
  );
}
