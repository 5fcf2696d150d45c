import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { formatSyz, formatSyzCall } from './format.js';
import { parseSyz } from './parse.js';
import { MAX_SYZ_NESTING } from './parse-arg.js';
import {
  PLAIN_CALL,
  SYZ_ADDRESS_BASE,
  type SyzArg,
  type SyzCall,
  type SyzCallProps,
  type SyzOptionValue,
  type SyzProgram,
} from './program.js';

const uint64 = fc.bigInt({ min: 0n, max: 2n ** 64n - 1n });
const word = fc.stringMatching(/^[a-z_][a-z0-9_]{0,8}$/);
const comment = fc.stringMatching(/^[^\s{][^\n\r]{0,20}$/).map((line) => line.trim());

const data: fc.Arbitrary<SyzArg> = fc.oneof(
  fc.record({
    kind: fc.constant('data' as const),
    form: fc.constantFrom('text' as const, 'hex' as const),
    bytes: fc.uint8Array({ maxLength: 24 }),
    size: fc.option(uint64, { nil: undefined }),
  }),
  fc.record({
    kind: fc.constant('data' as const),
    form: fc.constant('compressed' as const),
    bytes: fc.uint8Array({ maxLength: 24 }),
    size: fc.constant(undefined),
  }),
);

/** Arguments that use the variable r0, which the programs below set first. */
const { arg } = fc.letrec<{ arg: SyzArg; plain: SyzArg }>((tie) => ({
  arg: fc.oneof(
    { depthSize: 'small' },
    { weight: 5, arbitrary: tie('plain') },
    fc.record({ kind: fc.constant('declare' as const), name: fc.nat(20).map((n) => `r${n}`), value: tie('plain') }),
  ),
  plain: fc.oneof(
    { depthSize: 'small' },
    fc.constantFrom<SyzArg>({ kind: 'nil' }, { kind: 'auto' }),
    fc.record({ kind: fc.constant('const' as const), value: uint64 }),
    fc.record({ kind: fc.constant('result' as const), name: fc.constant('r0'), div: uint64, add: uint64 }),
    data,
    fc
      .record({
        kind: fc.constant('pointer' as const),
        address: fc.option(fc.bigInt({ min: SYZ_ADDRESS_BASE, max: 2n ** 64n - 1n }), { nil: 'auto' as const }),
        size: fc.option(uint64, { nil: undefined }),
        any: fc.boolean(),
        pointee: fc.option(tie('arg'), { nil: undefined }),
      })
      .map((pointer) => ({
        ...pointer,
        size: pointer.address === 'auto' ? undefined : pointer.size,
        any: pointer.any && pointer.pointee !== undefined,
      })),
    fc.record({ kind: fc.constant('struct' as const), fields: fc.array(tie('arg'), { maxLength: 4 }) }),
    fc.record({ kind: fc.constant('array' as const), items: fc.array(tie('arg'), { maxLength: 4 }) }),
    fc.record({ kind: fc.constant('union' as const), option: word, value: fc.option(tie('arg'), { nil: undefined }) }),
  ),
}));

const props: fc.Arbitrary<SyzCallProps> = fc.record({
  async: fc.boolean(),
  failNth: fc.nat(0x7fffffff),
  rerun: fc.nat(0x7fffffff),
});

const call: fc.Arbitrary<SyzCall> = fc.record({
  line: fc.constant(0),
  comments: fc.array(comment, { maxLength: 2 }),
  result: fc.option(
    fc.nat(20).map((n) => `r${n}`),
    { nil: undefined },
  ),
  name: word,
  variant: fc.option(word, { nil: undefined }),
  args: fc.array(arg, { maxLength: 5 }),
  props,
  remark: fc.option(comment, { nil: undefined }),
});

const optionValue: fc.Arbitrary<SyzOptionValue> = fc.oneof(fc.boolean(), fc.nat(), fc.string());

const program: fc.Arbitrary<SyzProgram> = fc.record({
  options: fc.array(fc.tuple(fc.string(), optionValue), { maxLength: 4 }).map((entries) => new Map(entries)),
  comments: fc.array(comment, { maxLength: 2 }),
  calls: fc
    .array(call, { maxLength: 4 })
    .map((calls) => [
      { line: 0, comments: [], result: 'r0', name: 'f', variant: undefined, args: [], props: PLAIN_CALL, remark: undefined },
      ...calls,
    ]),
  trailingComments: fc.array(comment, { maxLength: 2 }),
});

/** A program without the numbers of its lines, which depend on how it was laid out. */
function withoutLines({ calls, ...rest }: SyzProgram): SyzProgram {
  return { ...rest, calls: calls.map((each) => ({ ...each, line: 0 })) };
}

describe('formatSyz', () => {
  it('prints what parseSyz reads back as the same program', () => {
    fc.assert(
      fc.property(program, (original) => {
        expect(withoutLines(parseSyz(formatSyz(original)))).toEqual(original);
      }),
      { numRuns: 1000 },
    );
  });

  it('prints a program in syzkaller’s own form', () => {
    const source = [
      '#{"threaded":true,"procs":1}',
      '# a header',
      '',
      "r0 = openat(0xffffffffffffff9c, &AUTO='./f\\x00', 0x42, 0x1ff)",
      'pipe(&(0x7f0000000000)={<r1=>0xffffffffffffffff, <r2=>0xffffffffffffffff})',
      '# a remark above',
      'mmap$x(&(0x7f0000fff000/0x3000)=nil, 0x3000, 0x3, 0x32, r0, 0x0) (fail_nth: 5, async) # ENOMEM',
      'write(r1, &(0x7f0000000040)=ANY=[@ANYBLOB="00ff", @ANYRES32=r2/2+4, @empty], AUTO)',
      'read(r1, &(0x7f0000001000)=""/4096, 0x1000)',
      '',
    ].join('\n');
    expect(formatSyz(parseSyz(source))).toBe(source);
  });

  it('makes old and loose spellings canonical', () => {
    const loose = 'r0=f( 12,-1 , 0X10, \'a\\x0a\' ,"AB"/0x10,&( 0x7f0000001000+0x1000 / 0x1000 ) = nil ,) (rerun:0)';
    expect(formatSyz(parseSyz(loose))).toBe(
      'r0 = f(0xc, 0xffffffffffffffff, 0x10, \'a\\n\', "ab"/16, &(0x7f0000002000/0x1000)=nil)\n',
    );
  });

  it('prints nothing for an empty program', () => {
    expect(formatSyz(parseSyz(''))).toBe('');
  });

  it('refuses arguments that parseSyz would refuse for their depth, instead of overflowing the stack', () => {
    let deep: SyzArg = { kind: 'nil' };
    for (let i = 1; i < MAX_SYZ_NESTING; i++) deep = { kind: 'array', items: [deep] };
    const around = (item: SyzArg) => formatSyzCall({ ...parseSyz('f()').calls[0], args: [item] } as SyzCall);
    expect(parseSyz(around(deep)).calls[0]?.args).toEqual([deep]);
    for (let i = 0; i < 100_000; i++) deep = { kind: 'array', items: [deep] };
    expect(() => around(deep)).toThrow(/nested deeper than 256/);
  });
});
