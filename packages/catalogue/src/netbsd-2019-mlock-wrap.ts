/**
 * NetBSD 2019: an mlock whose length wraps wires an empty range in another place.
 *
 *     mlock(x, -page)                          [a .. y)[y .. x)[x .. b)        y = x - page
 *       the range is x to y: it ends before it begins
 *       VM_MAP_RANGE_CHECK makes it empty: y to y                              <- the end, where nothing was asked for
 *       pass 1 counts                          [y .. b) wired 1
 *       pass 2 faults in while start < end     y < y: no round                 <- so no page is wired
 *       return 0
 */
import {
  asVa,
  definePatch,
  EFAULT,
  ENOMEM,
  MAP_ANON,
  MAP_FIXED,
  MAP_PRIVATE,
  PAGE_SIZE,
  PROT_READ,
  PROT_WRITE,
} from '@faultline/kernel';
import { CheckFailed, defineProgram } from '@faultline/program';
import type { CatalogueEntry } from './entry.js';
import { emptyRangeReturns, uvmMapPageableUntil2019, wrappedRangeIsRefused } from './wiring.js';

const START = 0x100000;
const X = START + 2 * PAGE_SIZE;

const defect = definePatch({
  id: 'netbsd-2019-mlock-wrap',
  summary:
    'mlock does not test whether its range wraps, and uvm_map_pageable asks only before it has checked the range whether it is empty',
  replace: {
    sys: {
      sysMlock: () =>
        function* (address, length) {
          const start = address - (address % PAGE_SIZE);
          const end = Math.ceil((address + length) / PAGE_SIZE) * PAGE_SIZE;
          const errno = yield* this.vm.wire(this.spaceOf(this.processOf(this.curlwp)), asVa(start), asVa(end));
          return -(errno === EFAULT ? ENOMEM : errno);
        },
    },
    uvm: {
      uvmMapPageable: (original) =>
        function* (map, from, to, options) {
          const pageable = from === to ? original : uvmMapPageableUntil2019;
          return yield* pageable.call(this, map, from, to, options);
        },
    },
  },
});

const program = defineProgram({
  name: 'catalogue:netbsd-2019-mlock-wrap',
  machine: { ramPages: 32, counterWidth: 16 },
  *setUp(user) {
    yield* user.mmap(START, 3 * PAGE_SIZE, PROT_READ | PROT_WRITE, MAP_ANON | MAP_PRIVATE | MAP_FIXED);
    yield* user.store8(X - PAGE_SIZE, 1);
  },
  *main(user) {
    if ((yield* user.mlock(X, -PAGE_SIZE)) === 0) throw new CheckFailed('mlock of a range that ends before it begins answers 0');
    yield* user.mlock(X - PAGE_SIZE, PAGE_SIZE);
    yield* user.munlock(X - PAGE_SIZE, PAGE_SIZE);
  },
});

/** The entry. */
export const mlockWrap: CatalogueEntry = {
  id: 'netbsd-2019-mlock-wrap',
  system: 'NetBSD',
  historical: true,
  title: 'an mlock whose length wraps succeeds, and corrupts wired_count in another place',
  story:
    'The second finding of the thread of 2019 on mlock. A range that ends before it begins is not refused by VM_MAP_RANGE_CHECK, but made ' +
    'empty, and not where it begins: at its end, an address that nobody named. From there on it is a zero-length mlock: an entry is ' +
    'counted as wired, no page of it is, and the call says that all went well. What keeps such lengths away are the tests of the system ' +
    'call, which the patch leaves out.',
  program,
  defect,
  finds: { kind: 'invariant', text: 'wired-entry', call: 1 },
  remedies: [
    { patch: wrappedRangeIsRefused, history: 'proposed in the thread for lengths that wrap', cures: true },
    {
      patch: emptyRangeReturns,
      history: 'adopted in 2019 for empty ranges; this one is empty only once it has been checked',
      cures: false,
    },
  ],
};
