/**
 * What an exploration came to, as text for people. Order: the verdict; what went wrong, simplest first; what became of warnings; what
 * to do next.
 */
import { type DataRace, type Exploration, execute, type LockOrderVerdict, type Model, type SeenOrder } from '@faultline/explorer';
import { Replay } from '@faultline/kernel';
import type { ProgramModel } from '../model.js';
import { explainFound, type FoundExplanation } from './found.js';
import { foundText } from './found-text.js';
import { runLoudly } from './loud-run.js';
import { count, fill } from './report.js';

/** What else there is to tell. */
export interface ExploreReportOptions {
  /** Explanations that were made already; made here when absent. */
  readonly explanations?: readonly FoundExplanation[];
  /** Commands to try next. */
  readonly next?: readonly string[];
}

/** Failures that are explained in full; the others are named. */
const MOST_EXPLAINED = 3;

/** Data races that are told with both accesses. */
const MOST_RACES = 3;

/** The report, line by line. */
export function exploreReport(exploration: Exploration, options: ExploreReportOptions = {}): string[] {
  const { found, model, lockOrder, races } = exploration;
  const { next = [] } = options;
  const explanations = options.explanations ?? explainAll(exploration);
  const lines: string[] = [];
  if (found.length === 0) lines.push(...nothingFoundText(exploration), '');
  for (const explanation of explanations)
    lines.push(...foundText(explanation, model.name, coverText(exploration, explanation)), '');
  for (const { failure, preemptions, steps } of found.slice(explanations.length)) {
    const [first = ''] = failure.message.split('\n');
    lines.push(`FOUND   ${first}`, `        ${count(preemptions, 'preemption')}, ${count(steps, 'step')}.`, '');
  }
  if (lockOrder.length > 0) lines.push(...lockOrderText(model, lockOrder), '');
  if (races.length > 0) lines.push(...dataRaceText(races), '');
  if (next.length > 0) lines.push('Next', ...next.map((command) => `  ${command}`));
  return lines.at(-1) === '' ? lines.slice(0, -1) : lines;
}

/** Explanations of what was found, as many as are told in full. */
export function explainAll({ found, model }: Exploration): FoundExplanation[] {
  return found.slice(0, MOST_EXPLAINED).map((each) => explainFound(model, each));
}

/** How much was explored, for a failure that was found. */
function coverText(exploration: Exploration, { found }: FoundExplanation): string[] {
  const { interleavings, graph, coverage } = exploration;
  const states = count(stateCount(exploration), 'state');
  const doomed = found.doomedStates === null ? '' : `; ${found.doomedStates.toLocaleString('en-US')} of the states are doomed`;
  if (interleavings === 1n && coverage === 'exhausted') return ['The program has one interleaving.'];
  if (coverage === 'exhausted') return [`${interleavingsText(interleavings)} in ${states} cover the program${doomed}.`];
  if (graph.levelsDone === 0) return [`${states} seen so far; not everything was explored.`];
  const seen = `all schedules ${atMost(graph.levelsDone - 1)}`;
  return [`${states} seen, ${seen} among them; not everything was explored${doomed}.`];
}

/** The verdict when nothing was found. Never more than was looked at. */
function nothingFoundText(exploration: Exploration): string[] {
  const { model, interleavings, milliseconds, coverage, graph, lockOrder, collisionBound } = exploration;
  const { trace, system } = runLoudly(model, { switches: [], choices: [], expiries: [] });
  const own = trace.threads.filter(({ kernel }) => !kernel).length;
  const kernel = trace.threads.length - own;
  const threads = `${count(own, 'thread')}${kernel === 0 ? '' : ` and ${count(kernel, 'thread')} of the kernel's own`}`;
  const states = count(stateCount(exploration), 'state');
  const time = timeText(milliseconds);
  const verdict = {
    exhausted: `OK   All ${interleavingsText(interleavings)} of ${threads} (${states}) explored in ${time}. Nothing found.`,
    bounded: `OK   All schedules of ${threads} ${atMost(graph.levelsDone - 1)} (${states}) explored in ${time}. Nothing found; with more, anything may happen.`,
    stopped: `OPEN Not everything of ${threads} was explored: ${states} in ${time}. Nothing found so far.`,
    budget: `OPEN Not everything of ${threads} was explored within the budget: ${states} in ${time}, ${boundText(graph.levelsDone)}. Nothing found so far.`,
  }[coverage];
  const invariants = system?.kern.auditor.invariants.length ?? 0;
  const checked = [
    ...(invariants > 0 ? [`${count(invariants, 'invariant')} at every quiet point`] : []),
    'deadlock and endless sleep in every state',
    `lock order (${lockOrderSummary(lockOrder)})`,
    'leaks and the checks of the program at the end',
  ];
  return [
    ...fill(verdict, '', '     '),
    ...fill(
      `Checked: ${checked.join(', ')}. Hash width ${graph.wide ? 128 : 64} bits.${mergedText(collisionBound)}`,
      '     ',
      '     ',
    ),
  ];
}

