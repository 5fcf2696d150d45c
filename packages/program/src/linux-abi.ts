/**
 * What Linux programs say to the kernel, on x86-64, and what NetBSD's calls take for it.
 *
 *     'MAP_PRIVATE' ── linuxConstant ──> 0x02 ── netbsdMapFlags ──> { value: MAP_PRIVATE, untranslated: [] }
 *     'MAP_POPULATE' ─────────────────> 0x8000 ────────────────────> { value: 0, untranslated: ['MAP_POPULATE'] }
 *
 * A bit that means nothing in NetBSD is named, so that whoever runs the program can say so. Bits that Linux itself ignores are
 * dropped. Include/uapi of Linux: asm-generic/mman-common.h, asm-generic/mman.h, linux/mman.h, linux/sched.h, linux/ipc.h, linux/shm.h,
 * asm-generic/fcntl.h.
 */
import {
  CLONE_CSIGNAL,
  CLONE_FILES,
  CLONE_FS,
  CLONE_SIGHAND,
  CLONE_VFORK,
  CLONE_VM,
  IPC_CREAT,
  IPC_EXCL,
  IPC_RMID,
  IPC_SET,
  IPC_STAT,
  MADV_DONTNEED,
  MADV_FREE,
  MADV_NORMAL,
  MADV_RANDOM,
  MADV_SEQUENTIAL,
  MADV_WILLNEED,
  MAP_ANON,
  MAP_FIXED,
  MAP_INHERIT_COPY,
  MAP_INHERIT_NONE,
  MAP_INHERIT_ZERO,
  MAP_PRIVATE,
  MAP_SHARED,
  MAP_STACK,
  MAP_TRYFIXED,
  MAP_WIRED,
  MCL_CURRENT,
  MCL_FUTURE,
  MS_ASYNC,
  MS_INVALIDATE,
  MS_SYNC,
  O_APPEND,
  O_CLOEXEC,
  O_CREAT,
  O_EXCL,
  O_NONBLOCK,
  O_RDWR,
  O_TRUNC,
  O_WRONLY,
  PROT_EXEC,
  PROT_READ,
  PROT_WRITE,
  SHM_LOCK,
  SHM_RDONLY,
  SHM_RND,
  SHM_UNLOCK,
  SIGCHLD,
} from '@faultline/kernel';

/** A set of flags for a call of NetBSD. */
export interface Translated {
  readonly value: number;
  /** The names of those that mean nothing in NetBSD; in hexadecimal where there is no name. */
  readonly untranslated: readonly string[];
}

/** A Linux name, its bits, and NetBSD's bits for it; null when NetBSD has nothing of the kind. */
export type Flag = readonly [name: string, linux: number, netbsd: number | null];

/** NetBSD's own numbers for flags that have an effect nowhere in this kernel. sys/sys/mman.h, sys/sys/fcntl.h */
const MAP_NORESERVE = 0x40;
const O_ASYNC = 0x40;
const O_SYNC = 0x80;
const O_NOFOLLOW = 0x100;
const O_NOCTTY = 0x8000;
const O_DSYNC = 0x10000;
const O_DIRECT = 0x80000;
const O_DIRECTORY = 0x200000;

const PROTECTION_FLAGS: readonly Flag[] = [
  ['PROT_READ', 0x1, PROT_READ],
  ['PROT_WRITE', 0x2, PROT_WRITE],
  ['PROT_EXEC', 0x4, PROT_EXEC],
  ['PROT_SEM', 0x8, null],
  ['PROT_GROWSDOWN', 0x01000000, null],
  ['PROT_GROWSUP', 0x02000000, null],
];

/** The kinds of mapping: a number in the low four bits, not a bit each. `MAP_TYPE` */
const MAP_KINDS: readonly Flag[] = [
  ['MAP_SHARED', 0x1, MAP_SHARED],
  ['MAP_PRIVATE', 0x2, MAP_PRIVATE],
  ['MAP_SHARED_VALIDATE', 0x3, MAP_SHARED],
  ['MAP_DROPPABLE', 0x8, null],
];

