/** The calls of a log on System V shared memory, as NetBSD's. Segments have other ids here, and are attached where the log says. */
import { IPC_CREAT, IPC_SET, IPC_STAT, PROT_READ, PROT_WRITE, roundPage, SHM_RDONLY, SHM_RND } from '@faultline/kernel';
import { netbsdShmatFlags, netbsdShmctlCommand, netbsdShmgetFlags } from '../linux-abi.js';
import { bitsOf, int, word } from './arguments.js';
import type { Handler } from './replay.js';
import { mapZeros } from './zeros.js';

/** A segment of a log. */
export interface LoggedSegment {
  /** Its id here. */
  readonly id: number;
  /** Bytes in it, in whole pages. */
  readonly size: number;
}

/** What a segment that was there before the log began is presumed to allow. */
const PRESUMED_MODE = 0o666;

const shmget: Handler = (replay, actor, call) => {
  const { outcome } = call;
  const key = word(call.args[0]);
  const size = word(call.args[1]);
  const { bits, unknown } = bitsOf(call.args[2]);
  if (key === undefined || size === undefined || unknown.length > 0 || outcome.kind === 'unknown') {
    replay.tally.name('notUnderstood', call.name);
    return;
  }
  const { value, untranslated } = netbsdShmgetFlags(bits);
  for (const name of untranslated) replay.tally.name('flags', name);
  const there = outcome.kind === 'success' ? outcome.value : null;
  // What the log finds and has not made was there before.
  const flags = there !== null && size > 0 && (value & IPC_CREAT) === 0 ? value | IPC_CREAT | PRESUMED_MODE : value;
  replay.call(actor, call, function* (user) {
    const id = yield* user.shmget(key, size, flags);
    if (there === null || id < 0) return id;
    const status = yield* user.shmctl(id, IPC_STAT);
    replay.segments.set(there, { id, size: roundPage(typeof status === 'number' ? size : status.size) });
    return there;
  });
};

const shmat: Handler = (replay, actor, call) => {
  const { outcome } = call;
  const there = int(call.args[0]);
  const address = word(call.args[1]);
  const { bits, unknown } = bitsOf(call.args[2]);
  if (there === undefined || address === undefined || unknown.length > 0 || outcome.kind === 'unknown') {
    replay.tally.name('notUnderstood', call.name);
    return;
  }
  const { value: flags, untranslated } = netbsdShmatFlags(bits);
  const segment = replay.segments.get(there);
  if (outcome.kind === 'failure') {
    if (untranslated.length > 0) replay.tally.name('failedThere', call.name);
    const answer = replay.call(actor, call, (user) => user.shmat(segment?.id ?? -1, address, flags));
    if (answer !== undefined && answer >= 0) replay.quietly(actor, (user) => user.shmdt(answer));
    return;
  }
  for (const name of untranslated) replay.tally.name('flags', name);
  if (segment === undefined) {
    replay.tally.name('notModelled', 'shmat of a segment that the log does not show');
    return;
  }
  const place = outcome.value;
  const end = place + segment.size;
  replay.unmapBefore(actor, place, end);
  const answer = replay.call(actor, call, (user) => user.shmat(segment.id, place, flags & ~SHM_RND));
  if (answer !== undefined && answer !== place) {
    const protection = flags & SHM_RDONLY ? PROT_READ : PROT_READ | PROT_WRITE;
    replay.quietly(actor, (user) => mapZeros(user, place, segment.size, protection));
  }
  actor.task.space.logged.add(place, end);
};

const shmdt: Handler = (replay, actor, call) => {
  const address = word(call.args[0]);
  if (address === undefined || call.outcome.kind === 'unknown') {
    replay.tally.name('notUnderstood', call.name);
    return;
  }
  const { space } = actor.task.process;
  const attached = space === null ? [] : replay.system.sys.shm.attachments(space);
  const size = roundPage(attached.find(({ va }) => va === address)?.segment.size ?? 0);
  const answer = replay.call(actor, call, (user) => user.shmdt(address));
  if (answer === 0) actor.task.space.logged.remove(address, address + size);
};

const shmctl: Handler = (replay, actor, call) => {
  const there = int(call.args[0]);
  const { bits, unknown } = bitsOf(call.args[1]);
  if (there === undefined || unknown.length > 0 || call.outcome.kind === 'unknown') {
    replay.tally.name('notUnderstood', call.name);
    return;
  }
  const command = netbsdShmctlCommand(bits);
  const segment = replay.segments.get(there);
  if (command === undefined || command === IPC_STAT || command === IPC_SET || segment === undefined) {
    replay.tally.name('noEffect', call.name);
    return;
  }
  replay.call(actor, call, function* (user) {
    const answer = yield* user.shmctl(segment.id, command);
    return typeof answer === 'number' ? answer : 0;
  });
};

/** The calls on shared memory. */
export const SHM_CALLS: ReadonlyMap<string, Handler> = new Map<string, Handler>([
  ['shmget', shmget],
  ['shmat', shmat],
  ['shmdt', shmdt],
  ['shmctl', shmctl],
]);
