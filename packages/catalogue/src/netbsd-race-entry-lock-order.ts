/**
 * The layers of an entry are locked in the wrong order, the lower before the upper.
 *
 *     parent: mprotect                     child: a fault
 *       lock the object
 *                                            lock the amap
 *       wait for the amap                                                 <- the upper layer comes first, here as everywhere
 *                                            wait for the object
 *
 * Parent and child share the mapping, each with a map of its own: so neither waits for the other at the map.
 */
import {
  definePatch,
  MAP_FIXED,
  MAP_INHERIT_SHARE,
  MAP_PRIVATE,
  O_RDWR,
  PAGE_SIZE,
  PROT_READ,
  PROT_WRITE,
} from '@faultline/kernel';
import { defineProgram } from '@faultline/program';
import type { CatalogueEntry } from './entry.js';

const X = 0x100000;
const Y = X + PAGE_SIZE;

const defect = definePatch({
  id: 'netbsd-race-entry-lock-order',
  summary: "uvm_map_lock_entry locks the entry's object before its amap",
  replace: {
    uvm: {
      uvmMapLockEntry: () =>
        function* ({ amap, object }) {
          if (object !== null) yield* object.lock.enter();
          if (amap !== null) yield* amap.lock.enter();
        },
    },
  },
});

const upperFirst = definePatch({
  id: 'netbsd-entry-upper-layer-first',
  summary: "uvm_map_lock_entry locks the entry's amap before its object",
  replace: {
    uvm: {
      uvmMapLockEntry: () =>
        function* ({ amap, object }) {
          if (amap !== null) yield* amap.lock.enter();
          if (object !== null) yield* object.lock.enter();
        },
    },
  },
});

const backsOff = definePatch({
  id: 'netbsd-entry-lock-backs-off',
  summary: "uvm_map_lock_entry lets go of the entry's object when it cannot have the amap at once, and begins anew",
  replace: {
    uvm: {
      uvmMapLockEntry: () =>
        function* ({ amap, object }) {
          for (;;) {
            if (object !== null) yield* object.lock.enter();
            if (amap === null || (yield* amap.lock.tryEnter())) return;
            if (object !== null) yield* object.lock.exit();
            yield* amap.lock.enter();
            yield* amap.lock.exit();
          }
        },
    },
  },
});

const program = defineProgram({
  name: 'catalogue:netbsd-race-entry-lock-order',
  machine: { ramPages: 32, blockSize: PAGE_SIZE },
  files: { file: { size: 2 * PAGE_SIZE } },
  *setUp(user) {
    const fd = yield* user.open('file', O_RDWR);
    yield* user.mmap(X, 2 * PAGE_SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_FIXED, fd);
    yield* user.close(fd);
    yield* user.minherit(X, 2 * PAGE_SIZE, MAP_INHERIT_SHARE);
    yield* user.load8(Y);
    yield* user.store8(X, 1);
  },
  *main(user) {
    yield* user.fork(function* (child) {
      yield* child.load8(Y);
    });
    yield* user.mprotect(X, 2 * PAGE_SIZE, PROT_READ);
  },
});

/** The entry. */
export const entryLockOrder: CatalogueEntry = {
  id: 'netbsd-race-entry-lock-order',
  system: 'NetBSD',
  historical: false,
  title: 'a deadlock: mprotect locks the layers of an entry in the wrong order',
  story:
    'No release had it. The order is map, amap, object. Within one process the map lock hides a mistake in it: whoever changes an entry has ' +
    'the map locked for writing, and nobody faults meanwhile. Processes that share memory have the amap and the object in common, but not ' +
    'the map; there a fault in one and mprotect in the other wait for each other.',
  program,
  defect,
  finds: { kind: 'deadlock', text: '2 threads wait for each other' },
  remedies: [
    { patch: upperFirst, history: 'what the kernel does', cures: true },
    { patch: backsOff, history: 'another way: to try, and to begin anew', cures: true },
  ],
};
