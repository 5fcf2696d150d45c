/**
 * The last reference to an anon goes while its page is on its way to swap: PR 23171.
 *
 *     program: exits                          page daemon's write
 *                                               page busy ── write begins
 *       the anon has no reference any more
 *       its page is busy: to be freed by
 *       whoever has it busy
 *       free the anon                                                        <- whoever has the page busy needs it
 *                                               write is over: lock the anon of the page
 */
import {
  definePatch,
  MAP_ANON,
  MAP_FIXED,
  MAP_PRIVATE,
  NO_PAGE,
  PAGE_SIZE,
  PG_BUSY,
  PG_CLEAN,
  PG_PAGEOUT,
  PG_RELEASED,
  PROT_NONE,
  PROT_READ,
  PROT_WRITE,
  type Step,
  type Uvm,
} from '@faultline/kernel';
import type { Program } from '@faultline/program';
import type { CatalogueEntry } from './entry.js';

const X = 0x100000;

const defect = definePatch({
  id: 'netbsd-2003-anon-exit-swap',
  summary: 'uvm_anfree marks a busy page as released, and frees its anon at once',
  replace: {
    uvm: {
      uvmAnonDispose: (original) =>
        function* (anon) {
          const { page } = anon;
          if (page === NO_PAGE || (this.pages.flags(page) & PG_BUSY) === 0) return yield* original.call(this, anon);
          this.machine.pmapPageProtect(page, PROT_NONE);
          this.pages.setFlags(page, PG_RELEASED);
          // The page goes on pointing to it.
          anon.page = NO_PAGE;
          this.uvmAnonDropswap(anon);
          return true;
        },
    },
  },
});

const keptUntilReleased = definePatch({
  id: 'netbsd-anon-release',
  summary: 'an anon whose page is busy lives on until uvm_anon_release, which whoever has the page busy calls',
  replace: {
    uvm: {
      uvmAnonDispose: (original) =>
        function* (anon) {
          const { page } = anon;
          if (page === NO_PAGE || (this.pages.flags(page) & PG_BUSY) === 0) return yield* original.call(this, anon);
          this.machine.pmapPageProtect(page, PROT_NONE);
          this.pages.setFlags(page, PG_RELEASED);
          return false;
        },
    },
  },
});

/** Begins to write the program's page to swap, as the page daemon would that has found it, and does not wait for it. */
function* pagesOut(uvm: Uvm): Step<void> {
  const { machine, pages } = uvm;
  const [amap] = uvm.amaps;
  if (amap === undefined) return;
  yield* amap.lock.enter();
  const anon = amap.at(0);
  const page = anon?.page ?? NO_PAGE;
  const slots = page === NO_PAGE ? null : uvm.uvmSwapAlloc(1, { lessOk: false });
  if (anon === null || slots === null) {
    yield* amap.lock.exit();
    return;
  }
  machine.pmapPageProtect(page, PROT_NONE);
  machine.pmapClearModify(page);
  pages.setFlags(page, PG_BUSY | PG_PAGEOUT | PG_CLEAN);
  uvm.uvmPageOwn(page, 'pagesOut');
  yield* uvm.pageqLock.enter();
  uvm.uvmPagedequeue(page);
  yield* uvm.pageqLock.exit();
  anon.swapSlot = slots.slot;
  yield* amap.lock.exit();
  uvm.uvmPageoutStart(1);
  yield* uvm.uvmSwapPut(slots.slot, [page]);
}

/** One page is enough, and few enough steps to try them in every order. A page daemon that is short of memory takes many. */
const program: Program = {
  name: 'catalogue:netbsd-2003-anon-exit-swap',
  machine: { ramPages: 48, swap: [{ name: 'wd0', pages: 2 }] },
  run(session) {
    const { system } = session;
    const process = system.spawn('main');
    session.withoutCounting(() =>
      system.perform(process, function* (user) {
        yield* user.mmap(X, PAGE_SIZE, PROT_READ | PROT_WRITE, MAP_ANON | MAP_PRIVATE | MAP_FIXED);
        yield* user.store8(X, 7);
      }),
    );
    const [thread] = process.lwps;
    if (thread !== undefined) {
      system.startProgram(thread, function* (user) {
        yield* user.exit(0);
      });
    }
    system.kern.scheduler.spawn(() => pagesOut(system.uvm));
    system.run();
  },
};

/** The entry. */
export const anonExitSwap: CatalogueEntry = {
  id: 'netbsd-2003-anon-exit-swap',
  system: 'NetBSD',
  historical: true,
  title: 'a process exits while its pages are on their way to swap, and frees anons that the I/O still needs',
  story:
    'A page that is being written to swap, or read from it, is busy, and nobody else may touch it. A process that exits gives up its ' +
    'memory all the same: for such a page it only left word that the page is to be freed when the I/O is over, and freed the anon to ' +
    'which it belongs. When the I/O was over, its completion asked the page for its anon, which had been freed and perhaps given to ' +
    'somebody else by then (PR 23171). Since then the anon lives on, without a reference, until whoever has the ' +
    'page busy calls uvm_anon_release.',
  program,
  defect,
  finds: { kind: 'panic', text: 'an_lock' },
  remedies: [{ patch: keptUntilReleased, history: 'what NetBSD did', cures: true }],
};
