/**
 * The deterministic scheduler.
 *
 *        strategy ── which thread, which way ──┐
 *                                              v
 *    lwp 1  ──step──┤parked          ┌── scheduler.run() picks an admitted thread,
 *    lwp 2  ────────┤parked   <──────┤   resumes it, and gets it back at the step
 *    lwp 3  ──step──┤parked          └── where the strategy wants another
 *
 * A thread calls `mustSwitch` in front of each step: a plain call, which says whether the thread has to be parked there. Most
 * of the time it has not, and the step costs no resume (decision D1). Virtual time moves only when nothing else can run, or when
 * the strategy lets a timeout fire.
 */
import { EINTR, type Errno, EWOULDBLOCK } from './errno.js';
import { runOn } from './frames.js';
import { Lwp, type Op, type ProcessIdentity, type Resumable, type StepObject } from './lwp.js';
import { ScheduleRecorder } from './schedule.js';
import type { Stateful, StateWriter } from './state.js';
import { RunToBlock, type SchedulingPoint, type Strategy } from './strategy.js';
import { BUILD, Continuation, park, type Step } from './switch.js';

/** Ticks in a second of virtual time, as `hz` in NetBSD. */
export const HZ = 100;

/** A thread that waits, and what for. */
export interface Waiting {
  readonly lwp: Lwp;
  readonly op: Op;
  readonly object: StepObject;
  /** The threads that hold what it waits for; empty when it sleeps on a channel. */
  readonly holders: readonly Lwp[];
}

/** Threads wait, and nothing can wake them. */
export class Deadlock extends Error {
  override readonly name = 'Deadlock';
  /** All threads that wait. */
  readonly waiting: readonly Waiting[];
  /** Those that wait for each other in a ring, in order; empty when they sleep for ever without a ring. */
  readonly cycle: readonly Waiting[];

  constructor(waiting: readonly Waiting[], cycle: readonly Waiting[]) {
    super(describeDeadlock(waiting, cycle));
    this.waiting = waiting;
    this.cycle = cycle;
  }
}

/** A run has taken more steps than it may. */
export class StepBound extends Error {
  override readonly name = 'StepBound';

  constructor(steps: number) {
    super(`after ${steps.toLocaleString('en-US')} steps there was no end in sight`);
  }
}

/** The job of a thread in whose name the embedder itself calls: it lies on the stack, below whatever runs. */
const EMBEDDED: Resumable = { resumable: false, begin: null, resume: () => false };

/** Runs the threads of one machine. */
export class Scheduler implements SchedulingPoint, Stateful {
  /** All threads that exist, in order of creation. */
  readonly lwps: Lwp[] = [];
  /** The running thread; outside of any thread, the one in whose name the embedder calls. */
  current: Lwp;
  /** The thread that is on the processor, null while none is: between a step and the next, all are parked. */
  running: Lwp | null = null;
  /** Steps taken since boot. */
  steps = 0;
  /** Virtual time since boot, in ticks of 1/`HZ` s. */
  tick = 0;
  /** Threads of the kernel's own that have not finished: I/O under way, and the like. */
  kernelThreads = 0;
  /** Whether a thread has been sent a signal that it has not met yet: it does not fall asleep interruptibly. */
  isSignaled: ((lwp: Lwp) => boolean) | null = null;
  /** Called when a thread gets the processor. */
  onSwitch: ((lwp: Lwp) => void) | null = null;
  /** Called when a thread cannot take its next step, on the thread's own stack. */
  onWait: ((lwp: Lwp) => void) | null = null;
  /** Steps after which a run is given up, so that one without an end is no hang. */
  maxSteps = Number.POSITIVE_INFINITY;
  /** Whether anything but run-to-block was decided, and what. */
  readonly recorder = new ScheduleRecorder();

