/** The memory calls of a log, as NetBSD's. What a successful one shows to be mapped, though the log never mapped it, is mapped first. */
import { MCL_FUTURE, PAGE_SIZE, PROT_READ, PROT_WRITE, roundPage, truncPage } from '@faultline/kernel';
import {
  netbsdAdvice,
  netbsdMlockallFlags,
  netbsdMlockFlags,
  netbsdMsyncFlags,
  netbsdProtection,
  type Translated,
} from '../linux-abi.js';
import { type Bits, bitsOf, type LoggedCall, word } from './arguments.js';
import { brk } from './brk-call.js';
import { mmap } from './mmap-call.js';
import { mremap } from './mremap-call.js';
import type { Handler, Replay } from './replay.js';
import type { Actor } from './tasks.js';
import { mapZeros } from './zeros.js';

/** The address and the length with which most memory calls begin. */
interface Range {
  readonly address: number;
  readonly length: number;
}

/** Makes a handler of what is done with a range; a range that the log says was good is presumed to be mapped. */
function onRange(handle: (replay: Replay, actor: Actor, call: LoggedCall, range: Range) => void): Handler {
  return (replay, actor, call) => {
    const address = word(call.args[0]);
    const length = word(call.args[1]);
    if (address === undefined || length === undefined || call.outcome.kind === 'unknown') {
      replay.tally.name('notUnderstood', call.name);
      return;
    }
    if (call.outcome.kind === 'success' && length > 0) replay.presume(actor, address, length);
    handle(replay, actor, call, { address, length });
  };
}

/**
 * The bits for a call of NetBSD; what has none is counted.
 *
 * @returns undefined when the call failed there with flags that NetBSD does not have: it was they, as far as is known
 */
function translated(replay: Replay, call: LoggedCall, linux: Bits, translate: (bits: number) => Translated): number | undefined {
  const { value, untranslated } = translate(linux.bits);
  const foreign = [...linux.unknown, ...untranslated];
  if (foreign.length > 0 && call.outcome.kind === 'failure' && call.outcome.errno === 'EINVAL') {
    replay.tally.name('failedThere', call.name);
    return undefined;
  }
  for (const name of foreign) replay.tally.name('flags', name);
  return value;
}

/**
 * Performs a munmap.
 *
 * @param options.within performs it only if it unmaps something of this range
 * @returns whether it was performed
 */
export function performUnmap(
  replay: Replay,
  actor: Actor,
  call: LoggedCall,
  options: { within?: { start: number; end: number } } = {},
): boolean {
  const address = word(call.args[0]);
  const length = word(call.args[1]);
  if (address === undefined || length === undefined || call.outcome.kind === 'unknown') return false;
  const start = truncPage(address);
  const end = roundPage(address + length);
  const { within } = options;
  if (within !== undefined && (start >= within.end || end <= within.start)) return false;
  const answer = replay.call(actor, call, (user) => user.munmap(address, length));
  // What was unmapped here although it was not there is given back when it is next needed.
  if (answer === 0) actor.task.space.logged.remove(start, end);
  return true;
}

const munmap: Handler = (replay, actor, call) => {
  if (!performUnmap(replay, actor, call)) replay.tally.name('notUnderstood', call.name);
};

const mprotect = onRange((replay, actor, call, { address, length }) => {
  const protection = translated(replay, call, bitsOf(call.args[2]), netbsdProtection);
  if (protection === undefined) return;
  replay.call(actor, call, (user) => user.mprotect(address, length, protection));
});

const madvise = onRange((replay, actor, call, { address, length }) => {
  const { bits, unknown } = bitsOf(call.args[2]);
  const advice = unknown.length === 0 ? netbsdAdvice(bits) : undefined;
  if (advice === undefined || advice.call === 'none') {
    replay.tally.name('advice', advice?.name ?? unknown[0] ?? String(bits));
  } else if (advice.call === 'minherit') {
    replay.call(actor, call, (user) => user.minherit(address, length, advice.inheritance));
  } else {
    if (advice.name === 'MADV_DONTNEED') replay.tally.count('dontNeed');
    replay.call(actor, call, (user) => user.madvise(address, length, advice.advice));
  }
});

const msync = onRange((replay, actor, call, { address, length }) => {
  const flags = translated(replay, call, bitsOf(call.args[2]), netbsdMsyncFlags);
  if (flags === undefined) return;
  replay.call(actor, call, (user) => user.msync(address, length, flags));
});

const mlock = onRange((replay, actor, call, { address, length }) => {
  if (call.name === 'mlock2' && translated(replay, call, bitsOf(call.args[2]), netbsdMlockFlags) === undefined) return;
  const answer = replay.call(actor, call, (user) => user.mlock(address, length));
  if (call.outcome.kind === 'failure' && answer === 0) replay.quietly(actor, (user) => user.munlock(address, length));
});

const munlock = onRange((replay, actor, call, { address, length }) => {
  replay.call(actor, call, (user) => user.munlock(address, length));
});

const mlockall: Handler = (replay, actor, call) => {
  const flags = translated(replay, call, bitsOf(call.args[0]), netbsdMlockallFlags);
  if (flags === undefined) return;
  // NetBSD notes what is to be locked in future before it fails over what is to be locked now.
  const { space } = actor.task;
  space.locksFuture ||= (flags & MCL_FUTURE) !== 0;
  const answer = replay.call(actor, call, (user) => user.mlockall(flags));
  if (call.outcome.kind !== 'failure' || answer !== 0) return;
  space.locksFuture = false;
  replay.quietly(actor, (user) => user.munlockall());
};

const munlockall: Handler = (replay, actor, call) => {
  actor.task.space.locksFuture = false;
  replay.call(actor, call, (user) => user.munlockall());
};

/** Larger ranges are not asked about: their vector alone would be 16 MiB. */
const MAX_MINCORE = 2 ** 36;

/** The vector goes to where the log says; since a log shows what is in it instead, mostly to a place of its own for the time being. */
const mincore = onRange((replay, actor, call, { address, length }) => {
  if (length < 0 || length > MAX_MINCORE) {
    replay.tally.name('notUnderstood', call.name);
    return;
  }
  const logged = word(call.args[2]);
  const size = Math.max(roundPage(length) / PAGE_SIZE, 1);
  // NetBSD wants to be able to store the answer before it looks for one.
  if (logged !== undefined) replay.presume(actor, logged, size);
  const scratch = PROT_READ | PROT_WRITE;
  const vector = logged ?? replay.quietly(actor, (user) => mapZeros(user, null, size, scratch)) ?? -1;
  replay.call(actor, call, (user) => user.mincore(address, length, vector));
  if (logged === undefined && vector >= 0) replay.quietly(actor, (user) => user.munmap(vector, size));
});

/** The memory calls. */
export const MEMORY_CALLS: ReadonlyMap<string, Handler> = new Map<string, Handler>([
  ['mmap', mmap],
  ['mmap2', mmap],
  ['munmap', munmap],
  ['mprotect', mprotect],
  ['pkey_mprotect', mprotect],
  ['madvise', madvise],
  ['msync', msync],
  ['mlock', mlock],
  ['mlock2', mlock],
  ['munlock', munlock],
  ['mlockall', mlockall],
  ['munlockall', munlockall],
  ['mincore', mincore],
  ['mremap', mremap],
  ['brk', brk],
]);
