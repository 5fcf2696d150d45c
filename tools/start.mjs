/** `npm start`: two defects of NetBSD's, explored, explained, and their fixes verified; as a user would do it, within a minute. */
import { spawnSync } from 'node:child_process';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const FAULTLINE = fileURLToPath(new URL('../packages/cli/bin/faultline.js', import.meta.url));
const OUT = join(tmpdir(), 'faultline-findings');

/** @type {readonly { readonly why: string, readonly args: readonly string[], readonly expected: readonly number[] }[]} */
const STEPS = [
  {
    why: 'A defect of 2019 that needs no race: mlock() of an empty range.',
    args: ['explore', 'catalogue:netbsd-2019-mlock-zero', '--out', OUT],
    expected: [1],
  },
  {
    why: 'A race of 2017: mmap(MAP_FIXED) against the mmap() of another thread.',
    args: ['explore', 'catalogue:netbsd-2017-fixed-race', '--out', OUT],
    expected: [1],
  },
  {
    why: 'The fix of 2017: does it cure, in every interleaving, and break nothing?',
    args: ['verify', 'catalogue:netbsd-2017-fixed-race', '--fix', 'netbsd-fixed-replaces-in-one-hold', '--budget', '30s'],
    expected: [0, 3],
  },
];

for (const { why, args, expected } of STEPS) {
  process.stdout.write(`\n${why}\n\n$ faultline ${args.join(' ')}\n\n`);
  const { status } = spawnSync(process.execPath, [FAULTLINE, ...args], { stdio: 'inherit' });
  if (status === null || !expected.includes(status)) {
    process.stderr.write(`faultline ended with status ${status}, not ${expected.join(' or ')}: this is not as it should be.\n`);
    process.exit(1);
  }
}
process.stdout.write('\nNext: faultline explore a program of your own; "npx faultline explore --help" says how.\n');
