/**
 * How things are measured: medians of batches, by tinybench, each operation in a process of its own. One machine in a process is
 * what an embedder has; and what the compiler has learned of one operation does not slow down the next.
 *
 * What has a unit is measured in turns with it, some tens of milliseconds each: a machine that others slow down for a while is slow for both.
 *
 *     node measure.mjs NAME ARGUMENT UNIT [--quick]     prints a `Measured` as JSON; UNIT is an operation too, or 'none'
 */
import { spawnSync } from 'node:child_process';
import { argv } from 'node:process';
import { fileURLToPath } from 'node:url';
import { Bench } from 'tinybench';
import * as operations from './operations.mjs';
import * as pressure from './pressure.mjs';
import { twoThreads } from './stepped.mjs';

/**
 * Something to measure.
 *
 * @typedef {object} Operation
 * @property {number} count how many operations a batch makes
 * @property {() => void} batch makes them; the only part whose time counts
 * @property {() => void} [before] makes ready for a batch
 * @property {() => void} [after] clears up behind a batch
 */

/** @type {Readonly<Record<string, (entries: number) => Operation>>} */
const OPERATIONS = {
  zeroPage: operations.zeroPage,
  plainLoad: operations.plainLoad,
  threadLoad: operations.threadLoad,
  programLoad: operations.programLoad,
  zeroFill: operations.zeroFill,
  copyOnWrite: operations.copyOnWrite,
  mapUnmap: operations.mapUnmap,
  lockUnlock: operations.lockUnlock,
  forkExit: operations.forkExit,
  lookup: operations.lookup,
  lookupInsertClip: operations.lookupInsertClip,
  bootLarge: operations.bootLarge,
  pageOutAndIn: pressure.pageOutAndIn,
  aobjFault: pressure.aobjFault,
  loanUnloan: pressure.loanUnloan,
  vslockVsunlock: pressure.vslockVsunlock,
  twoThreads,
};

/**
 * What an operation was found to cost.
 *
 * @typedef {object} Measured
 * @property {number} nanoseconds one operation
 * @property {number} unit nanoseconds of one of the unit's operations, NaN without a unit
 * @property {number} ratio of the two: the median over the turns
 */

/**
 * How long a turn is.
 *
 * @typedef {object} Turns
 * @property {number} turns how often operation and unit are measured
 * @property {number} time of each, in milliseconds
 * @property {number} warmup of both, in milliseconds
 */

const THOROUGH = { turns: 16, time: 80, warmup: 400 };
const QUICK = { turns: 1, time: 30, warmup: 10 };

const self = fileURLToPath(import.meta.url);

/**
 * What an operation costs: of three processes that measure it, the one in the middle.
 *
 * @param {string} name one of `OPERATIONS`
 * @param {{ quick: boolean, entries?: number, unit?: string }} options quick: a look at whether it runs
 * @returns {Measured}
 */
export function measure(name, { quick, entries = 0, unit = 'none' }) {
  const runs = Array.from({ length: quick ? 1 : 3 }, () => measureOnce(name, entries, unit, quick));
  const cost = (/** @type {Measured} */ run) => (unit === 'none' ? run.nanoseconds : run.ratio);
  return /** @type {Measured} */ (runs.sort((a, b) => cost(a) - cost(b))[runs.length >> 1]);
}

/** @type {(name: string, entries: number, unit: string, quick: boolean) => Measured} */
function measureOnce(name, entries, unit, quick) {
  const args = [self, name, `${entries}`, unit, ...(quick ? ['--quick'] : [])];
  const { status, stdout, stderr } = spawnSync(process.execPath, args, { encoding: 'utf8' });
  if (status !== 0) throw new Error(`the benchmark of ${name} failed:\n${stderr}`);
  return JSON.parse(stdout);
}

/** @type {(operation: Operation, unit: Operation | null, turns: Turns) => Measured} */
function inTurns(operation, unit, { turns, time, warmup }) {
  nanosecondsEach(operation, warmup);
  if (unit !== null) nanosecondsEach(unit, warmup);
  const measured = Array.from({ length: turns }, () => {
    const each = unit === null ? Number.NaN : nanosecondsEach(unit, time / 2);
    return { operation: nanosecondsEach(operation, time), unit: each };
  });
  return {
    nanoseconds: median(measured.map((turn) => turn.operation)),
    unit: median(measured.map((turn) => turn.unit)),
    ratio: median(measured.map((turn) => turn.operation / turn.unit)),
  };
}

/** @type {(operation: Operation, time: number) => number} */
function nanosecondsEach({ count, batch, before, after }, time) {
  const bench = new Bench({ time, iterations: 3, warmup: false });
  bench.add('operation', batch, { async: false, ...(before && { beforeEach: before }), ...(after && { afterEach: after }) });
  const [task] = bench.runSync();
  const { result } = task ?? {};
  if (result === undefined || !('latency' in result)) {
    throw result && 'error' in result ? result.error : new Error('a benchmark gave no result');
  }
  return (result.latency.p50 * 1e6) / count;
}

/** The value in the middle, NaN of none. Puts them in order. */
export function median(/** @type {number[]} */ values) {
  return values.sort((a, b) => a - b)[values.length >> 1] ?? Number.NaN;
}

/** @type {(name: string, entries: number) => Operation} */
function operationOf(name, entries) {
  const make = OPERATIONS[name];
  if (make === undefined) throw new Error(`there is no operation ${name}`);
  return make(entries);
}

if (argv[1] === self) {
  const [, , name = '', entries = '0', unit = 'none', quick] = argv;
  const measured = inTurns(
    operationOf(name, Number(entries)),
    unit === 'none' ? null : operationOf(unit, 0),
    quick === '--quick' ? QUICK : THOROUGH,
  );
  console.log(JSON.stringify(measured));
}
