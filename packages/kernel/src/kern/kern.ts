/** The kernel that any BSD virtual memory system stands on: one object that ties scheduler, witness, log and audit together. */
import { EventLog } from './event-log.js';
import { FaultInjector } from './fault-injector.js';
import { Auditor, type BrokenRule } from './invariant.js';
import type { LockClass } from './lock.js';
import type { ProcessIdentity } from './lwp.js';
import { KernelPanic } from './panic.js';
import { Scheduler } from './scheduler.js';
import { kernelStack } from './stack.js';
import type { Stateful, StateWriter } from './state.js';
import { RunToBlock, type Strategy } from './strategy.js';
import { Witness } from './witness.js';

/** How a kernel is booted, as far as `kern/` is concerned. */
export interface KernOptions {
  /** Whether assertions are checked, as `options DIAGNOSTIC`. Default true. */
  readonly diagnostic?: boolean;
  /** Whether the order of locks is watched. Default: as `diagnostic`. */
  readonly witness?: boolean;
  /** Whether it takes stacks, which is slow. Default true. */
  readonly witnessStacks?: boolean;
  /** Number of processors. Default 1. */
  readonly cpus?: number;
  /** Who decides what runs next. Default: each thread runs until it blocks. */
  readonly strategy?: Strategy;
  /** How many events the log keeps. Default 65,536. */
  readonly eventCapacity?: number;
}

/** Process 0, in whose name the kernel itself works. */
const SYSTEM: ProcessIdentity = { pid: 0, name: 'system' };

/** What any kernel has. */
export class Kern implements Stateful {
  readonly diagnostic: boolean;
  readonly cpus: number;
  readonly scheduler: Scheduler;
  /** Where faults of the environment can be ordered. */
  readonly faults: FaultInjector;
  readonly witness: Witness;
  readonly log: EventLog;
  readonly auditor = new Auditor();
  /** Threads that are inside the kernel on behalf of a program: in a system call or a fault. */
  inside = 0;
  /** Called whenever a thread leaves the kernel and nobody is inside it: a quiet point. */
  onQuiet: (() => void) | null = null;
  /**
   * Called when an invariant is found to be false in the middle of something, where no quiet point is near. What it throws ends the run;
   * else the machine goes on, as a real one would.
   */
  onBroken: ((broken: BrokenRule) => void) | null = null;
  /** The panic that stopped this machine, null while it runs. */
  panicked: KernelPanic | null = null;
  /** What the kernel printed on its console, a line an element. */
  readonly console: string[] = [];

  constructor(options: KernOptions = {}) {
    this.diagnostic = options.diagnostic ?? true;
    this.cpus = options.cpus ?? 1;
    if (!Number.isInteger(this.cpus) || this.cpus < 1) {
      throw new RangeError(`a machine has a whole number of processors from 1 up, not ${options.cpus}`);
    }
    this.faults = new FaultInjector(options.strategy ?? new RunToBlock());
    this.scheduler = new Scheduler({ boot: SYSTEM, cpus: this.cpus, strategy: this.faults });
    this.witness = new Witness({ enabled: options.witness ?? this.diagnostic, stacks: options.witnessStacks !== false });
    this.log = new EventLog(this.scheduler, options.eventCapacity === undefined ? {} : { capacity: options.eventCapacity });
  }

  /** The class of locks of that name. */
  lockClass(name: string, options: { nests?: boolean } = {}): LockClass {
    return this.witness.lockClass(name, options);
  }

  /** Stops the machine. `panic()`, sys/kern/subr_prf.c. */
  panic(message: string): never {
    const panic = new KernelPanic(message, { frames: kernelStack(), lwp: this.scheduler.current.name });
    this.panicked = panic;
    if (this.log.on) this.log.emit({ kind: 'panic', message, frames: panic.frames } as PanicEvent);
    throw panic;
  }

  /**
   * Panics with the kernel's own words when `condition` is false, on a DIAGNOSTIC kernel. `KASSERT()`.
   *
   * @param expression the condition as the kernel writes it
   */
  kassert(condition: boolean, expression: string): void {
    if (!condition && this.diagnostic) this.panic(`kernel diagnostic assertion "${expression}" failed`);
  }

  /**
   * Says that an invariant is false at this very moment, whether or not it will be at the next quiet point.
   *
   * => does not return when whoever watches has seen enough.
   *
   * @param name of the invariant
   */
  broken(name: string, finding: string, subject = ''): void {
    if (this.log.on) this.log.emit({ kind: 'broken', invariant: name, finding } as BrokenEvent);
    if (this.onBroken === null) return;
    const violation = this.auditor.violation(name, finding, subject);
    this.onBroken({ violation, frames: kernelStack(), lwp: this.scheduler.current.name });
  }

  /** The kernel functions that are being run, innermost first. */
  stack(): readonly string[] {
    return kernelStack();
  }

  /** Prints a line on the console. `printf(9)`. */
  printf(line: string): void {
    this.console.push(line);
    if (this.log.on) this.log.emit({ kind: 'printf', line } as PrintfEvent);
  }

  /** Tells its state. What was logged, printed or learned about lock order changes nothing, and is no part of it. */
  writeState(writer: StateWriter): void {
    writer.field('panicked', this.panicked?.message ?? null);
    writer.field('inside', this.inside);
    writer.part('scheduler', (part) => this.scheduler.writeState(part));
    writer.part('faults', (part) => this.faults.writeState(part));
  }

  /** A thread enters the kernel: a system call or a fault begins. */
  enter(): void {
    this.inside++;
  }

  /** A thread leaves the kernel. When it was the last one, and no I/O is under way, this is a quiet point. */
  leave(): void {
    this.inside--;
    if (this.onQuiet !== null && this.inside === 0 && this.scheduler.kernelThreads === 0) this.onQuiet();
  }

  /**
   * Announces the start of a system call or a label to which the code jumps back, with the values that live on from there (D11):
   * what the thread has observed before does not matter any more, except for these.
   */
  announce(label: string, live0 = 0, live1 = 0, live2 = 0): void {
    const lwp = this.scheduler.current;
    lwp.label = label;
    lwp.live0 = live0;
    lwp.live1 = live1;
    lwp.live2 = live2;
    lwp.observed.clear();
  }

  /**
   * Asks the environment which way it goes, as a step of its own.
   *
   * @returns 0 for the ordinary way, else one of the other `alternatives - 1`
   */
  choose(site: string, alternatives = 2): number {
    return this.scheduler.choose(site, alternatives);
  }
}

/** The kernel stopped. */
export interface PanicEvent {
  readonly kind: 'panic';
  readonly message: string;
  readonly frames: readonly string[];
}

/** The kernel printed a line. */
export interface PrintfEvent {
  readonly kind: 'printf';
  readonly line: string;
}

/** An invariant was found to be false in the middle of something. */
export interface BrokenEvent {
  readonly kind: 'broken';
  readonly invariant: string;
  readonly finding: string;
}
