/**
 * Replaying a log: each thread of it is a thread here, and does what the log says when the log says so.
 *
 *     records ──> Replay ── whose? ──> Actor ── which call? ──> handler ──> system calls, compared with the record
 *                   │
 *                   └── a child's first line before its fork has come back: the fork is performed now
 *
 * A call takes effect when it comes back, because only then is its result known. Two kinds have effects that others see before:
 * a fork, whose child may run first, and `munmap`, whose range another thread may be given. These are performed when that shows.
 *
 * No thread ever waits here: that it waited, and for how long, is in the order of the log's lines.
 */
import type { StraceCall, StraceCallEnd, StraceCallStart, StraceFork, StraceRecord, StraceSuperseded } from '@faultline/formats';
import { type NetbsdSystem, RLIM_INFINITY, RLIMIT_AS, RLIMIT_DATA, type Step, type User } from '@faultline/kernel';
import type { Session } from '../session.js';
import { type LoggedCall, type Outcome, outcomeOf } from './arguments.js';
import { touchesOf } from './buffers.js';
import { Descriptors } from './descriptors.js';
import { agrees, answerKind, outcomeKind, outcomeText, whyDifferent } from './differences.js';
import { FILE_CALLS } from './file-calls.js';
import { LoggedFiles } from './files.js';
import { mapInitialPages, touch } from './initial-pages.js';
import { MEMORY_CALLS, performUnmap } from './memory-calls.js';
import { endTask, endThread, forkReturned, isFork, PROCESS_CALLS, performFork } from './process-calls.js';
import { type LoggedSegment, SHM_CALLS } from './shm-calls.js';
import { Tally } from './tally.js';
import { type Actor, SpaceView, type Task, Tasks } from './tasks.js';

/** Does what a call of the log says. */
export type Handler = (replay: Replay, actor: Actor, call: LoggedCall) => void;

/** Differences that are listed. */
const MAX_DIFFERENCES = 1000;

/** Calls that change memory in ways that are not modelled. */
const NOT_MODELLED = new Set([
  'remap_file_pages',
  'process_vm_readv',
  'process_vm_writev',
  'process_madvise',
  'move_pages',
  'mseal',
  'io_setup',
  'io_uring_setup',
  'vmsplice',
  'userfaultfd',
]);

/** A log on its way through a machine. */
export class Replay {
  readonly session: Session;
  readonly system: NetbsdSystem;
  readonly tally = new Tally();
  readonly tasks = new Tasks();
  readonly files: LoggedFiles;
  /** Segments of shared memory by their ids in the log. */
  readonly segments = new Map<number, LoggedSegment>();
  readonly #logName: string;
  /** The children of forks that do not end on the line on which they begin, by that line. */
  readonly #children: ReadonlyMap<number, number>;
  #differences = 0;

