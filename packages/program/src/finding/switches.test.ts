import { type Failure, followLabels } from '@faultline/explorer';
import { PAGE_SIZE } from '@faultline/kernel';
import { expect, it } from 'vitest';
import { CheckFailed, defineProgram, type FindingFile, makeFinding, programModel } from '../index.js';

const X = 0x100000;

const failure: Failure = { kind: 'check', signature: 'check: x', message: 'x', frames: [], lwp: '', violations: [] };

/** A program that complains when it is alone where it has unmapped what the other thread has mapped: a matter of who comes first. */
const program = defineProgram({
  name: 'two.ts',
  machine: { ramPages: 32 },
  *main(user) {
    yield* user.lwpCreate(function* (other) {
      yield* other.mmap(X, PAGE_SIZE, 3, 0x1012);
    });
    yield* user.mmap(X + PAGE_SIZE, PAGE_SIZE, 3, 0x1012);
    if ((yield* user.munmap(X, PAGE_SIZE)) === 0 && user.process.lwps.length === 1) throw new CheckFailed('it is alone');
  },
});

it('a switch between two threads is found again by its place', () => {
  const model = programModel(program);
  const failing: FindingFile[] = [];
  for (let step = 1; step < 80 && failing.length === 0; step++) {
    const schedule = { switches: [{ step, to: 2 }], choices: [], expiries: [] };
    try {
      failing.push(
        makeFinding({
          model,
          found: { schedule, preemptions: 1, steps: 100, failure },
          program: { kind: 'module', path: program.name, digest: '' },
          patches: [],
          version: '0.1.0',
        }),
      );
    } catch {
      // Nothing goes wrong there.
    }
  }
  const [found] = failing;
  if (found === undefined || found.failure.kind !== 'check') throw new Error('nothing was found');
  const { outcome, deviations } = followLabels(model, found.decisions);
  expect([outcome.failure?.signature, deviations]).toEqual([found.failure.signature, []]);
});
