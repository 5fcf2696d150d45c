/** What kind of line a line of an strace log is, told as cheaply as possible: nothing is read that a pre-scan would not need. */
import { callNameAt } from './parse-call.js';

/** The kind of a line, with what its first characters tell. Offsets are offsets in the line. */
export type LineBody =
  | { readonly kind: 'call'; readonly name: string; readonly unfinished: UnfinishedMark | undefined }
  | ResumedBody
  | { readonly kind: 'signal' }
  | { readonly kind: 'exit'; readonly status: number }
  | { readonly kind: 'killed'; readonly signal: string; readonly coreDumped: boolean }
  | { readonly kind: 'superseded'; readonly by: number }
  | { readonly kind: 'attached'; readonly pid: number }
  | { readonly kind: 'note' }
  | { readonly kind: 'unknown'; readonly expected: string };

/** `<... read resumed>`, and then the rest of the call. */
export interface ResumedBody {
  readonly kind: 'resumed';
  readonly name: string;
  /** Where the rest of the call begins. */
  readonly restAt: number;
  /** A call may be interrupted again. */
  readonly unfinished: UnfinishedMark | undefined;
}

/** A mark behind a call that did not end on its line. */
export interface UnfinishedMark {
  /** Where the mark begins, the one blank that belongs to it included. */
  readonly at: number;
  /** Whether strace let go of the process, so that the end will not come. */
  readonly detached: boolean;
}

const UNFINISHED = ' <unfinished ...>';
const DETACHED = ' <detached ...>';

/** The mark at the end of a line, if it has one. */
function unfinishedMark(text: string): UnfinishedMark | undefined {
  if (!text.endsWith(' ...>')) return undefined;
  if (text.endsWith(UNFINISHED)) return { at: text.length - UNFINISHED.length, detached: false };
  return text.endsWith(DETACHED) ? { at: text.length - DETACHED.length, detached: true } : undefined;
}

const RESUMED = /<\.\.\. ([\w?]+) resumed>/y;
const EXITED = /\+\+\+ exited with (-?\d{1,10}) \+\+\+$/y;
const KILLED = /\+\+\+ killed by ([\w+-]+)( \(core dumped\))? \+\+\+$/y;
const SUPERSEDED = /\+\+\+ superseded by execve in pid (\d{1,7})(?:<[^>]{0,64}>)? \+\+\+$/y;
const PROCESS_MESSAGE = /(?:strace: )?Process (\d{1,7})(?:<[^>]{0,64}>)? (attached|detached|suspended|resumed)\b/y;
const OWN_MESSAGE = /strace: |\[ Process PID=|Process \d+ | > | \| [0-9a-f]{5}/y;

/** Tells what stands in a line behind its prefix. */
export function classifyBody(text: string, at: number): LineBody {
  const name = callNameAt(text, at);
  if (name !== undefined) return { kind: 'call', name, unfinished: unfinishedMark(text) };
  switch (text.charAt(at)) {
    case '<': {
      const resumed = matchAt(RESUMED, text, at);
      if (resumed === null) return { kind: 'unknown', expected: 'a resumed call such as <... read resumed>' };
      return { kind: 'resumed', name: resumed[1] ?? '', restAt: at + resumed[0].length, unfinished: unfinishedMark(text) };
    }
    case '-':
      return text.startsWith('--- ', at) ? { kind: 'signal' } : UNKNOWN;
    case '+':
      return text.startsWith('+++ ', at) ? classifyEnd(text, at) : UNKNOWN;
    default:
      return classifyMessage(text, at);
  }
}

const UNKNOWN: LineBody = { kind: 'unknown', expected: 'a system call, a signal (---), an exit (+++) or a resumed call (<... )' };

function classifyEnd(text: string, at: number): LineBody {
  const exited = matchAt(EXITED, text, at);
  if (exited !== null) return { kind: 'exit', status: Number(exited[1]) };
  const killed = matchAt(KILLED, text, at);
  if (killed !== null) return { kind: 'killed', signal: killed[1] ?? '', coreDumped: killed[2] !== undefined };
  const superseded = matchAt(SUPERSEDED, text, at);
  if (superseded !== null) return { kind: 'superseded', by: Number(superseded[1]) };
  return { kind: 'unknown', expected: '"exited with", "killed by" or "superseded by execve in pid", and +++ at the end' };
}

function classifyMessage(text: string, at: number): LineBody {
  const message = matchAt(PROCESS_MESSAGE, text, at);
  if (message?.[2] === 'attached') return { kind: 'attached', pid: Number(message[1]) };
  return message !== null || matchAt(OWN_MESSAGE, text, at) !== null ? { kind: 'note' } : UNKNOWN;
}

function matchAt(pattern: RegExp, text: string, at: number): RegExpExecArray | null {
  pattern.lastIndex = at;
  return pattern.exec(text);
}

/** What a line that breaks off may look like: the start of a call's name, of a prefix, or of one of the marks. */
const BEGINNING = /^(?:[A-Za-z_?][\w?]*|[-+<.: \d()]*|\[[pid \da-f?\]]*|<\.\.\. [\w?]*[a-z ]*)$/;

/** Whether the text could be the first part of a line that classifyBody would know. */
export function couldBeBeginning(text: string): boolean {
  return BEGINNING.test(text) || text.startsWith('+++ ') || 'strace: Process '.startsWith(text.slice(0, 16));
}
