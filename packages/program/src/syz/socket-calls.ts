/** The calls of syzkaller programs on sockets: those that come in pairs. */
import type { Step } from '@faultline/kernel';
import type { Translated } from '../linux-abi.js';
import { netbsdMessageFlags, netbsdSocketOption, netbsdSocketType } from '../linux-sockets.js';
import { BYTES, type Caller, type CallType, FD, INT, INT32, LONG, pointerTo, ROOM, type SyzOs } from './call-type.js';
import { copyInts, storeNumbers } from './user-memory.js';

const PAIR = pointerTo({ kind: 'struct', fields: [INT32, INT32] });

/** The kernel's flags for a program's. */
function flagsFor(os: SyzOs, { tally, label }: Caller, flags: number, translated: (linux: number) => Translated): number {
  if (os === 'netbsd') return flags;
  const { value, untranslated } = translated(flags >>> 0);
  for (const name of untranslated) tally.note('untranslated', `${name} in ${label}`);
  return value;
}

/** Makes a pair, and stores the descriptors where the program wants them. */
function* socketpair(
  os: SyzOs,
  caller: Caller,
  [domain = 0, type = 0, protocol = 0, address = 0]: readonly number[],
): Step<number> {
  const pair = yield* caller.user.socketpair(domain, flagsFor(os, caller, type, netbsdSocketType), protocol);
  return typeof pair === 'number' ? pair : -(yield* storeNumbers(caller, address, pair.map(BigInt), 4));
}

/** Sets an option that is a number; others are not there. */
function* setsockopt(os: SyzOs, caller: Caller, args: readonly number[]): Step<number | undefined> {
  const [fd = -1, level = 0, name = 0, address = 0] = args;
  const option = os === 'netbsd' ? { level, name } : netbsdSocketOption(level, name);
  if (option === undefined) {
    caller.tally.note('notDone', `option ${name} in ${caller.label}`);
    return undefined;
  }
  const value = yield* copyInts(caller, address, 1);
  if (typeof value === 'number') return value;
  return yield* caller.user.setsockopt(fd, option.level, option.name, value[0] ?? 0);
}

/** The calls, by name. */
export function socketCalls(os: SyzOs): [string, CallType][] {
  const send: CallType = {
    parameters: [FD, BYTES, LONG, INT],
    make: (caller, [fd = -1, address = 0, length = 0, flags = 0]) =>
      caller.user.send(fd, address, length, flagsFor(os, caller, flags, netbsdMessageFlags)),
  };
  const receive: CallType = {
    parameters: [FD, ROOM, LONG, INT],
    make: (caller, [fd = -1, address = 0, length = 0, flags = 0]) =>
      caller.user.recv(fd, address, length, flagsFor(os, caller, flags, netbsdMessageFlags)),
  };
  return [
    ['socketpair', { parameters: [INT, INT, INT, PAIR], make: (caller, args) => socketpair(os, caller, args) }],
    ['sendto', send],
    ['recvfrom', receive],
    ['shutdown', { parameters: [FD, INT], make: ({ user }, [fd = -1, how = 0]) => user.shutdown(fd, how) }],
    ['setsockopt', { parameters: [FD, INT, INT, BYTES, LONG], make: (caller, args) => setsockopt(os, caller, args) }],
  ];
}
