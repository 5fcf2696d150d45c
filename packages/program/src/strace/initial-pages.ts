/**
 * Memory that a program has before its log shows anything of it.
 *
 * execve maps the program, its loader and a stack, and a log says nothing of where. When a call of the log succeeds on an address that
 * the log has never mapped, it must have been there; it is mapped then, for reading and writing, as pages of zeros. An address
 * that the log has mapped is never filled in like this: if it is missing here, the call's answer differs, and that is told.
 */
import {
  asVa,
  ENOMEM,
  type NetbsdSystem,
  PAGE_SIZE,
  PROT_READ,
  PROT_WRITE,
  roundPage,
  type Step,
  truncPage,
  type User,
} from '@faultline/kernel';
import type { RangeSet } from './range-set.js';
import { mapZeros } from './zeros.js';

/** Pages that one call can show to be there: 64 MiB, more than the text, data and stack of most programs together. */
const MAX_PAGES = 16_384;

/** Maps the pages of a range that are not mapped, unless the log has mapped them. @returns how many */
export function* mapInitialPages(
  system: NetbsdSystem,
  user: User,
  range: { start: number; end: number },
  logged: RangeSet,
): Step<number> {
  const { space } = user.process;
  if (space === null) return 0;
  const end = Math.min(roundPage(range.end), space.max);
  let given = 0;
  let va: number = Math.max(truncPage(range.start), space.min);
  for (let looked = 0; va < end && looked < MAX_PAGES; looked++) {
    const mapping = yield* system.vm.mappingAt(space, asVa(va));
    const behind = mapping?.end ?? logged.endAt(va);
    if (behind !== null) {
      va = behind;
      continue;
    }
    const length = yield* lengthOfHole(
      system,
      user,
      { start: va, end: Math.min(end, va + (MAX_PAGES - looked) * PAGE_SIZE) },
      logged,
    );
    const mapped = yield* mapZeros(user, va, length, PROT_READ | PROT_WRITE);
    if (mapped < 0) return given;
    looked += length / PAGE_SIZE;
    given += length / PAGE_SIZE;
    va += length;
  }
  return given;
}

/** How many bytes of a range, whose first page is a hole, are one. */
function* lengthOfHole(system: NetbsdSystem, user: User, range: { start: number; end: number }, logged: RangeSet): Step<number> {
  const { space } = user.process;
  let end = range.start + PAGE_SIZE;
  while (space !== null && end < range.end && logged.endAt(end) === null) {
    if ((yield* system.vm.mappingAt(space, asVa(end))) !== null) break;
    end += PAGE_SIZE;
  }
  return end - range.start;
}

/** Bytes that are copied at once. */
const CHUNK = 65_536;
/** Pages that copying a chunk may take: those that it meets, and the others of a file's blocks at either end. */
const PAGES_PER_CHUNK = CHUNK / PAGE_SIZE + 16;
/** The most that Linux moves in one call. `MAX_RW_COUNT` */
const MAX_TRANSFER = 0x7ffff000;

/**
 * Copies to or from the running program as the kernel does for a call of its; what is stored are zeros.
 *
 * No page daemon takes pages back here, so it stops before the memory is used up: a thread that waited for some would wait for ever.
 *
 * @param freePages how many pages may be taken
 * @returns 0, EFAULT, or ENOMEM when it has stopped
 */
export function* touch(
  system: NetbsdSystem,
  { address, length, access }: { address: number; length: number; access: 'load' | 'store' },
  freePages: () => number,
): Step<number> {
  const { kern, sys } = system;
  const total = Math.min(length, MAX_TRANSFER);
  const bytes = new Uint8Array(Math.min(total, CHUNK));
  let errno = 0;
  kern.enter();
  for (let done = 0; done < total && errno === 0; done += CHUNK) {
    const part = bytes.subarray(0, Math.min(CHUNK, total - done));
    if (freePages() < PAGES_PER_CHUNK) {
      errno = ENOMEM;
      break;
    }
    errno = access === 'load' ? yield* sys.copyin(address + done, part) : yield* sys.copyout(address + done, part.fill(0));
  }
  kern.leave();
  return errno;
}
