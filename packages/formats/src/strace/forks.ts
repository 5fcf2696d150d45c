/**
 * Finds the forks of a log beforehand.
 *
 * A child may run, and write lines, before the fork that made it has its result in the log:
 *
 *     3548 clone3({flags=CLONE_VM|…} <unfinished ...>
 *     3549 rseq(0x7f6aa6d18fe0, 0x20, 0, 0x53053053) = 0
 *     3548 <... clone3 resumed> => {parent_tid=[3549]}, 88) = 3549
 *
 * Whoever replays the log has to know at the first line whose child 3549 is.
 */
import { type LogLine, LogLines } from './log-lines.js';
import { isForkCall, ProcessTracker, UNKNOWN_FIRST_PID } from './process-tracker.js';
import type { StraceOptions } from './reader.js';

/** A process or thread that was made. */
export interface StraceFork {
  /** Who made it, numbered as in the records of a `StraceReader` with the same `firstPid`. */
  readonly parent: number;
  readonly child: number;
  /** The call: `fork`, `vfork`, `clone`, `clone3`, … */
  readonly name: string;
  /** The line on which the call begins, which is the `startLine` of its record, and the line with its result. */
  readonly startLine: number;
  readonly endLine: number;
}

/** What `scanForks` found. */
export interface StraceForkScan {
  /** In the order of their results. */
  readonly forks: readonly StraceFork[];
  /** The number of the process that the log does not always number; undefined when all lines are numbered, or none is. */
  readonly firstPid: number | undefined;
  /** False when there were more than 1,048,576 forks, of which the first so many are here. */
  readonly complete: boolean;
}

/** More than any real log has; together they take less than 200 MB. */
const MAX_FORKS = 1 << 20;

/**
 * Goes over a log once and collects its forks; a call that failed is none. It looks at each line's beginning and end only.
 *
 * It never throws: lines that it cannot understand are for the reader to complain of.
 *
 * @param pieces the text of the log, as for `readStrace`.
 */
export function scanForks(
  pieces: Iterable<string>,
  options: Pick<StraceOptions, 'firstPid' | 'maxLineLength'> = {},
): StraceForkScan {
  const scanner = new ForkScanner(options);
  for (const piece of pieces) scanner.push(piece);
  return scanner.end();
}

/** What is known of a call before its result. */
type BegunCall = Pick<StraceFork, 'parent' | 'name' | 'startLine'>;

/** The same scan for a log that comes piece by piece. */
export class ForkScanner {
  readonly #forks: StraceFork[] = [];
  readonly #lines: LogLines;
  readonly #tracker: ProcessTracker<BegunCall>;
  #complete = true;

  constructor(options: Pick<StraceOptions, 'firstPid' | 'maxLineLength'> = {}) {
    this.#tracker = new ProcessTracker(options.firstPid ?? UNKNOWN_FIRST_PID);
    this.#lines = new LogLines({ maxLineLength: options.maxLineLength, onLine: (line) => this.#line(line) });
  }

  /** Takes the next piece of the log. */
  push(piece: string): void {
    this.#lines.push(piece);
  }

  /** Says that the log ends here. */
  end(): StraceForkScan {
    this.#lines.end();
    return { forks: this.#forks, firstPid: this.#tracker.firstNumber, complete: this.#complete };
  }

  #line(line: LogLine): void {
    const { body } = line;
    if (body.kind === 'unknown') return;
    const pid = this.#tracker.attribute(line);
    switch (body.kind) {
      case 'call': {
        this.#tracker.cameBack(pid);
        const call = { parent: pid, name: body.name, startLine: line.startLine };
        if (body.unfinished === undefined) this.#result(line, call);
        else if (!body.unfinished.detached) this.#tracker.began(pid, call);
        break;
      }
      case 'resumed':
        if (body.unfinished !== undefined) return;
        this.#result(line, { startLine: line.startLine, ...this.#tracker.callOf(pid, body.name), parent: pid, name: body.name });
        this.#tracker.cameBack(pid);
        break;
      case 'exit':
      case 'killed':
        this.#tracker.ended(pid);
        break;
      case 'superseded':
        this.#tracker.superseded({ leader: pid, thread: body.by });
        break;
      default:
        break;
    }
  }

  #result(line: LogLine, call: BegunCall): void {
    if (!isForkCall(call.name)) return;
    const child = trailingResult(line.text);
    if (!this.#tracker.forked(child)) return;
    if (this.#forks.length < MAX_FORKS) this.#forks.push({ ...call, child, endLine: line.endLine });
    else this.#complete = false;
  }
}

const RESULT = / = (-?\d+)/y;

/** The result at the end of a call's line; undefined when there is none. */
function trailingResult(text: string): number | undefined {
  RESULT.lastIndex = Math.max(0, text.lastIndexOf(') = ') + 1, text.lastIndexOf('  = ') + 1);
  const result = RESULT.exec(text)?.[1];
  return result === undefined ? undefined : Number(result);
}
