/** The one error of this package: someone else's text is not what its format says. */

/** Where a mistake is and what it is. Lines and columns count from 1; a column counts UTF-16 code units. */
export interface FormatProblem {
  /** The name of the file as the reader was told it. */
  readonly file: string;
  readonly line: number;
  readonly column: number;
  /** What would have been right, as the object of "expected …": `a closing parenthesis`. */
  readonly expected: string;
  /** What stands there instead, as the object of "found …": `the end of the line`. */
  readonly found: string;
}

/** A mistake in a file that was read. The message is a sentence for people: `log.txt:12:7: expected a pid, found "x"`. */
export class FormatError extends Error implements FormatProblem {
  readonly file: string;
  readonly line: number;
  readonly column: number;
  readonly expected: string;
  readonly found: string;

  constructor(problem: FormatProblem) {
    const { file, line, column, expected, found } = problem;
    super(`${file}:${line}:${column}: expected ${expected}, found ${found}`);
    this.name = 'FormatError';
    this.file = file;
    this.line = line;
    this.column = column;
    this.expected = expected;
    this.found = found;
  }
}

const EXCERPT_LENGTH = 24;

/** What stands in a line at an offset, in words fit for `FormatProblem.found`. Control characters are named, not printed. */
export function describeFound(text: string, at: number): string {
  const code = text.charCodeAt(at);
  if (Number.isNaN(code)) return 'the end of the line';
  if (code < 0x20 || code === 0x7f) return `the control character 0x${code.toString(16).padStart(2, '0')}`;
  let end = at;
  while (end < text.length && end - at < EXCERPT_LENGTH && text.charCodeAt(end) >= 0x20 && text.charCodeAt(end) !== 0x7f) end++;
  // An excerpt may have cut a surrogate pair in two, and its author may have sent a lone one.
  const excerpt = text.slice(at, end).replace(/\p{Surrogate}/gu, '\ufffd');
  return end < text.length ? `"${excerpt}…"` : `"${excerpt}"`;
}
