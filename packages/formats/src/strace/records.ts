/** What happens in an strace log: the records that `StraceReader` makes. */
import type { StraceValue } from './value.js';

/** A thing that happened. */
export type StraceRecord =
  | StraceCall
  | StraceCallStart
  | StraceCallEnd
  | StraceSignal
  | StraceExit
  | StraceKilled
  | StraceSuperseded
  | StraceAttached
  | StraceNote
  | StraceTruncated;

/** What all records have. */
export interface StraceEvent {
  /**
   * Who did it: a thread's number. A process that the log does not number, because there is no `-f` or because it was alone at
   * the time, has the number `firstPid` (0 unless told) from its first line to its last, even where `[pid 123]` names it later.
   */
  readonly pid: number;
  /** First and last line of the log in which it stands, from 1. */
  readonly startLine: number;
  readonly endLine: number;
  /** When; undefined in logs without `-t`, `-tt`, `-ttt` and `-r`. */
  readonly time: StraceTime | undefined;
  /** Where the program was, under `-i`. */
  readonly instructionPointer: number | bigint | undefined;
}

/** A time stamp, exact: seconds and the part of a second. */
export interface StraceTime {
  /** Since midnight (`-t`, `-tt`), since 1970 (`-ttt`), or since the line before (`-r`). */
  readonly since: 'midnight' | 'epoch' | 'previous';
  readonly seconds: number;
  readonly nanoseconds: number;
}

/** What a call came to. */
export interface StraceResult {
  /** -1 for an error; undefined where strace wrote `?`, as for exit_group, or for a call that a signal interrupted. */
  readonly value: number | bigint | undefined;
  readonly radix: 8 | 10 | 16;
  /** `ENOENT`; with an undefined value one of the kernel's own, such as `ERESTARTSYS`. */
  readonly errno: string | undefined;
  /** The path of the descriptor that the call gave, under `-y`. */
  readonly annotation: string | undefined;
  /** What stands in parentheses behind: `No such file or directory`, `Timeout`, `flags O_RDWR`, `INJECTED`. */
  readonly notes: readonly string[];
}

/** A call whose beginning and end stand on one line, so that nothing was written in between. */
export interface StraceCall extends StraceEvent {
  readonly kind: 'call';
  readonly name: string;
  readonly args: readonly StraceValue[];
  readonly result: StraceResult;
  /** Time in the kernel, under `-T`. */
  readonly durationSeconds: number | undefined;
  /** How many characters of the line were left out for its length; 0 for almost all. Some arguments are missing or abbreviated then. */
  readonly omittedCharacters: number;
}

/** The beginning of a call that others interrupted: `read(3, <unfinished ...>`. Its end comes as a `callEnd`, or not at all. */
export interface StraceCallStart extends StraceEvent {
  readonly kind: 'callStart';
  readonly name: string;
  /** Those that had been written; what a call gives back usually had not. */
  readonly args: readonly StraceValue[];
}

/** The end of such a call: `<... read resumed>"x", 1) = 1`. */
export interface StraceCallEnd extends StraceEvent {
  readonly kind: 'callEnd';
  /** The record of its beginning; undefined when the log begins in the middle of the call. */
  readonly start: StraceCallStart | undefined;
  readonly name: string;
  /** All of them, from both lines; without a start only the later ones. */
  readonly args: readonly StraceValue[];
  readonly result: StraceResult;
  readonly durationSeconds: number | undefined;
  readonly omittedCharacters: number;
}

/** `--- SIGSEGV {si_signo=SIGSEGV, si_addr=NULL} ---` or `--- stopped by SIGSTOP ---`. */
export interface StraceSignal extends StraceEvent {
  readonly kind: 'signal';
  readonly signal: string;
  /** Whether the process was stopped by it rather than told of it. */
  readonly stopped: boolean;
  /** What the kernel says of it. */
  readonly info: StraceValue | undefined;
}

/** `+++ exited with 0 +++`. */
export interface StraceExit extends StraceEvent {
  readonly kind: 'exit';
  readonly status: number;
  /** The call that it was in and from which it never came back. */
  readonly unfinished: StraceCallStart | undefined;
}

/** `+++ killed by SIGSEGV (core dumped) +++`. */
export interface StraceKilled extends StraceEvent {
  readonly kind: 'killed';
  readonly signal: string;
  readonly coreDumped: boolean;
  readonly unfinished: StraceCallStart | undefined;
}

/** `+++ superseded by execve in pid 124 +++`: another thread of the process called execve and goes on under this number. */
export interface StraceSuperseded extends StraceEvent {
  readonly kind: 'superseded';
  /** The thread whose execve it was. That number is gone; the execve ends under `pid`. */
  readonly by: number;
}

/** `strace: Process 123 attached`. */
export interface StraceAttached extends StraceEvent {
  readonly kind: 'attached';
}

/** A line of strace's own that tells nothing about the process: a detachment, a personality, a stack frame, a hex dump. */
export interface StraceNote extends StraceEvent {
  readonly kind: 'note';
  readonly text: string;
}

/** The log ends, or strace let go, in the middle of something. */
export interface StraceTruncated extends StraceEvent {
  readonly kind: 'truncated';
  /** A line that breaks off, or a call that was begun and whose end is nowhere in the log. */
  readonly what: 'line' | 'call';
  /** What there is of it. */
  readonly text: string;
  /** What is missing, as the object of "expected …". */
  readonly expected: string;
  /** The beginning of the call. */
  readonly start: StraceCallStart | undefined;
}
