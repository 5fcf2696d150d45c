/**
 * `npm run bench:explore`: the explorer's scoreboard, B1 to B10. Counts are pinned, and one that differs fails; seconds and rates are printed.
 *
 *     --quick   leaves out what takes long, for a look at whether the counts hold
 *     --json    the rows as JSON
 */
import { parseArgs } from 'node:util';
import { countRows } from './explore/counts.mjs';
import { fastCheckRows } from './explore/fast-check.mjs';
import { kernelRows } from './explore/kernel.mjs';
import { samplingRows } from './explore/sampling.mjs';
import { spinRows } from './explore/spin.mjs';

/** @typedef {import('./explore/row.mjs').Row} Row */

const { values: flags } = parseArgs({
  options: { quick: { type: 'boolean', default: false }, json: { type: 'boolean', default: false } },
});

/** @type {Row[]} */
const rows = [...countRows(flags), ...samplingRows(), ...fastCheckRows(flags), ...spinRows(flags), ...kernelRows(flags)];

if (flags.json) console.log(JSON.stringify(rows, null, 2));
else {
  const seconds = (/** @type {number | null} */ value) => (value === null ? '' : `${value.toFixed(2)} s`);
  const table = [
    ['', 'model', 'measured', 'goal', '', 'time'],
    ...rows.map((row) => [row.id, row.what, row.measured, row.goal, row.verdict, seconds(row.seconds)]),
  ];
  const widths = (table[0] ?? []).map((_, column) => Math.max(...table.map((line) => (line[column] ?? '').length)));
  for (const line of table)
    console.log(
      line
        .map((cell, column) => cell.padEnd(widths[column] ?? 0))
        .join('  ')
        .trimEnd(),
    );
}
const wrong = rows.filter(({ verdict }) => verdict === 'DIFFERS' || verdict === 'MISSES');
if (wrong.length > 0) {
  console.error(`\n${wrong.length} of ${rows.length} do not hold: ${wrong.map(({ id, what }) => `${id} ${what}`).join('; ')}`);
  process.exitCode = 1;
}
