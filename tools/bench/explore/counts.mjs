/** B1 to B6: models whose classes, states and mistakes are known exactly. */
import { count, pinned } from './row.mjs';
import * as subject from './subject.mjs';

/** @typedef {import('./row.mjs').Row} Row */
/** @typedef {import('../../../packages/explorer/dist/index.js').Model} Model */

/** @type {(model: Model) => string} */
function optimal(model) {
  const { executions, sleepBlocked } = subject.exploreOptimalDpor(model, { finalStates: false });
  return `${count(executions)} classes, ${count(sleepBlocked)} blocked`;
}

/** @type {(model: Model) => string} */
function source(model) {
  const { executions, sleepBlocked } = subject.exploreSourceDpor(model, { finalStates: false });
  return `${count(executions)} classes, ${count(sleepBlocked)} blocked`;
}

/** With all steps, or with those only that others can notice. @type {(model: Model, allSteps?: boolean) => string} */
function states(model, allSteps = true) {
  const result = subject.exploreExhaustively(model, { allSteps, stopAfter: 'everything' });
  const { interleavings } = subject.analyse(result.graph);
  return `${count(result.states)} states, ${interleavings?.toLocaleString('en') ?? 'endless'} interleavings`;
}

/** @type {(model: Model) => string} */
function bruteAndOptimal(model) {
  const brute = subject.exploreBruteForce(model, { finalStates: false });
  const { executions } = subject.exploreOptimalDpor(model, { finalStates: false });
  return `${count(brute.executions)} interleavings, ${count(brute.classes)} classes; optimal DPOR ${count(executions)}`;
}

/** @type {(model: Model) => string} */
function verdicts(model) {
  const watch = new subject.LockOrderWatch();
  const result = subject.exploreExhaustively(watch.watching(model), { stopAfter: 'everything' });
  const verdicts = subject.lockOrderVerdicts(watch.orders, {
    found: subject.counterexamples(result),
    exhausted: result.exhausted,
  });
  return verdicts.map(({ verdict }) => verdict).join(', ');
}

/** @type {(model: Model) => string} */
function deadlocks(model) {
  const { executions, outcomes } = subject.exploreOptimalDpor(model);
  return `${executions} classes, ${outcomes.size} deadlock`;
}

/** @type {(model: Model) => string} */
function endlessSleeps(model) {
  const result = subject.exploreExhaustively(model, { stopAfter: 'everything' });
  const [found] = subject.counterexamples(result);
  if (found === undefined) return result.exhausted ? 'not found' : 'unknown';
  const [sleep] = subject.endlessSleeps(subject.traceOf(model, found.schedule));
  return `found: ${[sleep?.check, sleep?.wakeup, sleep?.sleep].map((step) => step?.op ?? 'nothing').join(', then ')}`;
}

/** Executions up to the first failure, over 20 seeds: the most, as a bound on all. @type {(model: Model) => number} */
function mostToFirst(model) {
  const seeds = Array.from({ length: 20 }, (_, seed) => seed);
  return Math.max(...seeds.map((seed) => subject.sample(model, { seed, budget: { executions: 10_000 } }).executions));
}

/**
 * @param {{ quick: boolean }} options
 * @returns {Iterable<Row>}
 */
export function* countRows({ quick }) {
  const { lockedCounter, racyCounter, twoLocks, flagWaiter } = subject;
  for (const [n, classes] of /** @type {const} */ ([
    [4, 70],
    [6, 924],
    [8, 12_870],
    [10, 184_756],
  ])) {
    if (quick && n > 8) continue;
    yield pinned('B1', `L(${n}), optimal DPOR`, `${count(classes)} classes, 0 blocked`, () => optimal(lockedCounter(n)));
  }
  yield pinned('B1', 'L(8), state cache', '225 states, 12,870 interleavings', () => states(lockedCounter(8)));
  yield pinned('B2', 'R(2), brute force', '70 interleavings, 34 classes; optimal DPOR 34', () => bruteAndOptimal(racyCounter(2)));
  yield pinned('B2', 'R(3), brute force', '924 interleavings, 328 classes; optimal DPOR 328', () =>
    bruteAndOptimal(racyCounter(3)),
  );
  yield pinned('B2', 'R(2), first failing schedule, 20 seeds', 'within 50 executions', () => {
    const most = mostToFirst(racyCounter(2));
    return most <= 50 ? 'within 50 executions' : `within ${most} executions`;
  });
  yield pinned('B3', 'AB-BA, optimal DPOR', '3 classes, 1 deadlock', () => deadlocks(twoLocks('opposite')));
  yield pinned('B3', 'AB-BA, lock order', 'confirmed', () => verdicts(twoLocks('opposite')));
  yield pinned('B3', 'AB-BA behind a gate, lock order', 'refuted', () => verdicts(twoLocks('gated')));
  yield pinned('B3', 'AB-BA with try-lock and back-off, lock order', 'refuted', () => verdicts(twoLocks('backing-off')));
  yield pinned('B4', 'lost wakeup', 'found: load, then wakeup, then sleep', () => endlessSleeps(flagWaiter('late')));
  yield pinned('B4', 'lost wakeup, repaired', 'not found', () => endlessSleeps(flagWaiter('locked')));
  const { readers, lastZero, fileSystem, indexer } = subject;
  yield pinned('B5', 'readers(12), optimal DPOR', '4,096 classes, 0 blocked', () => optimal(readers(12)));
  yield pinned('B5', 'lastzero(10), optimal DPOR', '3,328 classes, 0 blocked', () => optimal(lastZero(10)));
  yield pinned('B5', 'lastzero(10), source-DPOR', '3,328 classes, 16,867 blocked', () => source(lastZero(10)));
  yield pinned('B5', 'filesystem(18), optimal DPOR', '32 classes, 0 blocked', () => optimal(fileSystem(18)));
  yield pinned('B5', 'indexer(13), optimal DPOR', '64 classes, 0 blocked', () => optimal(indexer(13)));
  const { miniVm } = subject;
  const small = { threads: 2, faults: 1 };
  yield pinned('B6', 'mini-VM 2 × 1 + daemon, brute force', '6,030 interleavings, 52 classes; optimal DPOR 52', () =>
    bruteAndOptimal(miniVm(small)),
  );
  for (const [threads, faults, classes] of /** @type {const} */ ([
    [2, 2, 3132],
    [3, 1, 2428],
    [2, 3, 54_974],
  ])) {
    if (quick && classes > 10_000) continue;
    const goal = `${count(classes)} classes, 0 blocked`;
    yield pinned('B6', `mini-VM ${threads} × ${faults} + daemon, optimal DPOR`, goal, () => optimal(miniVm({ threads, faults })));
  }
  for (const [threads, faults, goal] of /** @type {const} */ ([
    [2, 1, '257 states, 6,030 interleavings'],
    [2, 2, '1,533 states, 4,554,118 interleavings'],
    [2, 3, '4,283 states, 792,160,474 interleavings'],
    [3, 1, '1,597 states, 4,196,690 interleavings'],
    [3, 2, '22,071 states, 8,695,349,016,386 interleavings'],
  ])) {
    yield pinned('B6', `mini-VM ${threads} × ${faults} + daemon, state cache`, goal, () => states(miniVm({ threads, faults })));
  }
  const merged = '11,924 states, 18,018,526,790 interleavings';
  yield pinned('B6', 'mini-VM 3 × 2 + daemon, state cache, visible steps', merged, () =>
    states(miniVm({ threads: 3, faults: 2 }), false),
  );
}
