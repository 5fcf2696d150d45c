import { describe, expect, it } from 'vitest';
import { Bench } from '../../../test/maps.js';
import { asOffset, PAGE_SIZE } from '../../machine/address.js';
import { NO_PAGE } from '../page/page-array.js';
import { isPage, PGO_DONTCARE, PGO_WANTED_PAGE } from './object.js';

describe('a memory object', () => {
  it('begins with one reference and no pages', () => {
    const file = new Bench().newFile(3);
    expect(file.references).toBe(1);
    expect(file.lookup(asOffset(0))).toBe(NO_PAGE);
  });

  it('finds the page at an offset, page 0 of RAM included, and none beside it', () => {
    const bench = new Bench();
    const file = bench.newFile(3);
    bench.run(function* () {
      yield* file.lock.enter();
      expect(yield* bench.uvm.uvmPagealloc(file, asOffset(PAGE_SIZE), null, 0)).toBe(0);
      yield* file.lock.exit();
    });
    expect([0, 1, 2].map((page) => file.lookup(asOffset(page * PAGE_SIZE)))).toEqual([NO_PAGE, 0, NO_PAGE]);
  });

  it('has a number of its own, which is never used again', () => {
    const bench = new Bench();
    const first = bench.newFile(1);
    first.unlinked = true;
    bench.run(() => first.detach(bench.uvm));
    expect(bench.newFile(1).id).toBe(first.id + 1);
  });
});

describe('a slot of a page request', () => {
  it('holds a page, or says that one is wanted or not cared for', () => {
    expect(isPage(PGO_WANTED_PAGE)).toBe(false);
    expect(isPage(PGO_DONTCARE)).toBe(false);
    expect(isPage(0 as typeof PGO_DONTCARE)).toBe(true);
  });
});
