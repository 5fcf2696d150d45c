/**
 * A session: one program on one machine, with a record of the calls it makes, and an audit at the quiet points.
 */
import {
  type CallInProgress,
  type CallObserver,
  hex,
  type LoggedEvent,
  type Lwp,
  type NetbsdSystem,
  type Process,
  type Stateful,
  signalCodeName,
  signalName,
  type View,
  type Violation,
  view,
} from '@faultline/kernel';

/** A system call that was made. */
export interface CallRecord {
  /** Its number in the run, from 1, in the order in which calls began. */
  readonly number: number;
  readonly pid: number;
  readonly lid: number;
  readonly name: string;
  readonly args: readonly (number | string)[];
  /** What it answered; null while it has not, and for one that never does. */
  result: number | null;
  /** What something else than this kernel answered, when that was something else. */
  differs?: Difference;
}

/** Another kernel answered otherwise. */
export interface Difference {
  /** What was recorded there. */
  readonly recorded: string;
  /** Why this kernel answers as it does; empty when that is not known. */
  readonly why: string;
}

/** When the invariants are checked. */
export type AuditWhen = 'each-call' | 'end';

/** How a session watches. */
export interface WatchOptions {
  readonly audit: AuditWhen;
  /** Calls that are kept; of more, only those that differ are. */
  readonly keepCalls: number;
  /** The number of the call after which to stop, null to go on to the end. */
  readonly stopAfter: number | null;
  /** The calls, by number, during which events are recorded. */
  readonly logCalls: { readonly from: number; readonly to: number } | null;
  /** Called every so many calls. */
  readonly onProgress: ((calls: number) => void) | null;
}

/** The call that a run was to stop after has returned. Unwinds the run; never an error. */
export class RunStopped extends Error {
  override readonly name = 'RunStopped';
}

/** The memory of a process, as pmap(1) lists it. */
export interface ProcessMemory {
  readonly pid: number;
  readonly name: string;
  /** Whether it has ended; then this is how its memory was at the end. */
  readonly ended: boolean;
  readonly view: View;
}

/** Processes whose memory at the end is kept, and whose being killed is remarked on. */
const KEPT_PROCESSES = 64;
/** How often progress is told. */
const PROGRESS_CALLS = 1000;

/** One program on one machine. */
export class Session implements CallObserver, Stateful {
  readonly system: NetbsdSystem;
  /** The calls made, the first ones and those that differ. */
  readonly calls: CallRecord[] = [];
  /** How many calls were made, by name, and how many of them failed. */
  readonly counts = new Map<string, { made: number; failed: number }>();
  /** How many calls were made. */
  callCount = 0;
  /** The first time that an invariant was found to be false, and after which call. */
  firstViolation: {
    readonly call: CallRecord | null;
    readonly violations: readonly Violation[];
    /** Whether it was false in the middle of that call, and not at the quiet point behind it. */
    readonly within?: boolean;
  } | null = null;
  /** What happened during the calls that were to be logged, by the number of the call. */
  readonly events = new Map<number, LoggedEvent[]>();
  /** The memory of processes that have ended, at the moment at which they did; the first ones. */
  readonly finalMemory: ProcessMemory[] = [];
  /** Things that whoever reads the result should know. */
  readonly remarks: string[] = [];

  /** Whether the program itself is at work, and not its set-up. */
  counting = true;

  readonly #watch: WatchOptions;
  /** The calls that threads are in. Threads that have ended in one, as in an exit, are not kept for it. */
  readonly #open = new WeakMap<Lwp, CallRecord>();
  #last: CallRecord | null = null;
  #killed = 0;

