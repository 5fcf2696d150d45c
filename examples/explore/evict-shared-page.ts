/**
 * Two processes store to a page that they share for copying on write, while the page daemon evicts it.
 *
 *     parent: store ──┐
 *                     ├──> the page, and the lock of its owner <── page daemon: try-lock, write to swap, free
 *     child:  store ──┘
 *
 * With `oneScan` the daemon looks once, and takes whatever has been idle; then all there is can be covered:
 *
 *     faultline explore examples/explore/evict-shared-page.ts --patch examples/explore/evict-shared-page.ts#oneScan --budget 5m
 */
import {
  definePatch,
  MADV_DONTNEED,
  MAP_ANON,
  MAP_FIXED,
  MAP_PRIVATE,
  PAGE_SIZE,
  PROT_READ,
  PROT_WRITE,
  type Step,
  type User,
} from '@faultline/kernel';
import { CheckFailed, type Program } from '@faultline/program';

const PAGE = 0x10000000;
const BYTE = 7;

/** The page daemon looks once, and takes all that has been idle; there is memory enough for everybody else, so nobody calls it again. */
export const oneScan = definePatch({
  id: 'one-scan',
  summary: 'the page daemon looks once, and takes all that has been idle',
  replace: {
    uvm: {
      uvmKickPdaemon: () => () => {},
      uvmpdScanGoal: () =>
        function () {
          return this.uvmexp.npages;
        },
    },
  },
});

/** Stores next to what the page held before the fork, and looks whether that is still there. */
function* storeAndLook(user: User, at: number): Step<void> {
  yield* user.store8(PAGE + at, at);
  if ((yield* user.load8(PAGE)) !== BYTE) throw new CheckFailed(`process ${at} has lost what the page held`);
}

const program: Program = {
  name: 'evict-shared-page',
  machine: { ramPages: 24, swap: [{ name: 'wd0', pages: 8 }], blockSize: PAGE_SIZE },
  run(session) {
    const { system } = session;
    const parent = system.spawn('parent');
    session.withoutCounting(() =>
      system.perform(parent, function* (user) {
        yield* user.mmap(PAGE, PAGE_SIZE, PROT_READ | PROT_WRITE, MAP_ANON | MAP_PRIVATE | MAP_FIXED);
        yield* user.store8(PAGE, BYTE);
        yield* user.fork();
        yield* user.madvise(PAGE, PAGE_SIZE, MADV_DONTNEED);
      }),
    );
    // Threads in processes that stay: how processes end has nothing to do with it.
    for (const process of [...system.sys.processes.values()]) {
      system.startProgram(system.sys.addLwp(process), (user) => storeAndLook(user, process.pid));
    }
    system.uvm.uvmpdWakeup();
    system.run();
  },
};
export default program;
