/**
 * `npm run bench`: each operation of UVM that has a budget, against its budget and against the host kernel's own, all of one run.
 *
 *     --quick   few repetitions: whether it runs, not what it costs
 *     --json    the figures as JSON
 */
import { parseArgs } from 'node:util';
import { measureHost } from './host.mjs';
import { measure, median } from './measure.mjs';
import { bookkeepingBytes } from './operations.mjs';

const { values: flags } = parseArgs({
  options: { quick: { type: 'boolean', default: false }, json: { type: 'boolean', default: false } },
});
const { quick } = flags;
const cost = (/** @type {string} */ name) => measure(name, { quick }).nanoseconds;

/**
 * A line of the table.
 *
 * @typedef {object} Row
 * @property {string} operation
 * @property {number} measured in `unit`
 * @property {number | null} budget in `unit`; null for none
 * @property {string} unit `Z` for the time to zero a page; `×` for a multiple of something else, which the operation names
 * @property {number} [nanoseconds] of one operation
 * @property {number} [host] nanoseconds of the same on the host, -1 when it does not allow it
 */

const FEW_ENTRIES = 1000;
const MANY_ENTRIES = flags.quick ? 20_000 : 1_000_000;

const host = measureHost();
const hostCost = typeof host === 'string' ? null : host;
/** What a page took to zero, and a plain load, whenever something was measured against it. @type {{ zeroPage: number[], plainLoad: number[] }} */
const units = { zeroPage: [], plainLoad: [] };

/** @type {(operation: string, name: string, unit: 'zeroPage' | 'plainLoad', budget: number | null, host?: number) => Row} */
const against = (operation, name, unit, budget, hostNanoseconds) => {
  const { nanoseconds, unit: each, ratio } = measure(name, { quick, unit });
  units[unit].push(each);
  const sign = unit === 'zeroPage' ? 'Z' : '×';
  const row = { operation, measured: ratio, budget, unit: sign, nanoseconds };
  return hostNanoseconds === undefined ? row : { ...row, host: hostNanoseconds };
};
/** @type {(operation: string, name: string, budget: number | null, host?: number) => Row} */
const inZ = (operation, name, budget, hostNanoseconds) => against(operation, name, 'zeroPage', budget, hostNanoseconds);
/** @type {(what: string, name: string) => Row} */
const scales = (what, name) => {
  const { nanoseconds } = measure(name, { quick, entries: MANY_ENTRIES });
  return {
    operation: `${what}, ${MANY_ENTRIES.toLocaleString('en')} entries : ${FEW_ENTRIES.toLocaleString('en')}`,
    measured: nanoseconds / measure(name, { quick, entries: FEW_ENTRIES }).nanoseconds,
    budget: 3,
    unit: '×',
    nanoseconds,
  };
};

/** @type {Row[]} */
const rows = [
  against('load of 4 bytes, TLB hit : a plain Int32Array load', 'threadLoad', 'plainLoad', 3),
  against('the same by a program in a job', 'programLoad', 'plainLoad', 3),
  inZ('zero-fill fault, end to end', 'zeroFill', 5, hostCost?.zeroFill),
  inZ('copy-on-write break', 'copyOnWrite', 8, hostCost?.copyOnWrite),
  inZ('mmap + munmap of a page, untouched', 'mapUnmap', 8, hostCost?.mapUnmap),
  inZ('mlock + munlock of one page inside a large entry', 'lockUnlock', 10, hostCost?.lockUnlock),
  inZ('fork + exit with 1,000 resident pages, a page', 'forkExit', 2, hostCost?.forkExitPerPage),
  scales('map lookup, insert, clip and remove', 'lookupInsertClip'),
  scales('map lookup by itself', 'lookup'),
  { operation: 'boot with 4 GiB of RAM', measured: cost('bootLarge') / 1e9, budget: 1, unit: 's' },
  { operation: 'bookkeeping of a frame', measured: bookkeepingBytes(), budget: 64, unit: 'bytes' },
  inZ('page-out and page-in of an anonymous page', 'pageOutAndIn', null),
  inZ('zero-fill fault in a shared segment', 'aobjFault', null),
  inZ('loan of a page to the kernel, and back', 'loanUnloan', null),
  inZ('vslock + vsunlock of a page', 'vslockVsunlock', null),
  { operation: 'stepped build: two threads, boot included', measured: cost('twoThreads') / 1e3, budget: 50, unit: 'µs' },
];

const z = median(units.zeroPage);
const plain = median(units.plainLoad);

if (flags.json) {
  console.log(JSON.stringify({ zeroPageNanoseconds: z, plainLoadNanoseconds: plain, host, rows }, null, 2));
} else {
  const amount = (/** @type {number} */ value) => (value < 10 ? value.toFixed(2) : value.toFixed(0));
  const lines = rows.map(({ operation, measured, budget, unit, nanoseconds, host: cost }) => [
    operation,
    `${amount(measured)} ${unit}`,
    budget === null ? '' : `${budget} ${unit}`,
    quick || budget === null ? '' : measured <= budget ? 'within' : 'OVER',
    nanoseconds === undefined ? '' : `${amount(nanoseconds)} ns`,
    cost === undefined ? '' : cost < 0 ? 'not allowed' : `${amount(cost)} ns`,
    nanoseconds === undefined || cost === undefined || cost < 0 ? '' : `${amount(nanoseconds / cost)} ×`,
  ]);
  const table = [['operation, direct build', 'measured', 'budget', '', 'time', 'host kernel', 'ours : host'], ...lines];
  const widths = (table[0] ?? []).map((_, column) => Math.max(...table.map((line) => (line[column] ?? '').length)));
  console.log(`Z, the time to zero a page of 4 KiB: ${amount(z)} ns. A plain load: ${amount(plain)} ns.\n`);
  for (const line of table) {
    console.log(
      line
        .map((cell, column) => (column === 0 ? cell.padEnd(widths[column] ?? 0) : cell.padStart(widths[column] ?? 0)))
        .join('  ')
        .trimEnd(),
    );
  }
  if (typeof host === 'string') console.log(`\nNothing to compare with: ${host}.`);
  if (flags.quick) console.log('\n--quick: too few repetitions to trust the figures.');
}