const MAP_FLAGS: readonly Flag[] = [
  ['MAP_FIXED', 0x10, MAP_FIXED],
  ['MAP_ANONYMOUS', 0x20, MAP_ANON],
  ['MAP_32BIT', 0x40, null],
  ['MAP_ABOVE4G', 0x80, null],
  ['MAP_GROWSDOWN', 0x100, null],
  // Linux ignores these two.
  ['MAP_DENYWRITE', 0x800, 0],
  ['MAP_EXECUTABLE', 0x1000, 0],
  ['MAP_LOCKED', 0x2000, MAP_WIRED],
  ['MAP_NORESERVE', 0x4000, MAP_NORESERVE],
  ['MAP_POPULATE', 0x8000, null],
  ['MAP_NONBLOCK', 0x10000, null],
  ['MAP_STACK', 0x20000, MAP_STACK],
  ['MAP_HUGETLB', 0x40000, null],
  ['MAP_SYNC', 0x80000, null],
  // NetBSD goes elsewhere when the place is taken, where Linux answers EEXIST.
  ['MAP_FIXED_NOREPLACE', 0x100000, MAP_TRYFIXED],
];

const MSYNC_FLAGS: readonly Flag[] = [
  ['MS_ASYNC', 0x1, MS_ASYNC],
  ['MS_INVALIDATE', 0x2, MS_INVALIDATE],
  ['MS_SYNC', 0x4, MS_SYNC],
];

const MLOCKALL_FLAGS: readonly Flag[] = [
  ['MCL_CURRENT', 0x1, MCL_CURRENT],
  ['MCL_FUTURE', 0x2, MCL_FUTURE],
  ['MCL_ONFAULT', 0x4, null],
];

const MLOCK2_FLAGS: readonly Flag[] = [['MLOCK_ONFAULT', 0x1, null]];

/** NetBSD moves a mapping whenever it has to, so to be allowed to is no flag; not to be is `MAP_FIXED` with the old address. */
const MREMAP_FLAGS: readonly Flag[] = [
  ['MREMAP_MAYMOVE', 0x1, 0],
  ['MREMAP_FIXED', 0x2, MAP_FIXED],
  ['MREMAP_DONTUNMAP', 0x4, null],
];

/** How a file is opened: a number in the low two bits. `O_ACCMODE` */
const OPEN_MODES: readonly Flag[] = [
  ['O_RDONLY', 0x0, 0],
  ['O_WRONLY', 0x1, O_WRONLY],
  ['O_RDWR', 0x2, O_RDWR],
];

const OPEN_FLAGS: readonly Flag[] = [
  ['O_CREAT', 0o100, O_CREAT],
  ['O_EXCL', 0o200, O_EXCL],
  ['O_NOCTTY', 0o400, O_NOCTTY],
  ['O_TRUNC', 0o1000, O_TRUNC],
  ['O_APPEND', 0o2000, O_APPEND],
  ['O_NONBLOCK', 0o4000, O_NONBLOCK],
  // Of two bits, of which the lower is a flag of its own.
  ['O_SYNC', 0o4010000, O_SYNC],
  ['O_DSYNC', 0o10000, O_DSYNC],
  ['O_ASYNC', 0o20000, O_ASYNC],
  ['O_DIRECT', 0o40000, O_DIRECT],
  // Every program of 64 bits has it.
  ['O_LARGEFILE', 0o100000, 0],
  ['O_TMPFILE', 0o20200000, null],
  ['O_DIRECTORY', 0o200000, O_DIRECTORY],
  ['O_NOFOLLOW', 0o400000, O_NOFOLLOW],
  ['O_NOATIME', 0o1000000, null],
  ['O_CLOEXEC', 0o2000000, O_CLOEXEC],
  ['O_PATH', 0o10000000, null],
];

