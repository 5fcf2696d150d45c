/**
 * Places in an execution, in words that survive edits: not "step 4711", but "thread main.1, in its first mlock, in front of the second
 * time that it acquires the lock of a map".
 */
import type { CallInProgress, Lock, Lwp, SchedulingPoint, StepObject } from '@faultline/kernel';

/** A place: the step that a thread is in front of. */
export interface Site {
  /** The thread, by process and number: `main.1`. Empty at the very start, when none has run. */
  readonly thread: string;
  /** Its system call, `mlock#1` for its first mlock; `after mlock#1` between two calls; `start` before the first; empty at its end. */
  readonly within: string;
  /** What it is about to do to what kind of object: `acquire vmmaplk`; `end` when it has nothing left to do. */
  readonly step: string;
  /** Which of the equal steps within that call this is, from 1. */
  readonly nth: number;
}

/** Where an execution is before any thread has run. */
const START: Site = { thread: '', within: 'start', step: 'begin', nth: 1 };

/** Whether two places are the same. */
export function isSameSite(a: Site, b: Site): boolean {
  return a.thread === b.thread && a.within === b.within && a.step === b.step && a.nth === b.nth;
}

/** A place as part of a sentence: `main.1 in mlock#1, in front of "acquire vmmaplk" (number 2)`. */
export function siteText({ thread, within, step, nth }: Site): string {
  if (thread === '') return 'the start';
  const which = nth === 1 ? '' : ` (number ${nth})`;
  if (step === 'end') return `the end of ${thread}${which}`;
  const where = within === 'start' ? 'before any call' : within.startsWith('after ') ? within : `in ${within}`;
  return `${thread} ${where}, in front of "${step}"${which}`;
}

/** Names of threads that do not depend on what else is there: the process and the number in it, not the ids of this run. */
export class ThreadNames {
  readonly #processes = new Map<number, string>();
  readonly #processesNamed = new Map<string, number>();
  readonly #threads = new Map<Lwp, string>();
  #kernelThreads = 0;

  /** Names all threads that exist; call it at each step, so that they are named in the order in which they came. */
  see(lwps: readonly Lwp[]): void {
    for (const lwp of lwps) if (!this.#threads.has(lwp)) this.of(lwp);
  }

  /** The name of a thread. */
  of(lwp: Lwp): string {
    const known = this.#threads.get(lwp);
    if (known !== undefined) return known;
    // Threads of the kernel's own are numbered from boot on, so what happened before would change their names.
    const number = lwp.process.pid === 0 ? ++this.#kernelThreads : lwp.lid;
    const name = `${this.#process(lwp)}.${number}`;
    this.#threads.set(lwp, name);
    return name;
  }

  #process({ process: { pid, name } }: Lwp): string {
    const known = this.#processes.get(pid);
    if (known !== undefined) return known;
    const nth = (this.#processesNamed.get(name) ?? 0) + 1;
    this.#processesNamed.set(name, nth);
    const unique = nth === 1 ? name : `${name}#${nth}`;
    this.#processes.set(pid, unique);
    return unique;
  }
}

/** How far a thread has come. */
interface Progress {
  readonly lwp: Lwp;
  call: CallInProgress | null;
  within: string;
  /** Calls made so far, by name. */
  readonly calls: Map<string, number>;
  /** Where it was before `within`. */
  readonly left: Set<string>;
  /** Steps seen in `within`, by what they do. */
  readonly seen: Map<string, number>;
  /** How often it had nothing left to do. */
  ends: number;
}

/** Follows an execution, and says at each step which place it has come to. Has to be asked at every step. */
export class SiteTracker {
  readonly names = new ThreadNames();
  readonly #threads = new Map<string, Progress>();
  /** Steps taken when the place was found. */
  #steps = -1;
  #site = START;

  /** Where the execution is now: in front of the next step of the thread that ran last. */
  at(point: SchedulingPoint): Site {
    if (point.steps === this.#steps) return this.#site;
    const first = this.#steps < 0;
    this.#steps = point.steps;
    this.names.see(point.lwps);
    const { current } = point;
    // Before anything has run, the thread that ran last is of no interest.
    if (first && current.idle) return this.#site;
    this.#site = current.idle ? this.#end(current) : this.#arrive(current, stepText(current));
    return this.#site;
  }

  /** Where the execution is now, when the environment is asked which way it goes. */
  atChoice(point: SchedulingPoint, site: string): Site {
    this.#steps = point.steps;
    this.names.see(point.lwps);
    this.#site = this.#arrive(point.current, `choose ${site}`);
    return this.#site;
  }

  /** Whether the execution cannot come to a place any more: its thread has left that call, or is no more. */
  isPast({ thread, within, step, nth }: Site, { lwps }: SchedulingPoint): boolean {
    const progress = this.#threads.get(thread);
    if (progress === undefined) return false;
    if (step === 'end') return progress.ends >= nth;
    return progress.left.has(within) || !lwps.includes(progress.lwp);
  }

  #arrive(lwp: Lwp, step: string): Site {
    const progress = this.#progressOf(lwp);
    follow(progress, lwp.call);
    const nth = (progress.seen.get(step) ?? 0) + 1;
    progress.seen.set(step, nth);
    return { thread: this.names.of(lwp), within: progress.within, step, nth };
  }

  #end(lwp: Lwp): Site {
    return { thread: this.names.of(lwp), within: '', step: 'end', nth: ++this.#progressOf(lwp).ends };
  }

  #progressOf(lwp: Lwp): Progress {
    const thread = this.names.of(lwp);
    const known = this.#threads.get(thread);
    if (known !== undefined) return known;
    const progress = { lwp, call: null, within: 'start', calls: new Map(), left: new Set<string>(), seen: new Map(), ends: 0 };
    this.#threads.set(thread, progress);
    return progress;
  }
}

/** Takes note of the call that a thread is in now. */
function follow(progress: Progress, call: CallInProgress | null): void {
  if (call === progress.call) return;
  progress.call = call;
  progress.left.add(progress.within);
  progress.seen.clear();
  if (call === null) {
    progress.within = `after ${progress.within}`;
    return;
  }
  const nth = (progress.calls.get(call.name) ?? 0) + 1;
  progress.calls.set(call.name, nth);
  progress.within = `${call.name}#${nth}`;
}

function stepText({ op, object }: Lwp): string {
  return object === null ? op : `${op} ${kindOf(object)}`;
}

/** What kind of object it is: the class of a lock, the label of anything else without its numbers. */
function kindOf(object: StepObject): string {
  if ('lockClass' in object) return (object as Lock).lockClass.name;
  return object.label.replace(/0x[0-9a-f]+|\b[0-9a-f]{6,}\b|\d+/g, '#');
}
