/**
 * Two processes that have an amap in common give it up at the same time, and both believe that the other one still has it.
 *
 *     parent: exits                        child: exits
 *       references 2: not the last
 *                                            references 2: not the last
 *       lock the amap                                                     <- nobody looks once more under the lock
 *       references 1
 *                                            lock the amap
 *                                            references 0: and nobody destroys it
 */
import { definePatch, MAP_ANON, MAP_FIXED, MAP_SHARED, PAGE_SIZE, PROT_READ, PROT_WRITE } from '@faultline/kernel';
import { defineProgram } from '@faultline/program';
import type { CatalogueEntry } from './entry.js';

const X = 0x100000;

const defect = definePatch({
  id: 'netbsd-race-amap-last-reference',
  summary: 'amap_unref decides before it has the amap locked whether its reference is the last one',
  replace: {
    uvm: {
      amapUnref: (original) =>
        function* (entry, options) {
          const { amap } = entry;
          if (amap === null || amap.references === 1) return yield* original.call(this, entry, options);
          yield* amap.lock.enter();
          amap.references--;
          yield* this.uvmAnonFreelst(amap, this.amapPpAdjref(amap, entry.amapOffset, entry.size / PAGE_SIZE, -1));
        },
    },
  },
});

const decidedUnderLock = definePatch({
  id: 'netbsd-last-reference-under-lock',
  summary: 'amap_unref destroys the amap when its reference turns out to be the last one under the lock',
  replace: {
    uvm: {
      amapUnref: () =>
        function* (entry) {
          const amap = entry.amap ?? this.kern.panic('amap_unref: entry has no amap');
          yield* amap.lock.enter();
          amap.references--;
          if (amap.references === 0) return yield* this.amapWipeout(amap);
          yield* this.uvmAnonFreelst(amap, this.amapPpAdjref(amap, entry.amapOffset, entry.size / PAGE_SIZE, -1));
        },
    },
  },
});

const program = defineProgram({
  name: 'catalogue:netbsd-race-amap-last-reference',
  machine: { ramPages: 32 },
  *setUp(user) {
    yield* user.mmap(X, PAGE_SIZE, PROT_READ | PROT_WRITE, MAP_ANON | MAP_SHARED | MAP_FIXED);
  },
  *main(user) {
    yield* user.fork(function* () {});
  },
});

/** The entry. */
export const amapLastReference: CatalogueEntry = {
  id: 'netbsd-race-amap-last-reference',
  system: 'NetBSD',
  historical: false,
  title: 'a leak: parent and child exit at the same time, and nobody frees what they shared',
  story:
    'No release had it. amap_unref asks under the lock of the amap whether its reference is the last one. Asked before, the answer can be ' +
    'out of date when the lock is had: of two processes that give up the amap at the same time each sees the other, both only count down, ' +
    'and the amap stays, with all that is in it, though nobody knows of it any more.',
  program,
  defect,
  finds: { kind: 'leak', text: 'the count of amaps is 1' },
  remedies: [{ patch: decidedUnderLock, history: 'what the kernel does', cures: true }],
};