const CLONE_FLAGS: readonly Flag[] = [
  ['CLONE_VM', 0x100, CLONE_VM],
  ['CLONE_FS', 0x200, CLONE_FS],
  ['CLONE_FILES', 0x400, CLONE_FILES],
  ['CLONE_SIGHAND', 0x800, CLONE_SIGHAND],
  ['CLONE_PIDFD', 0x1000, null],
  ['CLONE_PTRACE', 0x2000, null],
  ['CLONE_VFORK', 0x4000, CLONE_VFORK],
  ['CLONE_PARENT', 0x8000, null],
  // A thread: NetBSD makes one with _lwp_create(2).
  ['CLONE_THREAD', 0x10000, null],
  ['CLONE_NEWNS', 0x20000, null],
  ['CLONE_SYSVSEM', 0x40000, null],
  ['CLONE_SETTLS', 0x80000, null],
  ['CLONE_PARENT_SETTID', 0x100000, null],
  ['CLONE_CHILD_CLEARTID', 0x200000, null],
  // Linux ignores it.
  ['CLONE_DETACHED', 0x400000, 0],
  ['CLONE_UNTRACED', 0x800000, null],
  ['CLONE_CHILD_SETTID', 0x1000000, null],
  ['CLONE_NEWCGROUP', 0x2000000, null],
  ['CLONE_NEWUTS', 0x4000000, null],
  ['CLONE_NEWIPC', 0x8000000, null],
  ['CLONE_NEWUSER', 0x10000000, null],
  ['CLONE_NEWPID', 0x20000000, null],
  ['CLONE_NEWNET', 0x40000000, null],
  ['CLONE_IO', 0x80000000, null],
  ['CLONE_CLEAR_SIGHAND', 0x100000000, null],
  ['CLONE_INTO_CGROUP', 0x200000000, null],
];

const SHMGET_FLAGS: readonly Flag[] = [
  ['IPC_CREAT', 0o1000, IPC_CREAT],
  ['IPC_EXCL', 0o2000, IPC_EXCL],
  ['SHM_HUGETLB', 0o4000, null],
  // NetBSD never reserves.
  ['SHM_NORESERVE', 0o10000, 0],
];

const SHMAT_FLAGS: readonly Flag[] = [
  ['SHM_RDONLY', 0o10000, SHM_RDONLY],
  ['SHM_RND', 0o20000, SHM_RND],
  ['SHM_REMAP', 0o40000, null],
  ['SHM_EXEC', 0o100000, null],
];

/** What `shmctl` is to do. */
const SHMCTL_COMMANDS: readonly Flag[] = [
  ['IPC_RMID', 0, IPC_RMID],
  ['IPC_SET', 1, IPC_SET],
  ['IPC_STAT', 2, IPC_STAT],
  ['IPC_INFO', 3, null],
  ['SHM_LOCK', 11, SHM_LOCK],
  ['SHM_UNLOCK', 12, SHM_UNLOCK],
  ['SHM_STAT', 13, null],
  ['SHM_INFO', 14, null],
  ['SHM_STAT_ANY', 15, null],
];

/** What NetBSD does about a piece of advice. */
export type TranslatedAdvice =
  | { readonly call: 'madvise'; readonly name: string; readonly advice: number }
  /** NetBSD says by `minherit(2)` what children get. */
  | { readonly call: 'minherit'; readonly name: string; readonly inheritance: number }
  /** It has nothing of the kind. */
  | { readonly call: 'none'; readonly name: string };

const madvise = (name: string, advice: number): TranslatedAdvice => ({ call: 'madvise', name, advice });
const minherit = (name: string, inheritance: number): TranslatedAdvice => ({ call: 'minherit', name, inheritance });
const none = (name: string): TranslatedAdvice => ({ call: 'none', name });

/**
 * Linux's advice by number. `MADV_DONTNEED` is not the same thing in both: Linux throws the pages away, so that anonymous memory
 * reads as zeros; NetBSD keeps what is in them and makes them the first to be paged out.
 */
const ADVICE: ReadonlyMap<number, TranslatedAdvice> = new Map([
  [0, madvise('MADV_NORMAL', MADV_NORMAL)],
  [1, madvise('MADV_RANDOM', MADV_RANDOM)],
  [2, madvise('MADV_SEQUENTIAL', MADV_SEQUENTIAL)],
  [3, madvise('MADV_WILLNEED', MADV_WILLNEED)],
  [4, madvise('MADV_DONTNEED', MADV_DONTNEED)],
  [8, madvise('MADV_FREE', MADV_FREE)],
  [9, none('MADV_REMOVE')],
  [10, minherit('MADV_DONTFORK', MAP_INHERIT_NONE)],
  [11, minherit('MADV_DOFORK', MAP_INHERIT_COPY)],
  [12, none('MADV_MERGEABLE')],
  [13, none('MADV_UNMERGEABLE')],
  [14, none('MADV_HUGEPAGE')],
  [15, none('MADV_NOHUGEPAGE')],
  [16, none('MADV_DONTDUMP')],
  [17, none('MADV_DODUMP')],
  [18, minherit('MADV_WIPEONFORK', MAP_INHERIT_ZERO)],
  [19, minherit('MADV_KEEPONFORK', MAP_INHERIT_COPY)],
  [20, none('MADV_COLD')],
  [21, none('MADV_PAGEOUT')],
  [22, none('MADV_POPULATE_READ')],
  [23, none('MADV_POPULATE_WRITE')],
  [24, none('MADV_DONTNEED_LOCKED')],
  [25, none('MADV_COLLAPSE')],
  [100, none('MADV_HWPOISON')],
  [101, none('MADV_SOFT_OFFLINE')],
  [102, none('MADV_GUARD_INSTALL')],
  [103, none('MADV_GUARD_REMOVE')],
]);

