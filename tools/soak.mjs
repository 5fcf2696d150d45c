/**
 * `npm run soak`: 64 processes with a tenth of the RAM that they use, for ten minutes. Every byte is checked.
 *
 *     --minutes N      how long, half of it in each build; 10
 *     --seed N         what happens; drawn when absent, and printed
 *     --rounds N       so many rounds in each build, instead of a time: what a failure is repeated with
 *     --build NAME     direct, where one process runs at a time, or stepped, where all are switched at random; both
 *     --processes N    64
 *     --ram N          pages of RAM; 1024
 *     --pages N        pages that the processes use at most; ten times RAM
 *     --policy NAME    clock or clockpro; clock
 */
import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { Soak } from './soak/soak.mjs';
import { SoakFailure } from './soak/worker.mjs';

/** @typedef {import('./soak/soak.mjs').Build} Build */
/** @typedef {import('./soak/soak.mjs').SoakOptions} SoakOptions */

/** How many times RAM is what the processes use. */
const OVERCOMMIT = 10;
/** Pages of RAM with which there is room for what is wired and what is busy. */
const LEAST_RAM = 64;
const SECONDS_BETWEEN_LINES = 10;
/** Rounds between two looks at the clock. */
const ROUNDS_AT_A_TIME = 50;

const { values } = parseArgs({
  options: {
    minutes: { type: 'string', default: '10' },
    seed: { type: 'string' },
    rounds: { type: 'string' },
    build: { type: 'string', default: 'both' },
    processes: { type: 'string', default: '64' },
    ram: { type: 'string', default: '1024' },
    pages: { type: 'string' },
    policy: { type: 'string', default: 'clock' },
  },
});

const seed = values.seed === undefined ? Date.now() % 1_000_000 : number('seed', values.seed);
const minutes = number('minutes', values.minutes);
const rounds = values.rounds === undefined ? Number.POSITIVE_INFINITY : number('rounds', values.rounds);
const builds = oneOf('build', values.build, ['direct', 'stepped', 'both']) === 'both' ? ['direct', 'stepped'] : [values.build];
const processes = number('processes', values.processes, { least: 2 });
const ramPages = number('ram', values.ram, { least: LEAST_RAM, what: 'number of pages' });
const usedPages = values.pages === undefined ? ramPages * OVERCOMMIT : number('pages', values.pages);
const policy = oneOf('policy', values.policy, ['clock', 'clockpro']);

for (const build of builds) await run(/** @type {SoakOptions['build']} */ (build), (minutes * 60) / builds.length);

/** @param {SoakOptions['build']} build @param {number} seconds */
async function run(build, seconds) {
  const folder = mkdtempSync(join(tmpdir(), 'faultline-soak-'));
  /** @type {SoakOptions} */
  const options = {
    build,
    seed,
    processes,
    ramPages,
    usedPages,
    policy: /** @type {SoakOptions['policy']} */ (policy),
    folder,
  };
  console.log(
    `${build} build, seed ${seed}: ${processes} processes that use up to ${count(usedPages)} pages, ${count(ramPages)} pages of RAM, ${policy}`,
  );
  const soak = new Soak(await load(build), options);
  const began = performance.now();
  const elapsed = () => (performance.now() - began) / 1000;
  try {
    let printed = 0;
    while (soak.rounds < rounds && (Number.isFinite(rounds) || elapsed() < seconds)) {
      for (let i = 0; i < ROUNDS_AT_A_TIME && soak.rounds < rounds; i++) soak.round();
      if (elapsed() < printed + SECONDS_BETWEEN_LINES) continue;
      printed = elapsed();
      progress(soak, printed);
    }
    soak.finish();
    report(soak, elapsed());
    soak.close();
  } catch (error) {
    const what =
      error instanceof SoakFailure ? error.message : error instanceof Error ? (error.stack ?? error.message) : String(error);
    console.error(`\nTHE SOAK FAILED after ${soak.rounds} rounds of the ${build} build: ${what}`);
    console.error(
      `It fails again with: npm run soak -- --build ${build} --seed ${seed} --rounds ${soak.rounds + 1} --processes ${processes} --ram ${ramPages} --pages ${usedPages} --policy ${policy}`,
    );
    console.error(`Its files are in ${folder}.`);
    process.exit(1);
  }
}

/** @param {SoakOptions['build']} name @returns {Promise<Build>} */
async function load(name) {
  if (name === 'direct') {
    const { findLeaks } = await import('../packages/program/dist/direct/leaks.js');
    return { kernel: await import('@faultline/kernel/direct'), findLeaks };
  }
  const { findLeaks } = await import('../packages/program/dist/stepped/leaks.js');
  // What is asked of both builds has the same names in both; that the answers of one come later is seen to where calls are made.
  return /** @type {Build} */ (/** @type {unknown} */ ({ kernel: await import('@faultline/kernel'), findLeaks }));
}

/** @param {Soak} soak @param {number} seconds */
function progress(soak, seconds) {
  const { uvm } = soak.system;
  const { faults, pgswapin, pgswapout, swpginuse, free } = uvm.uvmexp;
  const now = [
    `${Math.round(seconds)} s`,
    `${count(soak.work)} pieces of work`,
    `${soak.workers.length} processes with ${count(uvm.anonCount)} pages`,
    `${count(faults)} faults`,
    `${count(pgswapin)} in and ${count(pgswapout)} out`,
    `${count(swpginuse)} slots in use`,
    `${count(free)} pages free`,
  ];
  console.log(now.join(', '));
}

/** @param {Soak} soak @param {number} seconds */
function report(soak, seconds) {
  const { work, forks, mostPages, mostSwap, audits, swapOffs, counters } = soak.summary();
  const { ramPages } = soak.options;
  console.log(`
All bytes were right, and all was given back, after ${Math.round(seconds)} s:
  ${count(work)} pieces of work, ${count(forks)} forks, ${count(audits)} audits, ${count(swapOffs)} times a swap file was taken away
  at most ${count(mostPages)} pages at once, ${(mostPages / ramPages).toFixed(1)} times RAM; at most ${count(mostSwap)} slots of swap
  ${Object.entries(counters)
    .map(([name, value]) => `${name} ${count(value)}`)
    .join(', ')}
`);
}

/** @param {number} value */
function count(value) {
  return value.toLocaleString('en');
}

/** @param {string} name @param {string} text @param {{ least?: number, what?: string }} [options] */
function number(name, text, { least = 0, what = 'number' } = {}) {
  const value = Number(text);
  if (text.trim() !== '' && value >= least && Number.isFinite(value)) return value;
  console.error(`--${name} is a ${what} from ${least} up, not "${text}".`);
  process.exit(2);
}

/** @param {string} name @param {string} text @param {readonly string[]} allowed */
function oneOf(name, text, allowed) {
  if (allowed.includes(text)) return text;
  console.error(`--${name} is one of ${allowed.join(', ')}, not "${text}".`);
  process.exit(2);
}
