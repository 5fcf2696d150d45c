/**
 * strace logs as programs: the memory life of a real Linux program, replayed on NetBSD's virtual memory system.
 *
 *     strace -f -o log program
 *
 * Each traced thread is a thread here. Mappings are made where Linux made them, and every answer is compared with the one that the log
 * recorded; where NetBSD answers otherwise, the call is marked with what was recorded and, as far as that is known, why.
 *
 * What a log does not show is not there: a program's own loads and stores are not in it, nor where execve put the program, its
 * loader and its stack, nor in most cases where the buffers of reads and writes are. The pages that are touched are those that the
 * kernel touches for the program and whose address the log gives. What was passed over is in the remarks of the result.
 */
import { type FormatError, readStrace, scanForks } from '@faultline/formats';
import type { Program } from '../program.js';
import type { Session } from '../session.js';
import type { MachineSettings } from '../settings.js';
import { USER_SPACE_END } from './differences.js';
import { Replay } from './replay.js';

/** A log. It is read twice, piece by piece, and never held as a whole. */
export interface StraceSource {
  /** What it is called in reports and error messages: its file name. */
  readonly name: string;
  /** Its text from the beginning, in pieces of any size, as often as asked for. */
  readonly pieces: () => Iterable<string>;
}

/** How a log is read. */
export interface StraceProgramOptions {
  /**
   * What to do with lines that are no strace lines, such as the program's own output in between: `refuse` to go on, with a
   * FormatError, or `skip` them, with a remark. Default `refuse`.
   */
  readonly badLines?: 'refuse' | 'skip';
}

/** The machine that logs run on has Linux's addresses on x86-64. */
const MACHINE: MachineSettings = { userSpace: { min: 0x1000, max: USER_SPACE_END } };

/**
 * Makes a program of an strace log.
 *
 * => running it throws a FormatError, with file, line and what was expected, for a line that is no strace line, unless such are skipped.
 */
export function straceProgram(source: StraceSource, options: StraceProgramOptions = {}): Program {
  return { name: source.name, machine: MACHINE, run: (session) => run(session, source, options) };
}

function run(session: Session, source: StraceSource, { badLines = 'refuse' }: StraceProgramOptions): void {
  const replay = new Replay(session, source.name, scanForks(source.pieces()).forks);
  const onBadLine = (error: FormatError): void => replay.tally.badLine(error.message);
  const reading = { file: source.name, ...(badLines === 'skip' && { onBadLine }) };
  try {
    for (const record of readStrace(source.pieces(), reading)) replay.record(record);
    replay.end();
  } finally {
    session.remarks.push(...replay.tally.remarks());
  }
}
