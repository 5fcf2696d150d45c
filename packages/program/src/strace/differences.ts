/** Why NetBSD answers otherwise than the log recorded of Linux. */
import { errnoName, MAP_ANON, MAP_PRIVATE, MAP_SHARED, MAP_WIRED, PAGE_SIZE, roundPage } from '@faultline/kernel';
import { addressText, type Outcome } from './arguments.js';

/** The first address behind the user space of the machine: that of Linux on x86-64, of 47 bits. */
export const USER_SPACE_END = 0x7ffffffff000;

/** A reason: it holds for calls of these names, where Linux and NetBSD answered like this, `ok` being success. */
interface Reason {
  readonly calls: readonly string[];
  readonly linux: readonly string[];
  readonly netbsd: readonly string[];
  readonly why: string;
  /** Whether it holds for the arguments that were given here; without it, it does for all. */
  readonly when: ((args: readonly number[], circumstances: Circumstances) => boolean) | undefined;
}

/** What is the case while a call is made, and may be the reason for its answer. */
export interface Circumstances {
  /** Whether the process locks what it will map, since `mlockall(MCL_FUTURE)`. */
  readonly locksFuture: boolean;
  /** Whether this machine's memory is used up. */
  readonly outOfMemory: boolean;
  /** Whether the log shows the process from its beginning, so that what is mapped in it is known. */
  readonly fromStart: boolean;
}

function reason(calls: string, linux: string, netbsd: string, why: string, when?: Reason['when']): Reason {
  return { calls: calls.split(' '), linux: linux.split(' '), netbsd: netbsd.split(' '), why, when };
}

const unalignedAddress = ([address = 0]: readonly number[]): boolean => address % PAGE_SIZE !== 0;
/** A length just below 2^64 is empty as well: it becomes 0 when it is rounded to whole pages. */
const emptyRange = ([address = 0, length = 0]: readonly number[]): boolean => {
  return length <= 0 && roundPage(length + Math.abs(address % PAGE_SIZE)) === 0;
};
const beyondSpace = ([address = 0, length = 0]: readonly number[]): boolean => {
  return address < 0 || length < 0 || address + length > USER_SPACE_END;
};
const firstPage = ([address = 0]: readonly number[]): boolean => address >= 0 && address < PAGE_SIZE;
const locksAtOnce = ([, , , flags = 0]: readonly number[], { locksFuture }: Circumstances): boolean => {
  return locksFuture || (flags & MAP_WIRED) !== 0;
};

const MLOCK_LIMIT =
  "NetBSD's limit on locked memory (RLIMIT_MEMLOCK) is a third of RAM unless the program sets it, and counts whole pages";

const FIRST_PAGE = "the first page, at address 0, is not part of NetBSD's user space";
const OUTSIDE = 'for a range outside of the user space NetBSD answers';
const HOLES_PASSED = 'NetBSD passes over holes';
const WHOLE_PAGES = 'NetBSD takes whole pages around an address within a page';

