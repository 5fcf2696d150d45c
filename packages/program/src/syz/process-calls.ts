/** The calls of syzkaller programs on processes and threads. */
import type { Step, UserProgram } from '@faultline/kernel';
import { hasFlag, netbsdCloneFlags, netbsdSignal } from '../linux-abi.js';
import {
  ADDRESS,
  BYTES,
  type Caller,
  type CallType,
  INT,
  INT32,
  INT64,
  LONG,
  type Make,
  pointerTo,
  ROOM,
  type SyzOs,
} from './call-type.js';
import { copyWords, storeNumbers } from './user-memory.js';

/** Makes a child, unless there are too many; it does what the caller says, or what `instead` says. */
function* makeChild(
  caller: Caller,
  make: (program: UserProgram | undefined) => Step<number>,
  instead?: UserProgram,
): Step<number | undefined> {
  const { child, tally, label } = caller;
  if (child === null) {
    tally.note('noFork', label);
    return undefined;
  }
  return yield* make(instead ?? child.program);
}

const fork: Make = (caller) => makeChild(caller, (program) => caller.user.fork(program));
const vfork: Make = (caller) => makeChild(caller, (program) => caller.user.vfork(program));

/** Where a thread would begin that `_lwp_create` or `CLONE_THREAD` makes is nothing that a program says: it does nothing, to the end. */
function idleThread({ user }: Caller): Step<number> {
  return user.lwpCreate();
}

function netbsdClone(caller: Caller, flags: number): Step<number | undefined> {
  return makeChild(caller, (program) => caller.user.clone(flags, program));
}

function linuxClone(caller: Caller, flags: number, instead?: UserProgram): Step<number | undefined> {
  const { user, tally, label } = caller;
  if (hasFlag(flags, 'CLONE_THREAD')) return idleThread(caller);
  const { value, untranslated } = netbsdCloneFlags(flags);
  for (const name of untranslated) tally.note('untranslated', `${name} in ${label}`);
  return makeChild(caller, (program) => user.clone(value, program), instead);
}

/** What syz-executor has the child of `syz_clone` do. */
function* exitAtOnce(...[user]: Parameters<UserProgram>): Step<void> {
  yield* user.exit(0);
}

/** The words of `struct clone_args` up to the signal. linux/sched.h */
const CLONE_ARGS_WORDS = 5;
const CLONE_ARGS = pointerTo({ kind: 'struct', fields: Array.from({ length: 8 }, () => INT64) });

function clone3(instead?: UserProgram): Make {
  return function* (caller, [address = 0]) {
    const words = yield* copyWords(caller, address, CLONE_ARGS_WORDS);
    if (typeof words === 'number') return words;
    const [flags = 0, , , , signal = 0] = words;
    return yield* linuxClone(caller, Math.max(0, flags) + (signal & 0xff), instead);
  };
}

/** Waits for a child, and stores how it ended. */
function* wait4(caller: Caller, [pid = -1, address = 0, options = 0]: readonly number[]): Step<number> {
  // Process groups are not modelled: 0, which asks for those of the own one, is any.
  const result = yield* caller.user.wait(pid === 0 ? -1 : pid, { nohang: (options & WNOHANG) !== 0 });
  if (typeof result === 'number') return result;
  const { reason } = result;
  const status = reason.kind === 'exited' ? reason.status << 8 : reason.signal;
  const errno = address === 0 ? 0 : yield* storeNumbers(caller, address, [BigInt(status)], 4);
  return errno === 0 ? result.pid : -errno;
}

const WNOHANG = 1;

/** In Linux the call ends the thread only. */
function* linuxExit({ user }: Caller, [status = 0]: readonly number[]): Step<number> {
  const others = user.process.lwps.filter((lwp) => lwp !== user.lwp && !lwp.idle);
  return others.length > 0 ? yield* user.lwpExit() : yield* user.exit(status);
}

function* lwpCreate(caller: Caller, [, , address = 0]: readonly number[]): Step<number> {
  const lid = yield* idleThread(caller);
  return -(yield* storeNumbers(caller, address, [BigInt(lid)], 4));
}

/** Linux's signals by number, from 1. asm-generic/signal.h, for x86 */
const LINUX_SIGNALS = (
  'HUP INT QUIT ILL TRAP ABRT BUS FPE KILL USR1 SEGV USR2 PIPE ALRM TERM STKFLT CHLD CONT STOP TSTP TTIN TTOU URG XCPU XFSZ ' +
  'VTALRM PROF WINCH IO PWR SYS'
).split(' ');

function signalNumber(os: SyzOs, signal: number): number {
  return os === 'netbsd' ? signal : (netbsdSignal(`SIG${LINUX_SIGNALS[signal - 1]}`) ?? signal);
}

const CHILD_NUMBER = pointerTo(INT32);

function sharedCalls(os: SyzOs): [string, CallType][] {
  const wait: CallType = { parameters: [INT, ROOM, INT, ROOM], make: wait4 };
  const exit: CallType = { parameters: [LONG], make: ({ user }, [status = 0]) => user.exit(status) };
  const ownNumber: CallType = { parameters: [], make: justAnswer(({ user }) => user.process.pid) };
  return [
    ['fork', { parameters: [], make: fork }],
    ['vfork', { parameters: [], make: vfork }],
    ['wait4', wait],
    ['waitpid', wait],
    ['exit', os === 'linux' ? { parameters: [LONG], make: linuxExit } : exit],
    ['exit_group', exit],
    ['kill', { parameters: [INT, INT], make: ({ user }, [pid = 0, signal = 0]) => user.kill(pid, signalNumber(os, signal)) }],
    ['getpid', ownNumber],
    ['getppid', { parameters: [], make: justAnswer(({ user }) => user.process.parent?.pid ?? 1) }],
  ];
}

/** A call that only tells something. */
function justAnswer(answer: (caller: Caller) => number): Make {
  // biome-ignore lint/correctness/useYield: a call may sleep, but this one does not
  return function* (caller) {
    return answer(caller);
  };
}

const NETBSD_CALLS: readonly [string, CallType][] = [
  ['__vfork14', { parameters: [], make: vfork }],
  ['__clone', { parameters: [INT, BYTES], make: (caller, [flags = 0]) => netbsdClone(caller, flags) }],
  ['clone', { parameters: [INT, BYTES], make: (caller, [flags = 0]) => netbsdClone(caller, flags) }],
  ['_lwp_create', { parameters: [ADDRESS, INT, CHILD_NUMBER], make: lwpCreate }],
  ['_lwp_exit', { parameters: [], make: ({ user }) => user.lwpExit() }],
  ['_lwp_self', { parameters: [], make: justAnswer(({ user }) => user.lwp.lid) }],
];

const LINUX_CALLS: readonly [string, CallType][] = [
  ['clone', { parameters: [LONG, BYTES], make: (caller, [flags = 0]) => linuxClone(caller, flags) }],
  ['syz_clone', { parameters: [LONG, BYTES], make: (caller, [flags = 0]) => linuxClone(caller, flags, exitAtOnce) }],
  ['clone3', { parameters: [CLONE_ARGS, LONG], make: clone3() }],
  ['syz_clone3', { parameters: [CLONE_ARGS, LONG], make: clone3(exitAtOnce) }],
];

/** The calls on processes and threads, by name. */
export function processCalls(os: SyzOs): [string, CallType][] {
  return [...sharedCalls(os), ...(os === 'linux' ? LINUX_CALLS : NETBSD_CALLS)];
}
