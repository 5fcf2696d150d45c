import { definePatch, MAP_ANON, MAP_PRIVATE, PROT_READ, PROT_WRITE } from '@faultline/kernel';
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

describe('an explanation of what was false in the middle of a call only', () => {
  it('says so, and what the call did', () => {
    const breaks = definePatch({
      id: 'breaks',
      summary: 'sys_munlock() comes upon a page that is gone',
      replace: {
        sys: {
          sysMunlock: (original) =>
            function* (...args) {
              this.kern.broken('device-page', 'page 3 is gone');
              return yield* original.apply(this, args);
            },
        },
      },
    });
    const options: RunOptions = { ...OPTIONS, patches: [breaks] };
    const program = unlocking(() => 4096);
    const result = runProgram(program, options);
    expect(result.firstViolation).toMatchObject({ call: { name: 'munlock' }, within: true });
    expect(result.end, 'the run goes on').toEqual({ kind: 'done' });
    const explanation = explain(program, options, result);
    const text = explanation === null ? '' : explanationText(result, explanation).join('\n');
    expect(text).toMatch(/^FOUND {3}broken invariant \[device-page\]/);
    expect(text).toMatch(/call 2 of 2, munlock\(.*\n {2}While it was under way, it was false that\n/);
    expect(text).toContain('  page 3 is gone.');
  });
});

describe('an explanation of a program that waits for memory for ever', () => {
  it('says that RAM is full, and what to do', () => {
    const program = defineProgram({
      machine: { ramPages: 64 },
      *main(user) {
        // Memory that cannot go anywhere, since there is no swap. A fork copies what is wired at once, and waits for pages to copy to.
        const own = yield* user.mmap(0, 59 * 4096, PROT_READ | PROT_WRITE, MAP_ANON | MAP_PRIVATE);
        for (let i = 0; i < 59; i++) yield* user.store8(own + i * 4096, 1);
        yield* user.mlock(own, 4096);
        yield* user.fork();
      },
    });
    const result = runProgram(program);
    const explanation = explain(program, {}, result);
    expect(explanation === null ? [] : explanationText(result, explanation)).toContain(
      '  RAM is full: 5 of 64 pages are free, which are kept for the kernel, and the page daemon finds none to take back.',
    );
  });
});
