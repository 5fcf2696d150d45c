/** Compares what the engines make of one program. */
import { StateHash, type Strategy } from '@faultline/kernel';
import { type BruteForceResult, exploreBruteForce } from '../../src/brute-force.js';
import { exploreOptimalDpor } from '../../src/dpor/optimal-dpor.js';
import type { SearchResult } from '../../src/dpor/search.js';
import { exploreSourceDpor } from '../../src/dpor/source-dpor.js';
import { exploreExhaustively } from '../../src/exhaustive.js';
import type { Model } from '../../src/model.js';
import { machineModel } from './machine.js';
import type { RandomProgram } from './program.js';

/** What came of comparing. */
export interface Comparison {
  /** Interleavings; null when there are too many for brute force. */
  readonly interleavings: number | null;
  readonly classes: number;
  readonly failures: number;
  readonly sleepBlocked: { readonly source: number; readonly optimal: number };
  readonly fallbacks: number;
  /** In what the engines differ, a sentence each. */
  readonly differences: readonly string[];
}

/** Explores a program with every engine. */
export function compare(program: RandomProgram, maxInterleavings: number): Comparison {
  const model = machineModel(program);
  const brute = exploreBruteForce(model, { maxExecutions: maxInterleavings });
  if (!brute.exhausted) {
    return {
      interleavings: null,
      classes: 0,
      failures: 0,
      sleepBlocked: { source: 0, optimal: 0 },
      fallbacks: 0,
      differences: [],
    };
  }
  const options = { maxExecutions: 4 * maxInterleavings, classes: true };
  const source = exploreSourceDpor(model, options);
  const optimal = exploreOptimalDpor(model, options);
  // Of a step that is reversed is not known whether it will end the run: some that it does are explored with more steps, and with fewer.
  const oncePerClass = !program.flat().some(([kind]) => kind === 'panic-if');
  return {
    interleavings: brute.executions,
    classes: brute.classes,
    failures: brute.outcomes.size,
    sleepBlocked: { source: source.sleepBlocked, optimal: optimal.sleepBlocked },
    fallbacks: source.fallbacks + optimal.fallbacks,
    differences: [
      ...versusBruteForce('source-DPOR', brute, source, oncePerClass),
      ...versusBruteForce('optimal DPOR', brute, optimal, oncePerClass),
      ...stateGraphVersusBruteForce(model, brute),
    ],
  };
}

function versusBruteForce(name: string, brute: BruteForceResult, other: SearchResult, oncePerClass: boolean): string[] {
  const differences = [
    ...setsDiffer(name, 'final states', brute.finalStates, other.finalStates),
    ...setsDiffer(name, 'classes', brute.classKeys, other.classKeys),
  ];
  if (!other.exhausted) differences.push(`${name} does not come to an end`);
  if (oncePerClass && other.executions !== brute.classes)
    differences.push(`${name} has ${other.executions} executions for ${brute.classes} classes`);
  return differences;
}

/** The state graph has one state for all failures of a kind, and ends where a ring closes: only where all is well are its ends comparable. */
function stateGraphVersusBruteForce(model: Model, brute: BruteForceResult): string[] {
  const ends = new Set<string>();
  const watched: Model = {
    name: model.name,
    boot(strategy: Strategy) {
      const instance = model.boot(strategy);
      return {
        kern: instance.kern,
        run() {
          instance.run();
          ends.add(digestOf(instance));
        },
        writeState: (writer) => instance.writeState(writer),
      };
    },
  };
  const result = exploreExhaustively(watched, { stopAfter: 'everything', maxFaults: 100, maxStates: 2 ** 13 });
  const kinds = new Set([...brute.outcomes.values()].map(({ failure }) => failure.kind));
  const found = new Set(result.failuresFound.map(({ kind }) => kind));
  const expected = new Set([...brute.finalStates].filter((state) => /^[0-9a-f]{16}$/.test(state)));
  const differences = setsDiffer('the state graph', 'final states', expected, ends);
  // After a ring has closed, others may still run into a panic; the state graph does not wait for that.
  if (!(kinds.has('deadlock') && kinds.has('panic')))
    differences.push(...setsDiffer('the state graph', 'failures', kinds, found));
  if (!result.exhausted) differences.push('the state graph does not come to an end');
  return differences;
}

function digestOf(instance: ReturnType<Model['boot']>): string {
  const hash = new StateHash();
  instance.writeState(hash);
  return hash.digest;
}

function setsDiffer<T>(name: string, what: string, expected: ReadonlySet<T>, found: ReadonlySet<T>): string[] {
  const missed = [...expected].filter((each) => !found.has(each));
  const invented = [...found].filter((each) => !expected.has(each));
  const differences: string[] = [];
  if (missed.length > 0)
    differences.push(`${name} misses ${missed.length} of ${expected.size} ${what}: ${missed.slice(0, 3).join(', ')}`);
  if (invented.length > 0)
    differences.push(`${name} has ${invented.length} ${what} that brute force has not: ${invented.slice(0, 3).join(', ')}`);
  return differences;
}
