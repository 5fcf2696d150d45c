import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { FormatError } from '../text/format-error.js';
import { parseSyz } from './parse.js';
import { PLAIN_CALL, type SyzArg, syzCallName, syzRequirements } from './program.js';

/** The arguments of the only call of a program; variables r0 to r9 may be used. */
function args(text: string): readonly SyzArg[] {
  const setUp = Array.from({ length: 10 }, (_, i) => `r${i} = f()\n`).join('');
  return parseSyz(`${setUp}call(${text})`).calls.at(-1)?.args ?? [];
}

/** The message of the error that a program gives. */
function complaint(text: string): string {
  try {
    parseSyz(text, { file: 'p.syz' });
  } catch (error) {
    if (error instanceof FormatError) return error.message;
    throw error;
  }
  return 'no error';
}

const text = (string: string) => new TextEncoder().encode(string);

describe('a program', () => {
  it('is read with its header, its comments and its calls', () => {
    const program = parseSyz(
      [
        '#{"threaded":true,"repeat":true,"procs":4,"sandbox":"none"}',
        '# Test for a wiring of nothing.',
        '# requires: arch=amd64 -threaded',
        '',
        "r0 = openat$urandom(0xffffffffffffff9c, &AUTO='/dev/urandom\\x00', 0x0, 0x0)",
        '',
        '# wire it',
        'mlock(&(0x7f0000001000/0x2000)=nil, 0x0) (async, rerun: 4)',
        'exit_group(0x0)\t# unexecuted',
        '# done',
      ].join('\n'),
    );
    expect([...program.options]).toEqual([
      ['threaded', true],
      ['repeat', true],
      ['procs', 4],
      ['sandbox', 'none'],
    ]);
    expect(program.comments).toEqual(['Test for a wiring of nothing.', 'requires: arch=amd64 -threaded']);
    expect(syzRequirements(program)).toEqual([
      { property: 'arch=amd64', wanted: true },
      { property: 'threaded', wanted: false },
    ]);
    expect(program.trailingComments).toEqual(['done']);
    expect(program.calls.map(({ line, comments, result, remark, props }) => ({ line, comments, result, remark, props }))).toEqual(
      [
        { line: 5, comments: [], result: 'r0', remark: undefined, props: PLAIN_CALL },
        { line: 8, comments: ['wire it'], result: undefined, remark: undefined, props: { async: true, rerun: 4, failNth: 0 } },
        { line: 9, comments: [], result: undefined, remark: 'unexecuted', props: PLAIN_CALL },
      ],
    );
    expect(program.calls.map(syzCallName)).toEqual(['openat$urandom', 'mlock', 'exit_group']);
    expect(program.calls[0]).toMatchObject({ name: 'openat', variant: 'urandom' });
  });

  it('may be empty, or be nothing but comments', () => {
    expect(parseSyz('')).toMatchObject({ calls: [], comments: [], trailingComments: [] });
    expect(parseSyz('\n  \n\t\n# a\n\n#b').comments).toEqual(['a', 'b']);
  });

  it('may have CRLF line ends, a byte order mark and indented lines', () => {
    const program = parseSyz('\ufeff# a\r\n  munmap(0x1)\r\n\tgetpid() # EINVAL\r\n');
    expect(program.comments).toEqual(['a']);
    expect(program.calls.map(({ name, remark, line }) => [name, remark, line])).toEqual([
      ['munmap', undefined, 2],
      ['getpid', 'EINVAL', 3],
    ]);
  });
});

