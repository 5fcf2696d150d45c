import { FormatError, parseSyz } from '@faultline/formats';
import { BUILD } from '@faultline/kernel';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { runProgram, type StrategySettings, syzProgram } from '../src/index.js';
import { randomSyz } from './syz-random.js';

/** In the direct build a thread cannot go on while one above it waits, so that calls beside each other may well be a deadlock. */
const PROGRAMS = randomSyz({ concurrent: BUILD !== 'direct' });

/** Enough for what the programs write: without a page daemon, who finds no room for a page of a file waits for ever. */
const RAM_PAGES = 4096;

const strategy: fc.Arbitrary<StrategySettings> = fc.oneof(
  fc.constant<StrategySettings>({ kind: 'run-to-block' }),
  fc.integer({ min: 1, max: 50 }).map((quantum): StrategySettings => ({ kind: 'round-robin', quantum })),
  fc.integer({ min: 0, max: 2 ** 31 }).map((seed): StrategySettings => ({ kind: 'random', seed })),
);

it('random programs come to their end, keep every invariant and leave nothing behind', () => {
  fc.assert(
    fc.property(PROGRAMS, fc.constantFrom('netbsd' as const, 'linux' as const), strategy, (text, os, decides) => {
      const program = syzProgram(parseSyz(text), { name: 'random.syz', os });
      const result = runProgram(program, { machine: { ramPages: RAM_PAGES }, strategy: decides });
      expect(result.end).toEqual({ kind: 'done' });
      expect(result.firstViolation).toBeNull();
      expect(result.violations).toEqual([]);
      expect(result.leaks).toEqual([]);
    }),
    { numRuns: 100 },
  );
});

it('text that is damaged is a format error or a program, and nothing else', () => {
  const damaged = fc
    .tuple(PROGRAMS, fc.nat(2000), fc.stringMatching(/^[ -~]{0,3}$/))
    .map(([text, at, insert]) => text.slice(0, at) + insert + text.slice(at + 1));
  fc.assert(
    fc.property(damaged, (text) => {
      try {
        const result = runProgram(syzProgram(parseSyz(text), { name: 'damaged.syz' }), { machine: { ramPages: RAM_PAGES } });
        expect(result.end).toEqual({ kind: 'done' });
      } catch (error) {
        if (!(error instanceof FormatError)) throw error;
      }
    }),
    { numRuns: 60 },
  );
});
