/** A reading position in one line of text, which knows how to complain. */
import { describeFound, FormatError } from './format-error.js';

/** Where a line comes from. */
export interface LinePlace {
  /** The name of the file, for messages. */
  readonly file: string;
  /** The number of the line, from 1. */
  readonly line: number;
}

/** Walks over one line. Reading past the end answers with the empty string, never with an exception. */
export class LineCursor {
  readonly text: string;
  readonly place: LinePlace;
  /** Offset of the next character. */
  at = 0;

  constructor(text: string, place: LinePlace) {
    this.text = text;
    this.place = place;
  }

  get done(): boolean {
    return this.at >= this.text.length;
  }

  /** The next character, or the empty string at the end. */
  get next(): string {
    return this.text.charAt(this.at);
  }

  /** Moves over blanks and tabs. */
  skipBlanks(): void {
    while (this.next === ' ' || this.next === '\t') this.at++;
  }

  /** Moves over `token` and the blanks behind it when it comes next, and says whether it did. */
  take(token: string): boolean {
    if (!this.text.startsWith(token, this.at)) return false;
    this.at += token.length;
    this.skipBlanks();
    return true;
  }

  /** Moves over `token`, which has to come next; `expected` names it in the error. */
  demand(token: string, expected: string): void {
    if (!this.take(token)) this.fail(expected);
  }

  /** Reads the letters, digits, `_` and `$` that come next, and the blanks behind them; empty when there are none. */
  word(): string {
    const start = this.at;
    while (isWordCode(this.text.charCodeAt(this.at))) this.at++;
    const word = this.text.slice(start, this.at);
    this.skipBlanks();
    return word;
  }

  /** Throws the error that `expected` should have stood at an offset, by default at the next character. */
  fail(expected: string, at = this.at): never {
    throw new FormatError({ ...this.place, column: at + 1, expected, found: describeFound(this.text, at) });
  }
}

function isWordCode(code: number): boolean {
  return (
    (code >= 0x61 && code <= 0x7a) ||
    (code >= 0x41 && code <= 0x5a) ||
    (code >= 0x30 && code <= 0x39) ||
    code === 0x5f ||
    code === 0x24
  );
}
