/** What shows that something is wrong, and how to tell whether a run has shown it. */
import type { RunResult } from '@faultline/program';

/** How a defect shows. */
export type FindingKind = 'panic' | 'invariant' | 'deadlock' | 'sleeps-for-ever' | 'leak' | 'check';

/** What is found first. */
export interface Finding {
  readonly kind: FindingKind;
  /**
   * What is always the same about it: the name of the invariant, the kernel's last words, what the threads wait for, what has leaked,
   * what the program complains about; or a part of that.
   */
  readonly text: string;
  /** The number of the call in or after which it shows, where that is the same in each schedule. */
  readonly call?: number;
  /** What the kernel says in the end when it goes on although an invariant is broken. */
  readonly panic?: string;
}

/** What a run has shown. */
export interface Shown {
  readonly kind: FindingKind;
  /** In the words of whoever noticed it. */
  readonly message: string;
  /** The number of the call in or after which it showed, null when it was in none. */
  readonly call: number | null;
  /** What the kernel said when it stopped, null when it did not. */
  readonly panic: string | null;
}

/** What a run has shown first, null when nothing. */
export function shownBy(result: RunResult): Shown | null {
  const { end, firstViolation } = result;
  const panic = end.kind === 'panic' ? end.panic.message : null;
  const violations = firstViolation?.violations ?? result.violations;
  if (violations.length > 0) {
    const message = violations.map(({ invariant, finding }) => `${invariant}: ${finding}`).join('\n');
    return { kind: 'invariant', message, call: firstViolation?.call?.number ?? null, panic };
  }
  if (end.kind === 'panic') return { kind: 'panic', message: end.panic.message, call: end.call?.number ?? null, panic };
  if (end.kind === 'deadlock') {
    const kind = end.deadlock.cycle.length > 0 ? 'deadlock' : 'sleeps-for-ever';
    return { kind, message: end.deadlock.message, call: null, panic };
  }
  const [complaint] = result.complaints;
  if (complaint !== undefined) return { kind: 'check', message: complaint, call: null, panic };
  const leaks = result.leaks ?? [];
  return leaks.length > 0 ? { kind: 'leak', message: leaks.join('\n'), call: null, panic } : null;
}

/** Whether what was shown is what is to be found. */
export function isFinding(finding: Finding, shown: Shown | null): boolean {
  return (
    shown !== null &&
    shown.kind === finding.kind &&
    shown.message.includes(finding.text) &&
    (finding.call === undefined || finding.call === shown.call) &&
    (finding.panic === undefined || finding.panic === shown.panic)
  );
}