/** NetBSD's numbers of signals, by name. sys/sys/signal.h; real-time signals have none here. */
const SIGNALS: ReadonlyMap<string, number> = new Map(
  (
    'HUP INT QUIT ILL TRAP ABRT EMT FPE KILL BUS SEGV SYS PIPE ALRM TERM URG STOP TSTP CONT CHLD TTIN TTOU IO XCPU XFSZ VTALRM ' +
    'PROF WINCH INFO USR1 USR2 PWR'
  )
    .split(' ')
    .map((name, index) => [`SIG${name}`, index + 1]),
);

const CONSTANTS: ReadonlyMap<string, number> = new Map([
  ['PROT_NONE', 0],
  ['MAP_FILE', 0],
  ['MAP_ANON', 0x20],
  ['O_NDELAY', 0o4000],
  ['IPC_PRIVATE', 0],
  ['O_RSYNC', 0o4010000],
  ['FASYNC', 0o20000],
  ...[
    PROTECTION_FLAGS,
    MAP_KINDS,
    MAP_FLAGS,
    MSYNC_FLAGS,
    MLOCKALL_FLAGS,
    MLOCK2_FLAGS,
    MREMAP_FLAGS,
    OPEN_MODES,
    OPEN_FLAGS,
    CLONE_FLAGS,
    SHMGET_FLAGS,
    SHMAT_FLAGS,
    SHMCTL_COMMANDS,
  ].flatMap((flags) => flags.map(([name, linux]): [string, number] => [name, linux])),
  ...[...ADVICE].map(([linux, { name }]): [string, number] => [name, linux]),
]);

/** Linux's number for a name such as `MAP_PRIVATE`; undefined for a name that is not known here. */
export function linuxConstant(name: string): number | undefined {
  return CONSTANTS.get(name);
}

/** Protections of `mmap` and `mprotect`. */
export function netbsdProtection(linux: number): Translated {
  return translate(linux, PROTECTION_FLAGS);
}

const MAP_TYPE = 0xf;
/** Six bits that say how large the huge pages are. */
const MAP_HUGE_SHIFT = 26;
const MAP_HUGE_FIELD = 0xfc000000;

/** Flags of `mmap`. */
export function netbsdMapFlags(linux: number): Translated {
  const bits = linux >>> 0;
  const kind = translateField(bits & MAP_TYPE, MAP_KINDS);
  const hugeBits = (bits & MAP_HUGE_FIELD) >>> MAP_HUGE_SHIFT;
  // The lowest bit of the field is also that of MAP_UNINITIALIZED, which only kernels without an MMU know.
  const rest = translate((bits & ~MAP_TYPE & ~MAP_HUGE_FIELD) >>> 0, MAP_FLAGS);
  const huge = hugeBits === 0 ? [] : [`${hugeBits}<<MAP_HUGE_SHIFT`];
  return { value: kind.value | rest.value, untranslated: [...kind.untranslated, ...rest.untranslated, ...huge] };
}

/** Flags of `msync`. */
export function netbsdMsyncFlags(linux: number): Translated {
  return translate(linux, MSYNC_FLAGS);
}

/** Flags of `mlockall`. */
export function netbsdMlockallFlags(linux: number): Translated {
  return translate(linux, MLOCKALL_FLAGS);
}

/** Flags of `mlock2`, of which NetBSD has none. */
export function netbsdMlockFlags(linux: number): Translated {
  return translate(linux, MLOCK2_FLAGS);
}

