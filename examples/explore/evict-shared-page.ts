/**
 * Two processes store to a page that they share for copying on write, while the page daemon evicts it.
 *
 *     parent: store ──┐
 *                     ├──> the page, and the lock of its owner <── page daemon: try-lock, write to swap, free
 *     child:  store ──┘
 *
 * The machine has so few pages that the first copy wakes the page daemon. The shared page is the first that it looks at; behind it are
 * pages of a file, which nobody needs any more.
 */
import {
  MADV_DONTNEED,
  MAP_ANON,
  MAP_FIXED,
  MAP_PRIVATE,
  MAP_SHARED,
  O_RDONLY,
  PAGE_SIZE,
  PROT_READ,
  PROT_WRITE,
} from '@faultline/kernel';
import { CheckFailed, defineProgram } from '@faultline/program';

const PAGE = 0x10000000;
const FILE = 0x20000000;
const FILE_PAGES = 3;

export default defineProgram({
  name: 'evict-shared-page',
  machine: { ramPages: 9, blockSize: PAGE_SIZE, swap: [{ name: 'wd0', pages: 4 }] },
  files: { '/file': { size: FILE_PAGES * PAGE_SIZE } },
  *setUp(user) {
    yield* user.mmap(PAGE, PAGE_SIZE, PROT_READ | PROT_WRITE, MAP_ANON | MAP_PRIVATE | MAP_FIXED);
    yield* user.store8(PAGE, 1);
    yield* user.madvise(PAGE, PAGE_SIZE, MADV_DONTNEED);
    const fd = yield* user.open('/file', O_RDONLY);
    yield* user.mmap(FILE, FILE_PAGES * PAGE_SIZE, PROT_READ, MAP_SHARED | MAP_FIXED, fd);
    for (let page = 0; page < FILE_PAGES; page++) yield* user.load8(FILE + page * PAGE_SIZE);
    yield* user.madvise(FILE, FILE_PAGES * PAGE_SIZE, MADV_DONTNEED);
    yield* user.munmap(FILE, FILE_PAGES * PAGE_SIZE);
    yield* user.close(fd);
  },
  *main(user) {
    yield* user.fork(function* (child) {
      yield* child.store8(PAGE + 1, 2);
      if ((yield* child.load8(PAGE)) !== 1) throw new CheckFailed('the child has lost what the page held');
    });
    yield* user.store8(PAGE + 2, 3);
    if ((yield* user.load8(PAGE)) !== 1) throw new CheckFailed('the parent has lost what the page held');
    if ((yield* user.load8(PAGE + 1)) !== 0) throw new CheckFailed("the parent sees the child's store");
  },
});
