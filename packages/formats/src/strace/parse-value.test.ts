import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { MAX_STRACE_NESTING, ValueParser } from './parse-value.js';
import { exactValue, namedValue, type StraceNumber, type StraceValue, smallValue } from './value.js';

/** The values of an argument list. */
function values(text: string): readonly StraceValue[] | undefined {
  return new ValueParser(`${text})`, 0).list(')')?.items;
}

const decimal = (value: number | bigint): StraceValue => ({ kind: 'number', value, radix: 10 });
const hex = (value: number | bigint): StraceValue => ({ kind: 'number', value, radix: 16 });
const flags = (...names: string[]): StraceValue => ({ kind: 'flags', names, rest: [] });
const named = (name: string, value: StraceValue): StraceValue => ({ kind: 'named', name, value });
const opaque = (text: string): StraceValue => ({ kind: 'opaque', text });
const array = (...items: StraceValue[]): StraceValue => ({ kind: 'array', items, abbreviated: false });
const struct = (...fields: StraceValue[]): StraceValue => ({ kind: 'struct', fields, abbreviated: false });
const call = (name: string, ...args: StraceValue[]): StraceValue => ({ kind: 'call', name, args });
const string = (text: string, abbreviated = false): StraceValue => ({
  kind: 'string',
  bytes: Uint8Array.from(text, (character) => character.charCodeAt(0)),
  abbreviated,
});
const operation = (operator: string, ...operands: StraceValue[]): StraceValue => ({ kind: 'operation', operator, operands });

