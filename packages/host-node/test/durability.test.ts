/** What a program was told is durable is in the host's file, also when the host's process is killed right after. */
import { type ChildProcess, spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { PAGE_SIZE } from '@faultline/kernel';
import { describe, expect, it } from 'vitest';
import { nodeArguments, packageDir } from './child.js';
import { temporaryDir } from './temporary.js';

const { file } = temporaryDir();
const KILLS = 20;
const SLOTS = 16;

/** Runs the process until it has said that something is durable, and for some milliseconds more; answers the number that it said last. */
async function killedAfter(path: string, milliseconds: number): Promise<number> {
  const child: ChildProcess = spawn(process.execPath, [...nodeArguments('crash-writer.mjs'), path], {
    cwd: packageDir,
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let said = '';
  child.stdout?.setEncoding('latin1').on('data', (piece: string) => {
    if (said === '') setTimeout(() => child.kill('SIGKILL'), milliseconds);
    said += piece;
  });
  const signal = await new Promise((resolve) => child.on('close', (_, by) => resolve(by)));
  expect(signal, 'it ran until it was killed').toBe('SIGKILL');
  // A number whose line has no end was cut off.
  return Number(said.split('\n').at(-2));
}

describe('a record that msync or fsync has said is durable', () => {
  it(`is in the file of the host after ${KILLS} kills`, { timeout: 300_000 }, async () => {
    for (let kill = 0; kill < KILLS; kill++) {
      const path = file(new Uint8Array(SLOTS * PAGE_SIZE));
      const last = await killedAfter(path, kill * 3);
      expect(last).toBeGreaterThan(0);
      const bytes = readFileSync(path);
      expect(bytes.length).toBe(SLOTS * PAGE_SIZE);
      // The record behind the last one may be on its way; all others are as they were said to be.
      for (let record = Math.max(1, last + 2 - SLOTS); record <= last; record++) {
        const at = ((record - 1) % SLOTS) * PAGE_SIZE;
        const numbers = Array.from({ length: PAGE_SIZE / 4 }, (_, i) => bytes.readUInt32LE(at + 4 * i));
        expect([...new Set(numbers)], `record ${record} of ${last}, after kill ${kill}`).toEqual([record]);
      }
    }
  });
});
