/**
 * How things are measured: medians of batches, by tinybench, each operation in a process of its own. One machine in a process is
 * what an embedder has; and what the compiler has learned of one operation does not slow down the next.
 *
 *     node measure.mjs NAME ARGUMENT --quick     prints nanoseconds
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

const self = fileURLToPath(import.meta.url);

/**
 * The time of one operation, in nanoseconds: the median over the batches, and of three processes the median again.
 *
 * @param {string} name one of `OPERATIONS`
 * @param {{ quick: boolean, entries?: number }} options quick: fewer batches, for a look at whether it runs
 */
export function measure(name, { quick, entries = 0 }) {
  const times = Array.from({ length: quick ? 1 : 3 }, () => measureOnce(name, String(entries), quick)).sort((a, b) => a - b);
  return times[times.length >> 1] ?? Number.NaN;
}

/** @type {(name: string, entries: string, quick: boolean) => number} */
function measureOnce(name, entries, quick) {
  const { status, stdout, stderr } = spawnSync(process.execPath, [self, name, entries, ...(quick ? ['--quick'] : [])], {
    encoding: 'utf8',
  });
  if (status !== 0) throw new Error(`the benchmark of ${name} failed:\n${stderr}`);
  return Number(stdout);
}

/**
 * @param {Operation} operation
 * @param {{ quick: boolean }} options
 */
function nanosecondsEach({ count, batch, before, after }, { quick }) {
  const bench = new Bench(
    quick
      ? { time: 30, iterations: 3, warmupTime: 10, warmupIterations: 1 }
      : { time: 1000, iterations: 20, warmupTime: 300, warmupIterations: 5 },
  );
  bench.add('operation', batch, { async: false, ...(before && { beforeEach: before }), ...(after && { afterEach: after }) });
  const [task] = bench.runSync();
  const { result } = task ?? {};
  if (result === undefined || !('latency' in result)) {
    throw result && 'error' in result ? result.error : new Error('a benchmark gave no result');
  }
  return (result.latency.p50 * 1e6) / count;
}

if (argv[1] === self) {
  const [, , name = '', entries = '0', quick] = argv;
  const operation = OPERATIONS[name];
  if (operation === undefined) throw new Error(`there is no operation ${name}`);
  console.log(nanosecondsEach(operation(Number(entries)), { quick: quick === '--quick' }));
}
