/**
 * mmap, whose recorded result tells where Linux put the mapping.
 *
 *     log                               asked for here                     why
 *     mmap(X, …, MAP_FIXED) = X         MAP_FIXED at X                     both replace what is there
 *     mmap(NULL or hint, …) = X         MAP_TRYFIXED at X                  X was free there, and must be free here
 *     mmap(…) = -1 EINVAL               as written, but never MAP_FIXED    if it succeeds here, nothing must be lost
 *
 * When X is not free here although Linux found it free, the answer differs. So that what follows can be followed, the mapping is
 * then made at X with MAP_FIXED all the same: nothing that Linux had there can be lost by that, because Linux had nothing there.
 */
import {
  MAP_FIXED,
  MAP_TRYFIXED,
  MAP_WIRED,
  O_ACCMODE,
  O_APPEND,
  O_RDWR,
  PAGE_SIZE,
  PROT_NONE,
  roundPage,
  type Step,
  type User,
} from '@faultline/kernel';
import { hasFlag, netbsdMapFlags, netbsdProtection } from '../linux-abi.js';
import { bitsOf, int, type LoggedCall, word } from './arguments.js';
import { type Description, MAX_DESCRIPTORS } from './descriptors.js';
import { descriptionOf } from './file-calls.js';
import { nameless } from './files.js';
import type { Handler, Replay } from './replay.js';
import type { Actor } from './tasks.js';
import { mapZeros } from './zeros.js';

/** Errors that come from the mapping's own arguments, rather than from a file or a policy that the log does not show. */
const OWN_ERRORS = new Set(['EINVAL', 'ENOMEM', 'EOVERFLOW']);
/** Flags with which Linux refuses what NetBSD, which has something similar, does not. */
const STRICTER_FLAGS = ['MAP_FIXED_NOREPLACE', 'MAP_SHARED_VALIDATE'] as const;

interface MmapArguments {
  readonly address: number;
  readonly length: number;
  readonly protection: number;
  /** NetBSD's, without those that say where. */
  readonly flags: number;
  readonly fixed: boolean;
  /** Whether it has flags that NetBSD does not have, or has otherwise. */
  readonly foreign: boolean;
  /** Null for anonymous memory. */
  readonly file: Description | null;
  /** As logged. */
  readonly fd: number;
  readonly offset: number;
}

export const mmap: Handler = (replay, actor, call) => {
  const args = readArguments(replay, actor, call);
  if (args === undefined || call.outcome.kind === 'unknown') replay.tally.name('notUnderstood', call.name);
  else if (call.outcome.kind === 'failure') failed(replay, actor, call, args, call.outcome.errno);
  else mapAt(replay, actor, call, args, call.outcome.value);
};

function readArguments(replay: Replay, actor: Actor, { args }: LoggedCall): MmapArguments | undefined {
  const address = word(args[0]);
  const length = word(args[1]);
  const fd = int(args[4]);
  const offset = word(args[5]);
  if (address === undefined || length === undefined || fd === undefined || offset === undefined) return undefined;
  const protection = bitsOf(args[2]);
  const linux = bitsOf(args[3]);
  const netbsd = { protection: netbsdProtection(protection.bits), flags: netbsdMapFlags(linux.bits) };
  const untranslated = [...protection.unknown, ...linux.unknown, ...netbsd.protection.untranslated, ...netbsd.flags.untranslated];
  for (const name of untranslated) replay.tally.name('flags', name);
  const anonymous = hasFlag(linux.bits, 'MAP_ANONYMOUS');
  return {
    address,
    length,
    protection: netbsd.protection.value,
    flags: netbsd.flags.value & ~(MAP_FIXED | MAP_TRYFIXED),
    fixed: hasFlag(linux.bits, 'MAP_FIXED'),
    foreign: untranslated.length > 0 || STRICTER_FLAGS.some((flag) => hasFlag(linux.bits, flag)),
    file: anonymous ? null : fileBehind(replay, actor, args[4], fd),
    // Linux looks at neither where the memory is anonymous; NetBSD looks at the descriptor.
    fd,
    offset: anonymous ? 0 : offset,
  };
}

