/**
 * `npm run bench:policy`: how often replacement policies miss on traces of real programs.
 *
 *     --quick   the smallest memory of each trace only
 *     --check   fails when a count is not the one in policy/counts.json
 *     --pin     writes the counts there
 *     --json    the rows as JSON
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { alone } from './policy/alone.mjs';
import { runOnKernel } from './policy/kernel.mjs';
import { lruMisses, optMisses } from './policy/reference.mjs';
import { readTraces } from './policy/trace.mjs';

/** @typedef {import('./policy/trace.mjs').Trace} Trace */

/**
 * Misses on one trace in one size of memory.
 *
 * @typedef {object} Row
 * @property {string} trace
 * @property {number} frames pages of memory
 * @property {Record<string, number>} misses by the policy's name
 */

/** Sizes of memory, as shares of the pages that a trace uses. */
const SHARES = [1 / 4, 3 / 8, 1 / 2, 3 / 4];
const COUNTS = fileURLToPath(new URL('policy/counts.json', import.meta.url));
const NAMES = /** @type {const} */ (['clock', 'clockpro']);

const { values: flags } = parseArgs({
  options: {
    quick: { type: 'boolean', default: false },
    check: { type: 'boolean', default: false },
    pin: { type: 'boolean', default: false },
    json: { type: 'boolean', default: false },
  },
});

const traces = readTraces();
const rows = traces.flatMap((trace) => (flags.quick ? SHARES.slice(0, 1) : SHARES).map((share) => measure(trace, share)));

if (flags.json) console.log(JSON.stringify(rows, null, 2));
else print(rows);
for (const { trace, frames, misses } of rows) {
  const { OPT = 0, ...others } = misses;
  for (const [name, count] of Object.entries(others)) {
    if (count < OPT)
      throw new Error(`${name} misses ${count} times on ${trace} with ${frames} pages, and the fewest possible are ${OPT}`);
  }
}
if (flags.pin) writeFileSync(COUNTS, `${JSON.stringify(rows.map(asPinned), null, 2)}\n`);
if (flags.check) check(rows);

/** @param {Trace} trace @param {number} share @returns {Row} */
function measure(trace, share) {
  const { name, facts, references } = trace;
  const frames = Math.round(facts.pages * share);
  if (frames < facts.depth) throw new Error(`${name} was reduced for ${facts.depth} pages or more; ${frames} are too few`);
  const pages = references.map((reference) => reference >>> 1);
  /** @type {Row['misses']} */
  const misses = { OPT: optMisses(pages, frames), LRU: lruMisses(pages, frames) };
  for (const policy of NAMES) misses[policy] = alone(policy)(pages, frames);
  for (const policy of NAMES) misses[`${policy}, UVM`] = runOnKernel(trace, frames, policy).misses;
  return { trace: name, frames, misses };
}

/** @param {readonly Row[]} rows */
function print(rows) {
  const columns = Object.keys(rows[0]?.misses ?? {});
  const lines = [['trace', 'pages', ...columns]];
  for (const { trace, frames, misses } of rows) {
    lines.push([trace, count(frames), ...columns.map((column) => count(misses[column] ?? 0))]);
  }
  const widths = (lines[0] ?? []).map((_, column) => Math.max(...lines.map((line) => (line[column] ?? '').length)));
  for (const line of lines) {
    console.log(line.map((cell, i) => (i === 0 ? cell.padEnd(widths[i] ?? 0) : cell.padStart(widths[i] ?? 0))).join('  '));
  }
}

/** @param {number} value */
function count(value) {
  return value.toLocaleString('en');
}

/** A row as it stands in the file of counts. @param {Row} row */
function asPinned({ trace, frames, misses }) {
  return { trace, frames, ...misses };
}

/** @param {readonly Row[]} rows */
function check(rows) {
  /** @type {Record<string, unknown>[]} */
  const pinned = JSON.parse(readFileSync(COUNTS, 'utf8'));
  const differing = rows.filter((row) => {
    const found = pinned.find(({ trace, frames }) => trace === row.trace && frames === row.frames);
    return JSON.stringify(found) !== JSON.stringify(asPinned(row));
  });
  for (const row of differing) {
    const found = pinned.find(({ trace, frames }) => trace === row.trace && frames === row.frames);
    console.error(
      `${row.trace} with ${row.frames} pages: pinned is ${JSON.stringify(found)}, measured ${JSON.stringify(asPinned(row))}`,
    );
  }
  if (differing.length > 0) {
    console.error('If that is meant to be so: npm run bench:policy -- --pin');
    process.exitCode = 1;
  } else console.log(`\n${rows.length} rows are as they were pinned.`);
}
