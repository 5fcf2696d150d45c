/** Calls on files and descriptors: what they show of descriptors' numbers and of files' sizes. Nothing of it is a call here. */
import { namedValue, type StraceValue, smallValue } from '@faultline/formats';
import { hasFlag, netbsdOpenFlags } from '../linux-abi.js';
import { bitsOf, type LoggedCall, pathOf, word } from './arguments.js';
import type { Description, LoggedFile } from './descriptors.js';
import { nameless } from './files.js';
import type { Handler, Replay } from './replay.js';
import type { Actor } from './tasks.js';

/** What `creat` opens with: `O_CREAT`, `O_TRUNC` and `O_WRONLY`. */
const CREAT_FLAGS = 0o1101;

/** `open`, `openat` and `creat`: `path` and `flags` are the places of those arguments. */
function opens(path: number, flags: number | null): Handler {
  return (replay, actor, call) => {
    const name = call.annotation ?? pathOf(call.args[path]);
    const fd = successOf(call);
    if (fd === null || name === undefined) return;
    const { bits } = flags === null ? { bits: CREAT_FLAGS } : bitsOf(call.args[flags]);
    open(replay, actor, { fd, path: inDirectory(actor, call.args[path - 1], name), bits });
  };
}

/** `openat2`, whose flags are in a struct. */
const openat2: Handler = (replay, actor, call) => {
  const name = call.annotation ?? pathOf(call.args[1]);
  const fd = successOf(call);
  const how = call.args[2];
  if (fd === null || name === undefined) return;
  const { bits } = bitsOf(how?.kind === 'struct' ? namedValue(how.fields, 'flags') : undefined);
  open(replay, actor, { fd, path: inDirectory(actor, call.args[0], name), bits });
};

function open(replay: Replay, actor: Actor, { fd, path, bits }: { fd: number; path: string; bits: number }): void {
  if (hasFlag(bits, 'O_CREAT') && hasFlag(bits, 'O_EXCL')) replay.files.remove(actor, path);
  const file = hasFlag(bits, 'O_TMPFILE') ? nameless(path) : replay.files.open(path);
  if (hasFlag(bits, 'O_TRUNC') && (hasFlag(bits, 'O_WRONLY') || hasFlag(bits, 'O_RDWR'))) replay.files.tell(actor, file, 0);
  const description = { file, flags: netbsdOpenFlags(bits).value, offset: 0 };
  actor.task.files.set(fd, description, { closeOnExec: hasFlag(bits, 'O_CLOEXEC') });
}

/** A path, under the directory that a descriptor leads to. */
function inDirectory(actor: Actor, directory: StraceValue | undefined, path: string): string {
  if (path.startsWith('/')) return path;
  const parent = directory?.annotation ?? descriptionOf(actor, directory)?.file?.path;
  return parent === undefined ? path : `${parent}/${path}`;
}

/** Calls that give a descriptor without pages; `flags` is the place of those that may say `CLOEXEC`. */
function makes(flags: number | null): Handler {
  return (_replay, actor, call) => {
    const fd = successOf(call);
    if (fd === null) return;
    actor.task.files.set(fd, pageless(), { closeOnExec: flags !== null && saysCloseOnExec(call.args[flags]) });
  };
}

/** `pipe` and `socketpair`, which give two; `at` is the place of their numbers. */
function makesTwo(at: number, flags: number): Handler {
  return (_replay, actor, call) => {
    const pair = call.args[at];
    if (successOf(call) === null || pair?.kind !== 'array') return;
    const closeOnExec = saysCloseOnExec(call.args[flags]);
    for (const item of pair.items) {
      const fd = smallValue(item);
      if (fd !== undefined) actor.task.files.set(fd, pageless(), { closeOnExec });
    }
  };
}

const memfdCreate: Handler = (_replay, actor, call) => {
  const fd = successOf(call);
  if (fd === null) return;
  const description = { file: nameless(`memfd:${pathOf(call.args[0]) ?? ''}`), flags: netbsdOpenFlags(2).value, offset: 0 };
  actor.task.files.set(fd, description, { closeOnExec: saysCloseOnExec(call.args[1]) });
};

