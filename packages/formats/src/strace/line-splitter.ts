/** Cuts a log into lines, of which only so much is kept as memory allows. */

/** A line, without its end. */
export interface KeptLine {
  /** The text; of a line that was too long, its head and its tail with `CUT_MARK` in between. */
  readonly text: string;
  /** From 1. */
  readonly number: number;
  /** How many characters were left out at the mark. */
  readonly omitted: number;
  /** Whether the line had an end; the last one of a log may have none. */
  readonly ended: boolean;
}

/** Stands where a long line was cut: a code point that no text contains. */
export const CUT_MARK = '\ufffe';

/** Of a line that is too long, this many characters are kept from its end: there the result is. */
const TAIL_LENGTH = 16 * 1024;

/**
 * Takes text in pieces of any size and gives lines to a sink.
 *
 * It holds at most about `maxLength` characters of an unfinished line, however long that line gets. A line's text is a copy, so
 * keeping a part of it does not keep the piece alive that it came in.
 */
export class LineSplitter {
  readonly #maxLength: number;
  readonly #onLine: (line: KeptLine) => void;
  #number = 0;
  /** The unfinished line: its first characters, and once those are `#headLength`, the latest of the others. */
  #head = '';
  #tail = '';
  #dropped = 0;
  #started = false;

  constructor(options: { readonly maxLength: number; readonly onLine: (line: KeptLine) => void }) {
    this.#maxLength = Math.max(options.maxLength, 1024);
    this.#onLine = options.onLine;
  }

  /** Takes the next piece of the log. */
  push(piece: string): void {
    let from = 0;
    for (;;) {
      const end = piece.indexOf('\n', from);
      if (end < 0) break;
      this.#hold(piece, from, end);
      this.#emit({ ended: true });
      from = end + 1;
    }
    if (from < piece.length) this.#hold(piece, from, piece.length);
  }

  /** Says that the log ends here. */
  end(): void {
    if (this.#started) this.#emit({ ended: false });
  }

  get #headLength(): number {
    return this.#maxLength - this.#tailLength;
  }

  get #tailLength(): number {
    return Math.min(TAIL_LENGTH, this.#maxLength >> 1);
  }

  #hold(piece: string, from: number, end: number): void {
    this.#started = true;
    const room = this.#headLength - this.#head.length;
    if (room > 0) this.#head += piece.slice(from, Math.min(end, from + room));
    if (end - from <= room) return;
    // What may become the tail is let run to twice its length, so that the cost of trimming it stays in proportion.
    const rest = from + Math.max(room, 0);
    const kept = Math.max(rest, end - 2 * this.#tailLength);
    this.#dropped += kept - rest;
    this.#tail += piece.slice(kept, end);
    if (this.#tail.length > 4 * this.#tailLength) this.#trimTail();
  }

  #trimTail(): void {
    const surplus = this.#tail.length - this.#tailLength;
    if (surplus <= 0) return;
    this.#tail = copyOf(this.#tail.slice(surplus));
    this.#dropped += surplus;
  }

  #emit({ ended }: { readonly ended: boolean }): void {
    this.#number++;
    if (this.#dropped > 0 || this.#tail.length > this.#tailLength) this.#trimTail();
    const omitted = this.#dropped;
    const text = copyOf(omitted > 0 ? this.#head + CUT_MARK + this.#tail : this.#head + this.#tail);
    this.#head = '';
    this.#tail = '';
    this.#dropped = 0;
    this.#started = false;
    this.#onLine({ text: ended && text.endsWith('\r') ? text.slice(0, -1) : text, number: this.#number, omitted, ended });
  }
}

/** A copy that shares no memory with the string it was cut out of; engines make slices that keep the whole of it. */
function copyOf(text: string): string {
  return ` ${text}`.slice(1);
}
