import { MAP_ANON, MAP_PRIVATE, PROT_READ, PROT_WRITE, RunToBlock, StateText } from '@faultline/kernel';
import { describe, expect, it } from 'vitest';
import {
  CheckFailed,
  defineProgram,
  type FileContent,
  isClean,
  type ProgramDefinition,
  type ProgramInstance,
  programModel,
  runProgram,
} from './index.js';

const MACHINE = { ramPages: 64 };

/** A definition as plain JavaScript may give it. */
const unchecked = (definition: object) => defineProgram(definition as ProgramDefinition);

describe('a program that makes no sense', () => {
  it('is refused when there is nothing to run', () => {
    expect(() => unchecked({})).toThrow('main of a program is undefined, not a generator function; write *main(user) { … }');
    expect(() => unchecked({ *main() {}, others: { second: 3 } })).toThrow('second of a program is 3, not a generator function');
  });

  it.each([-1, 0.5, Number.NaN])('is refused when a file is to have %d bytes', (size) => {
    const files: Record<string, FileContent> = { '/a': { size } };
    const program = defineProgram({ machine: MACHINE, files, *main() {} });
    expect(() => runProgram(program)).toThrow(`the file /a has ${size} bytes; give a whole number from 0 up`);
  });

  it('is stopped at an argument that is no number', () => {
    const program = defineProgram({
      machine: MACHINE,
      *main(user) {
        yield* user.mlock({} as number, 4096);
      },
    });
    expect(() => runProgram(program)).toThrow('argument 1 of mlock is [object Object], not a number; a yield* may be missing');
  });
});

describe('a program that finds something wrong', () => {
  it('ends the run there, and what it says is a complaint', () => {
    const program = defineProgram({
      machine: MACHINE,
      *main(user) {
        if ((yield* user.munmap(1, 4096)) !== 0) throw new CheckFailed('munmap of a page that is not aligned fails');
      },
    });
    const result = runProgram(program);
    expect(result.end).toEqual({ kind: 'check', complaint: 'munmap of a page that is not aligned fails' });
    expect(result.complaints).toEqual(['munmap of a page that is not aligned fails']);
    expect(isClean(result)).toBe(false);
  });
});

describe('the counts of calls', () => {
  it('have those that never return', () => {
    const program = defineProgram({
      machine: MACHINE,
      *main(user) {
        yield* user.munmap(1, 4096);
        yield* user.exit(0);
      },
    });
    const { callCount, counts } = runProgram(program);
    expect(callCount).toBe(2);
    expect(Object.fromEntries(counts)).toEqual({ munmap: { made: 1, failed: 1 }, exit: { made: 1, failed: 0 } });
  });
});

describe('the model of a program', () => {
  it('boots where the execution before was, once nobody looks at that any more; nothing is left of it', () => {
    const model = programModel(
      defineProgram({
        machine: MACHINE,
        *main(user) {
          const at = yield* user.mmap(0, 4096, PROT_READ | PROT_WRITE, MAP_ANON | MAP_PRIVATE);
          yield* user.store32(at, 0x12345678);
        },
      }),
    );
    const ramOf = (instance: ProgramInstance) => instance.session.system.machine.ram.bytes;
    const first = model.boot(new RunToBlock());
    first.run();
    const second = model.boot(new RunToBlock());
    expect(ramOf(second).buffer).not.toBe(ramOf(first).buffer);
    expect(ramOf(first).some((byte) => byte !== 0)).toBe(true);
    first.discard?.();
    const third = model.boot(new RunToBlock());
    expect(ramOf(third).buffer).toBe(ramOf(first).buffer);
    expect(ramOf(third).every((byte) => byte === 0)).toBe(true);
    third.run();
    const texts = [second, third].map((instance) => {
      if (instance === second) instance.run();
      const text = new StateText();
      instance.writeState(text);
      return text.lines.join('\n');
    });
    expect(texts[1]).toBe(texts[0]);
  });
});
