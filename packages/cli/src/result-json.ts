/** What came of a run, as plain data. */
import { view } from '@faultline/kernel';
import { type Explanation, isClean, type RunResult } from '@faultline/program';

/** A result as JSON can hold it. */
export function resultJson(result: RunResult, explanation: Explanation | null) {
  return {
    program: result.program,
    settings: result.settings,
    clean: isClean(result),
    end: endJson(result),
    callCount: result.callCount,
    counts: Object.fromEntries(result.counts),
    calls: result.calls,
    firstViolation: result.firstViolation,
    violations: result.violations,
    leaks: result.leaks,
    complaints: result.complaints,
    explanation,
    lockOrderReversals: result.reversals,
    console: result.console,
    remarks: result.remarks,
    schedule: result.schedule,
    steps: result.steps,
    memory: result.session.memory().map(({ pid, name, ended, view: { data } }) => ({ pid, name, ended, mappings: data })),
    counters: view(result.system, { kind: 'vmstat', full: true }).data,
  };
}

function endJson({ end }: RunResult) {
  switch (end.kind) {
    case 'panic':
      return {
        kind: end.kind,
        message: end.panic.message,
        frames: end.panic.frames,
        lwp: end.panic.lwp,
        call: end.call?.number ?? null,
      };
    case 'deadlock':
      return { kind: end.kind, message: end.deadlock.message };
    default:
      return { kind: end.kind };
  }
}
