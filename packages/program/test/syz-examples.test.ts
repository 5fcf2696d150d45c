import { readdirSync, readFileSync } from 'node:fs';
import { parseSyz } from '@faultline/formats';
import { BUILD } from '@faultline/kernel';
import { describe, expect, it } from 'vitest';
import { isClean, type RunOptions, type RunResult, runProgram, syzProgram } from '../src/index.js';

const DIRECTORY = new URL('../../../examples/syz/', import.meta.url);
const EXAMPLES = readdirSync(DIRECTORY).filter((file) => file.endsWith('.syz'));

function runExample(file: string, options: RunOptions = {}): RunResult {
  const parsed = parseSyz(readFileSync(new URL(file, DIRECTORY), 'utf8'), { file });
  return runProgram(syzProgram(parsed, { name: file, strict: true }), options);
}

/** The answers of a process, in the order in which it got them. */
function answers({ calls }: RunResult, pid = 1): string[] {
  return calls.filter((call) => call.pid === pid).map(({ name, result }) => `${name} ${result}`);
}

describe('the examples', () => {
  it.each(EXAMPLES)('%s has only calls that Faultline has, and is clean', (file) => {
    const result = runExample(file);
    expect(result.end).toEqual({ kind: 'done' });
    expect(isClean(result)).toBe(true);
  });

  it('truncate-mapping.syz: data beyond the new end of the file is not stored', () => {
    const result = runExample('truncate-mapping.syz');
    expect(result.remarks).toEqual([
      'passed over a fault while the data of 1 call was being stored, as syz-executor does: pwrite (line 8)',
    ]);
    expect(answers(result)).toContain('pwrite -14');
  });

  it('fork-pipe.syz: parent and child both go on, and both read what one of them wrote', () => {
    const result = runExample('fork-pipe.syz');
    expect(answers(result, 1)).toContain('wait4 2');
    expect(answers(result, 2)).toEqual(['write 4', 'read 4', 'wait4 -10', 'munmap 0', 'exit null']);
  });

  it('fault-injection.syz: each fault that was ordered came', () => {
    const result = runExample('fault-injection.syz');
    expect(result.remarks).toEqual([]);
    expect(answers(result)).toEqual(expect.arrayContaining(['ftruncate -5', 'fsync -5', 'fsync 0']));
  });

  it('async-munmap.syz is clean however its threads are switched', () => {
    const outcomes = new Set<string>();
    for (let seed = 0; seed < 20; seed++) {
      const result = runExample('async-munmap.syz', {
        machine: { userSteps: true, ramPages: 1024 },
        strategy: { kind: 'random', seed },
      });
      expect(isClean(result), `seed ${seed}`).toBe(true);
      outcomes.add(answers(result).join(', '));
    }
    // In the direct build the async calls come last, in some order.
    expect(outcomes.size).toBeGreaterThan(BUILD !== 'direct' ? 5 : 1);
  });
});
