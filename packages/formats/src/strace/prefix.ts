/**
 * What strace writes in front of a line.
 *
 *     3530  02:51:24.942638 [00007f512de7fad7] execve(…
 *     pid   time            instruction pointer
 *
 *     [pid  3543] 1795229485.002146 (+     0.001256) [ 234] tgkill(…
 *     pid         time (-ttt)       time (-r)        number (-n)
 */

import type { StraceTime } from './records.js';
import { compactInteger } from './value.js';

/** The parts of a prefix that are there. */
export interface LinePrefix {
  readonly pid: number | undefined;
  /** Whether the pid stands in brackets. Then strace writes it only while there are several processes. */
  readonly bracketed: boolean;
  readonly time: StraceTime | undefined;
  readonly instructionPointer: number | bigint | undefined;
  /** Offset of what follows the prefix. */
  readonly end: number;
}

const BRACKETED_PID = /\[pid +(\d{1,7})(?:<[^>]{0,64}>)?\] +/y;
const PID_COLUMN = /(\d{1,10})(?:<[^>]{0,64}>)? +/y;
const CLOCK = /(\d\d):(\d\d):(\d\d)(?:\.(\d{1,9}))? +/y;
const EPOCH = /(\d{1,12})(?:\.(\d{1,9}))? +/y;
const RELATIVE = / +(\d{1,12})(?:\.(\d{1,9}))? +/y;
const RELATIVE_ASIDE = /\(\+ +(\d{1,12})(?:\.(\d{1,9}))?\) +/y;
const CALL_NUMBER = /\[ *\d{1,4}\] +/y;
const INSTRUCTION_POINTER = /\[(?:([0-9a-f]{8,16})|\?+)\] +/y;

/** No kernel has larger ones; a larger number in the first column is a time in whole seconds. */
export const LARGEST_PID = 4194304;

/** Reads the prefix of a line. What does not look like one is left to be read as the line's body. */
export function parsePrefix(text: string): LinePrefix {
  let end = 0;
  const match = (pattern: RegExp): RegExpExecArray | null => {
    pattern.lastIndex = end;
    const found = pattern.exec(text);
    if (found !== null) end = pattern.lastIndex;
    return found;
  };

  let pid = match(BRACKETED_PID)?.[1];
  const bracketed = pid !== undefined;
  if (!bracketed) {
    pid = match(PID_COLUMN)?.[1];
    if (pid !== undefined && Number(pid) > LARGEST_PID) {
      pid = undefined;
      end = 0;
    }
  }

  let time: StraceTime | undefined;
  const clock = match(CLOCK);
  if (clock !== null) {
    const [, hours, minutes, seconds, fraction] = clock;
    time = timeOf('midnight', Number(hours) * 3600 + Number(minutes) * 60 + Number(seconds), fraction);
  } else {
    const epoch = match(EPOCH);
    if (epoch !== null) time = timeOf(Number(epoch[1]) > LARGEST_PID ? 'epoch' : 'previous', Number(epoch[1]), epoch[2]);
  }
  const relative = match(RELATIVE_ASIDE) ?? (time === undefined ? match(RELATIVE) : null);
  if (relative !== null) time ??= timeOf('previous', Number(relative[1]), relative[2]);

  match(CALL_NUMBER);
  const pointer = match(INSTRUCTION_POINTER)?.[1];
  const instructionPointer = pointer === undefined ? undefined : compactInteger(BigInt(`0x${pointer}`));
  return { pid: pid === undefined ? undefined : Number(pid), bracketed, time, instructionPointer, end };
}

function timeOf(since: StraceTime['since'], seconds: number, fraction: string | undefined): StraceTime {
  return { since, seconds, nanoseconds: Number((fraction ?? '').padEnd(9, '0')) };
}