function pageless(): Description {
  return { file: null, flags: 0, offset: 0 };
}

function saysCloseOnExec(flags: StraceValue | undefined): boolean {
  return flags?.kind === 'flags' && flags.names.some((name) => name.endsWith('CLOEXEC'));
}

/** `dup` and its like: the new descriptor is the result. */
const dup: Handler = (_replay, actor, call) => {
  const fd = successOf(call);
  const from = smallValue(call.args[0]);
  if (fd === null || from === undefined || fd === from) return;
  const description = actor.task.files.get(from);
  if (description === undefined) actor.task.files.close(fd);
  else actor.task.files.set(fd, description, { closeOnExec: saysCloseOnExec(call.args[2]) });
};

const fcntl: Handler = (replay, actor, call) => {
  const [fd, command, value] = call.args;
  const name = command?.kind === 'flags' ? command.names[0] : undefined;
  if (name === 'F_DUPFD') dup(replay, actor, { ...call, args: [fd ?? NOTHING] });
  if (name === 'F_DUPFD_CLOEXEC') dup(replay, actor, { ...call, args: [fd ?? NOTHING, NOTHING, CLOEXEC] });
  if (name !== 'F_SETFD' || successOf(call) === null) return;
  const number = smallValue(fd);
  const description = number === undefined ? undefined : actor.task.files.get(number);
  if (number !== undefined && description !== undefined) {
    actor.task.files.set(number, description, { closeOnExec: saysCloseOnExec(value) });
  }
};

const NOTHING: StraceValue = { kind: 'null' };
const CLOEXEC: StraceValue = { kind: 'flags', names: ['O_CLOEXEC'], rest: [] };

const close: Handler = (_replay, actor, call) => {
  const fd = smallValue(call.args[0]);
  if (fd !== undefined && call.outcome.kind === 'success') actor.task.files.close(fd);
};

const closeRange: Handler = (_replay, actor, call) => {
  const first = smallValue(call.args[0]);
  const last = smallValue(call.args[1]);
  if (first === undefined || last === undefined || successOf(call) === null) return;
  if (saysCloseOnExec(call.args[2])) actor.task.files.closeAtExec(first, last);
  else actor.task.files.close(first, last);
};

/** `fstat` and `newfstatat` of a descriptor tell the size; `struct` is the place of what they give. */
function tellsSize(struct: number, field: string): Handler {
  return (replay, actor, call) => {
    const file = fileOf(actor, call.args[0]);
    const told = call.args[struct];
    const path = struct > 1 ? pathOf(call.args[1]) : '';
    if (file === null || told?.kind !== 'struct' || path !== '' || successOf(call) === null) return;
    const size = smallValue(namedValue(told.fields, field));
    if (size !== undefined) replay.files.tell(actor, file, size);
  };
}

/** Reading and writing: `at` is the place of the offset, null where the descriptor has it. */
function moves(at: number | null): Handler {
  return (replay, actor, call) => {
    const description = descriptionOf(actor, call.args[0]);
    const bytes = successOf(call);
    if (description === undefined || bytes === null) return;
    const offset = at === null ? description.offset : (word(call.args[at]) ?? 0);
    if (at === null) description.offset = offset + bytes;
    if (description.file !== null && bytes > 0) replay.files.grow(actor, description.file, offset + bytes);
  };
}

const lseek: Handler = (replay, actor, call) => {
  const description = descriptionOf(actor, call.args[0]);
  const offset = successOf(call);
  if (description === undefined || offset === null) return;
  description.offset = offset;
  const whence = call.args[2];
  const toEnd = whence?.kind === 'flags' && whence.names[0] === 'SEEK_END' && smallValue(call.args[1]) === 0;
  if (toEnd && description.file !== null) replay.files.grow(actor, description.file, offset);
};

