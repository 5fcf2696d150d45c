/** Reads the lines that tell of signals. */
import type { CallProblem } from './parse-call.js';
import { ValueParser } from './parse-value.js';
import type { StraceSignal } from './records.js';

const END = ' ---';
const STOPPED = 'stopped by ';
const NAME = /[\w+-]+/y;

/** Reads `--- SIGCHLD {si_signo=SIGCHLD, …} ---` and `--- stopped by SIGSTOP ---`, which begin at an offset. */
export function parseSignal(text: string, at: number): Pick<StraceSignal, 'signal' | 'stopped' | 'info'> | CallProblem {
  if (!text.endsWith(END) || text.length < at + '--- '.length + END.length) {
    return { at: text.length, expected: '" ---" at the end of a signal' };
  }
  const start = at + '--- '.length;
  const stopped = text.startsWith(STOPPED, start);
  NAME.lastIndex = stopped ? start + STOPPED.length : start;
  const name = NAME.exec(text)?.[0];
  if (name === undefined) return { at: start, expected: 'the name of a signal' };
  const infoText = text.slice(NAME.lastIndex, text.length - END.length).trim();
  if (infoText === '') return { signal: name, stopped, info: undefined };
  const [info, ...more] = new ValueParser(infoText, 0).openList();
  // Older versions of strace write sentences here.
  return { signal: name, stopped, info: info !== undefined && more.length === 0 ? info : { kind: 'opaque', text: infoText } };
}
