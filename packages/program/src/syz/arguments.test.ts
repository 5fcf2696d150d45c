import { parseSyz, type SyzArg } from '@faultline/formats';
import { describe, expect, it } from 'vitest';
import { evaluate, type Parameter, type Shape, type Variables } from './arguments.js';
import { BYTES, FD, INT, INT32, INT64, LONG, pointerTo, ROOM } from './call-type.js';
import { AutoAddresses } from './data-area.js';

/** The arguments of `call(…)`; before it there is a call that sets r0 to r9. */
function argsOf(text: string): readonly SyzArg[] {
  const variables = Array.from({ length: 10 }, (_, index) => `r${index} = getpid()`).join('\n');
  return parseSyz(`${variables}\ncall(${text})`).calls[10]?.args ?? [];
}

function evaluateText(parameters: readonly Parameter[], text: string, variables: Variables = new Map()) {
  const { words, stores, loads, cut } = evaluate(parameters, argsOf(text), variables, new AutoAddresses());
  return { words, stores: stores.map(({ address, bytes }) => `${address.toString(16)}: ${hex(bytes)}`), loads, cut };
}

function hex(bytes: Uint8Array): string {
  return [...bytes].map((byte) => byte.toString(16).padStart(2, '0')).join('');
}

describe('words', () => {
  it('a number is as wide as its parameter, and signed', () => {
    const { words } = evaluateText([INT, LONG, INT, LONG], '0xffffffff, 0xffffffff, 0x100000003, 0xfffffffffffff000');
    expect(words).toEqual([-1, 0xffffffff, 3, -0x1000]);
  });

  it('an argument that is absent is 0, and a descriptor -1', () => {
    expect(evaluateText([LONG, FD], '').words).toEqual([0, -1]);
  });

  it('a variable is divided first and added to then', () => {
    expect(evaluateText([LONG, LONG, LONG], 'r0, r0/3, r0/3+4', new Map([['r0', 100n]])).words).toEqual([100, 33, 37]);
  });

  it('a variable without a value is what its resource is by default', () => {
    expect(evaluateText([FD, LONG, FD], 'r0, r0, r0+2').words).toEqual([-1, 0, 1]);
  });

  it('a pointer of the text is an address in the data area, and a constant is what it is', () => {
    const { words } = evaluateText([LONG, BYTES, BYTES], '&(0x7f0000001000/0x1000)=nil, &(0x7f0000000000), 0x20ffc000');
    expect(words).toEqual([0x20001000, 0x20000000, 0x20ffc000]);
  });

  it('AUTO is the length of what the argument before points to; of an array, how many it has', () => {
    const array = pointerTo({ kind: 'array', of: INT64 });
    const text = "&(0x7f0000000000)='abc', AUTO, &(0x7f0000000040)=[0x1, 0x2], AUTO, &(0x7f0000001000/0x3000)=nil, AUTO";
    expect(evaluateText([BYTES, LONG, array, LONG, LONG, LONG], text).words.filter((_, i) => i % 2 === 1)).toEqual([
      3, 2, 0x3000,
    ]);
  });
});

describe('stores', () => {
  const pair: Shape = { kind: 'struct', fields: [INT32, INT64] };

  it.each([
    ['text', BYTES, "&(0x7f0000000010)='ab\\x00'", '20000010: 616200'],
    ['hexadecimal digits, with zeros behind', BYTES, '&(0x7f0000000010)="ff"/3', '20000010: ff0000'],
    ['data that is cut off', BYTES, '&(0x7f0000000010)="aabbcc"/2', '20000010: aabb'],
    ['compressed data', BYTES, '&(0x7f0000000010)="$eJxLTEpOAQAD2AGL"', '20000010: 61626364'],
    [
      'fields, each as wide as the call has it',
      pointerTo(pair),
      '&(0x7f0000000000)={0x1, 0x2}',
      '20000000: 010000000200000000000000',
    ],
    ['fields that are absent, by their defaults', pointerTo(pair), '&(0x7f0000000000)={}', '20000000: ffffffff0000000000000000'],
    ['a union as its option', pointerTo(INT64), '&(0x7f0000000000)=@fd=0x7', '20000000: 0700000000000000'],
    ['what AUTO places, in a part that others seldom use', BYTES, '&AUTO="01"', '20f00000: 01'],
  ])('%s', (_what, parameter, text, stored) => {
    expect(evaluateText([parameter], text).stores).toEqual([stored]);
  });

  it('a blob that is marked ANY says itself how wide its variables are', () => {
    const text = '&(0x7f0000000000)=ANY=[@ANYBLOB="aabb", @ANYRES16=r0, @ANYRES32=r0, @ANYRES64=r0, @ANYRESHEX=r0]';
    const { stores } = evaluateText([ROOM], text, new Map([['r0', 0x1234n]]));
    const digits = hex(Uint8Array.from('0x0000000000001234', (digit) => digit.charCodeAt(0)));
    expect(stores).toEqual([`20000000: aabb3412341200003412000000000000${digits}`]);
  });

  it('what a pointer in memory leads to is stored too, before what it lies in', () => {
    const vector = pointerTo({
      kind: 'array',
      of: { kind: 'struct', fields: [{ kind: 'pointer', to: { kind: 'bytes' } }, INT64] },
    });
    expect(evaluateText([vector], '&(0x7f0000000000)=[{&(0x7f0000000100)="cc", AUTO}]').stores).toEqual([
      '20000100: cc',
      '20000000: 00010020000000000100000000000000',
    ]);
  });

  it('room for an answer is not stored to', () => {
    expect(evaluateText([ROOM], '&(0x7f0000000000)=""/4096')).toEqual({ words: [0x20000000], stores: [], loads: [], cut: false });
  });

  it('more than the data area holds is cut off, in one piece or in many', () => {
    for (const text of ['&(0x7f0000000000)="01"/1099511627776', '&(0x7f0000000000)=[""/16777215, "0102"]']) {
      const { stores, cut } = evaluate([BYTES], argsOf(text), new Map(), new AutoAddresses());
      expect([stores[0]?.bytes.length, cut]).toEqual([16 * 2 ** 20, true]);
    }
  });
});

it('a variable that is declared in memory is loaded from where it lies', () => {
  const ends = pointerTo({ kind: 'struct', fields: [INT32, INT32] });
  const { loads, stores } = evaluateText([ends], '&(0x7f0000000040)={<r10=>0xffffffffffffffff, <r11=>0x5}');
  expect(loads).toEqual([
    { variable: 'r10', address: 0x20000040, size: 4 },
    { variable: 'r11', address: 0x20000044, size: 4 },
  ]);
  expect(stores).toEqual(['20000040: ffffffff05000000']);
});
