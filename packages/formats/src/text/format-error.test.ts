import { describe, expect, it } from 'vitest';
import { describeFound, FormatError } from './format-error.js';

describe('FormatError', () => {
  it('is a sentence with file, line and column', () => {
    const error = new FormatError({
      file: 'log.txt',
      line: 12,
      column: 7,
      expected: 'a closing parenthesis',
      found: 'the end of the line',
    });
    expect(error.message).toBe('log.txt:12:7: expected a closing parenthesis, found the end of the line');
    expect(error).toMatchObject({ name: 'FormatError', file: 'log.txt', line: 12, column: 7 });
  });
});

describe('describeFound', () => {
  it.each([
    ['abc', 3, 'the end of the line'],
    ['abc', 1, '"bc"'],
    [`x${'y'.repeat(100)}`, 0, `"x${'y'.repeat(23)}…"`],
    ['a\u0000b', 1, 'the control character 0x00'],
    ['a\u001b[31m', 0, '"a…"'],
    ['\ud83d', 0, '"\ufffd"'],
  ])('shows %j at %i as %s, and never a control character itself', (text, at, found) => {
    expect(describeFound(text, at)).toBe(found);
  });
});
