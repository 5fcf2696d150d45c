/** Running a program, and what comes of it. */
import {
  bootNetbsd,
  Deadlock,
  KernelPanic,
  type LockOrderReversal,
  type NetbsdPatch,
  type NetbsdSystem,
  type Schedule,
  type Violation,
} from '@faultline/kernel';
import { findLeaks } from './leaks.js';
import { CheckFailed, type Program } from './program.js';
import { type AuditWhen, type CallRecord, RunStopped, Session, type WatchOptions } from './session.js';
import { bootOptions, describeSettings, type MachineSettings, makeStrategy, type StrategySettings } from './settings.js';

/** How a program is run. */
export interface RunOptions {
  /** What the machine is like, over what the program wants. */
  readonly machine?: MachineSettings;
  /** Who decides what runs next. Default: each thread runs until it blocks. */
  readonly strategy?: StrategySettings;
  /** Changes to the kernel, in order. */
  readonly patches?: readonly NetbsdPatch[];
  /** When the invariants are checked. Default: after each call. */
  readonly audit?: AuditWhen;
  /** Calls that are kept in the result. Default 10,000. */
  readonly keepCalls?: number;
  /** Stops after the call of that number. */
  readonly stopAfter?: number;
  /** Records events during these calls. */
  readonly logCalls?: { readonly from: number; readonly to: number };
  readonly onProgress?: (calls: number) => void;
}

/** How a run ended. */
export type RunEnd =
  | { readonly kind: 'done' }
  | { readonly kind: 'stopped' }
  | { readonly kind: 'panic'; readonly panic: KernelPanic; readonly call: CallRecord | null }
  | { readonly kind: 'deadlock'; readonly deadlock: Deadlock }
  /** The program has found something that is not as it should be. */
  | { readonly kind: 'check'; readonly complaint: string };

/** What came of a run. */
export interface RunResult {
  readonly program: string;
  /** The machine and the kernel, in a line. */
  readonly settings: string;
  readonly end: RunEnd;
  readonly callCount: number;
  readonly counts: ReadonlyMap<string, { readonly made: number; readonly failed: number }>;
  /** The calls, or the first ones and those that differ. */
  readonly calls: readonly CallRecord[];
  readonly firstViolation: Session['firstViolation'];
  /** What is false at the end. */
  readonly violations: readonly Violation[];
  /** What was not given back although all processes have ended; null when some have not. */
  readonly leaks: readonly string[] | null;
  /** What the program itself says is wrong. */
  readonly complaints: readonly string[];
  readonly reversals: readonly LockOrderReversal[];
  readonly console: readonly string[];
  readonly remarks: readonly string[];
  /** What was decided, so that the run can be repeated. */
  readonly schedule: Schedule;
  readonly steps: number;
  /** The machine as it is now. */
  readonly system: NetbsdSystem;
  readonly session: Session;
}

const DEFAULT_KEPT_CALLS = 10_000;

/** Runs a program on a new machine. Throws what the program itself throws; what befalls the kernel is in the result. */
export function runProgram(program: Program, options: RunOptions = {}): RunResult {
  const strategy = makeStrategy(options.strategy ?? { kind: 'run-to-block' });
  const boot = bootOptions([program.machine, options.machine], strategy, options.patches ?? []);
  const system = bootNetbsd(boot);
  const watch: WatchOptions = {
    audit: options.audit ?? 'each-call',
    keepCalls: options.keepCalls ?? DEFAULT_KEPT_CALLS,
    stopAfter: options.stopAfter ?? null,
    logCalls: options.logCalls ?? null,
    onProgress: options.onProgress ?? null,
  };
  const session = new Session(system, watch);
  const end = runToEnd(program, session);
  session.collectUnfinished();

  // After a panic or a stop the kernel is in the middle of something, where nothing has to be true.
  const finished = end.kind === 'done';
  return {
    program: program.name,
    settings: describeSettings(boot),
    end,
    callCount: session.callCount,
    counts: session.counts,
    calls: session.calls,
    firstViolation: session.firstViolation,
    violations: finished ? system.audit() : [],
    leaks: finished ? findLeaks(system) : null,
    complaints: end.kind === 'check' ? [end.complaint] : finished ? (program.check?.(session) ?? []) : [],
    reversals: system.kern.witness.reversals,
    console: system.kern.console,
    remarks: session.remarks,
    schedule: system.kern.scheduler.recorder.schedule,
    steps: system.kern.scheduler.steps,
    system,
    session,
  };
}

function runToEnd(program: Program, session: Session): RunEnd {
  try {
    program.run(session);
    return { kind: 'done' };
  } catch (error) {
    if (error instanceof RunStopped) return { kind: 'stopped' };
    if (error instanceof KernelPanic)
      return { kind: 'panic', panic: error, call: session.callOf(session.system.kern.scheduler.current) };
    if (error instanceof Deadlock) return { kind: 'deadlock', deadlock: error };
    if (error instanceof CheckFailed) return { kind: 'check', complaint: error.message };
    throw error;
  }
}

/** Whether a run shows nothing wrong: it came to its end, every invariant held, nothing leaked, the program has no complaint. */
export function isClean(result: RunResult): boolean {
  return (
    (result.end.kind === 'done' || result.end.kind === 'stopped') &&
    result.firstViolation === null &&
    result.violations.length === 0 &&
    (result.leaks ?? []).length === 0 &&
    result.complaints.length === 0
  );
}
