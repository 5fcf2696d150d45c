import { formatSyz, parseSyz, type SyzCall, type SyzProgram } from '@faultline/formats';
import { describe, expect, it } from 'vitest';
import { shrinkSyz } from './shrink.js';

const PROGRAM = parseSyz(
  [
    '# a comment',
    'mmap(&(0x7f0000003000/0x3000)=nil, 0x3000, 0x3, 0x1012, 0xffffffffffffffff, 0x0)',
    'write(0xffffffffffffffff, &(0x7f0000003004)="0102030405", 0x5)',
    'munlockall() (rerun: 3)',
    'mlock(&(0x7f0000005000/0x2000)=nil, 0x0) (async, fail_nth: 2)',
    'munmap(&(0x7f0000008000/0x1000)=nil, 0x1000)',
    'munlock(&(0x7f0000005000/0x1000)=nil, 0x400)',
  ].join('\n'),
);

const named = ({ calls }: SyzProgram, name: string): SyzCall | undefined => calls.find((call) => call.name === name);
const argument = (call: SyzCall | undefined, at: number): bigint | null => {
  const arg = call?.args[at];
  return arg?.kind === 'const' ? arg.value : null;
};

const linesOf = (program: SyzProgram): string[] =>
  formatSyz({ ...program, comments: [] })
    .trimEnd()
    .split('\n');

describe('shrinking', () => {
  it('leaves the calls that matter, in the simplest form that fails', () => {
    const { program } = shrinkSyz(PROGRAM, (tried) => named(tried, 'mlock') !== undefined && named(tried, 'write') !== undefined);
    expect(linesOf(program)).toEqual(['write(0x0, &(0x7f0000000000)="01", 0x0)', 'mlock(&(0x7f0000001000/0x1000)=nil, 0x0)']);
  });

  it('keeps properties and arguments without which the program does not fail', () => {
    const { program } = shrinkSyz(PROGRAM, (tried) => {
      const flags = argument(named(tried, 'mmap'), 3) ?? 0n;
      return (flags & 0x1010n) === 0x1010n && named(tried, 'munlockall')?.props.rerun === 3;
    });
    expect(linesOf(program)).toEqual([
      'mmap(&(0x7f0000000000/0x1000)=nil, 0x0, 0x0, 0x1010, 0x0, 0x0)',
      'munlockall() (rerun: 3)',
    ]);
  });

  it('keeps two addresses in one page together, and those of different pages apart', () => {
    const apart = (tried: SyzProgram): boolean => {
      const text = formatSyz(tried);
      const at = (name: string) => new RegExp(`${name}\\([^&]*&\\(0x([0-9a-f]+)`).exec(text)?.[1] ?? name;
      return at('mlock') === at('munlock') && at('munmap').length > 6 && at('munmap') > at('mlock');
    };
    expect(linesOf(shrinkSyz(PROGRAM, apart).program)).toEqual([
      'mlock(&(0x7f0000000000/0x1000)=nil, 0x0)',
      'munmap(&(0x7f0000001000/0x1000)=nil, 0x0)',
      'munlock(&(0x7f0000000000/0x1000)=nil, 0x0)',
    ]);
  });

  it('gives back a program of which nothing can be left out, and tries none twice', () => {
    const tried: string[] = [];
    const result = shrinkSyz(PROGRAM, (program) => {
      tried.push(formatSyz(program));
      return false;
    });
    expect(result.program).toBe(PROGRAM);
    expect(result.tried).toBe(tried.length);
    expect(new Set(tried).size).toBe(tried.length);
  });

  it('leaves nothing of a program that fails whatever it does', () => {
    expect(shrinkSyz(PROGRAM, () => true).program.calls).toEqual([]);
  });
});
