import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { type RunResult, runProgram, straceProgram } from '../src/index.js';

/** Runs a recorded log that is committed as an example. */
function runExample(name: string): RunResult {
  const text = readFileSync(new URL(`../../../examples/strace/${name}`, import.meta.url), 'utf8');
  return runProgram(straceProgram({ name, pieces: () => [text] }), { audit: 'end' });
}

const made = ({ counts }: RunResult, name: string) => counts.get(name)?.made ?? 0;

describe.each([
  // What the log was chosen to show.
  ['pipeline.strace', { fork: 3, wait4: 3, execve: 4 }],
  ['allocate.strace', { _lwp_create: 3, mremap: 22, madvise: 4, msync: 1, fork: 1 }],
  ['compile.strace', { __clone: 2, wait4: 2, execve: 3 }],
])('the log %s', (name, calls) => {
  const result = runExample(name);

  it('runs to its end with a clean audit, no reversal of locks and nothing left', () => {
    expect(result.end).toEqual({ kind: 'done' });
    expect(result.violations).toEqual([]);
    expect(result.leaks).toEqual([]);
    expect(result.reversals).toEqual([]);
    expect(result.console).toEqual([]);
    expect(result.system.sys.processes.size).toBe(0);
  });

  it('has every mapping where Linux had it, and every answer that Linux gave', () => {
    expect(result.calls.filter(({ differs }) => differs !== undefined)).toEqual([]);
    expect([...result.counts].filter(([, { failed }]) => failed > 0)).toEqual([]);
  });

  it('makes the calls that it is there for', () => {
    expect(Object.fromEntries(Object.keys(calls).map((call) => [call, made(result, call)]))).toEqual(calls);
  });

  it('leaves nothing out of which it does not say what it was', () => {
    const remarks = result.remarks.join('\n');
    for (const unexpected of [
      'could not be understood',
      'not modelled',
      'appear from nowhere',
      'alive',
      'cut off',
      'never come back',
    ]) {
      expect(remarks).not.toContain(unexpected);
    }
    expect(remarks).not.toContain('could not be touched');
  });
});