/** How likely it is that two states were taken for one. */
function mergedText(bound: number): string {
  return bound === 0
    ? ''
    : ` That two states were taken for one: less than once in 10^${Math.floor(-Math.log10(bound))} explorations.`;
}

function atMost(preemptions: number): string {
  return preemptions === 0 ? 'without preemption' : `with at most ${count(preemptions, 'preemption')}`;
}

function boundText(levelsDone: number): string {
  return levelsDone === 0 ? 'not even all without preemption' : `all schedules ${atMost(levelsDone - 1)} among them`;
}

/** `51,468,698 interleavings` */
function interleavingsText(interleavings: bigint | null): string {
  if (interleavings === null) return 'interleavings, infinitely many because of loops,';
  return `${interleavings.toLocaleString('en-US')} interleaving${interleavings === 1n ? '' : 's'}`;
}

/** States of the machine that were seen: that something went wrong is kept as a state too, but is none. */
function stateCount({ graph: { graph } }: Exploration): number {
  return graph.distinctStates - graph.failureCount;
}

function lockOrderSummary(verdicts: readonly LockOrderVerdict[]): string {
  const parts = (['confirmed', 'refuted', 'open'] as const).flatMap((kind) => {
    const number = verdicts.filter(({ verdict }) => verdict === kind).length;
    return number === 0 ? [] : [`${count(number, 'reversal')} ${kind}`];
  });
  return parts.length === 0 ? 'no reversal' : parts.join(', ');
}

/** What became of each reversal, with the functions in which the locks were taken. */
function lockOrderText(model: Model, verdicts: readonly LockOrderVerdict[]): string[] {
  const reasons = {
    deadlock: 'a schedule deadlocks there',
    explored: 'everything was explored, and nothing deadlocks there',
    'never-waits': 'one side only tries, and never waits',
    unexplored: 'no schedule was found that deadlocks there, but not everything was explored',
  };
  return [
    'Lock order',
    ...verdicts.flatMap(({ classes, verdict, because, orders }) => {
      const ring = classes.length === 1 ? `${classes[0]} within itself` : [...classes, classes[0]].join(' -> ');
      const told = orders.flatMap((order) => {
        const stack = order.byTry ? ['by a try'] : stackOf(model, order);
        return fill(`${order.inner} while ${order.outer} is held: ${stack.join('  ')}`, '    ', '      ');
      });
      return [...fill(`${ring}: ${verdict}; ${reasons[because]}`, '  ', '    '), ...told];
    }),
  ];
}

/** The kernel functions in which locks were taken in an order, found by taking the schedule once more with somebody who looks. */
function stackOf(model: Model, { outer, inner, schedule }: SeenOrder): readonly string[] {
  const looking: Model = { name: model.name, boot: (strategy) => (model as ProgramModel).boot(strategy, {}) };
  const { instance } = execute(looking, new Replay(schedule));
  return instance.kern.witness.stackOf(outer, inner);
}

/** Accesses that nothing orders. */
function dataRaceText(races: readonly DataRace[]): string[] {
  const told = ({ field, first, second }: DataRace): string[] => [
    `  ${field}`,
    ...[first, second].flatMap(({ lwp, writes, call, frames }) => {
      const where = call === '' ? '' : ` in ${call}`;
      return fill(`${writes ? 'written' : 'read'} by lwp ${lwp}${where}: ${frames.join('  ')}`, '    ', '      ');
    }),
  ];
  const others = races.slice(MOST_RACES).map(({ field }) => field);
  return [
    'Data races: nothing orders these accesses',
    ...races.slice(0, MOST_RACES).flatMap(told),
    ...(others.length === 0 ? [] : fill(`and of ${others.join(', ')}`, '  ', '    ')),
  ];
}

/** `3 ms`, `0.2 s`, `2.5 minutes` */
function timeText(milliseconds: number): string {
  if (milliseconds < 100) return `${Math.max(1, Math.round(milliseconds))} ms`;
  if (milliseconds < 120_000) return `${(milliseconds / 1000).toFixed(1)} s`;
  return `${(milliseconds / 60_000).toFixed(1)} minutes`;
}
