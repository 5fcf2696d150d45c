/**
 * What the explorer explores: threads of `kern/` that can be started afresh any number of times. It knows threads, steps and states;
 * what they are about is the model's business.
 */
import type { Kern, StateWriter, Strategy, Violation } from '@faultline/kernel';

/** A program that can be started afresh any number of times. What it does depends on the strategy's decisions and on nothing else. */
export interface Model {
  /** What it is called in reports. */
  readonly name: string;
  /** Starts it afresh; the strategy decides what happens. */
  boot(strategy: Strategy): Instance;
}

/** One execution of a model. */
export interface Instance {
  readonly kern: Kern;
  /** Runs all threads to their end. Throws what stops it: `KernelPanic`, `Deadlock`, or an error of the model's own. */
  run(): void;
  /**
   * Tells all that the future depends on: what threads share, and the threads themselves, which `kern.writeState` does. Two executions
   * whose states are told alike must go on alike.
   */
  writeState(writer: StateWriter): void;
  /** Which invariants are false now. Asked when nobody is inside the kernel. */
  audit?(): readonly Violation[];
  /** What is wrong at the end although every thread has come to its end. */
  atEnd?(): readonly Complaint[];
}

/** Something that is wrong at the end. */
export interface Complaint {
  readonly kind: 'invariant' | 'leak' | 'check';
  /** A sentence. */
  readonly message: string;
  /** What is always the same about it, for telling two failures apart: no addresses, no numbers. The message when absent. */
  readonly signature?: string;
}
