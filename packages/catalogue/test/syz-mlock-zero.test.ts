import { readFileSync } from 'node:fs';
import { parseSyz } from '@faultline/formats';
import { isClean, runProgram, syzProgram } from '@faultline/program';
import { expect, it } from 'vitest';
import { defectsOf } from '../src/index.js';
import { mlockZero } from '../src/netbsd-2019-mlock-zero.js';

const EXAMPLE = new URL('../../../examples/syz/mlock-zero.syz', import.meta.url);
const program = syzProgram(parseSyz(readFileSync(EXAMPLE, 'utf8')), { name: 'mlock-zero.syz' });

it('the syzkaller program finds the defect of 2019: the same invariant is false after the empty mlock, the same panic follows', () => {
  const result = runProgram(program, { patches: defectsOf(mlockZero) });
  const { text, panic } = mlockZero.finds;
  expect(result.firstViolation?.call?.name).toBe('mlock');
  expect(result.firstViolation?.call?.args[1]).toBe(0);
  expect(result.firstViolation?.violations[0]?.invariant).toBe(text);
  expect(result.end).toMatchObject({ kind: 'panic', panic: { message: panic }, call: { name: 'munlock' } });
});

it('without the defect the syzkaller program is clean', () => {
  expect(isClean(runProgram(program))).toBe(true);
});
