/** Where the debugger is to stop by itself. */
import { UsageError } from '../usage.js';
import type { Stop, Timeline } from './timeline.js';

/** A breakpoint: a word that names a kind of event, a system call or a thread. */
export interface Breakpoint {
  readonly word: string;
  readonly kind: 'event' | 'call' | 'thread';
}

/** Another thread gets the processor. */
const SWITCH = 'switch';

/** The breakpoint that a word means. @throws {UsageError} when it means none, with what there is */
export function breakpointOf(timeline: Timeline, word: string): Breakpoint {
  const { stops, lastEvents } = timeline;
  const events = new Set([...stops.flatMap((stop) => stop.events), ...lastEvents].map(({ event }) => event.kind));
  const calls = new Set(stops.map(({ callBegins }) => callBegins).filter((name) => name !== ''));
  const threads = new Set(stops.flatMap(({ thread, lwp }) => [thread, lwp]));
  if (word === SWITCH || threads.has(word)) return { word, kind: 'thread' };
  // Calls are in the log as events, too; what is meant is the place where one begins.
  if (calls.has(word)) return { word, kind: 'call' };
  if (events.has(word)) return { word, kind: 'event' };
  const names = [...new Set(stops.map(({ thread }) => thread))];
  throw new UsageError(
    `there is no event, call or thread "${word}" in this execution; there are ` +
      `the events ${listed(events)}, the calls ${listed(calls)}, the threads ${listed(names)}, and "${SWITCH}"`,
  );
}

/** Whether to stop at a place. */
export function stopsAt({ word, kind }: Breakpoint, stop: Stop): boolean {
  switch (kind) {
    case 'event':
      return stop.events.some(({ event }) => event.kind === word);
    case 'call':
      return stop.callBegins === word;
    case 'thread':
      return stop.threadBegins && (word === SWITCH || stop.thread === word || stop.lwp === word);
  }
}

function listed(words: Iterable<string>): string {
  const all = [...words];
  return all.length === 0 ? '(none)' : all.join(', ');
}
