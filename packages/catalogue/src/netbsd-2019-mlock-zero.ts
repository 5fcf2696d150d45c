/**
 * NetBSD 2019: a zero-length mlock corrupts wired_count.
 *
 *     mlock(x, 0) with x inside an entry      [a ........ b) wired 0
 *       clip start at x                       [a .. x)[x .. b) wired 0, 0
 *       clip end at x: not strictly inside    no split
 *       pass 1 counts                         [x .. b) wired 1      <- up to b, though nothing was asked for
 *       pass 2 faults in while start < end    x < x: no round       <- so no page is wired
 */
import { definePatch, MAP_ANON, MAP_FIXED, MAP_PRIVATE, PAGE_SIZE, PROT_READ, PROT_WRITE } from '@faultline/kernel';
import { defineProgram } from '@faultline/program';
import type { CatalogueEntry } from './entry.js';
import { emptyRangeReturns, uvmMapPageableUntil2019, wrappedRangeIsRefused } from './wiring.js';

/** The mapping, and x in it: where they were in the report of 2019. */
const START = 0x7f7ff7ecd000;
const END = 0x7f7ff7eff000;
const X = 0x7f7ff7ed6000;
/** Pages in use from x on. */
const TOUCHED_PAGES = 3;

const defect = definePatch({
  id: 'netbsd-2019-mlock-zero',
  summary: 'uvm_map_pageable does not return early when the range is empty',
  replace: { uvm: { uvmMapPageable: () => uvmMapPageableUntil2019 } },
});

const program = defineProgram({
  name: 'catalogue:netbsd-2019-mlock-zero',
  machine: { ramPages: 64, counterWidth: 16 },
  *setUp(user) {
    yield* user.mmap(START, END - START, PROT_READ | PROT_WRITE, MAP_ANON | MAP_PRIVATE | MAP_FIXED);
    for (let page = 0; page < TOUCHED_PAGES; page++) yield* user.store8(X + page * PAGE_SIZE, 1);
  },
  *main(user) {
    yield* user.mlock(X, 0);
    yield* user.munlock(X, 0);
    yield* user.mlock(X, 1024);
    yield* user.munlock(X, 1024);
  },
});

/** The entry. */
export const mlockZero: CatalogueEntry = {
  id: 'netbsd-2019-mlock-zero',
  system: 'NetBSD',
  historical: true,
  title: 'a zero-length mlock corrupts wired_count, and a later munlock panics',
  story:
    'mlock of an empty range inside an entry splits the entry and raises its wired_count, but wires no page. A later mlock of the same ' +
    'place believes that the pages are wired already; its munlock then unwires a page that never was. With DIAGNOSTIC the kernel stops ' +
    'there; without, the wire count of 16 bits goes from 0 to 65,535, and the page is lost to the page daemon for good.',
  program,
  defect,
  finds: {
    kind: 'invariant',
    text: 'wired-entry',
    call: 1,
    panic: 'kernel diagnostic assertion "pg->wire_count != 0" failed',
  },
  remedies: [
    { patch: emptyRangeReturns, history: 'proposed in the thread, and adopted in 2019', cures: true },
    { patch: wrappedRangeIsRefused, history: 'proposed in the thread for lengths that wrap', cures: false },
  ],
};
