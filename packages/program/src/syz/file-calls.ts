/** The calls of syzkaller programs on files, pipes and descriptors. */
import {
  EBADF,
  EINVAL,
  EISDIR,
  ENOENT,
  type Limit,
  O_CREAT,
  O_EXCL,
  O_RDWR,
  O_TRUNC,
  O_WRONLY,
  RLIM_INFINITY,
  RLIMIT_AS,
  RLIMIT_CORE,
  RLIMIT_CPU,
  RLIMIT_DATA,
  RLIMIT_FSIZE,
  RLIMIT_MEMLOCK,
  RLIMIT_NOFILE,
  RLIMIT_NPROC,
  RLIMIT_RSS,
  RLIMIT_STACK,
  type Step,
} from '@faultline/kernel';
import { netbsdOpenFlags } from '../linux-abi.js';
import {
  BYTES,
  type Caller,
  type CallType,
  FD,
  INT,
  INT32,
  INT64,
  LONG,
  type Make,
  pointerTo,
  ROOM,
  type SyzOs,
} from './call-type.js';
import { copyPath, copyWords, storeNumbers } from './user-memory.js';

/** NetBSD's flags for `open` and `pipe2` out of a program's. */
function openFlags(os: SyzOs, { tally, label }: Caller, flags: number): number {
  if (os === 'netbsd') return flags;
  const { value, untranslated } = netbsdOpenFlags(flags);
  for (const name of untranslated) tally.note('untranslated', `${name} in ${label}`);
  return value;
}

/** Copies a path in, and does something with it. */
function* withPath(caller: Caller, address: number, job: (path: string) => Step<number>): Step<number> {
  const path = yield* copyPath(caller, address);
  if (typeof path === 'number') return path;
  return path === '' ? -ENOENT : yield* job(path);
}

/** Opens a path, or makes the file. There is one directory, where everybody is: the root. */
function* openPath(caller: Caller, address: number, flags: number): Step<number> {
  return yield* withPath(caller, address, function* (path) {
    return /^[./]*$/.test(path) ? -EISDIR : yield* caller.user.open(path, flags);
  });
}

function openCalls(os: SyzOs): [string, CallType][] {
  const creat: CallType = {
    parameters: [BYTES, INT],
    make: (caller, [path = 0]) => openPath(caller, path, O_CREAT | O_TRUNC | O_WRONLY),
  };
  return [
    [
      'open',
      {
        parameters: [BYTES, INT, INT],
        make: (caller, [path = 0, flags = 0]) => openPath(caller, path, openFlags(os, caller, flags)),
      },
    ],
    [
      'openat',
      {
        parameters: [FD, BYTES, INT, INT],
        make: (caller, [, path = 0, flags = 0]) => openPath(caller, path, openFlags(os, caller, flags)),
      },
    ],
    ['creat', creat],
    ['compat_43_ocreat', creat],
    ['truncate', { parameters: [BYTES, LONG], padding: 1, make: truncate }],
    ['unlink', { parameters: [BYTES], make: (caller, [path = 0]) => unlink(caller, path) }],
    ['unlinkat', { parameters: [FD, BYTES, INT], make: (caller, [, path = 0]) => unlink(caller, path) }],
  ];
}

function unlink(caller: Caller, address: number): Step<number> {
  return withPath(caller, address, (path) => caller.user.unlink(path));
}

/** By its parts: there is no call of its own for it here. */
function* truncate(caller: Caller, [path = 0, size = 0]: readonly number[]): Step<number> {
  const fd = yield* openPath(caller, path, O_WRONLY);
  if (fd < 0) return fd;
  const answer = yield* caller.user.ftruncate(fd, size);
  yield* caller.user.close(fd);
  return answer;
}

/** Counts the names of files without one. */
const MEMFD_DIRECTORY = '/memfd';

/** A file without a name: one that is made, and whose name is taken away at once. */
function* memfdCreate({ user, system }: Caller): Step<number> {
  let serial = 0;
  while (system.sys.vfs.lookup(`${MEMFD_DIRECTORY}/${serial}`) !== null) serial++;
  const name = `${MEMFD_DIRECTORY}/${serial}`;
  const fd = yield* user.open(name, O_CREAT | O_EXCL | O_RDWR);
  if (fd >= 0) yield* user.unlink(name);
  return fd;
}

const pread: CallType = {
  parameters: [FD, ROOM, LONG, LONG],
  padding: 3,
  make: ({ user }, [fd = -1, address = 0, length = 0, offset = 0]) => user.pread(fd, address, length, offset),
};
const pwrite: CallType = {
  parameters: [FD, BYTES, LONG, LONG],
  padding: 3,
  make: ({ user }, [fd = -1, address = 0, length = 0, offset = 0]) => user.pwrite(fd, address, length, offset),
};

/** `IOV_MAX`, sys/sys/syslimits.h */
const IOV_MAX = 1024;

