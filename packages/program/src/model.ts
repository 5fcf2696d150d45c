/** A program as what the explorer explores. */
import type { Complaint, Instance, Model } from '@faultline/explorer';
import {
  bootNetbsd,
  type Lwp,
  type NetbsdPatch,
  type SchedulingPoint,
  type StateWriter,
  type Strategy,
  watchUvm,
} from '@faultline/kernel';
import { findLeaks } from './leaks.js';
import type { Program } from './program.js';
import { Session, type WatchOptions } from './session.js';
import { bootOptions, type MachineSettings } from './settings.js';

/** How a program is to be explored, as far as the machine is concerned. */
export interface ProgramModelOptions {
  /** What the machine is like, over what the program wants. */
  readonly machine?: MachineSettings;
  /** Changes to the kernel, in order. */
  readonly patches?: readonly NetbsdPatch[];
}

/** An execution of a program, for those who want to look closer. */
export interface ProgramInstance extends Instance {
  readonly session: Session;
}

/** A model that can show what goes on in its executions. */
export interface ProgramModel extends Model {
  boot(strategy: Strategy, watch?: Partial<WatchOptions>): ProgramInstance;
}

/** RAM up to so many bytes is sooner wiped than made anew: to make some has the collector run, which looks at everything else too. */
const MOST_TO_WIPE = 2 ** 20;

const QUIETLY: WatchOptions = { audit: 'end', keepCalls: 0, stopAfter: null, logCalls: null, onProgress: null };

/** The model of a program on a machine. What the program does before its threads begin is not explored. */
export function programModel(program: Program, options: ProgramModelOptions = {}): ProgramModel {
  let spare: ArrayBuffer | null = null;
  return {
    name: program.name,
    boot(strategy, watch) {
      const gate = new Gate(strategy);
      const boot = bootOptions([program.machine, options.machine], gate, options.patches ?? []);
      const memory = spare;
      spare = null;
      // Who only tries many schedules has no use for the stacks of the first time that each lock was taken.
      const system = bootNetbsd({ ...boot, witnessStacks: watch !== undefined, ...(memory !== null && { memory }) });
      const session = new Session(system, { ...QUIETLY, ...watch });
      gate.isOpen = () => session.counting;
      return {
        session,
        kern: system.kern,
        run: () => program.run(session),
        writeState: (writer: StateWriter) => system.writeState(writer),
        watch: (watcher) => watchUvm(system.uvm, watcher),
        audit: () => system.audit(),
        atEnd: () => complaintsOf(program, session),
        discard: () => {
          const { buffer } = system.machine.ram.bytes;
          if (buffer.byteLength <= MOST_TO_WIPE) spare = buffer;
        },
      };
    },
  };
}

function complaintsOf(program: Program, session: Session): Complaint[] {
  const leaks = (findLeaks(session.system) ?? []).map((message): Complaint => ({ kind: 'leak', message }));
  const complaints = (program.check?.(session) ?? []).map((message): Complaint => ({ kind: 'check', message }));
  return [...leaks, ...complaints];
}

/** Leaves set-up to run-to-block, and all else to another strategy. */
class Gate implements Strategy {
  readonly name: string;
  readonly preemptive: boolean;
  readonly everyStep: boolean;
  readonly endsAtRings: boolean;
  readonly expire?: NonNullable<Strategy['expire']>;
  isOpen: () => boolean = () => false;
  readonly #inner: Strategy;

  constructor(inner: Strategy) {
    this.#inner = inner;
    this.name = inner.name;
    this.preemptive = inner.preemptive;
    this.everyStep = inner.everyStep === true;
    this.endsAtRings = inner.endsAtRings !== false;
    const expire = inner.expire?.bind(inner);
    if (expire !== undefined) this.expire = (sleepers, point) => (this.isOpen() ? expire(sleepers, point) : null);
  }

  preempts(point: SchedulingPoint): boolean {
    return this.isOpen() && this.#inner.preempts(point);
  }

  pick(candidates: readonly Lwp[], usual: Lwp, point: SchedulingPoint): Lwp {
    return this.isOpen() ? this.#inner.pick(candidates, usual, point) : usual;
  }

  choose(site: string, alternatives: number, point: SchedulingPoint): number {
    return this.isOpen() ? this.#inner.choose(site, alternatives, point) : 0;
  }
}
