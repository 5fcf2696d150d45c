/**
 * A store through a mapping of a file, against ftruncate of the file, and msync of it.
 *
 *     process 1  thread 1: ftruncate to nothing, and back to a page
 *                thread 2: store ── the page's fault ── write-back of the page: thread 3, msync
 */
import { MAP_FIXED, MAP_SHARED, MS_SYNC, O_RDWR, PAGE_SIZE, PROT_READ, PROT_WRITE, SIGBUS } from '@faultline/kernel';
import { defineProgram } from '@faultline/program';

const PAGE = 0x10000000;
/** The descriptor that a process gets first. */
const FD = 0;

export default defineProgram({
  name: 'fault-truncate-msync',
  machine: { ramPages: 32 },
  files: { '/file': 'text' },
  *setUp(user) {
    // Beyond the end of the file there is nothing to store into.
    user.sigaction(SIGBUS, function* () {
      return 'skip';
    });
    yield* user.open('/file', O_RDWR);
    yield* user.mmap(PAGE, PAGE_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, FD);
  },
  *main(user) {
    yield* user.lwpCreate(function* (thread) {
      yield* thread.store8(PAGE, 1);
    });
    yield* user.lwpCreate(function* (thread) {
      yield* thread.msync(PAGE, PAGE_SIZE, MS_SYNC);
    });
    yield* user.ftruncate(FD, 0);
    yield* user.ftruncate(FD, 4);
  },
});