  constructor(session: Session, logName: string, forks: readonly StraceFork[]) {
    this.session = session;
    this.system = session.system;
    this.files = new LoggedFiles(this);
    this.#logName = logName;
    this.#children = new Map(
      forks.flatMap(({ startLine, endLine, child }) => (endLine > startLine ? [[startLine, child] as const] : [])),
    );
  }

  /** Does what a record says. */
  record(record: StraceRecord): void {
    switch (record.kind) {
      case 'call':
      case 'callEnd':
        this.#returned(record);
        break;
      case 'callStart':
        this.#began(record);
        break;
      case 'exit': {
        const actor = this.#known(record.pid);
        if (actor !== undefined) endThread(this, actor, record.status);
        this.tasks.forget(record.pid);
        break;
      }
      case 'killed': {
        const actor = this.#known(record.pid);
        if (actor !== undefined) endTask(this, actor.task, { signal: record.signal });
        this.tasks.forget(record.pid);
        break;
      }
      case 'superseded':
        this.#superseded(record);
        break;
      case 'truncated':
        if (record.what === 'line') this.tally.count('cutLines');
        else this.#neverReturned(record.pid);
        break;
      case 'attached':
      case 'signal':
        this.#known(record.pid);
        break;
      case 'note':
        break;
    }
  }

  /** The log is over: who is alive is made to exit. */
  end(): void {
    const alive = this.tasks.alive();
    this.tally.count('alive', alive.length);
    for (const task of alive) endTask(this, task, { status: 0 });
  }

  /**
   * Makes a call in a thread, and notes when the answer is not the one that was recorded.
   *
   * @param recorded what the log says of the answer, when that is not the logged call's own outcome
   * @returns the answer; undefined when the thread ended over it
   */
  call(
    actor: Actor,
    logged: Pick<LoggedCall, 'outcome' | 'line'>,
    job: (user: User) => Step<number>,
    recorded: Outcome = logged.outcome,
  ): number | undefined {
    if (actor.task.process.ending !== null) return undefined;
    const answer = this.system.perform(actor.lwp, job);
    if (answer === undefined) this.#lost(actor.task);
    else if (!agrees(recorded, answer)) this.differs(actor, logged, answer, outcomeKind(recorded));
    return answer;
  }

  /** Notes that the call that was made last answered otherwise than the log says. */
  differs(actor: Actor, { outcome, line }: Pick<LoggedCall, 'outcome' | 'line'>, answer: number, linux: string): void {
    const { lastCall } = this.session;
    if (lastCall === null) return;
    if (++this.#differences > MAX_DIFFERENCES) {
      this.tally.count('moreDifferences');
      return;
    }
    const recorded = `${outcomeText(outcome)} (${this.#logName} line ${line})`;
    const { locksFuture, fromStart } = actor.task.space;
    const circumstances = { locksFuture, fromStart, outOfMemory: this.#freePages() <= 0 };
    this.session.differs(lastCall, { recorded, why: whyDifferent(lastCall, linux, answerKind(answer), circumstances) });
  }

  /** Does something in a thread that the log's program did not do: it is not counted as a call. Undefined as for `call`. */
  quietly<T>(actor: Actor, job: (user: User) => Step<T>): T | undefined {
    if (actor.task.process.ending !== null) return undefined;
    const outcome: { value?: T | undefined } = {};
    this.session.withoutCounting(() => {
      outcome.value = this.system.perform(actor.lwp, job);
    });
    if (outcome.value === undefined) this.#lost(actor.task);
    return outcome.value;
  }

  /** The log shows that a range is mapped: what of it the log has never mapped was there before. */
  presume(actor: Actor, start: number, length: number): void {
    const { logged } = actor.task.space;
    const given = this.quietly(actor, (user) => mapInitialPages(this.system, user, { start, end: start + length }, logged));
    this.tally.count('initialPages', given ?? 0);
  }

  /** Performs what other threads have begun to unmap, when the log shows that the range has been given away since. */
  unmapBefore(actor: Actor, start: number, end: number): void {
    if (!actor.task.space.logged.meets(start, end)) return;
    for (const other of [...actor.task.threads]) {
      if (other === actor || other.begun?.name !== 'munmap' || other.early !== null) continue;
      const { name, args, startLine: line } = other.begun;
      const call: LoggedCall = { name, args, outcome: { kind: 'success', value: 0 }, annotation: undefined, line };
      if (!performUnmap(this, other, call, { within: { start, end } })) continue;
      other.early = { child: null };
      this.tally.count('earlyCalls');
    }
  }

  /** Touches memory as the kernel does for a program; where nothing is mapped, nothing happens. */
  touch(actor: Actor, range: { address: number; length: number; access: 'load' | 'store' }): void {
    this.presume(actor, range.address, range.length);
    if (actor.task.process.ending !== null) return;
    const errno = this.system.perform(actor.lwp, () => touch(this.system, range, () => this.#freePages()));
    if (errno === undefined) this.#lost(actor.task);
    this.tally.count(errno === 0 ? 'touchedBuffers' : 'failedTouches');
  }

  /** Adds a process that nobody of the log has made. */
  spawn(pid: number): Actor | undefined {
    if (!this.tasks.room) {
      this.tally.count('tooMany');
      this.tasks.ignore(pid);
      return undefined;
    }
    const process = this.system.spawn(`process ${pid}`);
    // These have no limits in Linux unless somebody sets one.
    const none = { current: RLIM_INFINITY, maximum: RLIM_INFINITY };
    process.limits = process.limits.with(RLIMIT_DATA, none).with(RLIMIT_AS, none);
    const [lwp] = process.lwps;
    if (lwp === undefined) return undefined;
    return this.tasks.add(pid, lwp, { pid, process, space: new SpaceView(), files: new Descriptors(), threads: new Set() });
  }

  /** Pages that may still be taken, besides those that have to be left for memory that is locked. */
  #freePages(): number {
    const { free, wired, wiredmax } = this.system.uvm.uvmexp;
    return free - Math.max(wiredmax - wired, 0);
  }

  #returned(record: StraceCall | StraceCallEnd): void {
    const { name, args, result, endLine: line } = record;
    const actor = this.#actor(record.pid, name);
    if (actor === undefined) return;
    const { early } = actor;
    actor.begun = null;
    actor.early = null;
    const call: LoggedCall = { name, args, outcome: outcomeOf(result), annotation: result.annotation, line };
    if (isFork(name)) forkReturned(this, actor, call, early?.child ?? null);
    else if (early !== null) return;
    else if (record.kind === 'callEnd' && record.start === undefined) this.tally.name('notUnderstood', name);
    else this.#perform(actor, call);
  }

  #perform(actor: Actor, call: LoggedCall): void {
    const handler = MEMORY_CALLS.get(call.name) ?? PROCESS_CALLS.get(call.name) ?? SHM_CALLS.get(call.name);
    if (handler !== undefined) {
      handler(this, actor, call);
      return;
    }
    FILE_CALLS.get(call.name)?.(this, actor, call);
    const { touches, hidden } = touchesOf(call);
    for (const range of touches) this.touch(actor, range);
    this.tally.count('hiddenBuffers', hidden);
    if (NOT_MODELLED.has(call.name) && call.outcome.kind === 'success') this.tally.name('notModelled', call.name);
    else if (touches.length === 0) this.tally.name('noEffect', call.name);
  }

  #began(record: StraceCallStart): void {
    const actor = this.#actor(record.pid, record.name);
    if (actor === undefined) return;
    actor.begun = record;
    actor.early = null;
    const child = isFork(record.name) ? this.#children.get(record.startLine) : undefined;
    if (child !== undefined) this.tasks.expect(child, actor);
  }

  #neverReturned(pid: number): void {
    this.tally.count('unfinished');
    const actor = this.tasks.get(pid);
    if (actor === undefined) return;
    actor.begun = null;
    actor.early = null;
  }

  #superseded({ pid, by }: StraceSuperseded): void {
    const leader = this.tasks.get(pid);
    const thread = this.#known(by);
    if (thread === undefined || thread === leader) return;
    if (leader !== undefined && leader.task === thread.task) endThread(this, leader, 0);
    if (thread.task.process.ending === null) this.tasks.rename(thread, pid);
  }

  /** The thread of that number; one that is not known begins here. */
  #actor(pid: number, call: string): Actor | undefined {
    const known = this.#known(pid);
    if (known !== undefined || this.tasks.hasGone(pid)) return known;
    const parent = this.#onlyParent();
    if (parent !== undefined) return this.#born(parent, pid);
    // A log begins with the execve of its first process.
    const actor = this.spawn(pid);
    if (call === 'execve' || actor === undefined) return actor;
    this.tally.count('strangers');
    actor.task.space.fromStart = false;
    return actor;
  }

  /** The thread of that number if it is known, or if it is the child of a fork that has not come back, which is performed now. */
  #known(pid: number): Actor | undefined {
    const parent = this.tasks.takeBirth(pid);
    if (parent?.begun == null || parent.early !== null || parent.task.process.ending !== null) return this.tasks.get(pid);
    return this.#born(parent, pid);
  }

  #born(parent: Actor, pid: number): Actor | undefined {
    if (parent.begun === null) return undefined;
    const child = performFork(this, parent, parent.begun, pid);
    parent.early = { child };
    return child ?? undefined;
  }

  /** The only thread in a fork of which the log, because it is cut off, does not tell the child; undefined for none, or several. */
  #onlyParent(): Actor | undefined {
    const parents = this.tasks.all().filter(({ begun, early }) => early === null && begun !== null && this.#lacksChild(begun));
    return parents.length === 1 ? parents[0] : undefined;
  }

  #lacksChild({ name, startLine }: StraceCallStart): boolean {
    return isFork(name) && !this.#children.has(startLine);
  }

  /** This kernel has ended a process; the log goes on without it. */
  #lost(task: Task): void {
    if (task.process.ending === null) return;
    this.tally.count('lostProcesses');
    for (const actor of [...task.threads]) this.tasks.ended(actor);
  }
}
