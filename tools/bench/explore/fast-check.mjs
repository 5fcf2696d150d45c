/** B8: the same model under fast-check's scheduler, in the same process. */
import { argv } from 'node:process';
import { fileURLToPath } from 'node:url';
import fc from 'fast-check';
import { apart, count, processorSeconds } from './row.mjs';
import * as subject from './subject.mjs';

/** @typedef {import('./row.mjs').Row} Row */

/** How many times as fast as fast-check we have to be, in executions of this many rounds of the loop or more: shorter ones are mostly boot. */
const FACTOR = 20;
const LONG = 16;
const ROUNDS = 9;

/**
 * Executions a second of R(n) under fast-check: each load and each store waits until the scheduler lets it.
 *
 * @param {number} n
 * @param {number} runs
 */
async function fastCheckRate(n, runs) {
  const began = processorSeconds();
  await fc.assert(
    fc.asyncProperty(fc.scheduler(), async (scheduler) => {
      let x = 0;
      const body = async () => {
        for (let i = 0; i < n; i++) {
          await scheduler.schedule(Promise.resolve());
          const r = x;
          await scheduler.schedule(Promise.resolve());
          x = r + 1;
        }
      };
      await scheduler.waitFor(Promise.all([body(), body()]));
    }),
    { numRuns: runs, seed: 1 },
  );
  return runs / (processorSeconds() - began);
}

/** Executions a second of R(n) under ours. @type {(n: number, runs: number) => number} */
function ourRate(n, runs) {
  const options = { seed: 1, budget: { executions: runs }, lookFor: /** @type {const} */ ('all') };
  const began = processorSeconds();
  subject.sample(subject.racyCounter(n), { ...options, engines: ['random'] });
  return runs / (processorSeconds() - began);
}

/** @type {(quick: boolean) => Promise<Row[]>} */
async function measure(quick) {
  /** @type {Row[]} */
  const rows = [];
  for (const n of [4, LONG, 50]) {
    const runs = Math.round((quick ? 2000 : 10_000) / n);
    const ours = [];
    const theirs = [];
    // In turns, so that whatever else the machine does slows down both; of each, the round that was disturbed least counts.
    for (let round = 0; round < ROUNDS; round++) {
      ours.push(ourRate(n, runs * FACTOR));
      theirs.push(await fastCheckRate(n, runs));
    }
    const isLong = n >= LONG;
    const [mine, other] = [Math.max(...ours), Math.max(...theirs)];
    rows.push({
      id: 'B8',
      what: `R(${n}), ${4 * n} steps, executions a second`,
      measured: `${count(Math.round(mine))} : fast-check ${count(Math.round(other))} = ${(mine / other).toFixed(1)} ×`,
      goal: isLong && !quick ? `${FACTOR} ×` : '',
      verdict: quick || !isLong ? '' : mine / other >= FACTOR ? 'holds' : 'MISSES',
      seconds: null,
    });
  }
  return rows;
}

const self = fileURLToPath(import.meta.url);

/** @type {(options: { quick: boolean }) => Row[]} */
export const fastCheckRows = (options) => apart(self, options);

if (argv[1] === self) console.log(JSON.stringify(await measure(argv.includes('--quick'))));
