/** The processes and threads of a log, and the kernel's that stand for them. */
import type { StraceCallStart } from '@faultline/formats';
import type { Lwp, Process } from '@faultline/kernel';
import type { Descriptors } from './descriptors.js';
import { RangeSet } from './range-set.js';

/** An address space as the log shows it; processes that share a space share this. */
export class SpaceView {
  /** What the log has mapped and not unmapped since the program began. */
  readonly logged: RangeSet;
  /** Linux's break, null until the log has shown it. */
  breakAt: number | null;
  /** Whether what will be mapped is locked, since `mlockall(MCL_FUTURE)`. Children do not inherit it. */
  locksFuture = false;
  /** Whether the log shows the space from its beginning. */
  fromStart: boolean;

  constructor(from?: SpaceView) {
    this.logged = new RangeSet(from?.logged);
    this.breakAt = from?.breakAt ?? null;
    this.fromStart = from?.fromStart ?? true;
  }
}

/** A process. */
export interface Task {
  /** Its number in the log, which is that of its first thread. */
  readonly pid: number;
  readonly process: Process;
  space: SpaceView;
  files: Descriptors;
  /** Its threads that are alive. */
  readonly threads: Set<Actor>;
}

/** A thread: what has a number of its own in the log. */
export interface Actor {
  pid: number;
  readonly lwp: Lwp;
  readonly task: Task;
  /** The call that it is in and that has not come back. */
  begun: StraceCallStart | null;
  /** What that call gave, when it was performed before it came back; null when it was not. */
  early: { readonly child: Actor | null } | null;
}

/** Processes and threads that are alive at one time. */
const MAX_ACTORS = 4096;
/** Numbers remembered of those that have ended, but whose last line may be still to come. */
const MAX_GONE = 65_536;

/** Who is alive, by the numbers of the log. */
export class Tasks {
  readonly #actors = new Map<number, Actor>();
  readonly #gone = new Set<number>();
  /** Forks that have begun, by the number that the child will have. */
  readonly #births = new Map<number, Actor>();
  /** Processes that have ended and for which nobody has waited, by their number in the log. */
  readonly zombies = new Map<number, Process>();

  /** The thread of that number. */
  get(pid: number): Actor | undefined {
    return this.#actors.get(pid);
  }

  /** Whether the thread of that number has ended, so that what the log still says of it means nothing. */
  hasGone(pid: number): boolean {
    return this.#gone.has(pid);
  }

  /** Whether there is room for one more. */
  get room(): boolean {
    return this.#actors.size < MAX_ACTORS;
  }

  /** All threads, in the order in which they appeared. */
  all(): Actor[] {
    return [...this.#actors.values()];
  }

  /** All processes that are alive, in the order in which they appeared. */
  alive(): Task[] {
    return [...new Set(this.all().map((actor) => actor.task))];
  }

  /** Adds a thread. */
  add(pid: number, lwp: Lwp, task: Task): Actor {
    const actor: Actor = { pid, lwp, task, begun: null, early: null };
    this.#gone.delete(pid);
    this.#actors.set(pid, actor);
    task.threads.add(actor);
    return actor;
  }

  /** Notes that a thread has ended; its last line may be still to come. */
  ended(actor: Actor): void {
    actor.task.threads.delete(actor);
    if (this.#actors.get(actor.pid) !== actor) return;
    this.#actors.delete(actor.pid);
    this.ignore(actor.pid);
  }

  /** Notes that what the log says of a number is to be passed over. */
  ignore(pid: number): void {
    this.#gone.add(pid);
    const [oldest] = this.#gone;
    if (this.#gone.size > MAX_GONE && oldest !== undefined) this.#gone.delete(oldest);
  }

  /** Notes that the last line of a number has been seen. */
  forget(pid: number): void {
    this.#gone.delete(pid);
  }

  /** Notes that a thread goes on under the number of its process. */
  rename(actor: Actor, pid: number): void {
    this.#actors.delete(actor.pid);
    actor.pid = pid;
    this.#gone.delete(pid);
    this.#actors.set(pid, actor);
  }

  /** Notes that a fork has begun whose child will have that number. */
  expect(child: number, parent: Actor): void {
    this.#births.set(child, parent);
  }

  /** The thread that is in the fork of a child that has not been made yet; it is expected no longer. */
  takeBirth(child: number): Actor | undefined {
    const parent = this.#births.get(child);
    this.#births.delete(child);
    return parent;
  }
}
