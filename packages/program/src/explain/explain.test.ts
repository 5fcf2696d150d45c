import { definePatch, MAP_ANON, MAP_PRIVATE, MAP_SHARED, O_RDWR, PROT_READ, PROT_WRITE } from '@faultline/kernel';
import { describe, expect, it } from 'vitest';
import { defineProgram, explain, explanationText, type Program, type RunOptions, runProgram } from '../index.js';

/** munlock() panics. */
const noUnlock = definePatch({
  id: 'no-unlock',
  summary: 'sys_munlock() panics',
  replace: {
    sys: {
      sysMunlock: (original) =>
        function* (...args) {
          yield* original.apply(this, args);
          return this.kern.panic('no munlock');
        },
    },
  },
});

const OPTIONS: RunOptions = { patches: [noUnlock], machine: { ramPages: 64 } };

/** A program that unlocks, and before that does what its `variation` says in the run of that number. */
function unlocking(variation: (run: number) => number): Program {
  let run = 0;
  return defineProgram({
    *main(user) {
      const length = variation(run++);
      const at = yield* user.mmap(0, length, PROT_READ | PROT_WRITE, MAP_ANON | MAP_PRIVATE);
      yield* user.munlock(at, 4096);
    },
  });
}

function told(program: Program): string {
  const result = runProgram(program, OPTIONS);
  const explanation = explain(program, OPTIONS, result);
  return explanation === null ? '' : explanationText(result, explanation).join('\n');
}

describe('an explanation', () => {
  it('says of a program that does the same each time what the last call was', () => {
    const text = told(unlocking(() => 4096));
    expect(text).toMatch(/^FOUND {3}no munlock/);
    expect(text).toMatch(/call 2 {2}munlock\(0x[0-9a-f]+, 4096\)/);
    expect(text).not.toContain('cannot be explained further');
  });

  it('does not tell the calls of another run as those of the first', () => {
    const text = told(unlocking((run) => 4096 * (run + 1)));
    expect(text).toMatch(/^FOUND {3}no munlock/);
    expect(text).toMatch(
      /when it is run again:\n {2}call 1 was mmap\(0, 4096, .*\) = 0x\w+, and is mmap\(0, 8192, .*\) = 0x\w+\.\n/,
    );
    expect(text).not.toContain('What happened');
  });

  it('keeps what was found when the program throws the second time', () => {
    const text = told(
      unlocking((run) => {
        if (run > 0) throw new Error('not again');
        return 4096;
      }),
    );
    expect(text).toMatch(/^FOUND {3}no munlock/);
    expect(text).toMatch(/when it is run again:\n {2}it ends with an error: not again\.\n/);
  });
});

describe('an explanation of a program that waits for memory for ever', () => {
  it('says that RAM is full, and what to do', () => {
    const program = defineProgram({
      machine: { ramPages: 64 },
      files: { '/data': { size: 100 * 4096 } },
      *main(user) {
        const at = yield* user.mmap(0, 100 * 4096, PROT_READ, MAP_SHARED, yield* user.open('/data', O_RDWR));
        for (let i = 0; i < 100; i++) yield* user.load8(at + i * 4096);
      },
    });
    const result = runProgram(program);
    const explanation = explain(program, {}, result);
    expect(explanation === null ? [] : explanationText(result, explanation)).toContain(
      '  RAM is full: 5 of 64 pages are free, which are kept for the kernel. Nothing takes pages back from programs and',
    );
  });
});
