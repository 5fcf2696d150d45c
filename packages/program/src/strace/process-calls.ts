/** Making and ending processes and threads. */
import { namedValue, type StraceValue, smallValue } from '@faultline/formats';
import {
  CLONE_FILES,
  CLONE_VM,
  type Lwp,
  type Process,
  RLIM_INFINITY,
  RLIMIT_AS,
  RLIMIT_DATA,
  RLIMIT_MEMLOCK,
  SIGKILL,
  type Step,
  type User,
} from '@faultline/kernel';
import { hasFlag, netbsdSignal } from '../linux-abi.js';
import { baseName, bitsOf, type LoggedCall, pathOf, word } from './arguments.js';
import { Descriptors } from './descriptors.js';
import type { Handler, Replay } from './replay.js';
import { type Actor, SpaceView, type Task } from './tasks.js';

const FORKS = new Set(['fork', 'vfork', 'clone', 'clone2', '__clone2', 'clone3']);

/** Whether a call makes a process or a thread. */
export function isFork(name: string): boolean {
  return FORKS.has(name);
}

/** What a fork is asked to share, with Linux's names; the numbers of those that matter here are NetBSD's too. */
function sharedBy(name: string, args: readonly StraceValue[]): number {
  if (name === 'fork') return 0;
  if (name === 'vfork') return CLONE_VM;
  const flags = namedValue(forkFields(args), 'flags');
  const [first] = args;
  if (flags !== undefined || first?.kind !== 'number') return bitsOf(flags).bits;
  // Under `-e raw` no argument has a name. What clone3 is asked for is hidden; libraries use it for what shares memory.
  return name === 'clone3' ? CLONE_VM | CLONE_FILES : bitsOf(first).bits;
}

/** The named arguments of `clone`, or the fields of the struct that `clone3` is given. */
function forkFields(args: readonly StraceValue[]): readonly StraceValue[] {
  const [first] = args;
  const given = first?.kind === 'change' ? first.from : first;
  return given?.kind === 'struct' ? given.fields : args;
}

/**
 * Makes the child that the log numbers `pid`.
 *
 * A child that shares its parent's memory is made by `__clone(2)` without `CLONE_VFORK`, also for `vfork`: the log says when
 * the parent goes on, be it that it waited, or that the child is not traced.
 *
 * @returns null when it cannot be followed
 */
export function performFork(
  replay: Replay,
  parent: Actor,
  { name, args }: { readonly name: string; readonly args: readonly StraceValue[] },
  pid: number,
): Actor | null {
  const { tasks, tally, system } = replay;
  const stale = tasks.get(pid);
  if (stale === parent) return null;
  // Its last line is not in the log, and its number is used again.
  if (stale !== undefined) endThread(replay, stale, 0);
  if (!tasks.room) {
    tally.count('tooMany');
    tasks.ignore(pid);
    return null;
  }
  const shared = sharedBy(name, args);
  const { task } = parent;
  if (hasFlag(shared, 'CLONE_THREAD')) {
    const lid = system.perform(parent.lwp, (user) => user.lwpCreate());
    const lwp = task.process.lwps.find((other) => other.lid === lid);
    return lwp === undefined ? null : tasks.add(pid, lwp, task);
  }
  const sharesMemory = hasFlag(shared, 'CLONE_VM');
  if (sharesMemory) tally.count('sharedForks');
  const made = system.perform(parent.lwp, (user) => (sharesMemory ? user.clone(CLONE_VM) : user.fork()));
  const process = made === undefined ? undefined : system.sys.processes.get(made);
  const [lwp] = process?.lwps ?? [];
  if (process === undefined || lwp === undefined) return null;
  const space = sharesMemory ? task.space : new SpaceView(task.space);
  const files = hasFlag(shared, 'CLONE_FILES') ? task.files : new Descriptors(task.files);
  return tasks.add(pid, lwp, { pid, process, space, files, threads: new Set() });
}

