import { formatSyz, parseSyz, SYZ_ADDRESS_BASE, type SyzArg, type SyzProgram } from '@faultline/formats';
import { PAGE_SIZE, SeededRandom } from '@faultline/kernel';
import { describe, expect, it } from 'vitest';
import { isClean, runProgram } from '../run.js';
import { callsOf } from './calls.js';
import { generateSyz } from './generate.js';
import { syzProgram } from './program.js';

const PROGRAMS = Array.from({ length: 400 }, (_, seed) => generateSyz(new SeededRandom(seed)));

/** The lengths that calls of a name are given. */
function lengthsIn(programs: readonly SyzProgram[], name: string): bigint[] {
  const calls = programs.flatMap((program) => program.calls).filter((call) => call.name === name);
  return calls.map(({ args: [, length] }) => (length?.kind === 'const' ? length.value : -1n));
}

const addressesOf = (args: readonly SyzArg[]): bigint[] =>
  args.flatMap((arg) => (arg.kind === 'pointer' && arg.address !== 'auto' ? [arg.address] : []));

describe('generated programs', () => {
  it('are the same for the same number, and others for another one', () => {
    const texts = [7, 7, 8].map((seed) => formatSyz(generateSyz(new SeededRandom(seed))));
    expect(texts[0]).toBe(texts[1]);
    expect(texts[0]).not.toBe(texts[2]);
  });

  it('are what the reader reads: text and tree are the same program', () => {
    for (const program of PROGRAMS) expect(parseSyz(formatSyz(program))).toEqual(program);
  });

  it('have only calls that there are, and no more than are wanted', () => {
    const known = callsOf('netbsd');
    for (const { calls } of PROGRAMS) {
      expect(calls.length).toBeGreaterThan(0);
      // A fork comes with the wait for the child.
      expect(calls.length).toBeLessThanOrEqual(17);
      for (const call of calls) expect(known.has(call.name), call.name).toBe(true);
    }
  });

  it('have all addresses in a few pages', () => {
    const pages = new Set(
      PROGRAMS.flatMap(({ calls }) => calls.flatMap((call) => addressesOf(call.args))).map(
        (address) => Number(address - SYZ_ADDRESS_BASE) / PAGE_SIZE,
      ),
    );
    expect([...pages].sort()).toEqual([0, 1, 2, 3]);
    const [two] = [generateSyz(new SeededRandom(1), { pages: 1, calls: 50 })];
    for (const { args } of two.calls) expect(addressesOf(args).every((address) => address === SYZ_ADDRESS_BASE)).toBe(true);
  });

  it('have lengths of none, of a part of a page, of pages, and such that wrap', () => {
    const lengths = lengthsIn(PROGRAMS, 'mlock');
    const page = BigInt(PAGE_SIZE);
    expect(lengths).toContain(0n);
    expect(lengths).toContain(page);
    expect(lengths.some((length) => length > 0n && length < page)).toBe(true);
    expect(lengths.some((length) => length >= 2n ** 63n)).toBe(true);
  });

  it('end well on a sound kernel', () => {
    for (const program of PROGRAMS) {
      const result = runProgram(syzProgram(program, { name: 'random.syz' }), { machine: { ramPages: 64 } });
      expect(isClean(result), formatSyz(program)).toBe(true);
    }
  });
});
