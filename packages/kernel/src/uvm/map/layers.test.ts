import { describe, expect, it } from 'vitest';
import { Bench, PRIVATE } from '../../../test/maps.js';
import { NO_PAGE } from '../page/page-array.js';
import { pageAt } from './layers.js';

describe('what an entry has at an address', () => {
  //   upper layer   .  [x] .
  //   lower layer  [1] [2] [3] [4]     pages of a file, brought in as one block
  function layered(): { bench: Bench; file: ReturnType<Bench['newFile']> } {
    const bench = new Bench();
    const file = bench.newFile(8);
    bench.run(function* () {
      yield* bench.putFile(2, 5, file, 0, { flags: PRIVATE });
      yield* bench.read(2);
      yield* bench.write(3, 9);
    });
    return { bench, file };
  }

  it('is the page of the upper layer, and its anon, where there is one', () => {
    const { bench } = layered();
    const anon = bench.amapAt(3).at(1);
    expect(pageAt(bench.entryAt(3), bench.at(3))).toEqual({ page: anon?.page, anon });
  });

  it('is the page of the lower layer where the upper has nothing', () => {
    const { bench, file } = layered();
    const below = bench.entryAt(2);
    expect(pageAt(below, bench.at(2))).toEqual({ page: file.lookup(below.offset), anon: null });
  });

  it('is no page where nothing is in memory, or there is no layer at all', () => {
    const { bench } = layered();
    bench.run(() => bench.put(10, 12));
    expect(pageAt(bench.entryAt(10), bench.at(11))).toEqual({ page: NO_PAGE, anon: null });
    const far = new Bench();
    const file = far.newFile(8);
    far.run(() => far.putFile(0, 2, file, 6));
    expect(pageAt(far.entryAt(0), far.at(1))).toEqual({ page: NO_PAGE, anon: null });
  });

  it('is looked up by the parts of the layers that an entry covers', () => {
    const { bench } = layered();
    bench.run(() => bench.uvm.uvmMapInherit(bench.map, bench.at(3), bench.at(5), 0));
    expect(bench.picture()).toBe('..abb');
    expect(bench.entryAt(3).amapOffset).toBe(1);
    expect(pageAt(bench.entryAt(3), bench.at(3)).anon).toBe(bench.amapAt(2).at(1));
  });
});