describe('a value', () => {
  it.each<[string, StraceValue]>([
    ['0', decimal(0)],
    ['-1', decimal(-1)],
    ['-0', decimal(0)],
    ['0x7f59ad067000', hex(0x7f59ad067000)],
    ['0xffffffffffffffff', hex(0xffffffffffffffffn)],
    ['18446744073709551615', decimal(18446744073709551615n)],
    ['9007199254740991', decimal(Number.MAX_SAFE_INTEGER)],
    ['9007199254740992', decimal(9007199254740992n)],
    ['-9223372036854775808', decimal(-(1n << 63n))],
    ['0666', { kind: 'number', value: 0o666, radix: 8 }],
    ['NULL', { kind: 'null' }],
    ['8192*1024', decimal(8_388_608)],
    ['1<<12', decimal(4096)],
    ['(1<<3)|0x1', decimal(9)],
    ['AT_FDCWD', flags('AT_FDCWD')],
    ['PROT_READ|PROT_WRITE', flags('PROT_READ', 'PROT_WRITE')],
    ['S_IFREG|0644', { kind: 'flags', names: ['S_IFREG'], rest: [{ kind: 'number', value: 0o644, radix: 8 }] }],
    [
      'MAP_HUGETLB|21<<MAP_HUGE_SHIFT',
      { kind: 'flags', names: ['MAP_HUGETLB'], rest: [operation('<<', decimal(21), flags('MAP_HUGE_SHIFT'))] },
    ],
    ['0x3 /* PROT_READ|PROT_WRITE */', { kind: 'number', value: 3, radix: 16, comment: 'PROT_READ|PROT_WRITE' }],
    ['0x7ffd79cd8c88 /* 35 vars */', { kind: 'number', value: 0x7ffd79cd8c88, radix: 16, comment: '35 vars' }],
    [
      'flags=0x1200000 /* CLONE_CHILD_CLEARTID|CLONE_CHILD_SETTID */|17 /* SIGCHLD */',
      named('flags', { kind: 'number', value: 0x1200011, radix: 16, comment: 'CLONE_CHILD_CLEARTID|CLONE_CHILD_SETTID|SIGCHLD' }),
    ],
    [
      'MAP_SHARED|0x80 /* MAP_??? */',
      {
        kind: 'flags',
        names: ['MAP_SHARED'],
        rest: [{ kind: 'number', value: 0x80, radix: 16, comment: 'MAP_???' }],
        comment: 'MAP_???',
      },
    ],
    ['3</etc/ld.so.cache>', { kind: 'number', value: 3, radix: 10, annotation: '/etc/ld.so.cache' }],
    ['3</dev/null<char 1:3>>', { kind: 'number', value: 3, radix: 10, annotation: '/dev/null<char 1:3>' }],
    [
      '5<TCP:[127.0.0.1:46677->127.0.0.1:52180]>',
      { kind: 'number', value: 5, radix: 10, annotation: 'TCP:[127.0.0.1:46677->127.0.0.1:52180]' },
    ],
    ['6</tmp/x>(deleted)', { kind: 'number', value: 6, radix: 10, annotation: '/tmp/x (deleted)' }],
    ['3<\\x2f\\x65\\74>', { kind: 'number', value: 3, radix: 10, annotation: '/e<' }],
    ['AT_FDCWD</usr/lib>', { kind: 'flags', names: ['AT_FDCWD'], rest: [], annotation: '/usr/lib' }],
    ['"a\\0\\1\\177\\377\\"\\\\\\n\\t9\\19\\0"', string('a\0\x01\x7f\xff"\\\n\t9\x019\0')],
    ['"\\x61\\x00\\xff"', string('a\0\xff')],
    ['"abc"...', string('abc', true)],
    ['""', string('')],
    ['"\u00e9"', string('\xc3\xa9')],
    ['@"/tmp/socket"', string('\0/tmp/socket')],
    ['[]', array()],
    ['[1, 0, 0, 0]', array(decimal(1), decimal(0), decimal(0), decimal(0))],
    ['["sh", "-c"]', array(string('sh'), string('-c'))],
    ['[1, ...]', { kind: 'array', items: [decimal(1)], abbreviated: true }],
    ['[RTMIN RT_1]', { kind: 'set', members: [flags('RTMIN'), flags('RT_1')], complement: false }],
    ['~[]', { kind: 'set', members: [], complement: true }],
    ['~[USR1 RTMIN RT_1]', { kind: 'set', members: [flags('USR1'), flags('RTMIN'), flags('RT_1')], complement: true }],
    ['[3 4]', { kind: 'set', members: [decimal(3), decimal(4)], complement: false }],
    ['[4096 => 16]', array({ kind: 'change', from: decimal(4096), to: decimal(16) })],
    ['{...}', { kind: 'struct', fields: [], abbreviated: true }],
    [
      '{st_mode=S_IFCHR|0666, st_rdev=makedev(0x1, 0x3), ...}',
      {
        kind: 'struct',
        fields: [
          named('st_mode', { kind: 'flags', names: ['S_IFCHR'], rest: [{ kind: 'number', value: 0o666, radix: 8 }] }),
          named('st_rdev', call('makedev', hex(1), hex(3))),
        ],
        abbreviated: true,
      },
    ],
    ['[{fd=3, events=POLLIN|POLLOUT}]', array(struct(named('fd', decimal(3)), named('events', flags('POLLIN', 'POLLOUT'))))],
    [
      '[{WIFEXITED(s) && WEXITSTATUS(s) == 0}]',
      array(struct(operation('&&', call('WIFEXITED', flags('s')), operation('==', call('WEXITSTATUS', flags('s')), decimal(0))))),
    ],
    [
      '{flags=CLONE_VM, stack_size=0x7fff80} => {parent_tid=[3525]}',
      {
        kind: 'change',
        from: struct(named('flags', flags('CLONE_VM')), named('stack_size', hex(0x7fff80))),
        to: struct(named('parent_tid', array(decimal(3525)))),
      },
    ],
    ['child_stack=NULL', named('child_stack', { kind: 'null' })],
    ['inet_pton(AF_INET6, "::1", &sin6_addr)', call('inet_pton', flags('AF_INET6'), string('::1'), flags('&sin6_addr'))],
    ['~O_CLOEXEC', operation('~', flags('O_CLOEXEC'))],
    ['SNDCTL_TMR_TIMEBASE or TCGETS', operation('or', flags('SNDCTL_TMR_TIMEBASE'), flags('TCGETS'))],
    [
      '{st_mtime=1794975537 /* 2026-11-18T04:18:57.925479166+0000 */, st_mtime_nsec=925479166}',
      struct(
        named('st_mtime', { kind: 'number', value: 1794975537, radix: 10, comment: '2026-11-18T04:18:57.925479166+0000' }),
        named('st_mtime_nsec', decimal(925479166)),
      ),
    ],
  ])('%s', (text, value) => {
    expect(values(text)).toEqual([value]);
  });

  it('that is not understood is opaque, and its neighbours are not', () => {
    expect(values('1, 2017/01/01-00:00:00, "x"')).toEqual([decimal(1), opaque('2017/01/01-00:00:00'), string('x')]);
    expect(values('{B38400 opost isig icanon echo ...}')).toEqual([struct(opaque('B38400 opost isig icanon echo ...'))]);
    expect(values('<... resuming interrupted read ...>')).toEqual([opaque('<... resuming interrupted read ...>')]);
    expect(values('[1, %$# (a, "b)"), 2]')).toEqual([array(decimal(1), opaque('%$# (a, "b)")'), decimal(2))]);
    expect(values('..., 1, 0x')).toEqual([opaque('...'), decimal(1), opaque('0x')].slice(1));
    expect(values('089, 0xzz, 1e5')).toEqual([opaque('089'), opaque('0xzz'), opaque('1e5')]);
  });

  it('is nothing when a quote or a bracket is never closed', () => {
    for (const text of ['"abc', '[1, 2', '{a=1', '1, f(2', 'a, "']) expect(values(text)).toBeUndefined();
  });

  it('may be nested so deep and no deeper: what is inside is opaque', () => {
    const nested = (depth: number) => '['.repeat(depth) + ']'.repeat(depth);
    expect(JSON.stringify(values(nested(MAX_STRACE_NESTING)))).not.toContain('opaque');
    expect(JSON.stringify(values(nested(MAX_STRACE_NESTING + 1)))).toContain('"kind":"opaque","text":"[]"');
    expect(JSON.stringify(values(nested(1_000_000)))).toContain('opaque');
    expect(values('['.repeat(1_000_000))).toBeUndefined();
  });

  it('costs time in proportion to its length, even when it is meant to cost more', () => {
    const LENGTH = 200_000;
    for (const part of ['A|', '3<,', '3<a>,', '1/*,', '",', 'a=', '~', '(', 'a(', '[(],', '1<<1|', '1==', '{a=[', '=>', '1 ']) {
      values(part.repeat(LENGTH));
    }
  }, 20_000);

  it('of a million digits is opaque, and shifts by millions are not done', () => {
    expect(values('9'.repeat(1_000_000))).toEqual([opaque('9'.repeat(1_000_000))]);
    expect(values('1<<99999999')).toEqual([operation('<<', decimal(1), decimal(99999999))]);
    expect(values(Array.from({ length: 64 }, () => '1<<127').join('*'))?.[0]?.kind).toBe('operation');
  });
});