/** A fork has come back in its parent. @param early the child, when it was made before */
export function forkReturned(replay: Replay, parent: Actor, call: LoggedCall, early: Actor | null): void {
  if (call.outcome.kind !== 'success' || call.outcome.value <= 0) {
    replay.tally.name(call.outcome.kind === 'unknown' ? 'notUnderstood' : 'failedThere', call.name);
    return;
  }
  const pid = call.outcome.value;
  replay.tasks.takeBirth(pid);
  const child = early ?? performFork(replay, parent, call, pid);
  if (child === null || replay.tasks.get(pid) !== child) return;
  storeNumber(replay, child, call);
}

/** Linux stores the child's number where the child wants it, in the child's memory. */
function storeNumber(replay: Replay, child: Actor, { name, args }: LoggedCall): void {
  if (!hasFlag(sharedBy(name, args), 'CLONE_CHILD_SETTID')) return;
  const fields = forkFields(args);
  const address = smallValue(namedValue(fields, 'child_tidptr') ?? namedValue(fields, 'child_tid'));
  if (address !== undefined && address > 0) replay.touch(child, { address, length: 4, access: 'store' });
}

/** The kernel maps the program itself; the log does not say where. It gets an empty space, and what the log shows to be there. */
function execve(path: number): Handler {
  return (replay, actor, call) => {
    const program = pathOf(call.args[path]);
    if (call.outcome.kind !== 'success') {
      replay.tally.name(call.outcome.kind === 'unknown' ? 'notUnderstood' : 'failedThere', call.name);
      return;
    }
    const { task } = actor;
    for (const other of [...task.threads]) if (other !== actor) endThread(replay, other, 0);
    const image = { name: baseName(program ?? task.process.name), stack: false };
    replay.call(actor, call, (user) => user.execve(image));
    task.space = new SpaceView();
    task.files = new Descriptors(task.files);
    task.files.exec();
  };
}

const exitGroup: Handler = (replay, actor, call) => {
  endTask(replay, actor.task, { status: word(call.args[0]) ?? 0 }, actor);
};

const exit: Handler = (replay, actor, call) => {
  endThread(replay, actor, word(call.args[0]) ?? 0);
};

/** How a process ends: by itself, or by a signal. */
type End = { readonly status: number } | { readonly signal: string };

/** Ends a process. @param by the thread that does it */
export function endTask(replay: Replay, task: Task, end: End, by?: Actor): void {
  const actor = by ?? [...task.threads][0];
  if (actor === undefined) return;
  for (const thread of [...task.threads]) replay.tasks.ended(thread);
  if (task.process.ending !== null) return;
  const { system } = replay;
  if ('signal' in end) system.perform(actor.lwp, (user) => user.kill(task.process.pid, netbsdSignal(end.signal) ?? SIGKILL));
  // Not every signal ends a process.
  if (task.process.ending === null) system.perform(actor.lwp, (user) => user.exit('status' in end ? end.status : 0));
  becomesZombie(replay, task);
}

/** Ends a thread, and with the last one its process. */
export function endThread(replay: Replay, actor: Actor, status: number): void {
  const { task } = actor;
  if (task.threads.size <= 1) {
    endTask(replay, task, { status }, actor);
    return;
  }
  replay.tasks.ended(actor);
  replay.system.perform(actor.lwp, (user) => user.lwpExit());
}

/** Processes that have ended and may be waited for. Where nobody ever waits, the oldest are forgotten. */
const MAX_ZOMBIES = 1024;

function becomesZombie(replay: Replay, { pid, process }: Task): void {
  const { zombies } = replay.tasks;
  zombies.delete(pid);
  if (process.parent === null) return;
  zombies.set(pid, process);
  const [oldest] = zombies;
  if (zombies.size <= MAX_ZOMBIES || oldest === undefined) return;
  zombies.delete(oldest[0]);
  const [, zombie] = oldest;
  const [waiter] = zombie.parent?.lwps ?? [];
  if (waiter !== undefined) replay.session.withoutCounting(() => void reap(replay, waiter, zombie));
}

function reap(replay: Replay, waiter: Lwp, zombie: Process): void {
  replay.system.perform(waiter, (user) => waitFor(user, zombie.pid));
}

function* waitFor(user: User, pid: number): Step<number> {
  const result = yield* user.wait(pid, { nohang: true });
  return typeof result === 'number' ? result : result.pid;
}

