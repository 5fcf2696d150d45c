import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { FormatError } from '../text/format-error.js';
import { readStrace, type StraceOptions } from './reader.js';
import type { StraceRecord } from './records.js';
import { smallValue } from './value.js';

const read = (text: string, options: StraceOptions = {}) => [...readStrace([text], options)];

/** A record in a few words, for tests that look at order and process. */
function sketch(record: StraceRecord): string {
  const name = 'name' in record ? ` ${record.name}` : '';
  const result = 'result' in record ? ` = ${record.result.value?.toString(record.result.radix) ?? '?'}` : '';
  return `${record.pid} ${record.kind}${name}${result}`;
}

describe('a line that is no strace line', () => {
  it.each<[string, string]>([
    [
      'hello, world',
      '2:1: expected a system call, a signal (---), an exit (+++) or a resumed call (<... ), found "hello, world"',
    ],
    ['7 <... what', '2:3: expected a resumed call such as <... read resumed>, found "<... what"'],
    [
      '7 +++ exited +++',
      '2:3: expected "exited with", "killed by" or "superseded by execve in pid", and +++ at the end, found "+++ exited +++"',
    ],
    ['7 --- SIGINT {', '2:15: expected " ---" at the end of a signal, found the end of the line'],
    ['7 --- {} ---', '2:7: expected the name of a signal, found "{} ---"'],
    ['write(1, "x", 1x', '2:17: expected a closing parenthesis and a result, as in ") = 0", found the end of the line'],
    ['close(3) = x', '2:12: expected a number, an address or "?" as the result, found "x"'],
    ['7 <... close resumed>) = x', '2:26: expected a number, an address or "?" as the result, found "x"'],
    [
      '\0\u0001PNG',
      '2:1: expected a system call, a signal (---), an exit (+++) or a resumed call (<... ), found the control character 0x00',
    ],
  ])('%j is an error with its place', (line, message) => {
    expect(() => read(`close(3) = 0\n${line}\n`, { file: 'log' })).toThrow(`log:${message}`);
  });

  it('comes after the records before it', () => {
    const seen: StraceRecord[] = [];
    expect(() => {
      for (const record of readStrace(['close(3) = 0\nhello\nclose(4) = 0\n'])) seen.push(record);
    }).toThrow(/strace\.log:2:1/);
    expect(seen.map(sketch)).toEqual(['0 call close = 0']);
  });

  it('can be told of and skipped', () => {
    const errors: FormatError[] = [];
    const records = read('close(3) = 0\nhello\nclose(4) = 0\nbye bye', { onBadLine: (error) => errors.push(error) });
    expect(records.map(sketch)).toEqual(['0 call close = 0', '0 call close = 0']);
    expect(errors.map(({ line }) => line)).toEqual([2, 4]);
  });

  it('is an error, not the end of a log, when it is all there is', () => {
    expect(() => read('hello')).toThrow(/expected a system call/);
  });

  it('is the only thing that text of any kind can be', () => {
    const soup = fc.string({
      unit: fc.constantFrom(
        ...'7 f(1"\\)=?<.>-+[]{}:\n',
        ' <unfinished ...>\n',
        '<... f resumed>',
        'strace: Process 8 attached\n',
        '[pid 8] ',
      ),
      maxLength: 60,
    });
    fc.assert(
      fc.property(fc.array(fc.oneof(soup, fc.string({ unit: 'binary' })), { maxLength: 4 }), (pieces) => {
        let errors = 0;
        for (const record of readStrace(pieces, { onBadLine: () => errors++ })) sketch(record);
      }),
      { numRuns: 3000 },
    );
  });
});

describe('a log that is meant to fill the memory', () => {
  it('may have a line of hundreds of megabytes: the string is abbreviated, what follows it is there', () => {
    function* log(): Generator<string> {
      const piece = String.raw`\377a\"`.repeat(1 << 14);
      yield '7 write(3, "head';
      for (let i = 0; i < 3000; i++) yield piece;
      yield '", 344064004) = 344064004 <0.5>\n7 close(3) = 0\n';
    }
    const [write, close] = readStrace(log());
    if (write?.kind !== 'call') throw new Error('expected a call');
    const [fd, bytes, length] = write.args;
    expect(smallValue(fd)).toBe(3);
    expect(bytes).toMatchObject({ kind: 'string', abbreviated: true });
    expect(smallValue(length)).toBe(344064004);
    expect(write).toMatchObject({ result: { value: 344064004 }, durationSeconds: 0.5 });
    expect(write.omittedCharacters).toBeGreaterThan(300_000_000);
    expect(close).toMatchObject({ kind: 'call', omittedCharacters: 0, startLine: 2 });
  });

  it('may have a long line that is no string: the value in which the cut falls is opaque', () => {
    const [call] = read(`f([${'1, '.repeat(5000)}1], 2) = 3\n`, { maxLineLength: 4096 });
    if (call?.kind !== 'call') throw new Error('expected a call');
    expect(call).toMatchObject({ args: [{ kind: 'array' }, { value: 2 }], result: { value: 3 } });
    const [array] = call.args;
    expect(array?.kind === 'array' && array.items.filter(({ kind }) => kind !== 'number').length).toBeLessThanOrEqual(1);
  });

  it('is stopped when more calls are unfinished than memory should hold', () => {
    function* log(): Generator<string> {
      const text = 'x'.repeat(1 << 19);
      for (let pid = 1; pid < 1000; pid++) yield `${pid} write(1, "${text}" <unfinished ...>\n`;
    }
    expect(() => {
      for (const record of readStrace(log())) sketch(record);
    }).toThrow(/expected fewer or shorter calls that are unfinished at one time/);
  });

  it('may break into one line for ever', () => {
    const log = 'write(1, "strace: Process 9 attached\n'.repeat(100_000);
    const errors: FormatError[] = [];
    const records = read(log, { onBadLine: (error) => errors.push(error), maxLineLength: 10_000 });
    expect(records.filter(({ kind }) => kind === 'attached')).toHaveLength(100_000);
    expect(errors.length).toBeGreaterThan(10);
  });

  it('may nest a million brackets, close none of its quotes, and go on', () => {
    const log = `f(${'['.repeat(1_000_000)}) = 0\nf(${'{a='.repeat(100_000)}) = 0\nf("${',"'.repeat(300_000)}) = 0\nclose(3) = 0\n`;
    expect(read(log).map(sketch)).toEqual(['0 call f = 0', '0 call f = 0', '0 call f = 0', '0 call close = 0']);
  });
});
