/**
 * syzkaller programs.
 *
 *     syzProgram(parseSyz(text), { name: 'wire.syz' })
 *
 * Each line is a system call; data that its pointers lead to is really stored into the program's memory before, and what it leaves
 * there is loaded after. Calls that Faultline does not have are left out, with a remark, or refused when `strict`.
 */
import { FormatError, inflateSyzData, type SyzArg, type SyzCall, type SyzProgram, syzCallName } from '@faultline/formats';
import type { Program } from '../program.js';
import type { Session } from '../session.js';
import type { SyzOs } from './call-type.js';
import { callsOf } from './calls.js';
import { DATA_SIZE } from './data-area.js';
import { Executor, ScriptCall } from './executor.js';
import { readHeader } from './header.js';
import { Tally } from './tally.js';

export type { SyzOs } from './call-type.js';

/** How a program is to be understood. */
export interface SyzProgramOptions {
  /** What it is called in reports and error messages: its file name. */
  readonly name: string;
  /** Whose numbers it uses for flags. Default `netbsd`. */
  readonly os?: SyzOs;
  /** Whether a call that Faultline does not have is an error. Default false: it is left out. */
  readonly strict?: boolean;
}

/**
 * Makes a program of a syzkaller program.
 *
 * @throws {FormatError} for compressed data that is none, or is too much; when `strict`, for a call that Faultline does not have
 */
export function syzProgram(parsed: SyzProgram, options: SyzProgramOptions): Program {
  const { name, os = 'netbsd', strict = false } = options;
  const header = readHeader(parsed.options);
  const calls: ScriptCall[] = [];
  const unknown: SyzCall[] = [];
  for (const [index, call] of parsed.calls.entries()) {
    const type = callsOf(os).get(call.name);
    if (type === undefined) {
      if (strict) throw refused(call, name);
      unknown.push(call);
      continue;
    }
    for (const arg of call.args) checkData(arg, call, name);
    const failNth = index === header.faultCall ? header.faultNth : call.props.failNth;
    calls.push(new ScriptCall(call, type, label(call), failNth));
  }
  const run = (session: Session): void => {
    const tally = new Tally();
    for (const call of unknown) tally.note('unknown', label(call));
    try {
      for (let time = 0; time < header.times; time++) {
        new Executor(session, { name, os, threaded: header.threaded, calls, tally }).run();
      }
    } finally {
      session.remarks.push(...header.remarks, ...tally.remarks());
    }
  };
  return { name, run };
}

function label(call: SyzCall): string {
  return `${syzCallName(call)} (line ${call.line})`;
}

function refused(call: SyzCall, file: string): FormatError {
  return new FormatError({
    ...placeOf(call, file),
    expected: 'a call that Faultline has (take this one out, or have such calls skipped by not being strict)',
    found: `"${syzCallName(call)}"`,
  });
}

/** Where the name of a call stands, in a line without blanks that nobody needs. */
function placeOf({ line, result }: SyzCall, file: string): { file: string; line: number; column: number } {
  return { file, line, column: result === undefined ? 1 : `${result} = `.length + 1 };
}

/** Refuses compressed data that cannot be read, before anything is run. */
function checkData(arg: SyzArg | undefined, call: SyzCall, file: string): void {
  switch (arg?.kind) {
    case 'data':
      checkInflates(arg, call, file);
      break;
    case 'pointer':
      checkData(arg.pointee, call, file);
      break;
    case 'declare':
    case 'union':
      checkData(arg.value, call, file);
      break;
    case 'struct':
      for (const field of arg.fields) checkData(field, call, file);
      break;
    case 'array':
      for (const item of arg.items) checkData(item, call, file);
      break;
    default:
  }
}

function checkInflates(data: SyzArg & { kind: 'data' }, call: SyzCall, file: string): void {
  try {
    inflateSyzData(data, { maxBytes: DATA_SIZE });
  } catch (error) {
    const found = error instanceof RangeError ? 'more' : 'something else';
    const expected = `compressed data in ${syzCallName(call)}, of at most ${DATA_SIZE} bytes`;
    throw new FormatError({ ...placeOf(call, file), expected, found });
  }
}
