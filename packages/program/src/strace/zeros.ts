/** Memory of zeros, in place of what a log shows to be there and NetBSD would not have there. */
import { MAP_ANON, MAP_FIXED, MAP_PRIVATE, PROT_NONE, type Protection, type Step, type User } from '@faultline/kernel';

/**
 * Maps private memory at an address, or anywhere.
 *
 * It allows no access when it is mapped, and the access only then: where a process locks what it maps (`MCL_FUTURE`), NetBSD takes a
 * mapping away that it cannot lock, but never tries to lock one without access, and lets it be made accessible all the same.
 *
 * @returns the address, or minus an errno
 */
export function* mapZeros(user: User, at: number | null, length: number, protection: Protection): Step<number> {
  const flags = MAP_PRIVATE | MAP_ANON | (at === null ? 0 : MAP_FIXED);
  const start = yield* user.mmap(at ?? 0, length, PROT_NONE, flags);
  if (start >= 0) yield* user.mprotect(start, length, protection);
  return start;
}
