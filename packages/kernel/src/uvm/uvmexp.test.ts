import { describe, expect, it } from 'vitest';
import { Bench, PRIVATE } from '../../test/maps.js';
import { PROT_READ } from '../machine/protection.js';
import { UVMEXP_STATE, Uvmexp, type UvmexpField } from './uvmexp.js';

/** By how much counters grow over a job. */
function growth(bench: Bench, fields: readonly UvmexpField[], job: () => void): number[] {
  const { uvmexp } = bench.uvm;
  const before = fields.map((field) => uvmexp[field]);
  job();
  return fields.map((field, i) => uvmexp[field] - (before[i] ?? 0));
}

describe('the counters', () => {
  it('begin at zero, all of them numbers', () => {
    expect(Object.values(new Uvmexp()).every((value) => value === 0)).toBe(true);
  });

  it('that are state exist, and are listed once', () => {
    expect(new Set(UVMEXP_STATE).size).toBe(UVMEXP_STATE.length);
    expect(UVMEXP_STATE.filter((field) => !(field in new Uvmexp()))).toEqual([]);
  });

  it('of pages say at boot that all are free', () => {
    const { uvmexp } = new Bench({ ramPages: 50 }).uvm;
    expect([uvmexp.npages, uvmexp.free, uvmexp.wired, uvmexp.active, uvmexp.inactive]).toEqual([50, 50, 0, 0, 0]);
    expect(uvmexp.wiredmax).toBe(16);
    expect([uvmexp.freemin > uvmexp.reserve_kernel, uvmexp.freetarg > uvmexp.freemin]).toEqual([true, true]);
  });

  it('of pages move from one to another as memory is used, wired, unwired and given back', () => {
    const bench = new Bench();
    const fields = ['free', 'active', 'wired', 'anonpages'] as const;
    expect(growth(bench, fields, () => bench.run(() => bench.put(0, 2)))).toEqual([0, 0, 0, 0]);
    expect(growth(bench, fields, () => bench.run(() => bench.write(0, 1)))).toEqual([-1, 1, 0, 1]);
    expect(growth(bench, fields, () => bench.run(() => bench.wire(0, 2)))).toEqual([-1, -1, 2, 1]);
    expect(growth(bench, fields, () => bench.run(() => bench.unwire(0, 2)))).toEqual([0, 2, -2, 0]);
    expect(growth(bench, fields, () => bench.run(() => bench.remove(0, 2)))).toEqual([2, -2, 0, -2]);
  });

  it('of faults tell the cases apart', () => {
    const bench = new Bench();
    const file = bench.newFile(1);
    const fields = ['faults', 'flt_anon', 'flt_acow', 'flt_obj', 'flt_prcopy', 'flt_przero', 'fltamcopy'] as const;
    const fault = (page: number, work: 'read' | 'write'): number[] =>
      growth(bench, fields, () => {
        bench.run<unknown>(() => (work === 'read' ? bench.read(page) : bench.write(page, 1)));
      });
    bench.run(function* () {
      yield* bench.put(0, 1);
      yield* bench.putFile(2, 3, file, 0, { protection: PROT_READ });
      yield* bench.putFile(4, 5, file, 0, { flags: PRIVATE });
    });
    expect(fault(0, 'write')).toEqual([1, 0, 0, 0, 0, 1, 1]);
    expect(fault(0, 'read')).toEqual([1, 1, 0, 0, 0, 0, 0]);
    expect(fault(2, 'read')).toEqual([1, 0, 0, 1, 0, 0, 0]);
    expect(fault(4, 'write')).toEqual([1, 0, 0, 0, 1, 0, 1]);
    bench.run(() => bench.uvm.uvmspaceFork(bench.space));
    expect(fault(0, 'write')).toEqual([1, 0, 1, 0, 0, 0, 1]);
  });

  it('of map operations count insertions and lookups', () => {
    const bench = new Bench();
    const fields = ['map_call', 'nomerge', 'backmerge', 'forwmerge', 'bimerge'] as const;
    const insert = (from: number, to: number): number[] => growth(bench, fields, () => bench.run(() => bench.put(from, to)));
    expect([insert(2, 3), insert(3, 4), insert(1, 2), insert(5, 6), insert(4, 5)]).toEqual([
      [1, 1, 0, 0, 0],
      [1, 0, 1, 0, 0],
      [1, 0, 0, 1, 0],
      [1, 1, 0, 0, 0],
      [1, 0, 0, 0, 1],
    ]);
    const lookups = ['mlk_call', 'mlk_hint', 'mlk_tree'] as const;
    const [calls, hints, trees] = growth(bench, lookups, () => {
      for (const page of [1, 2, 9, 3]) bench.uvm.uvmMapLookupEntry(bench.map, bench.at(page));
    });
    expect(calls).toBe(4);
    expect((hints ?? 0) + (trees ?? 0)).toBe(4);
  });
});
