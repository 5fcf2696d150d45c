/** B9: the same model under Spin, in the same run. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { argv } from 'node:process';
import { fileURLToPath } from 'node:url';
import { apart, count, processorSeconds, skipped } from './row.mjs';
import * as subject from './subject.mjs';

/** @typedef {import('./row.mjs').Row} Row */

const PROMELA = fileURLToPath(new URL('racy-counter.pml', import.meta.url));

/** @type {(command: string, args: readonly string[], cwd?: string) => string | null} what it printed, null when it failed */
function run(command, args, cwd) {
  const { status, stdout } = spawnSync(command, args, { encoding: 'utf8', ...(cwd !== undefined && { cwd }) });
  return status === 0 ? stdout : null;
}

/** @type {(n: number) => { states: number, rate: number } | string} states, and how many a second; a sentence when there is none */
function spin(n) {
  if (run('spin', ['-V']) === null) return 'Spin is not installed';
  if (run('cc', ['--version']) === null) return 'there is no C compiler';
  const directory = mkdtempSync(join(tmpdir(), 'faultline-spin-'));
  try {
    if (run('spin', [`-DN=${n}`, '-a', PROMELA], directory) === null) return 'Spin refuses the model';
    if (run('cc', ['-O2', '-DSAFETY', '-DNOREDUCE', '-o', 'pan', 'pan.c'], directory) === null)
      return 'the C compiler refuses what Spin wrote';
    // Goes on after a false assertion, as ours does. It rounds its time to hundredths.
    const printed = run('./pan', ['-c0', '-E', '-m100000', '-w20'], directory);
    const seconds = Math.max(0.01, Number(/elapsed time ([\d.]+)/.exec(printed ?? '')?.[1]));
    const states = Number(/(\d+) states, stored/.exec(printed ?? '')?.[1]);
    return Number.isNaN(states) ? 'Spin gave up' : { states, rate: states / seconds };
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

/** @type {(quick: boolean) => Row} */
function measure(quick) {
  const n = quick ? 10 : 16;
  const what = `R(${n}), states a second`;
  const theirs = spin(n);
  const options = { stopAfter: /** @type {const} */ ('everything'), allSteps: true, maxStates: 2 ** 20, validateOneIn: 0 };
  const began = processorSeconds();
  const result = subject.exploreExhaustively(subject.racyCounter(n), options);
  const seconds = processorSeconds() - began;
  const rate = result.states / seconds;
  const ours = `${count(Math.round(rate))} (${count(result.states)} states)`;
  if (typeof theirs === 'string') return skipped('B9', what, `${ours}; ${theirs}`);
  const measured = `${ours} : Spin ${count(Math.round(theirs.rate))} (${count(theirs.states)} states) = 1/${(theirs.rate / rate).toFixed(1)}`;
  return { id: 'B9', what, measured, goal: '1/4', verdict: '', seconds };
}

const self = fileURLToPath(import.meta.url);

/** @type {(options: { quick: boolean }) => Row[]} */
export const spinRows = (options) => apart(self, options);

if (argv[1] === self) console.log(JSON.stringify([measure(argv.includes('--quick'))]));