/** Flags of `mremap`; without Linux's `MREMAP_MAYMOVE` a mapping has to stay where it is, which is `MAP_FIXED` with its address. */
export function netbsdMremapFlags(linux: number): Translated {
  const { value, untranslated } = translate(linux, MREMAP_FLAGS);
  return { value: hasFlag(linux, 'MREMAP_MAYMOVE') ? value : value | MAP_FIXED, untranslated };
}

/** Flags of `open`. */
export function netbsdOpenFlags(linux: number): Translated {
  const bits = linux >>> 0;
  const mode = translateField(bits & 0x3, OPEN_MODES);
  const rest = translate((bits & ~0x3) >>> 0, OPEN_FLAGS);
  return { value: mode.value | rest.value, untranslated: [...mode.untranslated, ...rest.untranslated] };
}

/** The bits of `shmget` that say who may do what. */
const SHM_MODE = 0o777;

/** Flags of `shmget`, with the mode. */
export function netbsdShmgetFlags(linux: number): Translated {
  const { value, untranslated } = translate((linux & ~SHM_MODE) >>> 0, SHMGET_FLAGS);
  return { value: value | (linux & SHM_MODE), untranslated };
}

/** Flags of `shmat`. */
export function netbsdShmatFlags(linux: number): Translated {
  return translate(linux, SHMAT_FLAGS);
}

/** The command of `shmctl`; undefined for one that NetBSD does not have. */
export function netbsdShmctlCommand(linux: number): number | undefined {
  // Older programs say which version of the structure they mean.
  const command = linux & ~0x100;
  return SHMCTL_COMMANDS.find(([, bits]) => bits === command)?.[2] ?? undefined;
}

/** What Linux calls `SIGCHLD`, the only signal that a child of a real program ever sends. */
const LINUX_SIGCHLD = 17;

/** Flags of `clone` with the signal in their low byte, for `__clone(2)`. */
export function netbsdCloneFlags(linux: number): Translated {
  const signal = linux & CLONE_CSIGNAL;
  const { value, untranslated } = translate(linux - signal, CLONE_FLAGS);
  if (signal === 0 || signal === LINUX_SIGCHLD) return { value: signal === 0 ? value : value | SIGCHLD, untranslated };
  return { value, untranslated: [...untranslated, `signal ${signal}`] };
}

/** What NetBSD does for `madvise` with this advice; undefined for a number that Linux does not know either. */
export function netbsdAdvice(linux: number): TranslatedAdvice | undefined {
  return ADVICE.get(linux);
}

/** NetBSD's number of a signal, by its name; undefined for one that it does not have. */
export function netbsdSignal(name: string): number | undefined {
  return SIGNALS.get(name);
}

/**
 * Whether a set of Linux's flags has the one of that name.
 *
 * @throws {RangeError} for a name that is not known here
 */
export function hasFlag(flags: number, name: string): boolean {
  const bits = linuxConstant(name);
  if (bits === undefined) throw new RangeError(`${name} is no flag of Linux that is known here`);
  return hasBits(flags, bits);
}

/** Whether a set of flags, which may have more than 32 bits, has all of these. */
function hasBits(flags: number, bits: number): boolean {
  const low = bits >>> 0;
  const high = Math.floor(bits / 2 ** 32);
  return (flags & low) >>> 0 === low && (Math.floor(flags / 2 ** 32) & high) === high;
}

/** The bits of a set of flags, one by one. */
export function translate(linux: number, flags: readonly Flag[]): Translated {
  let left = linux;
  let value = 0;
  const untranslated: string[] = [];
  for (const [name, bits, netbsd] of flags) {
    if (!hasBits(left, bits)) continue;
    left -= bits;
    if (netbsd === null) untranslated.push(name);
    else value |= netbsd;
  }
  if (left !== 0) untranslated.push(left < 0 ? String(left) : `0x${left.toString(16)}`);
  return { value, untranslated };
}

function translateField(linux: number, kinds: readonly Flag[]): Translated {
  if (linux === 0) return { value: 0, untranslated: [] };
  const kind = kinds.find(([, bits]) => bits === linux);
  if (kind === undefined) return { value: 0, untranslated: [`0x${linux.toString(16)}`] };
  const [name, , netbsd] = kind;
  return netbsd === null ? { value: 0, untranslated: [name] } : { value: netbsd, untranslated: [] };
}
