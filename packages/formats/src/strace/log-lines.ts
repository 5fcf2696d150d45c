/**
 * Lines of an strace log, put together again where strace itself broke into one.
 *
 * On a terminal strace tells of a new process in the middle of the line of the call that made it:
 *
 *     clone(child_stack=NULL, flags=SIGCHLDstrace: Process 3544 attached
 *     , child_tidptr=0x7f76190eba10) = 3544
 */
import { classifyBody, type LineBody } from './body.js';
import { type KeptLine, LineSplitter } from './line-splitter.js';
import { type LinePrefix, parsePrefix } from './prefix.js';

/** A line of a log, its prefix and its kind. */
export interface LogLine {
  readonly startLine: number;
  readonly endLine: number;
  readonly text: string;
  readonly prefix: LinePrefix;
  readonly body: LineBody;
  readonly omitted: number;
  /** False for a last line that has no end: it may have been cut off. */
  readonly ended: boolean;
  /** Of a message of strace's own: the beginning of the line that it broke into. */
  readonly brokeInto: LineOwner | undefined;
}

/** What tells whose a line is. */
export type LineOwner = Pick<LogLine, 'prefix' | 'body'>;

/** How much of a line is kept, in characters, unless told: 1 Mi. */
const DEFAULT_MAX_LINE_LENGTH = 1 << 20;

/** A message of strace's within another line. Its own text goes to the line's end. */
const INTRUSION = /strace: Process \d{1,7}(?:<[^>]{0,64}>)? (?:attached|detached)(?: with \d+ threads)?$/;

/** Turns pieces of text into lines. */
export class LogLines {
  readonly #maxLength: number;
  readonly #onLine: (line: LogLine) => void;
  readonly #splitter: LineSplitter;
  /** The first part of a line that strace broke into. */
  #broken: { readonly text: string; readonly startLine: number; readonly omitted: number; readonly owner: LineOwner } | undefined;

  constructor(options: { readonly maxLineLength: number | undefined; readonly onLine: (line: LogLine) => void }) {
    this.#maxLength = options.maxLineLength ?? DEFAULT_MAX_LINE_LENGTH;
    this.#onLine = options.onLine;
    this.#splitter = new LineSplitter({ maxLength: this.#maxLength, onLine: (line) => this.#line(line) });
  }

  push(piece: string): void {
    this.#splitter.push(piece);
  }

  end(): void {
    this.#splitter.end();
    const broken = this.#broken;
    this.#broken = undefined;
    if (broken !== undefined) this.#give({ ...broken, endLine: broken.startLine, ended: false, brokeInto: undefined });
  }

  #line({ text: kept, number, omitted, ended }: KeptLine): void {
    const text = number === 1 ? kept.replace(/^\ufeff/, '') : kept;
    const intrusion = text.endsWith('ed') || text.endsWith('threads') ? INTRUSION.exec(text) : null;
    if (intrusion !== null) {
      this.#intrusion({ text, number, omitted, ended }, intrusion.index);
      return;
    }
    const broken = this.#broken;
    this.#broken = undefined;
    if (broken === undefined) {
      if (text.trim() !== '') this.#give({ text, startLine: number, endLine: number, omitted, ended, brokeInto: undefined });
      return;
    }
    this.#give({
      text: broken.text + text,
      startLine: broken.startLine,
      endLine: number,
      omitted: broken.omitted + omitted,
      ended,
      brokeInto: undefined,
    });
  }

  #intrusion({ text, number, omitted, ended }: KeptLine, at: number): void {
    const broken = this.#broken;
    const head = (broken?.text ?? '') + text.slice(0, at);
    const owner = broken?.owner ?? (head === '' ? undefined : ownerOf(head));
    this.#give({ text: text.slice(at), startLine: number, endLine: number, omitted: 0, ended, brokeInto: owner });
    if (owner === undefined) return;
    const line = { text: head, startLine: broken?.startLine ?? number, omitted: (broken?.omitted ?? 0) + omitted, owner };
    // A line that is broken into again and again would grow without end; it is no longer one that strace writes.
    const tooLong = head.length > 2 * this.#maxLength;
    this.#broken = tooLong ? undefined : line;
    if (tooLong) this.#give({ ...line, endLine: number, ended: true, brokeInto: undefined });
  }

  #give({ startLine, endLine, text, omitted, ended, brokeInto }: Omit<LogLine, keyof LineOwner>): void {
    const { prefix, body } = ownerOf(text);
    // Not a spread: this is done for each line, and spreading takes a third of the time of a scan.
    this.#onLine({ startLine, endLine, text, omitted, ended, brokeInto, prefix, body });
  }
}

function ownerOf(text: string): LineOwner {
  const prefix = parsePrefix(text);
  return { prefix, body: classifyBody(text, prefix.end) };
}