/** The first that holds is given. */
const REASONS: readonly Reason[] = [
  reason('mmap munmap mprotect madvise minherit mremap', 'ok', 'EINVAL', FIRST_PAGE, firstPage),
  reason('mlock munlock msync', 'ok', 'ENOMEM', FIRST_PAGE, firstPage),
  reason('mmap', 'ok', 'ok', FIRST_PAGE, firstPage),
  reason('mincore', 'ok', 'EINVAL ENOMEM', FIRST_PAGE, firstPage),
  reason('mincore', 'ok', 'EFAULT', FIRST_PAGE, ([, , vector = 0]) => firstPage([vector])),

  reason('mmap', 'ok', 'ENOMEM EINVAL EFBIG EOVERFLOW', 'the range lies beyond the user space of this machine', beyondSpace),
  reason('mmap', 'ok ENOMEM', 'EINVAL', 'NetBSD wants descriptor -1 for anonymous memory', ([, , , flags = 0, fd = -1]) => {
    return (flags & MAP_ANON) !== 0 && fd !== -1;
  }),
  reason(
    'mmap',
    'ok',
    'EOVERFLOW',
    'the offset lies beyond what a file of this machine can have',
    ([, length = 0, , , , offset = 0]) => {
      return offset + roundPage(length) > Number.MAX_SAFE_INTEGER;
    },
  ),
  reason(
    'mmap',
    'ok',
    'ENOMEM EINVAL',
    'NetBSD locks such a mapping at once (MAP_LOCKED, MCL_FUTURE): that fails beyond the limit on locked memory and behind the end of a file',
    locksAtOnce,
  ),
  reason('mmap', 'EINVAL', 'ok', 'NetBSD maps nothing for a length of 0, and succeeds', ([, length]) => length === 0),
  reason('mmap', 'EINVAL', 'ok', 'NetBSD takes a mapping that is neither shared nor private as private', ([, , , flags = 0]) => {
    return (flags & (MAP_SHARED | MAP_PRIVATE)) === 0;
  }),
  reason('mmap', 'EINVAL', 'ok', 'NetBSD maps whole pages around an offset within a page', ([, , , , , offset = 0]) => {
    return offset % PAGE_SIZE !== 0;
  }),
  reason('mmap', 'ENOMEM EAGAIN', 'ok', 'NetBSD reserves no memory when it maps: what may be promised has no limit'),
  reason('mmap', 'EPERM EACCES', 'ok', 'Linux forbids it by a policy of its own, such as for the lowest addresses'),
  reason(
    'mmap',
    'ENOMEM EINVAL EOVERFLOW',
    'EFBIG EOVERFLOW',
    'NetBSD has errors of its own for ranges that wrap (EOVERFLOW) or end beyond the space (EFBIG)',
  ),
  reason('mmap', 'ENOMEM EINVAL EOVERFLOW', 'ENOMEM EINVAL', 'of several bad arguments NetBSD looks at another one first'),
  reason('mmap', 'ENOMEM EINVAL EOVERFLOW', 'EACCES', 'NetBSD looks first at what the file was opened for'),

  reason('munmap', 'EINVAL', 'ok', 'NetBSD unmaps nothing for a length of 0, and succeeds', emptyRange),
  reason('munmap mprotect madvise minherit', 'EINVAL', 'ok EACCES ENOMEM', WHOLE_PAGES, unalignedAddress),
  reason('mprotect madvise minherit', 'EINVAL', 'ok', 'a length so large is rounded to 0, and NetBSD succeeds', emptyRange),
  reason('msync', 'EINVAL', 'ok EFAULT ENOMEM', WHOLE_PAGES, unalignedAddress),
  reason('munmap', 'ENOMEM', 'ok', 'Linux limits the number of mappings (vm.max_map_count), NetBSD does not'),

  reason('mprotect madvise minherit mincore', 'ENOMEM EACCES', 'EINVAL', `${OUTSIDE} EINVAL`, beyondSpace),
  reason('mprotect madvise minherit mincore', 'ENOMEM', 'EINVAL', FIRST_PAGE, firstPage),
  reason('mprotect minherit madvise', 'ENOMEM', 'ok', HOLES_PASSED),
  reason('mprotect', 'ENOMEM', 'EACCES', `${HOLES_PASSED}, and finds a mapping that may never be accessed like this`),
  reason('mprotect madvise minherit', 'ok', 'EINVAL', `${OUTSIDE} EINVAL, also for an empty one`, beyondSpace),
  reason(
    'mprotect',
    'EACCES',
    'ok',
    'Linux forbids it by a policy of its own, or the log does not show for what the file was opened',
  ),
  reason(
    'mprotect',
    'ok',
    'ENOMEM',
    'NetBSD locks memory that becomes accessible at once (MCL_FUTURE), as far as the limit on locked memory allows',
    (_, { locksFuture }) => locksFuture,
  ),

  reason('minherit', 'EINVAL', 'ok', 'NetBSD sets what children inherit for any kind of memory'),
  reason('madvise', 'EINVAL EAGAIN EBADF EIO EPERM', 'ok', 'NetBSD gives advice that Linux refuses for this kind of memory'),
  reason('madvise', 'EINVAL', 'EFAULT', 'for holes NetBSD answers EFAULT'),
  reason('madvise msync', 'ok EINVAL ENOMEM', 'EBUSY', 'NetBSD does not throw away wired pages'),
  reason('madvise', 'ENOMEM', 'EFAULT EINVAL', 'for holes NetBSD answers EFAULT, for an empty range EINVAL'),
  reason('madvise', 'ok', 'EFAULT EINVAL', 'NetBSD refuses an empty range', emptyRange),

  reason(
    'msync',
    'ok ENOMEM',
    'EINVAL',
    'NetBSD wants one of MS_ASYNC, MS_SYNC and MS_INVALIDATE',
    ([, , flags = 0]) => flags === 0,
  ),
  reason('msync', 'ok', 'EINVAL', 'for an empty range NetBSD takes the mapping at its address, and there is none', emptyRange),
  reason('msync', 'ok', 'ENOMEM', `${OUTSIDE} ENOMEM, also for an empty one`, emptyRange),
  reason('msync', 'ENOMEM', 'EFAULT', 'for holes NetBSD answers EFAULT'),
  reason('msync', 'EBUSY', 'ok', 'whether memory is locked NetBSD asks only of the first mapping of a range'),
  reason('msync', 'EBUSY', 'EFAULT ENOMEM', `for holes NetBSD answers EFAULT, ${OUTSIDE} ENOMEM`),

  reason('mlock', 'ok', 'EAGAIN', MLOCK_LIMIT),
  reason('mlock', 'ENOMEM EPERM', 'EAGAIN', 'beyond the limit on locked memory NetBSD answers EAGAIN'),
  reason(
    'mlock mlockall',
    'ENOMEM EPERM EAGAIN',
    'ok',
    'NetBSD locks what Linux does not: memory that cannot be read, and a third of RAM where no limit (RLIMIT_MEMLOCK) is set',
  ),
  reason('mlock', 'ENOMEM', 'EINVAL', 'for holes and for memory that cannot be accessed NetBSD answers EINVAL'),
  reason('mlock munlock', 'EINVAL', 'ENOMEM', `${OUTSIDE} ENOMEM`),
  reason('mlock', 'ok', 'ENOMEM', 'for an empty range NetBSD wants a mapping at its address', emptyRange),
  reason(
    'mlock mlockall',
    'ok',
    'EINVAL',
    'NetBSD brings in all pages that it locks, and behind the end of a file there are none',
  ),
  reason('munlock', 'ok', 'ENOMEM', 'NetBSD answers ENOMEM for memory that is not locked'),
  reason('mlockall', 'ok', 'ENOMEM', MLOCK_LIMIT),

  reason('mincore', 'ok ENOMEM', 'EINVAL', 'NetBSD answers EINVAL for an empty range', emptyRange),
  reason('shmat', 'ok', 'EINVAL', 'NetBSD attaches no segment that is removed already'),
  reason('shmget', 'ok', 'EINVAL', "the largest segment is a quarter of this machine's memory, or 4 MiB"),
  reason('shmctl', 'ok', 'EPERM', 'NetBSD lets nobody but the superuser lock shared memory'),
  reason('mincore', 'ENOMEM', 'EFAULT', 'NetBSD looks at the vector before it looks at the range'),

  reason('mremap', 'ok', 'EINVAL', 'NetBSD does not copy a shared mapping for an old length of 0', emptyRange),
  reason('mremap', 'ENOMEM EAGAIN', 'ok', 'NetBSD reserves no memory when it maps: what may be promised has no limit'),
  reason(
    'mremap',
    'EFAULT EINVAL',
    'ok',
    'NetBSD moves and resizes whatever is mapped in a range, be it several mappings or none',
  ),
  reason(
    'mremap',
    'EFAULT EINVAL ENOMEM',
    'EINVAL ENOMEM',
    'NetBSD answers EINVAL for bad ranges, and ENOMEM for holes and taken places',
  ),

  reason('brk', 'refused', 'ok', 'the limit on data (RLIMIT_DATA), or what lay behind it, was another there'),
];