/** What a descriptor leads to; a file of its own for one that comes from before the log, or has no pages that are known here. */
function fileBehind(replay: Replay, actor: Actor, argument: LoggedCall['args'][number] | undefined, fd: number): Description {
  const known = descriptionOf(actor, argument);
  if (known?.file != null) return known;
  if (known !== undefined) replay.tally.name('notModelled', 'mmap of something that is no regular file');
  const path = argument?.annotation;
  const file = path === undefined ? nameless(`descriptor ${fd} of ${actor.task.pid}`) : replay.files.open(path);
  const description = { file, flags: O_RDWR, offset: 0 };
  actor.task.files.set(fd, description, { closeOnExec: false });
  return description;
}

/** The log says that it was mapped at `place`. */
function mapAt(replay: Replay, actor: Actor, call: LoggedCall, args: MmapArguments, place: number): void {
  const end = place + roundPage(args.length);
  if (!args.fixed) replay.unmapBefore(actor, place, end);
  const { file } = args.file ?? { file: null };
  // A file whose size the log has not told has at least the pages that are mapped of it.
  if (file !== null && !file.sizeTold) replay.files.grow(actor, file, args.offset + args.length);
  const { length, protection, offset } = args;
  const flags = args.flags | (args.fixed ? MAP_FIXED : MAP_TRYFIXED);
  const fd = openFile(replay, actor, args);
  const answer = replay.call(actor, call, (user) => user.mmap(place, length, protection, flags, fd, offset));
  if (answer !== undefined && answer !== place) {
    if (answer >= 0) replay.quietly(actor, (user) => user.munmap(answer, length));
    mapAnyway(replay, actor, args, { place, fd: args.file === null ? -1 : fd });
  }
  closeFile(replay, actor, args, fd);
  if (place >= 0 && Number.isSafeInteger(end)) actor.task.space.logged.add(place, end);
}

/** Maps what NetBSD would not map, and without locking it, which may have been the reason. At last it is memory of zeros. */
function mapAnyway(replay: Replay, actor: Actor, args: MmapArguments, { place, fd }: { place: number; fd: number }): void {
  const { length, protection, offset } = args;
  const flags = (args.flags & ~MAP_WIRED) | MAP_FIXED;
  const made = replay.quietly(actor, (user) => user.mmap(place, length, PROT_NONE, flags, fd, offset));
  if (made === place) replay.quietly(actor, (user) => user.mprotect(place, length, protection));
  else replay.quietly(actor, (user) => mapZeros(user, place, length, protection));
}

/** The log says that it failed; when it succeeds here, it is undone. */
function failed(replay: Replay, actor: Actor, call: LoggedCall, args: MmapArguments, errno: string): void {
  const { address, length, protection, offset } = args;
  if ((args.file !== null && !OWN_ERRORS.has(errno)) || args.foreign) {
    replay.tally.name('failedThere', call.name);
    return;
  }
  // With MAP_FIXED, a mapping that succeeds here would take the place of one that is still there in Linux. At a bad address it fails.
  const bad = address < 0 || address % PAGE_SIZE !== 0;
  const where = !args.fixed ? 0 : bad ? MAP_FIXED : MAP_TRYFIXED;
  const fd = openFile(replay, actor, args);
  const answer = replay.call(actor, call, (user) => user.mmap(address, length, protection, args.flags | where, fd, offset));
  closeFile(replay, actor, args, fd);
  if (answer !== undefined && answer >= 0 && length > 0) replay.quietly(actor, (user) => user.munmap(answer, length));
}

/** Opens the file of a mapping under its number in the log, for as long as it takes to map it. @returns the descriptor to map */
function openFile(replay: Replay, actor: Actor, { file: description, fd }: MmapArguments): number {
  if (description === null || description.file === null) return fd;
  const name = replay.files.nameOf(actor, description.file);
  const flags = description.flags & (O_ACCMODE | O_APPEND);
  return replay.quietly(actor, (user) => openAs(user, name, flags, fd)) ?? -1;
}

function* openAs(user: User, name: string, flags: number, fd: number): Step<number> {
  const got = yield* user.open(name, flags);
  if (got === fd || got < 0 || fd < 0 || fd >= MAX_DESCRIPTORS) return got;
  const moved = yield* user.dup2(got, fd);
  yield* user.close(got);
  return moved;
}

function closeFile(replay: Replay, actor: Actor, { file }: MmapArguments, fd: number): void {
  if (file !== null) replay.quietly(actor, (user) => user.close(fd));
}
