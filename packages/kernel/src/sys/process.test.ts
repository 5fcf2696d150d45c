import { describe, expect, it } from 'vitest';
import { act, bootProcess, expectNoLeak } from '../../test/harness.js';
import { LwpExit, type Process } from './process.js';

function twoThreads(): { process: Process; lids: readonly [Process['lwps'][0], Process['lwps'][0]] } {
  const { system, process } = bootProcess();
  act(system, process, (user) => user.lwpCreate());
  const [first, second] = process.lwps;
  if (first === undefined || second === undefined) throw new Error('there are no two threads');
  return { process, lids: [first, second] };
}

describe('the threads of a process', () => {
  it('stay as long as nothing is said', () => {
    const { process, lids } = twoThreads();
    expect(lids.map((lwp) => process.leaves(lwp))).toEqual([false, false]);
  });

  it('leave when it ends', () => {
    const { process, lids } = twoThreads();
    process.ending = { kind: 'exited', status: 0 };
    expect(lids.map((lwp) => process.leaves(lwp))).toEqual([true, true]);
  });

  it('leave but for one while that one replaces the program', () => {
    const { process, lids } = twoThreads();
    process.survivor = lids[1];
    expect(lids.map((lwp) => process.leaves(lwp))).toEqual([true, false]);
  });
});

it('a thread that leaves unwinds its program, which can tidy up on the way', () => {
  const { system, process } = bootProcess();
  let error: unknown = null;
  system.perform(process, function* (user) {
    try {
      yield* user.exit(0);
    } catch (thrown) {
      error = thrown;
      throw thrown;
    }
  });
  expect(error).toBeInstanceOf(LwpExit);
  expectNoLeak(system);
});

it('a program that swallows its end has it come again at the next system call', () => {
  const { system, process } = bootProcess();
  const seen: string[] = [];
  system.perform(process, function* (user) {
    try {
      yield* user.exit(0);
    } catch {
      seen.push('swallowed');
    }
    yield* user.munmap(0x100000, 4096);
    seen.push('went on');
  });
  expect(seen).toEqual(['swallowed']);
  expect(process.zombie).toBe(true);
  expectNoLeak(system);
});