type Transfer = (
  caller: Caller,
  fd: number,
  part: { address: number; length: number; done: number },
  offset: number,
) => Step<number>;

/** By its parts, each a call of its own: others may come in between. */
function vectored(transfer: Transfer, { stopsAtPipe }: { stopsAtPipe: boolean }): Make {
  return function* (caller, [fd = -1, vector = 0, count = 0, offset = 0]) {
    if (count < 0 || count > IOV_MAX) return -EINVAL;
    const words = yield* copyWords(caller, vector, 2 * count);
    if (typeof words === 'number') return words;
    let done = 0;
    for (let i = 0; i < count; i++) {
      const length = words[2 * i + 1] ?? 0;
      const got = yield* transfer(caller, fd, { address: words[2 * i] ?? 0, length, done }, offset);
      if (got < 0) return done > 0 ? done : got;
      done += got;
      // What is in a pipe or a socket is given at once; asking for more might wait for it.
      if (got < length || (stopsAtPipe && got > 0 && isPipe(caller, fd))) break;
    }
    return done;
  };
}

function isPipe({ user }: Caller, fd: number): boolean {
  const file = user.process.files.get(fd);
  return file !== EBADF && (file.target.kind === 'pipe' || file.target.kind === 'socket');
}

const readv = vectored(({ user }, fd, { address, length }) => user.read(fd, address, length), { stopsAtPipe: true });
const writev = vectored(({ user }, fd, { address, length }) => user.write(fd, address, length), { stopsAtPipe: false });
const preadv = vectored(({ user }, fd, { address, length, done }, offset) => user.pread(fd, address, length, offset + done), {
  stopsAtPipe: true,
});
const pwritev = vectored(({ user }, fd, { address, length, done }, offset) => user.pwrite(fd, address, length, offset + done), {
  stopsAtPipe: false,
});

const VECTOR_IN = pointerTo({
  kind: 'array',
  of: { kind: 'struct', fields: [{ kind: 'pointer', to: { kind: 'bytes' } }, INT64] },
});
const VECTOR_OUT = pointerTo({
  kind: 'array',
  of: { kind: 'struct', fields: [{ kind: 'pointer', to: { kind: 'room' } }, INT64] },
});

const TRANSFER_CALLS: readonly [string, CallType][] = [
  [
    'read',
    {
      parameters: [FD, ROOM, LONG],
      make: ({ user }, [fd = -1, address = 0, length = 0]) => user.read(fd, address, length),
    },
  ],
  [
    'write',
    {
      parameters: [FD, BYTES, LONG],
      make: ({ user }, [fd = -1, address = 0, length = 0]) => user.write(fd, address, length),
    },
  ],
  ['pread', pread],
  ['pread64', pread],
  ['pwrite', pwrite],
  ['pwrite64', pwrite],
  ['readv', { parameters: [FD, VECTOR_OUT, LONG], make: readv }],
  ['writev', { parameters: [FD, VECTOR_IN, LONG], make: writev }],
  ['preadv', { parameters: [FD, VECTOR_OUT, LONG, LONG], padding: 3, make: preadv }],
  ['pwritev', { parameters: [FD, VECTOR_IN, LONG, LONG], padding: 3, make: pwritev }],
];

const PIPE_ENDS = pointerTo({ kind: 'struct', fields: [INT32, INT32] });

/** Makes a pipe, and stores the descriptors where the program wants them. */
function* pipe(caller: Caller, address: number, flags?: number): Step<number> {
  const ends = yield* caller.user.pipe(flags);
  if (typeof ends === 'number') return ends;
  return -(yield* storeNumbers(caller, address, [BigInt(ends.read), BigInt(ends.write)], 4));
}

/** Descriptors beyond this are not looked at for a free one. */
const MAX_DESCRIPTOR = 4096;

/** The lowest free descriptor from one on, by way of dup2. */
function* dupFrom({ user }: Caller, fd: number, lowest: number): Step<number> {
  if (lowest < 0 || lowest > MAX_DESCRIPTOR) return -EINVAL;
  if (user.process.files.get(fd) === EBADF) return -EBADF;
  let to = lowest;
  while (user.process.files.get(to) !== EBADF) to++;
  return yield* user.dup2(fd, to);
}

const F_DUPFD = 0;
const F_GETFD = 1;
const F_GETFL = 3;
/** By system, sys/fcntl.h. */
const F_DUPFD_CLOEXEC: Record<SyzOs, number> = { netbsd: 12, linux: 1030 };

function fcntl(os: SyzOs): Make {
  return function* (caller, [fd = -1, command = 0, argument = 0]) {
    const file = caller.user.process.files.get(fd);
    if (file === EBADF) return -EBADF;
    if (command === F_DUPFD || command === F_DUPFD_CLOEXEC[os]) return yield* dupFrom(caller, fd, argument);
    if (command === F_GETFD) return 0;
    if (command === F_GETFL && os === 'netbsd') return file.flags;
    caller.tally.note('notDone', `${caller.label} with command ${command}`);
    return undefined;
  };
}

