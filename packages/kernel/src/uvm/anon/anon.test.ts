import { describe, expect, it } from 'vitest';
import { Bench } from '../../../test/maps.js';
import { NO_PAGE } from '../page/page-array.js';
import { Anon } from './anon.js';

describe('an anon', () => {
  it('is new without a page, without a lock, and with the reference of whoever made it', () => {
    const anon = new Anon(7);
    expect([anon.id, anon.page, anon.lock, anon.references]).toEqual([7, NO_PAGE, null, 1]);
  });

  it('has the lock of its amap while it is in one, and a page that is its own', () => {
    const bench = new Bench();
    bench.run(function* () {
      yield* bench.put(0, 1);
      yield* bench.write(0, 1);
    });
    const amap = bench.amapAt(0);
    const anon = amap.at(0);
    expect(anon?.lock).toBe(amap.lock);
    expect(anon === null ? null : bench.uvm.pages.uanon(anon.page)).toBe(anon);
  });

  it('is destroyed only when its page is gone', () => {
    const bench = new Bench();
    bench.run(function* () {
      yield* bench.put(0, 1);
      yield* bench.write(0, 1);
    });
    const anon = bench.amapAt(0).at(0) as Anon;
    const panic = bench.panicOf(function* () {
      yield* bench.amapAt(0).lock.enter();
      bench.uvm.uvmAnonFree(anon);
    });
    expect(panic).toContain('"anon->an_page == NULL"');
  });

  it('cannot be had when the environment has no memory for it', () => {
    const bench = new Bench();
    const { kern, uvm } = bench;
    const made = bench.run(function* () {
      yield* bench.map.miscLock.enter();
      kern.faults.arm(uvm.curlwp, 1);
      const first = uvm.uvmAnalloc(bench.map.miscLock);
      kern.faults.disarm(uvm.curlwp);
      const second = uvm.uvmAnalloc(bench.map.miscLock);
      yield* bench.map.miscLock.exit();
      return [first, second];
    });
    expect(made).toEqual([null, expect.any(Anon)]);
    expect(uvm.anonCount).toBe(1);
  });
});