const OUT_OF_MEMORY = 'this machine has less memory than the program takes';
const BEGUN_BEFORE = 'the log begins after this process: what was mapped in it, and who shares its memory, is not in the log';

/** A call as it was made here: its name and arguments. */
export interface MadeCall {
  readonly name: string;
  readonly args: readonly (number | string)[];
}

/** Why NetBSD answers a call as it does; empty when nothing that is known explains it. */
export function whyDifferent(call: MadeCall, linux: string, netbsd: string, circumstances: Circumstances): string {
  const args = call.args.map(Number);
  const holds = REASONS.find(
    (reason) =>
      reason.calls.includes(call.name) &&
      reason.linux.includes(linux) &&
      reason.netbsd.includes(netbsd) &&
      (reason.when === undefined || reason.when(args, circumstances)),
  );
  if (holds !== undefined) return holds.why;
  if (circumstances.outOfMemory && (netbsd === 'ENOMEM' || netbsd === 'EAGAIN')) return OUT_OF_MEMORY;
  return circumstances.fromStart ? '' : BEGUN_BEFORE;
}

/** `ok` or the name of the error of what this kernel answered. */
export function answerKind(answer: number): string {
  return answer < 0 ? errnoName(-answer) : 'ok';
}

/** `ok` or the name of the error of what the log recorded. */
export function outcomeKind(outcome: Outcome): string {
  return outcome.kind === 'failure' ? outcome.errno : outcome.kind === 'success' ? 'ok' : 'unknown';
}

/** What the log recorded, as people read it. */
export function outcomeText(outcome: Outcome): string {
  if (outcome.kind === 'failure') return `-1 ${outcome.errno}`;
  if (outcome.kind === 'unknown') return '?';
  return outcome.value > 0xffff ? addressText(outcome.value) : String(outcome.value);
}

/** Whether this kernel answered what the log recorded. */
export function agrees(outcome: Outcome, answer: number): boolean {
  switch (outcome.kind) {
    case 'success':
      return outcome.value === answer;
    case 'failure':
      return answer < 0 && errnoName(-answer) === outcome.errno;
    case 'unknown':
      return true;
  }
}
