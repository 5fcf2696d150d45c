/**
 * mlock against mprotect and munmap of the same range.
 *
 *     thread 1: mlock     [0 ........ 2)     two pages, one of them resident
 *     thread 2: mprotect  [0 .. 1)           splits the entry
 *     thread 3: munmap        [1 .. 2)       takes the other half away
 */
import { MAP_ANON, MAP_FIXED, MAP_PRIVATE, PAGE_SIZE, PROT_READ, PROT_WRITE } from '@faultline/kernel';
import { defineProgram } from '@faultline/program';

const START = 0x10000000;

export default defineProgram({
  name: 'mlock-mprotect-munmap',
  machine: { ramPages: 32 },
  *setUp(user) {
    yield* user.mmap(START, 2 * PAGE_SIZE, PROT_READ | PROT_WRITE, MAP_ANON | MAP_PRIVATE | MAP_FIXED);
    yield* user.store8(START, 1);
  },
  *main(user) {
    yield* user.lwpCreate(function* (thread) {
      yield* thread.mprotect(START, PAGE_SIZE, PROT_READ);
    });
    yield* user.lwpCreate(function* (thread) {
      yield* thread.munmap(START + PAGE_SIZE, PAGE_SIZE);
    });
    yield* user.mlock(START, 2 * PAGE_SIZE);
    yield* user.munlock(START, 2 * PAGE_SIZE);
  },
});