/** The log says that a process has waited for a child. It does not wait here: the child has ended, or is not traced and ends now. */
function waited(replay: Replay, actor: Actor, child: number): void {
  const alive = replay.tasks.get(child)?.task;
  if (alive !== undefined && alive !== actor.task && alive.process.parent === actor.task.process) {
    endTask(replay, alive, { status: 0 });
    replay.tasks.forget(child);
  }
  const zombie = replay.tasks.zombies.get(child);
  if (zombie === undefined || zombie.parent !== actor.task.process) return;
  replay.tasks.zombies.delete(child);
  reap(replay, actor.lwp, zombie);
}

const wait4: Handler = (replay, actor, call) => {
  // A child that has only stopped, or goes on, is still there.
  const ended = !mentions(call.args[1], 'WIFSTOPPED') && !mentions(call.args[1], 'WIFCONTINUED');
  if (call.outcome.kind === 'success' && call.outcome.value > 0 && ended) waited(replay, actor, call.outcome.value);
  else replay.tally.name('noEffect', call.name);
};

const waitid: Handler = (replay, actor, call) => {
  const [, , info, options] = call.args;
  const fields = info?.kind === 'struct' ? info.fields : [];
  const child = smallValue(namedValue(fields, 'si_pid'));
  const code = namedValue(fields, 'si_code');
  const ended = code?.kind === 'flags' && ['CLD_EXITED', 'CLD_KILLED', 'CLD_DUMPED'].includes(code.names[0] ?? '');
  const keeps = options?.kind === 'flags' && options.names.includes('WNOWAIT');
  if (call.outcome.kind === 'success' && child !== undefined && ended && !keeps) waited(replay, actor, child);
  else replay.tally.name('noEffect', call.name);
};

/** Whether a wait status has such a part: `{WIFSTOPPED(s) && WSTOPSIG(s) == SIGSTOP}`. */
function mentions(value: StraceValue | undefined, name: string): boolean {
  switch (value?.kind) {
    case 'call':
      return value.name === name;
    case 'array':
      return value.items.some((item) => mentions(item, name));
    case 'struct':
      return value.fields.some((field) => mentions(field, name));
    case 'operation':
      return value.operands.some((operand) => mentions(operand, name));
    default:
      return false;
  }
}

/** Limits that matter to memory calls. */
const LIMITS: ReadonlyMap<string, number> = new Map([
  ['RLIMIT_DATA', RLIMIT_DATA],
  ['RLIMIT_AS', RLIMIT_AS],
  ['RLIMIT_MEMLOCK', RLIMIT_MEMLOCK],
]);

/** `setrlimit` and `prlimit64`; `at` is the place of the limit's name, before that of its values. A hard limit is never raised here. */
function setrlimit(at: number): Handler {
  return (replay, actor, call) => {
    const name = call.args[at];
    const limit = call.args[at + 1];
    const which = name?.kind === 'flags' ? LIMITS.get(name.names[0] ?? '') : undefined;
    const own = at === 0 || smallValue(call.args[0]) === 0;
    if (which === undefined || limit?.kind !== 'struct' || !own || call.outcome.kind !== 'success') {
      replay.tally.name('noEffect', call.name);
      return;
    }
    const old = actor.task.process.limits.get(which)?.maximum ?? RLIM_INFINITY;
    const maximum = Math.min(old, limitValue(namedValue(limit.fields, 'rlim_max')));
    const current = Math.min(maximum, limitValue(namedValue(limit.fields, 'rlim_cur')));
    replay.call(actor, call, (user) => user.setrlimit(which, { current, maximum }));
  };
}

function limitValue(value: StraceValue | undefined): number {
  const bytes = smallValue(value);
  return bytes === undefined || bytes < 0 ? RLIM_INFINITY : bytes;
}

/** The calls on processes, but for forks, which take effect in two places of a log. */
export const PROCESS_CALLS: ReadonlyMap<string, Handler> = new Map<string, Handler>([
  ['execve', execve(0)],
  ['execveat', execve(1)],
  ['exit', exit],
  ['exit_group', exitGroup],
  ['wait4', wait4],
  ['waitpid', wait4],
  ['waitid', waitid],
  ['setrlimit', setrlimit(0)],
  ['prlimit64', setrlimit(1)],
]);
