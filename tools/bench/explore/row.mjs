/** Rows of the scoreboard. */
import { spawnSync } from 'node:child_process';
import { cpuUsage } from 'node:process';

/**
 * A row.
 *
 * @typedef {object} Row
 * @property {string} id B1 to B10
 * @property {string} what which model, and what was done with it
 * @property {string} measured what came out, in words: a count, or a rate
 * @property {string} goal what it is held against, empty for nothing
 * @property {'holds' | 'DIFFERS' | 'MISSES' | ''} verdict whether a count is the pinned one; whether a rate reaches its goal
 * @property {number | null} seconds how long it took; printed, and held against nothing
 */

/** @type {(value: number) => string} */
export const count = (value) => value.toLocaleString('en');

/** Time of the processors that this process has had. Of a busy machine it is a better measure than the clock. */
export function processorSeconds() {
  const { user, system } = cpuUsage();
  return (user + system) / 1e6;
}

/**
 * Does something, and takes its time.
 *
 * @template T
 * @param {() => T} work
 * @returns {{ readonly result: T, readonly seconds: number }}
 */
export function timed(work) {
  const began = performance.now();
  const result = work();
  return { result, seconds: (performance.now() - began) / 1000 };
}

/**
 * A row of numbers that must be as they are pinned.
 *
 * @param {string} id
 * @param {string} what
 * @param {string} pinned as words
 * @param {() => string} measure
 * @returns {Row}
 */
export function pinned(id, what, pinned, measure) {
  const { result, seconds } = timed(measure);
  return { id, what, measured: result, goal: pinned, verdict: result === pinned ? 'holds' : 'DIFFERS', seconds };
}

/**
 * A row that says why there is nothing to say.
 *
 * @type {(id: string, what: string, why: string) => Row}
 */
export const skipped = (id, what, why) => ({ id, what, measured: why, goal: '', verdict: '', seconds: null });

/**
 * What a script prints that is run in a process of its own: what the compiler has learned of one model slows down the next.
 *
 * @param {string} script
 * @param {{ quick: boolean }} options
 * @returns {Row[]}
 */
export function apart(script, { quick }) {
  const { status, stdout, stderr } = spawnSync(process.execPath, [script, ...(quick ? ['--quick'] : [])], { encoding: 'utf8' });
  if (status !== 0) throw new Error(`${script} failed:\n${stderr}`);
  return JSON.parse(stdout);
}
