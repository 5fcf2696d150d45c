/**
 * Who did what a line says, when the line does not say it.
 *
 * Without `-f` strace numbers nobody. With `-f` on a terminal it writes `[pid 123]` only while it traces several processes, so
 * that one and the same process has lines with its number and lines without:
 *
 *     clone(…) = 3941                 the first process; nobody has said yet that it is 3940
 *     [pid  3940] close(4)            3940 is no child that was made, so it must be the first process
 *     [pid  3941] +++ exited …
 *     wait4(…) = 3941                 the one that is left
 */
import type { LogLine } from './log-lines.js';
import { LARGEST_PID } from './prefix.js';

/** The number of the first process as long as nobody has told another. */
export const UNKNOWN_FIRST_PID = 0;

/** Follows births, deaths and unfinished calls through a log. Of a call it needs the name; the rest is its user's. */
export class ProcessTracker<Call extends { readonly name: string }> {
  readonly #firstPid: number;
  /** The number that strace gives the first process, once a line has shown it. */
  #firstNumber: number | undefined;
  #first: 'unseen' | 'alive' | 'gone' = 'unseen';
  readonly #live = new Set<number>();
  /** The calls that processes are in and that did not end on their line. */
  readonly #calls = new Map<number, Call>();
  #unfinishedForks = 0;
  /** Processes that ended while a fork was unfinished: its result may name one of them. */
  readonly #goneDuringFork = new Set<number>();
  /** Whose the latest line was. */
  #latest: number;

  constructor(firstPid: number) {
    this.#firstPid = firstPid;
    this.#latest = firstPid;
  }

  /** The number that strace gave the first process; undefined when no line showed it. */
  get firstNumber(): number | undefined {
    return this.#firstNumber;
  }

  /** All calls that are unfinished. */
  get calls(): Iterable<Call> {
    return this.#calls.values();
  }

  /** The unfinished call that a process is in; if a name is given, only one of that name. */
  callOf(pid: number, name?: string): Call | undefined {
    const call = this.#calls.get(pid);
    return name === undefined || call?.name === name ? call : undefined;
  }

  /** The process that a line is about. */
  attribute({ prefix, body, brokeInto }: Pick<LogLine, 'prefix' | 'body' | 'brokeInto'>): number {
    // Whose line was broken into has to be found before it is no longer alone.
    if (brokeInto !== undefined) this.attribute({ ...brokeInto, brokeInto: undefined });
    if (body.kind === 'attached') return this.attached(body.pid);
    const { pid, bracketed } = prefix;
    if (pid === undefined) this.#latest = this.#unnumbered(body);
    else this.#latest = bracketed ? this.#bracketed(pid, body) : this.attached(pid);
    return this.#latest;
  }

  /** Notes that a process exists. */
  attached(pid: number): number {
    this.#live.add(pid);
    return pid;
  }

  /** Notes that a process has begun a call whose end will be on another line. It must be in none. */
  began(pid: number, call: Call): void {
    this.#calls.set(pid, call);
    if (isForkCall(call.name)) this.#unfinishedForks++;
  }

  /** Notes that a process is in no call any more, and gives the one that it was in. */
  cameBack(pid: number): Call | undefined {
    const call = this.#calls.get(pid);
    if (call === undefined) return undefined;
    this.#calls.delete(pid);
    if (isForkCall(call.name) && --this.#unfinishedForks === 0) this.#goneDuringFork.clear();
    return call;
  }

  /** Notes the result of a fork, and says whether it made a child. Called before `cameBack`, when the fork was unfinished. */
  forked(child: number | bigint | undefined): child is number {
    if (typeof child !== 'number' || child <= 0 || child > LARGEST_PID) return false;
    if (!this.#goneDuringFork.delete(child)) this.#live.add(child);
    return true;
  }

  /** Notes that a process has ended, and gives the call that it was in. */
  ended(pid: number): Call | undefined {
    const call = this.cameBack(pid);
    this.#live.delete(pid);
    if (pid === this.#firstPid) this.#first = 'gone';
    if (this.#unfinishedForks > 0) this.#goneDuringFork.add(pid);
    return call;
  }

  /** Notes that a thread goes on as its process's leader, by an execve in which it still is; gives what the leader was in. */
  superseded({ leader, thread }: { readonly leader: number; readonly thread: number }): Call | undefined {
    if (leader === thread) return undefined;
    const lost = this.cameBack(leader);
    const call = this.ended(thread);
    if (call !== undefined) this.began(leader, call);
    return lost;
  }

  #unnumbered(body: LogLine['body']): number {
    if (this.#first === 'unseen' && this.#live.size === 0) {
      this.#first = 'alive';
      this.#live.add(this.#firstPid);
    }
    // Strace writes no number when there is only one; if we know of more, it does not trace them, or has lost sight of them.
    let only: number | undefined;
    let count = 0;
    for (const pid of this.#live) {
      if (body.kind === 'superseded' && pid === body.by) continue;
      only = pid;
      if (++count === 2) break;
    }
    if (only !== undefined && count === 1) return only;
    const firstIsMeant = this.#first === 'alive' || count === 0;
    return firstIsMeant ? this.#firstPid : this.#latest;
  }

  #bracketed(number: number, body: LogLine['body']): number {
    if (number === this.#firstNumber) return this.#firstPid;
    if (this.#live.has(number)) return number;
    if (this.#first === 'alive' && this.#firstNumber === undefined && this.#mayBeFirst(body)) {
      this.#firstNumber = number;
      return this.#firstPid;
    }
    return this.attached(number);
  }

  /** Whether the first process could have written this: one that is in a call can but come back from it, or end. */
  #mayBeFirst(body: LogLine['body']): boolean {
    const name = this.#calls.get(this.#firstPid)?.name;
    return name === undefined || (body.kind === 'resumed' ? body.name === name : body.kind !== 'call');
  }
}

const FORK_CALLS = new Set(['fork', 'vfork', 'clone', 'clone2', '__clone2', 'clone3']);

/** Whether a call makes a process or a thread. */
export function isForkCall(name: string): boolean {
  return FORK_CALLS.has(name);
}
