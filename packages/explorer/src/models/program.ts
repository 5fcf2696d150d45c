/** What the programs here are made of: threads on a kernel without memory. */
import { Kern, type Lwp, type StateWriter, type Step, type Strategy } from '@faultline/kernel';
import type { Complaint, Model } from '../model.js';

/** A program on a kernel that has just been booted. */
export interface Program {
  /**
   * What the threads do. A body calls a generator function that is declared once for all boots: V8 takes microseconds for the first
   * call of each new one.
   */
  readonly bodies: readonly (() => Step<void>)[];
  /** Tells what the threads share, besides themselves. */
  writeState(writer: StateWriter): void;
  /** What is wrong at the end. */
  atEnd?(): readonly Complaint[];
}

/** How the kernel is booted. */
export interface ProgramOptions {
  /** Whether the order of locks is watched. Default false. */
  readonly witness?: boolean;
}

/** A model that boots a kernel and runs a program on it, each thread in a process of its own. */
export function programModel(name: string, make: (kern: Kern) => Program, { witness = false }: ProgramOptions = {}): Model {
  return {
    name,
    boot(strategy: Strategy) {
      const kern = new Kern({ strategy, witness });
      const { scheduler } = kern;
      const program = make(kern);
      const { bodies } = program;
      for (let i = 0; i < bodies.length; i++) {
        const lwp: Lwp = scheduler.create({ pid: i + 1, name }, 1);
        scheduler.start(lwp, bodies[i] as () => Step<void>);
      }
      return {
        kern,
        run: () => scheduler.run(),
        writeState(writer) {
          program.writeState(writer);
          kern.writeState(writer);
        },
        atEnd: () => program.atEnd?.() ?? [],
      };
    },
  };
}

/** A complaint that something is not as the program wants it. */
export function complain(message: string): readonly Complaint[] {
  return [{ kind: 'check', message }];
}

/** `make(0)` to `make(count - 1)`. */
export function times<T>(count: number, make: (index: number) => T): T[] {
  return Array.from({ length: count }, (_, index) => make(index));
}