  constructor(system: NetbsdSystem, watch: WatchOptions) {
    this.system = system;
    this.#watch = watch;
    system.sys.observer = this;
    // The run goes on: what comes of it is worth knowing too.
    system.kern.onBroken = ({ violation }) => {
      this.firstViolation ??= { call: this.#last, violations: [violation], within: true };
    };
    if (watch.audit === 'each-call' || watch.stopAfter !== null) system.kern.onQuiet = () => this.#quiet();
  }

  /** Tells nothing: that somebody takes note of what a program does changes nothing. */
  writeState(): void {}

  /** The call that began last. */
  get lastCall(): CallRecord | null {
    return this.#last;
  }

  /** The call that a thread is in, null for none. */
  callOf(lwp: Lwp): CallRecord | null {
    return this.#open.get(lwp) ?? null;
  }

  /** Does something whose calls are not counted: set-up. */
  withoutCounting(job: () => void): void {
    this.counting = false;
    job();
    this.counting = true;
  }

  /** Says that another kernel answered a call otherwise. */
  differs(call: CallRecord, difference: Difference): void {
    call.differs = difference;
    if (!this.calls.includes(call)) this.calls.push(call);
  }

  called(lwp: Lwp, call: CallInProgress): void {
    for (const [at, arg] of call.args.entries()) {
      // A program in plain JavaScript can pass anything; most of all the generator of a call that it has not made.
      if (typeof arg === 'number' || typeof arg === 'string') continue;
      throw new TypeError(
        `argument ${at + 1} of ${call.name} is ${String(arg)}, not a number; a yield* may be missing in front of it`,
      );
    }
    if (!this.counting) return;
    this.callCount++;
    const { pid } = lwp.process;
    const record: CallRecord = { number: this.callCount, pid, lid: lwp.lid, name: call.name, args: call.args, result: null };
    if (this.calls.length < this.#watch.keepCalls) this.calls.push(record);
    const count = this.counts.get(record.name) ?? { made: 0, failed: 0 };
    count.made++;
    this.counts.set(record.name, count);
    this.#open.set(lwp, record);
    this.#last = record;
    const { logCalls } = this.#watch;
    if (logCalls !== null && record.number >= logCalls.from) this.system.kern.log.on = record.number <= logCalls.to;
    if (this.callCount % PROGRESS_CALLS === 0) this.#watch.onProgress?.(this.callCount);
  }

  returned(lwp: Lwp, _call: CallInProgress, result: number): void {
    const record = this.#open.get(lwp);
    if (record === undefined) return;
    this.#open.delete(lwp);
    record.result = result;
    this.#last = record;
    const count = this.counts.get(record.name);
    if (result < 0 && count !== undefined) count.failed++;
    this.#collect(record, lwp);
  }

  exiting(process: Process): void {
    if (!this.counting) return;
    const { pid, name, ending } = process;
    if (ending?.kind === 'signaled' && ++this.#killed <= KEPT_PROCESSES) {
      this.remarks.push(this.#tellSignal(process, ending.signal));
    }
    if (this.finalMemory.length >= KEPT_PROCESSES || process.borrowsSpace) return;
    this.finalMemory.push({ pid, name, ended: true, view: view(this.system, { kind: 'pmap', pid }) });
  }

  /** `process 1 (main) was killed by SIGSEGV (SEGV_MAPERR) at 0x1000, after call 2` */
  #tellSignal({ pid, name, fatalFault }: Process, signal: number): string {
    const where = fatalFault === null ? '' : ` (${signalCodeName(signal, fatalFault.code)}) at ${hex(fatalFault.address)}`;
    const when = this.#last === null ? 'before any call' : `after call ${this.#last.number}`;
    return `process ${pid} (${name}) was killed by ${signalName(signal)}${where}, ${when}`;
  }

  /** The memory of all processes: of those that have ended as it was then, of the others as it is. */
  memory(): ProcessMemory[] {
    const alive = [...this.system.sys.processes.values()].filter(({ space }) => space !== null);
    const now = alive.map(({ pid, name }) => ({ pid, name, ended: false, view: view(this.system, { kind: 'pmap', pid }) }));
    return [...this.finalMemory, ...now];
  }

  /** Takes what was logged so far to the calls that have not returned: the kernel has stopped. */
  collectUnfinished(): void {
    const { kern, sys } = this.system;
    const lwps = new Set([kern.scheduler.current, ...[...sys.processes.values()].flatMap((process) => process.lwps)]);
    for (const lwp of lwps) {
      const record = this.#open.get(lwp);
      if (record !== undefined) this.#collect(record, lwp);
    }
  }

  #collect(record: CallRecord, lwp: Lwp): void {
    const { logCalls } = this.#watch;
    if (logCalls === null || record.number < logCalls.from || record.number > logCalls.to) return;
    const events = this.system.kern.log.events();
    const begins = events.findLastIndex(({ event, lwp: name }) => event.kind === 'syscall' && name === lwp.name);
    this.events.set(
      record.number,
      events.slice(begins + 1).filter((logged) => logged.lwp === lwp.name),
    );
  }

  #quiet(): void {
    if (!this.counting) return;
    if (this.#watch.audit === 'each-call' && this.firstViolation === null) {
      const violations = this.system.audit();
      if (violations.length > 0) this.firstViolation = { call: this.#last, violations };
    }
    const { stopAfter } = this.#watch;
    if (stopAfter !== null && this.#last !== null && this.#last.number >= stopAfter && this.#last.result !== null) {
      throw new RunStopped(`stopped after call ${stopAfter}`);
    }
  }
}
