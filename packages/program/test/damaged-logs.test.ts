import { readFileSync } from 'node:fs';
import { FormatError } from '@faultline/formats';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type RunResult, runProgram, type StraceProgramOptions, straceProgram } from '../src/index.js';

/** The same damage each time, unless the environment asks for more of it, or other: `FAULTLINE_SEQUENCES=1000 FAULTLINE_SEED=7`. */
const PROPERTY = {
  numRuns: Math.max(12, fromEnvironment('FAULTLINE_SEQUENCES') ?? 0),
};

function fromEnvironment(variable: string): number | undefined {
  const text = process.env[variable];
  return text === undefined ? undefined : Number.parseInt(text, 10);
}

/** What damages a log: each kind is made of a line, and of others of the log. */
const DAMAGE = {
  lost: () => [],
  doubled: (line) => [line, line],
  swapped: (line, { other }) => [other, line],
  cut: (line, { at }) => [line.slice(0, at % (line.length + 1))],
  joined: (line, { other }) => [line + other],
  garbled: (line, { at, number }) => [replaceAt(line, at % (line.length + 1), String.fromCharCode(32 + (number % 95)))],
  renumbered: (line, { at, number }) => [replaceNth(line, /\b\d+\b/g, at, String(number))],
  moved: (line, { at, number }) => [replaceNth(line, /0x[0-9a-f]+/g, at, `0x${(BigInt(number) * 4096n).toString(16)}`)],
  shifted: (line, { at, number }) => [shiftAddress(line, at, number % 16)],
} satisfies Record<string, (line: string, chance: Chance) => readonly string[]>;

interface Chance {
  readonly at: number;
  readonly number: number;
  readonly other: string;
}

function replaceAt(line: string, at: number, text: string): string {
  return line.slice(0, at) + text + line.slice(at + 1);
}

function replaceNth(line: string, pattern: RegExp, at: number, text: string): string {
  const matches = [...line.matchAll(pattern)];
  const match = matches[at % Math.max(matches.length, 1)];
  return match === undefined ? line : line.slice(0, match.index) + text + line.slice(match.index + match[0].length);
}

function shiftAddress(line: string, at: number, pages: number): string {
  const addresses = [...line.matchAll(/0x[0-9a-f]+/g)];
  const [address = '0x0'] = addresses[at % Math.max(addresses.length, 1)] ?? [];
  return line.replace(address, `0x${(BigInt(address) + BigInt(pages) * 4096n).toString(16)}`);
}

const kinds = fc.constantFrom(...(Object.keys(DAMAGE) as (keyof typeof DAMAGE)[]));
const blow = fc.record({
  kind: kinds,
  /** Where in the log, in the line, and in the log again, for kinds that take another line. */
  where: fc.nat(),
  at: fc.nat(1000),
  from: fc.nat(),
  number: fc.oneof(fc.nat(9), fc.nat(100_000), fc.maxSafeNat()),
});

/** The log, damaged in many places, and cut off somewhere or not. */
function damage(lines: readonly string[], blows: readonly (typeof blow extends fc.Arbitrary<infer B> ? B : never)[]): string {
  const damaged = lines.map((line): readonly string[] => [line]);
  for (const { kind, where, at, from, number } of blows) {
    const place = where % lines.length;
    const other = lines[from % lines.length] ?? '';
    damaged[place] = (damaged[place] ?? []).flatMap((line) => DAMAGE[kind](line, { at, number, other }));
  }
  return damaged.flat().join('\n');
}

function run(text: string, options: StraceProgramOptions): RunResult {
  return runProgram(straceProgram({ name: 'damaged.strace', pieces: () => [text] }, options), {
    machine: { ramPages: 2048 },
    audit: 'end',
  });
}

describe.each(['pipeline', 'allocate', 'compile'])('the log %s, damaged', (name) => {
  const lines = readFileSync(new URL(`../../../examples/strace/${name}.strace`, import.meta.url), 'utf8').split('\n');
  const text = fc
    .tuple(fc.array(blow, { minLength: 1, maxLength: 60 }), fc.option(fc.nat(lines.length), { freq: 3 }))
    .map(([blows, length]) => damage(lines.slice(0, length ?? lines.length), blows));

  it('neither crashes the kernel nor leaks', () => {
    fc.assert(
      fc.property(text, (log) => {
        const { end, violations, leaks } = run(log, { badLines: 'skip' });
        expect({ end, violations, leaks }).toEqual({ end: { kind: 'done' }, violations: [], leaks: [] });
      }),
      PROPERTY,
    );
  });

  it('is run to its end, or refused with the line that is no strace line', () => {
    fc.assert(
      fc.property(text, (log) => {
        try {
          expect(run(log, {}).end).toEqual({ kind: 'done' });
        } catch (error) {
          expect(error).toBeInstanceOf(FormatError);
          expect(String(error)).toMatch(/damaged\.strace:\d+:\d+: expected .+, found /s);
        }
      }),
      PROPERTY,
    );
  });
});
