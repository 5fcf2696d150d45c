/**
 * Threads (light-weight processes), the unit that the scheduler runs.
 *
 * An lwp is always in one of three places: idle (it has no job), running (it is `scheduler.current`, or lies below it on the
 * stack of the direct build), or parked in front of its next step, which `op` and `object` describe.
 */
import type { Errno } from './errno.js';
import type { Lock } from './lock.js';
import type { WaitChannel } from './sleepq.js';
import type { StateWriter } from './state.js';
import type { Continuation } from './switch.js';

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

/** Tells a frame on a thread's stack: the place in the code, and the variables that live on from there. */
export type FrameTeller = () => readonly unknown[];

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
  continuation: Continuation | null = null;
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
  /** A digest of what it has seen since that label, in two lanes: what `observe` was told. */
  observedHigh = 0;
  observedLow = 0;
  /**
   * Tellers of the frames on its stack, outermost first: each answers the place in the code and the variables that live on from there.
   * Only the watched build fills it.
   */
  readonly frames: FrameTeller[] = [];

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
    this.observedHigh = Math.imul(this.observedHigh ^ value ^ Math.floor(value / 2 ** 32), 0x01000193);
    this.observedHigh ^= this.observedHigh >>> 15;
    this.observedLow = (Math.imul(this.observedLow, 0x2c1b3c6d) + (value ^ (this.observedHigh >>> 7))) | 0;
    this.observedLow ^= this.observedLow >>> 13;
  }

  /** Whether it has no job. */
  get idle(): boolean {
    return this.continuation === null;
  }

  /**
   * Tells its state. What it has in its own variables is not to be seen, nor is what it was before it became idle.
   *
   * @param at.tick virtual time: all that matters of it is how much is left of a sleep
   * @param at.running the running thread; every other one is parked, in front of its next step
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
    writer.field('call', this.call === null ? null : `${this.call.name}(${this.call.args.join(', ')})`);
    writer.field('onFault', this.onFault);
    writer.field('label', this.label);
    writer.field('live', `${this.live0} ${this.live1} ${this.live2}`);
    writer.field('observedHigh', this.observedHigh);
    writer.field('observedLow', this.observedLow);
  }
}
