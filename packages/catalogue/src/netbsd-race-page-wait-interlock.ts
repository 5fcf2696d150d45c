/**
 * A thread that waits for a busy page lets go of the owner's lock first, and falls asleep then.
 *
 *     thread 1: has the page busy          thread 2: wants it
 *                                            page is busy: note that it is wanted
 *                                            unlock the object
 *       lock the object
 *       not busy any more; wanted: wake up whoever sleeps: nobody
 *                                            sleep                        <- for ever
 */
import { definePatch, MAP_FIXED, MAP_SHARED, O_RDWR, PAGE_SIZE, PG_BUSY, PROT_READ, sleepOn } from '@faultline/kernel';
import { defineProgram } from '@faultline/program';
import type { CatalogueEntry } from './entry.js';

const MAPPED = 0x100000;
const FD = 0;

const defect = definePatch({
  id: 'netbsd-race-page-wait-interlock',
  summary: "the lock of a page's owner is released before the thread that waits for the page falls asleep, and not as it does",
  replace: {
    uvm: {
      uvmPageWait: () =>
        function* (page, lock, message) {
          const channel = this.uvmPageWant(page);
          yield* lock.exit();
          yield* sleepOn(this.kern.scheduler, channel, { message });
        },
    },
  },
});

const lockGoesAsleep = definePatch({
  id: 'netbsd-page-wait-keeps-interlock',
  summary: "the lock of a page's owner is released as the thread falls asleep, in one step",
  replace: {
    uvm: {
      uvmPageWait: () =>
        function* (page, lock, message) {
          yield* sleepOn(this.kern.scheduler, this.uvmPageWant(page), { message, interlock: lock });
        },
    },
  },
});

const looksOnceMore = definePatch({
  id: 'netbsd-page-wait-looks-once-more',
  summary: 'a thread that is about to sleep for a page looks whether the page is busy still, and holds no lock then',
  replace: {
    uvm: {
      uvmPageWait: () =>
        function* (page, lock, message) {
          const channel = this.uvmPageWant(page);
          yield* lock.exit();
          if (this.pages.flags(page) & PG_BUSY) yield* sleepOn(this.kern.scheduler, channel, { message });
        },
    },
  },
});

const program = defineProgram({
  name: 'catalogue:netbsd-race-page-wait-interlock',
  machine: { ramPages: 32, blockSize: PAGE_SIZE },
  files: { file: { size: PAGE_SIZE } },
  *setUp(user) {
    yield* user.open('file', O_RDWR);
    yield* user.mmap(MAPPED, PAGE_SIZE, PROT_READ, MAP_SHARED | MAP_FIXED, FD);
  },
  *main(user) {
    yield* user.lwpCreate(function* (other) {
      yield* other.load8(MAPPED);
    });
    yield* user.load8(MAPPED);
  },
});

/** The entry. */
export const pageWaitInterlock: CatalogueEntry = {
  id: 'netbsd-race-page-wait-interlock',
  system: 'NetBSD',
  historical: false,
  title: 'a lost wakeup: a thread sleeps for ever for a page that nobody has busy',
  story:
    'No release had it. Whoever finds a page busy marks it as wanted and sleeps; whoever is done with it wakes the sleepers. Both do so ' +
    "under the lock of the page's owner, and UVM_UNLOCK_AND_WAIT gives it up in the same step in which the thread falls asleep. With a " +
    'step between the two, the wakeup can come when nobody sleeps yet, and there will not be another.',
  program,
  defect,
  finds: { kind: 'sleeps-for-ever', text: 'sleeps on "uvn_fp2"' },
  remedies: [
    { patch: lockGoesAsleep, history: 'what the kernel does', cures: true },
    { patch: looksOnceMore, history: 'an obvious try: the step between looking and sleeping is still there', cures: false },
  ],
};
