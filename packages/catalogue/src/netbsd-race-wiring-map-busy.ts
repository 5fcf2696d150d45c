/**
 * Between the two passes of mlock the map is not kept busy, and another thread unlocks what is about to be wired.
 *
 *     thread 1: mlock(X)                   thread 2: munlock(X)
 *       lock the map
 *       pass 1: wired_count 1
 *       unlock the map                                                    <- which has to stay busy until pass 2 is done
 *                                            lock the map
 *                                            wired_count 1: unwire the page, which is not wired yet
 *       pass 2: wire the page
 */
import { definePatch, MAP_ANON, MAP_FIXED, MAP_PRIVATE, PAGE_SIZE, PROT_READ, PROT_WRITE } from '@faultline/kernel';
import { defineProgram } from '@faultline/program';
import type { CatalogueEntry } from './entry.js';

const X = 0x100000;

const defect = definePatch({
  id: 'netbsd-race-wiring-map-busy',
  summary: 'a map is not marked as busy while it is unlocked between the two passes of wiring',
  replace: { uvm: { vmMapBusy: () => function* () {}, vmMapUnbusy: () => function* () {} } },
});

const mapIsBusy = definePatch({
  id: 'netbsd-wiring-keeps-map-busy',
  summary: 'a map is busy from the first pass of wiring to the end of the second, and nobody else locks it for writing',
  replace: {
    uvm: {
      vmMapBusy: () =>
        function* (map) {
          yield* map.miscLock.enter();
          map.busy = this.curlwp;
          yield* map.miscLock.exit();
        },
      vmMapUnbusy: () =>
        function* (map) {
          yield* map.miscLock.enter();
          map.busy = null;
          yield* map.cv.broadcast();
          yield* map.miscLock.exit();
        },
    },
  },
});

const program = defineProgram({
  name: 'catalogue:netbsd-race-wiring-map-busy',
  machine: { ramPages: 32 },
  *setUp(user) {
    yield* user.mmap(X, PAGE_SIZE, PROT_READ | PROT_WRITE, MAP_ANON | MAP_PRIVATE | MAP_FIXED);
    yield* user.store8(X, 1);
  },
  *main(user) {
    yield* user.lwpCreate(function* (other) {
      yield* other.munlock(X, PAGE_SIZE);
    });
    yield* user.mlock(X, PAGE_SIZE);
  },
});

/** The entry. */
export const wiringMapBusy: CatalogueEntry = {
  id: 'netbsd-race-wiring-map-busy',
  system: 'NetBSD',
  historical: false,
  title: 'munlock between the two passes of mlock unwires a page that is not wired yet',
  story:
    'No release had it. mlock counts entries under the lock of the map, and faults their pages in without it, for that can take long. ' +
    'Meanwhile the map is busy: faults come in, changes wait. Without that, an munlock finds entries that say they are wired, with pages ' +
    'that are not.',
  program,
  defect,
  finds: { kind: 'panic', text: 'assertion "pg->wire_count != 0" failed' },
  remedies: [{ patch: mapIsBusy, history: 'what the kernel does', cures: true }],
};
