/**
 * A schedule taken once more with everything written down: the steps, what the kernel logs, in which functions each thread stands, and
 * what is false after each step. The exploration itself is quiet, since it does the same many thousand times.
 */
import { type Instance, type Model, type Trace, type TracedStep, traceOf } from '@faultline/explorer';
import type {
  EventLog,
  KernelEvent,
  LoggedEvent,
  NetbsdSystem,
  Schedule,
  SyscallEvent,
  UvmEvent,
  Violation,
} from '@faultline/kernel';
import type { ProgramInstance } from '../model.js';

/** What was false after a step. */
export interface StepAudit {
  /** The number of the step. */
  readonly number: number;
  readonly violations: readonly Violation[];
  /** Advisory rules that were broken after it: no failures by themselves. */
  readonly advice: readonly Violation[];
}

/** A system call of a trace. */
export interface TracedCall {
  /** `pid.lid` of the thread. */
  readonly lwp: string;
  readonly name: string;
  readonly args: readonly (number | string)[];
  /** Numbers of the steps at which it began and returned; null while it has not. */
  readonly from: number;
  readonly to: number | null;
  readonly result: number | null;
}

/** A page fault of a program, by the steps it took. */
export interface TracedFault {
  readonly lwp: string;
  readonly va: number;
  /** What the program wanted there: one of `PROT_READ`, `PROT_WRITE`, `PROT_EXEC`. */
  readonly access: number;
  readonly from: number;
  readonly to: number;
}

/** What a schedule does, in full. */
export interface LoudRun {
  readonly trace: Trace;
  /** What the kernel logged; empty for a model that is no program. */
  readonly events: readonly LoggedEvent[];
  readonly calls: readonly TracedCall[];
  readonly faults: readonly TracedFault[];
  /** The kernel functions in which each thread stands at the end, innermost first, by its `pid.lid`. */
  readonly stacks: ReadonlyMap<string, readonly string[]>;
  /** What was false after each step, where that was asked for. */
  readonly audits: readonly StepAudit[];
  /** The machine, null for a model that is no program. */
  readonly system: NetbsdSystem | null;
}

/** What is to be looked at. */
export interface LoudOptions {
  /** Whether the invariants are checked after each step. Default false. */
  readonly auditSteps?: boolean;
  /** Whether an invariant that is false at a quiet point ends it. Default true. */
  readonly audit?: boolean;
  /** Called after each step, before the next one. */
  readonly onStep?: (step: TracedStep, system: NetbsdSystem | null) => void;
  /** Steps after which to stop. */
  readonly maxSteps?: number;
}

/** Takes a schedule once more. */
export function runLoudly(model: Model, schedule: Schedule, options: LoudOptions = {}): LoudRun {
  const audits: StepAudit[] = [];
  const stacks = new Map<string, readonly string[]>();
  let instance: Instance | null = null;
  let log: EventLog | null = null;
  const trace = traceOf(model, schedule, {
    ...(options.maxSteps !== undefined && { maxSteps: options.maxSteps }),
    ...(options.audit !== undefined && { audit: options.audit }),
    watch: {
      begin(begun) {
        instance = begun;
        log = 'log' in begun.kern ? (begun.kern.log as EventLog) : null;
        if (log !== null) log.on = true;
      },
      step(step) {
        stacks.delete(step.thread.name);
        if (options.auditSteps === true) {
          audits.push({ number: step.number, violations: auditNow(instance), advice: adviseNow(systemOf(instance)) });
        }
        options.onStep?.(step, systemOf(instance));
      },
      parked(lwp) {
        stacks.set(lwp.name, instance?.kern.stack() ?? []);
      },
    },
  });
  const events = (log as EventLog | null)?.events() ?? [];
  return { trace, events, calls: callsOf(events), faults: faultsOf(events), stacks, audits, system: systemOf(instance) };
}

/** In the middle of something, an audit may come upon what nobody would find at a quiet point. */
function auditNow(instance: Instance | null): readonly Violation[] {
  try {
    return instance?.audit?.() ?? [];
  } catch {
    return [];
  }
}

function adviseNow(system: NetbsdSystem | null): readonly Violation[] {
  try {
    return system?.kern.auditor.advise() ?? [];
  } catch {
    return [];
  }
}

function systemOf(instance: Instance | null): NetbsdSystem | null {
  return instance !== null && 'session' in instance ? (instance as ProgramInstance).session.system : null;
}

function callsOf(events: readonly LoggedEvent[]): TracedCall[] {
  const calls: TracedCall[] = [];
  for (const { step, lwp, event } of events) {
    if (event.kind === 'syscall') {
      const { name, args } = event as Extract<SyscallEvent, { kind: 'syscall' }>;
      calls.push({ lwp, name, args, from: step, to: null, result: null });
    } else if (event.kind === 'sysret') {
      const open = calls.findLastIndex((call) => call.lwp === lwp && call.to === null);
      const call = calls[open];
      const { result } = event as Extract<SyscallEvent, { kind: 'sysret' }>;
      if (call !== undefined) calls[open] = { ...call, to: step, result };
    }
  }
  return calls;
}

/** From where a thread has faulted to where that was resolved, or to its next call if nobody says. */
function faultsOf(events: readonly LoggedEvent[]): TracedFault[] {
  const open = new Map<string, Omit<TracedFault, 'lwp' | 'to'>>();
  const faults: TracedFault[] = [];
  for (const { step, lwp, event } of events) {
    const begun = open.get(lwp);
    if (begun !== undefined && (FAULT_ENDS.has(event.kind) || event.kind === 'syscall')) {
      faults.push({ lwp, ...begun, to: step });
      open.delete(lwp);
    }
    if (isFault(event) && !event.wire) open.set(lwp, begun ?? { va: event.va, access: event.access, from: step });
  }
  return [...faults, ...[...open].map(([lwp, begun]) => ({ lwp, ...begun, to: Number.POSITIVE_INFINITY }))];
}

function isFault(event: KernelEvent): event is Extract<UvmEvent, { kind: 'fault' }> {
  return event.kind === 'fault';
}

const FAULT_ENDS: ReadonlySet<string> = new Set(['fault-resolved', 'fault-failed']);
