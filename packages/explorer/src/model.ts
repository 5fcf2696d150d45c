/**
 * What the explorer explores: threads of `kern/` that can be started afresh any number of times. It knows threads, steps and states;
 * what they are about is the model's business.
 */
import type {
  BrokenRule,
  FieldWatcher,
  LockOrder,
  LockOrderReversal,
  Lwp,
  Schedule,
  SchedulingPoint,
  StateWriter,
  Strategy,
  Violation,
  Waiting,
} from '@faultline/kernel';

/** A program that can be started afresh any number of times. What it does depends on the strategy's decisions and on nothing else. */
export interface Model {
  /** What it is called in reports. */
  readonly name: string;
  /** Starts it afresh; the strategy decides what happens. */
  boot(strategy: Strategy): Instance;
}

/** What the explorer has to know of a kernel: any build's `Kern` is one. */
export interface ExploredKern {
  readonly scheduler: SchedulingPoint & {
    /** The thread that is between two steps, null while the next one is chosen. */
    readonly running: Lwp | null;
    /** The number that the next thread will have. */
    readonly nextId: number;
    readonly recorder: { readonly schedule: Schedule };
    /** Steps after which a run is given up. */
    maxSteps: number;
    /** Called when a thread cannot take its next step, on the thread's own stack. */
    onWait: ((lwp: Lwp) => void) | null;
    /** Each thread that waits for something that it cannot have at this moment. */
    waiting(): readonly Waiting[];
  };
  readonly witness: {
    readonly reversals: readonly LockOrderReversal[];
    /** In which orders locks were taken. */
    readonly orders: readonly LockOrder[];
    /** The kernel functions, innermost first, in which a lock of `inner` was first taken while one of `outer` was held. */
    stackOf(outer: string, inner: string): readonly string[];
  };
  /** The kernel functions that are being run, innermost first. */
  stack(): readonly string[];
  /** Called when nobody is inside the kernel. */
  onQuiet: (() => void) | null;
  /** Called when an invariant is found to be false in the middle of something. */
  onBroken: ((broken: BrokenRule) => void) | null;
}

/** One execution of a model. */
export interface Instance {
  readonly kern: ExploredKern;
  /** Runs all threads to their end. Throws what stops it: `KernelPanic`, `Deadlock`, or an error of the model's own. */
  run(): void;
  /**
   * Tells all that the future depends on: what threads share, and the threads themselves, which `kern.writeState` does. Two executions
   * whose states are told alike must go on alike.
   */
  writeState(writer: StateWriter): void;
  /** Has each access to what threads share told. */
  watch?(watcher: FieldWatcher): void;
  /** Which invariants are false now. Asked when nobody is inside the kernel. */
  audit?(): readonly Violation[];
  /** What is wrong at the end although every thread has come to its end. */
  atEnd?(): readonly Complaint[];
  /** Nobody will look at it any more: what was costly to make may serve the next one. */
  discard?(): void;
}

/** Something that is wrong at the end. */
export interface Complaint {
  readonly kind: 'invariant' | 'leak' | 'check';
  /** A sentence. */
  readonly message: string;
  /** What is always the same about it, for telling two failures apart: no addresses, no numbers. The message when absent. */
  readonly signature?: string;
}
