/** Compares two recordings of one finding, made by two engines. */
import type { Recording } from './recording.js';

/** Where two recordings part. */
export interface Difference {
  /** The line at which they do, counted from 0. */
  readonly line: number;
  /** What the two say there; empty for one that is over. */
  readonly here: string;
  readonly there: string;
}

/** Where two recordings part first, null when they are the same. */
export function firstDifference(here: Recording, there: Recording): Difference | null {
  const most = Math.max(here.lines.length, there.lines.length);
  for (let line = 0; line < most; line++) {
    if (here.lines[line] !== there.lines[line]) return { line, here: here.lines[line] ?? '', there: there.lines[line] ?? '' };
  }
  return here.signature === there.signature ? null : { line: most, here: here.signature, there: there.signature };
}

/** A difference for people: the finding, the step, what each engine did. */
export function tellDifference(finding: string, { here, there }: Difference): string {
  return `${finding}\n    in Node:     ${here || 'it is over'}\n    in Chromium: ${there || 'it is over'}`;
}
