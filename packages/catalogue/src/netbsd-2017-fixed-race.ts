/**
 * NetBSD 2017: mmap(MAP_FIXED) over an old mapping lets another thread in between (PR 52239).
 *
 *     thread 1                       thread 2                  map
 *     mmap(X, MAP_FIXED)                                       [── X: placeholder ──)
 *       lock, unmap X, unlock                                  [        hole        )
 *                                    mmap(near X)              [── X: thread 2's ───)
 *       lock, map X                                            ENOMEM: there is no room at X
 */
import {
  asVa,
  definePatch,
  MAP_ANON,
  MAP_FIXED,
  MAP_PRIVATE,
  PAGE_SIZE,
  PROT_NONE,
  PROT_READ,
  PROT_WRITE,
  UVM_FLAG_UNMAP,
} from '@faultline/kernel';
import { CheckFailed, defineProgram } from '@faultline/program';
import type { CatalogueEntry } from './entry.js';

const X = 0x100000;
const READ_WRITE = PROT_READ | PROT_WRITE;
const PRIVATE = MAP_ANON | MAP_PRIVATE;

const defect = definePatch({
  id: 'netbsd-2017-fixed-race',
  summary: 'mmap(MAP_FIXED) unmaps what is there before it locks the map once more to put the new mapping there',
  replace: {
    uvm: {
      uvmMap: (original) =>
        function* (map, args) {
          if ((args.flags & UVM_FLAG_UNMAP) === 0) return yield* original.call(this, map, args);
          yield* this.uvmUnmap(map, args.hint, asVa(args.hint + args.size));
          return yield* original.call(this, map, { ...args, flags: args.flags & ~UVM_FLAG_UNMAP });
        },
    },
  },
});

const replacedInOneHold = definePatch({
  id: 'netbsd-fixed-replaces-in-one-hold',
  summary: 'mmap(MAP_FIXED) takes the old mapping out and puts the new one in under one hold of the map lock',
  replace: {
    uvm: {
      uvmMap: (original) =>
        function* (map, args) {
          if ((args.flags & UVM_FLAG_UNMAP) === 0) return yield* original.call(this, map, args);
          const place = yield* this.uvmMapPrepare(map, args);
          if (typeof place === 'number') return -place;
          const errno = yield* this.uvmMapEnter(map, args, place.previous, place.start);
          return errno === 0 ? place.start : -errno;
        },
    },
  },
});

const program = defineProgram({
  name: 'catalogue:netbsd-2017-fixed-race',
  machine: { ramPages: 32 },
  *setUp(user) {
    yield* user.mmap(X, PAGE_SIZE, PROT_NONE, PRIVATE | MAP_FIXED);
  },
  *main(user) {
    yield* user.lwpCreate(function* (other) {
      // Near X, wherever there is room.
      yield* other.mmap(X, PAGE_SIZE, READ_WRITE, PRIVATE);
    });
    const got = yield* user.mmap(X, PAGE_SIZE, READ_WRITE, PRIVATE | MAP_FIXED);
    if (got !== X) throw new CheckFailed('mmap(MAP_FIXED) over a mapping of its own fails');
  },
});

/** The entry. */
export const fixedRace: CatalogueEntry = {
  id: 'netbsd-2017-fixed-race',
  system: 'NetBSD',
  historical: true,
  title: 'mmap(MAP_FIXED) of a range that is mapped fails, because another thread takes the place',
  story:
    'PR 52239. A program reserves addresses with an inaccessible mapping and later maps over parts of it with MAP_FIXED, which must not fail. ' +
    'The kernel unmapped the old mapping and mapped the new one in two holds of the map lock; another thread that mapped memory ' +
    'anywhere could be given the hole between them. Since 2017 both are done in one hold.',
  program,
  defect,
  finds: { kind: 'check', text: 'mmap(MAP_FIXED) over a mapping of its own fails' },
  remedies: [{ patch: replacedInOneHold, history: 'made in 2017', cures: true }],
};
