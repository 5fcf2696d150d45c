/**
 * mremap, whose recorded result tells where Linux put the mapping: NetBSD is asked for that very place.
 *
 * Linux takes away what is mapped at the place that `MREMAP_FIXED` names, NetBSD refuses to go there; so it is unmapped first.
 */
import { MAP_FIXED, PROT_READ, PROT_WRITE, roundPage } from '@faultline/kernel';
import { hasFlag, netbsdMremapFlags } from '../linux-abi.js';
import { bitsOf, type LoggedCall, word } from './arguments.js';
import type { Handler, Replay } from './replay.js';
import type { Actor } from './tasks.js';
import { mapZeros } from './zeros.js';

interface MremapArguments {
  readonly from: number;
  readonly oldLength: number;
  readonly newLength: number;
  /** Linux's. */
  readonly flags: number;
}

export const mremap: Handler = (replay, actor, call) => {
  const from = word(call.args[0]);
  const oldLength = word(call.args[1]);
  const newLength = word(call.args[2]);
  const { bits: flags, unknown } = bitsOf(call.args[3]);
  if (from === undefined || oldLength === undefined || newLength === undefined || call.outcome.kind === 'unknown') {
    replay.tally.name('notUnderstood', call.name);
    return;
  }
  for (const name of [...unknown, ...netbsdMremapFlags(flags).untranslated]) replay.tally.name('flags', name);
  const args = { from, oldLength, newLength, flags };
  if (call.outcome.kind === 'success') moveTo(replay, actor, call, args, call.outcome.value);
  else failed(replay, actor, call, args);
};

/** The log says that the mapping is at `place` now. */
function moveTo(replay: Replay, actor: Actor, call: LoggedCall, args: MremapArguments, place: number): void {
  const { from, oldLength, newLength, flags } = args;
  const { logged } = actor.task.space;
  const moved = place !== from;
  const keeps = hasFlag(flags, 'MREMAP_DONTUNMAP');
  const oldEnd = from + roundPage(oldLength);
  const newEnd = place + roundPage(newLength);
  const stays = !moved && newEnd <= oldEnd;
  // What does not grow and stays where it is needs only to begin there.
  if (oldLength > 0) replay.presume(actor, from, stays ? 1 : oldLength);
  if (moved && hasFlag(flags, 'MREMAP_FIXED')) {
    replay.quietly(actor, (user) => user.munmap(place, newLength));
    logged.remove(place, newEnd);
  } else if (moved) {
    replay.unmapBefore(actor, place, newEnd);
  }
  const answer = replay.call(actor, call, (user) => user.mremap(from, oldLength, place, newLength, MAP_FIXED));
  if (answer === undefined) return;
  if (answer !== place) {
    // Where NetBSD fails, old and new may be half gone.
    if (moved && !keeps && oldLength > 0) replay.quietly(actor, (user) => user.munmap(from, oldLength));
    replay.quietly(actor, (user) => mapZeros(user, place, newLength, PROT_READ | PROT_WRITE));
  } else if (moved && keeps) {
    replay.quietly(actor, (user) => mapZeros(user, from, oldLength, PROT_READ | PROT_WRITE));
  }
  if (!Number.isSafeInteger(newEnd) || place < 0) return;
  if (!keeps) logged.remove(stays ? newEnd : from, oldEnd);
  if (!stays) logged.add(place, newEnd);
}

/**
 * The log says that it failed; when it succeeds here, it is undone.
 *
 * What could not be undone is not tried: a mapping that NetBSD would cut off, and, because Linux may have unmapped the place to
 * which it was to go before it failed, a mapping with a place of its own.
 */
function failed(replay: Replay, actor: Actor, call: LoggedCall, args: MremapArguments): void {
  const { from, oldLength, newLength, flags } = args;
  const shrinks = roundPage(newLength) < roundPage(oldLength) || oldLength < 0;
  if (shrinks || hasFlag(flags, 'MREMAP_FIXED') || hasFlag(flags, 'MREMAP_DONTUNMAP')) {
    replay.tally.name('failedThere', call.name);
    return;
  }
  const netbsd = netbsdMremapFlags(flags).value;
  const answer = replay.call(actor, call, (user) => user.mremap(from, oldLength, from, newLength, netbsd));
  if (answer !== undefined && answer >= 0) {
    replay.quietly(actor, (user) => user.mremap(answer, newLength, from, oldLength, MAP_FIXED));
  }
}