  readonly #strategy: Strategy;
  readonly #preemptive: boolean;
  /** Threads that must have a job before the strategy is asked about preemption. */
  readonly #askFrom: number;
  readonly #everyStep: boolean;
  readonly #endsAtRings: boolean;
  readonly #cpus: number;
  readonly #boot: ProcessIdentity;
  /** In whose name the embedder calls while no thread runs. */
  readonly #outsider: Lwp;
  /** Threads with a job, in order of creation. */
  readonly #active: Lwp[] = [];
  #nextId = 0;

  constructor(options: { strategy?: Strategy; cpus?: number; boot: ProcessIdentity }) {
    this.#strategy = options.strategy ?? new RunToBlock();
    this.#preemptive = BUILD !== 'direct' && this.#strategy.preemptive;
    this.#everyStep = this.#strategy.everyStep === true;
    this.#askFrom = this.#everyStep ? 1 : 2;
    this.#endsAtRings = this.#strategy.endsAtRings !== false;
    this.#cpus = options.cpus ?? 1;
    this.#boot = options.boot;
    this.#outsider = this.create(options.boot, 1);
    this.current = this.#outsider;
  }

  /** Whether no thread runs: it is the embedder that calls. */
  get outside(): boolean {
    return this.current === this.#outsider;
  }

  /**
   * Lets the embedder call in the name of an idle thread, until `release`.
   *
   * => from outside only. In the direct build: what the embedder calls cannot be set aside.
   */
  adopt(lwp: Lwp): void {
    if (lwp.continuation !== null) throw new Error(`thread ${lwp.name} has a job already`);
    this.#give(lwp, EMBEDDED, null);
    this.current = lwp;
    this.running = lwp;
    this.onSwitch?.(lwp);
  }

  /** Ends what `adopt` began. */
  release(lwp: Lwp): void {
    lwp.continuation = null;
    this.#active.splice(this.#active.indexOf(lwp), 1);
    this.current = this.#outsider;
    this.running = null;
  }

