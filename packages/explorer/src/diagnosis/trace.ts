/**
 * A schedule taken once more, and written down: who did what to what, who went on next, and why.
 *
 *     segment 0            segment 1             segment 2
 *     A: 3 4 5 6 7 ──────> B: 7 8 9 10 ────────> A: 10 11 …
 *          left in front of 7 (preempted)   left because it waits for a lock
 *
 * A step bears the number that the scheduler had reached when the step was taken. So numbers grow along the trace, although a thread
 * that was set aside has announced its next step long before it takes it.
 */
import type { Deadlock, Lock, Lwp, Op, Schedule, SchedulingPoint, StepObject, Strategy, Waiting } from '@faultline/kernel';
import { Replay } from '@faultline/kernel';
import { execute, type Outcome } from '../execution.js';
import type { Instance, Model } from '../model.js';
import { segmentsOf } from './segments.js';

/** A thread of a trace. */
export interface TracedThread {
  readonly id: number;
  /** `pid.lid` */
  readonly name: string;
  /** What its process is called. */
  readonly process: string;
  /** Whether it is one of the kernel's own, such as I/O under way. */
  readonly kernel: boolean;
}

/** A step that was taken. */
export interface TracedStep {
  readonly number: number;
  readonly thread: TracedThread;
  readonly op: Op;
  /** What it touched, as the object calls itself; empty for nothing. */
  readonly object: string;
  /** The class of the lock it touched, null when that was no lock. */
  readonly lockClass: string | null;
  /** The lock that a sleep let go of; empty for none. */
  readonly interlock: string;
  /** The system call it was in, empty for none. */
  readonly call: string;
  /** Whether it got what it wanted: false for a try that found a lock taken, and for an attempt that has to wait. */
  readonly got: boolean;
  /** The locks that its thread holds afterwards. */
  readonly held: readonly string[];
  /** Whom it woke. */
  readonly woke: readonly TracedThread[];
  /** Whether it was the thread's last. */
  readonly ended: boolean;
}

/** Why a thread did not go on. */
export interface Leaving {
  readonly kind: 'preempted' | 'waits' | 'sleeps' | 'ended';
  /** The step it stands in front of. */
  readonly op: Op;
  readonly object: string;
  /** Who holds what it waits for. */
  readonly holders: readonly TracedThread[];
  /** Why it sleeps, in the kernel's few letters. */
  readonly message: string;
}

/** Steps that one thread took in a row. */
export interface TracedSegment {
  readonly thread: TracedThread;
  readonly steps: readonly TracedStep[];
  /** Why it went no further; null for the last one. */
  readonly left: Leaving | null;
}

/** The environment went another way than the ordinary one. */
export interface TracedChoice {
  readonly number: number;
  readonly thread: TracedThread;
  readonly site: string;
  readonly taken: number;
}

/** A thread that waits at the end. */
export interface TracedWaiting {
  readonly thread: TracedThread;
  readonly op: Op;
  readonly object: string;
  readonly lockClass: string | null;
  readonly holders: readonly TracedThread[];
  /** Why it sleeps; empty when it waits for a lock. */
  readonly message: string;
  readonly call: string;
}

/** What happened in an execution. */
export interface Trace {
  readonly outcome: Outcome;
  /** The threads that took a step, in order of creation. */
  readonly threads: readonly TracedThread[];
  readonly steps: readonly TracedStep[];
  readonly segments: readonly TracedSegment[];
  readonly choices: readonly TracedChoice[];
  /** Who waits at the end. */
  readonly waiting: readonly TracedWaiting[];
  /** Those of them that wait for each other in a ring; empty for none. */
  readonly ring: readonly TracedWaiting[];
}

/** Looks on while a trace is made. */
export interface TraceWatch {
  /** What was set up is set up, and the first step is about to be taken. */
  begin?(instance: Instance): void;
  /** A step has been taken with all that followed from it. */
  step?(step: TracedStep): void;
  /** A thread is about to be set aside: called on its own stack. */
  parked?(lwp: Lwp): void;
}

/** How a trace is made. */
export interface TraceOptions {
  readonly watch?: TraceWatch;
  /** Whether invariants are checked at quiet points. Default true. */
  readonly audit?: boolean;
  /** Steps after which to stop. */
  readonly maxSteps?: number;
}

/** Takes a schedule once more and writes it down. */
export function traceOf(model: Model, schedule: Schedule, options: TraceOptions = {}): Trace {
  const tracer = new Tracer(new Replay(schedule), options.watch ?? {});
  const traced: Model = {
    name: model.name,
    boot(strategy) {
      const instance = model.boot(strategy);
      tracer.attach(instance);
      return {
        kern: instance.kern,
        run: () => tracer.run(instance),
        writeState: (writer) => instance.writeState(writer),
        audit: () => instance.audit?.() ?? [],
        atEnd: () => instance.atEnd?.() ?? [],
      };
    },
  };
  const outcome = execute(traced, tracer, {
    ...(options.audit !== undefined && { audit: options.audit }),
    ...(options.maxSteps !== undefined && { maxSteps: options.maxSteps }),
  });
  return tracer.finish(outcome);
}

/** A step while it is not known what came of it. */
interface OpenStep {
  readonly step: Omit<TracedStep, 'got' | 'held' | 'woke' | 'ended'>;
  readonly lwp: Lwp;
  readonly lock: Lock | null;
}