/** The text that strace would print for a value. */
function print(value: StraceValue): string {
  switch (value.kind) {
    case 'number':
      return value.radix === 16 ? `0x${value.value.toString(16)}` : String(value.value);
    case 'null':
      return 'NULL';
    case 'flags':
      return [...value.names, ...value.rest.map(print)].join('|');
    case 'string':
      return `"${Array.from(value.bytes, (byte) => `\\x${byte.toString(16).padStart(2, '0')}`).join('')}"${value.abbreviated ? '...' : ''}`;
    case 'array':
      return `[${[...value.items.map(print), ...(value.abbreviated ? ['...'] : [])].join(', ')}]`;
    case 'set':
      return `${value.complement ? '~' : ''}[${value.members.map(print).join(' ')}]`;
    case 'struct':
      return `{${[...value.fields.map(print), ...(value.abbreviated ? ['...'] : [])].join(', ')}}`;
    case 'named':
      return `${value.name}=${print(value.value)}`;
    case 'call':
      return `${value.name}(${value.args.map(print).join(', ')})`;
    case 'operation':
      return value.operands.map(print).join(` ${value.operator} `);
    case 'change':
      return `${print(value.from)} => ${print(value.to)}`;
    case 'opaque':
      return value.text;
  }
}

const symbol = fc.stringMatching(/^[A-Z][A-Z_0-9]{1,8}$/).filter((name) => name !== 'NULL');
const safeInteger = fc.maxSafeInteger();
const numberValue: fc.Arbitrary<StraceValue> = fc.oneof(
  safeInteger.map(decimal),
  fc.maxSafeNat().map(hex),
  fc.bigInt({ min: 1n << 53n, max: (1n << 64n) - 1n }).map(hex),
);
const leaf: fc.Arbitrary<StraceValue> = fc.oneof(
  numberValue,
  fc.constant<StraceValue>({ kind: 'null' }),
  fc.array(symbol, { minLength: 1, maxLength: 4 }).map((names) => flags(...names)),
  fc.record({ kind: fc.constant('string' as const), bytes: fc.uint8Array({ maxLength: 12 }), abbreviated: fc.boolean() }),
  fc
    .array(symbol, { minLength: 2, maxLength: 4 })
    .chain((names) =>
      fc.boolean().map((complement): StraceValue => ({ kind: 'set', members: names.map((name) => flags(name)), complement })),
    ),
);
const { tree } = fc.letrec<{ tree: StraceValue; item: StraceValue }>((tie) => ({
  tree: fc.oneof(
    { depthSize: 'small' },
    leaf,
    fc.record({ kind: fc.constant('array' as const), items: fc.array(tie('tree'), { maxLength: 4 }), abbreviated: fc.boolean() }),
    fc.record({
      kind: fc.constant('struct' as const),
      fields: fc.array(tie('item'), { maxLength: 4 }),
      abbreviated: fc.boolean(),
    }),
    fc.record({ kind: fc.constant('call' as const), name: symbol, args: fc.array(tie('tree'), { maxLength: 3 }) }),
  ),
  item: fc.oneof(
    tie('tree'),
    fc.record({ kind: fc.constant('named' as const), name: symbol, value: tie('tree') }),
    fc.record({ kind: fc.constant('change' as const), from: tie('tree'), to: tie('tree') }),
  ),
}));

