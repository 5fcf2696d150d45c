/**
 * NetBSD 2012: a zero-length mlock clips an entry where it begins, and there is nothing to split (PR 44788).
 *
 *     mlock(x, 0) with x inside an entry      [a ........ b)
 *       clip start at x                       [a .. x)[x .. b)
 *       clip end at x: before the end         [a .. x)[x, x)[x .. b)     <- nobody asks whether it is behind the start
 */
import { definePatch, MAP_ANON, MAP_FIXED, MAP_PRIVATE, PAGE_SIZE, PROT_READ, PROT_WRITE } from '@faultline/kernel';
import { defineProgram } from '@faultline/program';
import type { CatalogueEntry } from './entry.js';
import { emptyRangeReturns, uvmMapPageableUntil2019 } from './wiring.js';

const START = 0x100000;
const X = START + PAGE_SIZE;
/** What the calls leave of the page each time, as in NetBSD's own test. */
const STEP = 1024;

const defect = definePatch({
  id: 'netbsd-2012-mlock-clip',
  summary:
    'an entry is clipped at an end that lies before it, and uvm_map_pageable does not return early when the range is empty',
  replace: {
    uvm: {
      uvmMapPageable: () => uvmMapPageableUntil2019,
      uvmMapClipEnd: (original) =>
        function* (map, entry, at) {
          if (at > entry.start || at >= entry.end) return yield* original.call(this, map, entry, at);
          const tail = this.uvmMapentAlloc(entry.start, entry.end);
          tail.copyFrom(entry);
          tail.start = at;
          yield* this.uvmMapentSplitadj(entry, tail, at - entry.start);
          // Without assertions an entry is left that has nothing. The tree of a map has no place for it.
          this.kern.panic('uvm_map_clip_end: an entry of no pages');
        },
    },
  },
});

const clipsOnlyInside = definePatch({
  id: 'netbsd-clips-only-inside',
  summary: 'an entry is clipped only at an address strictly inside it',
  replace: {
    uvm: {
      uvmMapClipEnd: (original) =>
        function* (map, entry, at) {
          if (at > entry.start && at < entry.end) yield* original.call(this, map, entry, at);
        },
    },
  },
});

const program = defineProgram({
  name: 'catalogue:netbsd-2012-mlock-clip',
  machine: { ramPages: 32, counterWidth: 16 },
  *setUp(user) {
    yield* user.mmap(START, 2 * PAGE_SIZE, PROT_READ | PROT_WRITE, MAP_ANON | MAP_PRIVATE | MAP_FIXED);
    yield* user.store8(X, 1);
  },
  *main(user) {
    for (let length = 0; length < PAGE_SIZE; length += STEP) {
      yield* user.mlock(X, length);
      yield* user.munlock(X, length);
    }
  },
});

/** The entry. */
export const mlockClip: CatalogueEntry = {
  id: 'netbsd-2012-mlock-clip',
  system: 'NetBSD',
  historical: true,
  title: 'a zero-length mlock clips an entry at its own start',
  story:
    'PR 44788. UVM_MAP_CLIP_END asked only whether the address lies before the end of the entry. When the range is empty, and the entry has ' +
    'just been clipped where the range begins, the address is its start: it is split into nothing and itself, and amap_splitref is to ' +
    'split a reference at its first slot. ' +
    "NetBSD's test for it locks and unlocks a page less 4, 3, 2 and 1 KiB; the first of these lengths is 0. Clips were confined to the " +
    'inside of an entry, and the zero-length mlock went on without a panic, to be found once more in 2019.',
  program,
  defect,
  finds: { kind: 'panic', text: 'assertion "leftslots != 0" failed', call: 1 },
  remedies: [
    {
      patch: clipsOnlyInside,
      history: 'made for the PR: no panic, but what is left is netbsd-2019-mlock-zero',
      cures: false,
    },
    { patch: emptyRangeReturns, history: 'adopted in 2019: with nothing to be done, nothing is clipped', cures: true },
  ],
};
