/** What the debugger prints of events and places. */
import type { LoggedEvent, SyscallEvent } from '@faultline/kernel';
import { AddressNames, addressesIn, callText, resultText, tellWalk } from '@faultline/program';
import { fill } from '../terminal.js';
import type { Stop, Timeline } from './timeline.js';

const INDENT = '         ';
/** Columns of a line about an event. */
const LABEL_WIDTH = 12;
const TEXT_WIDTH = 44;

/** What happened in the step that led to a stop, or in the last one. */
export function eventLines(timeline: Timeline, at: number): string[] {
  const events = timeline.stops[at]?.events ?? timeline.lastEvents;
  const names = new AddressNames(addressesIn(timeline.stops.flatMap((stop) => stop.events)));
  return events.flatMap((event) => tellEvent(event, names)).map((line) => `${INDENT}${line}`.trimEnd());
}

function tellEvent(logged: LoggedEvent, names: AddressNames): string[] {
  const { kind } = logged.event;
  if (kind === 'syscall' || kind === 'sysret') {
    const event = logged.event as SyscallEvent;
    return [event.kind === 'syscall' ? `calls ${callText(event)}` : `${event.name} answers ${resultText(event.result)}`];
  }
  return tellWalk([logged], names).map(({ label, text, remark }) => {
    return `${label.padEnd(LABEL_WIDTH)} ${remark === '' ? text : `${text.padEnd(TEXT_WIDTH)} ${remark}`}`.trim();
  });
}

/** Where the execution is, as lines; `at` may be the number of stops there are, for the end. */
export function whereLines(timeline: Timeline, at: number): string[] {
  const stop = timeline.stops[at];
  const events = eventLines(timeline, at);
  if (stop === undefined) return [...events, ...endLines(timeline)];
  const { step, thread, lwp, what, call, waits, decision } = stop;
  const where = what === 'end' ? 'is done' : `${call === '' ? 'in user mode' : `in ${call}`}, in front of: ${what}`;
  return [
    ...events,
    ...fill(`${thread} (lwp ${lwp}) ${where}${waits ? ' (has to wait)' : ''}`, `step ${String(step).padEnd(4)}`, INDENT),
    ...(decision === null ? [] : [`${INDENT}decided here: ${decision}`]),
  ];
}

function endLines({ failure, steps }: Timeline): string[] {
  if (failure === null) return [`end, after step ${steps}: nothing went wrong`];
  const [first = '', ...rest] = failure.message.split('\n');
  const where = failure.lwp === '' ? '' : ` in lwp ${failure.lwp}`;
  return [
    ...fill(`end, after step ${steps}${where}: ${failure.kind === 'panic' ? first : `${failure.kind}: ${first}`}`, '', INDENT),
    ...rest.map((line) => `${INDENT}${line}`),
    ...(failure.frames.length === 0 ? [] : [`${INDENT}${failure.frames.join('  ')}`]),
  ];
}

/** Where a stop is, for lists. */
export function placeText({ step, thread, what }: Stop): string {
  return `step ${step}, ${thread}, ${what}`;
}