function descriptorCalls(os: SyzOs): [string, CallType][] {
  return [
    ['close', { parameters: [FD], make: ({ user }, [fd = -1]) => user.close(fd) }],
    ['dup', { parameters: [FD], make: ({ user }, [fd = -1]) => user.dup(fd) }],
    ['dup2', { parameters: [FD, FD], make: ({ user }, [fd = -1, to = -1]) => user.dup2(fd, to) }],
    [
      'dup3',
      {
        parameters: [FD, FD, INT],
        *make({ user }, [fd = -1, to = -1]) {
          return fd === to ? -EINVAL : yield* user.dup2(fd, to);
        },
      },
    ],
    ['fcntl', { parameters: [FD, INT, LONG], make: fcntl(os) }],
    ['pipe', { parameters: [PIPE_ENDS], make: (caller, [address = 0]) => pipe(caller, address) }],
    [
      'pipe2',
      {
        parameters: [PIPE_ENDS, INT],
        make: (caller, [address = 0, flags = 0]) => pipe(caller, address, openFlags(os, caller, flags)),
      },
    ],
  ];
}

const lseek: CallType = {
  parameters: [FD, LONG, INT],
  padding: 1,
  make: ({ user }, [fd = -1, offset = 0, whence = 0]) => user.lseek(fd, offset, whence),
};
const fsync: CallType = { parameters: [FD], make: ({ user }, [fd = -1]) => user.fsync(fd) };

const fadvise: CallType = {
  parameters: [FD, LONG, LONG, INT],
  padding: 1,
  make: ({ user }, [fd = -1, offset = 0, length = 0, advice = 0]) => user.posixFadvise(fd, offset, length, advice),
};

const PLACE_CALLS: readonly [string, CallType][] = [
  ['lseek', lseek],
  ['compat_43_olseek', lseek],
  ['ftruncate', { parameters: [FD, LONG], padding: 1, make: ({ user }, [fd = -1, size = 0]) => user.ftruncate(fd, size) }],
  ['fsync', fsync],
  ['fdatasync', fsync],
  ['posix_fadvise', fadvise],
  ['fadvise64', fadvise],
];

/** Linux's limits by number, in NetBSD's numbers. asm-generic/resource.h */
const LINUX_LIMITS: readonly number[] = [
  RLIMIT_CPU,
  RLIMIT_FSIZE,
  RLIMIT_DATA,
  RLIMIT_STACK,
  RLIMIT_CORE,
  RLIMIT_RSS,
  RLIMIT_NPROC,
  RLIMIT_NOFILE,
  RLIMIT_MEMLOCK,
  RLIMIT_AS,
];

/** `RLIM_INFINITY` of NetBSD, sys/sys/resource.h; Linux's is all ones. */
const NO_LIMIT = 2n ** 63n - 1n;
const LIMIT = pointerTo({ kind: 'struct', fields: [INT64, INT64] });

function limitCalls(os: SyzOs): [string, CallType][] {
  const number = (which: number): number => (os === 'linux' ? (LINUX_LIMITS[which] ?? -1) : which);
  const get: CallType = {
    parameters: [INT, ROOM],
    *make(caller, [which = 0, address = 0]) {
      const limit = yield* caller.user.getrlimit(number(which));
      if (typeof limit === 'number') return limit;
      return -(yield* storeNumbers(caller, address, [limit.current, limit.maximum].map(limitWord), 8));
    },
  };
  const set: CallType = {
    parameters: [INT, LIMIT],
    *make(caller, [which = 0, address = 0]) {
      const words = yield* copyWords(caller, address, 2);
      return typeof words === 'number' ? words : yield* caller.user.setrlimit(number(which), limitOf(words));
    },
  };
  return [
    ['getrlimit', get],
    ['setrlimit', set],
  ];
}

function limitWord(limit: number): bigint {
  return limit === RLIM_INFINITY ? NO_LIMIT : BigInt(limit);
}

/** A word below zero is one above `RLIM_INFINITY`. */
function limitOf([current = 0, maximum = 0]: readonly number[]): Limit {
  const infinite = (value: number): boolean => value < 0 || value >= Number(NO_LIMIT);
  return {
    current: infinite(current) ? RLIM_INFINITY : current,
    maximum: infinite(maximum) ? RLIM_INFINITY : maximum,
  };
}

/** The calls on files, pipes and descriptors, by name. */
export function fileCalls(os: SyzOs): [string, CallType][] {
  const calls = [...openCalls(os), ...TRANSFER_CALLS, ...descriptorCalls(os), ...PLACE_CALLS, ...limitCalls(os)];
  if (os === 'linux') calls.push(['memfd_create', { parameters: [BYTES, INT], make: (caller) => memfdCreate(caller) }]);
  return calls;
}
