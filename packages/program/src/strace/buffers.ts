/**
 * The memory that calls read or write for their programs.
 *
 * strace shows either what is in a buffer (`read(3, "text", 4)`) or where it is: where the call failed, or under `-e raw=read,write`.
 * Only in the second case is there a page to touch, and then the bytes are not known, so zeros stand for them.
 */
import { namedValue, type StraceValue, smallValue } from '@faultline/formats';
import { type LoggedCall, word } from './arguments.js';

/** A range of memory that a call touches. */
interface Touch {
  readonly address: number;
  readonly length: number;
  /** Whether the kernel writes to it, as `read` does, or reads it, as `write` does. */
  readonly access: 'load' | 'store';
}

/** What a call touches, and how many of its buffers are somewhere that the log does not show. */
export interface Touches {
  readonly touches: readonly Touch[];
  readonly hidden: number;
}

interface BufferPlace {
  /** The place of the argument. */
  readonly at: number;
  readonly access: Touch['access'];
  /** Whether the argument is the buffer, an array of buffers, or a message that has such an array. */
  readonly holds: 'buffer' | 'vector' | 'message';
}

const store = (at: number): BufferPlace => ({ at, access: 'store', holds: 'buffer' });
const load = (at: number): BufferPlace => ({ at, access: 'load', holds: 'buffer' });

/** Calls whose result is a number of bytes in a buffer. */
const BUFFERS: ReadonlyMap<string, BufferPlace> = new Map([
  ['read', store(1)],
  ['pread64', store(1)],
  ['recv', store(1)],
  ['recvfrom', store(1)],
  ['getrandom', store(0)],
  ['readlink', store(1)],
  ['readlinkat', store(2)],
  ['getcwd', store(0)],
  ['getdents', store(1)],
  ['getdents64', store(1)],
  ['getxattr', store(2)],
  ['lgetxattr', store(2)],
  ['fgetxattr', store(2)],
  ['write', load(1)],
  ['pwrite64', load(1)],
  ['send', load(1)],
  ['sendto', load(1)],
  ['readv', { at: 1, access: 'store', holds: 'vector' }],
  ['preadv', { at: 1, access: 'store', holds: 'vector' }],
  ['preadv2', { at: 1, access: 'store', holds: 'vector' }],
  ['writev', { at: 1, access: 'load', holds: 'vector' }],
  ['pwritev', { at: 1, access: 'load', holds: 'vector' }],
  ['pwritev2', { at: 1, access: 'load', holds: 'vector' }],
  ['recvmsg', { at: 1, access: 'store', holds: 'message' }],
  ['sendmsg', { at: 1, access: 'load', holds: 'message' }],
]);

const NONE: Touches = { touches: [], hidden: 0 };

/** What a call touched; only as many bytes as its result says. */
export function touchesOf({ name, args, outcome }: LoggedCall): Touches {
  if (outcome.kind !== 'success') return NONE;
  if (name === 'futex' || name === 'rseq') return touchesOfWord(name, args);
  const place = BUFFERS.get(name);
  if (place === undefined || outcome.value <= 0) return NONE;
  const argument = args[place.at];
  if (place.holds === 'buffer') return touchesOfBuffer(argument, outcome.value, place.access);
  return touchesOfVector(place.holds === 'vector' ? argument : vectorOf(argument), outcome.value, place.access);
}

/** The kernel looks at a futex, and notes in the area of restartable sequences on which processor the thread is. */
function touchesOfWord(name: string, args: readonly StraceValue[]): Touches {
  const address = smallValue(args[0]);
  if (address === undefined || address === 0) return NONE;
  if (name === 'futex') return { touches: [{ address, length: 4, access: 'load' }], hidden: 0 };
  const length = smallValue(args[1]);
  const registers = word(args[2]) === 0;
  return registers && length !== undefined ? { touches: [{ address, length, access: 'store' }], hidden: 0 } : NONE;
}

function touchesOfBuffer(argument: StraceValue | undefined, length: number, access: Touch['access']): Touches {
  const address = smallValue(argument);
  if (address === undefined) return { touches: [], hidden: argument === undefined || argument.kind === 'null' ? 0 : 1 };
  return address > 0 ? { touches: [{ address, length, access }], hidden: 0 } : NONE;
}

function touchesOfVector(argument: StraceValue | undefined, bytes: number, access: Touch['access']): Touches {
  if (argument?.kind !== 'array') return { touches: [], hidden: 1 };
  const touches: Touch[] = [];
  let hidden = 0;
  let left = bytes;
  for (const item of argument.items) {
    if (item.kind !== 'struct' || left <= 0) break;
    const length = Math.min(left, smallValue(namedValue(item.fields, 'iov_len')) ?? 0);
    const address = smallValue(namedValue(item.fields, 'iov_base'));
    if (address === undefined) hidden++;
    else if (length > 0 && address > 0) touches.push({ address, length, access });
    left -= length;
  }
  return { touches, hidden };
}

function vectorOf(message: StraceValue | undefined): StraceValue | undefined {
  return message?.kind === 'struct' ? namedValue(message.fields, 'msg_iov') : undefined;
}
