/**
 * Threads (light-weight processes), the unit that the scheduler runs.
 *
 * An lwp is always in one of three places: idle (it has no job), running (it is `scheduler.current`, or lies below it on the
 * stack of the direct build), or parked in front of its next step, which `op` and `object` describe.
 */
import { Digest } from './digest.js';
import type { Errno } from './errno.js';
import { FrameStack } from './frames.js';
import type { Lock } from './lock.js';
import type { WaitChannel } from './sleepq.js';
import type { StateWriter } from './state.js';

/**
 * What a step is about to do. Two steps conflict when they touch the same object and one of them changes it; that, and whether
 * a step is admitted, is all that an explorer has to know about the code in between.
 *
 * `attempt` takes a lock if it is free, and otherwise makes known that somebody waits for it; `acquire` takes it, and waits until it can.
 */
export type Op =
  | 'start'
  | 'attempt'
  | 'acquire'
  | 'acquire-read'
  | 'try'
  | 'try-read'
  | 'release'
  | 'upgrade'
  | 'downgrade'
  | 'sleep'
  | 'resume'
  | 'wakeup'
  | 'atomic'
  | 'load'
  | 'store'
  | 'io-start'
  | 'io-done'
  | 'choice'
  | 'user';

/** What a step is about to touch. */
export interface StepObject {
  /** Which one it is, for people: `vm_map 3`. */
  readonly label: string;
  /** Whether the step can be taken now by this thread; only start, acquire, upgrade and resume ever have to wait. */
  admits(op: Op, lwp: Lwp): boolean;
}

/** The process that a thread belongs to, as far as `kern/` has to know it. */
export interface ProcessIdentity {
  readonly pid: number;
  readonly name: string;
}

/** A system call in progress: what `kern/` tells others about it. */
export interface CallInProgress {
  readonly name: string;
  readonly args: readonly (number | string)[];
}

/** What is left of a thread's job. */
export interface Resumable {
  /** Whether the thread can go on from where it stands now. */
  readonly resumable: boolean;
  /** Runs the thread until it parks or ends; answers whether it ended. */
  resume(): boolean;
  /** What begins the job, null once it has begun. */
  readonly begin: (() => unknown) | null;
}

/** A thread. */
export class Lwp {
  /** Number of the thread, unique in the machine and never reused. */
  readonly id: number;
  /** Number of the thread within its process, from 1. */
  readonly lid: number;
  readonly process: ProcessIdentity;
  /** The processor that runs it; it never moves. */
  readonly cpu: number;

  /** Whether it ceases to exist when its job is done. */
  transient = false;
  /** What is left of its job, null while it is idle. Private to the scheduler. */
  continuation: Resumable | null = null;
  /** The step it is parked in front of, or took last. */
  op: Op = 'start';
  /** What that step touches. */
  object: StepObject | null = null;
  /** While it is about to fall asleep: the lock that this step releases, which it touches besides. */
  interlock: StepObject | null = null;

  /** Locks held, in the order in which they were taken. */
  readonly held: Lock[] = [];

  /** The channel it sleeps on, null while awake. */
  channel: WaitChannel | null = null;
  /** Why it sleeps, in the kernel's eight letters or so; kept after the sleep for reports. */
  waitMessage = '';
  /** The tick at which the sleep times out, 0 for never. */
  deadline = 0;
  /** Whether a signal may end the sleep. */
  interruptible = false;
  /** What ended the last sleep: 0 a wakeup, EWOULDBLOCK the timeout, EINTR a signal. */
  sleepResult: Errno = 0;

  /** The system call it is in, null in user mode. */
  call: CallInProgress | null = null;
  /** Whether a fault that cannot be resolved is the kernel's to handle: it copies to or from a program. `pcb_onfault` */
  onFault = false;
  /** The last label the kernel announced (`ReFault`, `again`), with the values that live on from there. */
  label = '';
  live0 = 0;
  live1 = 0;
  live2 = 0;
  /** What it has seen since that label: what `observe` was told. */
  readonly observed = new Digest();
  /** What its program has been given since it began, or since its own last label: results of calls, loads, signals. */
  readonly history = new Digest();
  /** How many calls and accesses of its program it is in: more than one when the handler of a signal makes one. Watched build. */
  inKernel = 0;
  /** The generators on its stack, outermost first, with what is in their variables. Only the watched build fills it. */
  readonly frames = new FrameStack();

  constructor(identity: { id: number; lid: number; process: ProcessIdentity; cpu: number }) {
    this.id = identity.id;
    this.lid = identity.lid;
    this.process = identity.process;
    this.cpu = identity.cpu;
  }

  /** `pid.lid`, as the kernel's messages name a thread. */
  get name(): string {
    return `${this.process.pid}.${this.lid}`;
  }

  /**
   * Takes note of something it has seen, on which all that it does from now on may depend. For code whose variables cannot be
   * told: of two threads at one label that have seen the same, both have the same in their variables.
   */
  observe(value: number): void {
    this.observed.mix(value);
  }

  /** Whether it has no job. */
  get idle(): boolean {
    return this.continuation === null;
  }

  /**
   * Tells its state, but for its frames. What it was before it became idle is gone.
   *
   * @param at.tick virtual time: all that matters of it is how much is left of a sleep
   * @param at.running the running thread, null for none; every other one is parked, in front of its next step
   */
  writeState(writer: StateWriter, at: { tick: number; running: Lwp | null }): void {
    writer.field('pid', this.process.pid);
    // Threads of the kernel's own are numbered from boot on.
    if (this.process.pid !== 0) writer.field('lid', this.lid);
    writer.field('cpu', this.cpu);
    writer.field('idle', this.idle);
    for (const lock of this.held) writer.reference('holds', lock);
    if (this.idle) return;
    if (this !== at.running) {
      writer.field('op', this.op);
      writer.reference('object', this.object);
      writer.reference('interlock', this.interlock);
    }
    writer.reference('sleeps on', this.channel);
    if (this.channel !== null) {
      writer.field('timeLeft', this.deadline === 0 ? null : this.deadline - at.tick);
      writer.field('interruptible', this.interruptible);
    } else if (this !== at.running && this.op === 'resume') {
      writer.field('sleepResult', this.sleepResult);
    }
    if (this.call === null) {
      writer.field('call', null);
    } else {
      writer.field('call', this.call.name);
      for (const arg of this.call.args) writer.field('arg', arg);
    }
    writer.field('onFault', this.onFault);
    this.history.writeState(writer);
    // In the kernel, its frames tell more.
    if (this.inKernel > 0) return;
    writer.field('label', this.label);
    writer.field('live0', this.live0);
    writer.field('live1', this.live1);
    writer.field('live2', this.live2);
    this.observed.writeState(writer);
  }

  /** Tells its frames. => after everything that variables may refer to. */
  writeFrames(writer: StateWriter): void {
    if (this.continuation === null) return;
    if (this.continuation.begin !== null) {
      writer.value('begin', this.continuation.begin);
      return;
    }
    const { depth, tellers } = this.frames;
    writer.field('depth', depth);
    for (let i = 0; i < depth; i++) {
      const told = tellers[i]?.() ?? [];
      for (const value of told) writer.value('at', value);
      writer.field('values', told.length);
    }
  }
}
