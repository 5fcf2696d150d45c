/**
 * Two threads fault on one copy-on-write page after a fork, while a third unmaps it and maps it again.
 *
 *     parent  thread 1: munmap, mmap ──┐
 *             thread 2: store ─────────┼──> the page    child holds the other reference to the amap
 *             thread 3: store ─────────┘
 */
import { MAP_ANON, MAP_FIXED, MAP_PRIVATE, PAGE_SIZE, PROT_READ, PROT_WRITE, SIGSEGV, type User } from '@faultline/kernel';
import { defineProgram } from '@faultline/program';

const PAGE = 0x10000000;

function* map(user: User) {
  return yield* user.mmap(PAGE, PAGE_SIZE, PROT_READ | PROT_WRITE, MAP_ANON | MAP_PRIVATE | MAP_FIXED);
}

export default defineProgram({
  name: 'fork-fault-remap',
  machine: { ramPages: 32 },
  *setUp(user) {
    // Whoever finds the hole goes on behind the store that did not happen.
    user.sigaction(SIGSEGV, function* () {
      return 'skip';
    });
    yield* map(user);
    yield* user.store8(PAGE, 1);
    yield* user.fork();
  },
  *main(user) {
    for (const byte of [2, 3]) {
      yield* user.lwpCreate(function* (thread) {
        yield* thread.store8(PAGE, byte);
      });
    }
    yield* user.munmap(PAGE, PAGE_SIZE);
    yield* map(user);
  },
});