const ftruncate: Handler = (replay, actor, call) => {
  const file = fileOf(actor, call.args[0]);
  const size = smallValue(call.args[1]);
  if (file !== null && size !== undefined && successOf(call) !== null) replay.files.tell(actor, file, size);
};

const fallocate: Handler = (replay, actor, call) => {
  const file = fileOf(actor, call.args[0]);
  const end = (smallValue(call.args[2]) ?? 0) + (smallValue(call.args[3]) ?? 0);
  if (file !== null && successOf(call) !== null && word(call.args[1]) === 0) replay.files.grow(actor, file, end);
};

/** `unlink` and `unlinkat`. */
function unlinks(path: number): Handler {
  return (replay, actor, call) => {
    const name = pathOf(call.args[path]);
    if (name !== undefined && successOf(call) !== null) replay.files.remove(actor, inDirectory(actor, call.args[path - 1], name));
  };
}

/** `rename` and its like. */
function renames(from: number, to: number): Handler {
  return (replay, actor, call) => {
    const before = pathOf(call.args[from]);
    const after = pathOf(call.args[to]);
    if (before === undefined || after === undefined || successOf(call) === null) return;
    const old = inDirectory(actor, call.args[from - 1], before);
    replay.files.rename(actor, old, inDirectory(actor, to - from === 2 ? call.args[to - 1] : undefined, after));
  };
}

function successOf({ outcome }: LoggedCall): number | null {
  return outcome.kind === 'success' && outcome.value >= 0 ? outcome.value : null;
}

/** What a descriptor leads to, as far as the log has shown it. */
export function descriptionOf(actor: Actor, argument: StraceValue | undefined): Description | undefined {
  const fd = smallValue(argument);
  return fd === undefined ? undefined : actor.task.files.get(fd);
}

function fileOf(actor: Actor, argument: StraceValue | undefined): LoggedFile | null {
  return descriptionOf(actor, argument)?.file ?? null;
}

/** The calls on files and descriptors. */
export const FILE_CALLS: ReadonlyMap<string, Handler> = new Map<string, Handler>([
  ['open', opens(0, 1)],
  ['openat', opens(1, 2)],
  ['openat2', openat2],
  ['creat', opens(0, null)],
  ['memfd_create', memfdCreate],
  ['socket', makes(1)],
  ['accept', makes(null)],
  ['accept4', makes(3)],
  ['epoll_create', makes(null)],
  ['epoll_create1', makes(0)],
  ['eventfd', makes(null)],
  ['eventfd2', makes(1)],
  ['timerfd_create', makes(1)],
  ['inotify_init', makes(null)],
  ['inotify_init1', makes(0)],
  ['pidfd_open', makes(null)],
  ['pipe', makesTwo(0, 1)],
  ['pipe2', makesTwo(0, 1)],
  ['socketpair', makesTwo(3, 1)],
  ['dup', dup],
  ['dup2', dup],
  ['dup3', dup],
  ['fcntl', fcntl],
  ['fcntl64', fcntl],
  ['close', close],
  ['close_range', closeRange],
  ['fstat', tellsSize(1, 'st_size')],
  ['fstat64', tellsSize(1, 'st_size')],
  ['newfstatat', tellsSize(2, 'st_size')],
  ['fstatat64', tellsSize(2, 'st_size')],
  ['statx', tellsSize(4, 'stx_size')],
  ['read', moves(null)],
  ['readv', moves(null)],
  ['write', moves(null)],
  ['writev', moves(null)],
  ['pread64', moves(3)],
  ['pwrite64', moves(3)],
  ['preadv', moves(3)],
  ['pwritev', moves(3)],
  ['lseek', lseek],
  ['ftruncate', ftruncate],
  ['fallocate', fallocate],
  ['unlink', unlinks(0)],
  ['unlinkat', unlinks(1)],
  ['rename', renames(0, 1)],
  ['renameat', renames(1, 3)],
  ['renameat2', renames(1, 3)],
]);
