/** What tests of strace programs start with: a log of a few lines, replayed, and what the machine looks like then. */
import { readStrace, scanForks } from '@faultline/formats';
import { bootNetbsd, type NetbsdSystem, type Process, protectionText } from '@faultline/kernel';
import { expect } from 'vitest';
import { type CallRecord, type RunOptions, type RunResult, runProgram, Session, straceProgram } from '../src/index.js';
import { type LoggedCall, outcomeOf } from '../src/strace/arguments.js';
import { Replay } from '../src/strace/replay.js';
import type { Actor } from '../src/strace/tasks.js';

/** Pages of RAM of a test machine: 4 MiB. */
const RAM_PAGES = 1024;

/** Runs a log to its end; checks the invariants after each call, and that nothing is left. @param options.cut the last line has no end */
export function runLog(
  lines: readonly string[],
  { cut = false, ...options }: RunOptions & { readonly cut?: boolean } = {},
): RunResult {
  const text = lines.join('\n') + (cut ? '' : '\n');
  const source = { name: 'test.strace', pieces: () => [text] };
  const result = runProgram(straceProgram(source), { machine: { ramPages: RAM_PAGES }, ...options });
  expect(result.end).toEqual({ kind: 'done' });
  expect(result.firstViolation).toBeNull();
  expect(result.violations).toEqual([]);
  expect(result.leaks).toEqual([]);
  return result;
}

/** The call on a line of a log. */
export function loggedCall(line: string): LoggedCall {
  const [record] = readStrace([`${line}\n`]);
  if (record?.kind !== 'call') throw new Error(`no call: ${line}`);
  const { name, args, result, endLine } = record;
  return { name, args, outcome: outcomeOf(result), annotation: result.annotation, line: endLine };
}

/** A log that has been replayed, whose processes are still there. */
export interface Replayed {
  readonly system: NetbsdSystem;
  readonly session: Session;
  readonly replay: Replay;
  /** The calls that were made, as `name(args) = result`. */
  readonly calls: readonly string[];
  /** The results that differ: what this kernel said, what the log said, and why. */
  readonly differences: readonly string[];
}

/** Replays lines, and leaves everything as it is then. */
export function replayLines(lines: readonly string[]): Replayed {
  const system = bootNetbsd({ ram: RAM_PAGES * 4096, userSpace: { min: 0x1000, max: 0x7ffffffff000 } });
  const watch = { audit: 'each-call', keepCalls: 1000, stopAfter: null, logCalls: null, onProgress: null } as const;
  const session = new Session(system, watch);
  const text = lines.map((line) => `${line}\n`).join('');
  const replay = new Replay(session, 'test.strace', scanForks([text]).forks);
  for (const record of readStrace([text], { file: 'test.strace' })) replay.record(record);
  expect(session.firstViolation).toBeNull();
  expect(system.audit()).toEqual([]);
  return {
    system,
    session,
    replay,
    calls: session.calls.map(callText),
    differences: session.calls.flatMap((call) => (call.differs === undefined ? [] : [differenceText(call)])),
  };
}

/** `mmap(0x1000, 4096) = 0x1000` */
function callText({ name, args, result }: CallRecord): string {
  return `${name}(${args.map(valueText).join(', ')}) = ${result === null ? '?' : valueText(result)}`;
}

function differenceText(call: CallRecord): string {
  return `${callText(call)} | ${call.differs?.recorded} | ${call.differs?.why}`;
}

function valueText(value: number | string): string {
  if (typeof value === 'string') return value;
  return value > 0xffff ? `0x${value.toString(16)}` : String(value);
}

/** The thread that stands for a number of the log. */
export function actorOf({ replay }: Replayed, pid: number): Actor {
  const actor = replay.tasks.get(pid);
  if (actor === undefined) throw new Error(`thread ${pid} is not alive`);
  return actor;
}

/** The process that stands for a number of the log. */
export function processOf(replayed: Replayed, pid: number): Process {
  return actorOf(replayed, pid).task.process;
}

/** The mappings of a process: `0x7f0000000000+2 rw-` with the pages, and `/lib/x+1` for a file from that page on. */
export function mapsOf(replayed: Replayed, pid: number): string[] {
  const { space } = processOf(replayed, pid);
  expect(space).not.toBeNull();
  if (space === null) return [];
  return replayed.system.vm.describeSpace(space).map(({ start, end, protection, object, offset }) => {
    const file = object === null ? '' : ` ${object.label}+${offset / 4096}`;
    return `0x${start.toString(16)}+${(end - start) / 4096} ${protectionText(protection)}${file}`;
  });
}

/** How many pages of a process are in memory. */
export function residentPages(replayed: Replayed, pid: number): number {
  return processOf(replayed, pid).space?.pmap.residentCount ?? 0;
}
