/**
 * NetBSD 2002: a mapping that fills the gap between an entry with an amap and one without (PR 18789).
 *
 *     entries   [A ── amap)[  gap  )[C ── none)
 *     mmap                 [── B ──)
 *       back merge         the amap of A is extended over B
 *       forward merge      C has no amap, so there is nothing to be done     <- A's has to be extended over C as well
 *     entries   [────── one entry: A, B, C ────)
 *     amap      [A][B]
 */
import { definePatch, MAP_ANON, MAP_FIXED, MAP_PRIVATE, PAGE_SIZE, PROT_READ, PROT_WRITE } from '@faultline/kernel';
import { defineProgram } from '@faultline/program';
import type { CatalogueEntry } from './entry.js';

const A = 0x100000;
const B = A + PAGE_SIZE;
const C = B + PAGE_SIZE;
const READ_WRITE = PROT_READ | PROT_WRITE;
const PRIVATE = MAP_ANON | MAP_PRIVATE | MAP_FIXED;

const defect = definePatch({
  id: 'netbsd-2002-amap-bimerge',
  summary: 'a forward merge after a back merge does not extend the amap over the entry behind',
  replace: {
    uvm: {
      uvmMapMergeAmaps: (original) =>
        function* (args, before, after, options) {
          if (options.back && before.amap !== null) return true;
          return yield* original.call(this, args, before, after, options);
        },
    },
  },
});

const amapIsExtended = definePatch({
  id: 'netbsd-bimerge-extends-amap',
  summary: 'a forward merge after a back merge extends the amap over the entry behind',
  replace: {
    uvm: {
      uvmMapMergeAmaps: (original) =>
        function* (args, before, after, options) {
          if (!options.back || before.amap === null) return yield* original.call(this, args, before, after, options);
          return (yield* this.amapExtend(before, after.size, 'forwards')) === 0;
        },
    },
  },
});

const neverBothWays = definePatch({
  id: 'netbsd-no-bimerge-with-amap',
  summary: 'a mapping that was merged into an entry with an amap is not merged with the entry behind',
  replace: {
    uvm: {
      uvmMapMergeForward: (original) =>
        function* (map, args, kind, before, start, options) {
          if (options.back && before.amap !== null) return false;
          return yield* original.call(this, map, args, kind, before, start, options);
        },
    },
  },
});

const program = defineProgram({
  name: 'catalogue:netbsd-2002-amap-bimerge',
  machine: { ramPages: 32 },
  *setUp(user) {
    yield* user.mmap(A, PAGE_SIZE, READ_WRITE, PRIVATE);
    yield* user.mmap(C, PAGE_SIZE, READ_WRITE, PRIVATE);
    yield* user.store8(A, 1);
    // With the child gone, A still needs a copy as C does, and has its amap to itself.
    yield* user.fork(function* () {});
    yield* user.wait();
  },
  *main(user) {
    yield* user.mmap(B, PAGE_SIZE, READ_WRITE, PRIVATE);
    yield* user.store8(C, 1);
  },
});

/** The entry. */
export const amapBimerge: CatalogueEntry = {
  id: 'netbsd-2002-amap-bimerge',
  system: 'NetBSD',
  historical: true,
  title: 'an entry merged on both sides covers more than its amap',
  story:
    'PR 18789, a panic in amap_lookups. Changes of October 2002 let a new mapping be merged with the entry behind it, if that has no amap. ' +
    'When it has been merged with the entry before it already, and that one has an amap, three ranges become one entry, and the amap ' +
    'covers two of them: a fault in the third looks at a slot beyond the end. Rare, because a program seldom fills such a gap, and the ' +
    'two entries must be alike although only one of them has been touched.',
  program,
  defect,
  finds: {
    kind: 'invariant',
    text: 'entry-layers',
    call: 1,
    panic: 'kernel diagnostic assertion "(slot + (npages - 1)) < amap->am_nslot" failed',
  },
  remedies: [
    { patch: amapIsExtended, history: 'as NetBSD has done it since', cures: true },
    { patch: neverBothWays, history: 'the cautious way: two entries where one would do', cures: true },
  ],
};