describe('an argument', () => {
  it.each<[string, SyzArg]>([
    ['0x2a', { kind: 'const', value: 42n }],
    ['0xffffffffffffffff', { kind: 'const', value: 0xffffffffffffffffn }],
    ['052', { kind: 'const', value: 42n }],
    ['0b101_010', { kind: 'const', value: 42n }],
    ['42', { kind: 'const', value: 42n }],
    ['-1', { kind: 'const', value: 0xffffffffffffffffn }],
    ['-0', { kind: 'const', value: 0n }],
    ['-0x8000000000000000', { kind: 'const', value: 1n << 63n }],
    ['nil', { kind: 'nil' }],
    ['AUTO', { kind: 'auto' }],
    ['r0', { kind: 'result', name: 'r0', div: 0n, add: 0n }],
    ['r3/0x2+0x4', { kind: 'result', name: 'r3', div: 2n, add: 4n }],
    ['<r10=>0xffffffffffffffff', { kind: 'declare', name: 'r10', value: { kind: 'const', value: 0xffffffffffffffffn } }],
    ['<r10 => r0+4', { kind: 'declare', name: 'r10', value: { kind: 'result', name: 'r0', div: 0n, add: 4n } }],
    ['&(0x7f0000000000)', { kind: 'pointer', address: 0x7f0000000000n, size: undefined, any: false, pointee: undefined }],
    [
      '&(0x7f0000000000/0x3000)=nil',
      { kind: 'pointer', address: 0x7f0000000000n, size: 0x3000n, any: false, pointee: { kind: 'nil' } },
    ],
    ['&AUTO=0x1', { kind: 'pointer', address: 'auto', size: undefined, any: false, pointee: { kind: 'const', value: 1n } }],
    [
      '&(0x7f0000001000)=ANY=[]',
      { kind: 'pointer', address: 0x7f0000001000n, size: undefined, any: true, pointee: { kind: 'array', items: [] } },
    ],
    ['&(0x7f0000003000-0x1000)', { kind: 'pointer', address: 0x7f0000002000n, size: undefined, any: false, pointee: undefined }],
    [
      '&(0x7f0000003000+0x1000/0x1000)=nil',
      { kind: 'pointer', address: 0x7f0000004000n, size: 0x1000n, any: false, pointee: { kind: 'nil' } },
    ],
    ["'a\\x00\\n\\'\"'", { kind: 'data', form: 'text', bytes: text('a\0\n\'"'), size: undefined }],
    ['"00ffA0"', { kind: 'data', form: 'hex', bytes: Uint8Array.of(0, 255, 160), size: undefined }],
    ['""/4096', { kind: 'data', form: 'hex', bytes: new Uint8Array(), size: 4096n }],
    ["'ab'/0x10", { kind: 'data', form: 'text', bytes: text('ab'), size: 16n }],
    ['"$aGk="', { kind: 'data', form: 'compressed', bytes: text('hi'), size: undefined }],
    [
      '{0x1, {nil}}',
      {
        kind: 'struct',
        fields: [
          { kind: 'const', value: 1n },
          { kind: 'struct', fields: [{ kind: 'nil' }] },
        ],
      },
    ],
    [
      '[0x1,0x2,]',
      {
        kind: 'array',
        items: [
          { kind: 'const', value: 1n },
          { kind: 'const', value: 2n },
        ],
      },
    ],
    ['@empty', { kind: 'union', option: 'empty', value: undefined }],
    ['@v2={AUTO}', { kind: 'union', option: 'v2', value: { kind: 'struct', fields: [{ kind: 'auto' }] } }],
  ])('%s', (source, arg) => {
    expect(args(source)).toEqual([arg]);
  });

  it('may use what an earlier argument of the same call has declared', () => {
    expect(complaint('pipe({<r1=>0x0, r1})')).toBe('no error');
  });
});

describe('a call', () => {
  it.each([
    ['f() (async)', { async: true, failNth: 0, rerun: 0 }],
    ['f() (fail_nth: 5)', { async: false, failNth: 5, rerun: 0 }],
    ['f() (rerun: 4, async, fail_nth: 0x10)', { async: true, failNth: 16, rerun: 4 }],
    ['f()(async)# x', { async: true, failNth: 0, rerun: 0 }],
    ['f() ()', PLAIN_CALL],
  ])('%s has the properties %j', (line, props) => {
    expect(parseSyz(line).calls[0]?.props).toEqual(props);
  });
});

