/** The header of a syzkaller program: what of it is done here, and what is said of the rest. */
import type { SyzOptionValue } from '@faultline/formats';

/** What a header asks for. */
export interface Header {
  /** Whether each call has a thread of its own; then a call that is stuck does not stop the program, and a child is left without work. */
  readonly threaded: boolean;
  /** How often the program is run, each time by a new process. */
  readonly times: number;
  /** The index of the call that has a fault ordered, -1 for none, and at which occasion, from 1. */
  readonly faultCall: number;
  readonly faultNth: number;
  readonly remarks: readonly string[];
}

/** How often a program is run, at most. */
const MAX_TIMES = 1000;

const HONOURED = new Set(['threaded', 'repeat', 'repeat_times', 'fault', 'fault_call', 'fault_nth']);
/** Values that ask for nothing. */
const NOTHING: readonly SyzOptionValue[] = [false, 0, '', 'none'];
/** What is asked for by being 1 is what is done anyway: one process, the usual pace. */
const ONE = new Set(['procs', 'slowdown']);

/** Reads the options of a program's header. */
export function readHeader(options: ReadonlyMap<string, SyzOptionValue>): Header {
  const remarks: string[] = [];
  const ignored = [...options].filter(([name, value]) => asksForMore(name, value)).map(([name, value]) => `${name} ${value}`);
  if (ignored.length > 0) remarks.push(`options of the header that mean nothing here: ${ignored.join(', ')}`);
  const fault = options.get('fault') === true;
  return {
    threaded: options.get('threaded') === true,
    times: timesOf(options, remarks),
    faultCall: fault ? numberOf(options, 'fault_call', -1) : -1,
    // The option counts from 0, `fail_nth` from 1.
    faultNth: numberOf(options, 'fault_nth', 0) + 1,
    remarks,
  };
}

function asksForMore(name: string, value: SyzOptionValue): boolean {
  return !HONOURED.has(name) && !NOTHING.includes(value) && !(ONE.has(name) && value === 1);
}

function timesOf(options: ReadonlyMap<string, SyzOptionValue>, remarks: string[]): number {
  if (options.get('repeat') !== true) return 1;
  const times = numberOf(options, 'repeat_times', 0);
  if (times === 0) {
    remarks.push('the header asks for the program to be repeated for ever; it was run once (repeat_times says how often else)');
    return 1;
  }
  if (times <= MAX_TIMES) return times;
  remarks.push(`the header asks for the program to be run ${times} times; it was run ${MAX_TIMES} times`);
  return MAX_TIMES;
}

/** A whole number of an option that is not below zero. */
function numberOf(options: ReadonlyMap<string, SyzOptionValue>, name: string, absent: number): number {
  const value = options.get(name);
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0 ? value : absent;
}
