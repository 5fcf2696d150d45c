/** What a program was told is durable is in the host's file, also when the host's process is killed right after. */
import { type ChildProcess, spawn } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { PAGE_SIZE } from '@faultline/kernel';
import { describe, expect, it } from 'vitest';
import { bundled, packageDir } from './child.js';
import { mix, PAGES, recordOf } from './crash-plan.mjs';
import { temporaryDir } from './temporary.js';

const { file, fresh } = temporaryDir();
const KILLS = 100;
/** Processes that are at work, and killed, at the same time, each on a file of its own. */
const AT_ONCE = 2;
/** It is killed so many milliseconds at most after it has said something for the first time. */
const LATEST = 16;
/** `FAULTLINE_SEED` has it kill at other moments, and write other records. */
const SEED = Number(process.env['FAULTLINE_SEED'] ?? 1);

/** A file, and for each of its pages the numbers that may be in it. */
class Records {
  readonly path = file(new Uint8Array(PAGES * PAGE_SIZE));
  readonly seed: number;
  /** The record that the next process begins with. */
  next = 1;
  readonly #allowed: number[][] = Array.from({ length: PAGES }, () => [0]);

  constructor(seed: number) {
    this.seed = seed;
  }

  /** The process was killed after it had said that all records up to this one are durable. The one behind may be on its way. */
  killedAfter(last: number): void {
    for (let number = this.next; number <= last; number++) this.#each(number, (page) => this.#allowed.splice(page, 1, [number]));
    this.#each(last + 1, (page) => this.#allowed[page]?.push(last + 1));
    this.next = last + 2;
  }

  /** Expects that the file has what it must have. */
  expectDurable(when: string): void {
    const bytes = readFileSync(this.path);
    expect(bytes.length).toBe(PAGES * PAGE_SIZE);
    for (const [page, allowed] of this.#allowed.entries()) {
      const numbers = new Set(Array.from({ length: PAGE_SIZE / 4 }, (_, i) => bytes.readUInt32LE(page * PAGE_SIZE + 4 * i)));
      const [number = -1] = numbers;
      expect(numbers.size, `${when}: numbers in page ${page}`).toBe(1);
      expect(allowed, `${when}: page ${page}`).toContain(number);
    }
  }

  #each(number: number, job: (page: number) => void): void {
    const { first, count } = recordOf(this.seed, number);
    for (let page = first; page < first + count; page++) job(page);
  }
}

/** Runs a process until it has said that something is durable, and for some time more; answers the number that it said last. */
async function killedAfter(script: string, records: Records, milliseconds: number): Promise<number> {
  const args = [script, records.path, String(records.seed), String(records.next)];
  const child: ChildProcess = spawn(process.execPath, args, { cwd: packageDir, stdio: ['ignore', 'pipe', 'inherit'] });
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
  it(`is in the file of the host after each of ${KILLS} kills (seed ${SEED})`, { timeout: 300_000 }, async () => {
    const script = `${fresh()}.mjs`;
    writeFileSync(script, await bundled('crash-writer.mjs'));
    let kills = 0;
    let records = 0;
    const chain = async (seed: number): Promise<void> => {
      const file = new Records(seed);
      while (kills < KILLS) {
        const kill = kills++;
        const last = await killedAfter(script, file, mix(SEED, kill) % LATEST);
        expect(last).toBeGreaterThanOrEqual(file.next);
        records += last - file.next + 1;
        file.killedAfter(last);
        file.expectDurable(`seed ${SEED}, kill ${kill}`);
      }
    };
    await Promise.all(Array.from({ length: AT_ONCE }, (_, i) => chain(SEED * AT_ONCE + i)));
    expect(records, 'records that were said to be durable').toBeGreaterThanOrEqual(KILLS);
  });
});
