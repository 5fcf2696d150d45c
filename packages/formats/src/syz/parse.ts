/** Reads syzkaller programs. */
import { LineCursor, type LinePlace } from '../text/line-cursor.js';
import { parseCount } from './number.js';
import { parseOptions } from './options.js';
import { SyzArgParser } from './parse-arg.js';
import { PLAIN_CALL, type SyzCall, type SyzCallProps, type SyzProgram } from './program.js';

/** How to read a program. */
export interface SyzParseOptions {
  /** The name of the file, for messages; `program.syz` unless told. */
  readonly file?: string;
}

/**
 * Reads a syzkaller program.
 *
 * => throws a FormatError at the first line that is neither a call, a comment nor blank, and for a variable that nothing has set.
 *
 * It is a little more generous than syzkaller: decimal and negative constants, CRLF line ends, a byte order mark and blanks at
 * the head of a line are accepted. Whether a call exists, and has as many arguments, is not for this reader to say.
 */
export function parseSyz(text: string, options: SyzParseOptions = {}): SyzProgram {
  const file = options.file ?? 'program.syz';
  const reader = new ProgramReader();
  text
    .replace(/^\ufeff/, '')
    .split('\n')
    .forEach((line, index) => {
      reader.line(line.endsWith('\r') ? line.slice(0, -1) : line, { file, line: index + 1 });
    });
  return reader.program();
}

/** Collects a program line by line. */
class ProgramReader {
  #options: SyzProgram['options'] = new Map();
  #header: readonly string[] = [];
  #comments: string[] = [];
  readonly #calls: SyzCall[] = [];
  readonly #variables = new Set<string>();

  line(text: string, place: LinePlace): void {
    const cursor = new LineCursor(text, place);
    cursor.skipBlanks();
    if (cursor.done) return;
    if (cursor.next === '#') this.#comment(text.slice(cursor.at + 1).trim());
    else this.#call(cursor);
  }

  program(): SyzProgram {
    const empty = this.#calls.length === 0;
    return {
      options: this.#options,
      comments: empty ? this.#comments : this.#header,
      calls: this.#calls,
      trailingComments: empty ? [] : this.#comments,
    };
  }

  #comment(comment: string): void {
    const mayBeOptions = this.#calls.length === 0 && this.#options.size === 0;
    const options = mayBeOptions ? parseOptions(comment) : undefined;
    if (options === undefined) this.#comments.push(comment);
    else this.#options = options;
  }

  #call(cursor: LineCursor): void {
    if (this.#calls.length === 0) {
      this.#header = this.#comments;
      this.#comments = [];
    }
    let start = cursor.at;
    let name = cursor.word();
    let result: string | undefined;
    if (cursor.take('=')) {
      if (!/^r[0-9]+$/.test(name)) cursor.fail('a variable such as r0', start);
      result = name;
      start = cursor.at;
      name = cursor.word();
    }
    if (!/^[A-Za-z_]/.test(name)) cursor.fail('the name of a call', start);
    cursor.demand('(', 'an opening parenthesis');
    const args = new SyzArgParser(cursor, this.#variables).list(')', 'a closing parenthesis');
    if (result !== undefined) this.#variables.add(result);
    const props = cursor.take('(') ? parseProps(cursor) : PLAIN_CALL;
    const remark = cursor.next === '#' ? cursor.text.slice(cursor.at + 1).trim() : undefined;
    if (remark === undefined && !cursor.done) cursor.fail('the end of the line');
    const dollar = name.indexOf('$');
    this.#calls.push({
      line: cursor.place.line,
      comments: this.#comments,
      result,
      name: dollar < 0 ? name : name.slice(0, dollar),
      variant: dollar < 0 ? undefined : name.slice(dollar + 1),
      args,
      props,
      remark,
    });
    this.#comments = [];
  }
}

function parseProps(cursor: LineCursor): SyzCallProps {
  const props = { ...PLAIN_CALL };
  while (!cursor.take(')')) {
    const start = cursor.at;
    switch (cursor.word()) {
      case 'async':
        props.async = true;
        break;
      case 'fail_nth':
        cursor.demand(':', 'a colon');
        props.failNth = parseCount(cursor, 'a number');
        break;
      case 'rerun':
        cursor.demand(':', 'a colon');
        props.rerun = parseCount(cursor, 'a number');
        break;
      default:
        cursor.fail('a call property (async, fail_nth or rerun)', start);
    }
    if (cursor.next !== ')') cursor.demand(',', 'a comma or a closing parenthesis');
  }
  return props;
}
