/** The calls of syzkaller programs on System V shared memory. */
import { EINVAL, IPC_SET, type ShmSettings, type ShmStatus, type Step } from '@faultline/kernel';
import { netbsdShmatFlags, netbsdShmctlCommand, netbsdShmgetFlags, type Translated } from '../linux-abi.js';
import { ADDRESS, BYTES, type Caller, type CallType, INT, LONG, type SyzOs } from './call-type.js';
import { copyInts, storeNumbers } from './user-memory.js';

/** The kernel's flags for a program's. */
function flagsFor(os: SyzOs, { tally, label }: Caller, flags: number, translate: (linux: number) => Translated): number {
  if (os === 'netbsd') return flags;
  const { value, untranslated } = translate(flags >>> 0);
  for (const name of untranslated) tally.note('untranslated', `${name} in ${label}`);
  return value;
}

/** A number of 64 bits as two of 32. */
function split(value: number): [number, number] {
  return [value | 0, Math.floor(value / 2 ** 32)];
}

/** `struct shmid_ds` as words of 32 bits. sys/sys/shm.h of NetBSD, asm-generic/shmbuf.h of Linux */
function statusWords(os: SyzOs, status: ShmStatus): number[] {
  const { key, uid, gid, creatorUid, creatorGid, mode, creatorPid, lastPid, attaches } = status;
  const times = [status.attachTime, status.detachTime, status.changeTime].flatMap(split);
  const size = split(status.size);
  if (os === 'linux') {
    const permissions = [key, uid, gid, creatorUid, creatorGid, mode, 0, 0, 0, 0, 0, 0];
    return [...permissions, ...size, ...times, creatorPid, lastPid, ...split(attaches), 0, 0, 0, 0];
  }
  const permissions = [uid, gid, creatorUid, creatorGid, mode, 0, ...split(key)];
  return [...permissions, ...size, lastPid, creatorPid, attaches, 0, ...times, 0, 0];
}

/** What there is to be set in a `struct shmid_ds`. */
function* settingsAt(os: SyzOs, caller: Caller, address: number): Step<ShmSettings | number> {
  const words = yield* copyInts(caller, address, 6);
  if (typeof words === 'number') return words;
  const [uid = 0, gid = 0, mode = 0] = os === 'linux' ? [words[1], words[2], words[5]] : [words[0], words[1], words[4]];
  return { uid, gid, mode };
}

function* shmctl(os: SyzOs, caller: Caller, id: number, number: number, buffer: number): Step<number> {
  const command = os === 'linux' ? netbsdShmctlCommand(number) : number;
  if (command === undefined) return -EINVAL;
  const settings = command === IPC_SET ? yield* settingsAt(os, caller, buffer) : null;
  if (typeof settings === 'number') return settings;
  const answer = yield* caller.user.shmctl(id, command, settings);
  if (typeof answer === 'number') return answer;
  return -(yield* storeNumbers(caller, buffer, statusWords(os, answer).map(BigInt), 4));
}

/** The calls, by name. */
export function shmCalls(os: SyzOs): [string, CallType][] {
  const shmget: CallType = {
    parameters: [LONG, LONG, INT],
    make: (caller, [key = 0, size = 0, flags = 0]) =>
      caller.user.shmget(key, size, flagsFor(os, caller, flags, netbsdShmgetFlags)),
  };
  const shmat: CallType = {
    parameters: [INT, ADDRESS, INT],
    make: (caller, [id = 0, address = 0, flags = 0]) =>
      caller.user.shmat(id, address, flagsFor(os, caller, flags, netbsdShmatFlags)),
  };
  const control: CallType = {
    parameters: [INT, INT, BYTES],
    make: (caller, [id = 0, command = 0, buffer = 0]) => shmctl(os, caller, id, command, buffer),
  };
  return [
    ['shmget', shmget],
    ['shmat', shmat],
    ['shmdt', { parameters: [ADDRESS], make: ({ user }, [address = 0]) => user.shmdt(address) }],
    ['shmctl', control],
    ['__shmctl50', control],
  ];
}