describe('any value', () => {
  it('that is printed as strace does comes back whole', () => {
    fc.assert(
      fc.property(fc.array(tree, { maxLength: 5 }), (list) => {
        expect(values(list.map(print).join(', '))).toEqual(list);
      }),
      { numRuns: 2000 },
    );
  });

  it('of any text ends somewhere and throws nothing', () => {
    const soup = fc.string({ unit: fc.constantFrom(...'a1"\\[]{}()<>=|&*+-~,./ @x\ufffe\0'), maxLength: 80 });
    fc.assert(
      fc.property(fc.oneof(soup, fc.string({ unit: 'binary' })), (text) => {
        values(text);
        new ValueParser(text, 0).openList();
      }),
      { numRuns: 5000 },
    );
  });
});

describe('openList', () => {
  it.each<[string, StraceValue[]]>([
    ['', []],
    ['3526, ', [decimal(3526)]],
    ['SIG_SETMASK, [], ', [flags('SIG_SETMASK'), array()]],
    ['{flags=CLONE_VM}', [struct(named('flags', flags('CLONE_VM')))]],
    ['1, {flags=CLONE_VM, ', [decimal(1), opaque('{flags=CLONE_VM, ')]],
    ['1, "abc', [decimal(1), opaque('"abc')]],
  ])('takes %j as the beginning of a list', (text, list) => {
    expect(new ValueParser(text, 0).openList()).toEqual(list);
  });
});

describe('the values of numbers', () => {
  it('are exact, and small when they are safe integers', () => {
    const [large, small] = values('0xffffffffffffffff, 0x7f0000000000') as [StraceNumber, StraceNumber];
    expect([exactValue(large), exactValue(small)]).toEqual([0xffffffffffffffffn, 0x7f0000000000n]);
    expect([smallValue(large), smallValue(small), smallValue(undefined), smallValue({ kind: 'null' })]).toEqual([
      undefined,
      0x7f0000000000,
      undefined,
      undefined,
    ]);
  });

  it('are found by name', () => {
    const args = values('child_stack=NULL, flags=SIGCHLD') ?? [];
    expect(namedValue(args, 'flags')).toEqual(flags('SIGCHLD'));
    expect(namedValue(args, 'tls')).toBeUndefined();
  });
});
