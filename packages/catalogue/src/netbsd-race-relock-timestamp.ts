/**
 * A fault that has waited for I/O goes on with the map entry of before.
 *
 *     thread 1: load from X               thread 2: mmap(X, MAP_FIXED)
 *       entry of X: the file
 *       unlock the map, read the page
 *       ...                                 X: anonymous memory; the entry of before has left the map
 *       lock the map                                                      <- nobody asks whether its timestamp is still the same
 *       enter the page of the file at X
 */
import {
  definePatch,
  MAP_ANON,
  MAP_FIXED,
  MAP_PRIVATE,
  MAP_SHARED,
  O_RDWR,
  PAGE_SIZE,
  PROT_READ,
  PROT_WRITE,
} from '@faultline/kernel';
import { defineProgram } from '@faultline/program';
import type { CatalogueEntry } from './entry.js';

const X = 0x100000;

const defect = definePatch({
  id: 'netbsd-race-relock-timestamp',
  summary: 'uvmfault_relock locks the map and does not ask whether it has changed',
  replace: {
    uvm: {
      uvmfaultRelock: () =>
        function* (fault) {
          yield* this.vmMapLockRead(fault.map);
          return true;
        },
    },
  },
});

const timestampIsCompared = definePatch({
  id: 'netbsd-relock-compares-timestamp',
  summary: 'uvmfault_relock gives up when the map has been locked for writing since the entry was looked up',
  replace: {
    uvm: {
      uvmfaultRelock: (original) =>
        function* (fault) {
          const locked = yield* original.call(this, fault);
          if (locked && fault.mapVersion === fault.map.timestamp) return true;
          if (locked) yield* this.uvmfaultUnlockmaps(fault, { write: false });
          return false;
        },
    },
  },
});

const addressIsLookedUp = definePatch({
  id: 'netbsd-relock-looks-at-address',
  summary: 'uvmfault_relock gives up when nothing is mapped at the address any more',
  replace: {
    uvm: {
      uvmfaultRelock: (original) =>
        function* (fault) {
          const locked = yield* original.call(this, fault);
          if (locked && this.uvmMapLookupEntry(fault.map, fault.va).contains(fault.va)) return true;
          if (locked) yield* this.uvmfaultUnlockmaps(fault, { write: false });
          return false;
        },
    },
  },
});

const program = defineProgram({
  name: 'catalogue:netbsd-race-relock-timestamp',
  machine: { ramPages: 32, blockSize: PAGE_SIZE },
  files: { file: { size: PAGE_SIZE } },
  *setUp(user) {
    const fd = yield* user.open('file', O_RDWR);
    yield* user.mmap(X, PAGE_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, fd);
    yield* user.close(fd);
  },
  *main(user) {
    yield* user.lwpCreate(function* (other) {
      yield* other.mmap(X, PAGE_SIZE, PROT_READ | PROT_WRITE, MAP_ANON | MAP_PRIVATE | MAP_FIXED);
    });
    yield* user.load8(X);
  },
});

/** The entry. */
export const relockTimestamp: CatalogueEntry = {
  id: 'netbsd-race-relock-timestamp',
  system: 'NetBSD',
  historical: false,
  title: 'a fault maps a page of a file where the file is not mapped any more',
  story:
    'No release had it. A fault that needs I/O lets go of the map, and must not use its entry afterwards unless the map is as it was: ' +
    'uvmfault_relock compares the timestamp. Without that, a page of the old mapping is entered at an address that has become ' +
    "another's, or nobody's; it stays there when the new mapping is changed or taken away, and shows one program the bytes of another file.",
  program,
  defect,
  finds: { kind: 'invariant', text: 'mapping-allowed' },
  remedies: [
    { patch: timestampIsCompared, history: 'what the kernel does', cures: true },
    { patch: addressIsLookedUp, history: 'an obvious try: something is mapped there, but it is something else', cures: false },
  ],
};