describe('a mistake', () => {
  it.each([
    ['mmap', '1:5: expected an opening parenthesis, found the end of the line'],
    ['\nr0 = (foo)', '2:6: expected the name of a call, found "(foo)"'],
    ['r0 =', '1:5: expected the name of a call, found the end of the line'],
    ['x = f()', '1:1: expected a variable such as r0, found "x = f()"'],
    ['f(0x1', '1:6: expected a comma or a closing parenthesis, found the end of the line'],
    ['f(', '1:3: expected a closing parenthesis, found the end of the line'],
    ['f(0x1 0x2)', '1:7: expected a comma or a closing parenthesis, found "0x2)"'],
    ['f({0x1)', '1:7: expected a comma or a closing brace, found ")"'],
    ['f([0x1', '1:7: expected a comma or a closing bracket, found the end of the line'],
    ['f() g()', '1:5: expected the end of the line, found "g()"'],
    ['f(0x)', '1:3: expected a number, found "0x)"'],
    ['f(0x1ffffffffffffffff)', '1:3: expected a number below 2^64, found "0x1ffffffffffffffff)"'],
    ['f(-0x8000000000000001)', '1:3: expected a number of -2^63 or more, found "-0x8000000000000001)"'],
    ['f(1.5)', '1:4: expected a comma or a closing parenthesis, found ".5)"'],
    ['f(nul)', '1:3: expected an argument; nil perhaps, found "nul)"'],
    ['f(r5)', '1:3: expected a variable that an earlier call or argument has set, found "r5)"'],
    ['r0 = f(r0)', '1:8: expected a variable that an earlier call or argument has set, found "r0)"'],
    ['f(<r0=>r0)', '1:8: expected a variable that an earlier call or argument has set, found "r0)"'],
    ['f(<x=>0x0)', '1:4: expected a variable such as r0, found "x=>0x0)"'],
    ['f(<r0=0x0)', '1:6: expected =>, found "=0x0)"'],
    ['f(&(0x1000)=nil)', '1:5: expected an address from 0x7f0000000000 up, found "0x1000)=nil)"'],
    ['f(&0x1)', '1:4: expected an argument; AUTO perhaps, found "0x1)"'],
    ['f(&(0x7f0000000000)=ANY0x1)', '1:24: expected = behind ANY, found "0x1)"'],
    ['f(@)', '1:4: expected the name of a union option, found ")"'],
    ["f('abc)", "1:8: expected a closing quote ('), found the end of the line"],
    ["f('\\q')", '1:5: expected an escape (\\x00, \\n, \\\\, …), found "q\')"'],
    ["f('\\x1')", '1:6: expected two hexadecimal digits, found "1\')"'],
    ['f("abc")', '1:7: expected the second hexadecimal digit of a byte, found "")"'],
    ['f("zz")', '1:4: expected hexadecimal digits or a closing quote ("), found "zz")"'],
    ['f("$aGk")', '1:8: expected base64 digits in groups of four, found "")"'],
    ['f("$a!k=")', '1:6: expected base64 digits in groups of four, found "!k=")"'],
    ['f() (slow)', '1:6: expected a call property (async, fail_nth or rerun), found "slow)"'],
    ['f() (rerun 4)', '1:12: expected a colon, found "4)"'],
    ['f() (rerun: 0x80000000)', '1:13: expected a number below 2^31, found "0x80000000)"'],
    ['f() (async', '1:11: expected a comma or a closing parenthesis, found the end of the line'],
    ["f('a\0b')", "1:5: expected a closing quote ('), found the control character 0x00"],
    ['\0\u0001\u0002', '1:1: expected the name of a call, found the control character 0x00'],
  ])('%j is told with its place', (program, message) => {
    expect(complaint(program)).toBe(`p.syz:${message}`);
  });

  it('is nesting without end, which must not overflow the stack', () => {
    for (const open of ['[', '{', '@a=', '&AUTO=']) {
      expect(complaint(`f(${open.repeat(1_000_000)}`)).toContain('expected at most 256 levels of nesting');
    }
  });

  it('is a number of a million digits, found out in no time', () => {
    expect(complaint(`f(${'9'.repeat(1_000_000)})`)).toContain('1:3: expected a number');
  });

  it('is always a FormatError, whatever the text', () => {
    const soup = fc.string({ unit: fc.constantFrom(...'r0=f(){}[]<>&@\'"$/+-, #xANYnilAUTO\n\0'), maxLength: 60 });
    fc.assert(
      fc.property(fc.oneof(soup, fc.string({ unit: 'binary' })), (program) => {
        complaint(program);
      }),
      { numRuns: 3000 },
    );
  });
});

describe('the options header', () => {
  it('may have the form of old', () => {
    const { options } = parseSyz(
      '# {Threaded:true Collide:true Repeat:true RepeatTimes:3 Procs:8 Sandbox: Fault:false FaultCall:-1 EnableTun:true UseTmpDir:true HandleSegv:true}',
    );
    expect(Object.fromEntries(options)).toEqual({
      threaded: true,
      collide: true,
      repeat: true,
      repeat_times: 3,
      procs: 8,
      sandbox: '',
      fault: false,
      fault_call: -1,
      tun: true,
      tmpdir: true,
      segv: true,
    });
  });

  it.each(['# {', '# {a}', '# {"a":[1]}', '# {"a":1', '# {"a":1e999}'])(
    'is not %s, which is a comment like any other',
    (comment) => {
      const program = parseSyz(comment);
      expect(program.options.size).toBe(0);
      expect(program.comments).toEqual([comment.slice(2)]);
    },
  );

  it('counts only above the first call, and once', () => {
    const program = parseSyz('#{"procs":1}\n#{"procs":2}\nf()\n#{"procs":3}\n');
    expect([...program.options]).toEqual([['procs', 1]]);
    expect(program.comments).toEqual(['{"procs":2}']);
    expect(program.trailingComments).toEqual(['{"procs":3}']);
  });
});
