/**
 * Two processes copy the amap that they have in common after a fork, each for itself, and neither keeps the old one.
 *
 *     parent: stores to X                  child: stores to X
 *       references 2: a copy is needed
 *                                            references 2: a copy is needed
 *       lock the amap, copy it
 *       references 1, unlock
 *                                            lock the amap                 <- nobody asks whether it is the child's alone by now
 *                                            copy it
 *                                            references 0
 */
import { definePatch, MAP_ANON, MAP_FIXED, MAP_PRIVATE, PAGE_SIZE, PROT_READ, PROT_WRITE } from '@faultline/kernel';
import { defineProgram } from '@faultline/program';
import type { CatalogueEntry } from './entry.js';

const X = 0x100000;

const defect = definePatch({
  id: 'netbsd-race-amap-copy',
  summary: 'amap_copy does not look at the reference count once more when it has the amap locked',
  replace: { uvm: { amapCopyIsLast: () => () => false } },
});

const countedAgain = definePatch({
  id: 'netbsd-amap-copy-counts-again',
  summary: 'amap_copy takes the amap over when the other reference has gone before the amap was locked',
  replace: { uvm: { amapCopyIsLast: () => (source) => source.references === 1 } },
});

const program = defineProgram({
  name: 'catalogue:netbsd-race-amap-copy',
  machine: { ramPages: 32 },
  *setUp(user) {
    yield* user.mmap(X, PAGE_SIZE, PROT_READ | PROT_WRITE, MAP_ANON | MAP_PRIVATE | MAP_FIXED);
    yield* user.store8(X, 1);
  },
  *main(user) {
    yield* user.fork(function* (child) {
      yield* child.store8(X, 2);
    });
    yield* user.store8(X, 3);
  },
});

/** The entry. */
export const amapCopy: CatalogueEntry = {
  id: 'netbsd-race-amap-copy',
  system: 'NetBSD',
  historical: false,
  title: 'parent and child store to the same page after a fork, and both copy the amap',
  story:
    'No release had it. A first store after a fork copies the amap if someone else refers to it. Two who store at the same time both see ' +
    'the other; the one who comes second has to look once more under the lock, for by then nobody else has the amap, and it can be kept as ' +
    'it is. If it is copied all the same, nobody refers to it any more: an assertion says so, and without assertions it is lost with all ' +
    'its pages.',
  program,
  defect,
  finds: { kind: 'panic', text: 'assertion "srcamap->am_ref > 0" failed' },
  remedies: [{ patch: countedAgain, history: 'what the kernel does', cures: true }],
};
