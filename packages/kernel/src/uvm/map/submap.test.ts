/** Maps in maps: `uvm_map_submap()`. Only the kernel divides its map so. */
import { describe, expect, it } from 'vitest';
import { Bench } from '../../../test/maps.js';
import { EFAULT, EINVAL } from '../../kern/errno.js';
import { PROT_READ, PROT_WRITE } from '../../machine/protection.js';
import type { VmMap } from './vm-map.js';

/** A map with pages 2 to 6 blank, of which 3 to 5 are a submap: `..abbc`. */
function divided(): { bench: Bench; submap: VmMap } {
  const bench = new Bench();
  const submap = bench.newSpace().map;
  bench.run(function* () {
    yield* bench.put(2, 6, { flags: 0 });
    expect(yield* bench.uvm.uvmMapSubmap(bench.map, bench.at(3), bench.at(5), submap)).toBe(0);
  });
  return { bench, submap };
}

describe('a submap', () => {
  it('takes over in a part of a blank entry', () => {
    const { bench, submap } = divided();
    expect(bench.picture()).toBe('..abbc');
    expect(bench.map.entries().map((entry) => entry.submap)).toEqual([null, submap, null]);
    expect(submap.references).toBe(2);
    bench.expectSound();
  });

  it('is refused with EINVAL where there is no blank entry, or not one for the whole range', () => {
    const { bench, submap } = divided();
    const file = bench.newFile(1);
    bench.run(function* () {
      yield* bench.put(8, 9);
      yield* bench.putFile(10, 11, file, 0);
      const trials: [from: number, to: number][] = [
        [3, 5],
        [5, 7],
        [8, 9],
        [10, 11],
        [12, 13],
      ];
      for (const [from, to] of trials) {
        expect(yield* bench.uvm.uvmMapSubmap(bench.map, bench.at(from), bench.at(to), submap), `${from} to ${to}`).toBe(EINVAL);
      }
    });
    expect(submap.references).toBe(2);
    expect(bench.map.lock.state).toBe('free');
  });

  it('is where a fault at one of its addresses looks', () => {
    const { bench, submap } = divided();
    bench.run(function* () {
      yield* bench.put(3, 4, {}, submap);
      expect(yield* bench.uvm.uvmFault(bench.map, bench.at(3), PROT_WRITE)).toBe(0);
      expect(yield* bench.uvm.uvmFault(bench.map, bench.at(4), PROT_READ)).toBe(EFAULT);
    });
    expect(bench.amapAt(3, submap).used).toEqual([0]);
    expect([bench.map.lock.state, submap.lock.state]).toEqual(['free', 'free']);
  });

  it('is referred to by both halves when its entry is clipped', () => {
    const { bench, submap } = divided();
    bench.run(() => bench.uvm.uvmMapInherit(bench.map, bench.at(4), bench.at(5), 2));
    expect(bench.picture()).toBe('..abcd');
    expect(bench.map.entries().map((entry) => entry.submap)).toEqual([null, submap, submap, null]);
    expect(submap.references).toBe(3);
  });

  it('is never unmapped', () => {
    const { bench } = divided();
    expect(bench.panicOf(() => bench.remove(3, 5))).toContain('"!UVM_ET_ISSUBMAP(first_entry)"');
  });
});
