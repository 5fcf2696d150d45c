/**
 * B7: how many schedules it takes to the first failure, on average over 20 seeds. The column to compare with is SURW's on the programs of
 * SCTBench; ours have the same shape, but not each step is the same, so SURW is held to twice that column. A mean over 20 seeds is within a
 * quarter or so of the true one.
 *
 * How twostage_20 is made up is not said with the column. With one reader among 20 threads no sampler can come near it: the reader would
 * have to be second or so of all threads. With 10 readers it fits, as it is known of reorder_20 that it has 10 of each kind. In the queue,
 * owner and thief both look before they announce.
 */
import { timed } from './row.mjs';
import * as subject from './subject.mjs';

/** @typedef {import('./row.mjs').Row} Row */
/** @typedef {import('../../../packages/explorer/dist/index.js').Model} Model */
/** @typedef {import('../../../packages/explorer/dist/index.js').EngineName} EngineName */

const SEEDS = 20;
const MAX_EXECUTIONS = 2000;
/** How far from the column a mean may be. */
const FACTOR = 2;

/** @type {readonly (readonly [program: string, model: Model, column: number | null, surw: string, all: string])[]} */
const PROGRAMS = [
  ['twostage_20, 10 setters and 10 readers', subject.twoStage(10, 10), 6, '10.75', '18.15'],
  ['twostage_20, 19 setters and 1 reader', subject.twoStage(19, 1), null, '53.95', '102.55'],
  ['reorder_5, 4 setters and 1 checker', subject.reorder(4, 1), 10, '5.65', '7.75'],
  ['reorder_20, 10 setters and 10 checkers', subject.reorder(10, 10), 6, '3.55', '4.10'],
  ['bluetooth_driver', subject.bluetoothDriver(), 36, '30.05', '22.20'],
  ['stringbuffer', subject.stringBuffer(), 8, '6.05', '7.70'],
  ['work-stealing queue', subject.workStealingQueue({ looksFirst: 'both' }), 6, '3.90', '5.50'],
  ['wronglock_3', subject.wrongLock(1, 3), 5, '7.10', '6.40'],
];

/** @type {(model: Model, engines?: readonly EngineName[]) => string} */
function mean(model, engines) {
  let sum = 0;
  for (let seed = 1; seed <= SEEDS; seed++) {
    const { found, executions } = subject.sample(model, {
      seed,
      budget: { executions: MAX_EXECUTIONS },
      ...(engines !== undefined && { engines }),
    });
    sum += found.length > 0 ? executions : Number.POSITIVE_INFINITY;
  }
  return (sum / SEEDS).toFixed(2);
}

/** @returns {Iterable<Row>} */
export function* samplingRows() {
  for (const [program, model, column, surw, all] of PROGRAMS) {
    const { result, seconds } = timed(() => ({ surw: mean(model, ['surw']), all: mean(model) }));
    const isPinned = result.surw === surw && result.all === all;
    const isWithin = column === null || Number(result.surw) <= FACTOR * column;
    yield {
      id: 'B7',
      what: program,
      measured: `SURW ${result.surw}, all engines ${result.all}`,
      goal: `${column === null ? '' : `column ${column}; `}pinned ${surw}, ${all}`,
      verdict: isPinned && isWithin ? 'holds' : 'DIFFERS',
      seconds,
    };
  }
}