  /** Runs whoever can go on, until nobody can; who waits then goes on waiting. => from outside only. */
  settle(): void {
    if (this.#active.length === 0) return;
    for (let next = this.#next(null); next !== null; next = this.#next(null)) this.#dispatch(next);
    this.current = this.#outsider;
  }

  /** The number that the next thread will have. */
  get nextId(): number {
    return this.#nextId;
  }

  /** Creates an idle thread; `lid` is its number within the process. */
  create(process: ProcessIdentity, lid: number): Lwp {
    const id = this.#nextId++;
    const lwp = new Lwp({ id, lid, process, cpu: id % this.#cpus });
    this.lwps.push(lwp);
    return lwp;
  }

  /** Starts a thread of the kernel's own, which ceases to exist when its job is done. */
  spawn(body: () => Step<void>): Lwp {
    const lwp = this.create(this.#boot, this.#nextId);
    lwp.transient = true;
    this.kernelThreads++;
    this.start(lwp, body);
    return lwp;
  }

  /** Forgets a thread that has no job any more. */
  destroy(lwp: Lwp): void {
    const index = this.lwps.indexOf(lwp);
    if (index >= 0) this.lwps.splice(index, 1);
  }

  /**
   * Gives an idle thread a job. It runs when the scheduler gets to it.
   *
   * @param options.when what has to admit the start first; nothing when absent
   */
  start(lwp: Lwp, body: () => Step<void>, options: { when?: StepObject } = {}): void {
    if (lwp.continuation !== null) throw new Error(`thread ${lwp.name} has a job already`);
    this.#give(lwp, new Continuation(body), options.when ?? null);
  }

  #give(lwp: Lwp, job: Resumable, when: StepObject | null): void {
    lwp.op = 'start';
    lwp.object = when;
    lwp.continuation = job;
    lwp.frames.depth = 0;
    lwp.inKernel = 0;
    let index = this.#active.length;
    while (index > 0 && (this.#active[index - 1] as Lwp).id > lwp.id) index--;
    this.#active.splice(index, 0, lwp);
  }

  /**
   * A step is about to be taken by the running thread: must the thread be parked first?
   *
   * => the caller parks when told so, and then takes the step without asking again.
   */
  mustSwitch(op: Op, object: StepObject): boolean {
    const lwp = this.current;
    lwp.op = op;
    lwp.object = object;
    if (++this.steps > this.maxSteps) throw new StepBound(this.maxSteps);
    if (!object.admits(op, lwp)) {
      this.onWait?.(lwp);
      if (op !== 'resume' && this.#endsAtRings) this.#refuseCycle(lwp);
      return true;
    }
    return this.#preemptive && this.#active.length >= this.#askFrom && this.#strategy.preempts(this);
  }

  /**
   * Asks the environment which way it goes: 0 is the ordinary way, 1 to `alternatives - 1` are faults and the like.
   *
   * @param site a stable name for the place that asks, such as `io.read`
   */
  choose(site: string, alternatives: number): number {
    this.steps++;
    const taken = this.#strategy.choose(site, alternatives, this);
    if (taken !== 0) this.recorder.chose(this.steps, site, taken);
    return taken;
  }

  /**
   * Runs until every thread has finished its job.
   *
   * @throws {Deadlock} when threads wait and nothing can wake them
   */
  run(): void {
    const outside = this.current;
    this.#runUntil(null);
    this.current = outside;
  }

  /**
   * Runs until a thread has finished its job, or nothing can run.
   *
   * @returns whether it has finished; when not, it waits for something that only the outside can bring about
   */
  runUntilIdle(lwp: Lwp): boolean {
    const outside = this.current;
    while (!lwp.idle) {
      const next = this.#next(null);
      if (next === null) break;
      this.#dispatch(next);
    }
    this.current = outside;
    return lwp.idle;
  }

  /** Runs other threads until the running thread's next step is admitted. For `park()` of the direct build. */
  runOthers(): void {
    const me = this.current;
    this.#runUntil(me);
    this.current = me;
    this.onSwitch?.(me);
  }

  /** Has something done that no thread does, such as the disk's moving of bytes, while a thread is on the processor. */
  byNobody<T>(job: () => T): T {
    const { running } = this;
    this.running = null;
    const done = job();
    this.running = running;
    return done;
  }

  /** Takes a sleeping thread off its channel. */
  wake(lwp: Lwp, result: Errno): void {
    const channel = lwp.channel;
    if (channel === null) return;
    const { waiters } = channel;
    const index = waiters.indexOf(lwp);
    if (index >= 0) waiters.splice(index, 1);
    lwp.channel = null;
    lwp.deadline = 0;
    lwp.sleepResult = result;
  }

  /** Ends an interruptible sleep as a signal does; does nothing to a thread that is awake or sleeps uninterruptibly. */
  interrupt(lwp: Lwp): void {
    if (lwp.channel !== null && lwp.interruptible) this.wake(lwp, EINTR);
  }

  /** Whether any thread but this one can go on now, or will when a timeout fires. */
  othersCanRun(lwp: Lwp): boolean {
    return this.#active.some((other) => other !== lwp && (canRun(other) || hasTimeout(other)));
  }

  /** Each thread that waits for something that it cannot have at this moment. */
  waiting(): Waiting[] {
    const waiting: Waiting[] = [];
    for (const lwp of this.#active) {
      const { object, op } = lwp;
      if (object !== null && !object.admits(op, lwp)) waiting.push({ lwp, op, object, holders: holdersOf(object) });
    }
    return waiting;
  }

  /** Tells of all threads. Which of them ran last is the strategy's business. */
  writeState(writer: StateWriter): void {
    // The number of the next thread decides which processor it gets.
    writer.field('nextCpu', this.#nextId % this.#cpus);
    // A thread that is leaving is known to its process no more. It is told of by its name all the same: which of two threads came first
    // is forgotten as long as something else tells them apart.
    writer.parts('lwp', this.lwps.toSorted(byName), (lwp, part) => lwp.writeState(part, this));
    // Those of the kernel's own have no names: which came first is told even while something else refers to them, since it will show
    // when nothing does.
    for (const lwp of this.lwps) if (lwp.process.pid === 0) writer.reference('kernelThread', lwp);
  }

  /** Tells what threads have in their variables; what can be, which is all in the watched build. => after everything else */
  writeFrames(writer: StateWriter): void {
    writer.parts('frames', this.lwps, tellFrames);
  }

  #runUntil(until: Lwp | null): void {
    for (;;) {
      if (until === null ? this.#active.length === 0 : isAdmitted(until)) return;
      const next = this.#next(until);
      if (next === null && until !== null && this.#giveUp(until)) continue;
      if (next === null) throw new Deadlock(this.waiting(), this.#cycleFrom(this.waiting()));
      if (next === until) return;
      this.#dispatch(next);
    }
  }

  /** Ends a sleep of the embedder's that nobody else will end, as a signal would; answers whether it could. */
  #giveUp(lwp: Lwp): boolean {
    const ends = lwp.continuation === EMBEDDED && lwp.channel !== null && lwp.interruptible;
    if (ends) this.interrupt(lwp);
    return ends;
  }

  #dispatch(lwp: Lwp): void {
    this.current = lwp;
    this.onSwitch?.(lwp);
    if (!this.#resume(lwp)) return;
    // The end counts as a step, being given the processor does not: so each decision has a step of its own to be recorded at,
    // and a replay, which does not stop where nothing was decided, counts the same steps.
    this.steps++;
    lwp.continuation = null;
    this.#active.splice(this.#active.indexOf(lwp), 1);
    if (!lwp.transient) return;
    this.kernelThreads--;
    this.destroy(lwp);
  }

  /** Lets a thread go on until it parks or ends; answers whether it has ended. */
  #resume(lwp: Lwp): boolean {
    const outside = this.running;
    const frames = BUILD === 'watched' ? runOn(lwp.frames) : null;
    this.running = lwp;
    try {
      return lwp.continuation?.resume() === true;
    } finally {
      this.running = outside;
      if (frames !== null) runOn(frames);
    }
  }

  /** The thread that goes on, null when none can; `until`, which runs already, when its own timeout has fired. */
  #next(until: Lwp | null): Lwp | null {
    let mayExpire = this.#strategy.expire !== undefined;
    for (;;) {
      if (until !== null && isAdmitted(until)) return until;
      const candidates: Lwp[] = [];
      let usual: Lwp | null = null;
      let after: Lwp | null = null;
      for (const lwp of this.#active) {
        if (!canRun(lwp)) continue;
        candidates.push(lwp);
        if (lwp === this.current) usual = lwp;
        else if (after === null && lwp.id > this.current.id) after = lwp;
      }
      const [only] = candidates;
      if (only === undefined) {
        if (!this.#passTime()) return null;
        continue;
      }
      // Whether a timeout fires early is asked where threads could run: where none can, time passes.
      if (mayExpire && this.#expires()) {
        mayExpire = false;
        continue;
      }
      if (candidates.length === 1 && !this.#everyStep) return only;
      usual ??= after ?? only;
      const chosen = this.#strategy.pick(candidates, usual, this);
      if (chosen !== usual) this.recorder.switched(this.steps, chosen);
      return chosen;
    }
  }

  /** Lets a timeout fire early if the strategy says so; answers whether one did. */
  #expires(): boolean {
    const expired = this.#strategy.expire?.(this.#sleepersWithDeadline(), this) ?? null;
    if (expired === null) return false;
    this.recorder.expired(this.steps, expired);
    this.tick = Math.max(this.tick, expired.deadline);
    this.wake(expired, EWOULDBLOCK);
    return true;
  }

  /** Moves virtual time to the next timeout and lets it fire. */
  #passTime(): boolean {
    let first: Lwp | null = null;
    for (const lwp of this.#sleepersWithDeadline()) {
      if (first === null || lwp.deadline < first.deadline) first = lwp;
    }
    if (first === null) return false;
    this.tick = Math.max(this.tick, first.deadline);
    this.wake(first, EWOULDBLOCK);
    return true;
  }

  #sleepersWithDeadline(): Lwp[] {
    return this.#active.filter(hasTimeout);
  }

  /** A thread is about to wait for a lock: if that closes a ring, it will wait for ever, so say so now. */
  #refuseCycle(lwp: Lwp): void {
    // Most who wait do so for somebody who goes on.
    if (lwp.object === null || !holdersOf(lwp.object).some((holder) => !isAdmitted(holder))) return;
    const cycle = this.#cycleFrom(this.waiting().filter((waiting) => waiting.lwp === lwp));
    if (cycle.length > 0) throw new Deadlock(this.waiting(), cycle);
  }

  #cycleFrom(starts: readonly Waiting[]): Waiting[] {
    const waiting = new Map(this.waiting().map((entry) => [entry.lwp, entry]));
    for (const start of starts) {
      const path: Waiting[] = [];
      const seen = new Set<Lwp>();
      const closes = (entry: Waiting): boolean => {
        path.push(entry);
        seen.add(entry.lwp);
        for (const holder of entry.holders) {
          if (holder === start.lwp) return true;
          const next = waiting.get(holder);
          if (next !== undefined && !seen.has(holder) && closes(next)) return true;
        }
        path.pop();
        return false;
      };
      if (closes(start)) return path;
    }
    return [];
  }
}

/**
 * A step of its own kind in front of which the running thread may be switched away: `yield* step(scheduler, 'atomic', refcount)`.
 *
 * => what follows, up to the next step, happens at once.
 */
export function* step(scheduler: Scheduler, op: Op, object: StepObject): Step<void> {
  if (scheduler.mustSwitch(op, object)) yield* park(scheduler);
}

/** Threads of programs by their names; behind them those of the kernel's own, which have none that means anything, as they came. */
function byName(a: Lwp, b: Lwp): number {
  const [first, second] = [a.process.pid, b.process.pid];
  if (first === second) return first === 0 ? a.id - b.id : a.lid - b.lid;
  if (first === 0 || second === 0) return second - first;
  return first - second;
}

function tellFrames(lwp: Lwp, writer: StateWriter): void {
  lwp.writeFrames(writer);
}

function canRun(lwp: Lwp): boolean {
  return lwp.continuation?.resumable === true && isAdmitted(lwp);
}

function isAdmitted(lwp: Lwp): boolean {
  return lwp.object === null || lwp.object.admits(lwp.op, lwp);
}

function hasTimeout(lwp: Lwp): boolean {
  return lwp.channel !== null && lwp.deadline > 0;
}

function holdersOf(object: StepObject): readonly Lwp[] {
  return 'holders' in object ? (object as { holders(): readonly Lwp[] }).holders() : [];
}

function describeDeadlock(waiting: readonly Waiting[], cycle: readonly Waiting[]): string {
  const line = ({ lwp, op, object, holders }: Waiting): string => {
    const held = holders.length > 0 ? `, held by ${holders.map((holder) => holder.name).join(' and ')}` : '';
    const what = op === 'resume' ? `sleeps on "${lwp.waitMessage}" (${object.label})` : `waits to ${op} ${object.label}${held}`;
    return `  lwp ${lwp.name} ${what}`;
  };
  if (cycle.length > 0) {
    const who = cycle.length === 1 ? 'a thread waits for itself' : `${cycle.length} threads wait for each other`;
    return `deadlock: ${who}\n${cycle.map(line).join('\n')}`;
  }
  const who =
    waiting.length === 1
      ? '1 thread waits and nothing will wake it'
      : `${waiting.length} threads wait and nothing will wake them`;
  return `nothing can run: ${who}\n${waiting.map(line).join('\n')}`;
}
