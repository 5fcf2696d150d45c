/**
 * Reads strace logs as they come, in memory that does not grow with them.
 *
 *     pieces of text ──> LogLines ──> ProcessTracker ──> StraceReader ──> records
 *                        lines        whose line         calls joined
 */
import { describeFound, FormatError } from '../text/format-error.js';
import { couldBeBeginning, type ResumedBody, type UnfinishedMark } from './body.js';
import { type LogLine, LogLines } from './log-lines.js';
import { type CallProblem, parseCall, parseUnfinishedCall } from './parse-call.js';
import { isForkCall, ProcessTracker, UNKNOWN_FIRST_PID } from './process-tracker.js';
import type { StraceCallStart, StraceEvent, StraceRecord } from './records.js';
import { parseSignal } from './signal.js';

/** How to read a log. */
export interface StraceOptions {
  /** The name of the file, for messages; `strace.log` unless told. */
  readonly file?: string;
  /**
   * What the process is called that the log does not number; 0 unless told. `scanForks` finds the number that strace itself
   * gives it, if the log has it.
   */
  readonly firstPid?: number;
  /**
   * How many characters of a line are kept, 1024 or more; 1,048,576 unless told. Of a longer line the middle is left out: the string in
   * which the cut falls is `abbreviated`, any other value there is opaque, and the record says how much is missing.
   */
  readonly maxLineLength?: number;
  /**
   * What to do with a line that is no strace line, such as the program's own output; by default the reader throws the error and
   * is of no more use. When this is given, it is told of the error and the line is skipped.
   */
  readonly onBadLine?: (error: FormatError) => void;
}

/** The beginning of a call, which waits for its end. */
interface PendingCall {
  readonly name: string;
  readonly start: StraceCallStart;
  /** Its text up to the mark, to which the rest is joined. */
  readonly text: string;
  readonly omitted: number;
}

/** How many characters of unfinished calls are held. A real log has one short line for each thread. */
const MAX_HELD_CHARACTERS = 1 << 24;

/** What a call costs beside its text, in characters: its record and its place in the table. */
const OVERHEAD_CHARACTERS = 256;

function costOf(call: PendingCall): number {
  return call.text.length + OVERHEAD_CHARACTERS;
}

/**
 * An incremental reader: give it the log in pieces, and it gives each record as soon as its line is complete.
 *
 *     const reader = new StraceReader({ file, onRecord: (record) => { … } });
 *     for (const piece of pieces) reader.push(piece);
 *     reader.end();
 *
 * => throws a FormatError from `push` and `end` for a line that is no strace line, unless there is `onBadLine`.
 *
 * What it keeps between pieces: a line that is not finished, and for each thread that is in an unfinished call the text of that
 * call, of which 16 Mi characters together may be held.
 */
export class StraceReader {
  readonly #file: string;
  readonly #onRecord: (record: StraceRecord) => void;
  readonly #onBadLine: ((error: FormatError) => void) | undefined;
  readonly #lines: LogLines;
  readonly #tracker: ProcessTracker<PendingCall>;
  /** Characters of unfinished calls that the tracker keeps for us. */
  #heldCharacters = 0;
  #lastLine = 0;

  constructor(options: StraceOptions & { readonly onRecord: (record: StraceRecord) => void }) {
    this.#file = options.file ?? 'strace.log';
    this.#onRecord = options.onRecord;
    this.#onBadLine = options.onBadLine;
    this.#tracker = new ProcessTracker(options.firstPid ?? UNKNOWN_FIRST_PID);
    this.#lines = new LogLines({ maxLineLength: options.maxLineLength, onLine: (line) => this.#line(line) });
  }

  /** Takes the next piece of the log; it need not end where a line does. */
  push(piece: string): void {
    this.#lines.push(piece);
  }

