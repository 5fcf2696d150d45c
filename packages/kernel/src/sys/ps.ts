/** Processes and their threads. `ps`, `db_show_all_procs()` in sys/ddb/db_proc.c; its `/l` form, and in full what a thread is at. */

import type { Lwp } from '../kern/lwp.js';
import { LSONPROC, LSZOMB, lwpStat, waitChannel, waitMessage } from '../kern/show-lwp.js';
import type { Sys } from './sys.js';

/** A thread. */
export interface LwpData {
  readonly lid: number;
  readonly name: string;
  /** `l_stat` */
  readonly stat: number;
  readonly cpu: number;
  /** `l_flag` */
  readonly flags: number;
  /** Why it waits, in the kernel's few letters; null when it does not. */
  readonly wait: string | null;
  /** What it waits for. */
  readonly channel: string | null;
  /** The system call that it is in, with its arguments. */
  readonly call: { readonly name: string; readonly args: readonly (number | string)[] } | null;
  /** The last place that the kernel announced in it: a system call's start, or a label such as `ReFault`. */
  readonly label: string;
  /** The locks that it holds, in the order in which it took them. */
  readonly locks: readonly string[];
}

/** A process. */
export interface ProcessData {
  readonly pid: number;
  readonly name: string;
  /** Null when it has no parent, or one that has ended. */
  readonly parent: number | null;
  readonly uid: number;
  /** Whether it has ended, and waits for its parent to ask how. */
  readonly zombie: boolean;
  readonly lwps: readonly LwpData[];
}

/** `LW_SYSTEM`, `LW_SINTR`, sys/sys/lwp.h: a thread of the kernel's own; a sleep that signals end. */
const LW_SYSTEM = 0x200;
const LW_SINTR = 0x80;

/** All processes, the kernel's own first, then by pid, as data. */
export function describeProcesses(sys: Sys): ProcessData[] {
  const { kern } = sys;
  const threads = kern.scheduler.lwps.filter((lwp) => lwp.process.pid === 0);
  const system: ProcessData = {
    pid: 0,
    name: threads[0]?.process.name ?? 'system',
    parent: null,
    uid: 0,
    zombie: false,
    lwps: threads.map((lwp) => describeLwp(sys, lwp)),
  };
  const processes = [...sys.processes.values()].sort((a, b) => a.pid - b.pid);
  return [
    system,
    ...processes.map((process) => ({
      pid: process.pid,
      name: process.name,
      parent: process.parent?.pid ?? null,
      uid: process.credentials.uid,
      zombie: process.zombie,
      lwps: process.lwps.map((lwp) => describeLwp(sys, lwp)),
    })),
  ];
}

function describeLwp({ kern }: Sys, lwp: Lwp): LwpData {
  const sleepsLightly = lwp.channel !== null && lwp.interruptible;
  return {
    lid: lwp.lid,
    name: lwp.name,
    stat: lwpStat(kern, lwp),
    cpu: lwp.cpu,
    flags: (lwp.process.pid === 0 ? LW_SYSTEM : 0) | (sleepsLightly ? LW_SINTR : 0),
    wait: waitMessage(lwp),
    channel: waitChannel(lwp),
    call: lwp.call === null ? null : { name: lwp.call.name, args: [...lwp.call.args] },
    label: lwp.label,
    locks: lwp.held.map((lock) => lock.label),
  };
}

/** Processes and threads as the debugger lists them; `full` adds the columns behind WAIT. */
export function psText(processes: readonly ProcessData[], options: { full: boolean }): string {
  const row = (pid: string, mark: string, columns: readonly string[], rest: readonly string[]): string => {
    const [lid = '', stat = '', cpu = '', flags = '', lwp = '', name = '', wait = ''] = columns;
    const line =
      `${pid.padEnd(5)}${mark}${lid.padStart(4)} ${stat} ${cpu.padStart(3)} ${flags.padStart(9)} ` +
      `${lwp.padStart(18)} ${name.padStart(18)} ${wait.padEnd(8)}`;
    const [channel = '', call = '', label = ''] = rest;
    return (options.full ? `${line} ${channel.padEnd(18)} ${call.padEnd(10)} ${label}` : line).trimEnd();
  };
  const lines = [
    row('PID', ' ', ['LID', 'S', 'CPU', 'FLAGS', 'STRUCT LWP *', 'NAME', 'WAIT'], ['WAIT-CHANNEL', 'CALL', 'LABEL']),
  ];
  for (const { pid, name, zombie, lwps } of processes) {
    if (zombie) lines.push(row(String(pid), ' ', ['-', String(LSZOMB), '-', '0', '0x0', name], []));
    for (const lwp of lwps) {
      const columns = [String(lwp.lid), String(lwp.stat), String(lwp.cpu), lwp.flags.toString(16), `lwp ${lwp.name}`, name];
      const mark = lwp.stat === LSONPROC ? '>' : ' ';
      lines.push(row(String(pid), mark, [...columns, lwp.wait ?? ''], [lwp.channel ?? '', lwp.call?.name ?? '', lwp.label]));
    }
  }
  return lines.join('\n');
}
