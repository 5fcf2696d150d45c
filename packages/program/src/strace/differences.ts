/** Why NetBSD answers otherwise than the log recorded of Linux. */
import { errnoName, MAP_ANON, MAP_PRIVATE, MAP_SHARED, PAGE_SIZE } from '@faultline/kernel';
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
  readonly when: ((args: readonly number[]) => boolean) | undefined;
}

function reason(calls: string, linux: string, netbsd: string, why: string, when?: Reason['when']): Reason {
  return { calls: calls.split(' '), linux: linux.split(' '), netbsd: netbsd.split(' '), why, when };
}

const unalignedAddress = ([address = 0]: readonly number[]): boolean => address % PAGE_SIZE !== 0;
const emptyRange = ([, length = 0]: readonly number[]): boolean => length === 0;
const beyondSpace = ([address = 0, length = 0]: readonly number[]): boolean => address < 0 || address + length > USER_SPACE_END;

const MLOCK_LIMIT =
  "NetBSD's limit on locked memory (RLIMIT_MEMLOCK) is a third of RAM unless the program sets it, and counts whole pages";

/** The first that holds is given. */
const REASONS: readonly Reason[] = [
  reason('mmap', 'ok', 'ENOMEM EINVAL EFBIG EOVERFLOW', 'the range lies beyond the user space of this machine', beyondSpace),
  reason('mmap', 'ok', 'EINVAL', 'NetBSD wants descriptor -1 for anonymous memory', ([, , , flags = 0, fd = -1]) => {
    return (flags & MAP_ANON) !== 0 && fd !== -1;
  }),
  reason('mmap', 'EINVAL', 'ok', 'NetBSD maps nothing for a length of 0, and succeeds', emptyRange),
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
    'ENOMEM EINVAL EFBIG EOVERFLOW',
    'NetBSD has errors of its own for ranges that wrap (EOVERFLOW) or end beyond the space (EFBIG)',
  ),
  reason('munmap', 'EINVAL', 'ok', 'NetBSD unmaps nothing for a length of 0, and succeeds', emptyRange),
  reason(
    'munmap mprotect madvise msync',
    'EINVAL',
    'ok',
    'NetBSD takes whole pages around an address within a page',
    unalignedAddress,
  ),
  reason('munmap', 'ENOMEM', 'ok', 'Linux limits the number of mappings (vm.max_map_count), NetBSD does not'),
  reason('mprotect', 'ENOMEM', 'ok', 'NetBSD passes over holes'),
  reason('mprotect', 'EACCES', 'ok', 'NetBSD lets a private mapping be made writable whatever its file was opened for'),
  reason('madvise', 'ENOMEM', 'ok', 'NetBSD passes over holes'),
  reason('madvise', 'EINVAL EAGAIN EBADF EIO EPERM', 'ok', 'NetBSD gives advice that Linux refuses for this kind of memory'),
  reason('madvise', 'ok', 'EBUSY', 'NetBSD does not throw away wired pages'),
  reason('madvise', 'ENOMEM', 'EFAULT EINVAL', 'for holes NetBSD answers EFAULT, for an empty range EINVAL'),
  reason('madvise', 'ok', 'EFAULT EINVAL', 'NetBSD refuses an empty range', emptyRange),
  reason('msync', 'ok', 'EINVAL', 'NetBSD wants one of MS_ASYNC, MS_SYNC and MS_INVALIDATE', ([, , flags = 0]) => flags === 0),
  reason('msync', 'ok', 'EINVAL', 'for an empty range NetBSD takes the mapping at its address, and there is none', emptyRange),
  reason('msync', 'ENOMEM', 'EFAULT', 'for holes NetBSD answers EFAULT'),
  reason('mlock', 'ok', 'EAGAIN', MLOCK_LIMIT),
  reason('mlock', 'ENOMEM EPERM', 'EAGAIN', 'beyond the limit on locked memory NetBSD answers EAGAIN'),
  reason('mlock mlockall', 'ENOMEM EPERM EAGAIN', 'ok', MLOCK_LIMIT),
  reason('mlock', 'ENOMEM', 'EINVAL', 'for holes and for memory that cannot be accessed NetBSD answers EINVAL'),
  reason('mlock munlock', 'EINVAL', 'ENOMEM', 'for a range outside of the space NetBSD answers ENOMEM'),
  reason('munlock', 'ok', 'ENOMEM', 'NetBSD answers ENOMEM for memory that is not locked'),
  reason('mlockall', 'ok', 'ENOMEM', MLOCK_LIMIT),
  reason('mincore', 'ok ENOMEM', 'EINVAL', 'NetBSD answers EINVAL for an empty range', emptyRange),
  reason('mremap', 'ok', 'EINVAL', 'NetBSD does not copy a shared mapping for an old length of 0', emptyRange),
  reason(
    'mremap',
    'EFAULT EINVAL ENOMEM',
    'ok',
    'NetBSD moves and resizes whatever is mapped in a range, be it several mappings',
  ),
  reason(
    'mremap',
    'EFAULT EINVAL ENOMEM',
    'EINVAL ENOMEM',
    'NetBSD answers EINVAL for bad ranges, and ENOMEM for holes and taken places',
  ),
  reason('brk', 'refused', 'ok', 'the limit on data (RLIMIT_DATA), or what lay behind it, was another there'),
];

/** A call as it was made here: its name and arguments. */
export interface MadeCall {
  readonly name: string;
  readonly args: readonly (number | string)[];
}

/** Why NetBSD answers a call as it does; empty when nothing that is known explains it. */
export function whyDifferent(call: MadeCall, linux: string, netbsd: string): string {
  const args = call.args.map(Number);
  const holds = REASONS.find(
    (reason) =>
      reason.calls.includes(call.name) &&
      reason.linux.includes(linux) &&
      reason.netbsd.includes(netbsd) &&
      (reason.when === undefined || reason.when(args)),
  );
  return holds?.why ?? '';
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