  /** Says that the log ends here. Calls that never ended are told of as `truncated`. */
  end(): void {
    this.#lines.end();
    for (const call of this.#tracker.calls) this.#lostCall(call, this.#lastLine);
  }

  #line(line: LogLine): void {
    this.#lastLine = line.endLine;
    const { body } = line;
    if (body.kind === 'unknown') {
      this.#problem(line, { at: line.prefix.end, expected: body.expected });
      return;
    }
    const { time, instructionPointer } = line.prefix;
    const pid = this.#tracker.attribute(line);
    const event = { pid, startLine: line.startLine, endLine: line.endLine, time, instructionPointer };
    switch (body.kind) {
      case 'call':
        if (body.unfinished === undefined) this.#call(line, event);
        else this.#begun(line, event, { name: body.name, mark: body.unfinished });
        break;
      case 'resumed':
        this.#resumed(line, event, body);
        break;
      case 'signal':
        this.#signal(line, event);
        break;
      case 'exit':
        this.#onRecord({ kind: 'exit', ...event, status: body.status, unfinished: this.#ended(pid) });
        break;
      case 'killed': {
        const { signal, coreDumped } = body;
        this.#onRecord({ kind: 'killed', ...event, signal, coreDumped, unfinished: this.#ended(pid) });
        break;
      }
      case 'superseded':
        this.#released(this.#tracker.superseded({ leader: pid, thread: body.by }));
        this.#onRecord({ kind: 'superseded', ...event, by: body.by });
        break;
      case 'attached':
        this.#onRecord({ kind: 'attached', ...event });
        break;
      case 'note':
        this.#onRecord({ kind: 'note', ...event, text: line.text.slice(line.prefix.end).trim() });
        break;
    }
  }