class Tracer implements Strategy {
  readonly name = 'replay';
  readonly preemptive = true;
  readonly everyStep = true;
  readonly #inner: Replay;
  readonly #watch: TraceWatch;
  #instance: Instance | null = null;
  #begun = false;
  #open: OpenStep | null = null;
  #waiting: readonly TracedWaiting[] = [];
  #ring: readonly TracedWaiting[] = [];
  readonly #threads = new Map<number, TracedThread>();
  readonly #seen = new Set<TracedThread>();
  readonly #steps: TracedStep[] = [];
  readonly #leavings = new Map<number, Leaving>();
  readonly #choices: TracedChoice[] = [];
  #asleep: readonly Lwp[] = [];
  #last: Lwp | null = null;

  constructor(inner: Replay, watch: TraceWatch) {
    this.#inner = inner;
    this.#watch = watch;
  }

  attach(instance: Instance): void {
    this.#instance = instance;
    const { scheduler } = instance.kern;
    scheduler.onWait = (lwp) => {
      this.#settle(scheduler);
      this.#watch.parked?.(lwp);
    };
  }

  run(instance: Instance): void {
    try {
      instance.run();
    } catch (error) {
      if (error instanceof Error && error.name === 'Deadlock')
        this.#ring = (error as Deadlock).cycle.map((each) => this.#waits(each));
      throw error;
    } finally {
      this.#settle(instance.kern.scheduler);
      this.#waiting = instance.kern.scheduler.waiting().map((each) => this.#waits(each));
    }
  }

  preempts(point: SchedulingPoint): boolean {
    this.#settle(point);
    const { current } = point;
    if (this.#inner.preempts(point)) {
      this.#watch.parked?.(current);
      return true;
    }
    this.#take(current, point);
    return false;
  }

  pick(candidates: readonly Lwp[], usual: Lwp, point: SchedulingPoint): Lwp {
    this.#settle(point);
    const chosen = this.#inner.pick(candidates, usual, point);
    if (this.#last !== null && chosen !== this.#last) this.#leavings.set(this.#steps.length, this.#leaving(this.#last));
    this.#take(chosen, point);
    return chosen;
  }

  choose(site: string, alternatives: number, point: SchedulingPoint): number {
    const taken = this.#inner.choose(site, alternatives, point);
    if (taken !== 0) this.#choices.push({ number: point.steps, thread: this.#thread(point.current), site, taken });
    return taken;
  }

  expire(sleepers: readonly Lwp[], point: SchedulingPoint): Lwp | null {
    return this.#inner.expire(sleepers, point);
  }

  finish(outcome: Outcome): Trace {
    return {
      outcome: { ...outcome, instance: this.#instance ?? outcome.instance },
      threads: [...this.#threads.values()].filter((thread) => this.#seen.has(thread)).sort((a, b) => a.id - b.id),
      steps: this.#steps,
      segments: segmentsOf(this.#steps, this.#leavings),
      choices: this.#choices,
      waiting: this.#waiting,
      ring: this.#ring,
    };
  }

  /** A thread is about to take the step it stands in front of. */
  #take(lwp: Lwp, point: SchedulingPoint): void {
    if (!this.#begun && this.#instance !== null) {
      this.#begun = true;
      this.#watch.begin?.(this.#instance);
    }
    const { op, object } = lwp;
    const lock = lockOf(object);
    const step = {
      number: point.steps,
      thread: this.#thread(lwp),
      op,
      object: object?.label ?? '',
      lockClass: lock?.lockClass.name ?? null,
      interlock: op === 'sleep' ? (lwp.interlock?.label ?? '') : '',
      call: lwp.call?.name ?? '',
    };
    this.#open = { step, lwp, lock };
    this.#last = lwp;
    this.#asleep = point.lwps.filter((other) => other.channel !== null);
  }

  /** Whatever the last step has led to is done: everybody stands in front of a step. */
  #settle({ lwps }: SchedulingPoint): void {
    if (this.#open === null) return;
    const { step, lwp, lock } = this.#open;
    this.#open = null;
    const taken: TracedStep = {
      ...step,
      got: step.op === 'release' || lock === null || lwp.held.includes(lock),
      held: lwp.held.map(({ label }) => label),
      woke: this.#asleep.filter((other) => other.channel === null && other !== lwp).map((other) => this.#thread(other)),
      ended: lwp.idle || !lwps.includes(lwp),
    };
    this.#seen.add(step.thread);
    this.#steps.push(taken);
    this.#watch.step?.(taken);
  }

  #leaving(lwp: Lwp): Leaving {
    const { op, object } = lwp;
    const where = { op, object: object?.label ?? '', holders: this.#holders(object), message: lwp.waitMessage };
    if (lwp.idle) return { ...where, kind: 'ended' };
    if (object === null || object.admits(op, lwp)) return { ...where, kind: 'preempted' };
    return { ...where, kind: op === 'resume' ? 'sleeps' : 'waits' };
  }

  #waits({ lwp, op, object, holders }: Waiting): TracedWaiting {
    return {
      thread: this.#thread(lwp),
      op,
      object: object.label,
      lockClass: lockOf(object)?.lockClass.name ?? null,
      holders: holders.map((holder) => this.#thread(holder)),
      message: op === 'resume' ? lwp.waitMessage : '',
      call: lwp.call?.name ?? '',
    };
  }

  #holders(object: StepObject | null): TracedThread[] {
    return object !== null && 'holders' in object ? (object as Lock).holders().map((lwp) => this.#thread(lwp)) : [];
  }

  #thread(lwp: Lwp): TracedThread {
    const known = this.#threads.get(lwp.id);
    if (known !== undefined) return known;
    const thread: TracedThread = { id: lwp.id, name: lwp.name, process: lwp.process.name, kernel: lwp.transient };
    this.#threads.set(lwp.id, thread);
    return thread;
  }
}

function lockOf(object: StepObject | null): Lock | null {
  return object !== null && 'lockClass' in object ? (object as Lock) : null;
}
