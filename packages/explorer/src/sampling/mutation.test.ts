import { AtomicCell, type Kern, type Step, step } from '@faultline/kernel';
import { describe, expect, it } from 'vitest';
import type { Model } from '../model.js';
import { programModel, times } from '../models/program.js';
import type { EngineName } from './engine.js';
import { sample } from './sample.js';

/** A lock that opens when two threads have taken turns often enough in a row. */
function combination(turns: number): Model {
  return programModel('combination', (kern) => {
    const row = new AtomicCell('turns in a row', 0);
    return {
      bodies: [() => takeTurns(kern, row, turns, 0), () => takeTurns(kern, row, turns, 1)],
      writeState: (writer) => row.writeState(writer),
    };
  });
}

function* takeTurns(kern: Kern, row: AtomicCell, turns: number, parity: number): Step<void> {
  for (let i = 0; i < 4 * turns; i++) {
    yield* step(kern.scheduler, 'atomic', row);
    row.value = row.value % 2 === parity ? row.value + 1 : 0;
    kern.kassert(row.value < turns, 'turns in a row < limit');
  }
}

/** Executions up to the first failure, on average over some seeds. */
function mean(engine: EngineName): number {
  const counts = times(
    20,
    (seed) => sample(combination(14), { seed, budget: { executions: 3000 }, engines: [engine] }).executions,
  );
  return counts.reduce((sum, count) => sum + count, 0) / counts.length;
}

describe('mutation guided by coverage', () => {
  it('comes to what takes many lucky decisions in far fewer executions than a walk from the start', () => {
    expect(mean('mutation') * 3).toBeLessThan(mean('random'));
  });
});