  #call(line: LogLine, event: StraceEvent): void {
    this.#abandon(event);
    const at = line.prefix.end;
    const call = parseCall(line.text.slice(at));
    if ('expected' in call) {
      this.#problem(line, { at: at + call.at, expected: call.expected });
      return;
    }
    if (isForkCall(call.name)) this.#tracker.forked(call.result.value);
    // Field by field, because this is done for most lines and a spread costs as much as reading the line does.
    this.#onRecord({
      kind: 'call',
      pid: event.pid,
      startLine: event.startLine,
      endLine: event.endLine,
      time: event.time,
      instructionPointer: event.instructionPointer,
      name: call.name,
      args: call.args,
      result: call.result,
      durationSeconds: call.durationSeconds,
      omittedCharacters: line.omitted,
    });
  }

  #begun(line: LogLine, event: StraceEvent, { name, mark }: { readonly name: string; readonly mark: UnfinishedMark }): void {
    this.#abandon(event);
    const text = line.text.slice(line.prefix.end, mark.at);
    const start: StraceCallStart = { kind: 'callStart', ...event, name, args: parseUnfinishedCall(text).args };
    this.#onRecord(start);
    this.#suspend(line, { name, start, text, omitted: line.omitted }, mark);
  }

  /** Keeps a call until it is resumed, if it ever can be. */
  #suspend(line: LogLine, call: PendingCall, mark: UnfinishedMark): void {
    if (mark.detached) {
      this.#lostCall(call, line.endLine);
      return;
    }
    if (this.#heldCharacters + costOf(call) > MAX_HELD_CHARACTERS) {
      this.#problem(line, { at: line.prefix.end, expected: 'fewer or shorter calls that are unfinished at one time' });
      return;
    }
    this.#heldCharacters += costOf(call);
    this.#tracker.began(call.start.pid, call);
  }

  #resumed(line: LogLine, event: StraceEvent, { name, restAt, unfinished: mark }: ResumedBody): void {
    const pending = this.#tracker.callOf(event.pid, name);
    if (pending === undefined) this.#abandon(event);
    const rest = line.text.slice(restAt, mark?.at);
    // Without its beginning a call has only its later arguments, and the comma before them.
    const head = pending?.text ?? `${name}(`;
    const text = head + (pending === undefined ? rest.replace(/^,? */, '') : rest);
    const omitted = line.omitted + (pending?.omitted ?? 0);
    if (mark !== undefined) {
      // It was interrupted again, within what it gives back. The rest is still to come.
      this.#released(this.#tracker.cameBack(event.pid));
      if (pending !== undefined) this.#suspend(line, { name, start: pending.start, text, omitted }, mark);
      return;
    }
    const call = parseCall(text);
    // The tracker has to hear of the child while the parent is still in its fork.
    if ('result' in call && isForkCall(name)) this.#tracker.forked(call.result.value);
    this.#released(this.#tracker.cameBack(event.pid));
    if ('expected' in call) {
      const offset = Math.min(rest.length, Math.max(0, call.at - head.length));
      this.#problem(line, { at: restAt + offset, expected: call.expected }, pending?.start);
      return;
    }
    const start = pending?.start;
    const startLine = start?.startLine ?? event.startLine;
    this.#onRecord({ kind: 'callEnd', ...event, startLine, start, ...call, omittedCharacters: omitted });
  }

  #signal(line: LogLine, event: StraceEvent): void {
    const signal = parseSignal(line.text, line.prefix.end);
    if ('expected' in signal) this.#problem(line, signal);
    else this.#onRecord({ kind: 'signal', ...event, ...signal });
  }

  /** Notes a process's end, and gives the call that it was in. */
  #ended(pid: number): StraceCallStart | undefined {
    return this.#released(this.#tracker.ended(pid))?.start;
  }

  /** A process does something else although a call of its has not ended: the lines in between are missing from the log. */
  #abandon(event: StraceEvent): void {
    const lost = this.#released(this.#tracker.cameBack(event.pid));
    if (lost !== undefined) this.#lostCall(lost, event.endLine);
  }

  /** Notes that the tracker keeps a call no more. */
  #released(call: PendingCall | undefined): PendingCall | undefined {
    if (call !== undefined) this.#heldCharacters -= costOf(call);
    return call;
  }

  #lostCall({ start, text }: Pick<PendingCall, 'start' | 'text'>, endLine: number): void {
    const { pid, startLine, time, instructionPointer, name } = start;
    const place = { pid, startLine, endLine, time, instructionPointer };
    this.#onRecord({ kind: 'truncated', ...place, what: 'call', text, expected: `the end of ${name}`, start });
  }

  #problem(line: LogLine, { at, expected }: CallProblem, start?: StraceCallStart): void {
    if (this.#isCutOff(line)) {
      const { text, startLine, endLine, prefix } = line;
      const place = { startLine, endLine, time: prefix.time, instructionPointer: prefix.instructionPointer };
      const pid = this.#tracker.attribute(line);
      this.#onRecord({ kind: 'truncated', pid, ...place, what: 'line', text, expected, start });
      return;
    }
    const found = describeFound(line.text, at);
    const error = new FormatError({ file: this.#file, line: line.endLine, column: at + 1, expected, found });
    if (this.#onBadLine === undefined) throw error;
    this.#onBadLine(error);
  }

  /** Whether a line that makes no sense is the beginning of one that would: the last of a log, and not the only one. */
  #isCutOff({ ended, body, startLine, text, prefix }: LogLine): boolean {
    if (ended) return false;
    return body.kind !== 'unknown' || (startLine > 1 && couldBeBeginning(text.slice(prefix.end)));
  }
}

/** Pieces are cut to this many characters, so that the records of a piece do not pile up. */
const PIECE_LENGTH = 1 << 16;

/**
 * Reads a log and gives its records one after the other, as they are asked for.
 *
 * => throws a FormatError for a line that is no strace line, after all records before it, unless there is `onBadLine`.
 *
 * @param pieces the text of the log in any pieces that come in order: its lines with their ends, the chunks of a file, or one string
 *   in an array.
 */
export function* readStrace(pieces: Iterable<string>, options: StraceOptions = {}): Generator<StraceRecord, void, undefined> {
  const records: StraceRecord[] = [];
  const reader = new StraceReader({ ...options, onRecord: (record) => void records.push(record) });
  for (const piece of pieces) {
    for (let at = 0; at < piece.length; at += PIECE_LENGTH) {
      try {
        reader.push(piece.length <= PIECE_LENGTH ? piece : piece.slice(at, at + PIECE_LENGTH));
      } finally {
        yield* records.splice(0);
      }
    }
  }
  try {
    reader.end();
  } finally {
    yield* records;
  }
}
