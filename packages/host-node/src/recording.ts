/**
 * What stores of the host were asked, and what they answered (decision D2): with it, a run can be repeated where the host's files
 * are not, or are no longer what they were.
 *
 *     system ── RecordingStore ── HostFile          system ── ReplayingStore ── recording
 *                     └── recording                  the same questions get the same answers; another question is an error
 *
 * A recording is plain data, to be written as JSON. It holds each content that was read once, however often that was; of what was
 * written it holds the hash, which is enough to see that a replay writes the same.
 */
import { createHash } from 'node:crypto';
import type { Errno } from '@faultline/kernel';

/** One operation, and what came of it. */
export interface RecordedOperation {
  /** What was asked: `read 4096 at 8192`, `write 4 at 0, sha256 …`, `truncate to 100`, `sync`. */
  readonly ask: string;
  /** What was answered: 0 or an errno; whether there is a hole as 1 or 0. */
  readonly answer: number;
  /** What was read: an index into the contents. Absent when nothing was. */
  readonly content?: number;
  /** Bytes in the file since then, when that changed. */
  readonly size?: number;
}

/** All that was asked of a store, in order. */
export interface Recording<Facts> {
  /** What was true of the store when the recording began. */
  readonly facts: Facts;
  readonly operations: RecordedOperation[];
  /** What was read, in base64. */
  readonly contents: string[];
}

/** A replay asks something else than was recorded; the message is a sentence that says what, and where. */
export class RecordingMismatch extends Error {
  override readonly name = 'RecordingMismatch';
}

/** The questions that stores and disks have in common, as they stand in a recording. */
export const ask = {
  read: (at: number, into: Uint8Array): string => `read ${into.length} at ${at}`,
  write: (at: number, from: Uint8Array): string => `write ${from.length} at ${at}, sha256 ${hashOf(from)}`,
  sync: 'sync',
};

function hashOf(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}

/** Takes down operations. */
export class Recorder<Facts> {
  readonly recording: Recording<Facts>;
  /** Where in the contents each content is, by its hash. */
  readonly #known = new Map<string, number>();

  constructor(facts: Facts) {
    this.recording = { facts, operations: [], contents: [] };
  }

  /** Takes down an operation; gives its answer back. */
  note(question: string, answer: number, changes: { size?: number } = {}): number {
    this.recording.operations.push({ ask: question, answer, ...changes });
    return answer;
  }

  /** Takes down a read, and what it read. */
  noteRead(question: string, errno: Errno, into: Uint8Array): Errno {
    // What an operation that failed left in the buffer is nobody's business, and must not make a difference.
    if (errno !== 0) into.fill(0);
    this.recording.operations.push({ ask: question, answer: errno, ...(errno === 0 && { content: this.#keep(into) }) });
    return errno;
  }

  #keep(bytes: Uint8Array): number {
    const { contents } = this.recording;
    const hash = hashOf(bytes);
    const known = this.#known.get(hash);
    if (known !== undefined) return known;
    this.#known.set(hash, contents.length);
    return contents.push(Buffer.from(bytes).toString('base64')) - 1;
  }
}

/** Answers questions from a recording, in its order. */
export class Player {
  readonly #name: string;
  readonly #recording: Recording<unknown>;
  #position = 0;

  /** @param name what the store is called in messages */
  constructor(name: string, recording: Recording<unknown>) {
    this.#name = name;
    this.#recording = recording;
  }

  /** The operation that comes next. @throws {RecordingMismatch} when it is another one */
  next(question: string): RecordedOperation {
    const operation = this.#recording.operations[this.#position++];
    if (operation?.ask === question) return operation;
    const recorded = operation === undefined ? 'has no more' : `has "${operation.ask}"`;
    throw new RecordingMismatch(
      `${this.#name}: operation ${this.#position} is "${question}", where the recording ${recorded}; ` +
        'replay it with the program, the settings, the patches and the schedule that it was made with.',
    );
  }

  /** The same for a read. */
  nextRead(question: string, into: Uint8Array): Errno {
    const { answer, content } = this.next(question);
    if (content === undefined) {
      into.fill(0);
      return answer;
    }
    const bytes = Buffer.from(this.#recording.contents[content] ?? '', 'base64');
    if (bytes.length !== into.length) {
      throw new RecordingMismatch(
        `${this.#name}: the recording has ${bytes.length} bytes for "${question}"; it is damaged, make it anew.`,
      );
    }
    into.set(bytes);
    return answer;
  }
}
