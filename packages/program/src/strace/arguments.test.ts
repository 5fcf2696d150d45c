import { describe, expect, it } from 'vitest';
import { loggedCall } from '../../test/strace-log.js';
import { addressText, baseName, bitsOf, int, type Outcome, pathOf, word } from './arguments.js';

const argument = (text: string) => loggedCall(`f(${text}) = 0`).args[0];
const outcome = (text: string): Outcome => loggedCall(`f() = ${text}`).outcome;

describe('the outcome of a call', () => {
  it.each<[string, Outcome]>([
    ['0', { kind: 'success', value: 0 }],
    ['0x7f0000001000', { kind: 'success', value: 0x7f0000001000 }],
    ['7</lib/x>', { kind: 'success', value: 7 }],
    ['-1 ENOMEM (Cannot allocate memory)', { kind: 'failure', errno: 'ENOMEM' }],
    ['-1', { kind: 'failure', errno: 'an error' }],
    ['? ERESTARTSYS (To be restarted)', { kind: 'unknown' }],
    ['?', { kind: 'unknown' }],
    // The highest page, as a word below zero; and what is no word of 64 bits.
    ['0xfffffffffffff000', { kind: 'success', value: -4096 }],
    ['0x1ffffffffffffffff', { kind: 'unknown' }],
  ])('%s', (text, expected) => expect(outcome(text)).toEqual(expected));
});

describe('a word', () => {
  it.each<[string, number | undefined]>([
    ['4096', 4096],
    ['NULL', 0],
    ['18446744073709551615', -1],
    ['9223372036854775808', -(2 ** 63)],
    ['-4096', -4096],
    ['18446744073709551616', undefined],
    ['length=512', 512],
    ['PROT_READ|PROT_WRITE', 3],
    ['PROT_READ|PROT_NONSENSE', undefined],
    ['"text"', undefined],
    ['[1]', undefined],
  ])('of %s', (text, expected) => expect(word(argument(text))).toBe(expected));

  it('is undefined for an argument that is not there', () => expect(word(undefined)).toBeUndefined());

  it('is a C int where a descriptor is asked for, whose -1 strace may show without its sign', () => {
    expect(int(argument('0xffffffff'))).toBe(-1);
    expect(int(argument('-1'))).toBe(-1);
    expect(int(argument('3'))).toBe(3);
    expect(int(argument('"3"'))).toBeUndefined();
  });
});

describe('a set of flags', () => {
  it.each<[string, number, string[]]>([
    ['PROT_NONE', 0, []],
    ['PROT_READ|PROT_WRITE', 3, []],
    ['MAP_PRIVATE|0x20', 0x22, []],
    ['0x22', 0x22, []],
    ['flags=CLONE_VM|CLONE_FILES', 0x500, []],
    // A flag of more than 32 bits, and one whose bits contain another's.
    ['CLONE_INTO_CGROUP|CLONE_IO', 0x280000000, []],
    ['O_SYNC|O_DSYNC', 0o4010000, []],
    ['MAP_PRIVATE|MAP_NONSENSE', 2, ['MAP_NONSENSE']],
    ['MAP_PRIVATE|21<<MAP_HUGE_SHIFT', 2, ['21<<MAP_HUGE_SHIFT']],
    ['"text"', 0, ['string']],
  ])('of %s', (text, bits, unknown) => expect(bitsOf(argument(text))).toEqual({ bits, unknown }));

  it('has something unknown when the argument is not there', () => {
    expect(bitsOf(undefined)).toEqual({ bits: 0, unknown: ['nothing'] });
  });
});

describe('a path', () => {
  it('is text of UTF-8, and nothing else is a path', () => {
    expect(pathOf(argument('"/tmp/\\303\\244"'))).toBe('/tmp/ä');
    expect(pathOf(argument('0x7ffe00001000'))).toBeUndefined();
  });

  it('has a last part, also when it is the root', () => {
    expect(['/bin/ls', 'ls', '/'].map(baseName)).toEqual(['ls', 'ls', '/']);
  });
});

it('writes addresses as people read them', () => {
  expect([0x1000, 0, -4096].map(addressText)).toEqual(['0x1000', '0x0', '-4096']);
});
