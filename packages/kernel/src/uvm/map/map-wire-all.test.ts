/** Wiring everything, now or from now on: `uvm_map_pageable_all()`. */
import { describe, expect, it } from 'vitest';
import { Bench, PRIVATE } from '../../../test/maps.js';
import { ENOMEM } from '../../kern/errno.js';
import { PAGE_SIZE } from '../../machine/address.js';
import { PROT_NONE } from '../../machine/protection.js';
import { MCL_CURRENT, MCL_FUTURE } from '../../vm/mman.js';
import { UVM_FLAG_NOMERGE } from './map-arguments.js';
import { VM_MAP_WIREFUTURE } from './vm-map.js';

/** Pages 0 to 2, 3 to 5 inaccessible, 6 to 8: `aa.bb.cc`. */
function fresh(): Bench {
  const bench = new Bench();
  bench.run(function* () {
    yield* bench.put(0, 2);
    yield* bench.put(3, 5, { protection: PROT_NONE });
    yield* bench.put(6, 8);
  });
  return bench;
}

function wireAll(bench: Bench, flags: number, limit = 0): number {
  return bench.run(() => bench.uvm.uvmMapPageableAll(bench.map, flags, limit));
}

function future(bench: Bench): boolean {
  return (bench.map.flags & VM_MAP_WIREFUTURE) !== 0;
}

describe('wiring everything', () => {
  it('wires what is mapped and accessible now', () => {
    const bench = fresh();
    expect(wireAll(bench, MCL_CURRENT)).toBe(0);
    expect([bench.picture(), bench.uvm.uvmexp.wired, future(bench)]).toEqual(['AA.bb.CC', 4, false]);
    bench.expectSound();
  });

  it('again leaves the pages as they are', () => {
    const bench = fresh();
    wireAll(bench, MCL_CURRENT);
    expect(wireAll(bench, MCL_CURRENT)).toBe(0);
    expect(bench.map.entries().map(({ wiredCount }) => wiredCount)).toEqual([2, 0, 2]);
    expect(bench.uvm.pages.wireCount(bench.pageOf(0))).toBe(1);
    bench.expectSound();
  });

  it('leaves what was wired before it became inaccessible', () => {
    const bench = fresh();
    bench.run(function* () {
      yield* bench.wire(0, 2);
      yield* bench.uvm.uvmMapProtect(bench.map, bench.at(0), bench.at(2), PROT_NONE, { setMax: false });
    });
    expect(wireAll(bench, MCL_CURRENT)).toBe(0);
    expect(bench.map.entries().map(({ wiredCount }) => wiredCount)).toEqual([1, 0, 1]);
    bench.expectSound();
  });

  it('from now on only notes it in the map', () => {
    const bench = fresh();
    expect(wireAll(bench, MCL_FUTURE)).toBe(0);
    expect([bench.picture(), future(bench)]).toEqual(['aa.bb.cc', true]);
  });

  it('is undone with flags 0, whatever the counts', () => {
    const bench = fresh();
    wireAll(bench, MCL_CURRENT | MCL_FUTURE);
    wireAll(bench, MCL_CURRENT);
    expect(wireAll(bench, 0)).toBe(0);
    expect([bench.picture(), bench.uvm.uvmexp.wired, future(bench)]).toEqual(['aa.bb.cc', 0, false]);
    bench.expectSound();
  });

  it('of an empty map is no error', () => {
    expect(wireAll(new Bench(), MCL_CURRENT)).toBe(0);
  });
});

describe('a limit of wiring', () => {
  it('counts what is accessible and not wired yet, and what the process has wired', () => {
    const bench = fresh();
    expect(wireAll(bench, MCL_CURRENT, 4 * PAGE_SIZE - 1)).toBe(ENOMEM);
    expect(bench.picture()).toBe('aa.bb.cc');
    bench.run(() => bench.wire(0, 1));
    expect(wireAll(bench, MCL_CURRENT, 4 * PAGE_SIZE - 1)).toBe(ENOMEM);
    expect(wireAll(bench, MCL_CURRENT, 4 * PAGE_SIZE)).toBe(0);
    bench.expectSound();
  });

  it('is none when it is 0', () => {
    expect(wireAll(fresh(), MCL_CURRENT, 0)).toBe(0);
  });

  it('of the whole system is a third of its pages', () => {
    const bench = new Bench({ ramPages: 30 });
    expect(bench.uvm.uvmexp.wiredmax).toBe(10);
    bench.run(() => bench.put(0, 11));
    expect(wireAll(bench, MCL_CURRENT)).toBe(ENOMEM);
    bench.run(() => bench.remove(10, 11));
    expect(wireAll(bench, MCL_CURRENT)).toBe(0);
    bench.expectSound();
  });

  it('does not keep the promise for the future from being made', () => {
    const bench = fresh();
    expect(wireAll(bench, MCL_CURRENT | MCL_FUTURE, PAGE_SIZE)).toBe(ENOMEM);
    expect(future(bench)).toBe(true);
  });
});

describe('wiring everything, when a page cannot be had', () => {
  it('answers the error of the fault, unwires what it wired and leaves what was wired before', () => {
    const bench = new Bench();
    bench.run(function* () {
      yield* bench.put(0, 2);
      yield* bench.put(2, 4, { flags: PRIVATE | UVM_FLAG_NOMERGE });
      yield* bench.put(4, 8, { flags: PRIVATE | UVM_FLAG_NOMERGE });
      yield* bench.put(8, 9, { protection: PROT_NONE });
      yield* bench.put(9, 10);
      yield* bench.wire(2, 4);
    });
    bench.uvm.uvmexp.reserve_kernel = bench.uvm.uvmexp.free - 3;
    expect(wireAll(bench, MCL_CURRENT)).toBe(ENOMEM);
    expect([bench.picture(), bench.uvm.uvmexp.wired, bench.map.pmap.wiredCount]).toEqual(['aaBBccccde', 2, 2]);
    expect(bench.map.entries().map(({ wiredCount }) => wiredCount)).toEqual([0, 1, 0, 0, 0]);
    expect([bench.map.busy, bench.map.lock.state]).toEqual([null, 'free']);
    bench.expectSound();
  });
});
