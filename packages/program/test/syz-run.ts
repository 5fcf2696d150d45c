/** What tests of syzkaller programs start with: a program of a few lines, run on a small machine. */
import { parseSyz } from '@faultline/formats';
import { expect } from 'vitest';
import {
  callText,
  type RunOptions,
  type RunResult,
  resultText,
  runProgram,
  type SyzProgramOptions,
  syzProgram,
} from '../src/index.js';

/** Pages of RAM of a test machine: 4 MiB. */
const RAM_PAGES = 1024;

/** Runs a program to its end; checks the invariants after each call, and that nothing is left. */
export function runSyz(
  lines: readonly string[],
  { os, strict, ...options }: RunOptions & Partial<Pick<SyzProgramOptions, 'os' | 'strict'>> = {},
): RunResult {
  const how = { name: 'test.syz', ...(os !== undefined && { os }), ...(strict !== undefined && { strict }) };
  const program = syzProgram(parseSyz(lines.join('\n'), { file: 'test.syz' }), how);
  const result = runProgram(program, { machine: { ramPages: RAM_PAGES }, ...options });
  expect(result.end).toEqual({ kind: 'done' });
  expect(result.firstViolation).toBeNull();
  expect(result.violations).toEqual([]);
  expect(result.leaks).toEqual([]);
  return result;
}

/** The calls that were made but for the last exit, as `2.1 name(args) = result`; of the first process without the number of a thread. */
export function callsOf({ calls }: RunResult): string[] {
  const shown = calls.filter(({ name, pid }) => name !== 'exit' || pid !== 1);
  return shown.map((call) => `${call.pid === 1 ? '' : `${call.pid}.${call.lid} `}${callText(call)} = ${resultText(call.result)}`);
}
